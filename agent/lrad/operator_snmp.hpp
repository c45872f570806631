#pragma once

// SNMP for operators, beside the notices: the helpers that serve the MIB, heartbeats to consumers,
// and the watch over messages that are refused. On the event loop's thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/steady_timer.hpp>

#include "agent/core/result.hpp"
#include "agent/lrad/refusal_watch.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "snmp_mib/mib_feeder.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"

namespace agent::lrad {

class OperatorSnmp {
  public:
    struct Doors {
        std::function<snmp_mib::MibSnapshot()> snapshot;
        std::function<core::Outcome(const snmp_mib::DriveChange&)> change_drive;
        std::function<void(const core::MessagesRefused&)> refused;
        std::function<std::size_t()> active_alarms;
    };
    // Both outlive this.
    OperatorSnmp(asio::io_context& loop, snmp_mib::SnmpNoticeChannel& channel, Doors doors);
    ~OperatorSnmp();

    // At the start, and at each reload: a helper whose users have changed is started again.
    // Errors: a helper can not be started; it is tried again, and the rest is followed.
    [[nodiscard]] core::Outcome follow(const runtime::LradConfiguration& configuration);

    // Something that the tables show has changed.
    void changed();

    struct Helper {
        std::string name;  // "mib" or "agentx"
        snmp_mib::MibFeederStatus status;
    };
    [[nodiscard]] std::vector<Helper> helpers() const;

    // What the channel and the helpers did not believe. Those of a query's first message, which
    // ask for engine ID and clock, are not among them.
    [[nodiscard]] Refusals refusals() const;

  private:
    struct Followed {
        std::string name;
        snmp_mib::MibFeederConfiguration configuration;
        std::vector<runtime::SnmpUser> users;  // with their keys
        std::unique_ptr<snmp_mib::MibFeeder> feeder;
    };
    void beat_later();
    void look_later();
    void feed_what_moves_by_itself();

    asio::io_context& loop_;
    snmp_mib::SnmpNoticeChannel& channel_;
    Doors doors_;
    std::vector<Followed> followed_;
    std::map<std::string, snmp_mib::HelperCounts> counted_;  // by helpers that are gone, by name
    asio::steady_timer heartbeat_;
    asio::steady_timer look_;
    std::uint32_t heartbeat_s_ = 0;
    std::uint64_t refusals_allowed_ = 0;
    RefusalWatch refusal_watch_;
    std::uint64_t tally_ = 0;
    unsigned looks_since_feed_ = 0;
};

}  // namespace agent::lrad
