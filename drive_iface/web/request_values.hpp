#pragma once

// The numbers in an address, strictly: decimal digits, in their range, each once, and nothing that
// is not understood. Pure.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace drive_iface::web {

using Parameters = std::multimap<std::string, std::string>;

// "/api/live" is {"api", "live"}. Nothing: empty parts, ".", ".." or more than eight parts.
[[nodiscard]] std::optional<std::vector<std::string>> path_parts(std::string_view path);

// Without sign, blank or superfluous zero, `least` to `most`.
[[nodiscard]] std::optional<std::uint64_t> decimal_number(std::string_view text,
                                                          std::uint64_t least, std::uint64_t most);

struct ParameterRule {
    std::string_view name;
    std::uint64_t least = 0, most = 0;
    std::uint64_t otherwise = 0;  // when it is not there
};
// In the order of `rules`. Errors name the parameter and what would be right.
[[nodiscard]] agent::core::Result<std::vector<std::uint64_t>> parameter_values(
    const Parameters& parameters, std::initializer_list<ParameterRule> rules);

}  // namespace drive_iface::web
