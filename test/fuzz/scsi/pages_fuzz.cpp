#include "agent/core/assert.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/scsi/report_luns.hpp"

using namespace drive_iface::scsi;

// Log pages, mode parameters and REPORT LUNS. What decodes completely encodes to something that
// decodes to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    if (const auto page = decode_log_page(bytes); page && page->complete) {
        AGENT_ASSERT(decode_log_page(encode_log_page(*page))->parameters == page->parameters);
    }
    static_cast<void>(decode_dt_device_status(bytes));
    static_cast<void>(decode_supported_log_pages(bytes));
    if (const auto mode = decode_mode_parameters_10(bytes); mode && mode->complete) {
        AGENT_ASSERT(
            decode_mode_parameters_10(encode_mode_parameters_10(*mode))->block_descriptor ==
            mode->block_descriptor);
    }
    static_cast<void>(decode_mode_parameters_6(bytes));
    if (const auto luns = decode_report_luns(bytes)) {
        AGENT_ASSERT(decode_report_luns(encode_report_luns(*luns)).value() == *luns);
    }
    return 0;
}
