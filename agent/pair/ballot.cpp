#include "agent/pair/ballot.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"

namespace agent::pair {
namespace {

using Round = BallotAnswer::Round;

BallotAnswer answer_of(const Register* held, Round round, Ballot ballot) {
    BallotAnswer answer;
    answer.round = round;
    answer.ballot = ballot;
    if (held != nullptr) {
        answer.promised = held->promised;
        answer.accepted = held->accepted;
    }
    return answer;
}

// What this agent's own register says of the wish. Told with the promise; decided by the newest of
// all registers, for this one may have missed a vote.
Objection view_of(const Register& held, const PromiseRequest& request) {
    const auto after = value_after(held.value, request.wish, request.candidate);
    const auto* objection = std::get_if<Objection>(&after);
    return objection == nullptr ? Objection::none : *objection;
}

// Reasons not even to promise: the node's attempt must not disturb the one that serves.
Objection refusal_of(const Register* held, const KeyStore& keys, const PromiseRequest& request,
                     const AgentKnowledge& knowledge) {
    if (held == nullptr) return Objection::not_registered;
    if (request.cluster != held->value.cluster) return Objection::cluster;
    if (request.ballot <= held->promised) return Objection::stale_ballot;
    if (knowledge.hold) return Objection::hold;
    if (request.wish != Wish::alone) return Objection::none;
    const Departure* gone = departure_of(keys, other(request.candidate.node));
    const bool newest = view_of(*held, request) == Objection::none;
    // Named alone already: the other one is not any more, and what it wrote last nobody was told.
    const bool named =
        held->value.relation == Relation::alone && held->value.primary == request.candidate.node;
    if (newest && !named && gone != nullptr && gone->clean &&
        request.candidate.position < gone->position) {
        return Objection::behind;
    }
    if (knowledge.other_serves) return Objection::peer_alive;
    return Objection::none;
}

}  // namespace

RegisterAnswer answer_promise(const Register* held, const KeyStore& keys,
                              const PromiseRequest& request, const AgentKnowledge& knowledge) {
    RegisterAnswer result{answer_of(held, Round::promise, request.ballot), std::nullopt};
    BallotAnswer& answer = result.answer;
    // The same question again, after its answer was lost.
    const bool repeated = held != nullptr && request.ballot == held->promised &&
                          request.cluster == held->value.cluster && held->accepted < held->promised;
    answer.objection = repeated ? Objection::none : refusal_of(held, keys, request, knowledge);
    if (answer.objection != Objection::none) return result;
    answer.granted = true;
    answer.promised = request.ballot;
    answer.value = held->value;
    answer.objection = view_of(*held, request);
    if (!repeated) {
        result.record = *held;
        result.record->promised = request.ballot;
    }
    return result;
}

RegisterAnswer answer_accept(const Register* held, const AcceptRequest& request,
                             const AgentKnowledge& knowledge) {
    RegisterAnswer result{answer_of(held, Round::accept, request.ballot), std::nullopt};
    BallotAnswer& answer = result.answer;
    if (held == nullptr) {
        answer.objection = Objection::not_registered;
    } else if (request.value.cluster != held->value.cluster) {
        answer.objection = Objection::cluster;
    } else if (request.ballot < held->promised) {
        answer.objection = Objection::stale_ballot;
    } else if (knowledge.hold) {
        answer.objection = Objection::hold;
    }
    if (answer.objection != Objection::none) return result;
    answer.granted = true;
    answer.promised = request.ballot;
    answer.accepted = request.ballot;
    const Register accepted{request.ballot, request.ballot, request.value};
    if (accepted != *held) result.record = accepted;
    return result;
}

Vote::Vote(std::string cluster, Ballot ballot, Wish wish, Candidate candidate,
           std::vector<AgentName> voters, std::uint32_t threshold)
    : cluster_(std::move(cluster)),
      ballot_(ballot),
      wish_(wish),
      candidate_(candidate),
      voters_(std::move(voters)),
      threshold_(threshold),
      highest_seen_(ballot.counter) {
    std::sort(voters_.begin(), voters_.end());
}

PromiseRequest Vote::promise_request() const {
    return {cluster_, ballot_, wish_, candidate_};
}

AcceptRequest Vote::accept_request() const {
    AGENT_ASSERT(accept_begun_);
    return {ballot_, wish_, value_};
}

std::size_t Vote::granted(Round round) const {
    const auto& answers = round == Round::promise ? promises_ : acceptances_;
    return static_cast<std::size_t>(std::count_if(
        answers.begin(), answers.end(), [](const auto& entry) { return entry.second.granted; }));
}

bool Vote::hear(const BallotAnswer& answer) {
    if (answer.ballot != ballot_) return false;
    if (!std::binary_search(voters_.begin(), voters_.end(), answer.agent)) return false;
    if (state_ != State::promising && state_ != State::accepting) return false;
    const State before = state_;
    answers_[answer.agent] = answer;
    highest_seen_ = std::max(highest_seen_, answer.promised.counter);
    auto& round = answer.round == Round::promise ? promises_ : acceptances_;
    round.emplace(answer.agent, answer);
    if (state_ == State::promising) count_promises();
    if (state_ == State::accepting) count_acceptances();
    if (state_ == before && !answer.granted && answer.objection == Objection::stale_ballot) {
        state_ = State::outbid;
    }
    const bool everybody =
        (state_ == State::promising ? promises_ : acceptances_).size() == voters_.size();
    if (state_ == before && everybody) give_up();
    return state_ != before;
}

void Vote::count_promises() {
    const BallotAnswer* newest = nullptr;
    for (const auto& [agent, answer] : promises_) {
        if (!answer.granted || !answer.value) continue;
        if (newest == nullptr || newest->accepted < answer.accepted) newest = &answer;
    }
    if (newest == nullptr) return;
    // The number that was agreed upon counts, whatever the configuration says meanwhile.
    threshold_ = std::max(threshold_, newest->value->threshold);
    if (wish_ == Wish::forced || granted(Round::promise) <= threshold_) return;
    const auto after = value_after(*newest->value, wish_, candidate_);
    if (const auto* objection = std::get_if<Objection>(&after)) {
        objection_ = *objection;
        state_ = State::refused;
        return;
    }
    value_ = std::get<RegisterValue>(after);
    accept_begun_ = true;
    state_ = State::accepting;
}

void Vote::count_acceptances() {
    if (wish_ == Wish::forced || granted(Round::accept) <= threshold_) return;
    state_ = State::decided;
}

void Vote::give_up() {
    if (state_ == State::accepting && wish_ == Wish::forced) {
        state_ = State::decided;
        return;
    }
    if (state_ == State::promising && wish_ == Wish::forced) {
        RegisterValue newest{cluster_,         candidate_.epoch, Relation::pair, candidate_.node,
                             candidate_.epoch, voters_,          threshold_};
        Ballot accepted;
        for (const auto& [agent, answer] : promises_) {
            if (!answer.granted || !answer.value || answer.accepted < accepted) continue;
            accepted = answer.accepted;
            newest = *answer.value;
        }
        value_ = std::get<RegisterValue>(value_after(newest, wish_, candidate_));
        accept_begun_ = true;
        state_ = State::accepting;
        return;
    }
    if (state_ == State::promising || state_ == State::accepting) state_ = State::missing;
}

Verdict verdict_of(const std::vector<AgentName>& voters, std::uint32_t threshold,
                   const std::map<AgentName, BallotAnswer>& decisions) {
    Verdict verdict;
    for (const auto& voter : voters) {
        const auto decision = decisions.find(voter);
        if (decision == decisions.end()) {
            ++verdict.silent;
        } else if (decision->second.granted && decision->second.objection == Objection::none) {
            ++verdict.yes;
        } else {
            ++verdict.no;
        }
    }
    verdict.granted = verdict.yes > threshold;
    return verdict;
}

}  // namespace agent::pair
