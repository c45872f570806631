#include "test/sim/plan.hpp"

#include "agent/core/enumerator_names.hpp"
#include "test/sim/random.hpp"

namespace sim {

using namespace agent::core;

namespace {

constexpr EnumeratorName<Bug> bug_names[] = {
    {Bug::none, "none"},
    {Bug::old_epoch_counts, "old_epoch_counts"},
    {Bug::superseding_forgives, "superseding_forgives"},
    {Bug::send_before_record, "send_before_record"},
    {Bug::ledger_forgotten, "ledger_forgotten"},
    {Bug::ledger_invented, "ledger_invented"},
    {Bug::forced_offline_forgotten, "forced_offline_forgotten"},
    {Bug::epoch_not_raised, "epoch_not_raised"},
    {Bug::receipt_counts, "receipt_counts"},
    {Bug::failure_counts, "failure_counts"},
    {Bug::budget_too_long, "budget_too_long"},
    {Bug::budget_too_short, "budget_too_short"},
    {Bug::actuator_lies, "actuator_lies"},
    {Bug::read_back_skipped, "read_back_skipped"},
    {Bug::lift_after_restart, "lift_after_restart"},
    {Bug::torn_transaction_kept, "torn_transaction_kept"},
    {Bug::changes_of_reservation_unseen, "changes_of_reservation_unseen"},
    {Bug::old_statement_counts, "old_statement_counts"},
    {Bug::observing_forgotten, "observing_forgotten"},
    {Bug::operating_forgotten, "operating_forgotten"},
    {Bug::cut_off_counts_as_ended, "cut_off_counts_as_ended"},
    {Bug::last_life_has_ended, "last_life_has_ended"},
    {Bug::takeover_forgives, "takeover_forgives"},
    {Bug::roster_unread, "roster_unread"},
};

InitiatorPort port_of(std::size_t host) {
    return {Transport::iscsi, "iqn.2001-04.com.example:host-" + std::to_string(host),
            "00023d00000" + std::to_string(host), "192.0.2." + std::to_string(10 + host)};
}

void choose_faults(Faults& faults, Random& random) {
    // One world in ten is a quiet one: rules must hold without any fault as well.
    if (random.below(10) == 0) return;
    const std::uint64_t losses[] = {0, 1'000, 10'000, 30'000};
    faults.message_lost = losses[random.below(4)];
    faults.message_repeated = losses[random.below(4)];
    const std::int64_t delays[] = {5, 50, 400, 1'500};
    faults.message_delay_max_ms = delays[random.below(4)];
    const std::uint64_t events[] = {0, 0, 5'000, 50'000};
    faults.event_lost = events[random.below(4)];
    const std::uint64_t crashes[] = {0, 0, 200, 1'500};
    faults.controller_crash = crashes[random.below(4)];
    faults.host_crash = crashes[random.below(4)];
    faults.partitions = random.below(3) == 0;
    faults.host_reboots = random.below(4) == 0;
    faults.clean_stops = random.below(3) == 0;
    faults.silent_drives = random.below(3) == 0;
    faults.actuator_fails = random.below(3) == 0;
    faults.application_fails = random.below(4) == 0;
    faults.application_drains = random.below(4) == 0;
    faults.operators = random.below(4) == 0;
    faults.administrators = random.below(2) == 0;
    faults.flapping = random.below(4) == 0;
    faults.foreign_port = random.below(4) == 0;
    faults.vanishing_hosts = random.below(2) == 0;
}

}  // namespace

std::string_view to_text(Bug bug) {
    return name_of(bug_names, bug);
}

Plan plan_of(std::uint64_t seed) {
    Random random(seed * 0x2545f4914f6cdd1dU + 1);
    Plan plan;
    plan.seed = seed;
    choose_faults(plan.faults, random);
    plan.faults.controller_replaced = seed % 4 == 3;
    plan.faults.agents_forgotten = seed % 8 == 7;

    SharingConfiguration& sharing = plan.sharing;
    sharing.controller = "library-1";
    const std::uint64_t drives = 1 + random.below(3);
    for (std::uint64_t number = 1; number <= drives; ++number) {
        sharing.drives.push_back({{"VT0000000" + std::to_string(number)}, true});
    }
    sharing.handshake_timeout = {random.between(400, 2'000)};
    sharing.handshake_retries = static_cast<std::uint32_t>(random.below(3));
    sharing.actuator_retry = {random.between(200, 1'500)};
    const bool patient = random.below(3) == 0;
    if (patient) sharing.debounce = {random.between(0, 600)};
    if (patient) sharing.release_hold_down = {random.between(0, 600)};
    const std::uint64_t policy = random.below(6);
    if (policy == 0) sharing.on_missing = SharingConfiguration::OnMissing::alarm;
    using UnknownHolder = SharingConfiguration::UnknownHolder;
    const UnknownHolder policies[] = {UnknownHolder::alarm, UnknownHolder::notify,
                                      UnknownHolder::notify, UnknownHolder::force_offline};
    sharing.unknown_holder = policies[random.below(4)];
    plan.poll_ms = random.between(200, 1'000);
    // Drawn apart, so that worlds in which nobody is asked are what they were before.
    Random inquiries(seed * 0x9e3779b97f4a7c15U + 7);
    const bool asking = inquiries.below(2) == 0;
    if (asking) sharing.holder_inquiry = {inquiries.between(100, 1'500)};
    sharing.holder_inquiry_repeat = {inquiries.between(500, 5'000)};
    Random changes(seed * 0xd1342543de82ef95U + 11);
    const bool reconciles = changes.below(3) == 0;
    const bool reloads = changes.below(4) == 0;
    plan.faults.reconciles = reconciles;
    plan.faults.reloads = reloads;
    Random cuts(seed * 0xaf251af3b0f025b5U + 13);
    const bool commands_cut = cuts.below(4) == 0;
    plan.faults.commands_cut = commands_cut;

    const std::uint64_t hosts = 2 + random.below(3);
    for (std::size_t number = 1; number <= hosts; ++number) {
        HostConfiguration host;
        host.agent = "host-" + std::to_string(number);
        host.controllers = {sharing.controller};
        host.observe_only = false;
        host.ports = {port_of(number)};
        host.presence_interval = {5'000};
        host.presence_retry = {500};
        host.stop_timeout = {3'000};
        // Hosts 1 and 2 may be one application; a host without a domain knows its own port only.
        const std::uint64_t kind = random.below(4);
        const bool domain_of_its_own = kind != 0;
        if (domain_of_its_own) {
            host.domain =
                number == 2 && kind == 1 ? "domain-1" : "domain-" + std::to_string(number);
        }
        for (const auto& drive : sharing.drives) {
            host.drives.push_back(drive.serial);
        }
        sharing.agents.push_back({host.agent, host.domain});
        plan.hosts.push_back(host);
    }
    const bool some_without_agent = changes.below(4) == 0;
    for (std::size_t host = 0; some_without_agent && host < plan.hosts.size(); ++host) {
        const bool without_agent = changes.below(2) == 0;
        if (without_agent) plan.agentless.push_back(host);
    }
    const bool ssh_fails = changes.below(2) == 0;
    plan.faults.ssh_fails = ssh_fails && !plan.agentless.empty();
    for (const auto& host : plan.hosts) {
        if (host.domain.empty()) continue;
        bool known = false;
        for (auto& domain : sharing.domains) {
            if (domain.name != host.domain) continue;
            domain.ports.push_back(host.ports.front());
            known = true;
        }
        if (!known) sharing.domains.push_back({host.domain, host.ports});
    }
    return plan;
}

}  // namespace sim
