#include "drive_iface/snapshots/snapshot_store.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace drive_iface::snapshots {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using sessions::SessionState;

namespace {

constexpr std::int64_t ms_in_a_minute = 60'000;
constexpr std::size_t text_max = 1'000;
constexpr std::uint64_t records_max = 10'000;

Error unknown_snapshot(std::uint32_t number) {
    return {"there is no snapshot " + std::to_string(number) + "; snapshot list shows which are"};
}

std::vector<Snapshot> oldest_first(const Catalogue& catalogue) {
    std::vector<Snapshot> all;
    for (const auto& [number, snapshot] : catalogue.snapshots())
        all.push_back(snapshot);
    return all;
}

const Snapshot* find_snapshot(const Catalogue& catalogue, std::uint32_t number) {
    const auto found = catalogue.snapshots().find(number);
    return found == catalogue.snapshots().end() ? nullptr : &found->second;
}

Outcome check_text(const std::string& text, const char* what) {
    if (text.size() <= text_max) return Nothing{};
    return Error{std::string(what) + " has " + std::to_string(text.size()) +
                 " characters; at most " + std::to_string(text_max) + " are kept"};
}

}  // namespace

// ---- beginning

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::start(SnapshotStoreOptions options,
                                                            sessions::Tracking& tracking) {
    auto catalogue = Catalogue::open(options.file);
    if (!catalogue) return catalogue.error();
    return std::unique_ptr<SnapshotStore>(
        new SnapshotStore(std::move(options), tracking, std::move(catalogue).value()));
}

SnapshotStore::SnapshotStore(SnapshotStoreOptions options, sessions::Tracking& tracking,
                             std::unique_ptr<Catalogue> catalogue)
    : options_(std::move(options)),
      tracking_(&tracking),
      catalogue_(std::move(catalogue)),
      openings_(tracking) {
    // There were more slots when they were mounted.
    for (const auto& [slot, mount] : std::map(catalogue_->mounts())) {
        if (slot >= options_.mounts_max) static_cast<void>(catalogue_->unmount(slot));
    }
    hold_what_is_referred_to();
    listening_ = tracking_->listen([this](const Session& session) { completed(session); });
    // One that was completed just before the process ended.
    std::optional<Session> missed;
    const auto rows = tracking_->list();
    for (const Session& session : rows) {
        const auto place = session.completion.value_or(0);
        if (place <= catalogue_->last_completion()) continue;
        if (!missed || place > missed->completion.value_or(0)) missed = session;
    }
    if (options_.on_completion && missed) {
        take_or_log({.cause = Cause::completion,
                     .completed = missed->identifier,
                     .by = {},
                     .reason = {},
                     .kept_by = {},
                     .kept_reason = {}},
                    rows);
    }
    let_go_of_old();
    tracking_->allow_deletion();
}

SnapshotStore::~SnapshotStore() = default;

void SnapshotStore::hold_what_is_referred_to() {
    const auto& wanted = catalogue_->references();
    for (const auto& [identifier, reference] : wanted) {
        if (held_.contains(identifier) || missing_.contains(identifier)) continue;
        if (tracking_->hold(identifier)) {
            held_.insert(identifier);
            continue;
        }
        missing_.insert(identifier);
        options_.log("snapshots refer to session " + std::to_string(identifier) +
                     ", whose data is not there any more");
    }
    for (auto* known : {&held_, &missing_}) {
        for (auto at = known->begin(); at != known->end();) {
            if (wanted.contains(*at)) {
                ++at;
                continue;
            }
            if (known == &held_) tracking_->release(*at);
            at = known->erase(at);
        }
    }
}

// ---- taking

void SnapshotStore::completed(const Session& session) {
    const bool news = session.state == SessionState::complete &&
                      session.completion.value_or(0) > catalogue_->last_completion();
    if (!options_.on_completion || !news) return;
    take_or_log({.cause = Cause::completion,
                 .completed = session.identifier,
                 .by = {},
                 .reason = {},
                 .kept_by = {},
                 .kept_reason = {}},
                tracking_->list());
}

