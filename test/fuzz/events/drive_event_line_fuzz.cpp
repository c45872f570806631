// Any bytes as a line of the drive event channel, from either side: a line that is understood
// survives being written and read again.

#include <cstdlib>

#include "drive_iface/events/drive_event.hpp"

using namespace drive_iface::events;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line(data, data + size);
    const auto from_drive = decode_line_from_drive(line);
    if (const auto* content = std::get_if<LineFromDrive>(&from_drive)) {
        const auto text = encode_line(*content);
        if (text.size() > line_size_max || text.find('\n') != std::string::npos) std::abort();
        const auto again = decode_line_from_drive(text);
        const auto* same = std::get_if<LineFromDrive>(&again);
        if (same == nullptr || same->index() != content->index()) std::abort();
        if (const auto* event = std::get_if<DriveEvent>(content)) {
            if (!(std::get<DriveEvent>(*same) == *event)) std::abort();
            static_cast<void>(reservation_after(*event));
        }
    }
    const auto from_agent = decode_line_from_agent(line);
    if (const auto* content = std::get_if<LineFromAgent>(&from_agent)) {
        const auto again = decode_line_from_agent(encode_line(*content));
        if (!std::holds_alternative<LineFromAgent>(again)) std::abort();
    }
    return 0;
}
