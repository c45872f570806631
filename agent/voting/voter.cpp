#include "agent/voting/voter.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "agent/pair/may_say.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/voting_agent_store.hpp"
#include "agent/voting/pair_json.hpp"

namespace agent::voting {

namespace {

// A vote is worth its answer as long as the node waits for it: three transmissions, within the
// default pair.times.vote_timeout_ms. An answer to a heartbeat is of no use after the next one.
constexpr std::uint32_t vote_attempts = 3;
constexpr std::uint32_t lease_attempts = 1;
constexpr std::uint32_t command_attempts = 2;  // the rules say it again every two seconds

std::string words_about(const pair::ShutdownKey& key) {
    std::string text = std::string(pair::to_text(key.subject)) + ", " +
                       std::string(pair::to_text(key.mode)) + ", by " + key.actor;
    for (const auto node : {pair::Node::first, pair::Node::second}) {
        const auto& departure = key.departures.at(pair::index_of(node));
        if (departure.out) {
            text += "; " + std::string(pair::to_text(node)) + " has left" +
                    (departure.clean ? " cleanly" : ", not cleanly");
        }
    }
    return text;
}

}  // namespace

class Voter::Work {
  public:
    Work(asio::io_context& loop, core::AgentName agent_name,
         runtime::VoterPairConfiguration settings, runtime::VotingAgentStore opened,
         pair::VotingAgentState state, VoterDoors outside)
        : agent(std::move(agent_name)),
          configuration(std::move(settings)),
          store(std::move(opened)),
          rules(rules_configuration(), std::move(state), runtime::clock_now().monotonic),
          doors(std::move(outside)),
          wakeup(loop) {}

    [[nodiscard]] pair::VotingAgentConfiguration rules_configuration() const {
        pair::VotingAgentConfiguration voting;
        voting.agent = agent;
        voting.dead_after = configuration.dead_after;
        return voting;
    }

    [[nodiscard]] const std::string& name_of(pair::Node node) const {
        return configuration.nodes.at(pair::index_of(node));
    }
    [[nodiscard]] std::optional<pair::Node> node_named(const std::string& name) const {
        for (const auto node : {pair::Node::first, pair::Node::second}) {
            if (name_of(node) == name) return node;
        }
        return std::nullopt;
    }

    void take(const pair::VotingAgentInput& input);
    void carry_out(const pair::VotingAgentEffect& effect);
    void wake_up_in_time();
    bool hear_node(pair::Node node, const pair::PairMessage& message);
    bool hear_agent(const std::string& from, const pair::PairMessage& message);
    void tell_view();

