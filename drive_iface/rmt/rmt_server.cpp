#include "drive_iface/rmt/rmt_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <utility>

#include "drive_iface/events/channel_address.hpp"
#include "drive_iface/rmt/client_connection.hpp"

namespace drive_iface::rmt {

using agent::core::Nothing;
using agent::core::Result;

namespace {

constexpr auto pause_when_out_of_descriptors = std::chrono::milliseconds(100);

std::string user_name(uid_t user) {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return found->pw_name;
    return "uid-" + std::to_string(user);
}

}  // namespace

class RmtServer::State : public std::enable_shared_from_this<RmtServer::State> {
  public:
    State(asio::io_context& loop, RmtServerOptions options, TapeDrives& drives, Log log,
          events::ChannelAddress address, int listening)
        : options_(std::move(options)),
          address_(std::move(address)),
          loop_(&loop),
          drives_(&drives),
          log_(std::move(log)),
          listener_(loop, listening),
          pause_(loop) {}

    void accept();
    void stop();
    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::vector<RmtConnection> connections() const;

  private:
    void take_waiting();
    void take(int number);
    void tell(std::uint64_t id, const std::string& what) const;
    [[nodiscard]] ClientConnection::Peer peer_of(int number) const;

    RmtServerOptions options_;
    events::ChannelAddress address_;
    asio::io_context* loop_;
    TapeDrives* drives_;
    Log log_;
    asio::posix::stream_descriptor listener_;
    asio::steady_timer pause_;
    std::map<std::uint64_t, std::shared_ptr<ClientConnection>> connections_;
    std::uint64_t last_id_ = 0;
    bool stopped_ = false;
};

void RmtServer::State::accept() {
    listener_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const asio::error_code& error) {
                             if (error || self->stopped_) return;
                             self->take_waiting();
                         });
}

void RmtServer::State::take_waiting() {
    while (true) {
        const int number =
            ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (number >= 0) {
            take(number);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            pause_.expires_after(pause_when_out_of_descriptors);
            pause_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
                if (!cancelled && !self->stopped_) self->take_waiting();
            });
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED) return accept();
    }
}

ClientConnection::Peer RmtServer::State::peer_of(int number) const {
    if (!address_.is_unix()) return {"tcp", "127.0.0.1", !options_.token};
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(number, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return {"unknown", "local", true};
    return {user_name(peer.uid), "local", true};
}

void RmtServer::State::tell(std::uint64_t id, const std::string& what) const {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !log_) return;
    log_("rmt: " + found->second->described().host + " (connection " + std::to_string(id) +
         "): " + what);
}

void RmtServer::State::take(int number) {
    const auto allowed =
        address_.is_unix() ? events::peer_may_take_part(number) : agent::core::Outcome(Nothing{});
    if (!address_.is_unix()) {
        const int yes = 1;
        ::setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
        ::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    }
    ClientConnection::Socket socket(
        *loop_, asio::generic::stream_protocol(address_.address.ss_family, 0), number);
    const auto id = ++last_id_;
    const auto peer = peer_of(number);
    auto told = [self = shared_from_this(), id](const std::string& what) { self->tell(id, what); };
    auto ended = [self = shared_from_this(), id](const std::string& why) {
        self->tell(id, why);
        self->connections_.erase(id);
    };
    auto connection = std::make_shared<ClientConnection>(
        std::move(socket), id, peer, options_, *drives_, std::move(told), std::move(ended));
    const bool full = connections_.size() >= options_.connections_max;
    connections_.emplace(id, connection);
    if (!allowed) return connection->turn_away(EACCES, allowed.error().message);
    if (full) return connection->turn_away(EAGAIN, "too many rmt connections; try again later");
    connection->start();
}

void RmtServer::State::stop() {
    stopped_ = true;
    pause_.cancel();
    asio::error_code ignored;
    listener_.close(ignored);
    if (address_.is_unix()) ::unlink(address_.path.c_str());
    for (const auto& [id, connection] : std::map(connections_))
        connection->hang_up("vtld stops");
}

std::string RmtServer::State::address() const {
    if (address_.is_unix()) return "unix:" + address_.path;
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    auto& listener = const_cast<asio::posix::stream_descriptor&>(listener_);
    // The socket API's view of one storage; both families have the port at the same place.
    auto* view = static_cast<sockaddr*>(static_cast<void*>(&bound));
    if (::getsockname(listener.native_handle(), view, &size) != 0) return options_.listen;
    const auto port =
        ntohs(static_cast<const sockaddr_in*>(static_cast<const void*>(&bound))->sin_port);
    return options_.listen.substr(0, options_.listen.rfind(':') + 1) + std::to_string(port);
}

std::vector<RmtConnection> RmtServer::State::connections() const {
    std::vector<RmtConnection> all;
    for (const auto& [id, connection] : connections_)
        all.push_back(connection->described());
    return all;
}

Result<std::unique_ptr<RmtServer>> RmtServer::listen(asio::io_context& loop,
                                                     RmtServerOptions options, TapeDrives& drives,
                                                     Log log) {
    auto address = events::channel_address(options.listen);
    if (!address) return address.error();
    const auto listening = events::listening_socket(*address);
    if (!listening) return listening.error();
    auto state = std::make_shared<State>(loop, std::move(options), drives, std::move(log), *address,
                                         *listening);
    state->accept();
    return std::unique_ptr<RmtServer>(new RmtServer(std::move(state)));
}

RmtServer::RmtServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
RmtServer::~RmtServer() {
    state_->stop();
}
std::string RmtServer::address() const {
    return state_->address();
}
std::vector<RmtConnection> RmtServer::connections() const {
    return state_->connections();
}

}  // namespace drive_iface::rmt
