#include "agent/agentless/host_agent.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/host/holder_signs.hpp"
#include "agent/host/program_call.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::agentless {

namespace {

// Adds what the configuration leaves to discovery and does not have yet.
void add_found(runtime::DsadConfiguration& configuration, const host::HostDevices& found) {
    auto& ports = configuration.host.ports;
    for (const auto& one : found.ports) {
        if (!configuration.discover_ports) break;
        const bool known = std::any_of(ports.begin(), ports.end(), [&](const auto& port) {
            return core::same_host_port(port, one.port);
        });
        if (!known) ports.push_back(one.port);
    }
    for (const auto& one : found.drives) {
        if (!configuration.discover_drives) break;
        const auto& nodes = one.tape_nodes;
        const std::string node = nodes.empty() ? std::string() : nodes.front();
        auto& drives = configuration.drives;
        const auto known = std::find_if(drives.begin(), drives.end(), [&](const auto& drive) {
            return drive.serial == one.serial;
        });
        if (known == drives.end()) {
            const auto name = configuration.application_names.find(one.serial.text);
            const bool named = name != configuration.application_names.end();
            configuration.host.drives.push_back(one.serial);
            drives.push_back({one.serial, named ? name->second : one.serial.text, node});
        } else if (!node.empty() &&
                   std::find(nodes.begin(), nodes.end(), known->device) == nodes.end()) {
            known->device = node;  // nodes are numbered anew when a drive comes back
        }
    }
}

std::string at_node(const runtime::DsadDrive& drive) {
    return drive.serial.text + (drive.device.empty() ? "" : " (" + drive.device + ")");
}

// What has come and gone, a line for each.
std::vector<std::string> differences(const runtime::DsadConfiguration& before,
                                     const runtime::DsadConfiguration& now) {
    std::vector<std::string> lines;
    const auto has = [](const auto& list, const auto& one) {
        return std::find(list.begin(), list.end(), one) != list.end();
    };
    for (const auto& port : now.host.ports) {
        if (!has(before.host.ports, port)) lines.push_back("found port " + core::to_text(port));
    }
    for (const auto& port : before.host.ports) {
        if (!has(now.host.ports, port))
            lines.push_back("does not find port " + core::to_text(port) + " any more");
    }
    for (const auto& drive : now.drives) {
        if (!has(before.drives, drive)) lines.push_back("found drive " + at_node(drive));
    }
    for (const auto& drive : before.drives) {
        if (!has(now.host.drives, drive.serial))
            lines.push_back("does not find drive " + at_node(drive) + " any more");
    }
    return lines;
}

SshCommands::MayRun may_run_by(const LedgerDoors* shared) {
    if (shared == nullptr) return {};
    return [shared] { return shared->may_run(); };
}

std::vector<core::DriveSerial> serials_of(const std::vector<runtime::DsadDrive>& drives) {
    std::vector<core::DriveSerial> serials;
    serials.reserve(drives.size());
    for (const auto& drive : drives)
        serials.push_back(drive.serial);
    return serials;
}

}  // namespace

