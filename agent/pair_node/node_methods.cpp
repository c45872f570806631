#include "agent/pair_node/node_methods.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/pair_node/replication_view.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/voting/pair_json.hpp"

namespace agent::pair_node {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using Answerer = runtime::ControlServer::Answerer;

namespace {

// Within lractl's own patience, both together.
constexpr auto start_patience = std::chrono::seconds(3);
constexpr auto node_patience = std::chrono::seconds(6);
constexpr auto looked_at_every = std::chrono::milliseconds(50);

constexpr const char* pair_methods[] = {"pair.show",     "pair.votes",   "pair.keys",
                                        "pair.shutdown", "pair.recover", "pair.enrol"};

std::string_view vote_word(pair::Vote::State state) {
    switch (state) {
        case pair::Vote::State::promising:
        case pair::Vote::State::accepting:
            return "open";
        case pair::Vote::State::decided:
            return "decided";
        case pair::Vote::State::refused:
            return "refused";
        case pair::Vote::State::outbid:
            return "outbid";
        case pair::Vote::State::missing:
            return "missing";
    }
    return "missing";
}

json data_json(const pair::DataSeen& data) {
    return {{"epoch", data.epoch},
            {"relation", pair::to_text(data.relation)},
            {"primary", pair::to_text(data.primary)},
            {"timeline", data.position.timeline},
            {"lsn", data.position.lsn},
            {"standby", to_text(data.standby)},
            {"receives", data.receives}};
}

json time_json(const std::optional<core::WallTime>& at) {
    return at ? json(runtime::to_text(*at)) : json();
}

json peer_json(const NodeRunner& node) {
    const auto& options = node.options();
    const auto& heard = node.rules().peer();
    json addresses = json::array();
    for (const auto& address : options.pair.peer.addresses)
        addresses.push_back(runtime::to_text(address));
    return {{"node", pair::to_text(pair::other(options.pair.node.node))},
            {"name", options.pair.peer.name},
            {"addresses", std::move(addresses)},
            {"state", heard ? pair::to_text(heard->state) : "not_heard"},
            {"silent", node.peer_is_silent()},
            {"last_heard", time_json(node.peer_last_heard())},
            {"data", heard ? data_json(heard->data) : json()}};
}

json replication_json(const NodeRunner& node) {
    const auto replication = replication_of(node);
    return {{"copy", to_text(replication.copy)},
            {"lag_bytes", replication.lag ? json(*replication.lag) : json()}};
}

json agents_json(const NodeRunner& node, const NodeMethodDoors& doors) {
    json agents = json::array();
    for (const auto& name : node.options().pair.node.voters) {
        agents.push_back({{"name", name},
                          {"answers", doors.answers(name)},
                          {"last_heard", time_json(node.agent_last_heard(name))}});
    }
    return agents;
}

ControlAnswer node_votes(const NodeRunner& node) {
    const auto& vote = node.last_vote() ? node.last_vote() : node.rules().vote();
    if (!vote) return json{{"vote", nullptr}, {"answers", json::array()}};
    json answers = json::array();
    for (const auto& [agent, answer] : vote->answers())
        answers.push_back(voting::answer_json(answer));
    for (const auto& voter : vote->voters()) {
        if (vote->answers().contains(voter)) continue;
        const bool decided = vote->state() == pair::Vote::State::decided;
        answers.push_back({{"agent", voter},
                           {"round", ""},
                           {"granted", false},
                           {"objection", "no_answer"},
                           {"meaning", decided ? "was not waited for: the others have decided"
                                               : "did not answer in time"}});
    }
    const auto verdict = pair::verdict_of(vote->voters(), vote->threshold(), vote->answers());
    return json{{"wish", pair::to_text(vote->wish())},
                {"state", vote_word(vote->state())},
                {"ballot", voting::ballot_json(vote->ballot())},
                {"threshold", vote->threshold()},
                {"yes", verdict.yes},
                {"no", verdict.no},
                {"silent", verdict.silent},
                {"objection", pair::to_text(vote->objection())},
                {"answers", std::move(answers)}};
}

ControlAnswer node_keys(const NodeRunner& node) {
    json keys = json::array();
    for (const auto& key : node.keys())
        keys.push_back(voting::key_json(key));
    return keys;
}

ControlError pair_wrong(const std::string& words) {
    return {ControlErrorCode::invalid_params, words};
}

class NodeMethods : public std::enable_shared_from_this<NodeMethods> {
  public:
    NodeMethods(asio::io_context& loop, NodeRunner& node, NodeMethodDoors doors)
        : loop_(loop), node_(node), doors_(std::move(doors)) {}

    using Method = void (NodeMethods::*)(const json&, const Caller&, const Answerer&);

    // A program that was just started looks at its database first; who was told that it is ready
    // need not know.
    void when_started(Method method, const json& params, const Caller& caller,
                      const Answerer& answer) {
        wait(
            start_patience, [this] { return node_.started(); },
            [this, method, params, caller, answer] { (this->*method)(params, caller, answer); });
    }

