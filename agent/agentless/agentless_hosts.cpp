#include "agent/agentless/agentless_hosts.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/agentless/ssh_command.hpp"
#include "agent/core/errno_text.hpp"
#include "agent/dsad/composition.hpp"
#include "agent/runtime/log.hpp"

namespace agent::agentless {

namespace {

constexpr std::size_t clients_max = 64;
constexpr std::size_t clients_of_one_host_max = 4;

core::Outcome make_private_folder_at(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0) return core::Nothing{};
    struct stat status {};
    const int error = errno;
    if (error == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        if ((status.st_mode & 077) == 0) return core::Nothing{};
        return core::Error{path + ": group or others have access to it; run: chmod 700 " + path};
    }
    return core::Error{path + ": this folder can not be made: " + core::errno_text(error)};
}

// A profile that was edited, or a credential that was exchanged, makes it another.
bool stays_the_same(const HostAgent& host, const runtime::AgentlessConfiguration& next) {
    if (!(host.configuration() == next)) return false;
    const auto files = dsad::read_application_files(next.agent.application);
    return files && host.files().same_as(*files);
}

// What was taken offline is brought back under the name that it was taken offline by: under another
// it would be another of the application's drives.
core::Outcome names_are_kept(const HostAgent& host, const runtime::DsadConfiguration& next) {
    for (const auto& drive : host.offline_by_us()) {
        const bool stays = next.discover_drives ||
                           std::find(next.host.drives.begin(), next.host.drives.end(), drive) !=
                               next.host.drives.end();
        const std::string name = name_by(host.completed(), drive);
        // One that leaves the configuration is kept in the ledger for its return.
        if (!stays || name_by(next, drive) == name) continue;
        return core::Error{"agent " + next.host.agent + ": drive " + drive.text +
                           " was taken offline there as \"" + name +
                           "\", so its name can not be \"" + name_by(next, drive) +
                           "\" now; reload when it is free (`lractl drive show " + drive.text +
                           "`), or put the old name back"};
    }
    return core::Nothing{};
}

}  // namespace

AgentlessHosts::AgentlessHosts(asio::io_context& loop, const std::string& state_dir,
                               snmp_mib::NoticeChannel& network, Announcements announcements,
                               std::optional<LedgerDoors> shared)
    : loop_(loop),
      state_dir_(std::filesystem::absolute(state_dir)),
      network_(network),
      announcements_(std::move(announcements)),
      shared_(std::move(shared)),
      slots_(clients_max, clients_of_one_host_max),
      closers_(loop) {}

AgentlessHosts::~AgentlessHosts() = default;

core::Result<std::unique_ptr<HostAgent>> AgentlessHosts::open(
    const std::shared_ptr<const runtime::AgentlessConfiguration>& configuration) {
    const std::string sockets = state_dir_ + "/ssh";
    for (const std::string& folder :
         {sockets, state_dir_ + "/agentless", configuration->agent.state_dir}) {
        if (auto made = make_private_folder_at(folder); !made) return made.error();
    }
    const core::AgentName name = configuration->agent.host.agent;
    HostAgent::Places places{configuration->agent.state_dir,
                             control_path_in(sockets, configuration->ssh)};
    if (places.control_path.empty()) {
        runtime::log_warning("agent " + name +
                             ": every command has an ssh connection of its own, "
                             "since the path " +
                             sockets +
                             " is too long for a socket, or has "
                             "blanks or quotes");
    }
    return HostAgent::open(
        loop_, configuration, std::move(places), slots_,
        {.say = [this, name](const auto& message) { announcements_.said(name, message); },
         .contact = [this](const core::HostContact& told) { announcements_.contact(told); },
         .audit = [this](const auto& action) { announcements_.audit(action); },
         .unused = [this, name](const auto& drive) { announcements_.unused(name, drive); },
         .note =
             [this, name](core::Message message, const core::DriveSerial& drive,
                          const std::vector<std::string>& words) {
                 announcements_.note(name, message, drive, words);
             },
         .broken = [this](const std::string& why) { announcements_.broken(why); }},
        shared_ ? &*shared_ : nullptr);
}

runtime::ConfigurationErrors AgentlessHosts::mistakes(
    const runtime::LradConfiguration& configuration) {
    runtime::ConfigurationErrors errors;
    for (const auto& agent : configuration.agents) {
        if (!agent.agentless) continue;
        const auto& host = agent.agentless->agent;
        const auto files = dsad::read_application_files(host.application);
        if (!files) {
            errors.push_back(agent.agentless->error_at(files.error().message));
            continue;
        }
        const auto profile = dsad::application_profile(host, *files, dsad::ProgramsRun::elsewhere);
        if (!profile) errors.push_back(agent.agentless->error_at(profile.error().message));
    }
    return errors;
}

core::Outcome AgentlessHosts::can_follow(const runtime::LradConfiguration& configuration) const {
    if (auto wrong = mistakes(configuration); !wrong.empty()) return core::Error{wrong.front()};
    for (const auto& agent : configuration.agents) {
        const HostAgent* host = find(agent.name);
        if (!agent.agentless || host == nullptr) continue;
        if (auto kept = names_are_kept(*host, agent.agentless->agent); !kept) return kept;
    }
    return core::Nothing{};
}

