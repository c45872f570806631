#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <memory>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "drive_iface/vtld/audited_methods.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using agent::runtime::ControlServer;
using nlohmann::json;
using virtual_library::Status;

namespace {

constexpr std::size_t data_out_max = std::size_t{16} * 1024;  // a control line holds no more

struct PortAndDrive {
    agent::core::InitiatorPort port;
    std::string drive;
};

Result<PortAndDrive> port_and_drive(const json& params, const Running& running) {
    std::set<std::string> serials;
    for (const auto& serial : running.bay->drive_serials())
        serials.insert(serial);
    const auto drive = drive_parameter(params, serials);
    if (!drive) return drive.error();
    const auto port = port_parameter(params, running.configuration->virtual_ports);
    if (!port) return port.error();
    return PortAndDrive{port.value(), drive.value()};
}

std::string sense_text(const CommandReply& reply) {
    if (reply.sense.empty()) return {};
    const auto sense = scsi::decode_sense(reply.sense);
    return sense ? scsi::to_text(sense.value()) : scsi::to_hex(reply.sense);
}

json reply_json(const CommandReply& reply) {
    const auto said = sense_text(reply);
    return {{"status", static_cast<int>(reply.status)},
            {"status_text", status_text(reply.status)},
            {"data_in", scsi::to_hex(reply.data_in)},
            {"sense", scsi::to_hex(reply.sense)},
            {"sense_text", said.empty() ? json() : json(said)}};
}

// Commands that change nothing, not even where a tape stands.
bool only_asks(std::uint8_t code) {
    namespace op = scsi::opcode;
    constexpr std::uint8_t questions[] = {op::test_unit_ready,
                                          op::request_sense,
                                          op::read_block_limits,
                                          op::inquiry,
                                          op::mode_sense_6,
                                          op::receive_diagnostic_results,
                                          op::read_position,
                                          op::read_buffer,
                                          op::report_density_support,
                                          op::log_sense,
                                          op::mode_sense_10,
                                          op::persistent_reserve_in,
                                          op::read_attribute,
                                          op::report_luns,
                                          op::maintenance_in,
                                          op::service_action_in_12,
                                          op::request_volume_element_address,
                                          op::send_volume_tag,
                                          op::read_element_status};
    return std::ranges::count(questions, code) != 0;
}

// Says which commands were sent, without the data that went with them. A tape is read by the same
// command again and again: it is said once.
class CommandAudit {
  public:
    void note(json params, std::uint8_t code, const CommandReply& reply, const Caller& caller) {
        if (only_asks(code)) return;
        for (const char* name : {"data", "data_out"}) {
            if (params.contains(name))
                params[name] =
                    std::to_string(params[name].get<std::string>().size() / 2) + " bytes";
        }
        params["command"] = scsi::opcode_name(code);
        params["status"] = status_text(reply.status);
        const auto said = params.dump() + to_text(caller);
        if (said == said_last_) return;
        said_last_ = said;
        log_change("port.command", params, caller);
    }

