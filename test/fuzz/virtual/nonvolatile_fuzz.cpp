#include "agent/core/assert.hpp"
#include "drive_iface/virtual/nonvolatile.hpp"

using namespace drive_iface::virtual_library;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto drives = nonvolatile_from_text(text);
    if (!drives) return 0;
    // Serials with control characters do not occur; everything else reads back.
    const auto again = nonvolatile_from_text(to_text(*drives));
    if (again) AGENT_ASSERT(nonvolatile_from_text(to_text(*again)).value() == *again);
    return 0;
}
