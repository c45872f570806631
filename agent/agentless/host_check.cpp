#include "agent/agentless/host_check.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "agent/agentless/agentless_hosts.hpp"
#include "agent/agentless/shell_words.hpp"
#include "agent/agentless/ssh_command.hpp"
#include "agent/host/program_call.hpp"
#include "agent/runtime/state_json.hpp"

namespace agent::agentless {

using nlohmann::json;
using State = core::HostContact::State;

namespace {

constexpr auto patience = std::chrono::seconds(8);  // less than lractl's own

std::string help_for(State state, const runtime::SshConfiguration& ssh) {
    const std::string scan = "ssh-keyscan -p " + std::to_string(ssh.port) + " " + ssh.host;
    switch (state) {
        case State::reached:
            return "";
        case State::unreachable:
            return "see whether sshd runs there and the network leads to it: " + scan;
        case State::key_changed:
            return "compare `" + scan +
                   "` with the key on the host's console (ssh-keygen -lf "
                   "/etc/ssh/ssh_host_ed25519_key.pub); when they agree put it into " +
                   ssh.known_hosts_file;
        case State::login_refused:
            return "see ~" + ssh.user +
                   "/.ssh/authorized_keys on the host and the log of its "
                   "sshd; the key here is " +
                   ssh.key_file;
        case State::command_hung:
            return "run the command on the host; see what it waits for";
        case State::not_understood:
            return "AGENTLESS.md says what the host has to have";
    }
    return "";
}

// For somebody who wants to try it by hand.
std::string as_typed(const std::vector<std::string>& argv) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    std::string line;
    for (const auto& word : argv) {
        const bool as_it_is = !word.empty() && word.find_first_not_of(plain) == std::string::npos;
        line += (line.empty() ? "" : " ") + (as_it_is ? word : quoted_for_sh(word));
    }
    return line;
}

// One check on its way. Kept by the callbacks that are still to come.
class HostCheck : public std::enable_shared_from_this<HostCheck> {
  public:
    HostCheck(asio::io_context& loop, AgentlessHosts& hosts, core::AgentName agent,
              std::function<void(json)> done)
        : hosts_(hosts), agent_(std::move(agent)), done_(std::move(done)), deadline_(loop) {
        const HostAgent& host = *hosts_.find(agent_);
        const auto& configuration = host.configuration();
        report_ = {{"name", configuration.agent.host.agent},
                   {"address", address_text(configuration.ssh)},
                   {"observe_only", configuration.agent.host.observe_only},
                   {"ssh", as_typed(ssh_argv(configuration.ssh, host.places().control_path))},
                   {"steps", json::array()},
                   {"application", json::array()}};
    }

    void run() {
        deadline_.expires_after(patience);
        deadline_.async_wait([self = shared_from_this()](const std::error_code& error) {
            if (!error) self->give_up();
        });
        HostAgent& host = *hosts_.find(agent_);
        const auto& ssh = host.configuration().ssh;
        const auto files = local_files_will_do(ssh);
        step("files", files.ok(),
             files ? "key file and known_hosts file can be used" : files.error().message,
             files ? "" : help_for(State::login_refused, ssh));
        if (!files) return finish();
        waits_for_ = "connection";
        host.looks().look_now(
            [self = shared_from_this()](const Looked& looked) { self->looked(looked); });
    }

  private:
    void step(const std::string& name, bool ok, const std::string& result,
              const std::string& help) {
        if (ok_ && !ok) next_step_ = name + ": " + result + (help.empty() ? "" : "; " + help);
        ok_ = ok_ && ok;
        report_["steps"].push_back(
            {{"step", name}, {"ok", ok}, {"result", result}, {"help", help}});
    }

    void looked(const Looked& looked) {
        HostAgent* host = hosts_.find(agent_);
        if (!done_ || host == nullptr) return;
        const auto& ssh = host->configuration().ssh;
        const bool reached = looked.contact == State::reached;
        const bool answers = reached || looked.contact == State::not_understood;
        step("connection", answers,
             answers ? "logged in as " + ssh.user
                     : std::string(to_text(looked.contact)) + ": " + looked.words,
             answers ? "" : help_for(looked.contact, ssh));
        if (!answers) return finish();
        step("look", reached, looked.words, help_for(looked.contact, ssh));
        query_all(*host);
    }

