// What a node of a pair knows of its agents while the other one serves, and what it tells them when
// it takes over.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <optional>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

namespace {

std::string presence_note(const core::AgentName& agent) {
    return "presence:" + agent;
}

}  // namespace

// ---- while the other one serves

void Controller::recall_presences() {
    for (const auto& agent : configuration_.agents) {
        const auto said = store_.recall(presence_note(agent.name));
        if (said && said.value()) pair_->presences.recall(agent.name, *said.value());
    }
}

void Controller::agent_presence_said(const core::AgentPresence& presence, bool stopping) {
    if (!pair_) return;
    if (!stopping) pair_->shared->returned(presence.agent);
    if (!pair_->presences.hear(presence, stopping)) return;
    keep_presence(presence.agent);
}

void Controller::keep_presence(const core::AgentName& agent) {
    const auto kept = store_.remember(presence_note(agent), pair_->presences.text_of(agent));
    if (!kept) runtime::log_warning(kept.error().within("what agent " + agent + " says").message);
}

void Controller::forget_presence(const core::AgentName& agent) {
    pair_->presences.forget(agent);
    keep_presence(agent);
}

void Controller::share_retirement(const core::AgentName& agent, const std::string& actor,
                                  const std::string& reason) {
    if (!pair_) return;
    forget_presence(agent);
    pair_->shared->retire(agent, actor, reason);
}

// Told late, by a node that has served before this one, it does not count against an agent that
// this one knows to be there.
void Controller::retired_at_other_node(const postgres::AgentRetirement& retirement) {
    const auto& name = retirement.agent;
    if (is_active()) {
        const auto agents = rules_.agents();
        const bool is_there = std::any_of(agents.begin(), agents.end(), [&](const auto& agent) {
            using enum core::AgentState;
            const auto state = agent.record.state;
            return agent.record.agent == name &&
                   (state == started || state == starting || state == returning);
        });
        if (is_there) {
            runtime::log_warning("agent " + name + " was retired by " + retirement.actor +
                                 " at the other node before this one served, and is there: it "
                                 "counts on; retire it again if that is wanted");
            return pair_->shared->returned(name);
        }
        forget_presence(name);
        return take(core::AdministratorRetiredAgent{name, retirement.actor, retirement.reason});
    }
    forget_presence(name);
    // Any life may come next; the rules of who serves later begin with this record.
    carry_out({core::RecordAgent{{name, core::AgentState::stopped, 0, 0}}});
    runtime::log_info("agent " + name + " is retired by " + retirement.actor +
                      " at the node that serves: " + retirement.reason);
}

// ---- when this one serves

// What was said to the node that served until now: nobody waits for who has left.
void Controller::take_what_agents_said() {
    pair_->to_be_told.clear();
    for (const auto& agent : rules_.agents()) {
        const auto& name = agent.record.agent;
        if (const auto* left = pair_->presences.stopping(name)) take(core::AgentStopping{*left});
        const auto* gone = pair_->shared->retirement_of(name);
        if (gone != nullptr && agent.record.state != core::AgentState::stopped)
            take(core::AdministratorRetiredAgent{name, gone->actor, gone->reason});
        pair_->to_be_told.push_back(name);
    }
}

// One after the other, since each is recorded and synced, and heartbeats in between: a hundred at
// once would take the time that this node may act.
void Controller::tell_agents_anew() {
    if (!pair_->active || pair_->to_be_told.empty() || failed_) return;
    const auto agent = std::move(pair_->to_be_told.back());
    pair_->to_be_told.pop_back();
    const auto* said = pair_->presences.started(agent);
    take(core::ControllerTookOver{agent, said != nullptr ? std::optional(*said) : std::nullopt});
    asio::post(loop_, [this, activation = pair_->activations, lives = std::weak_ptr(pair_->alive)] {
        if (!lives.expired() && activation == pair_->activations) tell_agents_anew();
    });
}

}  // namespace agent::lrad
