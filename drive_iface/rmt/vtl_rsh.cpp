// vtl-rsh: stands where tar, cpio, mt-gnu, dump and restore call a remote shell, and connects them
// to vtld's rmt socket. The host and the command they name do not matter.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/configuration.hpp"
#include "drive_iface/events/channel_address.hpp"

namespace {

constexpr const char* default_address = "unix:/run/lra/vtld-rmt.sock";
constexpr const char* usage =
    "usage: vtl-rsh HOST [-l USER] COMMAND...   (as tar --rsh-command=vtl-rsh calls it)\n"
    "\n"
    "Connects standard input and output to the rmt socket of vtld. HOST, USER and COMMAND are\n"
    "ignored.\n"
    "  VTL_RMT         where it listens: unix:PATH or tcp:127.0.0.1:PORT\n"
    "                  (default: unix:/run/lra/vtld-rmt.sock)\n"
    "  VTL_RMT_TOKEN   file of mode 0600 whose first line is rmt.token_file's, for tcp\n";

bool write_all(int number, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(number, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// False: the end of `from`, or `to` is gone.
bool copy_some(int from, int to, std::span<char> buffer) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return true;
    if (count <= 0) return false;
    return write_all(to, {buffer.data(), static_cast<std::size_t>(count)});
}

int copy_both_ways(int connection) {
    std::array<char, std::size_t{256} * 1024> buffer{};
    std::array<pollfd, 2> watched{{{STDIN_FILENO, POLLIN, 0}, {connection, POLLIN, 0}}};
    while (true) {
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return 1;
        if (watched[1].revents != 0 && !copy_some(connection, STDOUT_FILENO, buffer)) return 0;
        if (watched[0].revents != 0 && !copy_some(STDIN_FILENO, connection, buffer)) {
            // The client is done; what the server still has to say is passed on.
            ::shutdown(connection, SHUT_WR);
            watched[0].fd = -1;
        }
    }
}

int complain(const std::string& what) {
    std::cerr << "vtl-rsh: " << what << "\n";
    return 1;
}

int run() {
    const char* named = std::getenv("VTL_RMT");
    const std::string where = named != nullptr && *named != '\0' ? named : default_address;
    const auto address = drive_iface::events::channel_address(where);
    if (!address) return complain("VTL_RMT: " + address.error().message);
    std::string greeting;
    if (const char* file = std::getenv("VTL_RMT_TOKEN"); file != nullptr && *file != '\0') {
        const auto token = agent::runtime::read_key_file(file);
        if (!token) return complain("VTL_RMT_TOKEN: " + token.error().message);
        const char* user = std::getenv("LOGNAME");
        greeting = "lra-rmt 1 " + *token + " " + (user != nullptr ? user : "client") + "\n";
    }
    const int connection = ::socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* target = static_cast<const sockaddr*>(static_cast<const void*>(&address->address));
    if (connection < 0 || ::connect(connection, target, address->size) != 0) {
        return complain("can not reach vtld's rmt socket at " + where + ": " +
                        agent::core::errno_text(errno) +
                        "; is rmt.listen configured, and VTL_RMT the same?");
    }
    if (!write_all(connection, greeting)) return complain(agent::core::errno_text(errno));
    return copy_both_ways(connection);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (first == "--version") {
        std::cout << "vtl-rsh " << LRA_VERSION << "\n";
        return 0;
    }
    if (first.empty() || first == "--help") {
        (first.empty() ? std::cerr : std::cout) << usage;
        return first.empty() ? 2 : 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    return run();
}
