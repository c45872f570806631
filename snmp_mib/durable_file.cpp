#include "snmp_mib/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "agent/core/errno_text.hpp"

namespace snmp_mib {

namespace {

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

agent::core::Error failure(const std::string& what, const std::string& path) {
    return {what + " " + path + ": " + agent::core::errno_text(errno)};
}

bool write_all(int fd, const std::string& content) {
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += static_cast<std::size_t>(n);
    }
    return true;
}

}  // namespace

agent::core::Outcome write_durably(const std::string& path, const std::string& content) {
    const std::string beside = path + ".new";
    {
        const Descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0) return failure("can not create", beside);
        if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
            return failure("can not write", beside);
        }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return failure("can not replace", path);
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
        return failure("can not sync", folder);
    }
    return agent::core::Nothing{};
}

agent::core::Result<std::string> read_if_there(const std::string& path, std::size_t size_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        if (errno == ENOENT) return std::string();
        return failure("can not open", path);
    }
    std::string content;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t n = ::read(file.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failure("can not read", path);
        if (n == 0) return content;
        content.append(piece.data(), static_cast<std::size_t>(n));
        if (content.size() > size_max) return agent::core::Error{path + " is too long"};
    }
}

}  // namespace snmp_mib