    [[nodiscard]] ControlAnswer show() const { return node_json(node_, doors_); }
    [[nodiscard]] const NodeRunner& node() const { return node_; }

    void shut_down(const json& params, const Caller& caller, const Answerer& answer) {
        const auto wish = voting::shutdown_wish(params, names());
        if (!wish) return answer(pair_wrong(wish.error().message));
        const std::string subject(pair::to_text(wish->subject));
        const bool only_own = wish->subject != pair::Subject::both &&
                              concerns(wish->subject, node_.options().pair.node.node);
        if (only_own && node_.started() && node_.rules().state() == pair::NodeState::shut_down) {
            return answer(ControlError{ControlErrorCode::state_differs,
                                       "node " + node_.options().name +
                                           " is out of service already; nothing was changed"});
        }
        if (!noted(caller, "pair.shutdown", subject, wish->reason, answer)) return;
        const auto key =
            node_.shut_down(wish->subject, wish->mode, runtime::to_text(caller), wish->reason);
        if (!key) return answer(ControlError{ControlErrorCode::busy, key.error().message});
        if (!concerns(wish->subject, node_.options().pair.node.node)) {
            json carried = voting::key_json(*key);
            carried["carried"] = true;
            return answer(std::move(carried));
        }
        wait_until_left(key->id, answer);
    }

    void recover(const json& params, const Caller& caller, const Answerer& answer) {
        const auto name = runtime::text_parameter(params, "node");
        if (!name) return answer(pair_wrong(name.error().message));
        const auto& own = node_.options().name;
        const auto own_word = pair::to_text(node_.options().pair.node.node);
        if (*name != own && *name != own_word) {
            return answer(pair_wrong("this is node " + own + " (" + std::string(own_word) +
                                     "): give the command on node " + *name));
        }
        if (!params.contains("forced")) {
            if (!noted(caller, "pair.recover", own, params.value("reason", ""), answer)) return;
            const auto done = node_.recover();
            if (!done)
                return answer(ControlError{ControlErrorCode::state_differs, done.error().message});
            return wait_until_settled(answer);
        }
        const auto typed = runtime::text_parameter(params, "forced");
        const auto reason = runtime::text_parameter(params, "reason");
        if (!typed || *typed != own) {
            return answer(pair_wrong(
                "a forced start gives up whatever only the other node has: type this node's name "
                "again, --forced " +
                own +
                ", when you are certain that the other is out of "
                "service for good"));
        }
        if (!reason) return answer(pair_wrong(reason.error().message));
        if (!noted(caller, "pair.recover --forced", own, *reason, answer)) return;
        const auto done = node_.forced_start();
        if (!done)
            return answer(ControlError{ControlErrorCode::state_differs, done.error().message});
        wait_until_settled(answer);
    }

    void enrol(const json& params, const Caller& caller, const Answerer& answer) {
        const auto reason = runtime::text_parameter(params, "reason");
        if (!reason) return answer(pair_wrong(reason.error().message));
        const auto& cluster = node_.options().pair.node.cluster;
        const bool founds = params.contains("found");
        if (founds == params.contains("agent")) {
            return answer(
                pair_wrong("name an agent to be taken in again, or --found CLUSTER to "
                           "begin a new pair"));
        }
        if (founds) {
            const auto typed = runtime::text_parameter(params, "found");
            if (!typed || *typed != cluster)
                return answer(pair_wrong("the pair's name is " + cluster + ", as pair.cluster"));
        }
        const auto agent =
            founds ? core::Result<std::string>(cluster) : runtime::text_parameter(params, "agent");
        if (!agent) return answer(pair_wrong(agent.error().message));
        if (!noted(caller, "pair.enrol", *agent, *reason, answer)) return;
        const auto done = founds ? node_.found() : node_.enrol(*agent);
        if (!done)
            return answer(ControlError{ControlErrorCode::state_differs, done.error().message});
        answer(show());
    }

  private:
    [[nodiscard]] std::array<std::string, 2> names() const {
        const auto& options = node_.options();
        std::array<std::string, 2> both{options.name, options.pair.peer.name};
        if (options.pair.node.node == pair::Node::second) std::swap(both[0], both[1]);
        return both;
    }

    bool noted(const Caller& caller, const std::string& action, const std::string& subject,
               const std::string& reason, const Answerer& answer) {
        const auto kept = doors_.audit(caller, action, subject, reason);
        if (!kept) answer(ControlError{ControlErrorCode::failed, kept.error().message});
        return kept.ok();
    }

    // Looks again and again until it is `over`, or `patience` is; then `go_on`.
    void wait(std::chrono::steady_clock::duration patience, const std::function<bool()>& over,
              const std::function<void()>& go_on) {
        look(std::make_shared<asio::steady_timer>(loop_),
             std::chrono::steady_clock::now() + patience, over, go_on);
    }
    void look(const std::shared_ptr<asio::steady_timer>& timer,
              std::chrono::steady_clock::time_point until, const std::function<bool()>& over,
              const std::function<void()>& go_on) {
        if (over() || std::chrono::steady_clock::now() >= until) return go_on();
        timer->expires_after(looked_at_every);
        timer->async_wait(
            [self = weak_from_this(), timer, until, over, go_on](const std::error_code& error) {
                const auto methods = self.lock();
                if (!error && methods) methods->look(timer, until, over, go_on);
            });
    }

