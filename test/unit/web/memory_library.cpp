#include "test/unit/web/memory_library.hpp"

namespace web_test {

using virtual_library::CartridgeFacts;
using virtual_library::LogicalObject;
using virtual_library::MemoryCartridge;

namespace {

constexpr std::int64_t today = 1'800'000'000'000;  // 2027-01-15

std::vector<SessionRecord> rows_of(const MemoryMedium& medium, std::uint64_t first,
                                   std::uint64_t count) {
    std::vector<SessionRecord> rows;
    const auto& objects = medium.objects();
    for (auto at = first; at < objects.size() && rows.size() < count; ++at) {
        rows.push_back({.number = at,
                        .kind = objects[at].kind,
                        .length = static_cast<std::uint32_t>(objects[at].data.size()),
                        .offsets = {},
                        .crc32c = 7,
                        .durable = true});
    }
    return rows;
}

}  // namespace

Session& MemoryTracking::add(std::uint32_t identifier, SessionState state,
                             const std::vector<std::string>& objects) {
    auto medium = std::make_shared<MemoryMedium>(
        CartridgeFacts{.barcode = "S" + std::to_string(identifier), .capacity = 64 << 20});
    for (const auto& text : objects) {
        if (text.empty()) {
            medium->append_filemark();
        } else {
            medium->append_block(bytes_of(text));
        }
    }
    Session session;
    session.identifier = identifier;
    session.host = "iscsi:iqn.2026-01.example:host-" + std::to_string(identifier);
    session.drive = "VT1";
    session.volume = "VT0001L8";
    session.state = state;
    session.objects = objects.size();
    session.durable_objects = objects.size();
    session.bytes = medium->used();
    session.started_ms = today + identifier;
    if (state != SessionState::active) session.ended_ms = today + 1000 * identifier;
    return (all[identifier] = {session, medium}).session;
}

std::vector<Session> MemoryTracking::list() const {
    std::vector<Session> rows;
    for (const auto& [identifier, one] : all)
        rows.push_back(one.session);
    return rows;
}

std::optional<Session> MemoryTracking::show(std::uint32_t identifier) const {
    const auto found = all.find(identifier);
    if (found == all.end()) return std::nullopt;
    return found->second.session;
}

Result<std::vector<SessionRecord>> MemoryTracking::records(std::uint32_t identifier,
                                                           std::uint64_t first,
                                                           std::uint64_t count) const {
    const auto found = all.find(identifier);
    if (found == all.end()) return Error{"unknown session"};
    return rows_of(*found->second.medium, first, count);
}

std::optional<Result<std::unique_ptr<Cartridge>>> MemoryTracking::open(std::uint32_t identifier) {
    using Opened = Result<std::unique_ptr<Cartridge>>;
    if (open_late > 0) {
        --open_late;
        return std::nullopt;
    }
    const auto found = all.find(identifier);
    if (found == all.end()) return Opened(Error{"unknown session"});
    if (found->second.session.state == SessionState::active)
        return Opened(Error{"session " + std::to_string(identifier) + " is still being written"});
    return Opened(std::make_unique<MemoryCartridge>(found->second.medium));
}

snapshots::Snapshot& MemorySnapshots::add(snapshots::Cause cause) {
    Kept kept;
    kept.snapshot.number = static_cast<std::uint32_t>(all_.size()) + 1;
    kept.snapshot.taken_ms = today + 60'000 * kept.snapshot.number;
    kept.snapshot.cause = cause;
    kept.sessions = tracking_->list();
    kept.snapshot.sessions = kept.sessions.size();
    return (all_[kept.snapshot.number] = std::move(kept)).snapshot;
}

std::vector<snapshots::Snapshot> MemorySnapshots::list() const {
    std::vector<snapshots::Snapshot> rows;
    for (const auto& [number, kept] : all_)
        rows.push_back(kept.snapshot);
    return rows;
}

std::optional<snapshots::Snapshot> MemorySnapshots::show(std::uint32_t number) const {
    const auto found = all_.find(number);
    if (found == all_.end()) return std::nullopt;
    return found->second.snapshot;
}

Result<std::vector<Session>> MemorySnapshots::sessions(std::uint32_t number) const {
    const auto found = all_.find(number);
    if (found == all_.end()) return Error{"unknown snapshot"};
    return found->second.sessions;
}

Result<std::vector<SessionRecord>> MemorySnapshots::records(std::uint32_t, std::uint32_t session,
                                                            std::uint64_t first,
                                                            std::uint64_t count) const {
    return tracking_->records(session, first, count);
}

Result<snapshots::SnapshotDifference> MemorySnapshots::diff(std::uint32_t a,
                                                            std::uint32_t b) const {
    const auto& from = all_.at(std::min(a, b));
    const auto& to = all_.at(std::max(a, b));
    return snapshots::SnapshotDifference{from.snapshot, to.snapshot,
                                         snapshots::difference(from.sessions, to.sessions)};
}

std::optional<Result<std::unique_ptr<Cartridge>>> MemorySnapshots::open(
    std::uint32_t, std::optional<std::uint32_t> session) {
    return tracking_->open(session.value_or(1));
}

MemoryLibrary::MemoryLibrary() : work_(loop.get_executor()) {
    shelf.add({.barcode = "VT0001L8", .capacity = 1 << 20});
    virtual_library::LibraryDescription description{
        .vendor = "LRA", .product = "VIRTUAL-LIB", .serial = "VTL1", .slots = 4};
    description.drives.push_back({.serial = "VT1",
                                  .product = "VIRTUAL-LTO8",
                                  .element_address = 256,
                                  .cartridge = "VT0001L8"});
    library = std::make_unique<virtual_library::Library>(description, shelf);
    thread_ = std::thread([this] { loop.run(); });
}

MemoryLibrary::~MemoryLibrary() {
    work_.reset();
    loop.stop();
    thread_.join();
}

web::Shown MemoryLibrary::shown() {
    return {.vendor = "LRA",
            .product = "VIRTUAL-LIB",
            .serial = "VTL1",
            .library = library.get(),
            .shelf = &shelf,
            .tracking = &tracking,
            .snapshots = &snapshots,
            .now_ms = [] { return today; }};
}

}  // namespace web_test
