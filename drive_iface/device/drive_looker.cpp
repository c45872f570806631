#include "drive_iface/device/drive_looker.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Instant;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::ReservationState;
using agent::core::Result;

namespace {

using LookerClock = DriveLooker::Clock;

constexpr auto probe_incomplete_after = std::chrono::minutes(1);
constexpr auto probe_missing_after = std::chrono::hours(1);
// The loop may be late: what it measures from when it hears of a change ends later than here.
constexpr auto settle_margin = std::chrono::seconds(1);
constexpr auto settle_slack = std::chrono::milliseconds(50);
// Header, and parameter 0000h of page 11h, which comes first.
constexpr std::uint16_t device_status_size = 12;

Instant instant_of(LookerClock::time_point at) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()};
}

std::chrono::milliseconds milliseconds_of(Duration duration) {
    return std::chrono::milliseconds(duration.ms);
}

bool says_the_same(const ReservationReading& a, const ReservationReading& b) {
    return a.unit_attentions.empty() && b.unit_attentions.empty() && a.generation == b.generation &&
           a.evidence == b.evidence && a.reservation == b.reservation &&
           a.registrations == b.registrations;
}

// The firmware may be another one: new microcode, new INQUIRY data, or the reset that goes with it.
bool may_have_changed(const std::vector<scsi::AdditionalSense>& unit_attentions) {
    return std::any_of(unit_attentions.begin(), unit_attentions.end(), [](const auto& sense) {
        return sense.asc == 0x3f && (sense.ascq == 0x01 || sense.ascq == 0x03);
    });
}

ScsiCommand device_status_command() {
    static const auto cdb =
        scsi::log_sense_cdb(scsi::log_page_code::dt_device_status, 0, device_status_size);
    return {cdb, {}, device_status_size};
}

}  // namespace

// The drive behind replies that were taken before, to the first commands of this look; remembers
// the reply to the very first.
class DriveLooker::Replay : public Transport {
  public:
    Replay(Transport& drive, std::vector<Result<ScsiReply>> heard)
        : drive_(drive), heard_(std::move(heard)) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        auto reply = next_ < heard_.size() ? heard_[next_] : drive_.execute(command, timeout);
        if (next_++ == 0 && reply &&
            std::equal(command.cdb.begin(), command.cdb.end(), first_command_of_look().cdb.begin(),
                       first_command_of_look().cdb.end())) {
            first_ = *reply;
        }
        return reply;
    }
    [[nodiscard]] const std::optional<ScsiReply>& first() const { return first_; }

  private:
    Transport& drive_;
    std::vector<Result<ScsiReply>> heard_;
    std::size_t next_ = 0;
    std::optional<ScsiReply> first_;  // to first_command_of_look()
};

DriveLooker::DriveLooker(DrivePollerOptions options, std::unique_ptr<Transport> transport)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      reader_(options_.legacy_probe, options_.known_capabilities.value_or(DriveCapabilities{})) {}

DriveLooker::Looked DriveLooker::look(std::uint64_t ticket) {
    mismatch_.reset();
    auto look = read(ticket);
    if (!look.reading) look.other_drive = mismatch_ ? mismatch_ : transport_->other_drive();
    return conclude(std::move(look));
}

DriveLooker::Looked DriveLooker::conclude(DriveLook look) {
    const auto ticket = look.ticket;
    rhythm_ = after_look(rhythm_, look.reading ? pace_report(look) : PaceReport{.changed = true});
    const bool is_news = worth_telling(look);
    last_ticket_ = ticket;
    last_ = look;
    if (!last_->reading) last_.reset();
    return {std::move(look), is_news};
}

// ---- without waiting

bool DriveLooker::begin_quietly() {
    if (!identified_ || !last_ || !quiet_reply_ || probe_is_due()) return false;
    path_ = transport_->open_path();
    return path_ != nullptr && send_quietly(first_command_of_look());
}

bool DriveLooker::send_quietly(const ScsiCommand& command) {
    const auto sent = path_->send(command);
    if (!sent) heard_.emplace_back(sent.error());
    return sent.ok();
}

DriveLooker::Quietly DriveLooker::take_reply(agent::core::Result<ScsiReply> reply,
                                             std::uint64_t ticket) {
    heard_.push_back(std::move(reply));
    const auto& now_heard = heard_.back();
    if (!now_heard) return Quietly::no;
    const bool is_first = heard_.size() == 1;
    if (is_first && *now_heard != *quiet_reply_) return Quietly::no;
    if (is_first && device_status_is_due(Clock::now()))
        return send_quietly(device_status_command()) ? Quietly::more : Quietly::no;
    DriveLook look{*last_->reading, ticket, std::nullopt};
    auto& reading = look.reading.value();
    reading.unit_attentions.clear();  // there was none, or the reply would be another one
    reading.commands = static_cast<std::uint32_t>(heard_.size());
    if (!is_first) {
        if (now_heard->status != scsi::status::good) return Quietly::no;
        activity_at_ = Clock::now();
        const auto status = scsi::decode_dt_device_status(now_heard->data_in);
        if (status) look.device_status = status->very_high_frequency;
    }
    heard_.clear();
    taken_ = conclude(std::move(look));
    return Quietly::done;
}

// ---- waiting

Outcome DriveLooker::run(const DriveJob& job) {
    if (auto right_drive = identify_if_needed(); !right_drive) return right_drive;
    auto outcome = job.work(*transport_, options_.command_timeout);
    // After an error the path may lead to another drive.
    if (!outcome) identified_ = false;
    return outcome;
}

