#include "agent/lrad/controller.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/core/errno_text.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/lrad/capability_memory.hpp"
#include "agent/lrad/drive_setup.hpp"
#include "agent/lrad/holder_questions.hpp"
#include "agent/lrad/mount_setup.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/lrad/pair_setup.hpp"
#include "agent/lrad/snmp_setup.hpp"
#include "agent/metrics/metrics_server.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "agent/snmp/channel_setup.hpp"

namespace agent::lrad {

using runtime::clock_now;

namespace {

constexpr auto connect_grace = std::chrono::seconds(5);
// Longer than consumers are asked again.
constexpr core::Duration announced_again_within{600'000};

std::string notice_key(const core::DriveSerial& drive) {
    return "drive:" + drive.text;
}

core::Outcome make_private_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return core::Nothing{};
    return core::Error{"controller.state_dir: the folder " + path +
                       " can not be made: " + core::errno_text(errno)};
}

}  // namespace

// ---- opening
// --------------------------------------------------------------------------------------------------------

core::Result<std::unique_ptr<Controller>> Controller::open(
    asio::io_context& loop, runtime::LradConfiguration configuration) {
    if (auto made = make_private_folder(configuration.state_dir); !made) return made.error();
    auto store = runtime::ReservationAgentStore::open(configuration.state_dir + "/lrad.db",
                                                      {.events_max = configuration.event_log_max});
    if (!store) return store.error();
    auto recorded = store->load();
    if (!recorded) return recorded.error();
    std::unique_ptr<Controller> controller(new Controller(
        loop, std::move(configuration), std::move(store).value(), std::move(recorded).value()));
    if (auto opened = controller->open_doors(); !opened) return opened.error();
    return controller;
}

Controller::Controller(asio::io_context& loop, runtime::LradConfiguration configuration,
                       runtime::ReservationAgentStore store, core::ReservationAgentState recorded)
    : loop_(loop),
      configuration_(std::move(configuration)),
      store_(std::move(store)),
      rules_(
          configuration_.pair ? sharing_of_watcher(configuration_.sharing) : configuration_.sharing,
          std::move(recorded), store_.epoch()),
      right_board_(std::make_shared<pair_node::RightBoard>(
          configuration_.pair ? pair::ActingRight{} : pair::right_of_single_controller(0))),
      started_at_(clock_now()),
      discovery_(loop),
      wakeup_(loop),
      connect_grace_(loop) {}

// The drives together: the wait for one that hangs is the wait for all.
Controller::~Controller() {
    for (auto& [serial, drive] : drives_)
        drive.watch->begin_to_stop();
}

core::Outcome Controller::open_doors() {
    auto channel = snmp_mib::SnmpNoticeChannel::open(
        loop_, channel_configuration(configuration_),
        [this](const std::string& peer, const snmp_mib::AgentMessage& message) {
            agent_said(peer, message);
        },
        [this](const snmp_mib::SnmpEvent& event) { snmp_event(event); });
    if (!channel) return channel.error().within("snmp");
    channel_ = std::move(channel).value();
    channel_->hear_in_turns([this] { return end_hearing(); });
    open_hosts();
    release_requests_ = std::make_unique<ReleaseRequests>(
        loop_, *hosts_, configuration_.sharing.controller, store_.epoch());
    if (auto set = channel_->set_consumers(consumers_configuration(configuration_)); !set) {
        return set.error().within("snmp.consumers");
    }

    if (auto listening = listen_to_libraries(); !listening) {
        return listening.error().within("snmp.hints");
    }

    if (configuration_.events_listen) {
        drive_iface::events::DriveEventServerHandlers handlers;
        handlers.event = [this](const auto& event, std::string_view line) {
            return drive_said(event, line);
        };
        handlers.drive_connected = [this](const core::DriveSerial& drive,
                                          const std::optional<std::string>& forced) {
            drive_connected(drive, forced);
        };
        handlers.drive_disconnected = [this](const core::DriveSerial& drive) {
            if (const auto found = drives_.find(drive); found != drives_.end())
                found->second.watch->event_channel(false);
        };
        handlers.warning = [](const std::string& text) { runtime::log_warning(text); };
        drive_iface::events::DriveEventServerOptions options;
        options.listen = runtime::to_text(*configuration_.events_listen);
        if (const auto& tls = configuration_.events_tls) {
            options.tls = {tls->certificate_file, tls->certificate_key_file, tls->authority_file,
                           tls->peers};
        }
        auto server = drive_iface::events::DriveEventServer::listen(loop_, std::move(options),
                                                                    std::move(handlers));
        if (!server) return server.error().within("events.listen");
        event_server_ = std::move(server).value();
    }

    for (const auto& drive : configuration_.drives) {
        if (auto opened = open_drive(drive); !opened)
            return opened.error().within("drive " + drive.serial.text);
    }

    if (auto can = hosts_->can_follow(configuration_); !can) return can.error();
    if (auto followed = hosts_->follow(configuration_); !followed) return followed.error();
    serve();
    if (auto opened = open_pair(); !opened) return opened.error();
    if (auto opened = open_mounts(); !opened) return opened.error();
    if (auto listening = control_->listen(); !listening)
        return listening.error().within("control.socket");

    if (auto opened = open_operator_snmp(); !opened) return opened.error();
    return serve_metrics();
}

core::Outcome Controller::open_drive(const runtime::LradDrive& configuration) {
    auto interface = paths_.make_interface(configuration, configuration_.sharing.controller);
    if (!interface) return interface.error();
    const auto& controller = configuration_.sharing.controller;
    const auto serial = configuration.serial;
    auto options = watch_options(configuration, controller);
    options.mount_keys = mount_key_family_of(configuration_);
    options.poller.settle = settle_of(configuration_);
    auto desk = desk_for(configuration);
    if (!desk) return desk.error();
    options.poller.desk = std::move(desk).value();
    options.poller.known_capabilities = recall_capabilities(store_, serial);
    options.poller.capabilities_learnt = [this, serial](const auto& known) {
        remember_capabilities(store_, serial, known);
    };
    auto watch = std::make_unique<drive_iface::DriveWatch>(
        loop_, std::move(options), std::move(interface).value(),
        [this](const core::ReservationAgentInput& input) { take(input); });
    auto actuator = make_actuator(loop_, configuration, event_server_.get(), controller,
                                  watch.get(), acting_door());
    if (!actuator) return actuator.error();
    if (const auto view = view_of(serial))
        watch->remember(view->record.reservation, view->record.evidence);
    if (event_server_ && event_server_->is_connected(serial)) watch->event_channel(true);
    drives_[serial] = Drive{configuration, std::move(watch), std::move(actuator).value()};
    return core::Nothing{};
}

// Drives over iSCSI share one; what asks others are calls that may block for minutes.
core::Result<std::shared_ptr<drive_iface::LookDesk>> Controller::desk_for(
    const runtime::LradDrive& drive) {
    const bool shares =
        drive.interface && drive.interface->type == runtime::DriveInterface::Type::iscsi;
    if (!shares) return std::shared_ptr<drive_iface::LookDesk>();
    if (!desk_) {
        auto opened = drive_iface::LookDesk::open();
        if (!opened) return opened;
        desk_ = std::move(opened).value();
    }
    return desk_;
}

void Controller::start(std::function<void(const std::string& why)> on_failure) {
    on_failure_ = std::move(on_failure);
    connect_grace_.expires_after(connect_grace);
    connect_grace_.async_wait([this](const std::error_code& error) {
        if (error) return;
        connect_grace_over_ = true;
        for (const auto& [serial, order] : orders_.release_all())
            carry_out_order(order);
    });
    announce_what_may_be_unheard();
    carry_out(rules_.start(clock_now()));
    if (!pair_) hosts_->start();
    end_alarms_of_no_host();
    if (mounts_) mounts_->start();
    start_pair();
}

void Controller::stop(std::function<void()> then) {
    leave_pair([this, then = std::move(then)] {
        stop_pair();
        if (mounts_) mounts_->stop();
        hosts_->stop(then);
    });
}

// ---- in: what drives and agents say
// ---------------------------------------------------------------------------------

drive_iface::events::EventVerdict Controller::drive_said(
    const drive_iface::events::DriveEvent& event, std::string_view line) {
    using drive_iface::events::EventVerdict;
    const auto found = drives_.find(event.drive);
    if (found == drives_.end()) return EventVerdict::unknown_drive;
    const auto repeat = store_.drive_event_is_repeat(event.drive, event.seq, line);
    if (!repeat) {
        runtime::log_error(repeat.error()
                               .within("drive " + event.drive.text + ": an event was not taken")
                               .message);
        return EventVerdict::try_again;
    }
    if (*repeat) return EventVerdict::repeat;
    // Sent again on a new connection while the first copy is being dealt with.
    const bool fresh =
        events_being_taken_
            .try_emplace({event.drive, event.seq}, EventBeingTaken{event, std::string(line)})
            .second;
    if (fresh) watch_event(event.drive, event.seq);
    return EventVerdict::taken;
}

void Controller::watch_event(const core::DriveSerial& drive, std::uint64_t seq) {
    drives_.at(drive).watch->event(events_being_taken_.at({drive, seq}).event,
                                   [this, drive, seq] { event_settled(drive, seq); });
}

// What the event led to is recorded. Only now is it acknowledged: whoever is stopped before this
// gets the event again, and with it the only evidence of who holds the drive by RESERVE.
void Controller::event_settled(const core::DriveSerial& drive, std::uint64_t seq) {
    const auto taken = events_being_taken_.extract({drive, seq});
    if (failed_ || !taken) return;
    if (auto kept = store_.remember_drive_event(drive, seq, taken.mapped().line); !kept) {
        runtime::log_warning(
            kept.error()
                .within("drive " + drive.text + ": its event is not marked as seen")
                .message);
    }
    if (event_server_) event_server_->acknowledge(drive, seq);
}

// A drive that comes back may have forgotten what it was told, or missed what it should have been
// told.
void Controller::drive_connected(const core::DriveSerial& serial,
                                 const std::optional<std::string>& forced) {
    const auto found = drives_.find(serial);
    if (found == drives_.end()) return;
    found->second.watch->event_channel(true);
    found->second.watch->look_now();  // it may have been away, and its next turn may be far off
    if (!is_active()) return;
    if (const auto order = orders_.release(serial)) return carry_out_order(*order);
    const auto view = view_of(serial);
    if (!view || found->second.configuration.actuator != runtime::OfflineActuator::drive) return;
    const bool was_known = is_channel_known(serial);
    if (view->record.operational_state != core::OperationalState::online) {
        force_offline({serial, view->record.offline_reason});
    } else if (forced && !was_known) {
        // This controller's records begin later than the order: they were lost, or it is a new one.
        take(core::AdministratorForcedOffline{serial, "an earlier controller, by the drive's word,",
                                              *forced});
    } else {
        found->second.actuator->lift(serial, [serial](const core::Outcome& outcome) {
            if (!outcome)
                runtime::log_warning(outcome.error().within("drive " + serial.text).message);
        });
    }
    if (!was_known && !failed_) remember_channel(serial);
}

std::string Controller::channel_note(const core::DriveSerial& serial) {
    return "channel_known." + serial.text;
}

// While this controller served the last time: another node of a pair may have ordered it otherwise
// in between.
std::string Controller::channel_tenure() const {
    return pair_ ? std::to_string(right_board_->get().epoch) : "1";
}

// Whether this controller was connected to the drive before, in this life or an earlier one.
bool Controller::is_channel_known(const core::DriveSerial& serial) const {
    const auto known = store_.recall(channel_note(serial));
    return known && known.value() && *known.value() == channel_tenure();
}

void Controller::remember_channel(const core::DriveSerial& serial) {
    if (const auto kept = store_.remember(channel_note(serial), channel_tenure()); !kept)
        runtime::log_warning(kept.error().within("drive " + serial.text).message);
}

// ---- the rules
// ------------------------------------------------------------------------------------------------------

void Controller::take(const core::ReservationAgentInput& input) {
    if (failed_) return;
    hear_before_a_timeout();
    const bool hearing = channel_->is_hearing();
    carry_out(hearing ? rules_.hear(input, clock_now()) : rules_.step(input, clock_now()));
    settle_waiters(input);
    watch_reconcile(input);
}

// What was heard in the turn that runs comes first.
void Controller::carry_out(const core::ReservationAgentEffects& latest) {
    if (failed_) return;
    core::ReservationAgentEffects effects = std::exchange(heard_effects_, {});
    effects.insert(effects.end(), latest.begin(), latest.end());
    if (const auto done = runtime::carry_out(effects, store_, doors()); !done) {
        failed_ = true;
        runtime::log_critical("the state can not be recorded: " + done.error().message);
        return on_failure_(done.error().message);
    }
    share_offline(effects);
    wake_up_in_time();
    if (operator_snmp_ && !effects.empty()) operator_snmp_->changed();
}

void Controller::wake_up_in_time() {
    wakes_at_ = rules_.next_wakeup();
    if (!wakes_at_) {
        wakeup_.cancel();
        return;
    }
    const std::int64_t wait_ms =
        std::max<std::int64_t>(0, wakes_at_->ms - clock_now().monotonic.ms);
    wakeup_.expires_after(std::chrono::milliseconds(wait_ms));
    wakeup_.async_wait([this](const std::error_code& error) {
        if (!error) take(core::TimePassed{});
    });
}

// Whoever waits at a control socket for a drive hears of it as soon as it is there.
void Controller::settle_waiters(const core::ReservationAgentInput& input) {
    const auto drive_looked_at = [&]() -> const core::DriveSerial* {
        if (const auto* observed = std::get_if<core::DriveObserved>(&input))
            return &observed->drive;
        if (const auto* unreachable = std::get_if<core::DriveUnreachable>(&input))
            return &unreachable->drive;
        return nullptr;
    }();
    const auto* lifted = std::get_if<core::OfflineLifted>(&input);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto view = view_of(waiter->drive);
        const bool looked =
            !waiter->until && drive_looked_at != nullptr && *drive_looked_at == waiter->drive;
        const bool there =
            waiter->until && view && view->record.operational_state == *waiter->until;
        const bool refused =
            waiter->until && lifted != nullptr && lifted->failure && lifted->drive == waiter->drive;
        if (!looked && !there && !refused) {
            ++waiter;
            continue;
        }
        if (refused) {
            waiter->answer(runtime::ControlError{
                runtime::ControlErrorCode::state_differs,
                "drive " + waiter->drive.text + " is still offline: " + *lifted->failure});
        } else {
            waiter->answer(show_drive(waiter->drive));
        }
        waiter = waiters_.erase(waiter);
    }
}

