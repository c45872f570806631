#pragma once

// The library's drives: real virtual drives, commanded by CDB through one nexus per host port,
// watched by a simulated poller and event channel, taken offline by a simulated actuator.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/sim/plan.hpp"
#include "test/sim/random.hpp"
#include "test/sim/timeline.hpp"

namespace sim {

class TapeDrives {
  public:
    using Sink = std::function<void(const agent::core::ReservationAgentInput&)>;

    TapeDrives(const Plan& plan, Bug bug, Timeline& timeline, Random& random);

    // What a host port does. False: the drive refused.
    bool reserve(const agent::core::DriveSerial& drive, const agent::core::InitiatorPort& port,
                 int how);
    void release(const agent::core::DriveSerial& drive, const agent::core::InitiatorPort& port);
    void preempt(const agent::core::DriveSerial& drive, const agent::core::InitiatorPort& port);
    void reset(const agent::core::DriveSerial& drive, const agent::core::InitiatorPort& port);
    void lose_nexus(const agent::core::DriveSerial& drive, const agent::core::InitiatorPort& port);

    // The watching side. `sink` gets observations while the controller is up.
    void attach(Sink sink, std::function<bool()> controller_is_up);
    void begin_polling();
    void be_silent(const agent::core::DriveSerial& drive, bool silent);
    void events_are_reliable() { events_are_reliable_ = true; }

    // The actuator. Answers go to the sink unless the controller's process has ended in between.
    void force(const agent::core::DriveSerial& drive, bool forced);
    void actuator_fails(const agent::core::DriveSerial& drive, bool fails);
    void controller_crashed();

    // The truth, for the oracle.
    [[nodiscard]] agent::core::Reservation truth(const agent::core::DriveSerial& drive) const;
    [[nodiscard]] bool refuses_everyone(const agent::core::DriveSerial& drive) const;
    [[nodiscard]] bool is_silent(const agent::core::DriveSerial& drive) const;
    // An event about the present reservation was lost, so that nobody can know its holder for
    // certain.
    [[nodiscard]] bool evidence_lost(const agent::core::DriveSerial& drive) const;
    [[nodiscard]] std::uint64_t changes(const agent::core::DriveSerial& drive) const;

  private:
    using Library = drive_iface::virtual_library::Library;
    struct Tape {
        std::map<std::string, drive_iface::virtual_library::NexusId> nexuses;  // by port name
        agent::core::Reservation truth;
        bool refuses = false;
        bool silent = false;
        bool actuator_fails = false;
        bool evidence_lost = false;
        std::uint64_t changes = 0;
        std::uint32_t failed_looks = 0;
        bool seen_legacy = false;                     // by the last look
        std::deque<agent::core::Reservation> events;  // under way, in order
        bool event_channel_busy = false;
        std::deque<bool> commands;  // of the actuator: force or lift, in order
        bool actuator_busy = false;
        std::optional<agent::core::Reservation> frozen;  // planted bug
    };

    drive_iface::virtual_library::CommandReply execute(Tape& tape,
                                                       const agent::core::DriveSerial& drive,
                                                       const agent::core::InitiatorPort& port,
                                                       std::span<const std::uint8_t> cdb,
                                                       std::span<const std::uint8_t> data_out);
    bool good(Tape& tape, const agent::core::DriveSerial& drive,
              const agent::core::InitiatorPort& port, std::span<const std::uint8_t> cdb,
              std::span<const std::uint8_t> data_out);
    bool reserve_persistently(Tape& tape, const agent::core::DriveSerial& drive,
                              const agent::core::InitiatorPort& port, std::uint8_t type);
    void collect_events();
    void deliver_events(const agent::core::DriveSerial& drive);
    void poll(const agent::core::DriveSerial& drive);
    void look(const agent::core::DriveSerial& drive,
              const std::optional<agent::core::Reservation>& event);
    std::optional<agent::core::DriveObserved> read(Tape& tape,
                                                   const agent::core::DriveSerial& drive);
    void run_actuator(const agent::core::DriveSerial& drive, std::uint64_t life);
    void carry_out(const agent::core::DriveSerial& drive, bool forced);
    void refresh_truth();

    const Plan& plan_;
    Bug bug_;
    Timeline& timeline_;
    Random& random_;
    drive_iface::virtual_library::MemoryShelf shelf_;
    Library library_;
    agent::core::InitiatorPort own_port_;
    std::map<agent::core::DriveSerial, Tape> tapes_;
    Sink sink_;
    std::function<bool()> controller_is_up_;
    std::uint64_t controller_life_ = 0;
    bool events_are_reliable_ = false;
};

}  // namespace sim
