#pragma once

// One seed's world: a library with real virtual drives, a controller, hosts with their
// applications, and everything that can go wrong between them. First trouble, then quiet, in which
// all must come right again.

#include <memory>
#include <vector>

#include "test/sim/controller_node.hpp"
#include "test/sim/host_node.hpp"
#include "test/sim/tape_drives.hpp"

namespace sim {

struct Verdict {
    std::optional<std::string> failure;
    std::uint64_t trace_hash = 0;
    std::uint64_t reservations = 0;    // that hosts got in the time of trouble
    std::uint64_t forced_offline = 0;  // drives that were
};

class World {
  public:
    World(std::uint64_t seed, Bug bug, bool print_trace);
    [[nodiscard]] Verdict run();

  private:
    using Serial = agent::core::DriveSerial;

    void run_until(std::int64_t end_ms);
    void audit();
    // What may happen again and again while there is trouble.
    void repeat(std::int64_t low_ms, std::int64_t high_ms, void (World::*happening)());
    void somebody_uses_a_drive();
    void a_drive_flaps();
    void a_nexus_is_lost();
    void a_host_is_cut_off();
    void a_host_vanishes();
    void a_host_reboots();
    void a_host_stops();
    void a_drive_is_silent();
    void an_actuator_fails();
    void an_application_fails();
    void an_operator_acts();
    void the_administrator_acts();
    void somebody_reconciles();
    void a_host_reloads();
    void ssh_to_a_host_fails();
    void ssh_works_again(std::size_t host);

    void end_trouble();
    void clear_what_is_offline();
    void release_everything();
    void expect_all_is_well();
    void expect_converged(const std::string& when, const std::optional<std::size_t>& holder);

    [[nodiscard]] const Serial& some_drive();
    [[nodiscard]] HostNode& some_host();
    [[nodiscard]] const agent::core::InitiatorPort& port_of(std::size_t host) const;

    Plan plan_;
    Random random_;
    Timeline timeline_;
    Trace trace_;
    Oracle oracle_;
    Network network_;
    TapeDrives drives_;
    ControllerNode controller_;
    std::vector<std::unique_ptr<HostNode>> hosts_;
    agent::core::InitiatorPort unmanaged_port_;
    bool trouble_ = true;
    Verdict verdict_;
};

}  // namespace sim
