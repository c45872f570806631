#pragma once

// What operators have done to whole cartridges: long, on a thread of its own, which these block.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/cartridge/recording.hpp"

namespace drive_iface::cartridge {

struct JobContext {
    std::vector<std::string> folders;
    Cancelled cancelled;
    std::function<void(const JobProgress&)> progress;  // the job's thread; often
};

// See FileShelf.
[[nodiscard]] agent::core::Result<CheckReport> check_cartridge(const JobContext& context,
                                                               const std::string& barcode,
                                                               bool repair);
// `metadata` and `into`: of the cartridge to be made, and where its copies go.
[[nodiscard]] agent::core::Result<CheckReport> import_cartridge(
    const JobContext& context, Metadata metadata, const std::vector<std::string>& into,
    const std::string& path);
[[nodiscard]] agent::core::Result<CheckReport> export_cartridge(const JobContext& context,
                                                                const std::string& barcode,
                                                                const std::string& path);

}  // namespace drive_iface::cartridge
