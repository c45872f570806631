#pragma once

// Between rows of the database and values. Inside this room only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "agent/claims/claim.hpp"
#include "agent/mounts/sql_session.hpp"

namespace agent::mounts {

using SqlRow = std::vector<SqlCell>;

// In the order of claim_table.cpp's columns; a row that can not be understood is an error that
// names it.
[[nodiscard]] core::Result<claims::DriveRow> drive_from(const SqlRow& row);

[[nodiscard]] core::Result<claims::Volume> volume_from(const SqlRow& row);

[[nodiscard]] core::Result<claims::Claim> claim_from(const SqlRow& row);

// All rows of an answer, or of one that has one row at most.
template <typename Value>
[[nodiscard]] core::Result<std::vector<Value>> every_one(
    const SqlAnswer& answer, core::Result<Value> (*one_from)(const SqlRow&)) {
    std::vector<Value> found;
    for (const auto& row : answer.rows) {
        auto one = one_from(row);
        if (!one) return one.error();
        found.push_back(std::move(one).value());
    }
    return found;
}
template <typename Value>
[[nodiscard]] core::Result<std::optional<Value>> maybe_one(
    const SqlAnswer& answer, core::Result<Value> (*one_from)(const SqlRow&)) {
    if (answer.rows.empty()) return std::optional<Value>();
    auto one = one_from(answer.rows.front());
    if (!one) return one.error();
    return std::optional(std::move(one).value());
}

[[nodiscard]] std::int64_t number_in(const SqlCell& cell);
[[nodiscard]] SqlValue number(std::uint64_t value);
[[nodiscard]] SqlValue text(std::string_view value);
template <typename Value>
[[nodiscard]] SqlValue maybe(const std::optional<Value>& value) {
    if (!value) return std::monostate{};
    if constexpr (std::is_integral_v<Value>) {
        return static_cast<std::int64_t>(*value);
    } else {
        return std::string(*value);
    }
}

}  // namespace agent::mounts
