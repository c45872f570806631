#include "drive_iface/cartridge/storage_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "agent/core/errno_text.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

constexpr mode_t file_mode = 0640;
// Left for descriptions and indexes when a folder runs full of data.
constexpr std::uint64_t kept_free = 4 << 20;

off_t off(std::uint64_t offset) {
    return static_cast<off_t>(offset);
}

// What is left of `pieces` after `done` bytes.
std::span<iovec> rest_of(std::span<iovec> pieces, std::size_t done) {
    while (!pieces.empty() && done >= pieces.front().iov_len) {
        done -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) {
        pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + done;
        pieces.front().iov_len -= done;
    }
    return pieces;
}

std::string at(std::uint64_t offset) {
    return " at byte " + std::to_string(offset);
}

}  // namespace

StorageFile::StorageFile(std::string path, int number, bool writable)
    : path_(std::move(path)), number_(number), writable_(writable) {}

StorageFile::~StorageFile() {
    if (number_ >= 0) ::close(number_);
}

StorageFile::StorageFile(StorageFile&& other) noexcept
    : path_(std::move(other.path_)),
      number_(std::exchange(other.number_, -1)),
      writable_(other.writable_) {}

StorageFile& StorageFile::operator=(StorageFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(number_, other.number_);
    std::swap(writable_, other.writable_);
    return *this;
}

Result<StorageFile> StorageFile::open(const std::string& path, Mode mode) {
    int flags = O_RDWR | O_CLOEXEC;
    switch (mode) {
        case Mode::existing:
            break;
        case Mode::existing_or_new:
            flags |= O_CREAT;
            break;
        case Mode::brand_new:
            flags |= O_CREAT | O_EXCL;
            break;
        case Mode::to_read:
            flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // of a FIFO nobody may ever write to
            break;
    }
    int number = ::open(path.c_str(), flags, file_mode);
    const bool refused = number < 0 && (errno == EROFS || errno == EACCES || errno == EPERM);
    if (refused && (mode == Mode::existing || mode == Mode::existing_or_new)) {
        const int why = errno;
        number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (number >= 0) return StorageFile(path, number, false);
        errno = why;
    }
    if (number < 0) return StorageFile(path, -1).error("could not be opened", errno);
    return StorageFile(path, number, mode != Mode::to_read);
}

Error StorageFile::error(const std::string& what, int number) const {
    return {path_ + ": " + what + ": " + agent::core::errno_text(number)};
}

bool StorageFile::is_regular() const {
    struct stat facts {};
    return ::fstat(number_, &facts) == 0 && S_ISREG(facts.st_mode);
}

