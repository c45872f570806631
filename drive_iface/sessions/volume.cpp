#include "drive_iface/sessions/volume.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/virtual/memory_cartridge.hpp"

namespace drive_iface::sessions {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using virtual_library::LogicalObject;
using virtual_library::MemoryCartridge;
using virtual_library::MemoryMedium;

namespace {

// Copied before others get their turn on the event loop.
constexpr std::uint64_t bytes_a_turn = std::uint64_t{4} * 1024 * 1024;
constexpr std::uint64_t objects_a_turn = 1024;

// Sessions that wait for hosts to rest: each has its files open, and a thread.
constexpr std::size_t waiting_max = 16;

constexpr std::int64_t pause_min_ms = 1'000;
constexpr std::int64_t pause_max_ms = 300'000;
// A copy that waits for hosts that write begins all the same when they have done so for this long.
constexpr std::int64_t hosts_first_ms = 30'000;

std::shared_ptr<SharedCartridge> one_filemark(const RunOnLoop& run_on_loop) {
    auto medium = std::make_shared<MemoryMedium>(virtual_library::CartridgeFacts{});
    medium->append_filemark();
    return SharedCartridge::of(std::make_unique<MemoryCartridge>(std::move(medium)), run_on_loop);
}

bool ends_with_a_block(const Cartridge& cartridge, std::uint64_t end) {
    return end > 0 && cartridge.object(end - 1).kind == LogicalObject::Kind::block;
}

}  // namespace

Volume::Volume(std::string barcode, Doors doors)
    : barcode_(std::move(barcode)),
      doors_(std::move(doors)),
      one_filemark_(one_filemark(doors_.run_on_loop)) {}

std::optional<Outcome> Volume::open() {
    if (trouble_) return Outcome(*trouble_);
    if (!base_) {
        auto opened = doors_.open_base();
        if (!opened) return std::nullopt;
        if (!opened->ok()) {
            trouble_ = opened->error();
            return Outcome(*trouble_);
        }
        base_ = SharedCartridge::of(std::move(*opened).value(), doors_.run_on_loop);
        listening_ = base_->listen([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return;
            self->work();
            if (self->doors_.progress) self->doors_.progress();
        });
        const auto end = base().end_of_data();
        committed_objects_ = end;
        // A copy that was broken off: what it left behind its beginning is not there.
        if (!pending_.empty() && pending_.front().merge_start)
            committed_objects_ = std::min(end, *pending_.front().merge_start);
        committed_bytes_ = bytes_before(base(), committed_objects_, end, base().used());
        separator_ = ends_with_a_block(base(), committed_objects_);
    }
    for (auto& pending : pending_) {
        if (pending.segment) continue;
        auto opened = doors_.open_segment(pending.identifier);
        if (!opened) return std::nullopt;
        if (!opened->ok()) {
            trouble_ = opened->error().within("volume " + barcode_);
            return Outcome(*trouble_);
        }
        pending.segment = opened->value();
        pending.objects = (*pending.segment)->end_of_data();
        pending.bytes = (*pending.segment)->used();
    }
    return Outcome(Nothing{});
}

StreamParts Volume::committed() const {
    StreamParts all;
    all.append({base_, committed_objects_, committed_bytes_});
    if (separator_ && !pending_.empty()) all.append({one_filemark_, 1, 0});
    for (const auto& pending : pending_)
        all.append({pending.segment, pending.objects, pending.bytes});
    return all;
}

std::uint64_t Volume::used() const {
    auto all = committed_bytes_;
    for (const auto& pending : pending_)
        all += pending.bytes;
    return all;
}

void Volume::commit(Pending pending) {
    pending_.push_back(std::move(pending));
    // Its last view may be gone already, and the cartridge closed with it.
    doors_.run_on_loop([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->go_on();
    });
}

void Volume::work() {
    const auto self = shared_from_this();
    if (pending_.empty() || !base_ || !pending_.front().segment) return;
    if (merge_ == Merge::idle && (waits_for_hosts() || !begin_merge())) return;
    if (merge_ != Merge::stopped && meets_fault()) return;
    if (merge_ == Merge::copying && copy_some()) {
        base().synchronise();
        merge_ = Merge::synchronising;
    }
    if (merge_ == Merge::synchronising && base().synchronised()) finish_merge();
}

// What is complete is seen by everybody, copied or not: copying can wait until it is in nobody's
// way.
bool Volume::waits_for_hosts() {
    if (hurried_ || pending_.size() > waiting_max || !doors_.hosts_write || !doors_.hosts_write()) {
        hosts_write_since_ms_.reset();
        return false;
    }
    const auto now = doors_.now_ms();
    if (!hosts_write_since_ms_) hosts_write_since_ms_ = now;
    return now - *hosts_write_since_ms_ < hosts_first_ms;
}

void Volume::hurry() {
    if (pending_.empty() || std::exchange(hurried_, true)) return;
    doors_.run_on_loop([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->go_on();
    });
}

bool Volume::begin_merge() {
    const auto& first = pending_.front();
    if (auto noted = doors_.merge_begins(first.identifier, committed_objects_); !noted) {
        stop_merging(noted.error().message);
        return false;
    }
    // Of an earlier attempt.
    static_cast<void>(base().take_fault());
    base().erase(committed_objects_);
    copied_ = 0;
    merge_ = Merge::copying;
    listening_to_segment_ = first.segment->listen([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->work();
    });
    return true;
}

// What could not be stored is cut off: what would be copied next belongs behind it.
bool Volume::meets_fault() {
    auto fault = base().take_fault();
    if (!fault) return false;
    fault_ = fault->message;
    stop_copying(fault_);
    return true;
}

// Half a copy takes room that others need.
void Volume::stop_copying(const std::string& why) {
    base().erase(committed_objects_);
    stop_merging(why);
}

// A cartridge that failed counts as full until somebody has asked for space again.
bool Volume::is_full(std::uint64_t bytes) const {
    const auto end = base().end_of_medium_at();
    return end < base().facts().capacity && base().used() + bytes > end;
}

bool Volume::copy_some() {
    const auto& from = *pending_.front().segment;
    auto& to = base();
    const auto objects = pending_.front().objects;
    const auto start = committed_objects_ + (separator_ ? 1 : 0);
    std::uint64_t bytes = 0;
    if (copied_ == 0 && separator_) {
        if (to.room_for(64) == Cartridge::Room::later) return false;
        if (meets_fault()) return false;
        to.append_filemarks(committed_objects_, 1);
    }
    for (std::uint64_t count = 0; copied_ < objects; ++count) {
        if (count >= objects_a_turn || bytes >= bytes_a_turn) {
            doors_.run_on_loop([weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->work();
            });
            return false;
        }
        const auto object = from->object(copied_);
        if (to.room_for(std::max<std::uint64_t>(object.length, 64)) == Cartridge::Room::later)
            return false;
        // Looking for room may have found that storing failed.
        if (to.end_of_data() != start + copied_ && meets_fault()) return false;
        if (is_full(object.length)) {
            stop_copying(fault_.empty() ? "its storage folders are full" : fault_);
            return false;
        }
        if (object.kind == LogicalObject::Kind::filemark) {
            to.append_filemarks(start + copied_, 1);
        } else {
            if (!from->at_hand(copied_, std::min<std::uint64_t>(16, objects - copied_)) &&
                !from->at_hand(copied_, 1))
                return false;
            virtual_library::Bytes data;
            if (auto read = from->read(copied_, data); !read) {
                stop_merging(read.error().message);
                return false;
            }
            to.append_blocks(start + copied_, std::move(data), object.length);
        }
        bytes += object.length;
        ++copied_;
    }
    return true;
}

void Volume::finish_merge() {
    if (meets_fault()) return;
    const auto done = pending_.front();
    const auto first = committed_objects_ + (separator_ ? 1 : 0);
    if (auto noted = doors_.merged(done.identifier, first); !noted)
        return stop_merging(noted.error().message);
    if (!stopped_.empty()) {
        doors_.log("write session " + std::to_string(done.identifier) + " is copied into volume " +
                   barcode_ + " after all");
    }
    stopped_.clear();
    fault_.clear();
    pause_ms_ = 0;
    hosts_write_since_ms_.reset();
    committed_objects_ = first + done.objects;
    committed_bytes_ += done.bytes;
    separator_ = false;
    pending_.pop_front();
    if (pending_.empty()) hurried_ = false;
    listening_to_segment_.reset();
    merge_ = Merge::idle;
    if (doors_.progress) doors_.progress();
    doors_.run_on_loop([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->work();
    });
}

// Nothing is lost: the session stays complete in its own files. Told once for each reason, and not
// at each attempt.
void Volume::stop_merging(const std::string& why) {
    merge_ = Merge::stopped;
    listening_to_segment_.reset();
    pause_ms_ = std::clamp(pause_ms_ * 2, pause_min_ms, pause_max_ms);
    retry_at_ms_ = doors_.now_ms() + pause_ms_;
    const auto identifier = pending_.front().identifier;
    const auto text = "can not be copied into volume " + barcode_ + ": " + why +
                      "; its data is safe in its own segment files, and copying is tried again; "
                      "what helps: room in the volume's storage folders, and folders that can be "
                      "written";
    if (std::exchange(stopped_, text) == text) return;
    doors_.log("write session " + std::to_string(identifier) + " " + text);
    doors_.merge_stopped(identifier, text);
}

void Volume::retry() {
    if (merge_ == Merge::idle) return go_on();
    if (merge_ != Merge::stopped || doors_.now_ms() < retry_at_ms_) return;
    merge_ = Merge::idle;
    open_anew();
    go_on();
}

void Volume::go_on() {
    if (pending_.empty() || merge_ == Merge::stopped) return;
    trouble_.reset();
    const auto opened = open();
    if (opened && !opened->ok()) return stop_merging(opened->error().message);
    if (opened) work();
}

// A cartridge whose storage failed may only come back by being opened again; while somebody has a
// view of it, it stays as it is.
void Volume::open_anew() {
    if (!base_ || base_.use_count() > 1) return;
    pending_.front().merge_start = committed_objects_;
    fault_.clear();
    listening_.reset();
    base_.reset();
}

}  // namespace drive_iface::sessions