// ---- out: what the rules decided
// ------------------------------------------------------------------------------------

runtime::ReservationAgentDoors Controller::doors() {
    return {
        .send_notice = [this](const core::SendNotice& effect) { send_notice(effect); },
        .stop_sending =
            [this](const core::StopSending& effect) {
                hosts_->stop_sending(effect.agent, notice_key(effect.drive));
            },
        .ask_holder = [this](const core::AskHolder& effect) { ask_holder(*hosts_, effect); },
        .stop_asking = [this](const core::StopAsking& effect) { stop_asking(*hosts_, effect); },
        .force_offline = [this](const core::ForceDriveOffline& effect) { force_offline(effect); },
        .lift_offline = [this](const core::LiftDriveOffline& effect) { lift_offline(effect); },
        .announce_alarm = [this](const core::AnnounceAlarm& effect) { announce(effect); },
        .show_event = [this](const core::EventRecord& record) { show_event(record); }};
}

void Controller::send_notice(const core::SendNotice& effect) {
    ++counters_.notices_sent;
    const core::NoticeReceived received{effect.agent, effect.notice.drive, effect.notice.id};
    hosts_->send(effect.agent, notice_key(effect.notice.drive),
                 snmp_mib::ReservationNotice{effect.notice}, [this, received] { take(received); });
}

