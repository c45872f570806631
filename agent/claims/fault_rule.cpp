#include "agent/claims/fault_rule.hpp"

#include <algorithm>

namespace agent::claims {

Blame blame_for(const MountFailure& now, const std::vector<MountFailure>& before, bool hardware) {
    Blame blame{.volume = false, .drive = hardware};
    for (const auto& earlier : before) {
        if (earlier.volume == now.volume && earlier.drive != now.drive) blame.volume = true;
        if (earlier.drive == now.drive && earlier.volume != now.volume) blame.drive = true;
    }
    return blame;
}

}  // namespace agent::claims
