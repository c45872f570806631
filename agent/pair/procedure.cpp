#include "agent/pair/procedure.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::pair {
namespace {

using core::EnumeratorName;

constexpr Step recover_steps[] = {Step::stop_database, Step::read_register};
constexpr Step resume_pair_steps[] = {Step::start_synchronous, Step::checkpoint,
                                      Step::await_standby,     Step::barrier,
                                      Step::fence_old,         Step::judge_claims};
constexpr Step resume_alone_steps[] = {Step::start_alone, Step::checkpoint, Step::barrier,
                                       Step::fence_old, Step::judge_claims};
constexpr Step follow_steps[] = {Step::follow_peer};
constexpr Step take_over_steps[] = {Step::vote_alone, Step::promote,   Step::checkpoint,
                                    Step::barrier,    Step::fence_old, Step::judge_claims};
constexpr Step go_alone_steps[] = {Step::vote_alone, Step::synchronous_off, Step::barrier};
constexpr Step pair_up_steps[] = {Step::synchronous_on, Step::await_standby, Step::barrier,
                                  Step::vote_pair, Step::barrier};
constexpr Step fence_steps[] = {Step::stop_database_at_once};
constexpr Step leave_steps[] = {Step::stop_database};
constexpr Step forced_start_steps[] = {Step::vote_forced, Step::promote,   Step::checkpoint,
                                       Step::barrier,     Step::fence_old, Step::judge_claims};

constexpr Procedure all_procedures[] = {
    // read_register ends it by telling what the register says
    {NodeAction::recover, recover_steps, NodeEvent::votes_missing},
    {NodeAction::resume_pair, resume_pair_steps, NodeEvent::pair_ready},
    {NodeAction::resume_alone, resume_alone_steps, NodeEvent::alone_ready},
    {NodeAction::follow, follow_steps, NodeEvent::standby_ready},
    {NodeAction::take_over, take_over_steps, NodeEvent::alone_ready},
    {NodeAction::go_alone, go_alone_steps, NodeEvent::alone_ready},
    {NodeAction::pair_up, pair_up_steps, NodeEvent::pair_ready},
    {NodeAction::fence, fence_steps, NodeEvent::stopped},
    {NodeAction::leave, leave_steps, NodeEvent::stopped},
    {NodeAction::forced_start, forced_start_steps, NodeEvent::alone_ready},
};

constexpr EnumeratorName<Step> step_names[] = {
    {Step::read_register, "read_register"},
    {Step::vote_alone, "vote_alone"},
    {Step::vote_pair, "vote_pair"},
    {Step::vote_forced, "vote_forced"},
    {Step::await_standby, "await_standby"},
    {Step::stop_database, "stop_database"},
    {Step::stop_database_at_once, "stop_database_at_once"},
    {Step::start_synchronous, "start_synchronous"},
    {Step::start_alone, "start_alone"},
    {Step::follow_peer, "follow_peer"},
    {Step::promote, "promote"},
    {Step::checkpoint, "checkpoint"},
    {Step::synchronous_on, "synchronous_on"},
    {Step::synchronous_off, "synchronous_off"},
    {Step::barrier, "barrier"},
    {Step::fence_old, "fence_old"},
    {Step::judge_claims, "judge_claims"},
};

constexpr EnumeratorName<NodeState> state_names[] = {
    {NodeState::single, "single"},
    {NodeState::recovering, "recovering"},
    {NodeState::offline, "offline"},
    {NodeState::primary, "primary"},
    {NodeState::waiting_peer, "waiting_peer"},
    {NodeState::primary_alone, "primary_alone"},
    {NodeState::standby, "standby"},
    {NodeState::taking_over, "taking_over"},
    {NodeState::draining, "draining"},
    {NodeState::shut_down, "shut_down"},
    {NodeState::fenced, "fenced"},
};
static_assert(std::size(state_names) == node_state_count);

constexpr EnumeratorName<NodeEvent> event_names[] = {
    {NodeEvent::pair_ready, "pair_ready"},
    {NodeEvent::alone_ready, "alone_ready"},
    {NodeEvent::standby_ready, "standby_ready"},
    {NodeEvent::stopped, "stopped"},
    {NodeEvent::step_failed, "step_failed"},
    {NodeEvent::votes_refused, "votes_refused"},
    {NodeEvent::votes_missing, "votes_missing"},
    {NodeEvent::named_in_pair, "named_in_pair"},
    {NodeEvent::named_alone, "named_alone"},
    {NodeEvent::other_named, "other_named"},
    {NodeEvent::peer_missing, "peer_missing"},
    {NodeEvent::standby_there, "standby_there"},
    {NodeEvent::standby_lost, "standby_lost"},
    {NodeEvent::lease_over, "lease_over"},
    {NodeEvent::database_lost, "database_lost"},
    {NodeEvent::keys_stored, "keys_stored"},
    {NodeEvent::drained, "drained"},
    {NodeEvent::retry_due, "retry_due"},
    {NodeEvent::recover_ordered, "recover_ordered"},
    {NodeEvent::forced_start_ordered, "forced_start_ordered"},
};
static_assert(std::size(event_names) == node_event_count);

constexpr EnumeratorName<NodeAction> action_names[] = {
    {NodeAction::nothing, "nothing"},
    {NodeAction::serve, "serve"},
    {NodeAction::recover, "recover"},
    {NodeAction::resume_pair, "resume_pair"},
    {NodeAction::resume_alone, "resume_alone"},
    {NodeAction::follow, "follow"},
    {NodeAction::take_over, "take_over"},
    {NodeAction::go_alone, "go_alone"},
    {NodeAction::pair_up, "pair_up"},
    {NodeAction::fence, "fence"},
    {NodeAction::drain, "drain"},
    {NodeAction::leave, "leave"},
    {NodeAction::forced_start, "forced_start"},
};

}  // namespace

std::span<const Procedure> procedures() {
    return all_procedures;
}

const Procedure* procedure_of(NodeAction action) {
    for (const auto& procedure : all_procedures) {
        if (procedure.action == action) return &procedure;
    }
    return nullptr;
}

std::string_view to_text(Step value) {
    return name_of(step_names, value);
}
std::string_view to_text(NodeState value) {
    return name_of(state_names, value);
}
std::string_view to_text(NodeEvent value) {
    return name_of(event_names, value);
}
std::string_view to_text(NodeAction value) {
    return name_of(action_names, value);
}

}  // namespace agent::pair
