#include "agent/core/assert.hpp"
#include "drive_iface/scsi/transport_id.hpp"

using namespace drive_iface::scsi;

// What decodes has a standard form, and that decodes to the same port.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto port = decode_transport_id({data, size});
    if (!port) return 0;
    const auto bytes = encode_transport_id(*port);
    AGENT_ASSERT(bytes.ok());
    AGENT_ASSERT(transport_id_length(*bytes) == bytes->size());
    AGENT_ASSERT(decode_transport_id(*bytes).value() == *port);
    return 0;
}
