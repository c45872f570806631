#include "snmp_mib/mib_server.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/udp_address.hpp"
#include "snmp_mib/usm_users.hpp"

// Exported by the agent library, in none of its installed headers: makes it understand "rouser".
extern "C" void init_vacm_conf(void);

namespace snmp_mib {

namespace {

// A subagent without a master looks for it this often, and asks this often whether it is there.
constexpr int master_interval_s = 2;
constexpr int master_timeout_s = 1;

void remember(std::string line) {
    netsnmp_config_remember(line.data());
}

int on_master(int /*major*/, int minor, void* /*server*/, void* client) noexcept {
    const auto& tell = *static_cast<const std::function<void(bool)>*>(client);
    if (tell) tell(minor == SNMPD_CALLBACK_INDEX_START);
    return 0;
}

void become_subagent(const MibServerConfiguration& configuration) {
    netsnmp_enable_subagent();
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET,
                          configuration.agentx.c_str());
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS, 1);
}

void hear_of_master(std::function<void(bool)>& tell) {
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL,
                       master_interval_s);
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_TIMEOUT,
                       master_timeout_s * ONE_SEC);
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_RETRIES, 0);
    for (const int minor : {SNMPD_CALLBACK_INDEX_START, SNMPD_CALLBACK_INDEX_STOP})
        snmp_register_callback(SNMP_CALLBACK_APPLICATION, minor, &on_master, &tell);
}

void understand_only_v3() {
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID,
                           NETSNMP_DS_AGENT_DONT_LOG_TCPWRAPPERS_CONNECTS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_V1, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_V2c, 1);
}

agent::core::Outcome give_access(const MibServerConfiguration& configuration) {
    init_vacm_conf();
    for (const UsmUserConfiguration& user : configuration.users) {
        for (const char c : user.name) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
            if (!plain) {
                return agent::core::Error{"SNMP user \"" + user.name +
                                          "\": only letters, digits and -_. may read the MIB"};
            }
        }
        const bool writes = std::find(configuration.writers.begin(), configuration.writers.end(),
                                      user.name) != configuration.writers.end();
        remember((writes ? "rwuser " : "rouser ") + user.name + " authpriv");
    }
    return agent::core::Nothing{};
}

}  // namespace

MibServer::MibServer() : tables_(std::make_unique<MibTables>()) {}
MibServer::~MibServer() = default;

agent::core::Result<std::unique_ptr<MibServer>> MibServer::open(
    const MibServerConfiguration& configuration, Doors doors) {
    const bool subagent = !configuration.agentx.empty();
    if (!subagent) {
        const agent::core::Result<UdpAddress> listen = udp_address_from_text(configuration.listen);
        if (!listen) return listen.error().within("snmp.mib_listen");
    }
    agent::core::Result<EngineIdentity> identity =
        next_engine_identity(configuration.state_dir, "");
    if (!identity) return identity.error();
    const auto prepared =
        prepare_snmp_library({"lra-mibd", configuration.state_dir, *identity, doors.log});
    if (!prepared) return prepared.error();

    std::unique_ptr<MibServer> agent(new MibServer());
    agent->doors_ = std::move(doors);
    if (subagent) {
        become_subagent(configuration);
    } else {
        understand_only_v3();
    }
    // Debian's library would listen for SMUX on every interface, port 199 of TCP.
    std::string no_smux = "-smux";
    add_to_init_list(no_smux.data());
    init_agent("lra-mibd");
    if (subagent) hear_of_master(agent->doors_.master);

    // A master does not say who sets something, so through one nothing can be set.
    const bool writable = !subagent && !configuration.writers.empty();
    if (!agent->tables_->register_all(!subagent,
                                      writable ? agent->doors_.change_drive : DriveChangeDoor()))
        return agent::core::Error{"the SNMP agent library refused a table"};
    if (!subagent) {
        if (const auto given = give_access(configuration); !given) return given.error();
    }
    if (const auto started = start_snmp_library(); !started) return started.error();
    if (!subagent) {
        if (const auto opened = agent->open_standalone(configuration, identity->engine_id); !opened)
            return opened.error();
    }
    return agent;
}

