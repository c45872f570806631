#include "drive_iface/sessions/session_store_state.hpp"

#include <algorithm>

namespace drive_iface::sessions {

using agent::core::Error;
using agent::core::InitiatorPort;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::CartridgeShelf;
using virtual_library::ParallelCartridge;

namespace {

constexpr std::uint64_t records_max = 10'000;

Error unknown_session(std::uint32_t identifier) {
    return {"there is no session " + std::to_string(identifier)};
}

}  // namespace

// ---- beginning and end

void SessionStore::State::begin() {
    shelf_->on_progress([this] { progress(); });
    segments_->on_progress([this] { progress(); });
    std::map<std::uint64_t, LedgerRow> complete;  // in order of completion
    for (const auto& [identifier, row] : std::map(book->rows())) {
        auto now = row;
        if (row.session.state == SessionState::complete)
            complete[row.session.completion.value_or(0)] = row;
        if (row.session.state != SessionState::active) continue;
        now.session.state = SessionState::incomplete;
        now.session.reason = "vtld ended before the session was completed";
        now.session.ended_ms = options_.now_ms();
        const auto contents = segments_->contents(identifier);
        if (row.made && !contents.there) {
            // Its folders may be away: looked at again at the next start.
            now.session.reason += "; its segment files are not in the storage folders";
            book->note(now.session);
            continue;
        }
        now.session.objects = now.session.durable_objects = contents.objects;
        now.session.filemarks = contents.filemarks;
        now.session.bytes = contents.bytes;
        if (contents.objects == 0) empty_.insert(identifier);
        if (auto saved = book->change(now); !saved) options_.log(saved.error().message);
    }
    for (const auto& [order, row] : complete) {
        volume_of(row.session.volume)
            ->commit({row.session.identifier, nullptr, row.session.objects, row.session.bytes,
                      row.merge_start});
    }
    later([](State& self) { self.progress(); });
}

void SessionStore::State::end() {
    shelf_->on_progress(nullptr);
    segments_->on_progress(nullptr);
    choices.clear();
    streams_.clear();
    volumes_.clear();
}

void SessionStore::State::later(std::function<void(State&)> what) {
    options_.run_on_loop([weak = weak_from_this(), what = std::move(what)] {
        if (const auto self = weak.lock()) what(*self);
    });
}

void SessionStore::State::progress() {
    const auto self = shared_from_this();
    for (const auto& [identifier, stream] : std::map(streams_))
        stream->progress();
    for (const auto& [barcode, volume] : std::map(volumes_))
        volume->go_on();
    tidy();
    tell_progress();
}

void SessionStore::State::retry() {
    for (const auto& [barcode, volume] : std::map(volumes_))
        volume->retry();
}

bool SessionStore::State::hosts_write() const {
    return std::any_of(streams_.begin(), streams_.end(),
                       [](const auto& entry) { return entry.second->is_writing(); });
}

// What waited for hosts may begin.
void SessionStore::State::go_on_copying() {
    const auto waits = [](const auto& entry) { return entry.second->has_pending(); };
    if (std::none_of(volumes_.begin(), volumes_.end(), waits) || hosts_write()) return;
    later([](State& self) {
        for (const auto& [barcode, volume] : std::map(self.volumes_))
            volume->go_on();
    });
}

void SessionStore::State::tell_progress() {
    if (parallel_progress) parallel_progress();
    if (drives_progress) drives_progress();
}

// Volumes nobody uses are closed; segments nobody needs are deleted. Soon, not now: somebody may
// be in the middle of using them.
void SessionStore::State::tidy() {
    if (std::exchange(tidying_, true)) return;
    later([](State& self) {
        self.tidying_ = false;
        const auto closed = std::erase_if(self.volumes_, [](const auto& entry) {
            return entry.second.use_count() == 1 && !entry.second->has_pending();
        });
        std::erase_if(self.streams_, [](const auto& entry) { return entry.second->ended(); });
        std::erase_if(self.open_segments_,
                      [](const auto& entry) { return entry.second.expired(); });
        self.drop_empty();
        if (self.deletion_allowed) self.delete_old();
        if (closed > 0) self.tell_progress();
    });
}

// Files that were there and are away, with their folders, are not deleted yet.
Outcome SessionStore::State::remove(const LedgerRow& row) {
    const auto identifier = row.session.identifier;
    return row.made ? segments_->remove(identifier) : segments_->remove_unmade(identifier);
}

void SessionStore::State::delete_old() {
    for (const auto identifier : deletable(*book, options_.merged_kept, options_.incomplete_kept)) {
        if (open_segments_.contains(identifier) || empty_.contains(identifier)) continue;
        // One that is just being closed goes the next time.
        auto row = *book->find(identifier);
        if (auto removed = remove(row); !removed) continue;
        row.session.kept = false;
        row.session.files.clear();
        if (auto saved = book->change(row); !saved) options_.log(saved.error().message);
    }
    for (const auto identifier : forgettable(*book, options_.remembered_max))
        static_cast<void>(book->forget(identifier));
}

void SessionStore::State::drop_empty() {
    for (const auto identifier : std::set(empty_)) {
        const auto* row = book->find(identifier);
        if (row != nullptr && !remove(*row)) continue;
        static_cast<void>(book->forget(identifier));
        empty_.erase(identifier);
    }
}

// ---- volumes

std::optional<Result<std::unique_ptr<Cartridge>>> SessionStore::State::open(
    const std::string& barcode) {
    if (is_being_completed(barcode)) return std::nullopt;
    const auto volume = volumes_.find(barcode);
    if (volume == volumes_.end()) return shelf_->open(barcode);
    if (!volume->second->stopped().empty())
        return Result<std::unique_ptr<Cartridge>>(Error{volume->second->stopped()});
    volume->second->hurry();
    tidy();
    return std::nullopt;
}

bool SessionStore::State::knows(const std::string& barcode) const {
    const auto all = shelf_->list();
    return std::any_of(all.begin(), all.end(), [&barcode](const auto& entry) {
        return entry.facts.barcode == barcode && !entry.facts.cleaning;
    });
}

std::shared_ptr<Volume> SessionStore::State::volume_of(const std::string& barcode) {
    auto& volume = volumes_[barcode];
    if (!volume) volume = std::make_shared<Volume>(barcode, doors_of(barcode));
    return volume;
}

Volume::Doors SessionStore::State::doors_of(const std::string& barcode) {
    Volume::Doors doors;
    // Views may outlive the store for a moment, and their volumes with them.
    const auto weak = weak_from_this();
    doors.open_base = [weak, barcode] {
        const auto self = weak.lock();
        return self ? self->shelf_->open(barcode) : std::nullopt;
    };
    doors.open_segment = [weak](std::uint32_t identifier) {
        const auto self = weak.lock();
        return self ? self->shared_segment(identifier) : std::nullopt;
    };
    doors.run_on_loop = options_.run_on_loop;
    doors.merge_begins = [weak](std::uint32_t identifier, std::uint64_t start) -> Outcome {
        const auto self = weak.lock();
        const auto* row = self ? self->book->find(identifier) : nullptr;
        if (row == nullptr) return unknown_session(identifier);
        auto now = *row;
        now.merge_start = start;
        return self->book->change(now);
    };
    doors.merged = [weak](std::uint32_t identifier, std::uint64_t first) -> Outcome {
        const auto self = weak.lock();
        const auto* row = self ? self->book->find(identifier) : nullptr;
        if (row == nullptr) return unknown_session(identifier);
        auto now = *row;
        now.merge_start.reset();
        now.session.state = SessionState::merged;
        now.session.reason.clear();
        now.session.volume_object = first;
        self->tidy();
        return self->book->change(now);
    };
    doors.merge_stopped = [weak](std::uint32_t identifier, const std::string& why) {
        const auto self = weak.lock();
        const auto* row = self ? self->book->find(identifier) : nullptr;
        if (row == nullptr) return;
        auto session = row->session;
        session.reason = why;
        self->book->note(session);
    };
    doors.now_ms = options_.now_ms;
    doors.hosts_write = [weak] {
        const auto self = weak.lock();
        return self && self->hosts_write();
    };
    doors.log = options_.log;
    doors.progress = [weak] {
        const auto self = weak.lock();
        if (self && self->parallel_progress) self->parallel_progress();
    };
    return doors;
}

SessionCartridge::Doors::Space SessionStore::State::space_on(const Volume& volume) const {
    auto taken = volume.used();
    for (const auto& [identifier, stream] : streams_) {
        const auto* row = book->find(identifier);
        if (stream->ended() || !stream->shared() || row == nullptr) continue;
        if (row->session.volume == volume.barcode()) taken += stream->segment().used();
    }
    const auto left = [taken](std::uint64_t at) { return at > taken ? at - taken : 0; };
    return {left(volume.base().early_warning_at()), left(volume.base().end_of_medium_at())};
}

// ---- sessions

SessionStore::State::User SessionStore::State::user_of(const std::string& drive,
                                                       const InitiatorPort& host) {
    return {drive,
            std::string(agent::core::to_text(host.transport)) + ":" + host.name + "," + host.isid};
}

Result<std::shared_ptr<WriteStream>> SessionStore::State::begin_session(
    const std::string& drive, const InitiatorPort& host, const std::string& barcode) {
    const auto active = static_cast<std::size_t>(
        std::count_if(streams_.begin(), streams_.end(),
                      [](const auto& entry) { return !entry.second->ended(); }));
    if (active >= options_.active_max)
        return Error{std::to_string(active) + " sessions are active already"};
    std::uint64_t capacity = 0;
    for (const auto& entry : shelf_->list()) {
        if (entry.facts.barcode == barcode) capacity = entry.facts.capacity;
    }
    const auto identifier = book->begin({.host = host_text(host),
                                         .address = host.address,
                                         .drive = drive,
                                         .volume = barcode,
                                         .reason = {},
                                         .started_ms = options_.now_ms(),
                                         .files = {}});
    if (!identifier) return identifier.error();
    if (auto created = segments_->create(*identifier, capacity); !created) {
        static_cast<void>(book->forget(*identifier));
        return created.error().within("segment of session " + std::to_string(*identifier));
    }
    auto session = book->find(*identifier)->session;
    session.files = segments_->files(*identifier);
    book->note(session);
    auto stream = std::make_shared<WriteStream>(
        *identifier, *segments_, options_.run_on_loop,
        [weak = weak_from_this()](WriteStream& one, WriteStream::Ending ending,
                                  const std::string& reason) -> Outcome {
            const auto self = weak.lock();
            return self ? self->ended(one, ending, reason) : Error{"vtld stops"};
        });
    stream->on_open([weak = weak_from_this(), id = *identifier]() -> Outcome {
        const auto self = weak.lock();
        return self ? self->made(id) : Error{"vtld stops"};
    });
    stream->on_progress([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->go_on_copying();
    });
    streams_[*identifier] = stream;
    static_cast<void>(stream->open());
    return stream;
}

// Recorded before anything is acknowledged: what was never made may be forgotten.
Outcome SessionStore::State::made(std::uint32_t identifier) {
    auto row = *book->find(identifier);
    row.made = true;
    return book->change(row);
}

Outcome SessionStore::State::ended(WriteStream& stream, WriteStream::Ending ending,
                                   const std::string& reason) {
    const auto identifier = stream.identifier();
    tidy();
    later([](State& self) { self.go_on_copying(); });
    later([](State& self) { self.tell_progress(); });  // who waits to see what it wrote
    auto row = *book->find(identifier);
    Session& session = row.session;
    if (stream.shared()) {
        const auto& data = stream.segment();
        session.objects = session.durable_objects = data.end_of_data();
        session.filemarks = data.filemarks_before(session.objects);
        session.bytes = data.used();
    }
    session.ended_ms = options_.now_ms();
    if (session.objects == 0 && !stream.lost_something()) {
        session.state = SessionState::incomplete;
        session.reason = "nothing was written";
        book->note(session);
        empty_.insert(identifier);
        return Nothing{};
    }
    session.reason = reason;
    if (stream.lost_something()) {
        options_.log("write session " + std::to_string(identifier) + " of " + session.host +
                     " on drive " + session.drive + " to volume " + session.volume +
                     " has lost what could not be stored, and is incomplete: " + reason);
    }
    session.state =
        ending == WriteStream::Ending::complete ? SessionState::complete : SessionState::incomplete;
    if (ending == WriteStream::Ending::complete) session.completion = book->next_completion();
    open_segments_[identifier] = stream.shared();
    if (auto saved = book->change(row); !saved) {
        session.state = SessionState::incomplete;
        session.reason = saved.error().message;
        session.completion.reset();
        book->note(session);
        options_.log("session " + std::to_string(identifier) + ": " + saved.error().message);
        return saved;
    }
    if (session.state == SessionState::complete) {
        volume_of(session.volume)
            ->commit({identifier, stream.shared(), session.objects, session.bytes, std::nullopt});
    }
    return Nothing{};
}

void SessionStore::State::give_up_choice(const User& user) {
    const auto found = choices.find(user);
    if (found == choices.end()) return;
    const auto prepared = std::move(found->second.prepared);
    choices.erase(found);
    if (prepared) prepared->finish(WriteStream::Ending::incomplete, "nothing was written");
}

SessionCartridge::Doors SessionStore::State::view_doors(const std::string& drive,
                                                        const InitiatorPort& host,
                                                        const std::shared_ptr<Volume>& volume) {
    SessionCartridge::Doors doors;
    doors.begin = [weak = weak_from_this(), drive, host,
                   barcode = volume->barcode()]() -> Result<std::shared_ptr<WriteStream>> {
        const auto self = weak.lock();
        if (!self) return Error{"vtld stops"};
        const auto choice = self->choices.find(user_of(drive, host));
        if (choice != self->choices.end() && choice->second.prepared)
            return std::exchange(choice->second.prepared, nullptr);
        return self->begin_session(drive, host, barcode);
    };
    doors.started = [weak = weak_from_this()](std::uint32_t identifier, std::uint64_t start) {
        const auto self = weak.lock();
        if (!self) return;
        auto session = self->book->find(identifier)->session;
        session.start_object = start;
        self->book->note(session);
    };
    doors.space = [weak = weak_from_this(),
                   on = std::weak_ptr(volume)]() -> SessionCartridge::Doors::Space {
        const auto self = weak.lock();
        const auto at = on.lock();
        return self && at ? self->space_on(*at) : SessionCartridge::Doors::Space{};
    };
    doors.run_on_loop = options_.run_on_loop;
    // The volume stays open with its views; closing it is looked at when the last one went.
    doors.keeps = std::shared_ptr<Volume>(
        volume.get(), [weak = weak_from_this(), held = volume](Volume*) mutable {
            held.reset();
            if (const auto self = weak.lock()) self->tidy();
        });
    return doors;
}

// A host that logged out has written what it wrote: who comes after it sees that, although storing
// it still takes a moment.
bool SessionStore::State::is_being_completed(const std::string& barcode) const {
    return std::any_of(streams_.begin(), streams_.end(), [&](const auto& entry) {
        if (!entry.second->completing() || entry.second->ended()) return false;
        const auto* row = book->find(entry.first);
        return row != nullptr && row->session.volume == barcode;
    });
}

std::optional<Result<std::unique_ptr<ParallelCartridge>>> SessionStore::State::open_view(
    const std::string& drive, const std::string& barcode, const InitiatorPort& host) {
    using Opened = Result<std::unique_ptr<ParallelCartridge>>;
    const auto choice = choices.find(user_of(drive, host));
    const auto volume = volume_of(choice == choices.end() ? barcode : choice->second.barcode);
    if (is_being_completed(volume->barcode())) return std::nullopt;
    const auto opened = volume->open();
    if (!opened) return std::nullopt;
    if (!opened->ok()) {
        volume->forget_trouble();
        tidy();
        return Opened(opened->error());
    }
    auto facts = volume->base().facts();
    auto doors = view_doors(drive, host, volume);
    if (facts.write_protected) doors.begin = nullptr;
    std::unique_ptr<ParallelCartridge> view = std::make_unique<SessionCartridge>(
        std::move(facts), volume->committed(), volume->shared_base(), std::move(doors));
    return Opened(std::move(view));
}

// ---- the tracking structure

// What changes with every record is not in the book but in the stream.
Session SessionStore::State::live(const Session& session) const {
    auto now = session;
    if (session.kept && now.files.empty()) now.files = segments_->files(session.identifier);
    const auto stream = streams_.find(session.identifier);
    if (session.state != SessionState::active || stream == streams_.end() ||
        !stream->second->shared())
        return now;
    const auto& data = stream->second->segment();
    now.objects = data.end_of_data();
    now.filemarks = data.filemarks_before(now.objects);
    now.bytes = data.used();
    now.durable_objects = now.objects - std::min(now.objects, data.buffered().objects);
    return now;
}

std::vector<Session> SessionStore::State::live_sessions() const {
    std::vector<Session> all;
    for (const auto& [identifier, row] : book->rows())
        all.push_back(live(row.session));
    return all;
}

Result<std::vector<SessionRecord>> SessionStore::State::records(std::uint32_t identifier,
                                                                std::uint64_t first,
                                                                std::uint64_t count) const {
    const auto* row = book->find(identifier);
    if (row == nullptr) return unknown_session(identifier);
    if (!row->session.kept)
        return Error{"the segments of session " + std::to_string(identifier) + " are deleted"};
    const auto session = live(row->session);
    const auto end = std::min(session.objects, first + std::min(count, records_max));
    if (first >= end) return std::vector<SessionRecord>{};
    auto found = segments_->records(identifier, first, end - first);
    if (!found) return found.error();
    auto records = std::move(found).value();
    // What is accepted and not on storage yet.
    const auto stream = streams_.find(identifier);
    if (stream != streams_.end() && stream->second->shared()) {
        for (auto number = first + records.size(); number < end; ++number) {
            const auto object = stream->second->segment().object(number);
            records.push_back(
                {.number = number, .kind = object.kind, .length = object.length, .offsets = {}});
        }
    }
    for (auto& record : records)
        record.durable = record.number < session.durable_objects;
    return records;
}

// Of a session that ended, for all who read it.
std::optional<Result<std::shared_ptr<SharedCartridge>>> SessionStore::State::shared_segment(
    std::uint32_t identifier) {
    using Shared = Result<std::shared_ptr<SharedCartridge>>;
    if (auto shared = open_segments_[identifier].lock()) return Shared(shared);
    auto opened = segments_->open(identifier);
    if (!opened) return std::nullopt;
    if (!opened->ok()) return Shared(opened->error());
    auto shared = SharedCartridge::of(std::move(*opened).value(), options_.run_on_loop);
    open_segments_[identifier] = shared;
    return Shared(shared);
}

std::optional<Result<std::unique_ptr<Cartridge>>> SessionStore::State::open_session(
    std::uint32_t identifier) {
    using Opened = Result<std::unique_ptr<Cartridge>>;
    const auto* row = book->find(identifier);
    if (row == nullptr) return Opened(unknown_session(identifier));
    const Session& session = row->session;
    if (!session.kept) {
        return Opened(
            Error{"the segments of session " + std::to_string(identifier) + " are deleted"});
    }
    // One that is being written is open already. What is durable there does not change any more.
    const auto stream = streams_.find(identifier);
    const bool active = session.state == SessionState::active && stream != streams_.end();
    if (active && !stream->second->shared()) return std::nullopt;
    auto found =
        active ? std::optional(Result<std::shared_ptr<SharedCartridge>>(stream->second->shared()))
               : shared_segment(identifier);
    if (!found) return std::nullopt;
    if (!found->ok()) return Opened(found->error());
    const auto shared = found->value();
    const auto end = (*shared)->end_of_data();
    // Behind what is told of a session that was broken off there may be what was found in its file.
    const auto count = std::min(active ? live(session).durable_objects : session.objects, end);
    StreamParts parts;
    parts.append(
        {shared, count, bytes_before(*shared->operator->(), count, end, (*shared)->used())});
    virtual_library::CartridgeFacts facts = (*shared)->facts();
    facts.write_protected = true;
    return Opened(std::make_unique<SessionCartridge>(
        std::move(facts), std::move(parts), nullptr,
        SessionCartridge::Doors{.run_on_loop = options_.run_on_loop, .keeps = shared}));
}

}  // namespace drive_iface::sessions
