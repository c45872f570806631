#pragma once

// The MIB as a MibFeeder and its lra-mibd serve it, and Debian's tools that ask.

#include <set>
#include <string>
#include <vector>

#include "test/integration/snmp/child_process.hpp"

struct ServedMib {
    // Standalone without `agentx`; otherwise a subagent of the snmpd that listens there.
    explicit ServedMib(const std::string& agentx = "");

    TemporaryFolder folder;
    std::string key;
    ChildProcess feeder;
    int pid = 0;
    std::string port = "0";
    int snapshots = 0;
    bool master = false;

    // Until the feeder has said so: a port, or a master; and so many snapshots.
    void wait_until_served(int snapshots_at_least = 1);
    void wait_for_master(bool connected);
    // What lra-mibd counts under this name.
    std::uint64_t count(const std::string& name);

    // Net-SNMP's tools with SNMPv3 of a user; `security` takes the place of the usual one.
    std::string ask(const std::string& program, const std::vector<std::string>& rest,
                    const std::vector<std::string>& security) const;
    std::string ask(const std::string& program, const std::vector<std::string>& rest,
                    const std::string& user = "reader") const {
        return ask(program, rest, credentials(user));
    }
    [[nodiscard]] static std::vector<std::string> credentials(
        const std::string& user, const std::string& passphrase = "correct horse battery",
        const std::string& level = "authPriv");
    [[nodiscard]] std::string walk(const std::string& below) const;
};

inline const std::string mib_root = ".1.3.6.1.4.1.8072.9999.9999.8433";

// Values in the output of a walk; at the end of everything served the tool adds a remark.
std::size_t values_in(const std::string& walked);

// Local ports of the sockets of one process, from /proc: "udp 0100007F:1F90".
std::set<std::string> sockets_of(int pid);
