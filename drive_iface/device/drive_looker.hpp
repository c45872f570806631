#pragma once

// A drive as it is seen through one path: identified, read, asked now and then what it can do, and
// which of its answers are news. What DrivePoller does on its thread; has none of its own. Every
// function that asks the drive blocks until it has answered, one thread at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/poll_pace.hpp"

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
    DriveLook read(std::uint64_t ticket);
    agent::core::Outcome read_device_status(DriveLook& look);
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
};

}  // namespace drive_iface
