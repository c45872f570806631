#pragma once

// "unix:PATH" or "tcp:HOST:PORT" of the drive event channel, and who may be at the other end.

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace drive_iface::events {

struct ChannelAddress {
    bool local = true;       // a Unix socket
    std::string path;        // local only; at most 107 bytes (sun_path)
    std::string host;        // tcp only: an IP address of the loopback interface, without brackets
    std::uint16_t port = 0;  // tcp only; 0: any free port (for tests)
};

// HOST is a loopback address or "localhost": until TLS with client certificates is there, a
// connection from another machine could not be authenticated, and an unauthenticated one could move
// drives. Errors say so.
[[nodiscard]] agent::core::Result<ChannelAddress> channel_address(std::string_view text);

// May the process at the other end of this connected Unix socket take part? Root, our own user, and
// members of group "lra" may (SO_PEERCRED and SO_PEERGROUPS: credentials at the time it connected,
// or began to listen). Errors: may not, in words; the kernel does not say.
[[nodiscard]] agent::core::Outcome peer_may_take_part(int connected_socket);

}  // namespace drive_iface::events
