#include "drive_iface/sessions/session_cartridge.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::sessions {

using namespace virtual_library;
using agent::core::Error;

struct SessionCartridge::Told {
    std::function<void()> progress;
};

SessionCartridge::SessionCartridge(CartridgeFacts facts, StreamParts committed,
                                   std::shared_ptr<SharedCartridge> base, Doors doors)
    : facts_(std::move(facts)),
      parts_(std::move(committed)),
      base_(std::move(base)),
      doors_(std::move(doors)),
      told_(std::make_shared<Told>()) {
    if (!doors_.begin) facts_.write_protected = true;
    for (const auto& part : parts_.parts())
        listen_to(part.source);
    if (base_) listen_to(base_);
}

SessionCartridge::~SessionCartridge() {
    if (!stream_) return;
    stream_->on_change(nullptr);
    stream_->finish(
        WriteStream::Ending::incomplete,
        power_lost_ ? "the drive lost power" : "the host left before it completed the session");
}

void SessionCartridge::listen_to(const std::shared_ptr<SharedCartridge>& source) {
    listening_.push_back(source->listen([weak = std::weak_ptr(told_)] {
        const auto told = weak.lock();
        if (told && told->progress) told->progress();
    }));
}

void SessionCartridge::on_progress(std::function<void()> progress) {
    told_->progress = std::move(progress);
}

// ---- the stream of this nexus

std::uint64_t SessionCartridge::own_count() const {
    if (!has_own()) return 0;
    return frozen_count_ ? *frozen_count_ : own().end_of_data();
}

// What was completed is a part like any other, and the next write begins a new session.
void SessionCartridge::fold() {
    if (!stream_ || !stream_->ended()) return;
    if (auto fault = stream_->take_fault()) fault_ = std::move(fault);
    last_ = session();
    if (!fault_ && has_own()) {
        parts_.append({stream_->shared(), own_count(), frozen_bytes_});
        listen_to(stream_->shared());
    }
    stream_.reset();
    frozen_count_.reset();
    started_ = false;
}

// A stream that has no segment never gets one: the next write begins anew.
void SessionCartridge::give_up_unmade() {
    if (!fault_ || !stream_ || stream_->finishing() || !stream_->can_not_open()) return;
    last_ = session();
    stream_->finish(WriteStream::Ending::incomplete, fault_->message);
    stream_.reset();
    started_ = false;
}

std::optional<WriteSession> SessionCartridge::session() const {
    if (!stream_ || (!started_ && last_)) return last_;
    WriteSession found{.identifier = stream_->identifier(), .objects = own_count()};
    if (fault_) {
        found.state = WriteSession::State::failed;
    } else if (stream_->ended()) {
        found.state = WriteSession::State::complete;
    } else if (stream_->finishing()) {
        found.state = WriteSession::State::completing;
    }
    return found;
}

void SessionCartridge::complete() {
    fold();
    if (!stream_ || stream_->finishing()) return;
    frozen_count_ = own_count();
    frozen_bytes_ = has_own() ? own().used() : 0;
    stream_->finish(WriteStream::Ending::complete, "");
}

Cartridge::Room SessionCartridge::room_for(std::uint64_t bytes) {
    fold();
    if (!doors_.begin) return Room::now;
    if (!stream_ && !fault_) {
        auto begun = doors_.begin();
        if (begun) {
            stream_ = std::move(begun).value();
            stream_->on_change([weak = std::weak_ptr(told_)] {
                const auto told = weak.lock();
                if (told && told->progress) told->progress();
            });
        } else {
            fault_ = begun.error();
        }
    }
    if (stream_ && !stream_->finishing() && stream_->open()) {
        if (storage_fails_) own().fail_storing(true);
        return own().room_for(bytes);
    }
    if (stream_ && !stream_->finishing() && !fault_) fault_ = stream_->take_fault();
    give_up_unmade();
    // Who waits is to come again and hear of it.
    if (fault_) {
        doors_.run_on_loop([weak = std::weak_ptr(told_)] {
            const auto told = weak.lock();
            if (told && told->progress) told->progress();
        });
    }
    return Room::later;
}

std::uint64_t SessionCartridge::place_for(std::uint64_t at) {
    parts_.cut(std::min(at, parts_.size()));
    if (!std::exchange(started_, true)) doors_.started(stream_->identifier(), at);
    return at - parts_.size();
}

