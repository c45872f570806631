#include "agent/voting/voter_methods.hpp"

#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "agent/voting/pair_json.hpp"

namespace agent::voting {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

ControlError voter_wrong(const std::string& words) {
    return {ControlErrorCode::invalid_params, words};
}

json heard_json(const Voter& voter, pair::Node node) {
    const auto& heard = voter.heard(node);
    const auto& name = voter.configuration().nodes.at(pair::index_of(node));
    return {{"node", pair::to_text(node)},
            {"name", name},
            {"state", heard ? pair::to_text(heard->state) : "not_heard"},
            {"serves", heard && heard->serves},
            {"epoch", heard ? json(heard->epoch) : json()},
            {"last_heard", heard ? json(runtime::to_text(heard->at)) : json()}};
}

ControlAnswer show_voter(Voter& voter) {
    const auto& state = voter.rules().state();
    return json{
        {"cluster", voter.configuration().cluster},
        {"enrolled", state.held.has_value()},
        {"hold", state.hold},
        {"view", pair::to_text(voter.rules().view())},
        {"register", state.held ? value_json(state.held->value) : json()},
        {"promised", state.held ? ballot_json(state.held->promised) : json()},
        {"accepted", state.held ? ballot_json(state.held->accepted) : json()},
        {"instance", state.instance},
        {"changes", state.changes},
        {"nodes", {heard_json(voter, pair::Node::first), heard_json(voter, pair::Node::second)}}};
}

ControlAnswer voter_votes(Voter& voter) {
    json answers = json::array();
    for (const auto& [agent, decision] : voter.rules().decisions())
        answers.push_back(answer_json(decision));
    return json{{"view", pair::to_text(voter.rules().view())}, {"answers", std::move(answers)}};
}

ControlAnswer voter_keys(Voter& voter) {
    json keys = json::array();
    for (const auto& key : voter.rules().state().keys)
        keys.push_back(key_json(key));
    return keys;
}

}  // namespace

void serve_voter(runtime::ControlServer& server, const std::function<Voter*()>& voter,
                 const Audit& audit) {
    const auto about = [&server, voter](const char* method, auto work) {
        server.on(method, [voter, work](const json& params, const Caller& caller) -> ControlAnswer {
            Voter* const one = voter();
            if (one != nullptr) return work(*one, params, caller);
            return ControlError{ControlErrorCode::failed,
                                "this agent has no vote: its dsad.json has no section \"pair\" "
                                "(docs/PAIR.md)"};
        });
    };
    about("pair.show", [](Voter& v, const json&, const Caller&) { return show_voter(v); });
    about("pair.votes", [](Voter& v, const json&, const Caller&) { return voter_votes(v); });
    about("pair.keys", [](Voter& v, const json&, const Caller&) { return voter_keys(v); });
    about("pair.shutdown",
          [audit](Voter& v, const json& params, const Caller& caller) -> ControlAnswer {
              const auto wish = shutdown_wish(params, v.configuration().nodes);
              if (!wish) return voter_wrong(wish.error().message);
              if (auto noted = audit(caller, "pair.shutdown",
                                     std::string(pair::to_text(wish->subject)), wish->reason);
                  !noted)
                  return ControlError{ControlErrorCode::failed, noted.error().message};
              const auto key =
                  v.shut_down(wish->subject, wish->mode, runtime::to_text(caller), wish->reason);
              if (!key) return ControlError{ControlErrorCode::failed, key.error().message};
              return key_json(*key);
          });
    for (const bool hold : {true, false}) {
        const char* const method = hold ? "pair.hold" : "pair.release";
        about(method,
              [audit, hold, method](Voter& v, const json& params,
                                    const Caller& caller) -> ControlAnswer {
                  const auto reason = runtime::text_parameter(params, "reason");
                  if (!reason) return voter_wrong(reason.error().message);
                  if (auto noted = audit(caller, method, v.configuration().cluster, *reason);
                      !noted)
                      return ControlError{ControlErrorCode::failed, noted.error().message};
                  v.set_hold(hold, runtime::to_text(caller), *reason);
                  return show_voter(v);
              });
    }
}

}  // namespace agent::voting