    core::AgentName agent;
    runtime::VoterPairConfiguration configuration;
    runtime::VotingAgentStore store;
    pair::VotingAgent rules;
    VoterDoors doors;
    asio::steady_timer wakeup;
    std::array<std::optional<NodeHeard>, 2> heard;
    pair::SystemView told_view = pair::SystemView::unknown;
    std::optional<pair::Wish> asked;  // of the ballot that is being answered
    bool is_news = false;             // what a node said of itself, in the step that is taken
    bool broken = false;
};

void Voter::Work::take(const pair::VotingAgentInput& input) {
    if (broken) return;
    const auto effects = rules.step(input, runtime::clock_now().monotonic);
    if (const auto kept = store.commit(effects); !kept) {
        broken = true;
        doors.broken("what this agent votes can not be recorded: " + kept.error().message);
        return;
    }
    for (const auto& effect : effects)
        carry_out(effect);
    tell_view();
    wake_up_in_time();
}

void Voter::Work::carry_out(const pair::VotingAgentEffect& effect) {
    const auto nothing = [] {};
    if (const auto* vote = std::get_if<pair::SendVote>(&effect)) {
        const auto& answer = vote->answer;
        doors.say(name_of(vote->to), "pair vote", pair::encode(answer), vote_attempts, nothing);
        if (asked != pair::Wish::alone && asked != pair::Wish::forced) return;
        const bool agrees = answer.granted && answer.objection == pair::Objection::none;
        const bool last = answer.round == pair::BallotAnswer::Round::accept;
        if (agrees && last) doors.note(core::Message::pair_agreed, {name_of(vote->to)});
        if (!agrees) {
            doors.note(core::Message::pair_objected,
                       {name_of(vote->to), std::string(pair::to_text(answer.objection))});
        }
    } else if (const auto* told = std::get_if<pair::TellDecision>(&effect)) {
        doors.say(told->to, "pair decision",
                  pair::encode(pair::DecisionTold{told->candidate, told->decision}), vote_attempts,
                  nothing);
    } else if (const auto* stored = std::get_if<pair::SendKeyStored>(&effect)) {
        doors.say(name_of(stored->to), "pair kept", pair::encode(pair::KeyKept{stored->key}),
                  vote_attempts, nothing);
    } else if (const auto* anew = std::get_if<pair::NodeBeganAnew>(&effect)) {
        doors.note(core::Message::pair_node_heard_anew, {name_of(anew->node)});
    } else if (const auto* lease = std::get_if<pair::SendLease>(&effect)) {
        is_news = true;
        doors.say(name_of(lease->to), "pair lease", pair::encode(lease->answer), lease_attempts,
                  nothing);
    } else if (const auto* relay = std::get_if<pair::RelayCommand>(&effect)) {
        const auto node = pair::node_from_text(relay->to);
        doors.say(node ? name_of(*node) : relay->to, "pair command",
                  pair::encode(pair::CommandPass{relay->key}), command_attempts,
                  [this, to = relay->to, key = relay->key.id] {
                      take(pair::CommandDelivered{to, key});
                  });
    } else if (const auto* key = std::get_if<pair::RecordKey>(&effect)) {
        doors.note(core::Message::pair_key_stored, {key_name(key->key.id), words_about(key->key)});
    }
}

// Who counts the same answers comes to the same view; an operator sees it change.
void Voter::Work::tell_view() {
    if (rules.view() == told_view) return;
    told_view = rules.view();
    doors.note(core::Message::pair_view_changed, {std::string(pair::to_text(told_view))});
}

void Voter::Work::wake_up_in_time() {
    wakeup.cancel();
    const auto at = rules.next_wakeup();
    if (!at || broken) return;
    const core::Duration left = *at - runtime::clock_now().monotonic;
    wakeup.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(left.ms, 0)));
    wakeup.async_wait([this](const std::error_code& error) {
        if (!error) take(pair::AgentTime{});
    });
}

bool Voter::Work::hear_node(pair::Node node, const pair::PairMessage& message) {
    asked.reset();
    if (const auto* promise = std::get_if<pair::PromiseRequest>(&message)) {
        asked = promise->wish;
        take(pair::PromiseAsked{node, *promise});
    } else if (const auto* accept = std::get_if<pair::AcceptRequest>(&message)) {
        if (accept->value.cluster != configuration.cluster) return false;
        asked = accept->wish;
        take(pair::AcceptAsked{node, *accept});
    } else if (const auto* key = std::get_if<pair::KeyPass>(&message)) {
        take(pair::KeyArrived{key->key, {{node, key->life, key->sequence}}});
    } else if (const auto* command = std::get_if<pair::CommandPass>(&message)) {
        take(pair::CommandArrived{command->key});
    } else if (const auto* said = std::get_if<pair::Heartbeat>(&message)) {
        is_news = false;
        take(pair::NodeSaid{node, said->sequence, said->serves, said->state, said->data.epoch,
                            said->life});
        if (!is_news) return !broken;
        heard.at(pair::index_of(node)) =
            NodeHeard{said->state, said->serves, said->data.epoch, runtime::clock_now().wall,
                      runtime::clock_now().monotonic};
    } else if (const auto* enrolment = std::get_if<pair::Enrolment>(&message)) {
        const auto& voters = enrolment->beginning.value.voters;
        const bool is_meant = enrolment->beginning.value.cluster == configuration.cluster &&
                              std::find(voters.begin(), voters.end(), agent) != voters.end();
        if (!is_meant) return false;
        const bool is_new = !rules.state().held;
        take(pair::Enrolled{enrolment->beginning});
        if (is_new && !broken)
            doors.note(core::Message::pair_enrolled_here, {configuration.cluster});
    }
    return !broken;
}

