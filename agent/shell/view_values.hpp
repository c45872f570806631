#pragma once

// Looking into a daemon's answer without trusting its shape.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/time.hpp"
#include "agent/shell/screen.hpp"

namespace agent::shell {

using Path = std::initializer_list<std::string_view>;

// The value at a path of keys; a JSON null when there is none. Borrowed from `value`.
[[nodiscard]] const nlohmann::json& at(const nlohmann::json& value, Path path);

// Texts as they are, numbers, "yes" and "no", lists with commas; empty for null. Printable.
[[nodiscard]] std::string text_of(const nlohmann::json& value);
[[nodiscard]] std::string text_at(const nlohmann::json& value, Path path);

// An RFC 3339 text.
[[nodiscard]] std::optional<core::WallTime> time_of(const nlohmann::json& value);

// "2026-01-31 12:00:00 (3 min)", in the local time zone; the text itself when it is no time.
[[nodiscard]] std::string dated(const nlohmann::json& value, const Screen& screen);
[[nodiscard]] std::string aged(const nlohmann::json& value, const Screen& screen);  // "3 min"

// The elements of an array, and no elements of anything else. Borrowed from `value`.
[[nodiscard]] std::vector<const nlohmann::json*> elements(const nlohmann::json& value);

// "0 B", "512 B", "1.5 MiB"; empty when it is no number.
[[nodiscard]] std::string size_text(const nlohmann::json& bytes);

// {"epoch":7,"sequence":41} as "7.41"
[[nodiscard]] std::string notice_text(const nlohmann::json& notice_id);

// A port of a reservation's holders: "host-a (fc:2100000e1e09a1b0)", and for narrow places
// "host-a".
[[nodiscard]] std::string holder_text(const nlohmann::json& holder);
[[nodiscard]] std::string short_holders_text(const nlohmann::json& reservation);

// "free", "reserve6", "pr", "unknown"
[[nodiscard]] std::string reservation_text(const nlohmann::json& reservation);

[[nodiscard]] Tone tone_of_state(std::string_view state);
[[nodiscard]] Tone tone_of_severity(std::string_view severity);

}  // namespace agent::shell
