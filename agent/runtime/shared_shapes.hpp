#pragma once

// Shapes that more than one schema uses. Inside this room only.

#include <optional>
#include <string>
#include <string_view>

#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration_schema.hpp"

namespace agent::runtime {

// A name of ours: 1 to 64 letters, digits, '.', '-' and '_'.
[[nodiscard]] ValueShape name_shape();
[[nodiscard]] ValueShape text_shape_or_empty();
// A host port: "fc:2100000e1e09a1b0", "iscsi:IQN[,i,0xISID]", "sas:5000...".
[[nodiscard]] ValueShape port_shape();

[[nodiscard]] std::optional<std::string> wrong_with_serial(std::string_view text);
[[nodiscard]] std::optional<std::string> wrong_with_iscsi_url(std::string_view text);
[[nodiscard]] std::optional<std::string> wrong_with_iscsi_name(std::string_view text);

// HOST, or HOST:PORT; without a port that of RFC 7143 13.1, 3260.
[[nodiscard]] std::optional<AddressText> iscsi_portal_from_text(std::string_view text);
[[nodiscard]] std::optional<std::string> wrong_with_iscsi_portal(std::string_view text);

}  // namespace agent::runtime