void SnapshotStore::take_or_log(const Snapshot& snapshot, const std::vector<Session>& rows) {
    if (auto taken = take(snapshot, rows); !taken) {
        options_.log("no snapshot was taken (" + std::string(to_text(snapshot.cause)) +
                     "): " + taken.error().message);
    }
}

Result<Snapshot> SnapshotStore::take(Snapshot snapshot, const std::vector<Session>& rows) {
    if (!make_room()) {
        return Error{"the snapshots there are hold " + std::to_string(catalogue_->versions()) +
                     " rows of sessions, and all of them are kept or mounted; remove some"};
    }
    snapshot.taken_ms = options_.now_ms();
    auto taken = catalogue_->add(std::move(snapshot), rows);
    if (!taken) return taken;
    hold_what_is_referred_to();
    tell(SnapshotChange::Kind::taken, *taken, taken->by, taken->reason);
    let_go_of_old();
    return taken;
}

// For the rows of one more: old ones go first.
bool SnapshotStore::make_room() {
    while (catalogue_->versions() >= options_.versions_max) {
        const auto oldest = first_to_go(oldest_first(*catalogue_), in_use());
        if (!oldest) return false;
        const auto before = catalogue_->snapshots().size();
        remove_because({*oldest}, "there are too many rows of sessions");
        if (catalogue_->snapshots().size() == before) return false;
    }
    return true;
}

Result<Snapshot> SnapshotStore::take(const std::string& by, const std::string& reason) {
    if (auto fits = check_text(reason, "the reason"); !fits) return fits.error();
    return take(Snapshot{.cause = Cause::on_demand,
                         .completed = {},
                         .by = by,
                         .reason = reason,
                         .kept_by = {},
                         .kept_reason = {}},
                tracking_->list());
}

void SnapshotStore::tick() {
    openings_.give_up_forgotten();
    const auto now = options_.now_ms();
    const auto every = options_.every_minutes * ms_in_a_minute;
    if (every > 0) {
        // A clock that was set back does not stop them.
        if (!next_ms_ || *next_ms_ - now > every) next_ms_ = now + every;
        if (now >= *next_ms_) {
            next_ms_ = now + every;
            const auto rows = tracking_->list();
            if (!catalogue_->is_newest(rows)) {
                take_or_log({.cause = Cause::periodic,
                             .completed = {},
                             .by = {},
                             .reason = {},
                             .kept_by = {},
                             .kept_reason = {}},
                            rows);
            }
        }
    }
    let_go_of_old();
}

// ---- letting go

std::set<std::uint32_t> SnapshotStore::in_use() const {
    std::set<std::uint32_t> numbers;
    for (const auto& [slot, mount] : catalogue_->mounts())
        numbers.insert(mount.number);
    for (const auto& [number, pin] : pins_) {
        if (!pin.expired()) numbers.insert(number);
    }
    return numbers;
}

std::shared_ptr<void> SnapshotStore::pin(std::uint32_t number) {
    std::erase_if(pins_, [](const auto& entry) { return entry.second.expired(); });
    auto pin = pins_[number].lock();
    if (!pin) pins_[number] = pin = std::make_shared<int>(0);
    return pin;
}

std::uint64_t SnapshotStore::bytes_referred_to() const {
    std::uint64_t bytes = 0;
    for (const auto& [identifier, reference] : catalogue_->references())
        bytes += reference.bytes;
    return bytes;
}

void SnapshotStore::let_go_of_old() {
    remove_because(
        outlived(oldest_first(*catalogue_), options_.retention, options_.now_ms(), in_use()),
        "retention");
    while (bytes_referred_to() > options_.retention.bytes) {
        const auto oldest = first_to_go(oldest_first(*catalogue_), in_use());
        if (!oldest) return;
        const auto before = catalogue_->snapshots().size();
        remove_because({*oldest}, "retention: snapshots refer to too much data");
        if (catalogue_->snapshots().size() == before) return;
    }
}

