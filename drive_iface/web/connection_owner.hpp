#pragma once

// Which local user is at the other end of a loopback connection: the page has no login, and shows
// what hosts wrote.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/ip/tcp.hpp>

namespace drive_iface::web {

// `table` is the text of /proc/net/tcp or tcp6 (proc(5)). Nothing: no socket of this machine and
// network namespace is connected from `there` to `here`, or the table is not understood.
[[nodiscard]] std::optional<uid_t> owner_in(std::string_view table,
                                            const asio::ip::tcp::endpoint& there,
                                            const asio::ip::tcp::endpoint& here);

// Reads the table that belongs to the address.
[[nodiscard]] std::optional<uid_t> connection_owner(const asio::ip::tcp::endpoint& there,
                                                    const asio::ip::tcp::endpoint& here);

// Who may see the page. Empty `users` means everybody on this machine.
[[nodiscard]] bool may_see(const std::vector<uid_t>& users, std::optional<uid_t> owner);

}  // namespace drive_iface::web
