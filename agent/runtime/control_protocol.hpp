#pragma once

// JSON-RPC 2.0, one object per line, on a control socket. docs/CONTROL.md describes it for users.

#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "agent/runtime/exit_code.hpp"

namespace agent::runtime {

inline constexpr std::size_t control_line_max = std::size_t{64} * 1024;           // of a request
inline constexpr std::size_t control_answer_max = std::size_t{16} * 1024 * 1024;  // of an answer

// Numbers below zero are JSON-RPC's; above zero they are the exit code that lractl ends with.
enum class ControlErrorCode : int {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    internal_error = -32603,
    no_connection = -32000,  // made by ControlClient: the daemon can not be reached or went away
    failed = 1,
    state_differs = 3,
    partly_done = 4,
    busy = 5,
    volume_not_mountable = 10,
    no_drive_available = 11,
    drive_failed = 12,  // during a mount, and so did the other one that was tried
    withdrawn = 13,     // a request was cancelled, or its deadline has passed
};

struct ControlError {
    ControlErrorCode code = ControlErrorCode::failed;
    std::string message;
    std::string data{};  // a JSON object as text: the error's "data", for programs; empty: none
    bool operator==(const ControlError&) const = default;
};

// Include <nlohmann/json.hpp> to look inside.
using ControlAnswer = std::variant<nlohmann::json, ControlError>;

[[nodiscard]] ExitCode exit_code(ControlErrorCode code);

}  // namespace agent::runtime
