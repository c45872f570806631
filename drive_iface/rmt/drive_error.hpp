#pragma once

#include <optional>
#include <string>

#include "drive_iface/scsi/sense.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::rmt {

// Why something was refused, as a client gets to see it: Linux's errno, which it prints in its own
// words, and a line that few clients show.
struct Refusal {
    int error = 0;
    std::string text;
    bool operator==(const Refusal&) const = default;
};

// Nothing: there is no sense data, or it can not be read.
[[nodiscard]] std::optional<scsi::SenseData> sense_of(const virtual_library::CommandReply& reply);

// Of a command that did not end well, as Linux's st driver tells it; DATA PROTECT is EROFS.
[[nodiscard]] Refusal refusal_of(const virtual_library::CommandReply& reply);

}  // namespace drive_iface::rmt
