#include "drive_iface/events/channel_stream.hpp"

#include <asio/write.hpp>
#include <utility>

namespace drive_iface::events {
namespace {

class PlainStream : public ChannelStream {
  public:
    explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

    void read_some(asio::mutable_buffer into, Done done) override {
        socket_.async_receive(into, std::move(done));
    }
    void write(asio::const_buffer bytes, Done done) override {
        asio::async_write(socket_, bytes, std::move(done));
    }
    void close() override {
        std::error_code ignored;
        socket_.close(ignored);
    }
    asio::any_io_executor executor() override { return socket_.get_executor(); }

  private:
    Socket socket_;
};

}  // namespace

std::unique_ptr<ChannelStream> plain_stream(ChannelStream::Socket socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace drive_iface::events
