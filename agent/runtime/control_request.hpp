#pragma once

// One line from outside, judged: JSON-RPC 2.0 as docs/CONTROL.md narrows it.

#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "agent/runtime/control_protocol.hpp"

namespace agent::runtime {

struct ControlRequest {
    nlohmann::json id;  // text, integer, or null for a notification, which is not answered
    bool notification = false;
    std::string method;     // "noun.verb"
    nlohmann::json params;  // an object
};

// A line that is refused; the id is that of the request where one could be made out, null
// otherwise.
struct RefusedRequest {
    nlohmann::json id;
    ControlError error;
};

// Never throws, whatever the bytes are. Batches, positional params and nesting deeper than 32
// levels are refused.
[[nodiscard]] std::variant<ControlRequest, RefusedRequest> parse_control_request(
    std::string_view line);

// The answer to a request as one line, with its line end.
[[nodiscard]] std::string control_answer_line(const nlohmann::json& id,
                                              const ControlAnswer& answer);

}  // namespace agent::runtime
