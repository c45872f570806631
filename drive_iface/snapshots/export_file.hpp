#pragma once

// A file that appears under its name when all of it is written and safe, and not before. Blocks;
// one thread at a time.

#include <cstdint>
#include <span>
#include <string>

#include "agent/core/result.hpp"

namespace drive_iface::snapshots {

class ExportFile {
  public:
    // Errors: `folder` is none, or can not be written; the name is taken.
    [[nodiscard]] static agent::core::Result<ExportFile> create(const std::string& folder,
                                                                const std::string& name);
    ExportFile() = default;
    ~ExportFile();  // what was not finished is gone
    ExportFile(ExportFile&& other) noexcept;
    ExportFile& operator=(ExportFile&& other) noexcept;

    [[nodiscard]] std::string path() const { return folder_ + "/" + name_; }
    [[nodiscard]] agent::core::Outcome append(std::span<const std::uint8_t> bytes);
    // Never replaces another file.
    [[nodiscard]] agent::core::Outcome finish();

  private:
    [[nodiscard]] agent::core::Error error(const std::string& what, int number) const;
    void give_up();

    std::string folder_, name_;
    std::string temporary_;  // empty: it has no name yet
    int number_ = -1;
};

}  // namespace drive_iface::snapshots
