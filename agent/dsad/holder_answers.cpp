#include "agent/dsad/holder_answers.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/host/host_devices.hpp"
#include "agent/host/program_call.hpp"
#include "agent/runtime/log.hpp"

namespace agent::dsad {

namespace {

struct DriveNodes {
    std::vector<std::string> nodes;
    bool all_known = true;
};

bool has_node(const host::FoundTapeDrive& drive, const std::string& node) {
    const auto is_among = [&node](const std::vector<std::string>& nodes) {
        return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
    };
    return is_among(drive.tape_nodes) || is_among(drive.generic_nodes);
}

// Every node of the drive that this host has, wherever it was renumbered to. `devices` are as last
// looked at; what Linux shows of it now comes first.
DriveNodes nodes_of(const core::DriveSerial& drive, const std::string& device,
                    const std::vector<host::FoundTapeDrive>& devices) {
    DriveNodes result;
    const auto add = [&result](const std::string& node) {
        for (auto& one : host::nodes_beside(node))
            result.nodes.push_back(std::move(one));
    };
    bool found = false;
    bool device_is_another = false;
    const auto look_through = [&](const std::vector<host::FoundTapeDrive>& drives) {
        for (const auto& one : drives) {
            if (one.serial != drive) {
                device_is_another = device_is_another || has_node(one, device);
                continue;
            }
            found = true;
            for (const auto& node : one.tape_nodes)
                add(node);
            for (const auto& node : one.generic_nodes)
                add(node);
        }
    };
    look_through(host::look_at_host({}, nullptr).drives);
    if (!found) look_through(devices);
    if (!device.empty() && !device_is_another) add(device);
    // Of a tape node alone nobody can tell which sg node belongs to it.
    const bool is_tape_node = device.rfind("/dev/st", 0) == 0 || device.rfind("/dev/nst", 0) == 0;
    result.all_known = found || !is_tape_node;
    return result;
}

core::Result<host::Command> command_from(const std::vector<std::string>& argv,
                                         const host::DriveNames& names, core::Duration timeout) {
    auto filled = host::fill_in_argv(argv, names);
    if (!filled) return filled.error();
    host::Command command;
    command.argv = std::move(filled).value();
    command.environment = host::default_environment();
    command.timeout = timeout;
    return command;
}

}  // namespace

// One question on its way through what can be asked here.
struct HolderAnswers::Work {
    core::HolderInquiry inquiry;
    host::DriveNames names;
    host::HolderSigns signs;
    core::ReleaseResult released = core::ReleaseResult::not_asked;
    std::string release_detail;
};

HolderAnswers::HolderAnswers(asio::io_context& loop, host::CommandApplicationRunner& application,
                             Say say, Note note)
    : loop_(loop),
      application_(application),
      say_(std::move(say)),
      note_(std::move(note)),
      commands_(loop) {}

HolderAnswers::~HolderAnswers() {
    for (auto& scan : scans_)
        scan.join();
}

void HolderAnswers::configure(const runtime::DsadConfiguration& configuration,
                              const host::HostDevices& devices) {
    devices_ = devices.drives;
    agent_ = configuration.host.agent;
    domain_ = configuration.host.domain;
    ports_ = configuration.host.ports;
    settings_ = configuration.application;
    drives_.clear();
    for (const auto& drive : configuration.drives)
        drives_[drive.serial] = {drive.application_name, drive.serial.text, drive.device};
}

const host::DriveNames* HolderAnswers::names_of(const core::DriveSerial& drive) const {
    const auto found = drives_.find(drive);
    return found == drives_.end() ? nullptr : &found->second;
}

HolderAnswers::Asked HolderAnswers::key_of(const core::HolderInquiry& inquiry) {
    return {inquiry.controller, inquiry.drive, inquiry.request};
}

void HolderAnswers::asked(const core::HolderInquiry& inquiry) {
    auto work = std::make_shared<Work>();
    work->inquiry = inquiry;
    const host::DriveNames* names = names_of(inquiry.drive);
    if (names == nullptr) {
        say_({inquiry.id, inquiry.controller, agent_, inquiry.drive, core::HolderAnswer::not_mine,
              inquiry.request == core::HolderRequest::release ? core::ReleaseResult::not_configured
                                                              : core::ReleaseResult::not_asked,
              ports_, domain_, "this host does not have the drive"});
        return;
    }
    Answered& before = answered_[key_of(inquiry)];
    if (inquiry.id < before.id) return;
    if (inquiry.id == before.id) {
        if (before.statement) say_(*before.statement);
        return;
    }
    before = {inquiry.id, std::nullopt};
    work->names = *names;
    release(work, [this, work] {
        ask_application(work, [this, work] {
            look_for_open_files(work,
                                [this, work] { probe(work, [this, work] { answer(work); }); });
        });
    });
}

// Only when it was asked for, and only the program that the administrator of this host has named.
void HolderAnswers::release(const std::shared_ptr<Work>& work, Then then) {
    if (work->inquiry.request != core::HolderRequest::release) return then();
    if (settings_.release.empty() || settings_.observe_only) {
        work->released = core::ReleaseResult::not_configured;
        work->release_detail = settings_.release.empty()
                                   ? "application.release is not configured on this host"
                                   : "application.observe_only is set on this host";
        return then();
    }
    auto command = command_from(settings_.release, work->names, settings_.timeout);
    if (!command) {
        work->released = core::ReleaseResult::failed;
        work->release_detail = "application.release: " + command.error().message;
        return then();
    }
    const std::string argv = host::argv_text(command->argv);
    commands_.run(std::move(command).value(), [this, work, argv, then = std::move(then)](
                                                  const host::CommandOutcome& outcome) {
        const bool done =
            outcome.end == host::CommandOutcome::End::exited && outcome.exit_status == 0;
        work->released = done ? core::ReleaseResult::released : core::ReleaseResult::failed;
        const std::string said = host::first_line(
            outcome.error_output.empty() ? outcome.output : outcome.error_output, 120);
        work->release_detail =
            "application.release: " + describe(outcome) + (said.empty() ? "" : ": " + said);
        note_(work->inquiry.drive, "release",
              "controller " + work->inquiry.controller + " asked to release it: " + argv + " " +
                  describe(outcome));
        then();
    });
}

void HolderAnswers::ask_application(const std::shared_ptr<Work>& work, Then then) {
    if (!application_.profile().tells_use(work->inquiry.drive)) return then();
    application_.call(work->inquiry.drive, core::ApplicationAction::query,
                      [this, alive = std::weak_ptr<int>(alive_), work,
                       then = std::move(then)](const host::ProgramCall& call) {
                          if (alive.expired()) return;
                          work->signs.application_told = call.succeeded;
                          work->signs.application_uses_it =
                              application_.profile().line_in_use(call.drive, call.outcome);
                          then();
                      });
}

// Walking through /proc takes as long as it takes: on a thread of its own, one for a question.
void HolderAnswers::look_for_open_files(const std::shared_ptr<Work>& work, Then then) {
    if (!settings_.open_files) return then();
    const auto scan = scans_.emplace(scans_.end());
    *scan = std::thread([this, scan, alive = std::weak_ptr<int>(alive_), work,
                         ignored = settings_.open_files_ignore, devices = devices_,
                         then = std::move(then)] {
        const auto drive = nodes_of(work->inquiry.drive, work->names.device, devices);
        auto found = host::find_open_files(drive.nodes, ignored);
        if (!drive.all_known && found.complete) {
            found.complete = false;
            found.why_incomplete = "Linux does not show which sg node belongs to " +
                                   work->names.device + "; list it as the drive's device";
        }
        asio::post(loop_, [this, scan, alive, work, then, found = std::move(found)]() mutable {
            if (alive.expired()) return;
            scan->join();
            scans_.erase(scan);
            work->signs.open_files = std::move(found);
            then();
        });
    });
}

// Off unless configured, and never while something here has the drive open: a command from this
// host can take a unit attention that the program is waiting for.
void HolderAnswers::probe(const std::shared_ptr<Work>& work, Then then) {
    const auto& files = work->signs.open_files;
    const bool nobody_has_it_open = files && files->complete && files->found.empty();
    if (settings_.holder_probe.empty() || !nobody_has_it_open || work->signs.application_uses_it)
        return then();
    auto command = command_from(settings_.holder_probe, work->names, settings_.timeout);
    if (!command) return then();
    commands_.run(std::move(command).value(),
                  [work, then = std::move(then)](const host::CommandOutcome& outcome) {
                      if (outcome.end == host::CommandOutcome::End::exited)
                          work->signs.probe_status = outcome.exit_status;
                      then();
                  });
}

void HolderAnswers::answer(const std::shared_ptr<Work>& work) {
    const host::HolderVerdict verdict = host::verdict_of(work->signs);
    const core::HolderInquiry& inquiry = work->inquiry;
    std::string detail = verdict.why;
    if (!work->release_detail.empty()) detail = work->release_detail + "; " + detail;
    const core::HolderStatement statement{
        inquiry.id,       inquiry.controller, agent_, inquiry.drive,
        verdict.answer,   work->released,     ports_, domain_,
        std::move(detail)};
    Answered& newest = answered_[key_of(inquiry)];
    if (newest.id != inquiry.id) return;  // asked anew meanwhile
    newest.statement = statement;
    const auto [last, first] = last_said_.try_emplace(inquiry.drive, verdict.answer);
    if (first || last->second != verdict.answer) {
        last->second = verdict.answer;
        runtime::log_info("drive " + inquiry.drive.text + ": controller " + inquiry.controller +
                          " asks whether it is held here; the answer is " +
                          std::string(to_text(verdict.answer)) + ": " + statement.detail);
    }
    say_(statement);
}

}  // namespace agent::dsad
