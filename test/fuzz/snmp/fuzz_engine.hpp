#pragma once

// This process's SNMP engine, for fuzzers: the library starts once per process.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/snmp_library.hpp"

namespace fuzz {

// The engine's id. Nothing is left on disk; aborts where the library does not start.
inline std::string start_engine(const std::string& fuzzer) {
    const auto folder = std::filesystem::temp_directory_path() /
                        ("lra-" + fuzzer + "-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const auto identity = snmp_mib::next_engine_identity(folder.string(), "");
    if (!identity || !snmp_mib::prepare_snmp_library({"fuzz", folder.string(), *identity, {}}) ||
        !snmp_mib::start_snmp_library()) {
        std::abort();
    }
    std::filesystem::remove_all(folder);
    return identity->engine_id;
}

}  // namespace fuzz
