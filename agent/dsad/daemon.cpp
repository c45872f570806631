#include "agent/dsad/daemon.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <variant>

#include <asio/post.hpp>

#include "agent/dsad/composition.hpp"
#include "agent/dsad/drive_json.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::dsad {

namespace {

// Operators who wait for the application at the same time.
constexpr std::size_t waiting_max = 64;

}  // namespace

core::Result<std::unique_ptr<Daemon>> Daemon::open(asio::io_context& loop, HostKnowledge known,
                                                   Application application,
                                                   Announcements announcements) {
    auto network = channel_configuration(known.configuration());

    const auto unix_seconds = static_cast<std::uint64_t>(runtime::clock_now().wall.ms / 1'000);
    auto store =
        runtime::DriveSharingAgentStore::open(known.configuration().state_dir + "/dsad.db",
                                              {known.configuration().event_log_max, unix_seconds});
    if (!store) return store.error();
    auto state = store->load();
    if (!state) return state.error();
    limit_unseen(known.configuration(), application.profile, state.value());

    std::unique_ptr<Daemon> daemon(new Daemon(loop, std::move(known), std::move(application),
                                              std::move(store).value(), std::move(state).value(),
                                              std::move(announcements)));
    Daemon* const self = daemon.get();
    auto channel = snmp_mib::SnmpNoticeChannel::open(
        loop, std::move(network),
        [self](const std::string& peer, const snmp_mib::AgentMessage& message) {
            self->message_arrived(peer, message);
        },
        [self](const snmp_mib::SnmpEvent& event) { self->trouble_on_the_network(event); });
    if (!channel) return channel.error();
    daemon->channel_ = std::move(channel).value();
    if (auto opened = daemon->open_voter(); !opened) return opened.error();
    return daemon;
}

// With the section "pair": what nodes and other agents say about votes goes to it, and what it says
// goes out on the channel that notices come on.
core::Outcome Daemon::open_voter() {
    if (!configuration().pair) return core::Nothing{};
    voting::VoterDoors doors;
    doors.say = [this](const std::string& to, const std::string& replaces, const std::string& line,
                       std::uint32_t attempts, std::function<void()> taken) {
        channel_->say_to_pair(to, replaces, line, attempts, std::move(taken));
    };
    doors.note = [this](core::Message message, const std::vector<std::string>& words) {
        record_text(message, {}, core::text_of(message, std::span<const std::string>(words)));
    };
    doors.broken = [this](const std::string& why) {
        broken_ = true;
        announcements_.broken(why);
    };
    auto voter = voting::Voter::open(loop_, configuration().host.agent, *configuration().pair,
                                     configuration().state_dir, std::move(doors));
    if (!voter) return voter.error();
    voter_ = std::move(voter).value();
    channel_->hear_pair([this](const std::string& peer, const std::string& line) {
        return voter_->hear(peer, line);
    });
    return core::Nothing{};
}

Daemon::Daemon(asio::io_context& loop, HostKnowledge known, Application application,
               runtime::DriveSharingAgentStore store, core::DriveSharingAgentState state,
               Announcements announcements)
    : loop_(loop),
      known_(std::move(known)),
      files_(std::move(application.files)),
      announcements_(std::move(announcements)),
      store_(std::move(store)),
      rules_(configuration().host, std::move(state), store_.incarnation()),
      application_(loop, std::move(application.profile),
                   [this](const host::ProgramCall& call) { note(call); }),
      holder_answers_(
          loop, application_,
          [this](const core::HolderStatement& statement) { say_holder(statement); },
          [this](const core::DriveSerial& drive, const std::string& action,
                 const std::string& line) { note_holder(drive, action, line); }),
      wakeup_(loop) {
    holder_answers_.configure(configuration(), known_.devices());
}

void Daemon::start() {
    const core::Now now = runtime::clock_now();
    started_at_ = now.monotonic;
    carry_out(rules_.start(now));
    if (voter_) voter_->start();
    tell_contradictions({});
    tell_unused({});
    look_at_host_again();
    listen_to_device_events();
}

// ---- this host ----------------------------------------------------------------------------------

void Daemon::look_at_host_again() {
    discovery_.reset();
    discovery_.emplace(loop_, configuration().discovery_interval, configuration().discover_drives,
                       [this](const host::HostDevices& devices) { host_seen(devices); });
}

void Daemon::look_at_host_now() {
    if (discovery_) discovery_->look_now();
}

void Daemon::listen_to_device_events() {
    auto listening = host::DeviceEvents::listen(loop_, [this] { look_at_host_now(); });
    if (listening) {
        device_events_ = std::move(listening).value();
        return;
    }
    record(core::Message::device_events_not_heard, {},
           {listening.error().message, std::to_string(configuration().discovery_interval.ms)});
}

void Daemon::host_seen(const host::HostDevices& devices) {
    if (broken_ || devices == known_.devices()) return;
    for (const auto& trouble : devices.troubles) {
        const auto& before = known_.devices().troubles;
        if (std::find(before.begin(), before.end(), trouble) == before.end())
            runtime::log_warning("discovery: " + trouble);
    }
    auto known = known_;
    known.see(devices, runtime::clock_now());
    auto profile = usable_profile(known, files_);
    if (!profile) return runtime::log_error("discovery: " + profile.error().message);
    adopt(std::move(known), std::move(profile).value());
}

// From here on everything goes by what is known now.
void Daemon::adopt(HostKnowledge known, host::ApplicationProfile profile) {
    const auto contradictions = known_.contradictions();
    const auto unused = known_.unused();
    known_ = std::move(known);
    for (const auto& line : known_.take_news())
        runtime::log_info("discovery: " + line);
    application_.set_profile(std::move(profile));
    holder_answers_.configure(configuration(), known_.devices());
    carry_out(rules_.reconfigure(configuration().host, runtime::clock_now()));
    tell_contradictions(contradictions);
    tell_unused(unused);
}

void Daemon::tell_unused(const std::vector<UnusedDrive>& before) {
    for (const auto& one : known_.unused()) {
        if (std::find(before.begin(), before.end(), one) != before.end()) continue;
        record(core::Message::found_drive_unused, one.drive,
               {one.drive.text, configuration().host.agent, one.why, one.drive.text});
    }
}

void Daemon::tell_contradictions(const std::vector<ContradictedNode>& before) {
    for (const auto& one : known_.contradictions()) {
        if (std::find(before.begin(), before.end(), one) != before.end()) continue;
        record(core::Message::host_fact_contradicted, one.drive,
               {one.drive.text, one.device, one.belongs_to.text});
    }
}

core::Outcome Daemon::change_host(ChangeByHand change) {
    auto profile = usable_profile(change.known, files_);
    if (!profile) return profile.error();
    // What a person says is refused rather than left out.
    for (const auto& one : change.known.unused()) {
        const auto& known = known_.unused();
        if (std::find(known.begin(), known.end(), one) == known.end() ||
            one.drive.text == change.subject)
            return core::Error{"drive " + one.drive.text + ": " + one.why};
    }
    auto noted = store_.append_audit(
        {runtime::clock_now().wall, change.actor, change.action, change.subject, change.line});
    if (!noted) return noted;
    auto saved = save_host_facts(configuration().state_dir, change.known.facts());
    if (!saved) return saved;
    const core::DriveSerial drive{change.action.rfind("drive.", 0) == 0 ? change.subject : ""};
    adopt(std::move(change.known), std::move(profile).value());
    record(core::Message::host_fact_by_hand, drive, {change.actor, change.line});
    return core::Nothing{};
}

// What the rules have no part in, in the event log.
void Daemon::record(core::Message message, const core::DriveSerial& drive,
                    std::initializer_list<std::string_view> arguments) {
    record_text(message, drive, core::text_of(message, arguments));
}

void Daemon::record_text(core::Message message, const core::DriveSerial& drive, std::string text) {
    if (broken_) return;
    carry_out({core::RecordAgentEvent{{runtime::clock_now().wall,
                                       core::description_of(message).severity,
                                       core::identifier_of(message),
                                       drive,
                                       {},
                                       std::nullopt,
                                       std::move(text)}}});
}

void Daemon::stop() {
    take(core::StopRequested{});
}

// What dsad took offline is brought back under the name that it was taken offline by: under another
// it would be another of the application's drives.
core::Outcome Daemon::names_are_kept(const HostKnowledge& next) const {
    for (const auto& view : rules_.drives()) {
        if (!view.ledger) continue;
        const auto& drives = next.configuration().drives;
        const auto listed = std::find_if(drives.begin(), drives.end(), [&](const auto& drive) {
            return drive.serial == view.drive;
        });
        const std::string name = application_name(configuration(), view.drive);
        if (listed == drives.end() || listed->application_name == name) continue;
        return core::Error{"drive " + view.drive.text + ": dsad took it offline as \"" + name +
                           "\", so its name can not change now; reload when it is free, or after "
                           "`lractl application online " +
                           view.drive.text + "`"};
    }
    return core::Nothing{};
}

core::Outcome Daemon::follow(HostKnowledge known, Application application) {
    if (auto fixed = can_follow(configuration(), known.configuration()); !fixed) return fixed;
    if (auto kept = names_are_kept(known); !kept) return kept;
    const auto network = channel_configuration(known.configuration());
    auto exchanged = channel_->reconfigure(network.peers, network.users);
    if (!exchanged) return exchanged;
    known.remember_times_of(known_);
    files_ = std::move(application.files);
    adopt(std::move(known), std::move(application.profile));
    look_at_host_again();
    return core::Nothing{};
}

void Daemon::take(const core::DriveSharingAgentInput& input) {
    if (broken_) return;
    carry_out(rules_.step(input, runtime::clock_now()));
    watch_reconciling(input);
}

void Daemon::carry_out(const core::DriveSharingAgentEffects& effects) {
    const auto done = runtime::carry_out(effects, store_, doors());
    if (!done) {
        // The rules in memory are ahead of the disk now; only a new process can be right again.
        broken_ = true;
        announcements_.broken(done.error().message);
        return;
    }
    set_timer();
}

runtime::DriveSharingAgentDoors Daemon::doors() {
    return {
        .run_application = [this](const core::RunApplication& effect) { run_application(effect); },
        .send_confirmation =
            [this](const core::SendConfirmation& effect) {
                const core::Confirmation& confirmation = effect.confirmation;
                channel_->send(confirmation.controller, "confirmation " + confirmation.drive.text,
                               snmp_mib::NoticeConfirmation{confirmation}, [] {});
            },
        .send_started =
            [this](const core::SendStarted& effect) { say_presence(effect.presence, false); },
        .send_stopping =
            [this](const core::SendStopping& effect) { say_presence(effect.presence, true); },
        .stop_now = [this] { announcements_.stopped(); },
        .show_event =
            [this](const core::EventRecord& record) {
                runtime::log_event(record);
                announcements_.event(record);
            },
    };
}

void Daemon::say_presence(const core::AgentPresence& presence, bool stopping) {
    snmp_mib::AgentMessage message = snmp_mib::AgentStartedMessage{presence};
    if (stopping) message = snmp_mib::AgentStoppingMessage{presence};
    // The same key: "stopping" takes the place of a "started" that is still on its way.
    channel_->send(presence.controller, "presence", message,
                   [this, controller = presence.controller, stopping] {
                       acknowledged_[controller] = !stopping;
                       take(core::PresenceAcknowledged{controller, stopping});
                   });
}

void Daemon::set_timer() {
    wakeup_.cancel();
    const auto at = rules_.next_wakeup();
    if (!at) return;
    const core::Duration left = *at - runtime::clock_now().monotonic;
    wakeup_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(left.ms, 0)));
    wakeup_.async_wait([this](const asio::error_code& error) {
        if (!error) take(core::AgentTimePassed{});
    });
}

