// Any text as a description: what is understood is written and understood again.

#include "agent/core/assert.hpp"
#include "drive_iface/cartridge/metadata.hpp"

using namespace drive_iface::cartridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto metadata = metadata_from_text(std::string(data, data + size));
    if (!metadata.ok()) return 0;
    const auto again = metadata_from_text(to_text(*metadata));
    AGENT_ASSERT(again.ok());
    AGENT_ASSERT(again->facts.barcode == metadata->facts.barcode);
    AGENT_ASSERT(again->attributes == metadata->attributes);
    AGENT_ASSERT(to_text(*again) == to_text(*metadata));
    return 0;
}
