#include "test/unit/core/scenario_player.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "agent/core/broadcaster.hpp"
#include "agent/core/sharing_resolver.hpp"
#include "test/unit/core/host.hpp"

namespace core_test {
namespace {

using Words = std::vector<std::string>;

const DriveSerial vt1{"VT1"};
const DriveSerial vt2{"VT2"};

std::optional<InitiatorPort> port_named(const std::string& word) {
    if (word == "a") return port_a;
    if (word == "b") return port_b;
    if (word == "c") return port_c;
    return std::nullopt;
}

bool has(const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::string> option(const Words& words, const std::string& name) {
    for (const auto& word : words) {
        if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
    }
    return std::nullopt;
}

std::int64_t number(const std::string& word) {
    return std::strtoll(word.c_str(), nullptr, 10);
}

Reservation reservation_of(const Words& words) {
    const std::string& who = words.at(2);
    if (who == "free") return free_drive();
    if (const auto port = port_named(who)) {
        return has(words, "pr") ? persistent(*port, 3, 0xab) : reserved_by(*port);
    }
    return reserved_by_nobody_knows_whom();
}

std::string in_words(const Reservation& reservation) {
    if (reservation.state == ReservationState::reserved) {
        return "reserved by " + holders_in_words(reservation, {});
    }
    return std::string(to_text(reservation.state));
}

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string line_of(const ReservationAgentEffect& effect) {
    return std::visit(
        Overloaded{
            [](const RecordDrive& out) {
                return "record " + out.record.drive.text + " " + in_words(out.record.reservation) +
                       ", " + std::string(to_text(out.record.operational_state)) +
                       (out.record.newest_notice ? ", notice " + to_text(*out.record.newest_notice)
                                                 : "");
            },
            [](const RecordAgent& out) {
                return "record agent " + out.record.agent + " " +
                       std::string(to_text(out.record.state)) + ", life " +
                       std::to_string(out.record.incarnation) + ", missed " +
                       std::to_string(out.record.missed);
            },
            [](const RecordDebt& out) {
                std::string text =
                    "record " + out.record.agent + " owes " + out.record.drive.text + ":";
                for (const auto& id : out.record.unconfirmed) {
                    text += " " + to_text(id);
                }
                return out.record.unconfirmed.empty() ? text + " nothing" : text;
            },
            [](const RecordEvent& out) { return out.record.message + " " + out.record.text; },
            [](const RecordAlarm& out) {
                return (out.active ? "alarm " : "alarm ends ") +
                       std::string(to_text(out.alarm.key.kind)) + " " + out.alarm.key.drive.text +
                       out.alarm.key.agent;
            },
            [](const SendNotice& out) {
                return "send " + out.agent + " " + out.notice.drive.text + " " +
                       to_text(out.notice.id) + " " + in_words(out.notice.reservation) +
                       (out.notice.operational_state == OperationalState::online
                            ? ""
                            : ", " + std::string(to_text(out.notice.operational_state))) +
                       (out.attempt > 1 ? ", attempt " + std::to_string(out.attempt) : "");
            },
            [](const StopSending& out) {
                return "stop sending " + out.agent + " " + out.drive.text;
            },
            [](const AskHolder& out) {
                return "ask " + out.agent + " " + out.inquiry.drive.text + " whose it is, " +
                       to_text(out.inquiry.id);
            },
            [](const StopAsking& out) { return "stop asking " + out.agent + " " + out.drive.text; },
            [](const ForceDriveOffline& out) {
                return "FORCE " + out.drive.text + " OFFLINE: " + out.reason;
            },
            [](const LiftDriveOffline& out) { return "LIFT " + out.drive.text; },
            [](const AnnounceAlarm& out) {
                return (out.active ? "announce " : "announce end of ") +
                       std::string(to_text(out.alarm.key.kind)) + " " + out.alarm.key.drive.text +
                       out.alarm.key.agent;
            },
        },
        effect);
}

std::string line_of(const DriveSharingAgentEffect& effect) {
    return std::visit(
        Overloaded{
            [](const RecordLedgerEntry& out) {
                return std::string(out.present ? "ledger " : "ledger strikes ") +
                       out.entry.drive.text + (out.entry.done ? " done" : " intent") + ", " +
                       out.entry.reason;
            },
            [](const RecordNoticeMark& out) {
                return "mark " + out.mark.drive.text + " " + to_text(out.mark.id) + " " +
                       std::string(to_text(out.mark.result));
            },
            [](const RecordOnlineCommand& out) {
                return out.drive.text +
                       (out.may_come ? " may come online" : " comes online no more");
            },
            [](const RecordAgentEvent& out) { return out.record.message + " " + out.record.text; },
            [](const RunApplication& out) {
                return "run " + std::string(to_text(out.action)) + " " + out.drive.text;
            },
            [](const SendConfirmation& out) {
                return "confirm " + out.confirmation.drive.text + " " +
                       to_text(out.confirmation.id) + " " +
                       std::string(to_text(out.confirmation.result));
            },
            [](const SendStarted& out) {
                return "say started, life " + std::to_string(out.presence.incarnation);
            },
            [](const SendStopping& out) {
                return "say stopping, life " + std::to_string(out.presence.incarnation);
            },
            [](const StopNow&) { return std::string("the process may end"); },
        },
        effect);
}

template <typename Effects>
std::string lines_of(const Effects& effects) {
    std::string text;
    for (const auto& effect : effects) {
        text += "  " + line_of(effect) + "\n";
    }
    return text;
}

SharingConfiguration sharing_of(const Words& words) {
    SharingConfiguration sharing = two_drives_three_agents();
    sharing.drives = {{vt1, true}, {vt2, true}};
    if (option(words, "on_missing") == "alarm") {
        sharing.on_missing = SharingConfiguration::OnMissing::alarm;
    }
    using UnknownHolder = SharingConfiguration::UnknownHolder;
    const auto policy = option(words, "unknown_holder");
    if (policy == "notify") sharing.unknown_holder = UnknownHolder::notify;
    if (policy == "force_offline") sharing.unknown_holder = UnknownHolder::force_offline;
    if (const auto ms = option(words, "debounce")) sharing.debounce = {number(*ms)};
    if (const auto ms = option(words, "release_hold_down"))
        sharing.release_hold_down = {number(*ms)};
    if (const auto retries = option(words, "retries")) {
        sharing.handshake_retries = static_cast<std::uint32_t>(number(*retries));
    }
    return sharing;
}

class Player {
  public:
    std::string play(const Words& words) {
        const std::string& verb = words.front();
        if (verb == "controller") {
            host_.reset();
            controller_ = std::make_unique<Controller>(sharing_of(words));
            return "";
        }
        if (verb == "host") {
            controller_.reset();
            HostConfiguration configuration = host_beta();
            configuration.drives = {vt1, vt2};
            configuration.observe_only = has(words, "observe_only");
            host_ = std::make_unique<Host>(configuration);
            return "";
        }
        if (controller_) return play_controller(verb, words);
        if (host_) return play_host(verb, words);
        return "  (neither controller nor host)\n";
    }

  private:
    std::string done(const ReservationAgentEffects& effects) {
        for (const auto& sent : all<SendNotice>(effects)) {
            sent_[{sent.agent, sent.notice.drive.text}] = sent;
        }
        return lines_of(effects);
    }

    std::string play_controller(const std::string& verb, const Words& words) {
        Controller& controller = *controller_;
        if (verb == "see") {
            const bool poll = has(words, "poll");
            const Reservation seen = reservation_of(words);
            const bool named = !poll && !seen.holders.empty();
            return done(controller.see(
                {words.at(1)}, seen, named ? HolderEvidence::drive_event : HolderEvidence::none,
                poll ? DriveObserved::Source::poll : DriveObserved::Source::event_and_poll));
        }
        if (verb == "unreachable")
            return done(controller(DriveUnreachable{{words.at(1)}, "timed out"}));
        if (verb == "started" || verb == "stopping") {
            const AgentPresence presence{"library-1", words.at(1),
                                         static_cast<std::uint64_t>(number(words.at(2)))};
            return done(verb == "started" ? controller(AgentStarted{presence})
                                          : controller(AgentStopping{presence}));
        }
        if (verb == "reconcile") return done(controller(AdministratorReconciledAgent{words.at(1)}));
        if (verb == "replaced") return done(controller.replaced());
        if (verb == "take_over") {
            ControllerTookOver input{words.at(1), std::nullopt};
            if (words.size() > 2) {
                input.heard = AgentPresence{"library-1", words.at(1),
                                            static_cast<std::uint64_t>(number(words.at(2)))};
            }
            return done(controller(input));
        }
        if (verb == "retire")
            return done(controller(AdministratorRetiredAgent{words.at(1), "root", "gone"}));
        if (verb == "up") {
            for (std::size_t at = 1; at < words.size(); ++at) {
                controller.bring_up(words[at]);
            }
            return "";
        }
        if (verb == "confirm") return confirm(words);
        if (verb == "confirm_rest") {
            std::string text;
            for (std::size_t at = 2; at < words.size(); ++at) {
                text += confirm({"confirm", words[at], words.at(1)});
            }
            return text;
        }
        std::optional<std::string> failure;
        if (words.size() > 2) failure = words.at(2);
        if (verb == "forced") return done(controller(OfflineForced{{words.at(1)}, failure}));
        if (verb == "lifted") return done(controller(OfflineLifted{{words.at(1)}, failure}));
        if (verb == "force") {
            return done(controller(AdministratorForcedOffline{{words.at(1)}, "root", "wanted"}));
        }
        if (verb == "clear") {
            return done(controller(AdministratorCleared{{words.at(1)}, "root", "checked"}));
        }
        if (verb == "restart") return done(controller.restart());
        if (verb == "pass") return done(controller.pass(number(words.at(1))));
        if (verb == "show") return show();
        return "  (no such verb)\n";
    }

    std::string confirm(const Words& words) {
        const auto sent = sent_.find({words.at(1), words.at(2)});
        if (sent == sent_.end()) return "  (was told nothing)\n";
        SendNotice notice = sent->second;
        ConfirmationResult result = ConfirmationResult::set_offline;
        for (std::size_t at = 3; at < words.size(); ++at) {
            if (const auto named = confirmation_result_from_text(words[at])) result = *named;
            const auto dot = words[at].find('.');
            if (dot == std::string::npos) continue;
            notice.notice.id = {static_cast<std::uint64_t>(number(words[at].substr(0, dot))),
                                static_cast<std::uint64_t>(number(words[at].substr(dot + 1)))};
        }
        return done(controller_->confirm(notice, result));
    }

    std::string show() {
        std::string text;
        for (const auto& drive : controller_->rules().drives()) {
            text += "  " + drive.record.drive.text + " " + in_words(drive.record.reservation) +
                    ", " + std::string(to_text(drive.operational_state())) + "\n";
        }
        for (const auto& agent : controller_->rules().agents()) {
            text +=
                "  " + agent.record.agent + " " + std::string(to_text(agent.record.state)) + "\n";
        }
        for (const auto& owed : controller_->rules().handshakes(controller_->now().monotonic)) {
            text += "  " + owed.agent + " owes " + owed.drive.text + " since " +
                    std::to_string(owed.waiting.ms) + " ms, newest " + to_text(owed.newest) +
                    (owed.last_answer.empty() ? "" : ", answered " + owed.last_answer) + "\n";
        }
        for (const auto& alarm : controller_->rules().active_alarms()) {
            text += "  alarm " + alarm.text + "\n";
        }
        return text;
    }

    std::string play_host(const std::string& verb, const Words& words) {
        Host& host = *host_;
        if (verb == "notice") {
            NoticeArrived notice = host.notice({words.at(1)}, reservation_of(words));
            if (has(words, "forced_offline")) {
                notice.notice.operational_state = OperationalState::forced_offline;
            }
            for (const auto& domain : {"payroll", "archive"}) {
                if (has(words, domain)) notice.notice.holder_domain = domain;
            }
            if (const auto id = option(words, "id")) {
                const auto dot = id->find('.');
                notice.notice.id = {static_cast<std::uint64_t>(number(id->substr(0, dot))),
                                    static_cast<std::uint64_t>(number(id->substr(dot + 1)))};
            }
            return lines_of(host(notice));
        }
        if (verb == "answer") {
            ApplicationAnswered answer{{words.at(1)},
                                       ApplicationAction::query,
                                       words.at(3) == "ok",
                                       ApplicationDriveState::unknown,
                                       ""};
            if (words.at(2) == "set_offline") answer.action = ApplicationAction::set_offline;
            if (words.at(2) == "set_online") answer.action = ApplicationAction::set_online;
            if (words.size() > 4) {
                answer.state = application_drive_state_from_text(words.at(4))
                                   .value_or(ApplicationDriveState::unknown);
            }
            if (!answer.succeeded) answer.detail = "exit status 1";
            if (words.at(3) == "cut_off") {
                answer.may_run_for.ms = number(words.at(4));
                answer.detail = "the connection was closed";
            }
            return lines_of(host(answer));
        }
        if (verb == "operator") {
            return lines_of(
                host(OperatorSetDrive{{words.at(1)}, words.at(2) == "offline", "root"}));
        }
        if (verb == "acknowledged") {
            return lines_of(host(PresenceAcknowledged{"library-1", words.at(1) == "stopping"}));
        }
        if (verb == "stop") return lines_of(host(StopRequested{}));
        if (verb == "reconcile") {
            return lines_of(
                host(ReconcileRequested{static_cast<std::uint64_t>(number(words.at(1)))}));
        }
        if (verb == "restart") return lines_of(host.restart());
        if (verb == "pass") return lines_of(host.pass(number(words.at(1))));
        if (verb == "show") {
            std::string text;
            for (const auto& drive : host.rules().drives()) {
                text += "  " + drive.drive.text + " " +
                        std::string(to_text(drive.application_state)) +
                        (drive.ledger ? ", in the ledger" : "") + "\n";
            }
            return text;
        }
        return "  (no such verb)\n";
    }

    std::unique_ptr<Controller> controller_;
    std::unique_ptr<Host> host_;
    std::map<std::pair<std::string, std::string>, SendNotice> sent_;
};

}  // namespace

std::string play_scenario(const std::string& text) {
    Player player;
    std::istringstream lines(text);
    std::string played;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("  ", 0) == 0) continue;  // what was expected
        played += line + "\n";
        if (line.rfind("> ", 0) != 0) continue;
        std::istringstream parts(line.substr(2));
        Words words;
        for (std::string word; parts >> word;) {
            words.push_back(word);
        }
        played += player.play(words);
    }
    return played;
}

}  // namespace core_test
