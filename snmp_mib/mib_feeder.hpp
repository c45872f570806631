#pragma once

// Keeps lra-mibd running and fed. The helper faces the network with Net-SNMP's query parser; if it
// hangs or dies the handshake goes on and the feeder starts it again.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/helper_line.hpp"
#include "snmp_mib/mib_snapshot.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace asio {
class io_context;
}

namespace snmp_mib {

struct MibFeederConfiguration {
    std::string program;  // path of lra-mibd
    std::string
        listen;  // snmp.mib_listen: "udp:HOST:PORT"; port 0 is not useful to anybody but tests
    std::string agentx;     // instead of `listen`: the socket of snmpd, whose subagent it is
    std::string state_dir;  // its own engine ID and boots live in the folder `mibd` below it; of a
                            // subagent in `mibd-agentx`
    std::vector<UsmUserConfiguration> users;  // may read, authPriv only
    std::vector<std::string> writers;         // those of them that may change drives
    std::uint32_t interval_ms = 500;          // snapshots are sent at most this often
    std::uint32_t restart_first_ms =
        500;  // doubles with each death, back to the first after a minute of life
    std::uint32_t restart_max_ms = 30'000;
    bool operator==(const MibFeederConfiguration&) const = default;
};

struct MibFeederStatus {
    bool running = false;
    int pid = 0;
    std::uint64_t starts = 0;
    std::uint64_t snapshots_sent = 0;
    std::uint64_t snapshots_skipped = 0;  // the helper had not read the one before
    std::uint16_t listen_port = 0;        // as the helper reported it; 0: not ready, a subagent
    bool master_connected = false;        // of a subagent: snmpd is there
    HelperCounts counts;                  // of all lives of the helper
    std::string trouble;                  // why it does not run; empty: nothing
};

// Lives on the thread of `loop`. Destruction closes the helper's stdin, which ends it; a helper
// that does not end is killed. Never blocks.
class MibFeeder {
  public:
    // `take_snapshot` is called when one is due. `on_trouble` gets one line whenever the helper
    // dies or can not start. `change_drive` is called when one of the writers sets something; an
    // error refuses it.
    MibFeeder(asio::io_context& loop, MibFeederConfiguration configuration,
              std::function<MibSnapshot()> take_snapshot,
              std::function<void(const std::string&)> on_trouble,
              std::function<agent::core::Outcome(const DriveChange&)> change_drive);
    ~MibFeeder();
    MibFeeder(const MibFeeder&) = delete;
    MibFeeder& operator=(const MibFeeder&) = delete;

    // `counted` by a helper before, whose place it takes. Errors: it can not be started, and is
    // tried again.
    agent::core::Outcome start(HelperCounts counted = {});
    // Something that the tables show has changed; a snapshot follows within interval_ms.
    void changed();
    [[nodiscard]] MibFeederStatus status() const;

  private:
    class Parts;
    std::shared_ptr<Parts> parts_;  // shared with handlers of the loop that may still be queued
};

}  // namespace snmp_mib
