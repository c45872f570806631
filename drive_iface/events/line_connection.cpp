#include "drive_iface/events/line_connection.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <utility>

#include "drive_iface/events/drive_event.hpp"

namespace drive_iface::events {

LineConnection::LineConnection(std::unique_ptr<ChannelStream> stream, Handlers handlers)
    : stream_(std::move(stream)), handlers_(std::move(handlers)), chunk_(16 * 1024, '\0') {}

void LineConnection::start() {
    read();
}

void LineConnection::read() {
    stream_->read_some(asio::buffer(chunk_),
                       [self = shared_from_this()](const std::error_code& error, std::size_t size) {
                           if (!self->open_) return;
                           if (error == asio::error::eof) return self->end(End::by_peer);
                           if (error) return self->fail(error);
                           self->received_.append(self->chunk_, 0, size);
                           self->take_lines();
                           if (self->open_) self->read();
                       });
}

void LineConnection::take_lines() {
    std::size_t begin = 0;
    for (auto at = received_.find('\n'); at != std::string::npos;
         at = received_.find('\n', begin)) {
        std::string_view line(received_.data() + begin, at - begin);
        begin = at + 1;
        if (line.size() > line_size_max) return end(End::line_too_long);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty()) handlers_.line(line);
        if (!open_) return;
    }
    received_.erase(0, begin);
    if (received_.size() > line_size_max) end(End::line_too_long);
}

void LineConnection::send(const std::string& line) {
    if (!open_) return;
    if (unsent() + line.size() > unsent_max) {
        // Not from within the caller: it may be walking over what the handler changes.
        asio::post(stream_->executor(), [self = shared_from_this()] {
            if (self->open_) self->end(End::reads_too_slow);
        });
        return;
    }
    waiting_ += line;
    waiting_ += '\n';
    if (writing_.empty()) write();
}

void LineConnection::write() {
    writing_.swap(waiting_);
    stream_->write(asio::buffer(writing_),
                   [self = shared_from_this()](const std::error_code& error, std::size_t) {
                       if (!self->open_) return;
                       if (error) return self->fail(error);
                       self->writing_.clear();
                       if (!self->waiting_.empty()) self->write();
                   });
}

void LineConnection::close() {
    open_ = false;
    stream_->close();
}

void LineConnection::fail(const std::error_code& error) {
    failure_ = error.message();
    end(End::failed);
}

void LineConnection::end(End end) {
    close();
    handlers_.ended(end);
}

}  // namespace drive_iface::events
