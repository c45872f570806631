// What lra-mibd says to lrad: it faces the network, and whoever has taken it over can say anything.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "snmp_mib/helper_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    // What is understood is written in a way that is understood as the same.
    if (const auto said = snmp_mib::helper_line_from(line)) {
        if (snmp_mib::helper_line_from(snmp_mib::to_line(*said)) != said) std::abort();
    }
    if (const auto answer = snmp_mib::change_answer_from(line)) {
        if (snmp_mib::change_answer_from(snmp_mib::to_json_line(*answer)) != answer) std::abort();
    }
    return 0;
}
