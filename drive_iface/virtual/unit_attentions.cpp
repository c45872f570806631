#include "drive_iface/virtual/unit_attentions.hpp"

#include <algorithm>

namespace drive_iface::virtual_library {

void UnitAttentions::establish(scsi::AdditionalSense sense) {
    if (std::find(pending_.begin(), pending_.end(), sense) != pending_.end()) return;
    if (pending_.size() == pending_max) {
        restart_with(scsi::additional_sense::power_on_or_reset);
        return;
    }
    pending_.push_back(sense);
}

std::optional<scsi::AdditionalSense> UnitAttentions::take() {
    if (pending_.empty()) return std::nullopt;
    const scsi::AdditionalSense oldest = pending_.front();
    pending_.erase(pending_.begin());
    return oldest;
}

}  // namespace drive_iface::virtual_library
