#include "drive_iface/events/channel_address.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>
#include <vector>

#include "agent/core/errno_text.hpp"

namespace drive_iface::events {

using namespace agent::core;

namespace {

// The address structs of the socket API are views of one storage.
template <typename Address>
void store(ChannelAddress& result, const Address& address) {
    static_assert(sizeof(Address) <= sizeof(result.address));
    std::memcpy(&result.address, &address, sizeof(address));
    result.size = sizeof(address);
}

const sockaddr* socket_address(const ChannelAddress& address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address.address));
}

Result<ChannelAddress> unix_address(const std::string& text, std::string_view path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof(address.sun_path) || path.find('\0') != path.npos) {
        return Error{"address \"" + text + "\": the path of a Unix socket has 1 to " +
                     std::to_string(sizeof(address.sun_path) - 1) + " bytes"};
    }
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    ChannelAddress result;
    store(result, address);
    result.path = path;
    return result;
}

Error not_loopback(const std::string& text) {
    return {"address \"" + text +
            "\": without TLS the drive event channel is for this machine alone (127.0.0.1, [::1], "
            "localhost), since nobody could tell who is at the other end; give events.tls, or use "
            "\"unix:PATH\""};
}

Result<ChannelAddress> tcp_address(const std::string& text, std::string_view rest, Reach reach) {
    const auto colon = rest.rfind(':');
    const Error form{"address \"" + text +
                     "\" is not tcp:HOST:PORT (an IPv6 address stands in brackets)"};
    if (colon == rest.npos) return form;
    std::string host(rest.substr(0, colon));
    const auto digits = rest.substr(colon + 1);
    std::uint16_t port = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
        return form;
    if (host == "localhost") host = "127.0.0.1";

    ChannelAddress result;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr) != 1)
            return form;
        const bool own =
            std::equal(std::begin(address.sin6_addr.s6_addr), std::end(address.sin6_addr.s6_addr),
                       std::begin(in6addr_loopback.s6_addr));
        if (!own && reach == Reach::this_machine) return not_loopback(text);
        store(result, address);
        return result;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
        return Error{"address \"" + text + "\": \"" + host +
                     "\" is no IP address; names are not looked up"};
    }
    const bool own = (ntohl(address.sin_addr.s_addr) >> 24) == 127;
    if (!own && reach == Reach::this_machine) return not_loopback(text);
    store(result, address);
    return result;
}

// A socket file that a process which is gone has left behind.
Outcome remove_stale_socket(const ChannelAddress& address) {
    struct stat status {};
    if (::lstat(address.path.c_str(), &status) != 0) return Nothing{};
    if (!S_ISSOCK(status.st_mode)) return Error{address.path + " exists and is not a socket"};
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool alive =
        probe >= 0 &&
        (::connect(probe, socket_address(address), address.size) == 0 || errno == EAGAIN);
    if (probe >= 0) ::close(probe);
    if (alive) return Error{address.path + ": another process listens there already"};
    if (::unlink(address.path.c_str()) != 0) return Error{address.path + ": " + errno_text(errno)};
    return Nothing{};
}

bool is_in_group_lra(int connected_socket, gid_t primary) {
    std::array<char, 16'384> buffer{};
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r("lra", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return false;
    return primary == entry.gr_gid || peer_has_group(connected_socket, entry.gr_gid);
}

}  // namespace

Result<ChannelAddress> channel_address(std::string_view text, Reach reach) {
    const std::string whole(text);
    if (text.substr(0, 5) == "unix:") return unix_address(whole, text.substr(5));
    if (text.substr(0, 4) == "tcp:") return tcp_address(whole, text.substr(4), reach);
    return Error{"address \"" + whole + "\" is neither unix:PATH nor tcp:HOST:PORT"};
}

std::string host_of(const ChannelAddress& address) {
    std::array<char, NI_MAXHOST> host{};
    if (address.is_unix() || ::getnameinfo(socket_address(address), address.size, host.data(),
                                           host.size(), nullptr, 0, NI_NUMERICHOST) != 0)
        return "";
    return host.data();
}

void tune_connection(int connected_socket, const ChannelAddress& address) {
    if (address.is_unix()) return;
    const auto set = [connected_socket](int level, int option, int value) {
        ::setsockopt(connected_socket, level, option, &value, sizeof(value));
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 25'000);
}

Result<int> listening_socket(const ChannelAddress& address) {
    const std::string where = address.is_unix() ? address.path : host_of(address);
    if (address.is_unix()) {
        if (auto removed = remove_stale_socket(address); !removed) return removed.error();
    }
    const int number =
        ::socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return Error{"no socket for the drive event channel: " + errno_text(errno)};
    const int yes = 1;
    if (!address.is_unix()) ::setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    // Nobody can connect between bind() and listen(), so that the mode is right in time.
    const bool good = ::bind(number, socket_address(address), address.size) == 0 &&
                      (!address.is_unix() || ::chmod(address.path.c_str(), 0660) == 0) &&
                      ::listen(number, 64) == 0;
    if (good) return number;
    const int error = errno;
    ::close(number);
    return Error{"can not listen on " + where + ": " + errno_text(error)};
}

bool peer_has_group(int connected_socket, gid_t wanted) {
    std::vector<gid_t> groups(64);
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int code = ::getsockopt(connected_socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    if (code != 0 && errno == ERANGE) {  // `size` is what they need, and they never change
        groups.resize(size / sizeof(gid_t));
        code = ::getsockopt(connected_socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    }
    if (code != 0) return false;
    groups.resize(size / sizeof(gid_t));
    return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

Outcome peer_may_take_part(int connected_socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(connected_socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return Error{"credentials of the peer: " + errno_text(errno)};
    }
    if (peer.uid == 0 || peer.uid == ::geteuid()) return Nothing{};
    if (is_in_group_lra(connected_socket, peer.gid)) return Nothing{};
    return Error{"process " + std::to_string(peer.pid) + " of user " + std::to_string(peer.uid) +
                 " is neither root, nor our own user, nor in group lra"};
}

}  // namespace drive_iface::events
