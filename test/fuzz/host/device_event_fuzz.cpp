// Any bytes as a message of the kernel about a device: what is understood stands in the message.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/host/device_events.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto event = agent::host::device_event_from(message);
    if (!event) return 0;
    const std::string header = event->action + "@" + event->path;
    if (message.substr(0, header.size()) != header || event->subsystem.empty()) std::abort();
    if (message.find("SUBSYSTEM=" + event->subsystem) == std::string_view::npos) std::abort();
    return 0;
}
