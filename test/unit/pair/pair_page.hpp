#pragma once

// The generated part of docs/PAIR.md, from the tables that the rules dispatch from.

#include <string>

namespace pair_test {

inline const std::string generated_begins =
    "<!-- generated from agent/pair; LRA_UPDATE_DOCS=1 pair_test writes it anew -->\n";
inline const std::string generated_ends = "<!-- end of the generated part -->\n";

[[nodiscard]] std::string pair_page();

}  // namespace pair_test
