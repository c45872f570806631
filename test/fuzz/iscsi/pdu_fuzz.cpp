// Any bytes as a stream of PDUs: nothing breaks, and what decodes is the same after encoding.

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/pdu.hpp"

using namespace drive_iface::iscsi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    FrameReader reader(8192);
    reader.set_digests({(data[0] & 1U) != 0, (data[0] & 2U) != 0});
    reader.append({data + 1, size - 1});
    while (true) {
        const auto next = reader.next();
        const auto* frame = std::get_if<Frame>(&next);
        if (!frame) return 0;
        const auto request = decode_initiator_pdu(frame->header);
        if (const auto* known = std::get_if<InitiatorPdu>(&request)) {
            const auto again = decode_initiator_pdu(encode(*known));
            AGENT_ASSERT(std::get<InitiatorPdu>(again) == *known);
        }
        const auto response = decode_target_pdu(frame->header);
        if (const auto* known = std::get_if<TargetPdu>(&response)) {
            const auto again = decode_target_pdu(encode(*known));
            AGENT_ASSERT(std::get<TargetPdu>(again) == *known);
        }
    }
}
