#include "agent/runtime/control_session.hpp"

#include <asio/error.hpp>
#include <utility>

#include "agent/runtime/control_request.hpp"
#include "agent/runtime/log.hpp"

namespace agent::runtime {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{16} * 1024;

}  // namespace

ControlSession::ControlSession(asio::local::stream_protocol::socket socket, Caller caller,
                               std::size_t queue_bytes_max)
    : socket_(std::move(socket)),
      caller_(std::move(caller)),
      queue_bytes_max_(queue_bytes_max),
      chunk_(chunk_bytes, '\0') {}

void ControlSession::begin(LineHandler on_line, EndHandler on_end) {
    on_line_ = std::move(on_line);
    on_end_ = std::move(on_end);
    read();
}

void ControlSession::read() {
    socket_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](const std::error_code& error, std::size_t count) {
            if (self->ended_) return;
            if (!error) {
                self->take(count);
            } else if (error == asio::error::eof) {
                self->take_end_of_input();
            } else {
                self->end();
            }
        });
}

void ControlSession::take_end_of_input() {
    client_said_all_ = true;
    follows_events = false;
    end_if_all_is_said();
}

void ControlSession::end_if_all_is_said() {
    if (client_said_all_ && answers_owed_ == 0) end_after_sending();
}

void ControlSession::answered(std::string line) {
    --answers_owed_;
    send(std::move(line));
    if (!ended_) end_if_all_is_said();
}

void ControlSession::take(std::size_t count) {
    received_.append(chunk_, 0, count);
    std::size_t begin = 0;
    for (std::size_t end = received_.find('\n'); end != std::string::npos;
         end = received_.find('\n', begin)) {
        std::string line = received_.substr(begin, end - begin);
        begin = end + 1;
        if (!line.empty()) on_line_(shared_from_this(), std::move(line));
        if (ended_ || end_when_sent_) return;
    }
    received_.erase(0, begin);
    if (received_.size() > control_line_max) {
        send(control_answer_line(nullptr, ControlError{ControlErrorCode::invalid_request,
                                                       "the line is longer than 64 KiB; closing"}));
        end_after_sending();
        return;
    }
    read();
}

void ControlSession::send(std::string line) {
    if (ended_ || end_when_sent_) return;
    // One answer alone may pass the bound: it is limited by itself, and its reader may be quick.
    if (!queue_.empty() && queue_bytes_ + line.size() > queue_bytes_max_) {
        log_warning("control socket: dropped a client that does not read its answers: " +
                    to_text(caller_));
        end();
        return;
    }
    queue_bytes_ += line.size();
    queue_.push_back(std::move(line));
    if (!writing_) write();
}

void ControlSession::write() {
    writing_ = true;
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](const std::error_code& error, std::size_t) {
                          self->writing_ = false;
                          if (self->ended_) return;
                          if (error) {
                              self->end();
                              return;
                          }
                          self->queue_bytes_ -= self->queue_.front().size();
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) {
                              self->write();
                          } else if (self->end_when_sent_) {
                              self->end();
                          }
                      });
}

void ControlSession::end_after_sending() {
    end_when_sent_ = true;
    if (!writing_) end();
}

void ControlSession::end() {
    if (std::exchange(ended_, true)) return;
    std::error_code ignored;
    socket_.close(ignored);
    if (on_end_) on_end_(shared_from_this());
}

}  // namespace agent::runtime