void Daemon::message_arrived(const std::string& peer, const snmp_mib::AgentMessage& message) {
    // The channel lets no other message through to an agent, and no notice in another's name.
    if (const auto* inquiry = std::get_if<snmp_mib::HolderInquiryMessage>(&message)) {
        const auto& controllers = configuration().host.controllers;
        const bool known =
            std::find(controllers.begin(), controllers.end(), peer) != controllers.end();
        if (known && inquiry->inquiry.controller == peer) holder_answers_.asked(inquiry->inquiry);
        return;
    }
    const auto* notice = std::get_if<snmp_mib::ReservationNotice>(&message);
    if (notice == nullptr || notice->notice.controller != peer) return;
    // Late words of a node that was replaced: the other one tells how the drives are now.
    if (voter_ && !voter_->speaks_for_the_library(peer)) return;
    const auto& controllers = configuration().controllers;
    const auto controller = std::find_if(controllers.begin(), controllers.end(),
                                         [&](const auto& one) { return one.name == peer; });
    if (controller != controllers.end() &&
        !newest_word_.take(controller->pair, peer, notice->notice.id.epoch,
                           runtime::clock_now().monotonic)) {
        return;
    }
    take(core::NoticeArrived{notice->notice});
}

void Daemon::say_holder(const core::HolderStatement& statement) {
    const bool release = statement.release != core::ReleaseResult::not_asked;
    const std::string key = (release ? "release " : "holder ") + statement.drive.text;
    channel_->send(statement.controller, key, snmp_mib::HolderStatementMessage{statement}, [] {});
}

