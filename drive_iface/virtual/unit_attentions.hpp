#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::virtual_library {

// The unit attention conditions of one I_T nexus (SAM-5 5.14), reported one a command, oldest
// first.
class UnitAttentions {
  public:
    static constexpr std::size_t pending_max = 8;

    // Each condition is pending once at most. When there are too many to remember, all of them
    // become one 29h/00h: whoever gets that looks at everything anew.
    void establish(scsi::AdditionalSense sense);

    // A reset or power on: nothing from before it matters any more.
    void restart_with(scsi::AdditionalSense sense) { pending_ = {sense}; }

    // Takes the oldest.
    [[nodiscard]] std::optional<scsi::AdditionalSense> take();
    [[nodiscard]] const std::vector<scsi::AdditionalSense>& pending() const { return pending_; }

  private:
    std::vector<scsi::AdditionalSense> pending_;
};

}  // namespace drive_iface::virtual_library
