#include "drive_iface/vtld/rmt_drives.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/sessions/session_store.hpp"

namespace drive_iface::vtld {

using rmt::Refusal;
using virtual_library::Library;

namespace {

constexpr auto look_again_after = std::chrono::milliseconds(10);
constexpr auto mounted_within = std::chrono::seconds(60);

}  // namespace

// A client waits for its volume. `opened` is empty once it was called.
struct RmtDrives::Opening {
    rmt::WantedTape wanted;
    agent::core::InitiatorPort port;
    Opened opened;
    asio::steady_timer timer;
    std::chrono::steady_clock::time_point latest;
    // The robot is at it: asked again until it is done, whatever becomes of the client.
    struct Move {
        std::string barcode;
        std::string place;
    };
    std::optional<Move> moving;
    bool takes_out = false;  // a volume had to leave the drive first
    bool administrative = false;
    bool unmounts = false;  // nobody waits for it

    void refuse(int error, const std::string& text) {
        if (auto call = std::exchange(opened, nullptr)) call(Refusal{error, text});
    }
};

RmtDrives::RmtDrives(asio::io_context& loop, DriveBay& bay, sessions::SessionStore* sessions,
                     std::string library_serial)
    : loop_(&loop), bay_(&bay), sessions_(sessions), library_serial_(std::move(library_serial)) {}

RmtDrives::~RmtDrives() = default;

std::vector<rmt::TapeDriveFacts> RmtDrives::drives() const {
    std::vector<rmt::TapeDriveFacts> all;
    for (const auto& drive : bay_->drives())
        all.push_back({drive.serial, drive.parallel});
    return all;
}

std::optional<RmtDrives::Status> RmtDrives::status_of(const std::string& drive) const {
    for (auto& status : bay_->drives()) {
        if (status.serial == drive) return status;
    }
    return std::nullopt;
}

std::optional<Refusal> RmtDrives::unusable(const std::string& barcode) const {
    const auto elements = bay_->library().elements();
    const auto found = std::ranges::find(elements, barcode, &Library::ElementStatus::barcode);
    if (barcode.empty() || found == elements.end())  // empty places have none
        return Refusal{ENOENT, "the library has no volume " + barcode};
    if (found->cleaning) {
        return Refusal{EMEDIUMTYPE, "volume " + barcode +
                                        " is a cleaning cartridge; lractl cartridge move brings "
                                        "it to a drive"};
    }
    return std::nullopt;
}

// Nobody is logged in, so nobody can miss the volume that is in it.
bool RmtDrives::is_free(const Status& drive) const {
    const bool used = std::any_of(users_.begin(), users_.end(), [&drive](const auto& entry) {
        return entry.second.drive == drive.serial;
    });
    return !used && drive.logged_in.empty();
}

void RmtDrives::open(const rmt::WantedTape& wanted, const agent::core::InitiatorPort& port,
                     Opened opened) {
    auto opening =
        std::make_shared<Opening>(Opening{wanted,
                                          port,
                                          std::move(opened),
                                          asio::steady_timer(*loop_),
                                          std::chrono::steady_clock::now() + mounted_within,
                                          {}});
    if (wanted.drive.empty()) {
        opening->administrative = true;
        opening->wanted.volume = administrative_volume(wanted.volume.value_or(""));
    }
    const auto& volume = opening->wanted.volume;
    if (volume && volume->empty())
        return opening->refuse(ENOENT, "the library has no volume " + *wanted.volume);
    if (const auto why = volume ? unusable(*volume) : std::nullopt)
        return opening->refuse(why->error, why->text);
    go_on(opening);
}

void RmtDrives::look_again(const std::shared_ptr<Opening>& opening) {
    opening->timer.expires_after(look_again_after);
    opening->timer.async_wait(
        [this, opening, alive = std::weak_ptr(alive_)](const asio::error_code& cancelled) {
            if (!cancelled && !alive.expired()) go_on(opening);
        });
}

void RmtDrives::go_on(const std::shared_ptr<Opening>& opening) {
    const auto& wanted = opening->wanted;
    if (wanted.drive.empty() && !find_drive(opening)) return;
    if (opening->moving) {
        const auto moved =
            bay_->library().move_cartridge(opening->moving->barcode, opening->moving->place);
        static_cast<void>(bay_->changed());
        if (!moved) return look_again(opening);
        opening->moving.reset();
        if (!moved->ok()) {
            mounting_.erase(wanted.drive);
            return opening->refuse(EBUSY, moved->error().message);
        }
    }
    if (opening->unmounts) {
        mounting_.erase(wanted.drive);
        return;
    }
    const auto drive = status_of(wanted.drive);
    if (!drive) return opening->refuse(ENODEV, "the library has no drive " + wanted.drive);
    const bool in_use = std::any_of(users_.begin(), users_.end(), [&drive](const auto& entry) {
        return entry.second.drive == drive->serial;
    });
    if (in_use && !drive->parallel)
        return opening->refuse(EBUSY, "drive " + drive->serial + " is used by another rmt client");
    if (std::chrono::steady_clock::now() > opening->latest) {
        mounting_.erase(drive->serial);
        return opening->refuse(EBUSY, "drive " + drive->serial + " did not become ready in time");
    }
    if (!mount(*opening, *drive)) return look_again(opening);
    if (opening->opened) log_in(*opening, *drive);
}

bool RmtDrives::mount(Opening& opening, const Status& drive) {
    const auto& wanted = opening.wanted;
    const bool right = !wanted.volume || drive.barcode == *wanted.volume ||
                       (drive.parallel && !drive.barcode.empty());
    if (right) {
        if (drive.medium == "opening") return false;
        mounting_.erase(drive.serial);
        if (drive.medium == "unreadable") opening.refuse(EIO, drive.medium_error);
        if (drive.medium == "cleaning" || drive.medium == "cleaned")
            opening.refuse(EMEDIUMTYPE, "cleaning cartridge " + drive.barcode + " is in the drive");
        return true;
    }
    const auto on_its_way = mounting_.find(drive.serial);
    if (on_its_way != mounting_.end() && on_its_way->second.empty()) return false;
    if (on_its_way != mounting_.end() && on_its_way->second != *wanted.volume) {
        opening.refuse(EBUSY, "volume " + on_its_way->second + " is being mounted on the drive");
        return true;
    }
    if (!drive.barcode.empty() && !opening.takes_out && !is_free(drive)) {
        opening.refuse(EBUSY, "volume " + drive.barcode + " is in the drive, and somebody uses it");
        return true;
    }
    const auto place =
        drive.barcode.empty() ? "drive " + drive.serial : bay_->library().way_back(drive.barcode);
    if (place.empty()) {
        opening.refuse(EBUSY, "volume " + drive.barcode +
                                  " is in the drive, and no slot is free for it; empty one "
                                  "(lractl cartridge move, cartridge remove)");
        return true;
    }
    mounting_[drive.serial] = *wanted.volume;
    opening.takes_out = !drive.barcode.empty();
    opening.moving = Opening::Move{opening.takes_out ? drive.barcode : *wanted.volume, place};
    return false;
}

void RmtDrives::log_in(Opening& opening, const Status& drive) {
    const auto& wanted = opening.wanted;
    User user{drive.serial, opening.port, std::nullopt};
    if (opening.administrative) user.to_unmount = drive.barcode;
    if (drive.parallel && sessions_ != nullptr && !drive.barcode.empty()) {
        const auto volume = wanted.volume.value_or(drive.barcode);
        if (wanted.writes) {
            const auto session = sessions_->prepare(drive.serial, opening.port, volume);
            if (!session) return opening.refuse(EIO, session.error().message);
            user.session = *session;
        } else if (auto chosen = sessions_->choose_volume(drive.serial, opening.port, volume);
                   !chosen) {
            return opening.refuse(ENOENT, chosen.error().message);
        }
    }
    const auto nexus = bay_->nexus_established(drive.serial, opening.port);
    if (!nexus) {
        if (sessions_ != nullptr) sessions_->forget_choice(drive.serial, opening.port);
        return opening.refuse(EBUSY, nexus.error().message);
    }
    users_.emplace(nexus->value, std::move(user));
    std::exchange(opening.opened, nullptr)(*nexus);
}

void RmtDrives::close(NexusId nexus) {
    const auto found = users_.find(nexus.value);
    if (found == users_.end()) return;
    const auto user = std::move(found->second);
    users_.erase(found);
    bay_->nexus_lost(nexus);
    if (sessions_ != nullptr) sessions_->forget_choice(user.drive, user.port);
    if (!user.to_unmount.empty()) unmount(user.drive, user.to_unmount);
}

std::string RmtDrives::administrative_volume(const std::string& name) const {
    if (!admin_volumes::is_reserved_barcode(name)) return {};
    // In its slot, or in a drive while another client reads it.
    for (const auto& element : bay_->library().elements()) {
        if (element.barcode.rfind(name, 0) == 0) return element.barcode;
    }
    return {};
}

bool RmtDrives::find_drive(const std::shared_ptr<Opening>& opening) {
    for (const auto& drive : bay_->drives()) {
        const bool idle = drive.barcode.empty() && is_free(drive) && !drive.parallel;
        if (!idle || mounting_.contains(drive.serial)) continue;
        opening->wanted.drive = drive.serial;
        return true;
    }
    const bool soon = std::any_of(mounting_.begin(), mounting_.end(),
                                  [](const auto& entry) { return entry.second.empty(); });
    if (soon && std::chrono::steady_clock::now() < opening->latest) {
        look_again(opening);
    } else {
        opening->refuse(EBUSY, "no drive is free to mount " + opening->wanted.volume.value_or("") +
                                   ": that needs one that is not parallel, has no cartridge, and "
                                   "nobody logged in");
    }
    return false;
}

// The next one who asks for it gets it as of then, and the drive is free for others.
void RmtDrives::unmount(const std::string& drive, const std::string& barcode) {
    std::string slot;
    for (const auto& element : bay_->library().elements()) {
        if (element.place == "drive " + drive && element.barcode == barcode) slot = element.source;
    }
    if (slot.empty()) return;  // somebody else took it out already
    auto leaving = std::make_shared<Opening>(
        Opening{.wanted = {.drive = drive},
                .port = {},
                .opened = nullptr,
                .timer = asio::steady_timer(*loop_),
                .latest = std::chrono::steady_clock::now() + mounted_within,
                .moving = Opening::Move{barcode, slot},
                .unmounts = true});
    mounting_[drive] = "";
    go_on(leaving);
}

void RmtDrives::execute(NexusId nexus, const rmt::Bytes& cdb, rmt::Bytes data_out,
                        Executed executed) {
    // A reply that comes at once and one that comes later are the same to rmt.
    const auto call = std::make_shared<Executed>(std::move(executed));
    auto reply = bay_->execute(nexus, ++last_task_, 0, cdb, data_out,
                               [call](CommandReply later) { (*call)(std::move(later)); });
    if (reply) (*call)(std::move(*reply));
}

std::optional<std::uint32_t> RmtDrives::write_session(NexusId nexus) {
    const auto found = users_.find(nexus.value);
    return found == users_.end() ? std::nullopt : found->second.session;
}

}  // namespace drive_iface::vtld
