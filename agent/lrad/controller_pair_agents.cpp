// What a node of a pair knows of its agents while the other one serves, and what it tells them when
// it takes over.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <optional>
#include <utility>

#include "agent/core/agent_news.hpp"
#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

// ---- while the other one serves

void Controller::agent_presence_said(const core::AgentPresence& presence, bool stopping) {
    if (pair_) pair_->shared->heard(presence.agent, presence.incarnation, stopping);
}

// An agent may reach one node alone, and a node that was replaced has heard nothing yet.
void Controller::heard_elsewhere(const core::AgentRoster::News& news) {
    const auto& [agent, era, incarnation, stopping] = news.word;
    if (news.is_first) {
        runtime::log_info("agent " + agent + " is known to the other node: it " +
                          (incarnation == 0 ? "is retired"
                           : stopping       ? "has stopped"
                                            : "has started"));
    }
    if (!is_active()) {
        if (news.is_new_era) forget_lives_of(agent);
        return;
    }
    for (const auto& known : rules_.agents()) {
        if (known.record.agent != agent) continue;
        for (const auto& input :
             core::inputs_of(news, known.record, configuration_.sharing.controller))
            take(input);
        return;
    }
}

// Any life may come next; the rules of who serves later begin with this record.
void Controller::forget_lives_of(const core::AgentName& agent) {
    carry_out({core::RecordAgent{{agent, core::AgentState::stopped, 0, 0}}});
}

void Controller::share_retirement(const core::AgentName& agent, const std::string& actor,
                                  const std::string& reason) {
    if (pair_) pair_->shared->retire(agent, actor, reason);
}

// Told late, by a node that has served before this one, it does not count against an agent that
// this one knows to be there.
void Controller::retired_at_other_node(const postgres::AgentRetirement& retirement) {
    const auto& name = retirement.agent;
    if (is_active()) {
        const auto agents = rules_.agents();
        const auto there = std::find_if(agents.begin(), agents.end(), [&](const auto& agent) {
            using enum core::AgentState;
            const auto state = agent.record.state;
            return agent.record.agent == name &&
                   (state == started || state == starting || state == returning);
        });
        if (there != agents.end()) {
            runtime::log_warning("agent " + name + " was retired by " + retirement.actor +
                                 " at the other node before this one served, and is there: it "
                                 "counts on; retire it again if that is wanted");
            return pair_->shared->overrule(retirement, there->record.incarnation);
        }
        pair_->shared->forget(retirement);
        return take(core::AdministratorRetiredAgent{name, retirement.actor, retirement.reason});
    }
    pair_->shared->forget(retirement);
    forget_lives_of(name);
    runtime::log_info("agent " + name + " is retired by " + retirement.actor +
                      " at the node that serves: " + retirement.reason);
}

// ---- when this one serves

// What was said to the node that served until now: nobody waits for who has left. Whom this node
// knows from a time without a pair is known to both from now on.
void Controller::take_what_agents_said() {
    pair_->to_be_told.clear();
    const auto& roster = pair_->shared->roster();
    for (const auto& agent : rules_.agents()) {
        const auto& [name, state, incarnation, missed] = agent.record;
        if (incarnation != 0 && !roster.knows(name))
            pair_->shared->heard(name, incarnation, state == core::AgentState::stopped);
        if (const auto left = roster.stopping(name))
            take(core::AgentStopping{{configuration_.sharing.controller, name, *left}});
        const auto* gone = pair_->shared->retirement_of(name);
        if (gone != nullptr && state != core::AgentState::stopped)
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
    core::ControllerTookOver took_over{agent, {}};
    if (const auto life = pair_->shared->roster().started(agent))
        took_over.heard = core::AgentPresence{configuration_.sharing.controller, agent, *life};
    take(took_over);
    asio::post(loop_, [this, activation = pair_->activations, lives = std::weak_ptr(pair_->alive)] {
        if (!lives.expired() && activation == pair_->activations) tell_agents_anew();
    });
}

}  // namespace agent::lrad
