#include "drive_iface/cartridge/file_cartridge.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using virtual_library::Bytes;
using virtual_library::LogicalObject;
using virtual_library::MediumAttributes;

// The buffer is asked for again when it is half empty.
constexpr std::uint64_t reserve_ahead = 64ULL << 20;
constexpr std::uint64_t index_reserve_ahead = 2ULL << 20;
constexpr std::int64_t reserve_again_after_ms = 1000;

// Space is reserved as if blocks were this short. Recordings of shorter ones in a folder that runs
// full end in a reported fault, before anything but them is harmed.
constexpr std::uint64_t block_length_planned = 512;
constexpr std::uint64_t overhead_of_a_block = tap_joint_max;

std::uint64_t planned_objects(std::uint64_t bytes) {
    return bytes / block_length_planned + 64;
}
std::uint64_t planned_data(std::uint64_t bytes) {
    return bytes + overhead_of_a_block * planned_objects(bytes) + tap_word;
}

std::int64_t steady_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

// Progress on its way from the worker's thread to the loop's.
class FileCartridge::Loop : public std::enable_shared_from_this<Loop> {
  public:
    Loop(FileCartridge& cartridge, std::function<void(std::function<void()>)> run_on_loop)
        : cartridge_(&cartridge), run_on_loop_(std::move(run_on_loop)) {}

    // Worker's thread. One message at a time is enough.
    void wake() {
        if (on_its_way_.exchange(true)) return;
        run_on_loop_([self = shared_from_this()] { self->arrived(); });
    }
    void leave() { cartridge_ = nullptr; }
    std::function<void()> progress;

  private:
    void arrived() {
        on_its_way_ = false;
        if (cartridge_ == nullptr) return;
        cartridge_->collect();
        // The callback may destroy the cartridge or replace the callback.
        if (const auto callback = progress) callback();
    }

    FileCartridge* cartridge_;
    std::function<void(std::function<void()>)> run_on_loop_;
    std::atomic<bool> on_its_way_ = false;
};

FileCartridge::FileCartridge(std::unique_ptr<Recording> recording, Door door)
    : door_(std::move(door)),
      metadata_(recording->metadata()),
      facts_(metadata_.facts),
      loop_(std::make_shared<Loop>(*this, door_.run_on_loop)),
      tail_(recording->end()) {
    if (!recording->protection().empty()) facts_.write_protected = true;
    worker_ = std::make_unique<StoreWorker>(std::move(recording), door_.limits,
                                            [loop = loop_] { loop->wake(); });
    collect();
}

FileCartridge::~FileCartridge() {
    loop_->leave();
    if (door_.give_back) door_.give_back(std::move(worker_), std::move(metadata_));
}

const virtual_library::CartridgeFacts& FileCartridge::facts() const {
    return facts_;
}

const std::string& FileCartridge::protection() const {
    return worker_->recording().protection();
}

// Takes over how far the worker is. Not past a fault: until it is told, the end stays where those
// who write believe it to be.
void FileCartridge::collect() {
    auto now = worker_->state();
    fault_untold_ = now.faults != faults_seen_;
    for (const auto& finding : worker_->take_findings()) {
        if (door_.log) door_.log(finding);
    }
    if (fault_untold_) return;
    state_ = std::move(now);
    if (state_.operations_stored >= cut_operation_) tail_.set_stored(state_.stored);
    note_full();
}

void FileCartridge::note_full() {
    if (state_.full && full_at_ == 0) full_at_ = std::max<std::uint64_t>(used(), 1);
    if (!state_.full) full_at_ = 0;
}

// ---- what is recorded

std::uint64_t FileCartridge::end_of_data() const {
    return tail_.end().objects;
}

std::uint64_t FileCartridge::used() const {
    return tail_.end().bytes;
}

// Null: the entry is damaged.
const IndexEntry* FileCartridge::stored_entry(std::uint64_t number) const {
    constexpr std::uint64_t group_size = 64;
    constexpr std::size_t groups_max = 64;
    const auto first = number / group_size * group_size;
    auto& group = entry_groups_[first];
    if (number - first >= group.entries.size()) {
        if (entry_groups_.size() > groups_max) {
            entry_groups_.clear();
            return stored_entry(number);
        }
        const auto end = std::min(first + group_size, tail_.stored().objects);
        group.entries = worker_->recording().entries(first, end - first);
    }
    if (number - first < group.entries.size()) return &group.entries[number - first];
    const auto alone = worker_->recording().find(number);
    if (!alone.ok()) return nullptr;
    lone_entry_ = *alone;
    return &*lone_entry_;
}

