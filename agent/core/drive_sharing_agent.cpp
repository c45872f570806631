#include "agent/core/drive_sharing_agent.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "agent/core/drive_task.hpp"
#include "agent/core/presence.hpp"

namespace agent::core {

class DriveSharingAgent::Rules {
  public:
    Rules(HostConfiguration configuration, DriveSharingAgentState state, std::uint64_t incarnation)
        : host_(std::move(configuration)), state_(std::move(state)), presence_(incarnation) {
        adopt_drives();
    }

    DriveSharingAgentEffects start(Now now) {
        now_ = now;
        started_at_ = now.monotonic;
        for (auto& [serial, task] : tasks_) {
            restore_unseen(serial, task);
            const auto entry = task.view().ledger;
            if (entry && !entry->done) log(Message::ledger_unfinished, serial, {serial.text});
        }
        for (const auto& command : state_.unseen) {
            const bool tell = command.action == ApplicationAction::set_online &&
                              command.may_run_for.ms > 0 && tasks_.contains(command.drive);
            if (!tell) continue;
            log(Message::application_command_cut_off, command.drive,
                {command.drive.text, to_text(command.action),
                 std::to_string((command.may_run_for.ms + 999) / 1'000),
                 "an earlier life of this agent ended while it ran"});
        }
        presence_.set_controllers(host_, now_, effects_);
        return effects_.take();
    }

    DriveSharingAgentEffects step(const DriveSharingAgentInput& input, Now now) {
        now_ = now;
        std::visit([this](const auto& alternative) { handle(alternative); }, input);
        for (auto& [serial, task] : tasks_) {
            if (!presence_.stopping()) task.time_passed(host_, now_, effects_);
        }
        presence_.time_passed(host_, now_, effects_);
        return effects_.take();
    }

    DriveSharingAgentEffects reconfigure(HostConfiguration configuration, Now now) {
        now_ = now;
        const HostConfiguration before = std::exchange(host_, std::move(configuration));
        const bool decide_again = before.domain != host_.domain || before.ports != host_.ports ||
                                  before.observe_only != host_.observe_only;
        keep_state_of_drives_that_leave();
        adopt_drives();
        presence_.set_controllers(host_, now_, effects_);
        if (decide_again && !presence_.stopping()) {
            for (auto& [serial, task] : tasks_) {
                task.decide_again(host_, now_, effects_);
            }
        }
        return effects_.take();
    }

    [[nodiscard]] std::optional<Instant> next_wakeup() const {
        std::optional<Instant> earliest = presence_.next_wakeup();
        for (const auto& [serial, task] : tasks_) {
            const auto at = presence_.stopping() ? std::nullopt : task.next_wakeup();
            if (at && (!earliest || *at < *earliest)) earliest = at;
        }
        return earliest;
    }

    [[nodiscard]] std::vector<HostDriveView> drives() const {
        std::vector<HostDriveView> views;
        for (const auto& [serial, task] : tasks_) {
            views.push_back(task.view());
        }
        return views;
    }

  private:
    void handle(const NoticeArrived& input) {
        const Notice& notice = input.notice;
        const bool listened_to = std::find(host_.controllers.begin(), host_.controllers.end(),
                                           notice.controller) != host_.controllers.end();
        if (!listened_to) {
            // Once for each, and not for ever more of them.
            const bool fresh =
                strangers_.size() < strangers_max && strangers_.insert(notice.controller).second;
            if (fresh) log(Message::controller_unknown, notice.drive, {notice.controller});
            return;
        }
        if (presence_.stopping()) return;  // owes nothing any more, and begins nothing
        const auto task = tasks_.find(notice.drive);
        if (task == tasks_.end()) {
            effects_.act(SendConfirmation{{notice.id,
                                           notice.controller,
                                           host_.agent,
                                           notice.drive,
                                           ConfirmationResult::not_connected,
                                           {}}});
            return;
        }
        task->second.notice_arrived(notice, host_, now_, effects_);
    }

    void handle(const ApplicationAnswered& input) {
        const auto task = tasks_.find(input.drive);
        if (task != tasks_.end()) task->second.answered(input, host_, now_, effects_);
        const auto away = away_.find(input.drive);
        if (away != away_.end()) away->second.answered_while_away(input, now_, effects_);
    }

    void handle(const PresenceAcknowledged& input) {
        presence_.acknowledged(input, host_, now_, effects_);
    }

    void handle(const StopRequested&) {
        if (!presence_.stopping()) {
            log(Message::agent_stopping, {}, {std::to_string(host_.controllers.size())});
        }
        presence_.stop(host_, now_, effects_);
    }

    void handle(const OperatorSetDrive& input) {
        const auto task = tasks_.find(input.drive);
        if (task == tasks_.end() || presence_.stopping()) return;
        task->second.operator_wishes(input, host_, now_, effects_);
    }

    void handle(const ReconcileRequested& input) {
        presence_.begin_life(input.incarnation, host_, now_, effects_);
    }

    void handle(const AgentTimePassed&) {}

    // What is durable about a drive that leaves the configuration is kept for its return, and what
    // its last command may still do.
    void keep_state_of_drives_that_leave() {
        for (auto task = tasks_.begin(); task != tasks_.end();) {
            const auto& drives = host_.drives;
            const auto next = std::next(task);
            if (std::find(drives.begin(), drives.end(), task->first) == drives.end()) {
                task->second.leave();
                away_.insert(tasks_.extract(task));
            }
            task = next;
        }
    }

    void adopt_drives() {
        for (const auto& serial : host_.drives) {
            if (auto back = away_.extract(serial)) {
                tasks_.insert(std::move(back));
                continue;
            }
            const auto [task, fresh] = tasks_.emplace(serial, DriveTask(serial));
            if (!fresh) continue;
            for (const auto& entry : state_.ledger) {
                if (entry.drive == serial) task->second.restore(entry);
            }
            for (const auto& mark : state_.marks) {
                if (mark.drive == serial) task->second.restore(mark);
            }
            if (started_at_) restore_unseen(serial, task->second);
        }
    }

    void restore_unseen(const DriveSerial& serial, DriveTask& task) const {
        for (const auto& command : state_.unseen) {
            if (command.drive == serial)
                task.restore_unseen(command.action, *started_at_ + command.may_run_for);
        }
    }

    void log(Message message, const DriveSerial& drive,
             std::initializer_list<std::string_view> arguments) {
        effects_.record(RecordAgentEvent{{now_.wall,
                                          description_of(message).severity,
                                          identifier_of(message),
                                          drive,
                                          {},
                                          std::nullopt,
                                          text_of(message, arguments)}});
    }

    static constexpr std::size_t strangers_max = 16;

    HostConfiguration host_;
    DriveSharingAgentState state_;  // as loaded
    Presence presence_;
    std::map<DriveSerial, DriveTask> tasks_;
    std::map<DriveSerial, DriveTask> away_;  // of drives that left the configuration
    std::set<ControllerName> strangers_;
    std::optional<Instant> started_at_;
    Now now_;
    StepEffects<DriveSharingAgentEffect> effects_;
};

DriveSharingAgent::DriveSharingAgent(HostConfiguration configuration, DriveSharingAgentState state,
                                     std::uint64_t incarnation)
    : rules_(std::make_unique<Rules>(std::move(configuration), std::move(state), incarnation)) {}
DriveSharingAgent::~DriveSharingAgent() = default;
DriveSharingAgent::DriveSharingAgent(DriveSharingAgent&&) noexcept = default;
DriveSharingAgent& DriveSharingAgent::operator=(DriveSharingAgent&&) noexcept = default;

DriveSharingAgentEffects DriveSharingAgent::start(Now now) {
    return rules_->start(now);
}
DriveSharingAgentEffects DriveSharingAgent::step(const DriveSharingAgentInput& input, Now now) {
    return rules_->step(input, now);
}
std::optional<Instant> DriveSharingAgent::next_wakeup() const {
    return rules_->next_wakeup();
}
DriveSharingAgentEffects DriveSharingAgent::reconfigure(HostConfiguration configuration, Now now) {
    return rules_->reconfigure(std::move(configuration), now);
}
std::vector<HostDriveView> DriveSharingAgent::drives() const {
    return rules_->drives();
}

}  // namespace agent::core
