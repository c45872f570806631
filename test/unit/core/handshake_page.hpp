#pragma once

// The generated part of docs/HANDSHAKE.md, from the tables that the rules dispatch from.

#include <string>

namespace core_test {

inline const std::string generated_begins =
    "<!-- generated from debt_table.hpp and protection_table.hpp; "
    "LRA_UPDATE_DOCS=1 core_unit writes it anew -->\n";
inline const std::string generated_ends = "<!-- end of the generated part -->\n";

[[nodiscard]] std::string handshake_page();

}  // namespace core_test
