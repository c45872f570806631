#pragma once

// All hosts whose agents the controller plays itself, and the way there: a NoticeChannel that takes
// messages for them in memory and hands all others on to the network.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/agentless/host_agent.hpp"
#include "agent/agentless/ssh_slots.hpp"
#include "agent/host/command_runner.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "snmp_mib/notice_channel.hpp"

namespace agent::agentless {

class AgentlessHosts final : public snmp_mib::NoticeChannel {
  public:
    struct Announcements {
        snmp_mib::AgentMessageHandler said;  // by an agent that is played here
        std::function<void(const core::HostContact&)> contact;
        std::function<void(const runtime::AdministratorAction&)> audit;
        std::function<void(const core::AgentName&, const dsad::UnusedDrive&)> unused;
        std::function<void(const core::AgentName&, core::Message, const core::DriveSerial&,
                           const std::vector<std::string>& words)>
            note;
        std::function<void(const std::string& why)> broken;
    };

    // `network` outlives this object. `shared`: of two controllers the one that serves plays them,
    // between start() and rest(), and both have their ledgers.
    AgentlessHosts(asio::io_context& loop, const std::string& state_dir,
                   snmp_mib::NoticeChannel& network, Announcements announcements,
                   std::optional<LedgerDoors> shared = std::nullopt);
    ~AgentlessHosts() override;

    // What can be judged without running anything: the files that the applications of hosts are
    // operated by. Errors name the agent and the key that is wrong.
    [[nodiscard]] static runtime::ConfigurationErrors mistakes(
        const runtime::LradConfiguration& configuration);
    // The same, and that no drive in a host's ledger gets another name.
    [[nodiscard]] core::Outcome can_follow(const runtime::LradConfiguration& configuration) const;
    // Takes over what the configuration says: hosts that stay the same, profile and credentials
    // included, go on and look for their ports and drives anew; others begin anew from their
    // ledger, those that are gone end. A host whose ledger or files can not be opened is an error
    // the first time; after that, this host's trouble until start() or follow() opens it.
    [[nodiscard]] core::Outcome follow(const runtime::LradConfiguration& configuration);
    // Lets the hosts act: to be called when the controller does.
    void start();
    // Nothing more is run on any host, and what runs is left; until start(). With `shared` only.
    // What can not be opened again, its profile being broken perhaps, is told and left to start().
    void rest();
    // Ends the connections that are kept; `then` is called once, from the loop, within 2 seconds.
    void stop(std::function<void()> then);

    void send(const std::string& peer, const std::string& replaces,
              const snmp_mib::AgentMessage& message,
              std::function<void()> on_acknowledged) override;
    void stop_sending(const std::string& peer, const std::string& replaces) override;

    // Null: no such agent is played here.
    [[nodiscard]] HostAgent* find(const core::AgentName& agent);
    [[nodiscard]] const HostAgent* find(const core::AgentName& agent) const;
    // Of one that should be played here and could not be opened; null: any other.
    [[nodiscard]] const std::string* why_closed(const core::AgentName& agent) const;
    [[nodiscard]] const SshSlots& slots() const { return slots_; }

  private:
    [[nodiscard]] core::Result<std::unique_ptr<HostAgent>> open(
        const std::shared_ptr<const runtime::AgentlessConfiguration>& configuration);
    void stays_closed(const std::shared_ptr<const runtime::AgentlessConfiguration>& configuration,
                      const std::string& why);
    void open_what_was_left();
    void close_connection(const runtime::SshConfiguration& ssh, const std::string& control_path,
                          std::function<void()> then);

    asio::io_context& loop_;
    std::string state_dir_;
    snmp_mib::NoticeChannel& network_;
    Announcements announcements_;
    std::optional<LedgerDoors> shared_;
    bool started_ = false;
    SshSlots slots_;
    std::map<core::AgentName, std::unique_ptr<HostAgent>> hosts_;
    // Those that could not be opened when they were to be.
    struct Closed {
        std::shared_ptr<const runtime::AgentlessConfiguration> configuration;
        std::string why;
    };
    std::map<core::AgentName, Closed> closed_;
    bool followed_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted handlers hold it weakly
    host::CommandRunner closers_;
};

// For `agent show`: what is known of the host and the way there.
[[nodiscard]] nlohmann::json host_json(const HostAgent& host);
// "ssh:USER@HOST:PORT", for the address column.
[[nodiscard]] std::string address_text(const runtime::SshConfiguration& ssh);

}  // namespace agent::agentless
