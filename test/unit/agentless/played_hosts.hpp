#pragma once

// Hosts without an agent in a test, as lrad.json describes them. Their key file is missing, so that
// ssh is never run; what was found on them is what an earlier life has remembered.

#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "agent/agentless/agentless_hosts.hpp"
#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/sample_configurations.hpp"

namespace agentless_test {

using namespace agent;

class NoNetwork final : public snmp_mib::NoticeChannel {
  public:
    void send(const std::string&, const std::string&, const snmp_mib::AgentMessage&,
              std::function<void()>) override {}
    void stop_sending(const std::string&, const std::string&) override {}
};

struct PlayedHosts {
    explicit PlayedHosts(std::optional<agentless::LedgerDoors> shared = std::nullopt) {
        folder.write("key", "correct horse\n");
        folder.write("known_hosts", "");
        agent = {{"name", "backup3"},
                 {"ssh",
                  {{"host", "backup3.example"},
                   {"user", "lra"},
                   {"key_file", "no-such-key"},
                   {"known_hosts_file", "known_hosts"},
                   {"os", "commands"},
                   {"discover", {"/opt/list"}}}},
                 {"ports", {"fc:2100000e1e09a1bf"}},
                 {"drives", {{{"serial", "VT1"}, {"application_name", "drive-1"}}}},
                 {"application",
                  {{"observe_only", false},
                   {"offline", {"/opt/app", "offline", "{drive}"}},
                   {"online", {"/opt/app", "online", "{drive}"}},
                   {"query", {"/opt/app", "status", "{drive}"}},
                   {"states", {{"online", {"^up$"}}, {"offline", {"^down$"}}}}}}};
        hosts.emplace(loop, folder.file("state"), network, announcements(), std::move(shared));
        std::filesystem::create_directory(folder.file("state"));
        std::filesystem::permissions(folder.file("state"), std::filesystem::perms::owner_all);
    }

    [[nodiscard]] runtime::Configured<runtime::LradConfiguration> read() const {
        nlohmann::json content = sample_lrad();
        content["agents"].push_back(agent);
        return runtime::read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    [[nodiscard]] runtime::LradConfiguration configuration() const {
        auto configured = read();
        INFO((configured.errors.empty() ? std::string() : configured.errors.front()));
        REQUIRE(configured.ok());
        return std::move(*configured.value);
    }
    [[nodiscard]] static std::string profile_text(const std::string& word) {
        return R"({"description": "x", "drive": {"description": "its name"},
          "programs": {"app": {"description": "a", "places": ["/opt/app"]}},
          "credentials": {"password": {"description": "p", "given_in": "environment"}},
          "environment": {"APP_PASSWORD": "{password}"},
          "offline": [{"argv": ["app", ")" +
               word + R"("]}], "online": [{"argv": ["app"]}],
          "query": {"argv": ["app"], "states": [{"state": "offline", "all": ["off"]},
                                                {"state": "online", "all": ["on"]}]}})";
    }
    // An application with a profile file of its own; where its credential is.
    std::string use_profile() {
        const std::string profile = folder.write("mine.json", profile_text("off"));
        const std::string secret = folder.write("secret", "sesame-sesame\n");
        agent["application"] = {{"profile", profile},
                                {"observe_only", false},
                                {"credentials", {{"password", {{"file", secret}}}}}};
        return secret;
    }
    // What an earlier life has found with ssh.discover.
    void remember(const std::string& report) const {
        const std::string place = folder.file("state/agentless/agent-backup3");
        std::filesystem::create_directories(place);
        for (const auto& one : {folder.file("state/agentless"), place})
            std::filesystem::permissions(one, std::filesystem::perms::owner_all);
        std::ofstream(place + "/found") << "2 backup3.example 22 /opt/list\n" << report;
    }
    [[nodiscard]] runtime::DriveSharingAgentStore store() const {
        auto opened = runtime::DriveSharingAgentStore::open(
            folder.file("state/agentless/agent-backup3/dsad.db"), {100, 1});
        REQUIRE(opened.ok());
        return std::move(opened).value();
    }
    // What an earlier life has set offline.
    void remember_offline(const std::string& serial, core::WallTime at = {}) const {
        remember("");
        const core::LedgerEntry entry{{serial}, {1, 1}, "lra-a", at, true, "reserved by x"};
        const core::DriveSharingAgentEffects effects{core::RecordLedgerEntry{entry, true}};
        REQUIRE(store().commit(effects).ok());
    }
    // What an earlier life was about to run, and has not seen the end of.
    void remember_online_command(const std::string& serial) const {
        remember("");
        const core::DriveSharingAgentEffects effects{core::RecordOnlineCommand{{serial}, true}};
        REQUIRE(store().commit(effects).ok());
    }
    void start() {
        const auto followed = hosts->follow(configuration());
        INFO((followed ? std::string() : followed.error().message));
        REQUIRE(followed.ok());
        hosts->start();
        settle();
    }
    // Until it holds, at most 10 seconds.
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
        return holds();
    }
    void settle() {
        loop.restart();
        loop.poll();
    }
    [[nodiscard]] agentless::HostAgent& host() {
        auto* found = hosts->find("backup3");
        REQUIRE(found != nullptr);
        return *found;
    }

    TemporaryFolder folder;
    nlohmann::json agent;
    asio::io_context loop;
    NoNetwork network;
    std::vector<snmp_mib::AgentMessage> said;
    std::vector<core::HostContact> contacts;
    std::vector<dsad::UnusedDrive> unused;
    std::vector<std::pair<core::Message, std::string>> noted;
    std::vector<std::string> broken;
    std::vector<runtime::AdministratorAction> audit;
    std::optional<agentless::AgentlessHosts> hosts;

  private:
    agentless::AgentlessHosts::Announcements announcements() {
        return {.said = [this](const std::string&,
                               const snmp_mib::AgentMessage& message) { said.push_back(message); },
                .contact = [this](const core::HostContact& told) { contacts.push_back(told); },
                .audit = [this](const runtime::AdministratorAction& row) { audit.push_back(row); },
                .unused = [this](const core::AgentName&,
                                 const dsad::UnusedDrive& drive) { unused.push_back(drive); },
                .note =
                    [this](const core::AgentName&, core::Message message, const core::DriveSerial&,
                           const std::vector<std::string>& words) {
                        noted.emplace_back(message,
                                           core::text_of(message, {words.data(), words.size()}));
                    },
                .broken = [this](const std::string& why) { broken.push_back(why); }};
    }
};

}  // namespace agentless_test
