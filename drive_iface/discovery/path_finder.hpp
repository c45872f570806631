#pragma once

// Finds the sg nodes of a drive by its serial number. Shared by all drives of a daemon: what one of
// them makes it look for is kept for a moment for the others.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/discovery/path_asker.hpp"

namespace drive_iface::discovery {

struct PathFinderOptions {
    std::string sysfs = "/sys";
    // No node is asked more often than this, however many drives are looked for.
    agent::core::Duration not_again_within{2'000};
    AskingLimits limits{.at_once = 16, .each = {2'000}, .total = {4'000}};
};

// Any thread.
class PathFinder {
  public:
    PathFinder(PathFinderOptions options, PathAsker::Open open);

    struct Found {
        std::vector<std::string> nodes;  // that answer with this serial number; often one or none
        std::size_t asked = 0;           // nodes of tape drives there are
    };
    // Blocks up to limits.total when nodes have to be asked. Each is asked for INQUIRY page 80h
    // alone. Errors: the kernel offers no sg nodes.
    [[nodiscard]] agent::core::Result<Found> find(const agent::core::DriveSerial& serial);

  private:
    struct Search;
    agent::core::Outcome search();

    PathFinderOptions options_;
    PathAsker asker_;
    std::mutex mutex_;  // guards what is below, and lets one search run at a time
    std::shared_ptr<Search> last_;
};

}  // namespace drive_iface::discovery
