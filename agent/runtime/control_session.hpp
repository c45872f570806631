#pragma once

// One client of a control socket, as the server sees it. Inside this room only.

#include <asio/buffer.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "agent/runtime/control_server.hpp"

namespace agent::runtime {

// Lives as long as the listener knows it or an operation on its socket is under way.
class ControlSession : public std::enable_shared_from_this<ControlSession> {
  public:
    using LineHandler =
        std::function<void(const std::shared_ptr<ControlSession>& session, std::string line)>;
    using EndHandler = std::function<void(const std::shared_ptr<ControlSession>& session)>;

    ControlSession(asio::local::stream_protocol::socket socket, Caller caller,
                   std::size_t queue_bytes_max);

    // `on_line` for each line without its end; `on_end` once, when the client has gone or was
    // dropped.
    void begin(LineHandler on_line, EndHandler on_end);

    // Queues a line for the client. A client that does not read is dropped when its queue passes
    // its bound.
    void send(std::string line);
    // Sends what is queued, then ends.
    void end_after_sending();
    void end();

    [[nodiscard]] const Caller& caller() const { return caller_; }
    bool follows_events = false;
    // A client may close its writing end and wait for the answers to what it has asked.
    void expect_answer() { ++answers_owed_; }
    void answered(std::string line);

  private:
    void read();
    void take(std::size_t count);
    void take_end_of_input();
    void end_if_all_is_said();
    void write();

    asio::local::stream_protocol::socket socket_;
    Caller caller_;
    std::size_t queue_bytes_max_;
    LineHandler on_line_;
    EndHandler on_end_;
    std::string received_;
    std::string chunk_;
    std::deque<std::string> queue_;
    std::size_t queue_bytes_ = 0;
    bool writing_ = false;
    bool ended_ = false;
    bool end_when_sent_ = false;
    bool client_said_all_ = false;
    std::size_t answers_owed_ = 0;
};

}  // namespace agent::runtime
