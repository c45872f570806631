// Any bytes as a configuration file: read by the real schemas, errors only, and what is accepted
// reads again as itself.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/lrad_configuration.hpp"

using namespace agent::runtime;

namespace {

void read(const ConfigurationSchema& schema, std::string_view text) {
    const auto once = read_configuration_text(schema, "fuzz.json", text);
    if (once.ok() != once.errors.empty()) std::abort();
    if (!once.ok()) return;
    const auto twice = read_configuration_text(schema, "again.json", once.value->values().dump());
    if (!twice.ok() || twice.value->values() != once.value->values()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read(lrad_configuration_schema(), text);
    read(dsad_configuration_schema(), text);
    const auto lrad = read_configuration_text(lrad_configuration_schema(), "fuzz.json", text);
    if (lrad.ok()) static_cast<void>(lrad_configuration(*lrad.value));
    const auto dsad = read_configuration_text(dsad_configuration_schema(), "fuzz.json", text);
    if (dsad.ok()) static_cast<void>(dsad_configuration(*dsad.value));
    return 0;
}
