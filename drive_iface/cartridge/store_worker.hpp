#pragma once

// The thread behind an open cartridge: it stores what was accepted, in order, many blocks with one
// system call; synchronises; reserves space ahead; and fetches blocks before they are asked for.
//
// All functions are for the event loop's thread and return at once.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drive_iface/cartridge/recording.hpp"

namespace drive_iface::cartridge {

struct StoreOperation {
    enum class Kind : std::uint8_t { blocks, filemarks, cut };
    Kind kind = Kind::cut;
    virtual_library::Bytes data{};   // blocks
    std::uint32_t block_length = 0;  // blocks
    std::uint32_t count = 0;         // filemarks
    RecordedEnd at{};                // cut
};

// How far the worker is.
struct StoreState {
    RecordedEnd stored;                         // in the files, synchronised or not
    RecordedEnd synchronised;                   // survives a loss of power
    std::uint64_t operations_stored = 0;        // of all that were given
    std::uint64_t operations_synchronised = 0;  // with the description asked for by then
    std::uint64_t metadata_tried = 0;           // descriptions stored, or not to be stored
    std::uint64_t cost_stored = 0;              // of cost_of() of all that were given
    std::uint64_t data_reserved = 0;            // size the data file can grow to
    std::uint64_t index_reserved = 0;
    bool full = false;             // the folder could not give what was asked for
    bool reserving = false;        // reserve() is being worked on
    bool metadata_failed = false;  // the newest description could not be stored
    std::uint64_t faults = 0;
    std::optional<agent::core::Error> fault;  // the newest
};

class StoreWorker {
  public:
    struct Limits {
        // At most; less where several cartridges are read. Few enough to stay in the processor's
        // cache: a disk is kept busy by the system's own reading ahead.
        std::uint64_t read_ahead_bytes = 4ULL << 20;
        std::uint64_t checkpoint_bytes = 4ULL << 30;  // written without being asked to synchronise
    };
    // `wake` is called from the worker's thread when something awaited happened or there are
    // findings.
    StoreWorker(std::unique_ptr<Recording> recording, Limits limits, std::function<void()> wake);
    // Waits for the thread: see finish().
    ~StoreWorker();

    // For its const functions that other threads may call.
    [[nodiscard]] const Recording& recording() const { return *recording_; }
    [[nodiscard]] StoreState state();
    [[nodiscard]] std::vector<std::string> take_findings();

    // What an operation takes of the buffer until it is stored.
    [[nodiscard]] static std::uint64_t cost_of(const StoreOperation& operation);
    // `faults_seen` as in the last state() looked at: what was given before a fault was seen is
    // dropped. Returns how many operations were given so far.
    std::uint64_t give(StoreOperation operation, std::uint64_t faults_seen);
    // Wake when no more than this cost is left to be stored, now or later, or reserve() is done.
    void await_room(std::uint64_t cost_left);
    // Everything given so far, and the description when there is a new one; wakes when done. A
    // description that can not be stored is no loss of what was given.
    void synchronise(std::optional<Metadata> metadata);
    void reserve(std::uint64_t data_size, std::uint64_t index_size);

    // The block from the read-ahead; nothing: not there.
    [[nodiscard]] std::optional<ReadBlock> take(std::uint64_t number);
    // Fetches the objects from `first`, which take() does not have, to below `end`, and goes on
    // behind them when `ahead`. Wakes when they are there.
    void fetch(std::uint64_t first, std::uint64_t end, bool ahead);
    // The reader is at `next` and goes on: keep ahead of it. What was fetched before is dropped.
    void read_on(std::uint64_t next);

    // From now on nothing can be stored: a disk that fails, played.
    void fail_storing(bool fails);
    // What is not synchronised is given up, as by a fault: a loss of power that is played.
    void lose_power();

    // Store what is left, close in order, then call `finished` from the worker's thread, and end.
    void finish(std::optional<Metadata> metadata, std::function<void()> finished);

  private:
    using Lock = std::unique_lock<std::mutex>;

    void run();
    void wait_for_work(Lock& lock);
    void note_stream();
    void rest(Lock& lock);
    [[nodiscard]] std::uint64_t readable_end() const;
    [[nodiscard]] bool fetch_wanted() const;
    [[nodiscard]] bool runs_low() const;
    [[nodiscard]] bool somebody_waits() const;
    void forget_fetched();
    void fetch_step(Lock& lock);
    void reserve_step(Lock& lock);
    void store_step(Lock& lock);
    void synchronise_step(Lock& lock);
    void close_step(Lock& lock);
    // After a fault, before anything else is stored or synchronised.
    agent::core::Outcome cut_what_failed(Lock& lock);
    // Runs the action, which is not when a failure is played.
    agent::core::Outcome store(bool fails, const std::function<agent::core::Outcome()>& action);
    agent::core::Outcome store_batch(const std::deque<StoreOperation>& batch);
    void fail(Lock& lock, const agent::core::Error& error, const RecordedEnd& kept);
    void note_description(const agent::core::Outcome& stored);
    void gather_findings();
    void wake(Lock& lock);

    const std::unique_ptr<Recording> recording_;
    const Limits limits_;
    const std::function<void()> wake_;

    std::mutex mutex_;  // guards everything below
    std::condition_variable work_;
    StoreState state_;
    std::vector<std::string> findings_;

    std::deque<StoreOperation> queue_;
    std::uint64_t queue_cost_ = 0;
    std::uint64_t given_ = 0;
    // Of the cuts that are not stored yet: what stands from the lowest of them on is given up.
    std::size_t cuts_queued_ = 0;
    std::uint64_t cut_border_ = 0;
    std::optional<RecordedEnd> kept_;  // of a fault: what follows is still to be cut

    std::uint64_t synchronise_up_to_ = 0;  // operations
    bool synchronise_wanted_ = false;
    std::optional<Metadata> metadata_;  // to be stored
    std::uint64_t metadata_given_ = 0;

    std::uint64_t data_size_wanted_ = 0;
    std::uint64_t index_size_wanted_ = 0;

    std::map<std::uint64_t, ReadBlock> fetched_;
    std::uint64_t fetched_bytes_ = 0;
    std::uint64_t fetch_next_ = 0, fetch_end_ = 0;
    std::uint64_t fetch_round_ = 0;  // a step that comes back from an older one is dropped
    bool fetch_ahead_ = false;

    std::optional<std::uint64_t> room_awaited_;  // wake when the cost left is below this
    bool block_awaited_ = false;

    bool streams_ = false;  // something was stored or fetched since the last rest
    bool storing_fails_ = false;
    bool power_lost_ = false;
    bool finishing_ = false;
    std::function<void()> finished_;

    std::thread thread_;
};

}  // namespace drive_iface::cartridge
