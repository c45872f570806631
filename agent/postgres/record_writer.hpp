#pragma once

// Writes records of the epoch, on a thread of its own: while a commit waits for the other node the
// server is given other orders, one of which may end the waiting.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "agent/postgres/epoch_record.hpp"

namespace agent::postgres {

class RecordWriter {
  public:
    using Done = std::function<void(const Written&)>;

    // `doubted` hears of each answer that was not believed. Both callbacks come from the writer's
    // thread.
    RecordWriter(std::string connection,
                 std::function<void(std::uint64_t epoch, const std::string& words)> doubted,
                 core::Duration within = {60'000});
    ~RecordWriter();
    RecordWriter(const RecordWriter&) = delete;
    RecordWriter& operator=(const RecordWriter&) = delete;

    // `done` is called once. A newer record ends the waiting for an older one. `peer`: who has to
    // have it; empty: nobody else.
    void write(const EpochRecord& record, std::string peer, Done done);
    // The server is about to stop: what is not done will not be.
    void give_up();

  private:
    struct Wanted {
        std::uint64_t number = 0;
        EpochRecord record;
        std::string peer;
        Done done;
    };
    void work();
    [[nodiscard]] Written write_now(const Wanted& wanted);

    std::string connection_;
    std::function<void(std::uint64_t, const std::string&)> doubted_;
    core::Duration within_;
    std::mutex mutex_;  // guards the next three
    std::condition_variable changed_;
    std::deque<Wanted> wanted_;
    bool stopping_ = false;
    std::atomic<std::uint64_t> newest_{0};  // what is older is given up
    std::thread thread_;                    // last: it uses the others
};

}  // namespace agent::postgres