void Daemon::note_holder(const core::DriveSerial& drive, const std::string& action,
                         const std::string& line) {
    runtime::log_warning("drive " + drive.text + ": " + line);
    const auto appended = store_.append_audit(
        {runtime::clock_now().wall, "dsad", "application." + action, drive.text, line});
    if (!appended) runtime::log_error("audit trail: " + appended.error().message);
}

void Daemon::trouble_on_the_network(const snmp_mib::SnmpEvent& event) const {
    const std::string line = event.peer.empty() ? event.text : event.peer + ": " + event.text;
    const bool good_news = event.kind == snmp_mib::SnmpEvent::Kind::peer_engine_learnt;
    good_news ? runtime::log_info(line) : runtime::log_warning(line);
}

void Daemon::run_application(const core::RunApplication& effect) {
    watch_reconciling(effect);
    application_.run(effect.drive, effect.action,
                     [this](const core::ApplicationAnswered& answered) {
                         take(answered);
                         settle_waiting(answered);
                     });
}

// In the journal at once, each; in the audit trail after the answer has been dealt with, so that
// nobody waits for the disk.
void Daemon::note(const host::ProgramCall& call) {
    const std::string line = host::audit_line(call);
    call.succeeded ? runtime::log_info(line) : runtime::log_warning(line);
    const auto now = runtime::clock_now();
    auto row = trail_.take(call, now.monotonic);
    if (!row) return;
    runtime::AdministratorAction action{now.wall, "dsad",
                                        "application." + std::string(core::to_text(call.action)),
                                        call.drive.text, std::move(*row)};
    asio::post(loop_, [this, action = std::move(action)] {
        const auto appended = store_.append_audit(action);
        if (!appended) runtime::log_error("audit trail: " + appended.error().message);
    });
}