LogicalObject FileCartridge::object(std::uint64_t number) const {
    AGENT_ASSERT(number < end_of_data());
    if (number >= tail_.stored().objects) return tail_.object(number);
    if (const auto* entry = stored_entry(number)) return entry->object;
    // Nobody knows what it was. A block, then: reading it says what is wrong.
    return {LogicalObject::Kind::block, 1};
}

RecordedEnd FileCartridge::before(std::uint64_t number) const {
    if (number >= tail_.stored().objects) return tail_.before(number);
    if (const auto* entry = stored_entry(number)) return entry->before;
    // From the next entry that is whole: right, but for the damaged ones between.
    auto next = number + 1;
    while (next < tail_.stored().objects && stored_entry(next) == nullptr) {
        ++next;
    }
    auto guess = next < tail_.stored().objects ? stored_entry(next)->before : tail_.stored();
    guess.objects = number;
    return guess;
}

std::uint64_t FileCartridge::filemarks_before(std::uint64_t number) const {
    return before(number).filemarks;
}

std::optional<std::uint64_t> FileCartridge::nth_filemark(std::uint64_t ordinal) const {
    if (ordinal >= tail_.end().filemarks) return std::nullopt;
    if (ordinal >= tail_.stored().filemarks) return tail_.nth_filemark(ordinal);
    // The last object with `ordinal` filemarks before it is the filemark itself. Entry by entry:
    // the neighbours of what a search looks at are of no use to it.
    std::uint64_t low = 0;  // that many or fewer before it
    std::uint64_t high = tail_.stored().objects;
    while (high - low > 1) {
        const auto middle = low + (high - low) / 2;
        const auto entry = worker_->recording().find(middle);
        const auto filemarks = entry.ok() ? entry->before.filemarks : filemarks_before(middle);
        if (filemarks <= ordinal) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// ---- writing

bool FileCartridge::reserved_for(std::uint64_t bytes, std::uint64_t objects) const {
    return tail_.end().offset + planned_data(bytes) <= state_.data_reserved &&
           index_offset(tail_.end().objects + objects) <= state_.index_reserved;
}

void FileCartridge::ask_to_reserve(std::uint64_t bytes, std::uint64_t objects) const {
    if (state_.reserving) return;
    const auto& end = tail_.end();
    const auto capacity = metadata_.facts.capacity;
    // No more than the cartridge can ever hold.
    const auto left = capacity > end.bytes ? capacity - end.bytes : 0;
    const auto data = std::max(bytes, std::min(left, bytes + reserve_ahead));
    const auto index =
        objects * index_entry_size + std::min(index_reserve_ahead, planned_data(left));
    state_.reserving = true;
    worker_->reserve(end.offset + planned_data(data), index_offset(end.objects) + index);
}

FileCartridge::Room FileCartridge::room_for(std::uint64_t bytes) {
    if (!fault_untold_ && room_now(bytes)) return Room::now;
    // As of now, and not as of the last progress.
    collect();
    if (fault_untold_) {
        loop_->wake();  // so that whoever waits comes again, and is told
        return Room::later;
    }
    if (room_now(bytes)) return Room::now;
    worker_->await_room(door_.buffer_bytes / 2);
    return Room::later;
}

bool FileCartridge::room_now(std::uint64_t bytes) {
    const auto objects = planned_objects(bytes);
    if (state_.full) {
        // The ends of the medium have come down: whoever asks for more than is left has been told.
        ask_again_when_full();
    } else {
        const bool reserved = reserved_for(bytes, objects);
        if (!reserved || !reserved_for(bytes + reserve_ahead / 2, objects)) {
            ask_to_reserve(bytes, objects);
        }
        if (!reserved) return false;
    }
    const auto waiting = cost_given_ - state_.cost_stored;
    return waiting == 0 || waiting + bytes <= door_.buffer_bytes;
}

// Somebody may have made room meanwhile.
void FileCartridge::ask_again_when_full() const {
    if (!state_.full || steady_ms() < reserve_again_at_) return;
    reserve_again_at_ = steady_ms() + reserve_again_after_ms;
    ask_to_reserve(reserve_ahead, planned_objects(reserve_ahead));
}

void FileCartridge::give(StoreOperation operation) {
    cost_given_ += StoreWorker::cost_of(operation);
    given_ = worker_->give(std::move(operation), faults_seen_);
}

void FileCartridge::cut(std::uint64_t at) {
    if (at >= end_of_data()) return;
    const auto border = before(at);
    tail_.cut(border);
    entry_groups_.erase(entry_groups_.lower_bound(at / 64 * 64), entry_groups_.end());
    forget_reading();
    sequential_reads_ = 0;
    give({.kind = StoreOperation::Kind::cut, .at = border});
    cut_operation_ = given_;
}

void FileCartridge::append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) {
    AGENT_ASSERT(block_length > 0 && block_length <= virtual_library::block_length_max &&
                 !data.empty() && data.size() % block_length == 0 && at <= end_of_data());
    cut(at);
    tail_.append_blocks(data.size() / block_length, block_length);
    give({.kind = StoreOperation::Kind::blocks,
          .data = std::move(data),
          .block_length = block_length});
}

void FileCartridge::append_filemarks(std::uint64_t at, std::uint32_t count) {
    AGENT_ASSERT(at <= end_of_data());
    cut(at);
    if (count == 0) return;
    tail_.append_filemarks(count);
    give({.kind = StoreOperation::Kind::filemarks, .count = count});
}

void FileCartridge::erase(std::uint64_t at) {
    cut(at);
}

// Bytes of blocks that still fit into what the full folder has given.
std::uint64_t FileCartridge::bytes_left() const {
    const auto& end = tail_.end();
    const auto data = state_.data_reserved > end.offset ? state_.data_reserved - end.offset : 0;
    const auto index_end = index_offset(end.objects);
    const auto index = state_.index_reserved > index_end ? state_.index_reserved - index_end : 0;
    const auto by_index = index / index_entry_size * block_length_planned;
    const auto spared = data / 32 + overhead_of_a_block * 64;
    return std::min(data > spared ? data - spared : 0, by_index);
}

std::uint64_t FileCartridge::end_of_medium_at() const {
    const auto capacity = metadata_.facts.capacity;
    const auto end = state_.full ? std::min(capacity, used() + bytes_left()) : capacity;
    return std::max(end, used());
}

std::uint64_t FileCartridge::early_warning_at() const {
    ask_again_when_full();
    const auto capacity = metadata_.facts.capacity;
    const auto usual = capacity - capacity / 32;
    return state_.full ? std::min({usual, full_at_, end_of_medium_at()}) : usual;
}

void FileCartridge::synchronise() {
    if (synchronised()) return;
    std::optional<Metadata> changed;
    if (metadata_changed_ || state_.metadata_failed) {
        changed = metadata_;
        metadata_changed_ = false;
        ++metadata_given_;
    }
    worker_->synchronise(std::move(changed));
}

bool FileCartridge::synchronised() const {
    return !metadata_changed_ && state_.metadata_tried == metadata_given_ &&
           state_.operations_synchronised == given_;
}

FileCartridge::Buffered FileCartridge::buffered() const {
    const auto& safe = state_.synchronised;
    const auto& end = tail_.end();
    if (end.objects <= safe.objects || cut_operation_ > state_.operations_stored) {
        const auto& stored = tail_.stored();
        return {end.objects - stored.objects, end.bytes - stored.bytes};
    }
    return {end.objects - safe.objects, end.bytes - safe.bytes};
}

std::optional<Error> FileCartridge::take_fault() {
    collect();
    if (!fault_untold_) return std::nullopt;
    fault_untold_ = false;
    state_ = worker_->state();
    faults_seen_ = state_.faults;
    tail_ = AcceptedTail(state_.stored);
    entry_groups_.clear();
    forget_reading();
    metadata_changed_ = metadata_changed_ || state_.metadata_tried != metadata_given_;
    note_full();
    if (door_.log) {
        door_.log("cartridge " + facts_.barcode +
                  " has lost what was accepted and could not be "
                  "stored (" +
                  state_.fault->message +
                  "); it ends behind what is stored, and each "
                  "host that wrote the rest is told");
    }
    return state_.fault;
}

void FileCartridge::fail_storing(bool fails) {
    worker_->fail_storing(fails);
}

void FileCartridge::lose_power() {
    worker_->lose_power();
}

const MediumAttributes& FileCartridge::attributes() const {
    return metadata_.attributes;
}

void FileCartridge::set_attributes(MediumAttributes attributes) {
    if (attributes == metadata_.attributes && !state_.metadata_failed) return;
    metadata_.attributes = std::move(attributes);
    metadata_changed_ = true;
}

bool FileCartridge::attributes_stored() const {
    return !metadata_changed_ && state_.metadata_tried == metadata_given_ &&
           !state_.metadata_failed;
}

void FileCartridge::on_progress(std::function<void()> progress) {
    loop_->progress = std::move(progress);
}

}  // namespace drive_iface::cartridge
