#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/core/drive_decision.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/core/step_effects.hpp"

namespace agent::core {

using AgentEffects = StepEffects<DriveSharingAgentEffect>;

// While the application drains a drive it is asked this often.
inline constexpr Duration draining_query_interval{2'000};

// What the application did not do is tried again this often, also when the controller does not ask
// any more (an administrator may have answered in this agent's place).
inline constexpr Duration failed_retry_interval{10'000};

// One drive at one host: the newest notice of each controller, the ownership ledger's entry, and
// the one command of the application that may run at a time.
//
//   notice -> query -> (confirm)
//                   -> set_offline -> query -> (confirm)        the intent is in the ledger before
//                   the command runs
//                   -> set_online  -> query -> (confirm)        only for what is in the ledger
//                   -> draining: confirm that, query again and again -> (confirm); set_offline
//                   again
//                      where the application wants that
//
// A newer notice takes over when the running command has ended; it begins with a query of its own.
//
// A command that was cut off may take effect later, up to a time that whoever ran it knows. Until
// then what a query shows is not the last word: "offline" is not confirmed while a set_online may
// come, and the ledger keeps a drive while a set_offline may come. At that time everything is
// looked at again. A command that ran when the process ended is such a one. Scenario cut_off.txt;
// planted bugs cut_off_counts_as_ended, last_life_has_ended.
class DriveTask {
  public:
    explicit DriveTask(DriveSerial drive);

    void restore(const LedgerEntry& entry) { ledger_ = entry; }
    void restore(const NoticeMark& mark) { sources_[mark.controller].mark = mark; }
    // As if this task had begun the command and not seen its end.
    void restore_unseen(ApplicationAction action, Instant may_come_until);

    // The drive leaves the configuration. Of what was told nothing counts any more when it comes
    // back; what was recorded, and commands that run or may still take effect, do.
    void leave();
    // The end of a command while it is away.
    void answered_while_away(const ApplicationAnswered& answer, Now now, AgentEffects& effects);

    void notice_arrived(const Notice& notice, const HostConfiguration& host, Now now,
                        AgentEffects& effects);
    void answered(const ApplicationAnswered& answer, const HostConfiguration& host, Now now,
                  AgentEffects& effects);
    void operator_wishes(const OperatorSetDrive& wish, const HostConfiguration& host, Now now,
                         AgentEffects& effects);
    void time_passed(const HostConfiguration& host, Now now, AgentEffects& effects);
    // Ports, domain or mode are others now: every newest notice is decided afresh.
    void decide_again(const HostConfiguration& host, Now now, AgentEffects& effects);

    [[nodiscard]] std::optional<Instant> next_wakeup() const { return look_again_at_; }
    [[nodiscard]] HostDriveView view() const;

  private:
    struct Source {
        std::optional<Notice> newest;  // since this process started
        std::optional<NoticeMark>
            mark;               // of the newest notice that was answered, in this life or before
        std::string detail;     // of that answer, for a repeat
        bool answered = false;  // `newest` was, by this process
        bool due = false;       // `newest` has to be worked on
        // What was answered may still be undone by a command of ours, or leaves something to be
        // tried again.
        bool unsettled = false;
        bool earlier_epoch_reported = false;
    };
    enum class Stage : std::uint8_t {
        look,           // query: what does the application say?
        take_offline,   // set_offline runs
        check_offline,  // query: is it?
        bring_online,   // set_online runs
        check_online,   // query: is it?
        drain,          // waiting for the time of the next query, or that query runs
        operator_command,
        operator_check,
    };
    struct Work {
        ControllerName controller;
        Notice notice;
        Verdict verdict = Verdict::keep_off;
        std::string command_detail;  // why the command failed, when it did
    };

    void run(ApplicationAction action, Stage stage, AgentEffects& effects);
    void proceed(const HostConfiguration& host, Now now, AgentEffects& effects);
    void begin(const ControllerName& controller, const HostConfiguration& host, Now now,
               AgentEffects& effects);
    void looked(const HostConfiguration& host, Now now, AgentEffects& effects);
    void checked_offline(const HostConfiguration& host, Now now, AgentEffects& effects);
    void checked_online(const HostConfiguration& host, Now now, AgentEffects& effects);
    void looked_while_draining(const HostConfiguration& host, Now now, AgentEffects& effects);
    // Whether this command was begun, its end was not seen, and it may still come to take effect.
    [[nodiscard]] bool may_come(ApplicationAction action, Now now) const;
    // Until when any of them may; nothing: none.
    [[nodiscard]] std::optional<Instant> last_effect_until(Now now) const;
    void end_not_seen(const ApplicationAnswered& answer, Now now, AgentEffects& effects);
    void confirm_offline(ConfirmationResult result, const std::string& detail,
                         const HostConfiguration& host, Now now, AgentEffects& effects);
    void strike_settled(Now now, AgentEffects& effects);
    void strike_online_command(Now now, AgentEffects& effects);
    void state_unknown(const HostConfiguration& host, Now now, AgentEffects& effects);
    void drains(const HostConfiguration& host, Now now, AgentEffects& effects);
    void wait_for_drain(Now now);
    void disown(Now now, AgentEffects& effects);
    void confirm(ConfirmationResult result, const std::string& detail,
                 const HostConfiguration& host, Now now, AgentEffects& effects);
    void repeat_answer(const Source& source, const HostConfiguration& host, AgentEffects& effects);
    void write_ledger(LedgerEntry entry, AgentEffects& effects);
    void strike_ledger(AgentEffects& effects);
    void log(Message message, std::initializer_list<std::string_view> arguments, Now now,
             AgentEffects& effects) const;
    [[nodiscard]] bool superseded() const;

    DriveSerial drive_;
    [[nodiscard]] bool spoke_last(const ControllerName& controller) const {
        return spoke_last_.empty() || spoke_last_ == controller;
    }

    std::map<ControllerName, Source> sources_;
    // Of several controllers the one with the newest word about this drive: what another one said
    // before is not taken up again by itself. Empty: none since the start.
    ControllerName spoke_last_;
    std::optional<LedgerEntry> ledger_;
    ApplicationDriveState application_state_ = ApplicationDriveState::unknown;
    bool say_again_ = false;  // as the last query said
    std::optional<ApplicationAction> running_;
    Stage stage_ = Stage::look;
    std::optional<Work> work_;
    std::optional<Instant> look_again_at_;
    std::optional<OperatorSetDrive> wish_;  // not begun yet
    // Until when a command whose end nobody saw may take effect.
    std::optional<Instant> offline_may_come_until_;
    std::optional<Instant> online_may_come_until_;
    bool online_command_recorded_ = false;
};

}  // namespace agent::core
