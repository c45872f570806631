#include "test/sim/world.hpp"

#include <algorithm>

namespace sim {

using namespace agent::core;

World::World(std::uint64_t seed, Bug bug, bool print_trace)
    : plan_(plan_of(seed)),
      random_(seed ^ 0x5bd1e995a5a5a5a5U),
      trace_(print_trace),
      oracle_(plan_),
      network_(timeline_, random_, plan_.faults),
      drives_(plan_, bug, timeline_, random_),
      controller_(plan_, bug, timeline_, random_, trace_, oracle_, network_, drives_),
      unmanaged_port_{Transport::iscsi, "iqn.2001-04.com.example:unmanaged", "00023d0000ee",
                      "192.0.2.99"} {
    for (std::size_t number = 0; number < plan_.hosts.size(); ++number) {
        hosts_.push_back(std::make_unique<HostNode>(plan_, number, bug, timeline_, random_, trace_,
                                                    oracle_, network_));
        hosts_.back()->sees([this, number](const Serial& drive) {
            const auto holders = drives_.truth(drive).holders;
            return std::any_of(holders.begin(), holders.end(), [&](const InitiatorPort& port) {
                return same_host_port(port, port_of(number));
            });
        });
    }
}

const InitiatorPort& World::port_of(std::size_t host) const {
    return plan_.hosts[host].ports.front();
}
const DriveSerial& World::some_drive() {
    return plan_.sharing.drives[random_.below(plan_.sharing.drives.size())].serial;
}
HostNode& World::some_host() {
    return *hosts_[random_.below(hosts_.size())];
}

Verdict World::run() {
    if (!plan_.agentless.empty()) {
        controller_.takes_along([this](std::int64_t down_ms) {
            for (const std::size_t host : plan_.agentless)
                hosts_[host]->crash(down_ms);
        });
    }
    controller_.start();
    for (auto& host : hosts_) {
        const std::int64_t when = random_.between(1, 2'000);
        timeline_.after(when, [&node = *host] { node.start(); });
    }
    drives_.begin_polling();
    repeat(100, 100, &World::audit);

    const Faults& faults = plan_.faults;
    repeat(200, 2'500, &World::somebody_uses_a_drive);
    repeat(2'000, 9'000, &World::a_nexus_is_lost);
    if (faults.flapping) repeat(20, 400, &World::a_drive_flaps);
    if (faults.partitions) repeat(1'000, 6'000, &World::a_host_is_cut_off);
    if (faults.vanishing_hosts) repeat(3'000, 15'000, &World::a_host_vanishes);
    if (faults.host_reboots) repeat(3'000, 12'000, &World::a_host_reboots);
    if (faults.clean_stops) repeat(2'000, 9'000, &World::a_host_stops);
    if (faults.silent_drives) repeat(1'000, 6'000, &World::a_drive_is_silent);
    if (faults.actuator_fails) repeat(1'000, 6'000, &World::an_actuator_fails);
    if (faults.application_fails) repeat(1'000, 8'000, &World::an_application_fails);
    if (faults.operators) repeat(1'000, 6'000, &World::an_operator_acts);
    if (faults.administrators) repeat(1'000, 8'000, &World::the_administrator_acts);
    if (faults.reconciles) repeat(1'000, 8'000, &World::somebody_reconciles);
    if (faults.reloads) repeat(2'000, 9'000, &World::a_host_reloads);
    if (faults.ssh_fails) repeat(1'000, 8'000, &World::ssh_to_a_host_fails);

    run_until(plan_.trouble_ms);
    if (!oracle_.failure()) end_trouble();
    verdict_.failure = oracle_.failure();
    verdict_.trace_hash = trace_.hash();
    return verdict_;
}

void World::run_until(std::int64_t end_ms) {
    bool reached = false;
    timeline_.after(end_ms - timeline_.now_ms(), [&reached] { reached = true; });
    while (!reached && !oracle_.failure() && timeline_.run_next()) {
    }
}

void World::repeat(std::int64_t low_ms, std::int64_t high_ms, void (World::*happening)()) {
    const std::int64_t pause = random_.between(low_ms, high_ms);
    timeline_.after(pause, [this, low_ms, high_ms, happening] {
        if (!trouble_ && happening != &World::audit) return;
        (this->*happening)();
        repeat(low_ms, high_ms, happening);
    });
}

void World::audit() {
    std::vector<Oracle::Sight> sights;
    for (const auto& described : plan_.sharing.drives) {
        const Serial& serial = described.serial;
        Oracle::Sight sight;
        sight.drive = serial;
        sight.truth = drives_.truth(serial);
        sight.changes = drives_.changes(serial);
        sight.refuses = drives_.refuses_everyone(serial);
        sight.silent = drives_.is_silent(serial);
        sight.evidence_lost = drives_.evidence_lost(serial);
        for (const auto& host : hosts_) {
            const ApplicationDrive& shown = host->application(serial);
            sight.application_online.push_back(host->state_of(serial) ==
                                               ApplicationDriveState::online);
            sight.undisturbed.push_back(host->up() && host->application_works() &&
                                        !host->observes_only() && !shown.by_hand &&
                                        timeline_.now_ms() - host->undisturbed_since_ms() > 150);
            sight.incarnation.push_back(host->incarnation());
        }
        sights.push_back(std::move(sight));
    }
    oracle_.audit(timeline_.now_ms(), sights);
}

void World::somebody_uses_a_drive() {
    const Serial drive = some_drive();
    const std::size_t host = random_.below(hosts_.size());
    const bool unmanaged = plan_.faults.foreign_port && random_.below(5) == 0;
    const InitiatorPort port = unmanaged ? unmanaged_port_ : port_of(host);
    const int how = static_cast<int>(random_.below(4));
    const bool takes_over = random_.below(8) == 0;
    const std::int64_t for_ms = random_.between(50, 8'000);
    if (drives_.refuses_everyone(drive)) return;
    if (drives_.truth(drive).state == ReservationState::reserved) {
        if (takes_over) drives_.preempt(drive, port);
        return;
    }
    const bool shown = hosts_[host]->state_of(drive) == ApplicationDriveState::online;
    if (!unmanaged && !shown) return;
    if (!drives_.reserve(drive, port, how)) return;
    ++verdict_.reservations;
    timeline_.after(for_ms, [this, drive, port] { drives_.release(drive, port); });
}

void World::a_drive_flaps() {
    const Serial& drive = plan_.sharing.drives.front().serial;
    const bool reserved = drives_.truth(drive).state == ReservationState::reserved;
    if (reserved) {
        drives_.release(drive, port_of(0));
    } else {
        (void)drives_.reserve(drive, port_of(0), 0);
    }
}

void World::a_nexus_is_lost() {
    const Serial drive = some_drive();
    const std::size_t host = random_.below(hosts_.size());
    if (random_.below(3) == 0) {
        drives_.reset(drive, port_of(host));
    } else {
        drives_.lose_nexus(drive, port_of(host));
    }
}

void World::a_host_is_cut_off() {
    const PeerName peer = plan_.hosts[random_.below(hosts_.size())].agent;
    const std::int64_t for_ms = random_.between(100, 5'000);
    network_.cut_off(peer);
    timeline_.after(for_ms, [this, peer] { network_.heal(peer); });
}

void World::a_host_vanishes() {
    HostNode& host = some_host();
    const std::int64_t for_ms = random_.between(3'000, 15'000);
    host.crash(for_ms);
}

void World::a_host_reboots() {
    HostNode& host = some_host();
    const std::int64_t for_ms = random_.between(500, 6'000);
    host.reboot(for_ms);
}

void World::a_host_stops() {
    HostNode& host = some_host();
    const std::int64_t for_ms = random_.between(500, 6'000);
    host.stop_cleanly(for_ms);
}

void World::a_drive_is_silent() {
    const Serial drive = some_drive();
    const std::int64_t for_ms = random_.between(100, 4'000);
    drives_.be_silent(drive, true);
    timeline_.after(for_ms, [this, drive] { drives_.be_silent(drive, false); });
}

void World::an_actuator_fails() {
    const Serial drive = some_drive();
    const std::int64_t for_ms = random_.between(500, 5'000);
    drives_.actuator_fails(drive, true);
    timeline_.after(for_ms, [this, drive] { drives_.actuator_fails(drive, false); });
}

void World::an_application_fails() {
    HostNode& host = some_host();
    const std::int64_t for_ms = random_.between(100, 5'000);
    host.application_fails(true);
    timeline_.after(for_ms, [&host] { host.application_fails(false); });
}

void World::an_operator_acts() {
    HostNode& host = some_host();
    const Serial drive = some_drive();
    const bool offline = random_.below(2) == 0;
    const bool through_the_agent = random_.below(2) == 0;
    if (!through_the_agent) {
        host.operator_sets(drive, offline);
    } else {
        host.operator_asks_agent(drive, offline);
    }
}

void World::the_administrator_acts() {
    const Serial drive = some_drive();
    const bool force = random_.below(4) == 0;
    if (force) {
        controller_.input(AdministratorForcedOffline{drive, "root", "simulated"});
    } else {
        controller_.input(AdministratorCleared{drive, "root", "simulated"});
    }
}

void World::somebody_reconciles() {
    const std::size_t host = random_.below(hosts_.size());
    const bool at_the_host = random_.below(2) == 0;
    if (at_the_host) {
        hosts_[host]->reconcile();
    } else {
        controller_.input(AdministratorReconciledAgent{plan_.hosts[host].agent});
    }
}

// As many as not come to observe only; what was observed is acted on after the next reload.
void World::a_host_reloads() {
    HostNode& host = some_host();
    const bool observe_only = random_.below(2) == 0;
    host.reload(observe_only);
}

// Nothing can be asked of its application, nor told; the controller knows and says so.
void World::ssh_to_a_host_fails() {
    const std::size_t host = plan_.agentless[random_.below(plan_.agentless.size())];
    const std::int64_t for_ms = random_.between(200, 6'000);
    hosts_[host]->application_fails(true);
    controller_.input(HostContact{plan_.hosts[host].agent, HostContact::State::unreachable, "ssh"});
    timeline_.after(for_ms, [this, host] { ssh_works_again(host); });
}

void World::ssh_works_again(std::size_t host) {
    hosts_[host]->application_fails(false);
    controller_.input(HostContact{plan_.hosts[host].agent, HostContact::State::reached, ""});
}

// ---- quiet
// ----------------------------------------------------------------------------------------------------------

void World::end_trouble() {
    trouble_ = false;
    for (const auto& described : plan_.sharing.drives) {
        if (controller_.up() && drives_.refuses_everyone(described.serial)) {
            ++verdict_.forced_offline;
        }
    }
    controller_.crashes_no_more();
    network_.be_perfect();
    drives_.events_are_reliable();
    for (auto& host : hosts_) {
        host->crashes_no_more();
        if (host->observes_only()) host->reload(false);
    }
    // Everything that was begun in trouble ends by itself within this time.
    run_until(timeline_.now_ms() + 16'000);
    for (const std::size_t host : plan_.agentless)
        ssh_works_again(host);
    release_everything();
    const std::int64_t budget =
        plan_.sharing.handshake_timeout.ms * (std::int64_t{plan_.sharing.handshake_retries} + 1);
    run_until(timeline_.now_ms() + 4 * budget + 12'000);
    clear_what_is_offline();
    run_until(timeline_.now_ms() + budget + 6'000);
    expect_all_is_well();
}

void World::release_everything() {
    for (const auto& described : plan_.sharing.drives) {
        drives_.reset(described.serial, unmanaged_port_);
        for (std::size_t host = 0; host < hosts_.size(); ++host) {
            const Reservation truth = drives_.truth(described.serial);
            if (truth.state == ReservationState::reserved) {
                drives_.release(described.serial, port_of(host));
            }
        }
        drives_.release(described.serial, unmanaged_port_);
    }
}

void World::clear_what_is_offline() {
    if (!controller_.up()) return;
    for (const auto& view : controller_.rules().drives()) {
        if (view.record.operational_state == OperationalState::online) continue;
        controller_.input(AdministratorCleared{view.record.drive, "root", "end of trouble"});
    }
}

// Free drives are online wherever no operator took them off; reserved ones are offline everywhere
// else.
void World::expect_all_is_well() {
    if (oracle_.failure()) return;
    expect_converged("all drives free", std::nullopt);
    const std::int64_t bound =
        3 * plan_.poll_ms + plan_.sharing.debounce.ms + plan_.sharing.release_hold_down.ms + 2'000;
    for (std::size_t holder = 0; holder < hosts_.size() && !oracle_.failure(); ++holder) {
        for (const auto& described : plan_.sharing.drives) {
            if (!drives_.reserve(described.serial, port_of(holder), 0)) {
                oracle_.fail(timeline_.now_ms(), "all is well",
                             "drive " + described.serial.text + " can not be reserved");
            }
        }
        run_until(timeline_.now_ms() + bound);
        expect_converged("all drives reserved by " + plan_.hosts[holder].agent, holder);
        for (const auto& described : plan_.sharing.drives) {
            drives_.release(described.serial, port_of(holder));
        }
        run_until(timeline_.now_ms() + bound);
        expect_converged("all drives free again", std::nullopt);
    }
}

void World::expect_converged(const std::string& when, const std::optional<std::size_t>& holder) {
    if (oracle_.failure()) return;
    const auto expect = [&](bool condition, const std::string& what) {
        if (!condition) oracle_.fail(timeline_.now_ms(), "all is well", when + ": " + what);
    };
    expect(controller_.up(), "the controller is down");
    if (!controller_.up()) return;
    const ReservationAgent& rules = controller_.rules();
    expect(rules.handshakes({timeline_.now_ms()}).empty(), "a confirmation is missing");
    expect(rules.active_alarms().empty(),
           rules.active_alarms().empty() ? "" : "alarm: " + rules.active_alarms().front().text);
    for (const auto& agent : rules.agents()) {
        expect(agent.record.state == AgentState::started,
               "agent " + agent.record.agent + " is " + std::string(to_text(agent.record.state)));
    }
    for (const auto& view : rules.drives()) {
        const Serial& serial = view.record.drive;
        expect(view.operational_state() == OperationalState::online,
               serial.text + " is not online");
        expect(view.record.reservation == drives_.truth(serial),
               serial.text + " is shown with another reservation");
        for (std::size_t number = 0; number < hosts_.size(); ++number) {
            const bool same_domain = holder && !plan_.hosts[number].domain.empty() &&
                                     plan_.hosts[number].domain == plan_.hosts[*holder].domain;
            const bool mine = holder == number || same_domain;
            const bool by_operator = hosts_[number]->application(serial).by_operator;
            const bool should_be_online = (!holder || mine) && !by_operator;
            const bool online = hosts_[number]->state_of(serial) == ApplicationDriveState::online;
            expect(online == should_be_online, serial.text + " at " + plan_.hosts[number].agent +
                                                   (online ? " is online" : " is offline"));
        }
    }
}

}  // namespace sim
