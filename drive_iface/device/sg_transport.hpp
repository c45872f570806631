#pragma once

// A drive that is a SCSI device of this host, through libsgutils2.

#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

// `device` is an sg or bsg node, "/dev/sg3". A tape node (/dev/st*, /dev/nst*) is refused: opening
// one sends commands and eats unit attentions. Opened by the first execute(), closed after an error
// and opened again by the next one. A command that hangs in the kernel can not be interrupted:
// execute() may block beyond its time.
[[nodiscard]] agent::core::Result<std::unique_ptr<Transport>> make_sg_transport(
    const std::string& device);

}  // namespace drive_iface
