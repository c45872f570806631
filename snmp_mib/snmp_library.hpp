#pragma once

// The SNMP library's process-wide state, set up so that it reads and writes no file outside our own
// folder, loads no MIB, uses no signal and logs to us. Once per process.

#include <functional>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/engine_state.hpp"

namespace snmp_mib {

struct SnmpLibrarySettings {
    std::string program;      // application name inside the library
    std::string private_dir;  // the one folder that the library may touch (its TLS code makes an
                              // index there)
    EngineIdentity identity;
    std::function<void(const std::string& line)> log;
};

// Before init_snmp(): between the two calls a process that serves a MIB registers its tables.
// Writes the environment, so it is called before the process has a second thread.
[[nodiscard]] agent::core::Outcome prepare_snmp_library(SnmpLibrarySettings settings);
// init_snmp(); checks that the library took our engine ID and boots.
[[nodiscard]] agent::core::Outcome start_snmp_library();

}  // namespace snmp_mib
