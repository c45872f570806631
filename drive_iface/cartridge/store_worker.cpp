#include "drive_iface/cartridge/store_worker.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using namespace std::chrono_literals;

// Small writes wait this long for company, unless somebody waits for them.
constexpr auto linger = 10ms;
constexpr std::uint64_t linger_below = 1 << 20;
// Nothing came for this long: what is not synchronised yet is brought to safety unasked.
constexpr auto idle_before_checkpoint = 3s;

constexpr std::uint64_t batch_cost_max = 8 << 20;
constexpr std::size_t batch_operations_max = 1024;
constexpr std::uint64_t fetch_bytes = 1 << 20;
// Of all cartridges that are read or written at the same time; each has a fetch at least.
constexpr std::uint64_t read_ahead_of_all = 8 << 20;
constexpr std::uint64_t reserve_step_min = 256 << 10;
constexpr std::uint64_t operation_cost = 64;

// Workers that store or fetch, of the whole process.
std::atomic<int> workers_that_stream = 0;

}  // namespace

StoreWorker::StoreWorker(std::unique_ptr<Recording> recording, Limits limits,
                         std::function<void()> wake)
    : recording_(std::move(recording)), limits_(limits), wake_(std::move(wake)) {
    state_.stored = recording_->end();
    state_.synchronised = recording_->synchronised_end();
    findings_ = recording_->take_findings();
    thread_ = std::thread([this] { run(); });
}

StoreWorker::~StoreWorker() {
    finish(std::nullopt, nullptr);
    thread_.join();
}

StoreState StoreWorker::state() {
    const Lock lock(mutex_);
    return state_;
}

std::vector<std::string> StoreWorker::take_findings() {
    const Lock lock(mutex_);
    return std::exchange(findings_, {});
}

std::uint64_t StoreWorker::cost_of(const StoreOperation& operation) {
    return operation.data.size() + tap_word * operation.count + operation_cost;
}

std::uint64_t StoreWorker::give(StoreOperation operation, std::uint64_t faults_seen) {
    const Lock lock(mutex_);
    ++given_;
    const auto cost = cost_of(operation);
    if (faults_seen != state_.faults) {
        ++state_.operations_stored;
        state_.cost_stored += cost;
        return given_;
    }
    fetch_ahead_ = false;
    if (operation.kind == StoreOperation::Kind::cut) {
        forget_fetched();
        fetch_end_ = 0;
        const auto border = operation.at.objects;
        cut_border_ = cuts_queued_ == 0 ? border : std::min(cut_border_, border);
        ++cuts_queued_;
    }
    const bool was_small = queue_cost_ < linger_below;
    const bool was_empty = queue_.empty();
    queue_.push_back(std::move(operation));
    queue_cost_ += cost;
    if (was_empty || (was_small && queue_cost_ >= linger_below)) work_.notify_one();
    return given_;
}

void StoreWorker::await_room(std::uint64_t cost_left) {
    const Lock lock(mutex_);
    room_awaited_ = cost_left;
    work_.notify_one();
}

void StoreWorker::synchronise(std::optional<Metadata> metadata) {
    const Lock lock(mutex_);
    if (metadata) {
        metadata_ = std::move(metadata);
        ++metadata_given_;
    }
    synchronise_up_to_ = given_;
    synchronise_wanted_ = true;
    work_.notify_one();
}

void StoreWorker::reserve(std::uint64_t data_size, std::uint64_t index_size) {
    const Lock lock(mutex_);
    data_size_wanted_ = data_size;
    index_size_wanted_ = index_size;
    state_.reserving = true;
    work_.notify_one();
}

std::optional<ReadBlock> StoreWorker::take(std::uint64_t number) {
    const Lock lock(mutex_);
    const auto found = fetched_.find(number);
    if (found == fetched_.end()) return std::nullopt;
    auto block = std::move(found->second);
    fetched_bytes_ -= block.data.size() + operation_cost;
    fetched_.erase(found);
    return block;
}

void StoreWorker::fetch(std::uint64_t first, std::uint64_t end, bool ahead) {
    const Lock lock(mutex_);
    if (first != fetch_next_) forget_fetched();
    fetch_next_ = first;
    fetch_end_ = end;
    fetch_ahead_ = ahead;
    block_awaited_ = true;
    work_.notify_one();
}

