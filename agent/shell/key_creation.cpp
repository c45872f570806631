#include "agent/shell/key_creation.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/descriptor.hpp"

namespace agent::shell {
namespace {

constexpr std::size_t passphrase_min = 8;
constexpr std::size_t passphrase_max = 200;

core::Error failed(const std::string& path, const std::string& what) {
    return {path + ": " + what + ": " + core::errno_text(errno)};
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno != EINTR) return false;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

core::Outcome write_new_file(const std::string& path, const std::string& line) {
    const runtime::Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        if (errno != EEXIST) return failed(path, "can not be created");
        return core::Error{path +
                           ": exists already and is left as it is; name a new file, or move this "
                           "one away first"};
    }
    if (write_all(file.get(), line) && ::fsync(file.get()) == 0) return core::Nothing{};
    const core::Error error = failed(path, "can not be written");
    ::unlink(path.c_str());
    return error;
}

// Typed characters are not shown while it lives.
class NoEcho {
  public:
    explicit NoEcho(int descriptor) : descriptor_(descriptor) {
        terminal_ = ::tcgetattr(descriptor_, &before_) == 0;
        if (!terminal_) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(descriptor_, TCSAFLUSH, &silent);
        static_cast<void>(write_all(STDERR_FILENO, "passphrase: "));
    }
    ~NoEcho() {
        if (!terminal_) return;
        ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
        static_cast<void>(write_all(STDERR_FILENO, "\n"));
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

  private:
    int descriptor_;
    bool terminal_ = false;
    termios before_{};
};

std::string first_line(int descriptor) {
    std::string line;
    char c = 0;
    while (line.size() <= passphrase_max && ::read(descriptor, &c, 1) == 1 && c != '\n')
        line += c;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

}  // namespace

core::Outcome create_master_key_file(const std::string& path) {
    std::array<std::uint8_t, 32> key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        return core::Error{std::string{"the kernel gave no random numbers: "} +
                           core::errno_text(errno)};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line = "master ";
    for (const std::uint8_t byte : key) {
        line += digits[byte >> 4U];
        line += digits[byte & 0x0FU];
    }
    return write_new_file(path, line + "\n");
}

core::Outcome create_passphrase_file(const std::string& path, int descriptor) {
    std::string passphrase;
    {
        const NoEcho silence(descriptor);
        passphrase = first_line(descriptor);
    }
    const bool control =
        std::ranges::any_of(passphrase, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    if (passphrase.size() < passphrase_min || passphrase.size() > passphrase_max || control) {
        return core::Error{
            "the passphrase must be one line of 8 to 200 characters without control characters"};
    }
    return write_new_file(path, "passphrase " + passphrase + "\n");
}

}  // namespace agent::shell