bool Controller::waits_for_drive(const core::DriveSerial& drive, const DriveOrder& order) {
    const bool may_send = pair::may_send(right_board_->get(), clock_now().monotonic);
    if (!is_active() || !may_send) {
        orders_.keep_back(drive, order);
        return true;
    }
    const bool told_over_channel =
        drives_.at(drive).configuration.actuator == runtime::OfflineActuator::drive;
    if (!told_over_channel || connect_grace_over_ || !event_server_ ||
        event_server_->is_connected(drive))
        return false;
    orders_.keep_back(drive, order);
    return true;
}

void Controller::carry_out_order(const DriveOrder& order) {
    if (const auto* force = std::get_if<core::ForceDriveOffline>(&order)) force_offline(*force);
    if (const auto* lift = std::get_if<core::LiftDriveOffline>(&order)) lift_offline(*lift);
}

void Controller::force_offline(const core::ForceDriveOffline& effect) {
    const auto found = drives_.find(effect.drive);
    if (found == drives_.end()) return;
    if (waits_for_drive(effect.drive, effect) || waits_for_record(effect)) return;
    ++counters_.drives_forced_offline;
    const auto number = orders_.give(effect.drive, effect);
    found->second.actuator->force(
        effect.drive, effect.reason,
        [this, drive = effect.drive, number](const core::Outcome& done) {
            orders_.answered(drive, number);
            take(core::OfflineForced{drive,
                                     done ? std::nullopt : std::optional(done.error().message)});
        });
}

