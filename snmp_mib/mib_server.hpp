#pragma once

// The SNMP agent that answers queries about the tables: Net-SNMP's agent library, standalone with
// SNMPv3, authentication and encryption only; or as an AgentX subagent (RFC 2741) of the machine's
// snmpd, whose access rules count then.

#include <functional>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/mib_rows.hpp"
#include "snmp_mib/mib_rows_json.hpp"
#include "snmp_mib/mib_tables.hpp"
#include "snmp_mib/query_port.hpp"

namespace snmp_mib {

class MibServer {
  public:
    struct Doors {
        std::function<void(const std::string&)> log;
        DriveChangeDoor change_drive;                // may take its time: nothing is answered then
        std::function<void(bool connected)> master;  // of a subagent: snmpd came, or went
    };

    // One per process. A subagent needs no master yet: it is looked for every few seconds.
    static agent::core::Result<std::unique_ptr<MibServer>> open(
        const MibServerConfiguration& configuration, Doors doors);
    ~MibServer();
    MibServer(const MibServer&) = delete;
    MibServer& operator=(const MibServer&) = delete;

    // Takes the place of everything served before.
    void serve(const MibRows& rows) { tables_->serve(rows); }

    [[nodiscard]] std::uint16_t port() const;  // 0: a subagent listens nowhere
    // Of this process: what it refused and what it did. Names as in docs/SNMP.md.
    [[nodiscard]] HelperCounts counts() const;

    // Answers queries until `descriptor` can be read, or `patience_ms` has passed; at once when it
    // can. While the master of a subagent hangs this hangs with it (docs/SNMP.md).
    void answer_until_readable(int descriptor, int patience_ms);

  private:
    MibServer();
    agent::core::Outcome open_standalone(const MibServerConfiguration& configuration,
                                         const std::string& engine_id);

    std::unique_ptr<MibTables> tables_;
    Doors doors_;
    std::unique_ptr<QueryPort> query_port_;  // none of a subagent
};

}  // namespace snmp_mib
