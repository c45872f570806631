#include "agent/agentless/host_looks.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/agentless/host_report.hpp"
#include "agent/core/errno_text.hpp"
#include "agent/host/application_profile.hpp"
#include "agent/runtime/log.hpp"

namespace agent::agentless {

using State = core::HostContact::State;

namespace {

constexpr core::Duration look_limit{20'000};
constexpr core::Duration first_pause{5'000};
constexpr std::size_t waiting_looks_max = 16;

std::string count_of(std::size_t number, const std::string& thing) {
    return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

// What was found of another system, or by another program, is not remembered for this one.
std::string heading_of(const runtime::AgentlessConfiguration& configuration) {
    std::string text = std::to_string(static_cast<int>(configuration.ssh.system)) + " " +
                       configuration.ssh.host + " " + std::to_string(configuration.ssh.port);
    for (const auto& word : configuration.ssh.discover)
        text += " " + word;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace

HostLooks::HostLooks(asio::io_context& loop, const runtime::AgentlessConfiguration& configuration,
                     std::string memory_file, std::string control_path, SshSlots& slots,
                     ContactBook& book, Done found, SshCommands::MayRun may_run)
    : loop_(loop),
      configuration_(configuration),
      memory_file_(std::move(memory_file)),
      book_(book),
      found_(std::move(found)),
      may_run_(std::move(may_run)),
      commands_(loop, configuration.ssh, std::move(control_path), slots,
                [this](const SshAnswer& answer) { answer_ = answer; }),
      timer_(loop),
      pause_(first_pause) {}

HostLooks::~HostLooks() = default;

bool HostLooks::discovers() const {
    return configuration_.agent.discover_drives || configuration_.agent.discover_ports;
}

void HostLooks::start() {
    if (!looking_) look();
}

void HostLooks::look_now(Done done) {
    if (waiting_.size() >= waiting_looks_max) {
        asio::post(loop_, [done = std::move(done)] {
            done({State::unreachable, "too many wait for a look at this host already", {}});
        });
        return;
    }
    waiting_.push_back(std::move(done));
    if (looking_) return;
    timer_.cancel();
    look();
}

void HostLooks::look_again_soon() {
    if (looking_ || pause_ == first_pause) return;
    pause_ = first_pause;
    wait();
}

void HostLooks::wait() {
    timer_.expires_after(std::chrono::milliseconds(pause_.ms));
    // A handler that is queued already runs after the timer is gone, and without an error.
    timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const std::error_code& error) {
        if (!error && !alive.expired() && !looking_) look();
    });
}

host::Command HostLooks::command() const {
    host::Command command;
    const auto& ssh = configuration_.ssh;
    if (ssh.shell == runtime::RemoteShell::powershell) {
        command.argv = {"Write-Output", "lra"};
    } else {
        command.argv = {"true"};
    }
    if (discovers()) {
        if (ssh.system == runtime::RemoteSystem::commands) {
            command.argv = ssh.discover;
        } else {
            command.argv = {"sh", "-c", std::string(discovery_script(ssh.system))};
        }
    }
    command.environment = host::default_environment();
    command.timeout = look_limit;
    command.output_max = report_bytes_max;
    return command;
}

void HostLooks::look() {
    if (may_run_ && !may_run_()) {
        pause_ = first_pause;
        return wait();
    }
    looking_ = true;
    commands_.run(command(), [this](const host::CommandOutcome& outcome) { looked(outcome); });
}

void HostLooks::looked(const host::CommandOutcome& outcome) {
    if (answer_.contact != State::reached) return take({answer_.contact, answer_.words, {}});
    if (outcome.end != host::CommandOutcome::End::exited || outcome.exit_status != 0 ||
        outcome.output_cut) {
        const std::string said = host::first_line(
            outcome.error_output.empty() ? outcome.output : outcome.error_output, 120);
        return take({State::not_understood,
                     "looking for its drives and ports: " +
                         (outcome.output_cut ? "it printed more than 256 KiB" : describe(outcome)) +
                         (said.empty() ? "" : ": " + said),
                     {}});
    }
    if (!discovers()) return take({State::reached, "it answers", {}});
    auto devices = read_host_report(configuration_.ssh.system, outcome.output);
    if (!devices) return take({State::not_understood, devices.error().message, {}});
    if (configuration_.agent.discover_ports && devices->ports.empty()) {
        return take({State::not_understood,
                     "it has no fibre channel, SAS or iSCSI port; list them: \"ports\": "
                     "[\"fc:2100000e1e09a1b0\"]",
                     {}});
    }
    remember(outcome.output);
    std::string words = count_of(devices->ports.size(), "port") + ", " +
                        count_of(devices->drives.size(), "tape drive");
    take({State::reached, std::move(words), std::move(devices).value()});
}

void HostLooks::take(const Looked& looked) {
    looking_ = false;
    const bool reached = looked.contact == State::reached;
    book_.look_answered(looked.contact, looked.words);
    found_(looked);
    const std::int64_t longest = configuration_.ssh.look_interval.ms;
    const bool before = std::exchange(reached_, reached);
    if (reached) {
        pause_.ms = longest;
    } else {
        pause_.ms = std::min(longest, before ? first_pause.ms : pause_.ms * 2);
    }
    wait();
    for (const auto& done : std::exchange(waiting_, {}))
        done(looked);
}

// One file, put in place whole. Without it the host is looked at before anything is said about it.
void HostLooks::remember(const std::string& report) const {
    if (report == remembered_report_) return;
    const std::string fresh = memory_file_ + ".new";
    {
        std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
        file << heading_of(configuration_) << '\n' << report;
        file.flush();
        if (!file) {
            runtime::log_warning(fresh + ": what was found on " + configuration_.ssh.host +
                                 " is not kept: " + core::errno_text(errno));
            return;
        }
    }
    if (std::rename(fresh.c_str(), memory_file_.c_str()) == 0) remembered_report_ = report;
}

std::optional<host::HostDevices> HostLooks::remembered() const {
    std::ifstream file(memory_file_, std::ios::binary);
    std::string heading;
    if (!file || !std::getline(file, heading) || heading != heading_of(configuration_))
        return std::nullopt;
    std::string report(report_bytes_max + 1, '\0');
    file.read(report.data(), static_cast<std::streamsize>(report.size()));
    report.resize(static_cast<std::size_t>(file.gcount()));
    auto devices = read_host_report(configuration_.ssh.system, report);
    if (!devices) return std::nullopt;
    return std::move(devices).value();
}

}  // namespace agent::agentless
