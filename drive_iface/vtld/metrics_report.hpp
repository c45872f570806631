#pragma once

#include <string>

#include "drive_iface/vtld/control_methods.hpp"

namespace drive_iface::vtld {

// What GET /metrics answers (docs/METRICS.md). On the event loop's thread.
[[nodiscard]] std::string library_metrics(const Running& running);

}  // namespace drive_iface::vtld