DriveLook DriveLooker::read(std::uint64_t ticket) {
    if (const auto right_drive = identify_if_needed(); !right_drive)
        return {right_drive.error(), ticket, std::nullopt};
    Replay drive(*transport_, std::exchange(heard_, {}));
    DriveLook look{reader_.read(drive, instant_of(Clock::now()), options_.command_timeout), ticket,
                   std::nullopt};
    quiet_reply_.reset();
    if (look.reading && look.reading->commands == 1 && look.reading->unit_attentions.empty())
        quiet_reply_ = drive.first();
    if (look.reading) {
        if (const auto done = read_device_status(look, drive); !done) look.reading = done.error();
    }
    // After an error the path may lead to another drive.
    if (!look.reading) identified_ = false;
    if (look.reading && may_have_changed(look.reading->unit_attentions)) {
        identified_ = false;
        firmware_may_be_new_ = true;
    }
    return look;
}

// What the drive is doing, when it is time to ask and it can tell. Errors: the transport's.
Outcome DriveLooker::read_device_status(DriveLook& look, Transport& drive) {
    const auto now = Clock::now();
    if (!device_status_is_due(now)) return Nothing{};
    activity_at_ = now;
    auto& reading = look.reading.value();
    const auto before = reading.unit_attentions.size();
    const auto reply = execute_patiently(drive, device_status_command(), options_.command_timeout,
                                         &reading.unit_attentions);
    reading.commands += static_cast<std::uint32_t>(reading.unit_attentions.size() - before + 1);
    if (!reply) return reply.error().within("LOG SENSE page 11h");
    if (reply->status != scsi::status::good) return Nothing{};
    const auto status = scsi::decode_dt_device_status(reply->data_in);
    if (status) look.device_status = status->very_high_frequency;
    return Nothing{};
}

bool DriveLooker::device_status_is_due(Clock::time_point now) const {
    const auto& known = reader_.capabilities();
    if (known.very_high_frequency != Ability::yes || !asks_for_activity(rhythm_)) return false;
    return now - activity_at_ >= std::chrono::milliseconds(known.polling_delay_ms.value_or(0));
}

PaceReport DriveLooker::pace_report(const DriveLook& look) const {
    PaceReport report;
    report.changed = !look.reading->unit_attentions.empty() || !last_ ||
                     !says_the_same(*last_->reading, *look.reading);
    report.asked_for = look.ticket != last_ticket_;
    report.reserved = look.reading->reservation.state == ReservationState::reserved;
    if (look.device_status)
        report.moves_tape = look.device_status->activity != 0 || look.device_status->in_transition;
    return report;
}

// A look that says the same as the one before is seldom worth waking the loop for.
bool DriveLooker::worth_telling(const DriveLook& look) {
    const auto now = Clock::now();
    const bool same = last_ && look.reading && says_the_same(*last_->reading, *look.reading);
    bool tell = !same || look.ticket != last_ticket_;
    if (!same) {
        changed_at_ = now;
        settled_ = false;
    }
    if (!settled_) {
        tell = true;
        settled_ = now - changed_at_ > milliseconds_of(options_.settle) + settle_margin;
    }
    if (look.device_status) {
        const auto& status = *look.device_status;
        tell = tell || !told_status_ || told_status_->prevent_removal != status.prevent_removal ||
               (told_status_->activity != 0) != (status.activity != 0);
        told_status_ = status;
    }
    tell = tell || now - told_at_ >= milliseconds_of(options_.tell_unchanged_every);
    if (tell) told_at_ = now;
    return tell;
}

bool DriveLooker::probe_is_due() const {
    return identified_ && Clock::now() >= probe_at_;
}

std::uint32_t DriveLooker::probe() {
    const auto now = Clock::now();
    auto capabilities = reader_.capabilities();
    if (is_complete(capabilities)) ask_again_for_what_is_missing(capabilities);
    const auto probed = probe_capabilities(*transport_, capabilities, options_.command_timeout);
    reader_.set_capabilities(capabilities);
    quiet_reply_.reset();  // the reader knows more than it did then
    if (!probed) identified_ = false;
    probe_at_ = !is_complete(capabilities)      ? now + probe_incomplete_after
                : lacks_something(capabilities) ? now + probe_missing_after
                                                : Clock::time_point::max();
    return probed ? probed->commands : 0;
}

std::optional<DriveLooker::Clock::time_point> DriveLooker::settles_at() const {
    if (!last_ || options_.settle.ms <= 0) return std::nullopt;
    return changed_at_ + milliseconds_of(options_.settle) + settle_slack;
}

Outcome DriveLooker::identify_if_needed() {
    if (identified_) return Nothing{};
    if (auto right_drive = check_identity(); !right_drive) return right_drive;
    identified_ = true;
    // Nothing but capabilities outlives a broken path, and they only with their firmware.
    auto capabilities = reader_.capabilities();
    if (firmware_may_be_new_ || capabilities.revision != identity_->revision) {
        capabilities = DriveCapabilities{};
        capabilities.revision = identity_->revision;
        probe_at_ = Clock::time_point{};
    }
    firmware_may_be_new_ = false;
    reader_ = ReservationReader(options_.legacy_probe, std::move(capabilities));
    return Nothing{};
}

Outcome DriveLooker::check_identity() {
    const auto identity = identify(*transport_, options_.command_timeout);
    if (!identity) return identity.error();
    if (identity->serial == options_.serial) {
        identity_ = *identity;
        return Nothing{};
    }
    mismatch_ = OtherDrive{"its interface", identity->serial.text};
    return Error{"this path leads to drive " + identity->serial.text + " (" + identity->vendor +
                 " " + identity->product + "), not to " + options_.serial.text +
                 ": correct the interface of the drive in the configuration"};
}

}  // namespace drive_iface