core::Result<std::unique_ptr<HostAgent>> HostAgent::open(
    asio::io_context& loop, std::shared_ptr<const runtime::AgentlessConfiguration> configuration,
    Places places, SshSlots& slots, Announcements announcements, const LedgerDoors* shared) {
    auto files = dsad::read_application_files(configuration->agent.application);
    if (!files) return files.error();
    auto profile =
        dsad::application_profile(configuration->agent, *files, dsad::ProgramsRun::elsewhere);
    if (!profile) return profile.error();
    const auto unix_seconds = static_cast<std::uint64_t>(runtime::clock_now().wall.ms / 1'000);
    auto store = runtime::DriveSharingAgentStore::open(
        places.folder + "/dsad.db", {configuration->agent.event_log_max, unix_seconds});
    if (!store) return store.error();
    auto state = store->load();
    if (!state) return state.error();
    return std::unique_ptr<HostAgent>(new HostAgent(
        loop, std::move(configuration), std::move(places), slots,
        {std::move(files).value(), std::move(profile).value()}, std::move(store).value(),
        std::move(state).value(), std::move(announcements), shared));
}

HostAgent::HostAgent(asio::io_context& loop,
                     std::shared_ptr<const runtime::AgentlessConfiguration> configuration,
                     Places places, SshSlots& slots, dsad::Application application,
                     runtime::DriveSharingAgentStore store, core::DriveSharingAgentState state,
                     Announcements announcements, const LedgerDoors* shared)
    : loop_(loop),
      configuration_(std::move(configuration)),
      places_(std::move(places)),
      announcements_(std::move(announcements)),
      files_(std::move(application.files)),
      completed_(configuration_->agent),
      store_(std::move(store)),
      recorded_(std::move(state)),
      shared_(shared),
      ledger_retry_(loop),
      ledger_known_(shared == nullptr),
      book_([this](core::HostContact::State contact, const std::string& words) {
          if (contact != core::HostContact::State::reached) looks_.look_again_soon();
          // Back again: a controller that has given the host up, or was told to, hears of it now.
          if (book_.reached() && presence_) say(snmp_mib::AgentStartedMessage{*presence_});
          const core::HostContact told{completed_.host.agent, contact, words};
          post([this, told] { announcements_.contact(told); });
      }),
      application_(
          loop, std::move(application.profile),
          [this](const host::ProgramCall& call) { note(call); },
          std::make_unique<SshCommands>(
              loop, configuration_->ssh, places_.control_path, slots,
              [this](const SshAnswer& answer) { book_.application_answered(answer); },
              may_run_by(shared))),
      releases_(
          loop, configuration_->ssh, places_.control_path, slots,
          [this](const SshAnswer& answer) { book_.application_answered(answer); },
          may_run_by(shared)),
      looks_(
          loop, *configuration_, places_.folder + "/found", places_.control_path, slots, book_,
          [this](const Looked& seen) { looked(seen); }, may_run_by(shared)),
      wakeup_(loop) {}

HostAgent::~HostAgent() = default;

void HostAgent::post(std::function<void()> work) {
    asio::post(loop_, [alive = std::weak_ptr<int>(alive_), work = std::move(work)] {
        if (!alive.expired()) work();
    });
}

// ---- what the host has
// -----------------------------------------------------------------------------------------------

void HostAgent::start() {
    if (!ledger_known_) return read_ledger();
    // Who plays in turn has not looked since it served last: what it remembers may be of long ago,
    // and a port that was this host's may be another one's.
    if (shared_ == nullptr) {
        if (const auto before = looks_.remembered()) complete(*before);
    }
    begin_when_known();
    looks_.start();
}

void HostAgent::looked(const Looked& looked) {
    if (looked.devices) {
        for (const auto& trouble : looked.devices->troubles) {
            const auto& before = devices_.troubles;
            if (std::find(before.begin(), before.end(), trouble) == before.end())
                runtime::log_warning("agent " + completed_.host.agent + ": " + trouble);
        }
        complete(*looked.devices);
        seen_ = true;
    }
    begin_when_known();
}

// What was found once stays until the configuration is read again: a port that is away for a moment
// is still this host's.
void HostAgent::complete(const host::HostDevices& found) {
    devices_ = found;
    auto next = afresh_ ? configuration_->agent : completed_;
    add_found(next, found);
    // One drive that is out of the ordinary keeps neither ports nor other drives away.
    auto unused = dsad::unusable_drives(next, serials_of(configuration_->agent.drives), files_,
                                        dsad::ProgramsRun::elsewhere);
    dsad::leave_out(next, unused);
    tell_unused(std::move(unused));
    const auto changes = differences(completed_, next);
    if (changes.empty()) {
        afresh_ = false;
        return;
    }
    auto profile = dsad::application_profile(next, files_, dsad::ProgramsRun::elsewhere);
    if (!profile) {
        return runtime::log_error("agent " + next.host.agent +
                                  ": what was found is not used: " + profile.error().message);
    }
    for (const auto& line : changes)
        runtime::log_info("agent " + next.host.agent + ": " + line);
    afresh_ = false;
    completed_ = std::move(next);
    application_.set_profile(std::move(profile).value());
    if (rules_ && !broken_) carry_out(rules_->reconfigure(completed_.host, runtime::clock_now()));
}

void HostAgent::tell_unused(std::vector<dsad::UnusedDrive> unused) {
    for (const auto& one : unused) {
        if (std::find(unused_.begin(), unused_.end(), one) != unused_.end()) continue;
        post([this, one] { announcements_.unused(one); });
    }
    unused_ = std::move(unused);
}

void HostAgent::look_afresh() {
    if (!ledger_known_ || (!completed_.discover_drives && !completed_.discover_ports)) return;
    afresh_ = true;
    looks_.look_now([](const Looked&) {});
}

// Without its ports nobody can say which holder is this host's own.
void HostAgent::begin_when_known() {
    if (rules_ || !ledger_known_ || (completed_.discover_ports && completed_.host.ports.empty()))
        return;
    const bool discovers = completed_.discover_drives || completed_.discover_ports;
    if (shared_ != nullptr && discovers && !seen_) return;
    for (auto& command : recorded_.unseen) {
        if (command.may_run_for.ms == 0) command.may_run_for = may_run_for();
    }
    std::uint64_t life = store_.incarnation();
    if (shared_ != nullptr) life = std::max(life, shared_->newest_life(completed_.host.agent) + 1);
    rules_.emplace(completed_.host, std::move(recorded_), life);
    carry_out(rules_->start(runtime::clock_now()));
}

std::vector<core::HostDriveView> HostAgent::drives() const {
    return rules_ ? rules_->drives() : std::vector<core::HostDriveView>();
}

std::vector<core::DriveSerial> HostAgent::offline_by_us() const {
    std::vector<core::DriveSerial> serials;
    if (!rules_) {
        for (const auto& entry : recorded_.ledger)
            serials.push_back(entry.drive);
    }
    for (const auto& view : drives()) {
        if (view.ledger) serials.push_back(view.drive);
    }
    return serials;
}

// ---- the rules
// -------------------------------------------------------------------------------------------------------

void HostAgent::deliver(const snmp_mib::AgentMessage& message) {
    if (!rules_) return;  // when they begin the controller tells everything anew
    if (const auto* notice = std::get_if<snmp_mib::ReservationNotice>(&message))
        take(core::NoticeArrived{notice->notice});
    if (const auto* inquiry = std::get_if<snmp_mib::HolderInquiryMessage>(&message))
        asked(inquiry->inquiry);
}

void HostAgent::take(const core::DriveSharingAgentInput& input) {
    if (broken_ || !rules_) return;
    carry_out(rules_->step(input, runtime::clock_now()));
}

void HostAgent::application_answered(const core::ApplicationAnswered& answer) {
    if (line_) line_->ended(answer, runtime::clock_now().monotonic);
    take(answer);
}

void HostAgent::carry_out(const core::DriveSharingAgentEffects& effects) {
    if (!line_) return carry_out_recorded(effects);
    carry_out_recorded(line_->take(effects, runtime::clock_now().monotonic));
    put_rows();
}

void HostAgent::carry_out_recorded(const core::DriveSharingAgentEffects& effects) {
    if (const auto done = runtime::carry_out(effects, store_, doors()); !done) {
        broken_ = true;
        const std::string why = "agent " + completed_.host.agent + ": " + done.error().message;
        return post([this, why] { announcements_.broken(why); });
    }
    if (rules_) set_timer();
}

void HostAgent::set_timer() {
    wakeup_.cancel();
    const auto at = rules_->next_wakeup();
    if (!at) return;
    const core::Duration left = *at - runtime::clock_now().monotonic;
    wakeup_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(left.ms, 0)));
    wakeup_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const std::error_code& error) {
        if (!error && !alive.expired()) take(core::AgentTimePassed{});
    });
}

