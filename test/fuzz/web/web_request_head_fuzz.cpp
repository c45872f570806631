// Any bytes as the head of a request: what is let through is short, has one method of two, one Host
// that is printable, no header that was not asked for, and reads the same when it is read again.

#include <string>
#include <string_view>

#include "agent/core/assert.hpp"
#include "drive_iface/web/guard.hpp"
#include "drive_iface/web/request_head.hpp"
#include "drive_iface/web/request_values.hpp"

using namespace drive_iface::web;

namespace {

void check_lines(std::string_view text) {
    int hosts = 0;
    for (std::size_t number = 0; !text.empty(); ++number) {
        const auto end = text.find("\r\n");
        AGENT_ASSERT(end != std::string_view::npos);
        const auto line = text.substr(0, end);
        if (number == 0) AGENT_ASSERT(line.starts_with("GET /") || line.starts_with("HEAD /"));
        if (line.starts_with("Host: ")) ++hosts;
        const bool known =
            line.empty() || line.starts_with("Host: ") || line.starts_with("Sec-Fetch-Site: ");
        AGENT_ASSERT(number == 0 || known);
        for (const char c : line)
            AGENT_ASSERT((c >= 0x20 && c <= 0x7e) || c == '\t');
        text.remove_prefix(end + 2);
    }
    AGENT_ASSERT(hosts == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    static_cast<void>(is_loopback_name(text));
    static_cast<void>(decimal_number(text, 0, 1000));
    if (const auto parts = path_parts(text)) {
        for (const auto& part : *parts)
            AGENT_ASSERT(!part.empty() && part != ".." && part.find('/') == std::string::npos);
    }
    const auto read = read_request_head(text);
    const auto* head = std::get_if<RequestHead>(&read);
    if (head == nullptr) return 0;
    AGENT_ASSERT(size <= request_head_max && head->text.size() <= request_head_max);
    check_lines(head->text);
    const auto again = read_request_head(head->text);
    AGENT_ASSERT(std::get<RequestHead>(again).text == head->text);
    return 0;
}