void SessionCartridge::append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) {
    own().append_blocks(place_for(at), std::move(data), block_length);
}

void SessionCartridge::append_filemarks(std::uint64_t at, std::uint32_t count) {
    own().append_filemarks(place_for(at), count);
}

void SessionCartridge::erase(std::uint64_t at) {
    fold();
    parts_.cut(std::min(at, parts_.size()));
    if (has_own() && !stream_->finishing()) own().erase(at - parts_.size());
}

std::uint64_t SessionCartridge::early_warning_at() const {
    if (!doors_.space) return used();
    return used() + doors_.space().until_warning;
}

std::uint64_t SessionCartridge::end_of_medium_at() const {
    if (!doors_.space) return used();
    auto left = doors_.space().until_end;
    // The segment's own folders may be fuller than the volume's.
    if (has_own()) left = std::min(left, own().end_of_medium_at() - own().used());
    return used() + left;
}

void SessionCartridge::synchronise() {
    fold();
    if (has_own() && !stream_->finishing()) own().synchronise();
}

bool SessionCartridge::synchronised() const {
    if (!stream_) return true;
    if (stream_->finishing()) return stream_->ended();
    return !has_own() || own().synchronised();
}

Cartridge::Buffered SessionCartridge::buffered() const {
    return has_own() && !stream_->finishing() ? own().buffered() : Buffered{};
}

std::optional<Error> SessionCartridge::take_fault() {
    fold();
    if (!fault_ && stream_ && !stream_->finishing()) fault_ = stream_->take_fault();
    give_up_unmade();
    return std::exchange(fault_, std::nullopt);
}

// What the host writes, and not the volume that others share.
void SessionCartridge::fail_storing(bool fails) {
    storage_fails_ = fails;
    if (has_own() && !stream_->finishing()) own().fail_storing(fails);
}

// A session that is being completed is past the drive already.
void SessionCartridge::lose_power() {
    power_lost_ = true;
    if (has_own() && !stream_->finishing()) own().lose_power();
}

// ---- what is recorded

std::uint64_t SessionCartridge::end_of_data() const {
    return parts_.size() + own_count();
}

LogicalObject SessionCartridge::object(std::uint64_t number) const {
    return number < parts_.size() ? parts_.object(number) : own().object(number - parts_.size());
}

std::uint64_t SessionCartridge::filemarks_before(std::uint64_t number) const {
    const auto before = parts_.filemarks_before(std::min(number, parts_.size()));
    if (number <= parts_.size() || !has_own()) return before;
    return before + own().filemarks_before(number - parts_.size());
}

std::optional<std::uint64_t> SessionCartridge::nth_filemark(std::uint64_t ordinal) const {
    const auto before = parts_.filemarks();
    if (ordinal < before) return parts_.nth_filemark(ordinal);
    if (!has_own()) return std::nullopt;
    const auto found = own().nth_filemark(ordinal - before);
    if (!found || *found >= own_count()) return std::nullopt;
    return parts_.size() + *found;
}

std::uint64_t SessionCartridge::used() const {
    if (!has_own()) return parts_.bytes();
    return parts_.bytes() + (frozen_count_ ? frozen_bytes_ : own().used());
}

bool SessionCartridge::at_hand(std::uint64_t first, std::uint64_t count) {
    const auto committed = parts_.size();
    const auto end = first + std::min(count, end_of_data() - std::min(first, end_of_data()));
    bool all = true;
    if (first < committed) all = parts_.at_hand(first, std::min(end, committed) - first);
    if (end > committed && has_own()) {
        const auto from = std::max(first, committed);
        all = own().at_hand(from - committed, end - from) && all;
    }
    return all;
}

agent::core::Outcome SessionCartridge::read(std::uint64_t number, Bytes& into) {
    return number < parts_.size() ? parts_.read(number, into)
                                  : own().read(number - parts_.size(), into);
}

const MediumAttributes& SessionCartridge::attributes() const {
    static const MediumAttributes none;
    return base_ ? (*base_)->attributes() : none;
}

void SessionCartridge::set_attributes(MediumAttributes attributes) {
    if (!base_ || !doors_.begin) return;
    (*base_)->set_attributes(std::move(attributes));
    (*base_)->synchronise();
}

}  // namespace drive_iface::sessions