bool Voter::Work::hear_agent(const std::string& from, const pair::PairMessage& message) {
    if (const auto* told = std::get_if<pair::DecisionTold>(&message)) {
        if (told->decision.agent != from) return false;
        take(pair::DecisionHeard{told->decision, told->candidate});
    } else if (const auto* command = std::get_if<pair::CommandPass>(&message)) {
        take(pair::CommandArrived{command->key});
    }
    return !broken;
}

// ---- the door

core::Result<std::unique_ptr<Voter>> Voter::open(asio::io_context& loop,
                                                 const core::AgentName& agent,
                                                 runtime::VoterPairConfiguration configuration,
                                                 const std::string& state_dir, VoterDoors doors) {
    auto store = runtime::VotingAgentStore::open(state_dir + "/pair.db");
    if (!store) return store.error();
    auto state = store->load();
    if (!state) return state.error();
    return std::unique_ptr<Voter>(new Voter(
        std::make_unique<Work>(loop, agent, std::move(configuration), std::move(store).value(),
                               std::move(state).value(), std::move(doors))));
}

Voter::Voter(std::unique_ptr<Work> work) : work_(std::move(work)) {}
Voter::~Voter() = default;

void Voter::start() {
    if (!work_->rules.state().held) {
        work_->doors.note(core::Message::pair_not_enrolled,
                          {work_->configuration.cluster, work_->agent});
    }
    work_->wake_up_in_time();
}

bool Voter::hear(const std::string& from, const std::string& line) {
    if (work_->broken) return false;
    const auto message = pair::decode(line);
    if (!message) {
        runtime::log_warning(from + ": " + message.error().message);
        return false;
    }
    const auto node = work_->node_named(from);
    const auto speaker = node ? pair::Member::node : pair::Member::agent;
    if (!pair::may_say(speaker, pair::Member::agent, *message)) {
        runtime::log_warning(from + " said to this agent what only others may say");
        return false;
    }
    return node ? work_->hear_node(*node, *message) : work_->hear_agent(from, *message);
}

core::Result<pair::ShutdownKey> Voter::shut_down(pair::Subject subject, pair::ShutdownMode mode,
                                                 const std::string& actor,
                                                 const std::string& reason) {
    const auto& state = work_->rules.state();
    if (!state.held) {
        return core::Error{
            "this agent is not enrolled: give the command to a node or to another "
            "agent"};
    }
    const auto now = runtime::clock_now();
    pair::ShutdownKey key;
    key.id = {state.held->value.epoch, static_cast<std::uint64_t>(now.wall.ms), work_->agent};
    for (const auto& known : state.keys)
        key.id = pair::later_than(known.id, key.id);
    key.cluster = state.held->value.cluster;
    key.subject = subject;
    key.mode = mode;
    key.actor = actor.substr(0, pair::key_text_bytes_max);
    key.reason = reason;
    key.at = now.wall;
    work_->take(pair::CommandArrived{key});
    if (work_->broken) return core::Error{"the key could not be recorded"};
    work_->doors.note(core::Message::pair_command_carried,
                      {key_name(key.id), std::string(pair::to_text(subject)), actor});
    return key;
}

void Voter::set_hold(bool hold, const std::string& actor, const std::string& reason) {
    work_->take(pair::HoldSet{hold});
    if (work_->broken) return;
    work_->doors.note(core::Message::pair_hold_set,
                      {hold ? "on hold" : "not on hold any more", actor, reason});
}

bool Voter::speaks_for_the_library(const core::ControllerName& controller) const {
    const auto node = work_->node_named(controller);
    if (!node) return true;
    const auto& own = heard(*node);
    const auto& others = heard(pair::other(*node));
    if (!others || !others->serves) return true;
    return own && own->serves && own->monotonic >= others->monotonic;
}

const runtime::VoterPairConfiguration& Voter::configuration() const {
    return work_->configuration;
}
const pair::VotingAgent& Voter::rules() const {
    return work_->rules;
}
const std::optional<Voter::NodeHeard>& Voter::heard(pair::Node node) const {
    return work_->heard.at(pair::index_of(node));
}

}  // namespace agent::voting
