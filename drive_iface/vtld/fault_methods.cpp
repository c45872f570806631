#include <nlohmann/json.hpp>

#include "drive_iface/vtld/audited_methods.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

constexpr const char* kinds_text =
    "busy, sense, slow, silent, write_error, read_error, media_error, early_warning, "
    "storage_error, "
    "drop_session, lost_reservation or power_cycle";

json kinds_json() {
    return {
        {"busy", "status BUSY; --count for the next N commands only"},
        {"sense", "CHECK CONDITION with the sense data in parameter sense, \"KEY/ASC/ASCQ\""},
        {"slow", "answers after delay_ms"},
        {"silent", "does not answer"},
        {"write_error", "medium error for commands that write; sense says which, 03/0C/00 if not"},
        {"read_error", "medium error for commands that read; sense says which, 03/11/00 if not"},
        {"media_error",
         "block (or filemark) number --block of the tape in the drive is unreadable"},
        {"early_warning", "comes when --at-mb megabytes are on the tape, not near its end"},
        {"storage_error",
         "nothing that is written can be stored, as on a disk that fails, until it is cleared"},
        {"lost_reservation", "the drive forgets reservations and registrations; hosts get 2Ah/03h"},
        {"drop_session", "closes the drive's iSCSI sessions at once, as a broken cable would"},
        {"power_cycle",
         "the whole library loses power and comes back; --cache kept: what was written is stored"}};
}

json fault_json(const Fault& fault) {
    json result = {{"id", fault.id}, {"serial", fault.drive}, {"fault", to_text(fault.kind)}};
    result["remaining"] = fault.remaining ? json(*fault.remaining) : json();
    if (fault.opcode) result["opcode"] = scsi::to_hex(std::vector<std::uint8_t>{*fault.opcode});
    if (fault.kind == FaultKind::slow) result["delay_ms"] = fault.delay.ms;
    if (fault.kind == FaultKind::media_error) result["block"] = fault.block;
    if (fault.kind == FaultKind::early_warning) result["at_mb"] = fault.at_mb;
    if (fault.kind == FaultKind::sense || default_sense(fault.kind))
        result["sense"] = scsi::to_text(fault.sense);
    return result;
}

std::set<std::string> serials_of(const Running& running) {
    std::set<std::string> serials;
    for (const auto& target : running.bay->targets())
        serials.insert(target.device);
    return serials;
}

bool is_of_the_tape(FaultKind kind) {
    return kind == FaultKind::media_error || kind == FaultKind::early_warning ||
           kind == FaultKind::storage_error;
}

// What the tapes suffer from follows what the table says.
agent::core::Outcome afflict(const std::string& drive, const Running& running) {
    DriveBay& bay = *running.bay;
    return bay.library().set_tape_faults(drive, bay.faults().of_tape(drive));
}

// What happens at once and is over.
std::optional<ControlAnswer> happen(const std::string& kind, const std::string& drive,
                                    virtual_library::Cache cache, const Running& running) {
    if (kind == "lost_reservation") {
        if (auto lost = running.bay->library().lose_reservation(drive); !lost)
            return invalid(lost.error());
        static_cast<void>(running.bay->changed());
        return json{{"serial", drive}};
    }
    if (kind == "drop_session") return json{{"dropped", running.server->drop_sessions_of(drive)}};
    if (kind != "power_cycle") return std::nullopt;
    // Power first: what nexus loss would have released is gone by then, as on a real library.
    running.bay->power_cycle(cache);
    running.ports->forget_all();
    return json{{"dropped", running.server->drop_all_sessions()}};
}

// Numbers that go with one kind of fault, and only with it.
Result<std::uint64_t> number_of_kind(const json& params, const char* name, bool wanted,
                                     const char* kind) {
    const auto number = optional_number(params, name, 0, INT64_MAX / 1'000'000);
    if (!number) return number.error();
    if (number->has_value() != wanted) {
        return Error{std::string(name) + ": goes with the fault " + kind + ", and only with it"};
    }
    return static_cast<std::uint64_t>(number->value_or(0));
}

Result<virtual_library::Cache> cache_of(const json& params, const std::string& kind) {
    const auto text = optional_text(params, "cache");
    if (!text) return text.error();
    if (!text->has_value()) return virtual_library::Cache::lost;
    if (kind != "power_cycle")
        return Error{"cache: goes with the fault power_cycle, and only with it"};
    if (**text != "lost" && **text != "kept")
        return Error{"cache: \"" + **text + "\" is neither \"lost\" nor \"kept\""};
    return **text == "kept" ? virtual_library::Cache::kept : virtual_library::Cache::lost;
}

