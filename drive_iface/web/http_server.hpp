#pragma once

// Connections of browsers and scripts: accepted and read on the event loop, answered by a few
// worker threads. A slow sender costs a connection, a slow reader a worker for a bounded time; the
// event loop waits for neither.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/web/exchange_words.hpp"
#include "drive_iface/web/web_address.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::web {

struct HttpServerOptions {
    WebAddress listen;
    bool beyond_loopback = false;      // whoever reaches another address may ask, too
    std::size_t connections_max = 64;  // further ones are answered 503 and closed
    std::size_t workers = 8;
    std::vector<uid_t> users;                      // who may ask; empty: every user of this machine
    std::size_t requests_max = 1000;               // on one connection
    std::chrono::milliseconds head_within{5'000};  // of a request, from its first byte
    std::chrono::milliseconds idle_after{30'000};  // without a request
    std::chrono::milliseconds piece_within{20'000};  // 64 KiB of an answer are taken
};

struct HttpServerCounters {
    std::uint64_t connections = 0;          // accepted
    std::uint64_t connections_refused = 0;  // one too many
    std::uint64_t strangers_refused = 0;    // users who may not ask
    std::uint64_t requests = 0;
    std::uint64_t requests_wrong = 0;  // not HTTP, too long, or not GET or HEAD
    std::uint64_t timeouts = 0;        // a head that did not come to its end
};

class HttpServer {
  public:
    // Called by workers, several at a time.
    using Handler = std::function<Answer(const Request&)>;

    [[nodiscard]] static agent::core::Result<std::unique_ptr<HttpServer>> listen(
        asio::io_context& loop, HttpServerOptions options, Handler handler);
    // As stop().
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // On the loop. Closes all connections and ends the workers: what they wait for elsewhere has to
    // be answered or given up before.
    void stop();

    [[nodiscard]] WebAddress address() const;  // with the port it has
    [[nodiscard]] std::size_t connections() const;
    [[nodiscard]] const HttpServerCounters& counters() const;

  private:
    class State;
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace drive_iface::web