void Daemon::operator_sets(const core::OperatorSetDrive& wish, Settled settled) {
    if (waiting_.size() >= waiting_max) {
        settled({.drive = wish.drive},
                "too many operators are waiting for the application already");
        return;
    }
    take(wish);
    const auto views = rules_.drives();
    const auto view = std::find_if(views.begin(), views.end(), [&](const core::HostDriveView& one) {
        return one.drive == wish.drive;
    });
    if (view == views.end() || !view->busy) {
        settled({.drive = wish.drive},
                "the agent is stopping, or the drive is not one of this host");
        return;
    }
    waiting_.push_back({wish.drive, std::move(settled)});
}

void Daemon::settle_waiting(const core::ApplicationAnswered& answered) {
    const auto views = rules_.drives();
    const auto view = std::find_if(views.begin(), views.end(), [&](const core::HostDriveView& one) {
        return one.drive == answered.drive;
    });
    if (view == views.end() || view->busy) return;
    std::vector<Waiting> settled;
    for (auto one = waiting_.begin(); one != waiting_.end();) {
        if (one->drive != answered.drive) {
            ++one;
            continue;
        }
        settled.push_back(std::move(*one));
        one = waiting_.erase(one);
    }
    for (const Waiting& one : settled)
        one.settled(*view, answered.detail);
}

bool Daemon::acknowledged_by(const core::ControllerName& controller) const {
    const auto found = acknowledged_.find(controller);
    return found != acknowledged_.end() && found->second;
}

}  // namespace agent::dsad