agent::core::Outcome MibServer::open_standalone(const MibServerConfiguration& configuration,
                                                const std::string& engine_id) {
    std::set<std::string> names;
    for (const UsmUserConfiguration& user : configuration.users) {
        names.insert(user.name);
        const agent::core::Result<UsmUserKeys> keys = load_user(user);
        if (!keys) return keys.error();
        if (const auto added = add_user(*keys, engine_id); !added) return added.error();
    }
    show_all_users();
    auto opened = QueryPort::open(configuration.listen, {engine_id, std::move(names)});
    if (!opened) return opened.error();
    query_port_ = std::move(opened).value();
    return agent::core::Nothing{};
}

HelperCounts MibServer::counts() const {
    const auto counted = [](int which) -> std::uint64_t { return snmp_get_statistic(which); };
    const auto dropped = [this](QueryVerdict verdict) -> std::uint64_t {
        return query_port_ ? query_port_->count(verdict) : 0;
    };
    using enum QueryVerdict;
    return {{"requests", counted(STAT_SNMPINPKTS)},
            {"malformed", dropped(malformed) + dropped(oversize) +
                              counted(STAT_SNMPINASNPARSEERRS) + counted(STAT_SNMPINVALIDMSGS)},
            {"version", dropped(version) + counted(STAT_SNMPINBADVERSIONS)},
            {"security_model", dropped(security_model) + counted(STAT_SNMPUNKNOWNSECURITYMODELS)},
            {"other_engine", dropped(engine)},
            {"too_many", dropped(rate)},
            {"security_level", counted(STAT_USMSTATSUNSUPPORTEDSECLEVELS)},
            {"time_window", counted(STAT_USMSTATSNOTINTIMEWINDOWS)},
            {"unknown_user", counted(STAT_USMSTATSUNKNOWNUSERNAMES)},
            {"unknown_engine", counted(STAT_USMSTATSUNKNOWNENGINEIDS)},
            {"wrong_key", counted(STAT_USMSTATSWRONGDIGESTS)},
            {"decryption", counted(STAT_USMSTATSDECRYPTIONERRORS)},
            {"changes_asked", tables_->changes_asked()},
            {"row_comparisons", MibTables::comparisons()}};
}

std::uint16_t MibServer::port() const {
    int highest = 0;
    int block = 0;
    fd_set set;
    FD_ZERO(&set);
    timeval time{};
    snmp_select_info(&highest, &set, &time, &block);
    for (int fd = 0; fd < highest; ++fd) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        if (!FD_ISSET(fd, &set) ||
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
            continue;
        if (address.ss_family == AF_INET)
            return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
        if (address.ss_family == AF_INET6)
            return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    }
    return 0;
}

void MibServer::answer_until_readable(int descriptor, int patience_ms) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point until = Clock::now() + std::chrono::milliseconds(patience_ms);
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::microseconds>(until - Clock::now());
        if (left.count() <= 0) return;
        int highest = descriptor + 1;
        int block = 0;
        fd_set set;
        FD_ZERO(&set);
        timeval time{.tv_sec = left.count() / 1'000'000, .tv_usec = left.count() % 1'000'000};
        snmp_select_info(&highest, &set, &time, &block);  // only ever shortens the time
        FD_SET(descriptor, &set);
        const int ready =
            ::select(std::max(highest, descriptor + 1), &set, nullptr, nullptr, &time);
        if (ready < 0 && errno != EINTR) return;
        if (ready > 0) {
            const bool readable = FD_ISSET(descriptor, &set);
            FD_CLR(descriptor, &set);
            snmp_read(&set);
            if (readable) return;
        } else if (ready == 0) {
            snmp_timeout();
        }
        run_alarms();
        netsnmp_check_outstanding_agent_requests();
    }
}

}  // namespace snmp_mib
