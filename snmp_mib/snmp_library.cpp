#include "snmp_mib/snmp_library.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <array>
#include <cstdlib>

namespace snmp_mib {

namespace {

struct ProcessState {
    bool prepared = false;
    SnmpLibrarySettings settings;
};

ProcessState& process_state() {
    static ProcessState state;
    return state;
}

// C callback: copies the text and hands it on.
int on_library_log(int /*major*/, int /*minor*/, void* server_argument,
                   void* /*client_argument*/) noexcept {
    const auto* message = static_cast<const snmp_log_message*>(server_argument);
    const auto& log = process_state().settings.log;
    if (message == nullptr || message->msg == nullptr || !log) return 0;
    if (message->priority >= LOG_INFO) return 0;  // what it did without being asked, and debugging
    std::string line(message->msg);
    while (line.ends_with('\n'))
        line.pop_back();
    log(line);
    return 0;
}

void remember(std::string line) {
    netsnmp_config_remember(line.data());
}

}  // namespace

agent::core::Outcome prepare_snmp_library(SnmpLibrarySettings settings) {
    ProcessState& state = process_state();
    if (state.prepared) {
        return agent::core::Error{"the SNMP library is already in use: one channel per process"};
    }
    state.prepared = true;
    state.settings = std::move(settings);
    const std::string program = state.settings.program;
    const std::string private_dir = state.settings.private_dir;

    // NOLINTBEGIN(concurrency-mt-unsafe): the process has one thread yet (see the header)
    ::setenv("MIBS", "", 1);
    ::setenv("MIBDIRS", "/nonexistent", 1);
    ::setenv("SNMPCONFPATH", private_dir.c_str(), 1);
    // NOLINTEND(concurrency-mt-unsafe)
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_ALARM_DONT_USE_SIG, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_NO_DISCOVERY, 1);
    set_persistent_directory(private_dir.c_str());

    snmp_disable_log();
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_CALLBACK, LOG_DEBUG);
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, &on_library_log, nullptr);

    // The library counts boots up by one, and starts again at 1 unless the old engine ID is the new
    // one.
    const std::string id = "0x" + to_hexadecimal(state.settings.identity.engine_id);
    remember("exactEngineID " + id);
    remember("oldEngineID " + id);
    remember("engineBoots " + std::to_string(state.settings.identity.boots - 1));
    return agent::core::Nothing{};
}

agent::core::Outcome start_snmp_library() {
    const ProcessState& state = process_state();
    init_snmp(state.settings.program.c_str());
    std::array<u_char, 64> id{};
    const std::size_t length = snmpv3_get_engineID(id.data(), id.size());
    const std::string taken(id.begin(), id.begin() + static_cast<std::ptrdiff_t>(length));
    if (taken != state.settings.identity.engine_id ||
        snmpv3_local_snmpEngineBoots() != state.settings.identity.boots) {
        return agent::core::Error{"the SNMP library did not take over engine ID " +
                                  to_hexadecimal(state.settings.identity.engine_id) +
                                  " with boots " + std::to_string(state.settings.identity.boots)};
    }
    return agent::core::Nothing{};
}

}  // namespace snmp_mib