core::Outcome AgentlessHosts::follow(const runtime::LradConfiguration& configuration) {
    std::map<core::AgentName, std::unique_ptr<HostAgent>> before = std::exchange(hosts_, {});
    closed_.clear();
    std::set<std::string> paths;  // of connections that go on being used
    std::vector<std::pair<runtime::SshConfiguration, std::string>> old_connections;
    for (const auto& agent : configuration.agents) {
        if (!agent.agentless) continue;
        const auto known = before.find(agent.name);
        if (known != before.end() && stays_the_same(*known->second, *agent.agentless)) {
            paths.insert(known->second->places().control_path);
            known->second->look_afresh();
            hosts_.insert(before.extract(known));
            continue;
        }
        core::Duration replaced_may_run_for{0};
        if (known != before.end()) {
            replaced_may_run_for = known->second->may_run_for();
            old_connections.emplace_back(known->second->configuration().ssh,
                                         known->second->places().control_path);
            before.erase(known);  // its ledger is opened again
        }
        auto opened = open(agent.agentless);
        if (!opened) {
            if (!followed_) return opened.error().within("agents \"" + agent.name + "\"");
            stays_closed(agent.agentless, opened.error().message);
            continue;
        }
        paths.insert((*opened)->places().control_path);
        HostAgent& host = *hosts_.emplace(agent.name, std::move(opened).value()).first->second;
        host.replaces(replaced_may_run_for);
        if (started_) host.start();
    }
    for (const auto& [name, host] : before)
        old_connections.emplace_back(host->configuration().ssh, host->places().control_path);
    for (const auto& [ssh, path] : old_connections) {
        if (!paths.contains(path)) close_connection(ssh, path, [] {});
    }
    followed_ = true;
    return core::Nothing{};
}

// Nobody hears of it while another controller serves; whoever serves next and can not open it
// either has the alarm.
void AgentlessHosts::stays_closed(
    const std::shared_ptr<const runtime::AgentlessConfiguration>& configuration,
    const std::string& why) {
    const core::AgentName name = configuration->agent.host.agent;
    closed_[name] = {configuration, why};
    runtime::log_error("agent " + name + " is not played: " + why);
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_), name, why] {
        if (alive.expired()) return;
        announcements_.contact({name, core::HostContact::State::not_understood, why});
    });
}

void AgentlessHosts::open_what_was_left() {
    for (const auto& [name, closed] : std::exchange(closed_, {})) {
        auto opened = open(closed.configuration);
        if (!opened) {
            stays_closed(closed.configuration, opened.error().message);
            continue;
        }
        runtime::log_info("agent " + name + ": what it is played by could be opened again");
        hosts_.emplace(name, std::move(opened).value());
    }
}

void AgentlessHosts::start() {
    started_ = true;
    open_what_was_left();
    for (const auto& [name, host] : hosts_)
        host->start();
}

// Each goes with what it runs, and begins anew, when it does, from what the rows say then.
void AgentlessHosts::rest() {
    if (!std::exchange(started_, false)) return;
    for (auto& [name, host] : hosts_) {
        const auto configuration = host->configuration_kept();
        const std::string path = host->places().control_path;
        host.reset();
        close_connection(configuration->ssh, path, [] {});
        auto opened = open(configuration);
        if (opened) {
            host = std::move(opened).value();
        } else {
            stays_closed(configuration, opened.error().message);
        }
    }
    std::erase_if(hosts_, [](const auto& one) { return one.second == nullptr; });
}

void AgentlessHosts::close_connection(const runtime::SshConfiguration& ssh,
                                      const std::string& control_path, std::function<void()> then) {
    struct stat status {};
    if (control_path.empty() || ::stat(control_path.c_str(), &status) != 0) {
        asio::post(loop_, std::move(then));
        return;
    }
    closers_.run(ssh_close_command(ssh, control_path),
                 [then = std::move(then)](const host::CommandOutcome&) { then(); });
}

void AgentlessHosts::stop(std::function<void()> then) {
    auto open = std::make_shared<std::size_t>(1);  // shared by the ends to come
    const auto ended = [open, then = std::move(then)] {
        if (--*open == 0) then();
    };
    for (auto& [name, host] : std::exchange(hosts_, {})) {
        const runtime::SshConfiguration ssh = host->configuration().ssh;
        const std::string path = host->places().control_path;
        host.reset();  // what it still runs is ended
        ++*open;
        close_connection(ssh, path, ended);
    }
    asio::post(loop_, ended);
}

// Acknowledged as by an agent's SNMP engine: received, not yet processed.
void AgentlessHosts::send(const std::string& peer, const std::string& replaces,
                          const snmp_mib::AgentMessage& message,
                          std::function<void()> on_acknowledged) {
    if (!hosts_.contains(peer)) {
        network_.send(peer, replaces, message, std::move(on_acknowledged));
        return;
    }
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_), peer, message,
                       acknowledged = std::move(on_acknowledged)] {
        if (alive.expired()) return;
        HostAgent* host = find(peer);
        if (host == nullptr || !host->begun()) return;
        acknowledged();
        if (HostAgent* still = find(peer)) still->deliver(message);
    });
}

void AgentlessHosts::stop_sending(const std::string& peer, const std::string& replaces) {
    if (!hosts_.contains(peer)) network_.stop_sending(peer, replaces);
}

HostAgent* AgentlessHosts::find(const core::AgentName& agent) {
    const auto found = hosts_.find(agent);
    return found == hosts_.end() ? nullptr : found->second.get();
}

const HostAgent* AgentlessHosts::find(const core::AgentName& agent) const {
    const auto found = hosts_.find(agent);
    return found == hosts_.end() ? nullptr : found->second.get();
}

const std::string* AgentlessHosts::why_closed(const core::AgentName& agent) const {
    const auto found = closed_.find(agent);
    return found == closed_.end() ? nullptr : &found->second.why;
}

}  // namespace agent::agentless
