#pragma once

// "unix:PATH" or "tcp:HOST:PORT" of the drive event channel, sockets for it, and who may be at the
// other end.

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace drive_iface::events {

struct ChannelAddress {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string path;  // Unix sockets only
    [[nodiscard]] bool is_unix() const { return address.ss_family == AF_UNIX; }
};

// Whoever comes over tcp shows nothing but an address: without TLS it has to be this machine's own,
// since an unauthenticated connection could move drives.
enum class Reach : std::uint8_t { this_machine, any_machine };

// HOST is "localhost" or an IP address. PORT 0 is any free port. Errors say what is wrong.
[[nodiscard]] agent::core::Result<ChannelAddress> channel_address(
    std::string_view text, Reach reach = Reach::this_machine);

// HOST of "tcp:HOST:PORT" without brackets; empty for a Unix socket.
[[nodiscard]] std::string host_of(const ChannelAddress& address);

// A listening, non-blocking socket. A Unix socket is made with mode 0660; an old socket file that
// nobody listens on is replaced. The caller closes it.
[[nodiscard]] agent::core::Result<int> listening_socket(const ChannelAddress& address);

// A connected tcp socket: sends at once, and notices within half a minute that the other machine is
// gone. Nothing for a Unix socket.
void tune_connection(int connected_socket, const ChannelAddress& address);

// May the process at the other end of this connected Unix socket take part? Root, our own user, and
// members of group "lra" may (SO_PEERCRED, SO_PEERGROUPS: credentials at the time it connected, or
// began to listen). Errors: it may not; the kernel does not say.
[[nodiscard]] agent::core::Outcome peer_may_take_part(int connected_socket);

// Has the process at the other end of this connected Unix socket the group among its supplementary
// ones (SO_PEERGROUPS)? Not when the kernel does not say.
[[nodiscard]] bool peer_has_group(int connected_socket, gid_t wanted);

}  // namespace drive_iface::events
