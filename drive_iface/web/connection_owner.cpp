#include "drive_iface/web/connection_owner.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

namespace drive_iface::web {
namespace {

constexpr std::size_t table_line_max = 512;

// proc(5): each 32 bits of the address as the machine's own number, then the port.
std::string as_in_table(const asio::ip::tcp::endpoint& endpoint) {
    std::string text;
    const auto add = [&text](const auto& bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint32_t)) {
            std::uint32_t word = 0;
            std::memcpy(&word, bytes.data() + at, sizeof(word));
            for (int shift = 28; shift >= 0; shift -= 4)
                text += "0123456789ABCDEF"[(word >> shift) & 0xfU];
        }
    };
    if (endpoint.address().is_v4()) {
        add(endpoint.address().to_v4().to_bytes());
    } else {
        add(endpoint.address().to_v6().to_bytes());
    }
    text += ':';
    for (int shift = 12; shift >= 0; shift -= 4)
        text += "0123456789ABCDEF"[(endpoint.port() >> shift) & 0xf];
    return text;
}

std::vector<std::string_view> columns_of(std::string_view line) {
    std::vector<std::string_view> columns;
    while (true) {
        const auto from = line.find_first_not_of(' ');
        if (from == std::string_view::npos) return columns;
        const auto to = std::min(line.find(' ', from), line.size());
        columns.push_back(line.substr(from, to - from));
        line.remove_prefix(to);
    }
}

// Columns: number, local, remote, state, queues, timer, retransmits, uid, and more behind it: a
// line that ends there was cut.
constexpr std::size_t local_column = 1;
constexpr std::size_t remote_column = 2;
constexpr std::size_t state_column = 3;
constexpr std::size_t uid_column = 7;
constexpr std::string_view established = "01";

std::optional<uid_t> user_id(std::string_view text) {
    uid_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<uid_t> owner_in(std::string_view table, const asio::ip::tcp::endpoint& there,
                              const asio::ip::tcp::endpoint& here) {
    const auto local = as_in_table(there);
    const auto remote = as_in_table(here);
    while (!table.empty()) {
        const auto line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(line.size() + 1, table.size()));
        if (line.size() > table_line_max) continue;
        const auto columns = columns_of(line);
        if (columns.size() > uid_column + 1 && columns[local_column] == local &&
            columns[remote_column] == remote && columns[state_column] == established)
            return user_id(columns[uid_column]);
    }
    return std::nullopt;
}

std::optional<uid_t> connection_owner(const asio::ip::tcp::endpoint& there,
                                      const asio::ip::tcp::endpoint& here) {
    std::ifstream file(there.address().is_v4() ? "/proc/net/tcp" : "/proc/net/tcp6");
    const std::string table{std::istreambuf_iterator<char>(file), {}};
    return owner_in(table, there, here);
}

bool may_see(const std::vector<uid_t>& users, std::optional<uid_t> owner) {
    return users.empty() || (owner && std::find(users.begin(), users.end(), *owner) != users.end());
}

}  // namespace drive_iface::web
