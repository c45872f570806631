// Any bytes as a line on a control socket.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/runtime/control_request.hpp"

using namespace agent::runtime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_control_request(line);
    if (const auto* refused = std::get_if<RefusedRequest>(&parsed)) {
        const std::string answer = control_answer_line(refused->id, refused->error);
        if (answer.back() != '\n' || answer.find('\n') != answer.size() - 1) std::abort();
        return 0;
    }
    const auto& request = std::get<ControlRequest>(parsed);
    if (!request.params.is_object() || request.method.empty()) std::abort();
    if (control_answer_line(request.id, request.params).find('\n') == std::string::npos)
        std::abort();
    return 0;
}