Result<Fault> fault_from(const json& params, const std::string& drive,
                         const std::string& kind_text) {
    const auto kind = fault_kind_from_text(kind_text);
    if (!kind) return Error{"fault: \"" + kind_text + "\" is not known; there are " + kinds_text};
    Fault fault;
    fault.drive = drive;
    fault.kind = *kind;
    const auto count = optional_number(params, "count", 1, 1'000'000);
    if (!count) return count.error();
    if (count->has_value()) fault.remaining = static_cast<std::uint32_t>(**count);
    const auto delay = optional_number(params, "delay_ms", 0, 3'600'000);
    if (!delay) return delay.error();
    if (delay->has_value() != (*kind == FaultKind::slow)) {
        return Error{"delay_ms: goes with the fault slow, and only with it"};
    }
    fault.delay = {delay->value_or(0)};
    const auto block =
        number_of_kind(params, "block", *kind == FaultKind::media_error, "media_error");
    if (!block) return block.error();
    fault.block = *block;
    const auto at_mb =
        number_of_kind(params, "at_mb", *kind == FaultKind::early_warning, "early_warning");
    if (!at_mb) return at_mb.error();
    fault.at_mb = *at_mb;
    const bool of_the_tape = is_of_the_tape(*kind);
    if (of_the_tape && (params.contains("count") || params.contains("opcode")))
        return Error{"count, opcode: " + kind_text + " lasts until it is cleared"};
    const auto opcode = optional_text(params, "opcode");
    if (!opcode) return opcode.error();
    if (opcode->has_value()) {
        const auto byte = bytes_from_hex_text(**opcode, 1, 1);
        if (!byte) return byte.error().within("opcode");
        fault.opcode = byte->front();
    }
    const auto sense = optional_text(params, "sense");
    if (!sense) return sense.error();
    const auto usual_sense = default_sense(*kind);
    if (*kind == FaultKind::sense ? !sense->has_value() : sense->has_value() && !usual_sense) {
        return Error{
            "sense: goes with the faults sense, write_error and read_error, and only with them; "
            "for "
            "example \"03/11/00\""};
    }
    if (usual_sense) fault.sense = *usual_sense;
    if (sense->has_value()) {
        const auto data = sense_from_text(**sense);
        if (!data) return data.error();
        fault.sense = data.value();
    }
    return fault;
}

ControlAnswer inject(const json& params, const Running& running) {
    if (auto known = check_known(params, {"drive", "serial", "fault", "count", "delay_ms", "sense",
                                          "opcode", "block", "at_mb", "cache"});
        !known) {
        return invalid(known.error());
    }
    const auto drive = drive_parameter(params, serials_of(running));
    if (!drive) return invalid(drive.error());
    const auto kind = optional_text(params, "fault");
    if (!kind) return invalid(kind.error());
    if (!kind->has_value())
        return invalid({std::string("fault: is missing; there are ") + kinds_text});
    const auto cache = cache_of(params, **kind);
    if (!cache) return invalid(cache.error());
    if (auto happened = happen(**kind, drive.value(), *cache, running)) return *happened;
    auto fault = fault_from(params, drive.value(), **kind);
    if (!fault) return invalid(fault.error());
    if (is_of_the_tape(fault->kind) && drive.value() == running.configuration->library.serial) {
        return invalid({"fault: " + **kind + " is one of a tape in a drive, and " + drive.value() +
                        " is the changer"});
    }
    const auto id = running.bay->faults().add(fault.value());
    if (!id) {
        return ControlError{ControlErrorCode::busy,
                            "there are " + std::to_string(FaultTable::faults_max) +
                                " faults already; end some with fault.clear"};
    }
    fault.value().id = *id;
    if (auto suffers = afflict(drive.value(), running); !suffers && is_of_the_tape(fault->kind)) {
        running.bay->faults().clear({.id = id});
        return invalid(suffers.error());
    }
    return fault_json(fault.value());
}

ControlAnswer list(const json& params, const Running& running) {
    if (auto known = check_known(params, {}); !known) return invalid(known.error());
    json faults = json::array();
    for (const auto& fault : running.bay->faults().all())
        faults.push_back(fault_json(fault));
    return json{{"faults", std::move(faults)}, {"kinds", kinds_json()}};
}

ControlAnswer clear(const json& params, const Running& running) {
    if (auto known = check_known(params, {"drive", "serial", "fault", "id"}); !known)
        return invalid(known.error());
    FaultTable::Selection selection;
    if (params.contains("drive") || params.contains("serial")) {
        const auto drive = drive_parameter(params, serials_of(running));
        if (!drive) return invalid(drive.error());
        selection.drive = drive.value();
    }
    const auto id = optional_number(params, "id", 1, INT64_MAX);
    if (!id) return invalid(id.error());
    if (id->has_value()) selection.id = static_cast<std::uint64_t>(**id);
    const auto kind = optional_text(params, "fault");
    if (!kind) return invalid(kind.error());
    if (kind->has_value()) {
        selection.kind = fault_kind_from_text(**kind);
        if (!selection.kind)
            return invalid({"fault: \"" + **kind + "\" is not one that lasts; see fault.list"});
    }
    const std::size_t cleared = running.bay->faults().clear(selection);
    for (const auto& drive : running.bay->drive_serials())
        static_cast<void>(afflict(drive, running));
    return json{{"cleared", cleared}};
}

}  // namespace

void add_fault_methods(agent::runtime::ControlServer& control, const Running& running) {
    on_change(control, "fault.inject",
              [running](const json& params, const Caller&) { return inject(params, running); });
    control.on("fault.list",
               [running](const json& params, const Caller&) { return list(params, running); });
    on_change(control, "fault.clear",
              [running](const json& params, const Caller&) { return clear(params, running); });
}

}  // namespace drive_iface::vtld
