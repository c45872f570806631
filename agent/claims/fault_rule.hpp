#pragma once

// Who is to blame when a mount fails: the drive or the cartridge? One failure tells nothing; a
// volume that failed in two drives, or a drive that failed with two volumes, is taken out of use,
// so that a bad pair does not fail for ever.

#include <string>
#include <vector>

namespace agent::claims {

struct MountFailure {
    std::string volume;
    std::string drive;
    bool operator==(const MountFailure&) const = default;
};

struct Blame {
    bool volume = false;
    bool drive = false;
    bool operator==(const Blame&) const = default;
};

// `before`: failures since the last success of either. `hardware`: the drive itself has said that
// it is broken (HARDWARE ERROR).
[[nodiscard]] Blame blame_for(const MountFailure& now, const std::vector<MountFailure>& before,
                              bool hardware);

}  // namespace agent::claims
