#include "snmp_mib/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "agent/core/errno_text.hpp"
#include "snmp_mib/engine_state.hpp"

namespace snmp_mib {

namespace {

agent::core::Result<KeyFileContent> parse(const std::string& path, std::string_view line) {
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.find('\n') != std::string_view::npos) {
        return agent::core::Error{path + ": holds more than one line"};
    }
    constexpr std::string_view passphrase = "passphrase ";
    constexpr std::string_view master = "master ";
    if (line.starts_with(passphrase)) {
        const std::string_view text = line.substr(passphrase.size());
        if (text.size() < 8) {
            return agent::core::Error{path + ": the passphrase is shorter than 8 characters"};
        }
        return KeyFileContent{Passphrase{std::string(text)}};
    }
    if (line.starts_with(master)) {
        const std::optional<std::string> bytes = from_hexadecimal(line.substr(master.size()));
        if (!bytes || bytes->size() < 32 || bytes->size() > 64) {
            return agent::core::Error{path +
                                      ": the master key is not 32 to 64 bytes in hexadecimal"};
        }
        return KeyFileContent{MasterKey{*bytes}};
    }
    return agent::core::Error{path + ": expected one line \"passphrase TEXT\" or \"master HEX\""};
}

}  // namespace

agent::core::Result<KeyFileContent> read_key_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return agent::core::Error{"can not open key file " + path + ": " +
                                  agent::core::errno_text(errno)};
    }
    struct stat status {};
    std::array<char, 1024> content{};
    ssize_t length = -1;
    if (::fstat(fd, &status) == 0) length = ::read(fd, content.data(), content.size());
    const int read_error = errno;
    ::close(fd);
    if (length < 0) {
        return agent::core::Error{"can not read key file " + path + ": " +
                                  agent::core::errno_text(read_error)};
    }
    if (!S_ISREG(status.st_mode))
        return agent::core::Error{"key file " + path + " is not a plain file"};
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return agent::core::Error{
            "key file " + path + " is open to its group or to others; make it private: chmod 600 " +
            path};
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        return agent::core::Error{"key file " + path +
                                  " belongs to another user; make it ours: chown " +
                                  std::to_string(::geteuid()) + " " + path};
    }
    if (length == static_cast<ssize_t>(content.size())) {
        return agent::core::Error{"key file " + path + " is too long"};
    }
    return parse(path, std::string_view(content.data(), static_cast<std::size_t>(length)));
}

}  // namespace snmp_mib