    void query_all(HostAgent& host) {
        const auto& drives = host.completed().drives;
        missing_ = drives.size();
        if (drives.empty()) {
            step("application", false, "this host has no drive to ask for",
                 "list drives, or see why none was found");
            return finish();
        }
        waits_for_ = "application";
        for (const auto& drive : drives) {
            host.application().call(
                drive.serial, core::ApplicationAction::query,
                [self = shared_from_this(), name = drive.application_name](
                    const host::ProgramCall& call) { self->answered(call, name); });
        }
    }

    void answered(const host::ProgramCall& call, const std::string& name) {
        HostAgent* host = hosts_.find(agent_);
        if (!done_ || host == nullptr) return;
        const auto would_run = [&](core::ApplicationAction action) -> json {
            return host::shown_steps(host->application().profile().steps(call.drive, action));
        };
        report_["application"].push_back(
            {{"serial", call.drive.text},
             {"application_name", name},
             {"ok", call.succeeded},
             {"application_state", core::to_text(call.read.state)},
             {"understood_from", call.succeeded ? call.read.how : call.detail},
             {"query", host::audit_line(call)},
             {"offline_would_run", would_run(core::ApplicationAction::set_offline)},
             {"online_would_run", would_run(core::ApplicationAction::set_online)}});
        all_understood_ = all_understood_ && call.succeeded;
        if (--missing_ > 0) return;
        step("application", all_understood_,
             all_understood_ ? "every drive's state was understood"
                             : "the state of a drive could not be told",
             all_understood_ ? "" : "see the rows of `application` below");
        finish();
    }

    void give_up() {
        if (!done_) return;
        step(waits_for_, false, "no answer within 8 s", "");
        finish();
    }

    void finish() {
        if (!done_) return;
        deadline_.cancel();
        report_["ok"] = ok_;
        report_["next_step"] = next_step_;
        if (const HostAgent* host = hosts_.find(agent_)) {
            report_["ports"] = json::array();
            for (const auto& port : host->completed().host.ports)
                report_["ports"].push_back(core::to_text(port));
            report_["found_drives"] = json::array();
            for (const auto& drive : host->completed().drives) {
                report_["found_drives"].push_back(drive.serial.text +
                                                  (drive.device.empty() ? "" : " " + drive.device));
            }
        }
        const auto done = std::exchange(done_, nullptr);
        done(std::move(report_));
    }

    AgentlessHosts& hosts_;
    const core::AgentName agent_;  // looked up each time: a reload may have ended it
    std::function<void(json)> done_;
    asio::steady_timer deadline_;
    json report_;
    std::string waits_for_;
    std::string next_step_ = "nothing";
    std::size_t missing_ = 0;
    bool ok_ = true;
    bool all_understood_ = true;
};

}  // namespace

void check_host(asio::io_context& loop, AgentlessHosts& hosts, const core::AgentName& agent,
                std::function<void(json)> done) {
    std::make_shared<HostCheck>(loop, hosts, agent, std::move(done))->run();
}

std::string address_text(const runtime::SshConfiguration& ssh) {
    return "ssh:" + ssh.user + "@" + ssh.host + ":" + std::to_string(ssh.port);
}

json host_json(const HostAgent& host) {
    const auto& contact = host.contact();
    json ports = json::array();
    for (const auto& port : host.completed().host.ports)
        ports.push_back(core::to_text(port));
    json troubles = host.devices().troubles;
    for (const auto& one : host.unused())
        troubles.push_back("drive " + one.drive.text + " is not used: " + one.why);
    json rows = json::array();
    for (const auto& view : host.drives()) {
        std::string name = view.drive.text;
        for (const auto& drive : host.completed().drives) {
            if (drive.serial == view.drive) name = drive.application_name;
        }
        rows.push_back(runtime::host_drive_json(view, name));
    }
    return {{"transport", "ssh"},
            {"reached", contact.reached()},
            {"contact", contact.state() ? json(to_text(*contact.state())) : json()},
            {"contact_words", contact.words()},
            {"observe_only", host.completed().host.observe_only},
            {"begun", host.begun()},
            {"ports", std::move(ports)},
            {"application", std::move(rows)},
            {"troubles", std::move(troubles)}};
}

}  // namespace agent::agentless