void StoreWorker::read_on(std::uint64_t next) {
    const Lock lock(mutex_);
    while (!fetched_.empty() && fetched_.begin()->first < next) {
        fetched_bytes_ -= fetched_.begin()->second.data.size() + operation_cost;
        fetched_.erase(fetched_.begin());
    }
    const bool behind = fetch_next_ < next;
    if (behind || !fetch_ahead_) {
        forget_fetched();
        fetch_next_ = next;
        fetch_end_ = 0;
        fetch_ahead_ = true;
    }
    if (runs_low()) work_.notify_one();
}

void StoreWorker::forget_fetched() {
    fetched_.clear();
    fetched_bytes_ = 0;
    ++fetch_round_;
}

void StoreWorker::finish(std::optional<Metadata> metadata, std::function<void()> finished) {
    const Lock lock(mutex_);
    if (finishing_) return;
    if (metadata) metadata_ = std::move(metadata);
    finishing_ = true;
    finished_ = std::move(finished);
    work_.notify_one();
}

void StoreWorker::fail_storing(bool fails) {
    const Lock lock(mutex_);
    storing_fails_ = fails;
}

void StoreWorker::lose_power() {
    const Lock lock(mutex_);
    power_lost_ = true;
    work_.notify_one();
}

// ---- the worker's thread

void StoreWorker::run() {
    Lock lock(mutex_);
    for (;;) {
        if (std::exchange(power_lost_, false)) {
            fail(lock, Error{"power was lost"}, state_.synchronised);
        } else if (fetch_wanted() && !finishing_) {
            note_stream();
            fetch_step(lock);
        } else if (state_.reserving) {
            reserve_step(lock);
        } else if (!queue_.empty()) {
            note_stream();
            if (queue_cost_ < linger_below) {
                work_.wait_for(lock, linger,
                               [this] { return queue_cost_ >= linger_below || somebody_waits(); });
            }
            store_step(lock);
        } else if (synchronise_wanted_) {
            synchronise_step(lock);
        } else if (finishing_) {
            break;
        } else if (room_awaited_) {
            // Stored between the look that found no room and the wish to be told of it.
            room_awaited_.reset();
            wake(lock);
        } else {
            wait_for_work(lock);
        }
    }
    close_step(lock);
    rest(lock);
    const auto finished = std::exchange(finished_, nullptr);
    lock.unlock();
    if (finished) finished();
}

bool StoreWorker::somebody_waits() const {
    return synchronise_wanted_ || finishing_ || state_.reserving || room_awaited_ ||
           block_awaited_ || power_lost_;
}

void StoreWorker::wait_for_work(Lock& lock) {
    const auto something = [this] {
        return !queue_.empty() || synchronise_wanted_ || finishing_ || state_.reserving ||
               power_lost_ || room_awaited_ || fetch_wanted();
    };
    const bool safe = state_.synchronised == state_.stored;
    if (safe && !streams_) {
        work_.wait(lock, something);
    } else if (!work_.wait_for(lock, idle_before_checkpoint, something)) {
        if (safe) return rest(lock);
        synchronise_up_to_ = given_;
        synchronise_wanted_ = true;
    }
}

void StoreWorker::note_stream() {
    if (!std::exchange(streams_, true)) ++workers_that_stream;
}

// What the C library keeps for the blocks to come goes back to the system when the last stream of
// the process has ended: nobody is hindered by that then.
void StoreWorker::rest(Lock& lock) {
    if (!std::exchange(streams_, false) || --workers_that_stream > 0) return;
    lock.unlock();
    ::malloc_trim(0);
    lock.lock();
}

// What may be fetched: objects that a cut still in the queue gives up are in the files, but are not
// recorded any more.
std::uint64_t StoreWorker::readable_end() const {
    const auto stored = state_.stored.objects;
    return cuts_queued_ == 0 ? stored : std::min(stored, cut_border_);
}

bool StoreWorker::fetch_wanted() const {
    const auto end = readable_end();
    if (fetch_next_ >= end) return false;
    if (fetch_next_ < fetch_end_) return true;
    return fetch_ahead_ && runs_low();
}

