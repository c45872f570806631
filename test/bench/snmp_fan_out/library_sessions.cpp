#include "test/bench/snmp_fan_out/library_sessions.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>

#include <cstdio>
#include <string>
#include <vector>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "test/bench/snmp_fan_out/fan_out_peers.hpp"

namespace fan_out {

namespace {

std::size_t answered = 0;

int on_answer(int operation, netsnmp_session* /*session*/, int /*id*/, netsnmp_pdu* /*pdu*/,
              void* /*context*/) noexcept {
    if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) ++answered;
    return 1;
}

netsnmp_session* open_session(std::size_t host) {
    std::string peer = host_address(host) + ":" + std::to_string(hosts_port);
    std::string name = host_name(host);
    std::string engine = host_engine_id(host);
    netsnmp_session wanted;
    snmp_sess_init(&wanted);
    wanted.version = SNMP_VERSION_3;
    wanted.peername = peer.data();
    wanted.flags |= SNMP_FLAGS_DONT_PROBE;
    wanted.securityName = name.data();
    wanted.securityNameLen = name.size();
    wanted.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    wanted.securityEngineID = reinterpret_cast<u_char*>(engine.data());
    wanted.securityEngineIDLen = engine.size();
    wanted.contextEngineID = wanted.securityEngineID;
    wanted.contextEngineIDLen = wanted.securityEngineIDLen;
    wanted.securityAuthProto = usmHMAC192SHA256AuthProtocol;
    wanted.securityAuthProtoLen = OID_LENGTH(usmHMAC192SHA256AuthProtocol);
    wanted.securityPrivProto = usmAESPrivProtocol;
    wanted.securityPrivProtoLen = OID_LENGTH(usmAESPrivProtocol);
    master_key().copy(reinterpret_cast<char*>(wanted.securityAuthKey), master_key().size());
    wanted.securityAuthKeyLen = master_key().size();
    master_key().copy(reinterpret_cast<char*>(wanted.securityPrivKey), master_key().size());
    wanted.securityPrivKeyLen = master_key().size();
    wanted.timeout = 2'000'000;
    wanted.retries = 2;
    return snmp_open(&wanted);
}

netsnmp_pdu* new_inform(std::size_t host) {
    netsnmp_pdu* pdu = snmp_pdu_create(SNMP_MSG_INFORM);
    const auto add = [&](const snmp_mib::Oid& name, u_char type, const void* value,
                         std::size_t size) {
        const std::vector<oid> bytes(name.begin(), name.end());
        snmp_pdu_add_variable(pdu, bytes.data(), bytes.size(), type, value, size);
    };
    const u_long up_time = 1;
    add(snmp_mib::oids::sys_up_time_0, ASN_TIMETICKS, &up_time, sizeof up_time);
    const auto trap = snmp_mib::oids::of(snmp_mib::oids::Notification::reservation_notice);
    const std::vector<oid> trap_oid(trap.begin(), trap.end());
    add(snmp_mib::oids::snmp_trap_oid_0, ASN_OBJECT_ID, trap_oid.data(),
        trap_oid.size() * sizeof(oid));
    // As many objects, and as many bytes, as a notice has.
    using enum snmp_mib::oids::NotifyObject;
    const std::string texts[] = {"lra",
                                 "VT00000001",
                                 std::string(16, 'n'),
                                 std::string(5, 'r'),
                                 "iscsi:iqn.1991-05.com.microsoft:" + host_name(host),
                                 "backup-a"};
    const snmp_mib::oids::NotifyObject objects[] = {controller,  drive,   notice,
                                                    reservation, holders, domain};
    for (std::size_t i = 0; i < std::size(texts); ++i)
        add(snmp_mib::oids::of(objects[i]), ASN_OCTET_STR, texts[i].data(), texts[i].size());
    return pdu;
}

void wait_for_answers() {
    netsnmp_large_fd_set set;
    netsnmp_large_fd_set_init(&set, FD_SETSIZE);
    int highest = 0;
    int block = 0;
    timeval patience{.tv_sec = 1, .tv_usec = 0};
    NETSNMP_LARGE_FD_ZERO(&set);
    snmp_select_info2(&highest, &set, &patience, &block);
    if (netsnmp_large_fd_set_select(highest, &set, nullptr, nullptr, &patience) > 0) {
        snmp_read2(&set);
    } else {
        snmp_timeout();
    }
    netsnmp_large_fd_set_cleanup(&set);
}

}  // namespace

int library_sessions(std::size_t hosts, std::size_t rounds, const char* folder) {
    const auto identity = snmp_mib::next_engine_identity(folder, "");
    if (!identity) return 1;
    const auto prepared =
        snmp_mib::prepare_snmp_library({"bench", folder, *identity, [](const auto&) {}});
    if (!prepared || !snmp_mib::start_snmp_library()) return 1;
    std::vector<netsnmp_session*> sessions;
    for (std::size_t i = 0; i < hosts; ++i) {
        sessions.push_back(open_session(i));
        if (sessions.back() == nullptr) return 1;
        snmp_mib::set_engine_clock(host_engine_id(i), 1, 1, true);
    }
    std::vector<double> took;
    std::chrono::microseconds cpu{};
    for (std::size_t round = 0; round < rounds + 1; ++round) {
        answered = 0;
        const auto begin = Clock::now();
        const auto cpu_before = processor_time();
        for (std::size_t i = 0; i < hosts; ++i) {
            netsnmp_pdu* pdu = new_inform(i);
            if (snmp_async_send(sessions[i], pdu, &on_answer, nullptr) == 0) snmp_free_pdu(pdu);
        }
        while (answered < hosts && Clock::now() - begin < std::chrono::seconds(20))
            wait_for_answers();
        if (round == 0) continue;  // the first one learns clocks
        cpu += processor_time() - cpu_before;
        took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    print_rounds(std::move(took), cpu, hosts);
    return 0;
}

}  // namespace fan_out
