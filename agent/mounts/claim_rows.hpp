#pragma once

// Between rows of the database and values. Inside this room only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
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
