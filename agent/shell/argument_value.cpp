#include "agent/shell/argument_value.hpp"

#include <algorithm>
#include <charconv>

#include "agent/runtime/clock.hpp"
#include "agent/shell/point_in_time.hpp"

namespace agent::shell {
namespace {

using Value = core::Result<ArgumentValue>;

Value given(const std::string& text, const std::string& name) {
    if (text.find_first_not_of(" \t") == std::string::npos) {
        return core::Error{name + " must not be empty"};
    }
    return ArgumentValue{text};
}

Value number(const std::string& text, const std::string& name, std::int64_t least,
             std::int64_t most) {
    std::int64_t value = 0;
    const char* text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, value);
    if (error != std::errc{} || end != text_end || value < least || value > most) {
        return core::Error{name + " must be a number from " + std::to_string(least) + " to " +
                           std::to_string(most) + ", not '" + text + "'"};
    }
    return ArgumentValue{value};
}

Value hex(const std::string& text, const std::string& name, bool right_length) {
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    if (text.empty() || text.find_first_not_of(digits) != std::string::npos || !right_length) {
        return core::Error{name + " must be hex digits, as in the example; '" + text + "' is not"};
    }
    return ArgumentValue{text};
}

Value instant(const std::string& text, core::WallTime now) {
    if (const auto at = point_in_time_from_text(text, now)) {
        return ArgumentValue{runtime::to_text(*at)};
    }
    return core::Error{"'" + text +
                       "' is no time; write 2026-01-31T12:00:00Z, \"2026-01-31 12:00\", 12:00, or "
                       "how long ago: 90s, 10m, 2h, 3d"};
}

}  // namespace

Value argument_value(const Parameter& parameter, const std::string& text, core::WallTime now) {
    const bool positional =
        parameter.presence == Presence::required && parameter.kind != ValueKind::reason;
    const std::string name = positional ? std::string{parameter.placeholder} : option_of(parameter);
    switch (parameter.kind) {
        case ValueKind::count:
            return number(text, name, 1, 1'000'000);
        case ValueKind::number:
            return number(text, name, 0, 9'007'199'254'740'991);
        case ValueKind::milliseconds:
            return number(text, name, 0, 3'600'000);
        case ValueKind::mebibytes:
            return number(text, name, 1, 134'217'728);
        case ValueKind::point_in_time:
            return instant(text, now);
        case ValueKind::hex_bytes:
            return hex(text, name, text.size() % 2 == 0);
        case ValueKind::key:
            return hex(text, name, text.size() <= 16);
        case ValueKind::flag:
        case ValueKind::reason:
        case ValueKind::text:
        case ValueKind::serial:
        case ValueKind::agent_name:
        case ValueKind::file:
            return given(text, name);
    }
    return core::Error{name + ": unknown kind of parameter"};
}

}  // namespace agent::shell
