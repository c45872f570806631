// Any bytes as host-facts.json: an error, or facts that are written and read again as themselves.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/dsad/host_facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto facts = agent::dsad::host_facts_from_text(text);
    if (!facts) return 0;
    const auto again = agent::dsad::host_facts_from_text(agent::dsad::host_facts_text(*facts));
    if (!again || *again != *facts) std::abort();
    return 0;
}
