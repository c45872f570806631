#pragma once

// What was set offline, or is about to be, on hosts whose agents are played by the node that serves
// (agent/core/host_ledger.hpp): a row for each drive at each host that ever was. Only that node
// writes and reads them, on its own server.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/host_ledger.hpp"
#include "agent/core/result.hpp"

namespace agent::postgres {

class PrimarySession;

// SQL that makes what is missing.
[[nodiscard]] std::string host_ledger_tables();

struct HostLedgers {
    std::vector<core::HostLedgerRow> rows;  // of one host
    std::uint64_t newest = 0;               // number of the newest row of all hosts
};
[[nodiscard]] core::Result<HostLedgers> read_host_ledger(PrimarySession& session,
                                                         const core::AgentName& agent);

// `node`: "first" or "second". Nothing is written when the record of the epoch names the other node
// by now, or the row has a higher number: that is an error. After any error the row is to be put
// again under a new number.
[[nodiscard]] core::Outcome put_host_ledger_row(PrimarySession& session,
                                                const core::HostLedgerRow& row,
                                                std::uint64_t number, std::string_view node);

}  // namespace agent::postgres
