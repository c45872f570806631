#include "agent/core/assert.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"

using namespace drive_iface::scsi;

// The first byte chooses the decoder. What decodes completely encodes to something that decodes to
// the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    switch (data[0] % 6) {
        case 0:
            if (const auto keys = decode_read_keys(bytes); keys && keys->header.complete) {
                const auto again =
                    decode_read_keys(encode_read_keys(keys->header.generation, keys->keys));
                AGENT_ASSERT(again.value() == *keys);
            }
            break;
        case 1:
            if (const auto held = decode_read_reservation(bytes); held && held->held) {
                const auto again = decode_read_reservation(
                    encode_read_reservation(held->header.generation, held->held));
                AGENT_ASSERT(again->held == held->held);
            }
            break;
        case 2:
            if (const auto capabilities = decode_report_capabilities(bytes)) {
                AGENT_ASSERT(
                    decode_report_capabilities(encode_report_capabilities(*capabilities)).value() ==
                    *capabilities);
            }
            break;
        case 3:
            if (const auto status = decode_read_full_status(bytes);
                status && status->header.complete) {
                for (const auto& descriptor : status->descriptors) {
                    if (descriptor.transport_id.empty() && descriptor.port) return 0;
                }
                const auto again = decode_read_full_status(
                    encode_read_full_status(status->header.generation, status->descriptors));
                AGENT_ASSERT(again->descriptors == status->descriptors);
            }
            break;
        case 4:
            if (const auto parameters = decode_pr_out_parameters(bytes)) {
                const auto again = encode_pr_out_parameters(*parameters);
                AGENT_ASSERT(again.ok() && decode_pr_out_parameters(*again).value() == *parameters);
            }
            break;
        default:
            if (const auto parameters = decode_register_and_move_parameters(bytes)) {
                const auto again = encode_register_and_move_parameters(*parameters);
                AGENT_ASSERT(again.ok() &&
                             decode_register_and_move_parameters(*again).value() == *parameters);
            }
            break;
    }
    return 0;
}
