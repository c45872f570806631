#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "agent/core/assert.hpp"

namespace agent::core {

template <typename Enumeration>
struct EnumeratorName {
    Enumeration value;
    std::string_view name;
};

// A value without a name is a bug: it can only come from a cast.
template <typename Enumeration, std::size_t count>
[[nodiscard]] std::string_view name_of(const EnumeratorName<Enumeration> (&names)[count],
                                       Enumeration value) {
    for (const auto& entry : names) {
        if (entry.value == value) return entry.name;
    }
    AGENT_ASSERT(false && "enumerator without a name");
    return {};
}

template <typename Enumeration, std::size_t count>
[[nodiscard]] std::optional<Enumeration> value_of(const EnumeratorName<Enumeration> (&names)[count],
                                                  std::string_view name) {
    for (const auto& entry : names) {
        if (entry.name == name) return entry.value;
    }
    return std::nullopt;
}

}  // namespace agent::core
