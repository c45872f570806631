#include "agent/core/assert.hpp"
#include "drive_iface/scsi/sense.hpp"

using namespace drive_iface::scsi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto sense = decode_sense({data, size});
    if (!sense) return 0;
    AGENT_ASSERT(!to_text(*sense).empty());
    const auto again = decode_sense(encode_fixed_sense(*sense));
    AGENT_ASSERT(again.ok() && again->key == sense->key && again->additional == sense->additional);
    return 0;
}
