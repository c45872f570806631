#pragma once

// The SNMP agent that answers queries about the tables: Net-SNMP's agent library, standalone,
// read-only, SNMPv3 with authentication and encryption only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/mib_rows.hpp"
#include "snmp_mib/mib_rows_json.hpp"

namespace snmp_mib {

class MibServer {
  public:
    // One per process.
    static agent::core::Result<std::unique_ptr<MibServer>> open(
        const MibServerConfiguration& configuration, std::function<void(const std::string&)> log);
    ~MibServer();
    MibServer(const MibServer&) = delete;
    MibServer& operator=(const MibServer&) = delete;

    // Takes the place of everything served before.
    void serve(const MibRows& rows);

    [[nodiscard]] std::uint16_t port() const;

    // Answers queries until `descriptor` can be read; returns at once when it can.
    void answer_until_readable(int descriptor);

  private:
    MibServer();
    struct Tables;
    std::unique_ptr<Tables> tables_;
};

}  // namespace snmp_mib
