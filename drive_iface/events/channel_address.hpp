#pragma once

// "unix:PATH" or "tcp:HOST:PORT" of the drive event channel, sockets for it, and who may be at the
// other end.

#include <sys/socket.h>

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

// HOST is a loopback address or "localhost": until TLS with client certificates is there, a
// connection from another machine could not be authenticated, and an unauthenticated one could move
// drives. PORT 0 is any free port. Errors say so.
[[nodiscard]] agent::core::Result<ChannelAddress> channel_address(std::string_view text);

// A listening, non-blocking socket. A Unix socket is made with mode 0660; an old socket file that
// nobody listens on is replaced. The caller closes it.
[[nodiscard]] agent::core::Result<int> listening_socket(const ChannelAddress& address);

// May the process at the other end of this connected Unix socket take part? Root, our own user, and
// members of group "lra" may (SO_PEERCRED, SO_PEERGROUPS: credentials at the time it connected, or
// began to listen). Errors: it may not; the kernel does not say.
[[nodiscard]] agent::core::Outcome peer_may_take_part(int connected_socket);

}  // namespace drive_iface::events