void SnapshotStore::remove_because(const std::vector<std::uint32_t>& numbers,
                                   const std::string& why) {
    if (numbers.empty()) return;
    const auto before = catalogue_->snapshots();
    if (auto removed = catalogue_->remove(numbers); !removed) {
        options_.log("old snapshots are still there: " + removed.error().message);
        return;
    }
    hold_what_is_referred_to();
    for (const auto number : numbers) {
        const auto found = before.find(number);
        if (found != before.end()) tell(SnapshotChange::Kind::removed, found->second, "", why);
    }
}

Outcome SnapshotStore::remove(std::uint32_t number, const std::string& by,
                              const std::string& reason) {
    const auto* found = find_snapshot(*catalogue_, number);
    if (found == nullptr) return unknown_snapshot(number);
    for (const auto& one : mounted()) {
        if (one.mount.number == number) {
            return Error{"snapshot " + std::to_string(number) + " is mounted as " + one.volume +
                         "; unmount it first"};
        }
    }
    if (in_use().contains(number)) {
        return Error{"snapshot " + std::to_string(number) +
                     " is being exported; wait for it or cancel it"};
    }
    const Snapshot gone = *found;
    if (auto removed = catalogue_->remove(std::vector{number}); !removed) return removed;
    hold_what_is_referred_to();
    tell(SnapshotChange::Kind::removed, gone, by, reason);
    return Nothing{};
}

Result<Snapshot> SnapshotStore::keep(std::uint32_t number, const std::string& by,
                                     const std::string& reason) {
    const auto* found = find_snapshot(*catalogue_, number);
    if (found == nullptr) return unknown_snapshot(number);
    if (auto fits = check_text(reason, "the reason"); !fits) return fits.error();
    const auto all = oldest_first(*catalogue_);
    const auto kept = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const auto& one) { return one.kept; }));
    if (!found->kept && kept >= options_.kept_max)
        return Error{std::to_string(kept) + " snapshots are kept already; unkeep some"};
    Snapshot now = *found;
    now.kept = true;
    now.kept_by = by;
    now.kept_reason = reason;
    if (auto saved = catalogue_->save(now); !saved) return saved.error();
    tell(SnapshotChange::Kind::kept, now, by, reason);
    return now;
}

Result<Snapshot> SnapshotStore::unkeep(std::uint32_t number, const std::string& by) {
    const auto* found = find_snapshot(*catalogue_, number);
    if (found == nullptr) return unknown_snapshot(number);
    if (!found->kept) return Error{"snapshot " + std::to_string(number) + " is not kept"};
    Snapshot now = *found;
    now.kept = false;
    now.kept_by.clear();
    now.kept_reason.clear();
    if (auto saved = catalogue_->save(now); !saved) return saved.error();
    tell(SnapshotChange::Kind::unkept, now, by, "");
    let_go_of_old();
    return now;
}

// ---- looking

std::vector<Snapshot> SnapshotStore::list() const {
    return oldest_first(*catalogue_);
}