  private:
    std::string said_last_;
};

void run_command(const json& params, const Running& running, const Caller& caller,
                 const std::shared_ptr<CommandAudit>& audit,
                 const ControlServer::Answerer& answer) {
    if (auto known = check_known(params, {"port", "drive", "serial", "cdb", "data_out", "data"});
        !known) {
        return answer(invalid(known.error()));
    }
    const auto where = port_and_drive(params, running);
    if (!where) return answer(invalid(where.error()));
    const auto cdb_text = agent::runtime::text_parameter(params, "cdb");
    if (!cdb_text) return answer(invalid(cdb_text.error()));
    const auto cdb = bytes_from_hex_text(cdb_text.value(), 6, 16);
    if (!cdb) return answer(invalid(cdb.error().within("cdb")));
    if (params.contains("data") && params.contains("data_out"))
        return answer(invalid(Error{"data, data_out: two names of the same; give one of them"}));
    const auto data_out_text = optional_text(params, params.contains("data") ? "data" : "data_out");
    if (!data_out_text) return answer(invalid(data_out_text.error()));
    const auto data_out = bytes_from_hex_text(data_out_text->value_or(""), 0, data_out_max);
    if (!data_out) return answer(invalid(data_out.error().within("data_out")));
    running.ports->command(
        where->port, where->drive, cdb.value(), data_out.value(),
        [answer, audit, params, caller, code = cdb->front()](Result<CommandReply> reply) {
            if (!reply)
                return answer(ControlError{ControlErrorCode::failed, reply.error().message});
            audit->note(params, code, *reply, caller);
            answer(reply_json(reply.value()));
        });
}

enum class Kind : std::uint8_t { reserve6, reserve10, persistent };

struct ReservationRequest {
    PortAndDrive where;
    Kind kind = Kind::reserve6;
    std::uint8_t type = 3;  // exclusive access
    std::uint64_t key = 0;
};

std::optional<std::uint64_t> key_from_text(std::string_view text) {
    if (text.rfind("0x", 0) == 0) text.remove_prefix(2);
    std::uint64_t key = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key, 16);
    if (error != std::errc{} || end != text.data() + text.size() || key == 0) return std::nullopt;
    return key;
}

Result<ReservationRequest> reservation_request(const json& params, const Running& running) {
    if (auto known = check_known(params, {"port", "drive", "serial", "kind", "type", "key"});
        !known)
        return known.error();
    const auto where = port_and_drive(params, running);
    if (!where) return where.error();
    ReservationRequest request{.where = where.value()};
    const auto kind = optional_text(params, "kind");
    if (!kind) return kind.error();
    const auto kind_text = kind->value_or("reserve6");
    if (kind_text == "reserve10") {
        request.kind = Kind::reserve10;
    } else if (kind_text == "pr" || kind_text == "persistent") {
        request.kind = Kind::persistent;
    } else if (kind_text != "reserve6") {
        return Error{"kind: \"" + kind_text + "\" is not reserve6, reserve10 or pr"};
    }
    const auto type = optional_number(params, "type", 1, 8);
    if (!type) return type.error();
    request.type = static_cast<std::uint8_t>(type->value_or(3));
    const auto key = optional_text(params, "key");
    if (!key) return key.error();
    if (request.kind != Kind::persistent) {
        if (type->has_value() || key->has_value()) return Error{"type, key: go with kind pr only"};
        return request;
    }
    if (!scsi::pr_type_from_code(request.type)) return Error{"type: there are 1, 3, 5, 6, 7 and 8"};
    // A host's key is its own business; its port's name is as good as any and easy to recognise.
    const auto number = key_from_text(key->value_or(request.where.port.name));
    if (!number) return Error{"key: must be 1 to 16 hexadecimal digits and not 0"};
    request.key = *number;
    return request;
}

template <typename Array>
iscsi::Bytes bytes_of(const Array& array) {
    return {array.begin(), array.end()};
}

struct Step {
    iscsi::Bytes cdb;
    iscsi::Bytes data_out;
};

Step pr_out(scsi::PrOutAction action, std::uint8_t type, std::uint64_t key, std::uint64_t new_key) {
    auto parameters = scsi::encode_pr_out_parameters(
        {.reservation_key = key, .service_action_reservation_key = new_key});
    const auto size = static_cast<std::uint32_t>(parameters->size());
    return {bytes_of(scsi::persistent_reserve_out_cdb(action, type, size)),
            std::move(parameters).value()};
}

std::vector<Step> reserve_steps(const ReservationRequest& request) {
    switch (request.kind) {
        case Kind::reserve6:
            return {{bytes_of(scsi::reserve_6_cdb()), {}}};
        case Kind::reserve10:
            return {{bytes_of(scsi::reserve_10_cdb()), {}}};
        case Kind::persistent:
            return {pr_out(scsi::PrOutAction::register_and_ignore_existing_key, 0, 0, request.key),
                    pr_out(scsi::PrOutAction::reserve, request.type, request.key, 0)};
    }
    return {};
}

