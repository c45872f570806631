#pragma once

// One file of a cartridge, with errors in an operator's words. Any thread; reading and writing
// different places at the same time is fine.

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::cartridge {

class StorageFile {
  public:
    enum class Mode : std::uint8_t {
        existing,         // where writing is refused, these two open it to be read,
        existing_or_new,  // which writable() tells
        brand_new,
        to_read,
    };
    [[nodiscard]] static agent::core::Result<StorageFile> open(const std::string& path, Mode mode);

    StorageFile() = default;
    ~StorageFile();
    StorageFile(StorageFile&& other) noexcept;
    StorageFile& operator=(StorageFile&& other) noexcept;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool writable() const { return writable_; }
    [[nodiscard]] bool is_open() const { return number_ >= 0; }
    [[nodiscard]] int number() const { return number_; }

    [[nodiscard]] bool is_regular() const;           // no folder, device or FIFO
    [[nodiscard]] std::uint64_t size() const;        // 0 when it can not be told
    [[nodiscard]] std::uint64_t disk_bytes() const;  // what it takes on disk, reserve included

    // All of `into`, or an error: also when the file ends before.
    [[nodiscard]] agent::core::Outcome read(std::uint64_t offset,
                                            std::span<std::uint8_t> into) const;
    [[nodiscard]] agent::core::Outcome read(std::uint64_t offset, std::span<iovec> into) const;
    // Only when all of it is in memory: never waits for the disk. Spoils `into` when not.
    [[nodiscard]] bool read_at_once(std::uint64_t offset, std::span<std::uint8_t> into) const;

    [[nodiscard]] agent::core::Outcome write(std::uint64_t offset,
                                             std::span<const std::uint8_t> bytes) const;
    // Changes the elements of `pieces`.
    [[nodiscard]] agent::core::Outcome write(std::uint64_t offset, std::span<iovec> pieces) const;

    [[nodiscard]] agent::core::Outcome synchronise() const;  // data and size
    // Begins to bring what is dirty to the disk; waits for none of it.
    void start_writeback(std::uint64_t offset, std::uint64_t size) const;

    enum class Reserve : std::uint8_t { done, no_space, not_possible };
    // Room on disk for these bytes; the file's size stays. `not_possible`: this file system can
    // not.
    [[nodiscard]] Reserve reserve(std::uint64_t offset, std::uint64_t size) const;
    // Cuts the file here and gives back what was reserved behind.
    [[nodiscard]] agent::core::Outcome trim(std::uint64_t size) const;

    [[nodiscard]] agent::core::Error error(const std::string& what, int number) const;

  private:
    StorageFile(std::string path, int number, bool writable = true);

    std::string path_;
    int number_ = -1;
    bool writable_ = true;
};

// Text files that are replaced as a whole: written beside, synchronised, renamed over the old one.
[[nodiscard]] agent::core::Outcome replace_text(const std::string& path, const std::string& text);
// The same in several places, all of them synchronised at the same time: what became of each.
[[nodiscard]] std::vector<agent::core::Outcome> replace_texts(const std::vector<std::string>& paths,
                                                              const std::string& text);
[[nodiscard]] agent::core::Result<std::string> read_text(const std::string& path,
                                                         std::size_t size_max);
// Makes new and renamed names in it survive a loss of power.
[[nodiscard]] agent::core::Outcome synchronise_folder(const std::string& folder);

// Held until destroyed, and by one holder at a time, here or in another process.
class FileLock {
  public:
    // Nothing: somebody else holds it. `instead` is locked where `path` is not there and can not be
    // made.
    [[nodiscard]] static agent::core::Result<std::optional<FileLock>> take(
        const std::string& path, const std::string& instead);
    [[nodiscard]] const std::string& path() const { return file_.path(); }

  private:
    explicit FileLock(StorageFile file) : file_(std::move(file)) {}
    StorageFile file_;
};

}  // namespace drive_iface::cartridge