// Refilled in big steps: below half, up to the whole.
bool StoreWorker::runs_low() const {
    const auto streams = static_cast<std::uint64_t>(std::max(1, workers_that_stream.load()));
    const auto share = std::max(read_ahead_of_all / streams, fetch_bytes);
    return fetched_bytes_ < std::min(limits_.read_ahead_bytes, share) / 2;
}

void StoreWorker::fetch_step(Lock& lock) {
    const auto round = fetch_round_;
    const auto first = fetch_next_;
    const auto end = fetch_ahead_ ? readable_end() : std::min(fetch_end_, readable_end());
    lock.unlock();
    auto blocks = recording_->read(first, end, fetch_bytes);
    lock.lock();
    if (round != fetch_round_) return;
    fetch_next_ = blocks.empty() ? end : blocks.back().number + 1;
    for (auto& block : blocks) {
        fetched_bytes_ += block.data.size() + operation_cost;
        fetched_.emplace(block.number, std::move(block));
    }
    if (block_awaited_ && (fetch_next_ >= fetch_end_ || fetch_next_ >= readable_end())) {
        block_awaited_ = false;
        wake(lock);
    }
}

// All of what was asked for, or as much of it as there is.
void StoreWorker::reserve_step(Lock& lock) {
    const auto data_wanted = data_size_wanted_;
    const auto index_wanted = index_size_wanted_;
    const auto stored = state_.stored;
    lock.unlock();
    const bool full =
        recording_->reserve(data_wanted, index_wanted) == StorageFile::Reserve::no_space;
    const auto reserved = [&] { return std::max(recording_->data_reserved(), stored.offset); };
    auto step = data_wanted > reserved() ? (data_wanted - reserved()) / 2 : 0;
    for (; full && step >= reserve_step_min; step /= 2) {
        static_cast<void>(recording_->reserve(reserved() + step, index_wanted));
    }
    lock.lock();
    state_.full = full;
    state_.data_reserved = recording_->data_reserved();
    state_.index_reserved = recording_->index_reserved();
    state_.reserving = false;
    gather_findings();
    room_awaited_.reset();
    wake(lock);
}

Outcome StoreWorker::store(bool fails, const std::function<Outcome()>& action) {
    if (!fails) return action();
    return Error{recording_->metadata().facts.barcode +
                 ": nothing can be stored, by an injected fault"};
}

Outcome StoreWorker::store_batch(const std::deque<StoreOperation>& batch) {
    if (batch.front().kind == StoreOperation::Kind::cut) return recording_->cut(batch.front().at);
    std::vector<RecordedPiece> pieces;
    pieces.reserve(batch.size());
    for (const auto& operation : batch) {
        pieces.push_back({operation.data, operation.block_length, operation.count});
    }
    return recording_->append(pieces);
}

Outcome StoreWorker::cut_what_failed(Lock& lock) {
    if (!kept_) return Nothing{};
    const auto kept = *kept_;
    lock.unlock();
    auto outcome = recording_->cut(kept);
    lock.lock();
    if (outcome.ok()) kept_.reset();
    return outcome;
}

void StoreWorker::store_step(Lock& lock) {
    if (auto ready = cut_what_failed(lock); !ready.ok()) {
        fail(lock, ready.error(), *kept_);
        return;
    }
    // A cut goes alone; neighbouring appends go together.
    std::deque<StoreOperation> batch;
    std::uint64_t cost = 0;
    while (!queue_.empty() && cost < batch_cost_max && batch.size() < batch_operations_max) {
        const bool cut = queue_.front().kind == StoreOperation::Kind::cut;
        if (cut && !batch.empty()) break;
        cost += cost_of(queue_.front());
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
        if (cut) break;
    }
    queue_cost_ -= cost;
    const auto operations = batch.size();
    const bool is_cut = batch.front().kind == StoreOperation::Kind::cut;
    const bool checkpoint =
        state_.stored.offset > state_.synchronised.offset + limits_.checkpoint_bytes;
    const bool fails = storing_fails_;
    lock.unlock();
    auto outcome = store(fails, [&] { return store_batch(batch); });
    if (outcome.ok() && checkpoint) outcome = recording_->synchronise();
    const auto end = recording_->end();
    const auto synchronised = recording_->synchronised_end();
    batch.clear();  // giving memory back takes time, too
    lock.lock();
    state_.operations_stored += operations;
    state_.cost_stored += cost;
    if (!outcome.ok()) {
        fail(lock, outcome.error(), end);
        return;
    }
    state_.stored = end;
    state_.synchronised = synchronised;
    if (is_cut) --cuts_queued_;
    gather_findings();
    if (room_awaited_ && queue_cost_ <= *room_awaited_) {
        room_awaited_.reset();
        wake(lock);
    }
}