runtime::DriveSharingAgentDoors HostAgent::doors() {
    return {
        .run_application =
            [this](const core::RunApplication& effect) {
                application_.run(effect.drive, effect.action,
                                 [this](const core::ApplicationAnswered& answer) {
                                     application_answered(answer);
                                 });
            },
        .send_confirmation =
            [this](const core::SendConfirmation& effect) {
                say(snmp_mib::NoticeConfirmation{effect.confirmation});
            },
        .send_started = [this](const core::SendStarted& effect) { say_started(effect.presence); },
        .send_stopping = [](const core::SendStopping&) {},  // it ends with the controller
        .stop_now = [] {},
        .show_event =
            [this](const core::EventRecord& record) {
                core::EventRecord shown = record;
                shown.agent = completed_.host.agent;
                runtime::log_event(shown);
            },
    };
}

void HostAgent::say(snmp_mib::AgentMessage message) {
    post([this, message = std::move(message)] { announcements_.say(message); });
}

// In the host's name, so only while the host is there: a word that nobody stands behind would make
// a host that is down owe confirmations, and undo that somebody retired it. The rules say it again
// until it is acknowledged.
void HostAgent::say_started(const core::AgentPresence& presence) {
    presence_ = presence;
    if (!book_.reached()) return;
    say(snmp_mib::AgentStartedMessage{presence});
    post([this, controller = presence.controller] {
        take(core::PresenceAcknowledged{controller, false});
    });
}

