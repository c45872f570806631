#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/descriptor.hpp"

namespace agent::runtime {

namespace {

core::Error refused(const std::string& path, const std::string& why) {
    return {"key file " + path + ": " + why};
}

}  // namespace

core::Result<std::string> read_key_file(const std::string& path) {
    constexpr std::size_t bytes_min = 8;
    constexpr std::size_t bytes_max = 256;
    // Not blocking: a pipe in the file's place must not hold the program up.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return refused(path, std::string("can not be opened: ") + core::errno_text(errno));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return refused(path, core::errno_text(errno));
    if (!S_ISREG(status.st_mode)) return refused(path, "is not a regular file");
    if ((status.st_mode & 077) != 0) {
        return refused(path, "group or others have access to it; run: chmod 600 " + path);
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        return refused(path, "belongs to another user (uid " + std::to_string(status.st_uid) +
                                 "); it must belong to the one this program runs as, or to root");
    }
    std::array<char, bytes_max + 2> bytes{};
    const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
    if (count < 0) return refused(path, std::string("can not be read: ") + core::errno_text(errno));
    std::string text(bytes.data(), static_cast<std::size_t>(count));
    text.resize(std::min(text.size(), text.find_first_of("\r\n")));
    if (text.size() < bytes_min || text.size() > bytes_max) {
        return refused(path, "its first line must hold 8 to 256 bytes of secret text");
    }
    if (text.find('\0') != std::string::npos) return refused(path, "holds a NUL character");
    return text;
}

}  // namespace agent::runtime
