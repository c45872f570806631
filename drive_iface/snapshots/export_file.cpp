#include "drive_iface/snapshots/export_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>

#include <cerrno>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "drive_iface/cartridge/storage_file.hpp"

namespace drive_iface::snapshots {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

constexpr mode_t export_mode = 0640;

std::string remedy_for(int number) {
    switch (number) {
        case ENOSPC:
        case EDQUOT:
            return "; free space there, or name another folder";
        case EEXIST:
            return "; nothing is overwritten: move it away, or name another folder";
        case ENOENT:
        case ENOTDIR:
            return "; the folder must be there, on vtld's host";
        case EACCES:
        case EPERM:
        case EROFS:
            return "; vtld's user must be allowed to write there";
        default:
            return "";
    }
}

}  // namespace

Error ExportFile::error(const std::string& what, int number) const {
    return {path() + ": " + what + ": " + agent::core::errno_text(number) + remedy_for(number)};
}

Result<ExportFile> ExportFile::create(const std::string& folder, const std::string& name) {
    ExportFile file;
    file.folder_ = folder;
    file.name_ = name;
    struct ::stat there {};
    if (::lstat(file.path().c_str(), &there) == 0) return file.error("can not be made", EEXIST);
    // A file without a name vanishes by itself, whatever happens to this process.
    file.number_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, export_mode);
    if (file.number_ >= 0) return file;
    if (errno != EOPNOTSUPP && errno != EISDIR) return file.error("can not be made", errno);
    file.temporary_ = folder + "/." + name + ".XXXXXX";
    file.number_ = ::mkostemp(file.temporary_.data(), O_CLOEXEC);
    if (file.number_ < 0) {
        file.temporary_.clear();
        return file.error("can not be made", errno);
    }
    static_cast<void>(::fchmod(file.number_, export_mode));
    return file;
}

ExportFile::ExportFile(ExportFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      number_(std::exchange(other.number_, -1)) {}

ExportFile& ExportFile::operator=(ExportFile&& other) noexcept {
    give_up();
    folder_ = std::move(other.folder_);
    name_ = std::move(other.name_);
    temporary_ = std::exchange(other.temporary_, {});
    number_ = std::exchange(other.number_, -1);
    return *this;
}

ExportFile::~ExportFile() {
    give_up();
}

void ExportFile::give_up() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
}

Outcome ExportFile::append(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(number_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return error("can not be written", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return Nothing{};
}

Outcome ExportFile::finish() {
    if (::fdatasync(number_) != 0) return error("can not be written", errno);
    int done = -1;
    if (temporary_.empty()) {
        const std::string self = "/proc/self/fd/" + std::to_string(number_);
        done = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path().c_str(), AT_SYMLINK_FOLLOW);
    } else {
        done =
            ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path().c_str(), RENAME_NOREPLACE);
    }
    if (done != 0) return error("can not be given its name", errno);
    temporary_.clear();
    ::close(std::exchange(number_, -1));
    auto safe = cartridge::synchronise_folder(folder_);
    if (!safe) ::unlink(path().c_str());
    return safe;
}

}  // namespace drive_iface::snapshots
