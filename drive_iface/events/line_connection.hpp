#pragma once

// A stream that carries lines, for both ends of the drive event channel.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "drive_iface/events/channel_stream.hpp"

namespace drive_iface::events {

class LineConnection : public std::enable_shared_from_this<LineConnection> {
  public:
    enum class End : std::uint8_t {
        by_peer,
        line_too_long,   // more than line_size_max without a line end
        reads_too_slow,  // more than unsent_max waits to be read by the peer
        failed,          // failure() says how
    };
    struct Handlers {
        std::function<void(std::string_view line)> line;
        std::function<void(End end)> ended;  // once; the connection is closed
    };
    // The peer has not read so much yet: it is stuck, and memory is not for it.
    static constexpr std::size_t unsent_max = std::size_t{1024} * 1024;

    LineConnection(std::unique_ptr<ChannelStream> stream, Handlers handlers);

    void start();
    void send(const std::string& line);  // without line end; after the end nothing is sent
    void close();                        // by us: no handler is called afterwards

    [[nodiscard]] bool is_open() const { return open_; }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] std::size_t unsent() const { return waiting_.size() + writing_.size(); }

  private:
    void read();
    void take_lines();
    void write();
    void end(End end);
    void fail(const std::error_code& error);

    std::unique_ptr<ChannelStream> stream_;
    Handlers handlers_;
    bool open_ = true;
    std::string failure_;
    std::string chunk_;
    std::string received_;  // what came since the last line end
    std::string waiting_;   // to be written after writing_
    std::string writing_;
};

}  // namespace drive_iface::events
