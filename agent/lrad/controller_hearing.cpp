// What agents say: it is heard in turns, as many messages as have arrived, and recorded once for
// all of them before any is acknowledged. With a transaction for each, the confirmations of a busy
// library would wait for the disk longer than their budget.

#include <iterator>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/holder_questions.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

using runtime::clock_now;

void Controller::agent_said(const std::string& peer, const snmp_mib::AgentMessage& message) {
    if (const auto* confirmation = std::get_if<snmp_mib::NoticeConfirmation>(&message)) {
        ++counters_.confirmations_received;
        hear(core::NoticeConfirmed{confirmation->confirmation});
    } else if (const auto* started = std::get_if<snmp_mib::AgentStartedMessage>(&message)) {
        agent_presence_said(started->presence, false);
        if (is_active()) hear(core::AgentStarted{started->presence});
    } else if (const auto* stopping = std::get_if<snmp_mib::AgentStoppingMessage>(&message)) {
        agent_presence_said(stopping->presence, true);
        if (is_active()) hear(core::AgentStopping{stopping->presence});
    } else if (const auto* said = std::get_if<snmp_mib::HolderStatementMessage>(&message)) {
        if (!release_requests_->take(said->statement)) hear(core::HolderStated{said->statement});
    } else {
        runtime::log_warning(
            "agent " + peer +
            " sent a notice: only controllers do; check controllers[] of its dsad.json");
    }
}

void Controller::hear(const core::ReservationAgentInput& input) {
    if (!channel_->is_hearing()) return take(input);
    if (failed_) return;
    core::ReservationAgentEffects effects = rules_.hear(input, clock_now());
    heard_effects_.insert(heard_effects_.end(), std::make_move_iterator(effects.begin()),
                          std::make_move_iterator(effects.end()));
    heard_.push_back(input);
}

// Whether what was heard is recorded.
bool Controller::end_hearing() {
    const std::vector<core::ReservationAgentInput> heard = std::exchange(heard_, {});
    if (heard.empty()) return !failed_;
    carry_out({});
    for (const auto& input : heard) {
        settle_waiters(input);
        watch_reconcile(input);
    }
    return !failed_;
}

// After a stall, of this process or of its disk, the answer that seems to be missing may lie in the
// socket.
void Controller::hear_before_a_timeout() {
    if (wakes_at_ && *wakes_at_ <= clock_now().monotonic && !channel_->is_hearing())
        channel_->hear_what_arrived();
}

}  // namespace agent::lrad
