#include "agent/runtime/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/runtime/descriptor.hpp"

namespace agent::runtime {

namespace {

std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return number;
}

}  // namespace

void tell_service_manager(const std::string& lines) {
    const std::string_view path = environment("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof address.sun_path) return;
    if (path.front() != '/' && path.front() != '@') return;
    std::copy(path.begin(), path.end(), address.sun_path);
    if (path.front() == '@') address.sun_path[0] = '\0';  // a name that is in no file system
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    // A signal that comes while it waits takes nothing away.
    while (::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), size) < 0 &&
           errno == EINTR) {
    }
}

std::optional<std::chrono::microseconds> watchdog_limit() {
    // A child that inherits the environment is not meant.
    const std::string_view process = environment("WATCHDOG_PID");
    if (!process.empty() && number_in(process) != static_cast<std::uint64_t>(::getpid()))
        return std::nullopt;
    const auto limit_us = number_in(environment("WATCHDOG_USEC"));
    if (!limit_us || *limit_us == 0 || *limit_us > INT64_MAX) return std::nullopt;
    return std::chrono::microseconds(static_cast<std::int64_t>(*limit_us));
}

}  // namespace agent::runtime
