#pragma once

// Looks at one drive again and again from a thread of its own, since a command to a hung drive may
// block for minutes; or at a desk that it shares with others, when its path can be asked without
// waiting (look_desk.hpp).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/drive_capabilities.hpp"
#include "drive_iface/device/look_desk.hpp"
#include "drive_iface/device/poll_pace.hpp"
#include "drive_iface/device/reservation_reader.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/log_page.hpp"

namespace asio {
class io_context;
}

namespace drive_iface {

struct DrivePollerOptions {
    agent::core::DriveSerial
        serial;  // the drive that must answer; another one on this path is an error
    agent::core::Duration poll{500};
    agent::core::Duration command_timeout{10'000};  // 1 s at least
    agent::core::Duration unresponsive_after{
        15'000};  // a look that takes longer is reported while it still hangs
    agent::core::Duration backoff_max{10'000};  // between looks at a drive that does not answer
    LegacyProbe legacy_probe = LegacyProbe::automatic;
    // Poll pace (poll_pace.hpp); 0: a quarter of `poll` and 1 s at most, four
    // times `poll` and 10 s at most.
    agent::core::Duration poll_fast{0};
    agent::core::Duration poll_busy{0};
    // For so long after a change, and once more, every look is told: whoever waits for a state to
    // last has to hear that it does. After that a look that says the same as the one before is told
    // once in `tell_unchanged_every`.
    agent::core::Duration settle{0};
    agent::core::Duration tell_unchanged_every{10'000};
    // What is remembered from an earlier life; counts while the firmware revision is the same.
    std::optional<DriveCapabilities> known_capabilities;
    // Called on the loop when something else is known of the drive than before.
    std::function<void(const DriveCapabilities&)> capabilities_learnt;
    // Shares its thread; null: a thread of its own.
    std::shared_ptr<LookDesk> desk;
};

struct DriveLook {
    agent::core::Result<ReservationReading> reading;
    std::uint64_t ticket = 0;  // began after look_now() returned this ticket, or an older one
    std::optional<scsi::VeryHighFrequencyData>
        device_status;  // when this look asked for it (PollRhythm::activity_every)
    std::optional<OtherDrive> other_drive{};  // the error is that this one is there instead
};

// Commands for the drive besides looking at it. A drive has one command stream: they run on the
// poller's thread, between two looks, after the drive on this path was identified.
struct DriveJob {
    // On the poller's thread, or on one of the desk's workers. `command_timeout` is the poller's.
    // Ends after the first error of the transport: the path may lead to another drive by then.
    std::function<agent::core::Outcome(Transport&, agent::core::Duration command_timeout)> work;
    // On the loop, once, unless the poller is destroyed before. The error is `work`'s, or says why
    // it was not begun: no answer, another drive on this path, too many jobs wait.
    std::function<void(const agent::core::Outcome&)> done;
};

struct DrivePollerCounters {
    std::uint64_t looks = 0;
    std::uint64_t failures = 0;
    std::uint64_t commands = 0;
    std::uint64_t unresponsive = 0;  // looks and jobs that took longer than unresponsive_after
    std::uint64_t jobs = 0;          // begun
    std::uint64_t told = 0;          // looks given to the handler
    PollPace pace = PollPace::steady;
    // How long the look or job under way has lasted, when that is worth a word: a second and more.
    std::optional<agent::core::Duration> lasting;
};

class DrivePoller {
  public:
    // `handler` is called on `loop` with every look that tells something new, the first one right
    // after the start; with each that was asked for; with an error while a look hangs. Never after
    // the poller is destroyed.
    DrivePoller(asio::io_context& loop, DrivePollerOptions options,
                std::unique_ptr<Transport> transport,
                std::function<void(const DriveLook&)> handler);
    // Waits for the look under way, but not for a hung one: its thread is left behind with all it
    // needs and ends with its command.
    ~DrivePoller();

    DrivePoller(const DrivePoller&) = delete;
    DrivePoller& operator=(const DrivePoller&) = delete;

    // What the end begins with, without the wait: of many that end together none is waited for
    // longer than if it were the only one. Nothing may be asked of it any more.
    void begin_to_stop();

    // Look as soon as the look under way is done, back-off or not. Returns the ticket of that look.
    // Loop's thread only, like all of these.
    std::uint64_t look_now();
    // The same, `delay` from now.
    void look_after(agent::core::Duration delay);
    void set_poll(agent::core::Duration poll);
    // Runs it before the next look, back-off or not; a look follows at once. At most 16 wait.
    void run(DriveJob job);

    [[nodiscard]] DrivePollerCounters counters() const;
    // As the drive said when it was last identified; nothing before it ever answered.
    [[nodiscard]] std::optional<DriveIdentity> identity() const;
    // Nothing before the drive was asked.
    [[nodiscard]] std::optional<DriveCapabilities> capabilities() const;

  private:
    class State;
    std::shared_ptr<State> state_;  // shared with the thread, which may outlive the poller
};

}  // namespace drive_iface