std::vector<Step> release_steps(const ReservationRequest& request) {
    switch (request.kind) {
        case Kind::reserve6:
            return {{bytes_of(scsi::release_6_cdb()), {}}};
        case Kind::reserve10:
            return {{bytes_of(scsi::release_10_cdb()), {}}};
        case Kind::persistent:
            return {pr_out(scsi::PrOutAction::release, request.type, request.key, 0)};
    }
    return {};
}

// One step after the other, until one does not end with GOOD.
void run_steps(VirtualPorts& ports, const PortAndDrive& where, std::vector<Step> steps,
               const ControlServer::Answerer& answer) {
    const auto step = steps.front();
    steps.erase(steps.begin());
    ports.command_past_attentions(
        where.port, where.drive, step.cdb, step.data_out,
        [&ports, where, steps = std::move(steps), answer](Result<CommandReply> reply) {
            if (!reply)
                return answer(ControlError{ControlErrorCode::failed, reply.error().message});
            if (reply->status != Status::good) {
                const auto said = sense_text(reply.value());
                return answer(ControlError{
                    ControlErrorCode::state_differs,
                    "drive " + where.drive + " answered " + status_text(reply->status) +
                        (said.empty() ? "" : ": " + said) + " to " + to_text(where.port)});
            }
            if (steps.empty()) return answer(reply_json(reply.value()));
            run_steps(ports, where, steps, answer);
        });
}

using StepsOf = std::vector<Step> (*)(const ReservationRequest&);

void run_reservation(const json& params, const Running& running, StepsOf steps_of,
                     const ControlServer::Answerer& answer) {
    const auto request = reservation_request(params, running);
    if (!request) return answer(invalid(request.error()));
    run_steps(*running.ports, request->where, steps_of(request.value()), answer);
}

ControlAnswer log_out(const json& params, const Running& running) {
    if (auto known = check_known(params, {"port", "drive", "serial"}); !known)
        return invalid(known.error());
    const auto where = port_and_drive(params, running);
    if (!where) return invalid(where.error());
    if (!running.ports->log_out(where->port, where->drive)) {
        return ControlError{ControlErrorCode::state_differs,
                            to_text(where->port) + " is not logged in to drive " + where->drive};
    }
    return json{{"logged_out", true}};
}

json logins_json(const Running& running) {
    json logins = json::array();
    for (const auto& login : running.ports->logins()) {
        logins.push_back({{"port", to_text(login.port)}, {"serial", login.drive}});
    }
    json named = json::object();
    for (const auto& [name, port] : running.configuration->virtual_ports)
        named[name] = to_text(port);
    return {{"virtual_ports", std::move(named)}, {"logins", std::move(logins)}};
}

}  // namespace

std::string status_text(Status status) {
    switch (status) {
        case Status::good:
            return "GOOD";
        case Status::check_condition:
            return "CHECK CONDITION";
        case Status::busy:
            return "BUSY";
        case Status::reservation_conflict:
            return "RESERVATION CONFLICT";
        case Status::task_set_full:
            return "TASK SET FULL";
        case Status::task_aborted:
            return "TASK ABORTED";
    }
    return "";
}

void add_port_methods(ControlServer& control, const Running& running) {
    using Answerer = ControlServer::Answerer;
    const auto audit = std::make_shared<CommandAudit>();
    control.on_async("port.command", [running, audit](const json& params, const Caller& caller,
                                                      const Answerer& answer) {
        run_command(params, running, caller, audit, answer);
    });
    on_async_change(control, "port.reserve",
                    [running](const json& params, const Caller&, const Answerer& answer) {
                        run_reservation(params, running, reserve_steps, answer);
                    });
    on_async_change(control, "port.release",
                    [running](const json& params, const Caller&, const Answerer& answer) {
                        run_reservation(params, running, release_steps, answer);
                    });
    on_change(control, "port.logout",
              [running](const json& params, const Caller&) { return log_out(params, running); });
    control.on("port.list", [running](const json& params, const Caller&) -> ControlAnswer {
        if (auto known = check_known(params, {}); !known) return invalid(known.error());
        return logins_json(running);
    });
}

}  // namespace drive_iface::vtld
