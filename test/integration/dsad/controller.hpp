#pragma once

// A library controller as a drive sharing agent sees it: real SNMPv3 informs over UDP on loopback.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "snmp_mib/snmp_notice_channel.hpp"

namespace test_dsad {

inline constexpr std::chrono::seconds patience{30};

class Controller {
  public:
    // The one of this process, as there can be only one SNMP channel in it.
    static Controller& instance();
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    // Talks to this agent from now on, and to no other.
    void talk_to(const std::string& agent, std::uint16_t port,
                 const snmp_mib::UsmUserConfiguration& user);

    // A new notice of the drive; answers its id.
    agent::core::NoticeId tell(const std::string& agent, const std::string& drive,
                               const agent::core::Reservation& reservation,
                               const std::string& holder_domain = "");
    // The same notice once more.
    void repeat(const std::string& agent);

    // The first confirmation of this notice that was not handed out before; nothing when it does
    // not come in time.
    std::optional<agent::core::Confirmation> next_confirmation(
        agent::core::NoticeId id, std::chrono::milliseconds within = patience);
    // Waits for that message of the agent's presence.
    bool says_started(const std::string& agent);
    bool says_stopping(const std::string& agent, std::chrono::milliseconds within = patience);

    [[nodiscard]] std::uint16_t port() const { return channel_->listen_port(); }
    void run_for(std::chrono::milliseconds time);

  private:
    Controller();
    bool run_until(const std::function<bool()>& reached, std::chrono::milliseconds within);
    void send_notice(const std::string& agent);

    asio::io_context loop_;
    std::string folder_;
    std::unique_ptr<snmp_mib::SnmpNoticeChannel> channel_;
    std::uint64_t sequence_ = 0;
    agent::core::Notice newest_;
    std::vector<agent::core::Confirmation> confirmations_;
    std::vector<std::string> started_;
    std::vector<std::string> stopping_;
};

// Held by RESERVE(6) of this iSCSI port.
agent::core::Reservation reserved_by(const std::string& iscsi_name);
agent::core::Reservation nobody();

}  // namespace test_dsad