    // Until `over` has an answer; at the end of the patience the state as it is then.
    void wait_until(const std::function<std::optional<ControlAnswer>()>& over,
                    const Answerer& answer) {
        wait(
            node_patience, [over] { return over().has_value(); },
            [this, over, answer] {
                auto done = over();
                answer(done ? std::move(*done) : in_the_end());
            });
    }

    // Whoever goes on as if the node had left would cut it off while it begins to serve.
    [[nodiscard]] ControlAnswer in_the_end() const {
        const auto& waits = node_.rules().waiting_order();
        if (!waits) return show();
        return ControlError{ControlErrorCode::busy,
                            "node " + node_.options().name + " is " +
                                std::string(pair::to_text(node_.rules().state())) +
                                ": the command waits until it is not any more, at most a minute; "
                                "`lractl pair show` and `lractl event list` tell what becomes of "
                                "it, `lractl pair recover` takes it back",
                            R"({"reason": "command_waits"})"};
    }
    void wait_until_left(const pair::KeyId& id, const Answerer& answer) {
        wait_until(
            [this, id]() -> std::optional<ControlAnswer> {
                const auto& rules = node_.rules();
                if (rules.state() == pair::NodeState::shut_down) return show();
                const bool waits = rules.waiting_order() && rules.waiting_order()->id == id;
                const bool obeyed = waits || (rules.key() && rules.key()->id == id);
                if (obeyed) return std::nullopt;
                return ControlAnswer(ControlError{
                    ControlErrorCode::state_differs,
                    "the command is not obeyed, nothing was changed; `lractl event list` says "
                    "why: too few agents have stored its key, or another one is being obeyed"});
            },
            answer);
    }
    void wait_until_settled(const Answerer& answer) {
        wait_until(
            [this]() -> std::optional<ControlAnswer> {
                const auto state = node_.rules().state();
                if (state == pair::NodeState::recovering) return std::nullopt;
                return show();
            },
            answer);
    }

    asio::io_context& loop_;
    NodeRunner& node_;
    NodeMethodDoors doors_;
};

}  // namespace

json node_json(const NodeRunner& node, const NodeMethodDoors& doors) {
    const auto& options = node.options();
    const auto& rules = node.rules();
    const auto right = node.right();
    const auto step = rules.running_step();
    const auto consent = node.agents_consent();
    const auto& waits = rules.waiting_order();
    return {{"cluster", options.pair.node.cluster},
            {"node", pair::to_text(options.pair.node.node)},
            {"name", options.name},
            {"state", node.started() ? pair::to_text(rules.state()) : "starting"},
            {"why", node.why()},
            {"since", runtime::to_text(node.since())},
            {"procedure", pair::to_text(rules.procedure())},
            {"step", step ? json(pair::to_text(*step)) : json()},
            {"waiting_command", waits ? voting::key_json(*waits) : json()},
            {"epoch", rules.epoch()},
            {"takes_requests", right.may_claim},
            {"acts", pair::may_send(right, runtime::clock_now().monotonic)},
            {"agents_consent", consent ? json(*consent) : json()},
            {"data", data_json(rules.data())},
            {"threshold", options.pair.node.threshold},
            {"replication", replication_json(node)},
            {"peer", peer_json(node)},
            {"agents", agents_json(node, doors)}};
}

void serve_node(asio::io_context& loop, runtime::ControlServer& server, NodeRunner& node,
                NodeMethodDoors doors) {
    const auto methods = std::make_shared<NodeMethods>(loop, node, std::move(doors));
    server.on("pair.show", [methods](const json&, const Caller&) { return methods->show(); });
    server.on("pair.votes",
              [methods](const json&, const Caller&) { return node_votes(methods->node()); });
    server.on("pair.keys",
              [methods](const json&, const Caller&) { return node_keys(methods->node()); });
    server.on_async("pair.shutdown",
                    [methods](const json& params, const Caller& caller, const Answerer& answer) {
                        methods->when_started(&NodeMethods::shut_down, params, caller, answer);
                    });
    server.on_async("pair.recover",
                    [methods](const json& params, const Caller& caller, const Answerer& answer) {
                        methods->when_started(&NodeMethods::recover, params, caller, answer);
                    });
    server.on_async("pair.enrol",
                    [methods](const json& params, const Caller& caller, const Answerer& answer) {
                        methods->when_started(&NodeMethods::enrol, params, caller, answer);
                    });
}

void refuse_pair(runtime::ControlServer& server) {
    for (const char* method : pair_methods) {
        server.on(method, [](const json&, const Caller&) -> ControlAnswer {
            return ControlError{ControlErrorCode::failed,
                                "this controller serves its library alone: its lrad.json has no "
                                "section \"pair\" (docs/PAIR.md)"};
        });
    }
}

}  // namespace agent::pair_node
