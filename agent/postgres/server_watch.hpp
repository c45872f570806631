#pragma once

// Looks at a running server again and again, on a thread of its own: what it shows, whether it
// answers, whether it still is there.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/pair/controller_node_io.hpp"
#include "agent/postgres/server_process.hpp"

namespace agent::postgres {

struct WatchOptions {
    std::string connection;  // to the server, with SQL
    std::string peer;        // how the other node follows
    core::Duration every{200};
    core::Duration answer_within{5'000};
};

class ServerWatch {
  public:
    // Both are called on the watch's thread. `lost`: why; once for each begin().
    ServerWatch(WatchOptions options, std::function<void(const pair::DataSeen&)> seen,
                std::function<void(const std::string& why)> lost);
    ~ServerWatch();
    ServerWatch(const ServerWatch&) = delete;
    ServerWatch& operator=(const ServerWatch&) = delete;

    void begin(std::shared_ptr<ProcessEnd> end);
    // What was seen or lost before is told; nothing after the return.
    void end();

  private:
    void work();
    void watch_one(const std::shared_ptr<ProcessEnd>& end);
    // Told only while it is still wanted.
    void tell_seen(const std::shared_ptr<ProcessEnd>& of, const pair::DataSeen& data);
    void tell_lost(const std::shared_ptr<ProcessEnd>& of, const std::string& why);
    [[nodiscard]] bool is_watched(const std::shared_ptr<ProcessEnd>& end);

    WatchOptions options_;
    std::function<void(const pair::DataSeen&)> seen_;
    std::function<void(const std::string&)> lost_;
    std::mutex mutex_;  // guards the next three, and what is told
    std::condition_variable changed_;
    std::shared_ptr<ProcessEnd> watched_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace agent::postgres