void Controller::lift_offline(const core::LiftDriveOffline& effect) {
    const auto found = drives_.find(effect.drive);
    if (found == drives_.end()) return;
    if (waits_for_drive(effect.drive, effect)) return;
    const auto number = orders_.give(effect.drive, effect);
    found->second.actuator->lift(effect.drive, [this, drive = effect.drive,
                                                number](const core::Outcome& done) {
        orders_.answered(drive, number);
        take(core::OfflineLifted{drive, done ? std::nullopt : std::optional(done.error().message)});
    });
}

void Controller::announce(const core::AnnounceAlarm& effect) {
    if (effect.active && effect.alarm.key.kind == core::AlarmKind::handshake_incomplete)
        ++counters_.handshakes_incomplete;
    if (is_announced_elsewhere(effect)) return;
    channel_->announce(effect.alarm, effect.active);
}

// What waited for a consumer was lost with the process before this one. A node of a pair announces
// it when it serves.
void Controller::announce_what_may_be_unheard() {
    const auto now = clock_now().wall;
    for (const auto& alarm : rules_.active_alarms()) {
        if (now.ms - alarm.raised_at.ms >= announced_again_within.ms) continue;
        if (!keep_for_serving(alarm)) channel_->announce(alarm, true);
    }
}

void Controller::show_event(const core::EventRecord& record) {
    const bool change = record.message == core::identifier_of(core::Message::drive_reserved) ||
                        record.message == core::identifier_of(core::Message::drive_released) ||
                        record.message == core::identifier_of(core::Message::reservation_changed);
    if (change) ++counters_.reservation_changes;
    runtime::log_event(record);
    control_->publish_event(runtime::event_json(record));
}

void Controller::snmp_event(const snmp_mib::SnmpEvent& event) {
    using Kind = snmp_mib::SnmpEvent::Kind;
    const std::string text =
        event.peer.empty() ? event.text : "agent " + event.peer + ": " + event.text;
    switch (event.kind) {
        case Kind::peer_engine_learnt:
            return runtime::log_info(text);
        case Kind::library_message:
        case Kind::peer_engine_changed:
        case Kind::peer_engine_refused:
        case Kind::peer_rejects_us:
        case Kind::peer_unresolved:
        case Kind::peer_moved:
            return runtime::log_warning(text);
    }
}

std::string Controller::status_line() const {
    std::size_t offline = 0;
    std::size_t started = 0;
    for (const auto& view : rules_.drives()) {
        if (view.operational_state() != core::OperationalState::online) ++offline;
    }
    for (const auto& view : rules_.agents()) {
        if (view.record.state == core::AgentState::started) ++started;
    }
    return std::to_string(drives_.size()) + " drives, " + std::to_string(offline) +
           " of them not online; " + std::to_string(started) + " of " +
           std::to_string(configuration_.agents.size()) + " agents started";
}

}  // namespace agent::lrad
