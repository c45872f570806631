#pragma once

// A drive as it is seen through one path: identified, read, asked now and then what it can do, and
// which of its answers are news. What DrivePoller does on its thread; has none of its own. One
// thread at a time. Every function that asks the drive blocks until it has answered, except for a
// look that is begun quietly.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/poll_pace.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

class DriveLooker {
  public:
    using Clock = std::chrono::steady_clock;

    DriveLooker(DrivePollerOptions options, std::unique_ptr<Transport> transport);

    struct Looked {
        DriveLook look;
        bool is_news = true;
    };
    [[nodiscard]] Looked look(std::uint64_t ticket);

    // A look that nobody waits for: the drive is most likely to say what it said in the look
    // before, and then its first reply is all there is to know. True: a command was sent on path(),
    // whose reply belongs to take_reply(). False: it has to be look().
    [[nodiscard]] bool begin_quietly();
    [[nodiscard]] OpenPath& path() { return *path_; }
    enum class Quietly : std::uint8_t {
        more,  // another command was sent
        done,  // the look is in taken()
        no,    // it has to be look(), which begins with the replies taken until now
    };
    [[nodiscard]] Quietly take_reply(agent::core::Result<ScsiReply> reply, std::uint64_t ticket);
    [[nodiscard]] Looked taken() { return std::move(*taken_); }  // once
    // Replies were taken that look() has not seen.
    [[nodiscard]] bool is_halfway() const { return !heard_.empty(); }

    // Runs the job's work on the drive that belongs here, and on no other.
    [[nodiscard]] agent::core::Outcome run(const DriveJob& job);

    // What the drive can do is asked after a look, so that nobody waits for it. Returns how many
    // commands that took.
    [[nodiscard]] bool probe_is_due() const;
    std::uint32_t probe();

    // Who waits for the newest state to have lasted is told from then on; nothing when nobody does.
    [[nodiscard]] std::optional<Clock::time_point> settles_at() const;

    [[nodiscard]] PollPace pace() const { return rhythm_.pace; }
    // As last identified; nothing before the drive ever answered.
    [[nodiscard]] const std::optional<DriveIdentity>& identity() const { return identity_; }
    [[nodiscard]] const DriveCapabilities& capabilities() const { return reader_.capabilities(); }
    // Logs out. Nothing may be asked any more.
    void let_go() { transport_.reset(); }

  private:
    class Replay;

    Looked conclude(DriveLook look);
    bool send_quietly(const ScsiCommand& command);
    [[nodiscard]] bool device_status_is_due(Clock::time_point now) const;
    DriveLook read(std::uint64_t ticket);
    agent::core::Outcome read_device_status(DriveLook& look, Transport& drive);
    [[nodiscard]] PaceReport pace_report(const DriveLook& look) const;
    bool worth_telling(const DriveLook& look);
    agent::core::Outcome identify_if_needed();
    agent::core::Outcome check_identity();

    DrivePollerOptions options_;
    std::unique_ptr<Transport> transport_;
    ReservationReader reader_;
    std::optional<DriveIdentity> identity_;
    bool identified_ = false;             // on the path as it is now
    std::optional<OtherDrive> mismatch_;  // found by the look under way
    bool firmware_may_be_new_ = false;
    PollRhythm rhythm_;
    Clock::time_point probe_at_{};
    Clock::time_point activity_at_{};
    std::optional<DriveLook> last_;  // nothing after an error
    std::uint64_t last_ticket_ = 0;
    std::optional<scsi::VeryHighFrequencyData> told_status_;
    Clock::time_point changed_at_{};
    Clock::time_point told_at_{};
    bool settled_ = false;

    // The reply that was the whole of the look before: while the reader knows no more than then,
    // the same reply means the same again.
    std::optional<ScsiReply> quiet_reply_;
    std::vector<agent::core::Result<ScsiReply>> heard_;  // of the look that was begun quietly
    OpenPath* path_ = nullptr;                           // on which it was
    std::optional<Looked> taken_;
};

}  // namespace drive_iface
