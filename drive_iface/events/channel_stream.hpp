#pragma once

// What bytes of the drive event channel travel on: a socket as it is, or TLS over one.

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>

namespace drive_iface::events {

class ChannelStream {
  public:
    using Socket = asio::generic::stream_protocol::socket;
    using Done = std::function<void(const std::error_code& error, std::size_t size)>;

    virtual ~ChannelStream() = default;
    // At least one byte, into memory that stays until `done`; one at a time. The other's end of the
    // stream is asio::error::eof, however it came.
    virtual void read_some(asio::mutable_buffer into, Done done) = 0;
    // All of it, from memory that stays until `done`; one at a time.
    virtual void write(asio::const_buffer bytes, Done done) = 0;
    // What is under way ends with an error.
    virtual void close() = 0;
    virtual asio::any_io_executor executor() = 0;
};

[[nodiscard]] std::unique_ptr<ChannelStream> plain_stream(ChannelStream::Socket socket);

}  // namespace drive_iface::events