// In the journal at once, each; in the audit trail after the answer has been dealt with, so that
// nobody waits for the disk.
void HostAgent::note(const host::ProgramCall& call) {
    const std::string where = "agent " + completed_.host.agent + " over ssh: ";
    const std::string line = where + host::audit_line(call);
    call.succeeded ? runtime::log_info(line) : runtime::log_warning(line);
    const auto now = runtime::clock_now();
    const auto row = trail_.take(call, now.monotonic);
    if (!row) return;
    runtime::AdministratorAction action{now.wall, "lrad",
                                        "application." + std::string(core::to_text(call.action)),
                                        call.drive.text, where + *row};
    post([this, action = std::move(action)] { announcements_.audit(action); });
}

// ---- who holds a drive
// ---------------------------------------------------------------------------------------------

// Over ssh only the application's own word is asked for: the processes of that host belong to
// others than the user there, so that "none has it open" would prove nothing.
void HostAgent::asked(const core::HolderInquiry& inquiry) {
    const auto& drives = completed_.drives;
    const auto drive = std::find_if(drives.begin(), drives.end(),
                                    [&](const auto& one) { return one.serial == inquiry.drive; });
    const bool wants_it_back = inquiry.request == core::HolderRequest::release;
    core::HolderStatement statement{
        inquiry.id,
        inquiry.controller,
        completed_.host.agent,
        inquiry.drive,
        core::HolderAnswer::not_mine,
        wants_it_back ? core::ReleaseResult::not_configured : core::ReleaseResult::not_asked,
        completed_.host.ports,
        completed_.host.domain,
        "this host does not have the drive"};
    if (drive == drives.end()) return say(snmp_mib::HolderStatementMessage{statement});
    auto& newest = inquiries_[{inquiry.drive, inquiry.request}];
    if (inquiry.id <= newest) return;  // being worked on, or of yesterday
    newest = inquiry.id;
    const host::DriveNames names{
        drive->application_name, drive->serial.text, drive->device, {}, {}};
    if (!wants_it_back) return ask_application(std::move(statement));
    release(inquiry, names,
            [this, statement](core::ReleaseResult result, const std::string& words) mutable {
                statement.release = result;
                statement.detail = words;
                ask_application(std::move(statement));
            });
}

// Only the program that the administrator has named for this host, and never when observing.
void HostAgent::release(const core::HolderInquiry& inquiry, const host::DriveNames& names,
                        Released then) {
    const auto& settings = completed_.application;
    if (settings.release.empty() || completed_.host.observe_only) {
        return then(core::ReleaseResult::not_configured,
                    settings.release.empty() ? "application.release is not configured for this host"
                                             : "application.observe_only is set for this host");
    }
    auto argv = host::fill_in_argv(settings.release, names);
    if (!argv) {
        return then(core::ReleaseResult::failed, "application.release: " + argv.error().message);
    }
    host::Command command;
    command.argv = std::move(argv).value();
    command.environment = host::default_environment();
    command.timeout = settings.timeout;
    const std::string line = "agent " + completed_.host.agent + " over ssh: controller " +
                             inquiry.controller +
                             " asked to release it: " + host::argv_text(command.argv) + " ";
    releases_.run(std::move(command), [this, drive = inquiry.drive, line, then = std::move(then)](
                                          const host::CommandOutcome& outcome) {
        const std::string how = describe(outcome);
        runtime::log_warning("drive " + drive.text + ": " + line + how);
        announcements_.audit(
            {runtime::clock_now().wall, "lrad", "application.release", drive.text, line + how});
        const bool done =
            outcome.end == host::CommandOutcome::End::exited && outcome.exit_status == 0;
        then(done ? core::ReleaseResult::released : core::ReleaseResult::failed,
             "application.release: " + how);
    });
}

void HostAgent::ask_application(core::HolderStatement statement) {
    const std::string begin = statement.release == core::ReleaseResult::not_asked
                                  ? std::string()
                                  : std::exchange(statement.detail, {}) + "; ";
    if (!application_.profile().tells_use(statement.drive)) {
        statement.answer = core::HolderAnswer::can_not_tell;
        statement.detail = begin + "application.in_use is not configured for this host";
        return say(snmp_mib::HolderStatementMessage{statement});
    }
    application_.call(statement.drive, core::ApplicationAction::query,
                      [this, statement, begin](const host::ProgramCall& call) mutable {
                          host::HolderSigns signs;
                          signs.application_told = call.succeeded;
                          signs.application_uses_it =
                              application_.profile().line_in_use(call.drive, call.outcome);
                          const auto verdict = host::verdict_of(signs);
                          statement.answer = verdict.answer;
                          statement.detail = begin + verdict.why;
                          say(snmp_mib::HolderStatementMessage{statement});
                      });
}

}  // namespace agent::agentless