std::optional<Snapshot> SnapshotStore::show(std::uint32_t number) const {
    const auto* found = find_snapshot(*catalogue_, number);
    return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<std::vector<Session>> SnapshotStore::sessions(std::uint32_t number) const {
    if (find_snapshot(*catalogue_, number) == nullptr) return unknown_snapshot(number);
    return catalogue_->sessions(number);
}

Result<std::vector<SessionRecord>> SnapshotStore::records(std::uint32_t number,
                                                          std::uint32_t session,
                                                          std::uint64_t first,
                                                          std::uint64_t count) const {
    const auto rows = sessions(number);
    if (!rows) return rows.error();
    const auto row = std::find_if(rows->begin(), rows->end(),
                                  [session](const auto& one) { return one.identifier == session; });
    if (row == rows->end()) {
        return Error{"snapshot " + std::to_string(number) + " has no session " +
                     std::to_string(session)};
    }
    if (first >= row->objects) return std::vector<SessionRecord>{};
    const auto wanted = std::min({count, records_max, row->objects - first});
    auto found = tracking_->records(session, first, wanted);
    if (!found) return found;
    for (auto& record : found.value())
        record.durable = record.number < row->durable_objects;
    return found;
}

Result<SnapshotDifference> SnapshotStore::diff(std::uint32_t a, std::uint32_t b) const {
    const auto older = sessions(std::min(a, b));
    if (!older) return older.error();
    const auto newer = sessions(std::max(a, b));
    if (!newer) return newer.error();
    return SnapshotDifference{*show(std::min(a, b)), *show(std::max(a, b)),
                              difference(*older, *newer)};
}

std::optional<Result<std::unique_ptr<virtual_library::Cartridge>>> SnapshotStore::open(
    std::uint32_t number, std::optional<std::uint32_t> session) {
    using Opened = Result<std::unique_ptr<virtual_library::Cartridge>>;
    const auto rows = sessions(number);
    if (!rows) return Opened(rows.error());
    const Mount what{number, session};
    return openings_.open(what, volume_name(what, options_.media_identifier), *rows);
}

std::shared_ptr<void> SnapshotStore::listen(Listener listener) {
    auto token = std::make_shared<Listener>(std::move(listener));
    std::erase_if(listeners_, [](const auto& old) { return old.expired(); });
    listeners_.push_back(token);
    return token;
}

void SnapshotStore::tell(SnapshotChange::Kind kind, const Snapshot& snapshot, const std::string& by,
                         const std::string& why) {
    const SnapshotChange change{kind, snapshot, by, why};
    for (const auto& listener : std::vector(listeners_)) {
        if (const auto call = listener.lock()) (*call)(change);
    }
}

// ---- as volumes

std::string volume_name(const Mount& mount, const std::string& media_identifier) {
    constexpr std::size_t digits_min = 4;
    std::string digits = std::to_string(mount.number);
    if (digits.size() < digits_min) digits.insert(0, digits_min - digits.size(), '0');
    std::string name = "SN" + digits;
    if (mount.session) name += "S" + std::to_string(*mount.session);
    return name + media_identifier;
}

bool is_snapshot_barcode(std::string_view barcode) {
    return barcode.size() > 2 && barcode.substr(0, 2) == "SN" && barcode[2] >= '0' &&
           barcode[2] <= '9';
}

std::vector<SnapshotStore::Mounted> SnapshotStore::mounted() const {
    std::vector<Mounted> all;
    for (const auto& [slot, mount] : catalogue_->mounts()) {
        if (slot < options_.mounts_max)
            all.push_back({slot, volume_name(mount, options_.media_identifier), mount});
    }
    return all;
}

Result<SnapshotStore::Mounted> SnapshotStore::mount(std::uint32_t number,
                                                    std::optional<std::uint32_t> session) {
    const auto rows = sessions(number);
    if (!rows) return rows.error();
    const Mount wanted{number, session};
    if (auto found = rows_for(wanted, *rows); !found) return found.error();
    std::set<std::size_t> taken;
    for (const auto& one : mounted()) {
        if (one.mount == wanted) return one;
        taken.insert(one.slot);
    }
    std::size_t slot = 0;
    while (taken.contains(slot))
        ++slot;
    if (slot >= options_.mounts_max) {
        return Error{std::to_string(taken.size()) +
                     " snapshots are mounted already (snapshots.mount_slots); unmount one"};
    }
    if (auto saved = catalogue_->mount(slot, wanted); !saved) return saved.error();
    return Mounted{slot, volume_name(wanted, options_.media_identifier), wanted};
}

Outcome SnapshotStore::unmount(const std::string& volume) {
    for (const auto& one : mounted()) {
        if (one.volume != volume) continue;
        if (auto saved = catalogue_->unmount(one.slot); !saved) return saved;
        let_go_of_old();
        return Nothing{};
    }
    return Error{"no snapshot is mounted as " + volume};
}

}  // namespace drive_iface::snapshots
