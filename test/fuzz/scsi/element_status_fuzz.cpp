#include "agent/core/assert.hpp"
#include "drive_iface/scsi/element_status.hpp"

using namespace drive_iface::scsi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    const auto status = decode_element_status(bytes);
    if (!status) return 0;
    // Twelve bytes an element at least: no more elements than bytes can hold.
    AGENT_ASSERT(status->elements.size() * 12 <= size);
    for (const ElementStatus& element : status->elements) {
        if (!element.device_identifier) continue;
        const std::string name = to_text(*element.device_identifier);
        AGENT_ASSERT(!identifies(*element.device_identifier, ""));
        static_cast<void>(identifies(*element.device_identifier, name));
    }
    return 0;
}