std::uint64_t StorageFile::size() const {
    struct stat facts {};
    return ::fstat(number_, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

std::uint64_t StorageFile::disk_bytes() const {
    constexpr std::uint64_t block = 512;  // stat(2): st_blocks counts these
    struct stat facts {};
    return ::fstat(number_, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_blocks) * block : 0;
}

Outcome StorageFile::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
    iovec piece{into.data(), into.size()};
    return read(offset, std::span(&piece, 1));
}

Outcome StorageFile::read(std::uint64_t offset, std::span<iovec> into) const {
    while (!into.empty()) {
        const auto got = ::preadv(number_, into.data(), static_cast<int>(into.size()), off(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error("could not be read" + at(offset), errno);
        if (got == 0) return Error{path_ + ": ends" + at(offset) + ", before what was to be read"};
        into = rest_of(into, static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return Nothing{};
}

bool StorageFile::read_at_once(std::uint64_t offset, std::span<std::uint8_t> into) const {
    const iovec piece{into.data(), into.size()};
    const auto got = ::preadv2(number_, &piece, 1, off(offset), RWF_NOWAIT);
    return got >= 0 && static_cast<std::size_t>(got) == into.size();
}

Outcome StorageFile::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
    if (!writable_) return error("could not be written" + at(offset), EROFS);
    while (!bytes.empty()) {
        const auto put = ::pwrite(number_, bytes.data(), bytes.size(), off(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return error("could not be written" + at(offset), errno);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return Nothing{};
}

Outcome StorageFile::write(std::uint64_t offset, std::span<iovec> pieces) const {
    if (!writable_) return error("could not be written" + at(offset), EROFS);
    while (!pieces.empty()) {
        const auto put =
            ::pwritev(number_, pieces.data(), static_cast<int>(pieces.size()), off(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return error("could not be written" + at(offset), errno);
        pieces = rest_of(pieces, static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return Nothing{};
}

Outcome StorageFile::synchronise() const {
    if (::fdatasync(number_) != 0) return error("could not be synchronised", errno);
    return Nothing{};
}

void StorageFile::start_writeback(std::uint64_t offset, std::uint64_t size) const {
    // Only sooner than it would happen anyway: no error to handle.
    static_cast<void>(::sync_file_range(number_, off(offset), off(size), SYNC_FILE_RANGE_WRITE));
}

StorageFile::Reserve StorageFile::reserve(std::uint64_t offset, std::uint64_t size) const {
    struct statvfs folder {};
    if (::fstatvfs(number_, &folder) == 0) {
        const auto free = std::uint64_t{folder.f_bavail} * folder.f_frsize;
        if (free < size + kept_free) return Reserve::no_space;
    }
    int result = 0;
    do {
        result = ::fallocate(number_, FALLOC_FL_KEEP_SIZE, off(offset), off(size));
    } while (result != 0 && errno == EINTR);
    if (result == 0) return Reserve::done;
    const bool no_space = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return no_space ? Reserve::no_space : Reserve::not_possible;
}

Outcome StorageFile::trim(std::uint64_t size) const {
    if (::ftruncate(number_, off(size)) != 0) return error("could not be trimmed", errno);
    return Nothing{};
}

Outcome replace_text(const std::string& path, const std::string& text) {
    return replace_texts({path}, text).front();
}

std::vector<Outcome> replace_texts(const std::vector<std::string>& paths, const std::string& text) {
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    std::vector<Outcome> outcomes(paths.size(), Outcome(Nothing{}));
    std::vector<std::optional<StorageFile>> files(paths.size());
    const auto each = [&](const auto& step) {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            if (outcomes[i].ok()) outcomes[i] = step(paths[i], files[i]);
        }
    };
    each([&](const std::string& path, std::optional<StorageFile>& file) -> Outcome {
        const auto beside = path + ".new";
        static_cast<void>(::unlink(beside.c_str()));
        auto made = StorageFile::open(beside, StorageFile::Mode::brand_new);
        if (!made.ok()) return made.error();
        file.emplace(std::move(made).value());
        auto written = file->write(0, bytes);
        if (written.ok() && paths.size() > 1) file->start_writeback(0, bytes.size());
        return written;
    });
    each([](const std::string&, const auto& file) { return file->synchronise(); });
    each([](const std::string& path, const auto& file) -> Outcome {
        if (::rename(file->path().c_str(), path.c_str()) == 0) return Nothing{};
        return file->error("could not be renamed to " + path, errno);
    });
    each([](const std::string& path, const auto&) {
        return synchronise_folder(std::filesystem::path(path).parent_path().string());
    });
    return outcomes;
}

Result<std::string> read_text(const std::string& path, std::size_t size_max) {
    auto file = StorageFile::open(path, StorageFile::Mode::to_read);
    if (!file.ok()) return file.error();
    const auto size = file.value().size();
    if (size > size_max) {
        return Error{path + ": has " + std::to_string(size) + " bytes; " +
                     std::to_string(size_max) + " is the most that makes sense"};
    }
    std::string text(size, '\0');
    const std::span bytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
    if (size == 0) return text;
    if (auto got = file.value().read(0, bytes); !got.ok()) return got.error();
    return text;
}

Outcome synchronise_folder(const std::string& folder) {
    const int number = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number < 0) {
        return Error{folder + ": could not be opened: " + agent::core::errno_text(errno)};
    }
    const int result = ::fsync(number);
    const int why = errno;
    ::close(number);
    if (result != 0)
        return Error{folder + ": could not be synchronised: " + agent::core::errno_text(why)};
    return Nothing{};
}

Result<std::optional<FileLock>> FileLock::take(const std::string& path,
                                               const std::string& instead) {
    auto file = StorageFile::open(path, StorageFile::Mode::existing_or_new);
    if (!file.ok()) {
        auto other = StorageFile::open(instead, StorageFile::Mode::to_read);
        if (!other.ok()) return file.error();
        file = std::move(other);
    }
    if (::flock(file.value().number(), LOCK_EX | LOCK_NB) == 0) {
        return std::optional(FileLock(std::move(file).value()));
    }
    if (errno == EWOULDBLOCK) return std::optional<FileLock>{};
    return file.value().error("could not be locked", errno);
}

}  // namespace drive_iface::cartridge
