#include "drive_iface/vtld/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "agent/core/errno_text.hpp"

namespace drive_iface::vtld {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;

constexpr std::size_t state_size_max = std::size_t{16} * 1024 * 1024;

Error failed(const std::string& what, const std::string& path) {
    return {"can not " + what + " " + path + ": " + agent::core::errno_text(errno)};
}

class OpenFile {
  public:
    OpenFile(const std::string& path, int flags)
        : number_(::open(path.c_str(), flags | O_CLOEXEC, 0640)) {}
    ~OpenFile() {
        if (number_ >= 0) ::close(number_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

Outcome write_synced(const std::string& path, const std::string& content) {
    const OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0) return failed("write", path);
    for (std::size_t done = 0; done < content.size();) {
        const auto written = ::write(file.get(), content.data() + done, content.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed("write", path);
        done += static_cast<std::size_t>(written);
    }
    if (::fsync(file.get()) != 0) return failed("sync", path);
    return Nothing{};
}

}  // namespace

StateFile::StateFile(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

StateFile::StateFile(StateFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      lock_(std::exchange(other.lock_, -1)),
      saved_(std::move(other.saved_)) {}

StateFile::~StateFile() {
    if (lock_ >= 0) ::close(lock_);
}

agent::core::Result<StateFile> StateFile::open(const std::string& folder) {
    std::error_code error;
    if (std::filesystem::create_directories(folder, error)) {
        std::filesystem::permissions(folder, std::filesystem::perms{0750}, error);
    }
    const auto path = folder + "/lock";
    const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock < 0) return failed("use the state folder; no", path);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        return Error{folder + " is in use by another vtld; give each its own state_dir"};
    }
    return StateFile(folder, lock);
}

agent::core::Result<std::string> StateFile::load() const {
    const auto path = folder_ + "/state.json";
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        if (error) return Error{"can not read " + path + ": " + error.message()};
        return std::string{};
    }
    if (std::filesystem::file_size(path, error) > state_size_max || error) {
        return Error{path + " is not a state file of vtld; move it away to begin anew"};
    }
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.good() && !in.eof()) return failed("read", path);
    return text;
}

Outcome StateFile::save(const std::string& state) {
    if (state == saved_) return Nothing{};
    const auto path = folder_ + "/state.json";
    const auto beside = path + ".new";
    if (auto written = write_synced(beside, state); !written) return written;
    if (::rename(beside.c_str(), path.c_str()) != 0) return failed("rename", beside);
    const OpenFile folder(folder_, O_RDONLY | O_DIRECTORY);
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed("sync", folder_);
    saved_ = state;
    return Nothing{};
}

}  // namespace drive_iface::vtld
