#include "drive_iface/device/drive_capabilities.hpp"

#include <algorithm>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::uint16_t read_reservation_answer = 24;
constexpr std::uint16_t report_capabilities_answer = 8;
constexpr std::uint16_t full_status_header = 8;  // some targets refuse less
constexpr std::uint16_t log_answer_max = 4'096;

Ability ability(bool it_has) {
    return it_has ? Ability::yes : Ability::no;
}

// Sends commands and counts them.
class CapabilityQuestions {
  public:
    CapabilityQuestions(Transport& drive, Duration timeout) : drive_(drive), timeout_(timeout) {}

    template <std::size_t size>
    Result<ScsiReply> ask(const std::array<std::uint8_t, size>& cdb, std::size_t data_in_max) {
        const auto before = probe.unit_attentions.size();
        auto reply =
            execute_patiently(drive_, {cdb, {}, data_in_max}, timeout_, &probe.unit_attentions);
        probe.commands += static_cast<std::uint32_t>(probe.unit_attentions.size() - before + 1);
        return reply;
    }

    CapabilityProbe probe;

  private:
    Transport& drive_;
    Duration timeout_;
};

// Yes, no, or something else came in between.
Ability answered(const ScsiReply& reply) {
    if (reply.status == scsi::status::good) return Ability::yes;
    return says_not_supported(reply) ? Ability::no : Ability::unknown;
}

Outcome probe_reservations(CapabilityQuestions& questions, DriveCapabilities& known) {
    using scsi::PrInAction;
    if (known.persistent_reserve_in == Ability::unknown) {
        const auto reply = questions.ask(
            scsi::persistent_reserve_in_cdb(PrInAction::read_reservation, read_reservation_answer),
            read_reservation_answer);
        if (!reply) return reply.error();
        known.persistent_reserve_in = answered(*reply);
    }
    if (known.persistent_reserve_in == Ability::no) {
        known.full_status = known.report_capabilities = Ability::no;
        return Nothing{};
    }
    // A RESERVE: the two below would say no more than this one.
    if (known.persistent_reserve_in == Ability::unknown) return Nothing{};
    if (known.report_capabilities == Ability::unknown) {
        const auto reply =
            questions.ask(scsi::persistent_reserve_in_cdb(PrInAction::report_capabilities,
                                                          report_capabilities_answer),
                          report_capabilities_answer);
        if (!reply) return reply.error();
        note_report_capabilities(*reply, known);
    }
    if (known.full_status == Ability::unknown) {
        const auto reply = questions.ask(
            scsi::persistent_reserve_in_cdb(PrInAction::read_full_status, full_status_header),
            full_status_header);
        if (!reply) return reply.error();
        known.full_status = answered(*reply);
    }
    return Nothing{};
}

void note_dt_device_status(const ScsiReply& reply, DriveCapabilities& known) {
    known.dt_device_status = answered(reply);
    if (known.dt_device_status != Ability::yes) return;
    const auto page = scsi::decode_log_page(reply.data_in);
    const auto status = scsi::decode_dt_device_status(reply.data_in);
    if (!page || !status) {
        known.dt_device_status = Ability::no;  // whatever it is, it is not that page
        return;
    }
    known.dt_parameters.clear();
    for (const auto& parameter : page->parameters)
        known.dt_parameters.push_back(parameter.code);
    known.very_high_frequency = ability(status->very_high_frequency.has_value());
    known.potential_conflicts = ability(status->potential_conflict_count.has_value());
    known.polling_delay_ms = status->polling_delay_ms;
}

Outcome probe_log_pages(CapabilityQuestions& questions, DriveCapabilities& known) {
    if (known.dt_device_status != Ability::unknown) return Nothing{};
    const auto list =
        questions.ask(scsi::log_sense_cdb(scsi::log_page_code::supported_pages, 0, log_answer_max),
                      log_answer_max);
    if (!list) return list.error();
    const auto supported = answered(*list);
    if (supported == Ability::unknown) return Nothing{};
    if (supported == Ability::yes) {
        const auto pages = scsi::decode_supported_log_pages(list->data_in);
        const bool listed =
            pages && std::find(pages->begin(), pages->end(),
                               scsi::log_page_code::dt_device_status) != pages->end();
        // A drive that lists pages and not this one is not asked for it.
        if (pages && !listed) known.dt_device_status = Ability::no;
    } else {
        known.dt_device_status = Ability::no;
    }
    if (known.dt_device_status == Ability::no) return Nothing{};
    const auto page =
        questions.ask(scsi::log_sense_cdb(scsi::log_page_code::dt_device_status, 0, log_answer_max),
                      log_answer_max);
    if (!page) return page.error();
    note_dt_device_status(*page, known);
    return Nothing{};
}

}  // namespace

std::string_view to_text(Ability ability) {
    switch (ability) {
        case Ability::unknown:
            return "unknown";
        case Ability::no:
            return "no";
        case Ability::yes:
            return "yes";
    }
    return "unknown";
}

std::optional<Ability> ability_from_text(std::string_view text) {
    for (const auto ability : {Ability::unknown, Ability::no, Ability::yes}) {
        if (text == to_text(ability)) return ability;
    }
    return std::nullopt;
}

bool is_complete(const DriveCapabilities& capabilities) {
    return capabilities.persistent_reserve_in != Ability::unknown &&
           capabilities.full_status != Ability::unknown &&
           capabilities.report_capabilities != Ability::unknown &&
           capabilities.dt_device_status != Ability::unknown;
}

bool lacks_something(const DriveCapabilities& capabilities) {
    return capabilities.persistent_reserve_in == Ability::no ||
           capabilities.full_status == Ability::no ||
           capabilities.report_capabilities == Ability::no ||
           capabilities.dt_device_status == Ability::no;
}

void ask_again_for_what_is_missing(DriveCapabilities& capabilities) {
    for (auto* ability : {&capabilities.persistent_reserve_in, &capabilities.full_status,
                          &capabilities.report_capabilities, &capabilities.dt_device_status}) {
        if (*ability == Ability::no) *ability = Ability::unknown;
    }
}

void note_report_capabilities(const ScsiReply& reply, DriveCapabilities& known) {
    known.report_capabilities = answered(reply);
    if (known.report_capabilities != Ability::yes) return;
    const auto told = scsi::decode_report_capabilities(reply.data_in);
    if (!told) {
        known.report_capabilities = Ability::no;
        return;
    }
    known.persistent_reserve_in = Ability::yes;
    known.compatible_reservation_handling = ability(told->compatible_reservation_handling);
    known.persist_through_power_loss = ability(told->persist_through_power_loss);
    known.persist_active = ability(told->persist_active);
    known.all_target_ports = ability(told->all_target_ports);
    known.specify_initiator_ports = ability(told->specify_initiator_ports);
    known.types = told->types;
}

Result<CapabilityProbe> probe_capabilities(Transport& drive, DriveCapabilities& capabilities,
                                           Duration timeout) {
    CapabilityQuestions questions(drive, timeout);
    if (const auto done = probe_reservations(questions, capabilities); !done)
        return done.error().within("capability probe");
    if (const auto done = probe_log_pages(questions, capabilities); !done)
        return done.error().within("capability probe");
    return questions.probe;
}

}  // namespace drive_iface