void StoreWorker::synchronise_step(Lock& lock) {
    if (auto ready = cut_what_failed(lock); !ready.ok()) {
        fail(lock, ready.error(), *kept_);
        return;
    }
    const auto operations = state_.operations_stored;
    auto metadata = std::exchange(metadata_, std::nullopt);
    const auto metadata_given = metadata_given_;
    const bool fails = storing_fails_;
    lock.unlock();
    auto outcome = store(fails, [&] { return recording_->synchronise(); });
    const auto synchronised = recording_->synchronised_end();
    Outcome described = Nothing{};
    if (outcome.ok() && metadata) described = recording_->store_metadata(*metadata);
    lock.lock();
    // More may have been given and asked for meanwhile.
    if (outcome.ok()) {
        state_.operations_synchronised = operations;
        state_.metadata_tried = metadata_given;
        if (metadata) note_description(described);
        state_.synchronised = synchronised;
        synchronise_wanted_ = synchronise_up_to_ > operations || metadata_.has_value();
        gather_findings();
        if (!synchronise_wanted_) wake(lock);
    } else {
        fail(lock, outcome.error(), synchronised);
    }
}

void StoreWorker::note_description(const Outcome& stored) {
    const bool failed_before = std::exchange(state_.metadata_failed, !stored.ok());
    if (stored.ok() || failed_before) return;
    findings_.push_back("cartridge " + recording_->metadata().facts.barcode +
                        ": its description could not be stored (" + stored.error().message +
                        "); what is recorded is safe, and the description is tried again with the "
                        "next synchronisation and at unload");
    if (wake_) wake_();
}

// What was accepted and is not among `kept` is lost; the event loop is told so.
void StoreWorker::fail(Lock& lock, const Error& error, const RecordedEnd& kept) {
    state_.operations_stored += queue_.size();
    state_.cost_stored += queue_cost_;
    queue_.clear();
    queue_cost_ = 0;
    cuts_queued_ = 0;
    state_.stored = kept;
    state_.fault = error;
    ++state_.faults;
    // Whatever was the reason: what is reserved can not be relied on.
    state_.full = true;
    state_.data_reserved = kept.offset;
    kept_ = kept;
    synchronise_wanted_ = false;
    room_awaited_.reset();
    block_awaited_ = false;
    forget_fetched();
    gather_findings();
    wake(lock);
}

void StoreWorker::close_step(Lock& lock) {
    auto metadata = std::exchange(metadata_, std::nullopt);
    auto outcome = cut_what_failed(lock);
    lock.unlock();
    Outcome described = Nothing{};
    if (outcome.ok()) outcome = recording_->close();
    const bool refused = !recording_->any_writable();  // told when it was loaded
    if (outcome.ok() && metadata && !refused) described = recording_->store_metadata(*metadata);
    lock.lock();
    gather_findings();
    if (!described.ok()) {
        findings_.push_back("cartridge " + recording_->metadata().facts.barcode +
                            ": its description could not be stored when it was unloaded (" +
                            described.error().message +
                            "); what is recorded is safe, and the description before it counts");
    }
    if (!outcome.ok()) {
        findings_.push_back("cartridge " + recording_->metadata().facts.barcode +
                            " could not be closed in order: " + outcome.error().message);
    }
    state_.synchronised = recording_->synchronised_end();
    state_.stored = recording_->end();
    fetched_.clear();
}

void StoreWorker::gather_findings() {
    auto more = recording_->take_findings();
    if (more.empty()) return;
    findings_.insert(findings_.end(), more.begin(), more.end());
    if (wake_) wake_();
}

void StoreWorker::wake(Lock& lock) {
    // Posting takes a lock of the event loop's and nothing of ours.
    static_cast<void>(lock);
    if (wake_) wake_();
}

}  // namespace drive_iface::cartridge
