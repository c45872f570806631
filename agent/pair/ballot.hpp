#pragma once

// A vote: one ballot in two rounds over the registers of the voting agents. In the first each agent
// promises to hear no lower ballot and tells what it has accepted; from the newest of these values
// follows the new one; in the second each agent accepts it. More than `threshold` acceptances
// decide. With one round a node that collected its votes, was suspended and woke up again would be
// a second lone primary.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/pair/register.hpp"
#include "agent/pair/shutdown_key.hpp"

namespace agent::pair {

struct PromiseRequest {
    std::string cluster;
    Ballot ballot;
    Wish wish = Wish::read;
    Candidate candidate;
    bool operator==(const PromiseRequest&) const = default;
};

struct AcceptRequest {
    Ballot ballot;
    Wish wish = Wish::read;
    RegisterValue value;
    bool operator==(const AcceptRequest&) const = default;
};

// One agent's decision. An agent that promises and objects has told its register's view; the
// objection counts as a no, the promise counts for reading the newest value.
struct BallotAnswer {
    enum class Round : std::uint8_t { promise, accept };
    AgentName agent;
    // Of the agent's store, and how often it has changed: another store, or a count that went back,
    // has forgotten what this agent promised.
    std::string instance;
    std::uint64_t changes = 0;
    Round round = Round::promise;
    Ballot ballot;         // asked under
    bool granted = false;  // promised, or accepted
    Objection objection = Objection::none;
    Ballot promised;                       // now, whatever was answered
    Ballot accepted;                       // what `value` was accepted under
    std::optional<RegisterValue> value{};  // with a granted promise
    bool operator==(const BallotAnswer&) const = default;
};

// What an agent knows besides its register when it is asked.
struct AgentKnowledge {
    bool other_serves = false;  // it has heard the candidate's peer serve within dead_after
    bool hold = false;
};

struct RegisterAnswer {
    BallotAnswer answer;
    std::optional<Register> record;  // to be durable before the answer is sent
};

// The agent's side: one question, one answer. `held` is nullptr where there is no register.
[[nodiscard]] RegisterAnswer answer_promise(const Register* held, const KeyStore& keys,
                                            const PromiseRequest& request,
                                            const AgentKnowledge& knowledge);
[[nodiscard]] RegisterAnswer answer_accept(const Register* held, const AcceptRequest& request,
                                           const AgentKnowledge& knowledge);

// The node's side of one ballot.
class Vote {
  public:
    enum class State : std::uint8_t {
        promising,
        accepting,
        decided,  // value() is accepted by more than threshold
        refused,  // the register forbids it: objection() says why
        outbid,   // somebody promised a higher ballot: try again above highest_seen()
        missing,  // given up before enough answers came
    };

    Vote(std::string cluster, Ballot ballot, Wish wish, Candidate candidate,
         std::vector<AgentName> voters, std::uint32_t threshold);

    [[nodiscard]] PromiseRequest promise_request() const;
    [[nodiscard]] AcceptRequest accept_request() const;  // from `accepting` on

    // Repeats and answers to other ballots change nothing. Returns true when the state changed.
    bool hear(const BallotAnswer& answer);

    // No more answers are waited for. A forced vote goes on with whoever has answered.
    void give_up();

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] Wish wish() const { return wish_; }
    [[nodiscard]] Ballot ballot() const { return ballot_; }
    [[nodiscard]] const std::vector<AgentName>& voters() const { return voters_; }
    [[nodiscard]] const RegisterValue& value() const { return value_; }
    [[nodiscard]] Objection objection() const { return objection_; }
    [[nodiscard]] std::uint64_t highest_seen() const { return highest_seen_; }
    [[nodiscard]] std::uint32_t threshold() const { return threshold_; }

    // One decision of each agent that answered, the newest: for `pair votes`, and to recount.
    [[nodiscard]] const std::map<AgentName, BallotAnswer>& answers() const { return answers_; }
    [[nodiscard]] std::size_t granted(BallotAnswer::Round round) const;
    // As ControllerNode::describe(); what each agent has answered is told for itself, so that
    // worlds which differ in the names of agents only can be found equal.
    void describe(std::string& text) const;
    void describe_agent(const AgentName& agent, std::string& text) const;
    // The accept round was begun: agents may have accepted without our hearing of it.
    [[nodiscard]] bool may_be_accepted() const { return accept_begun_; }

  private:
    void count_promises();
    void count_acceptances();

    std::string cluster_;
    Ballot ballot_;
    Wish wish_;
    Candidate candidate_;
    std::vector<AgentName> voters_;
    std::uint32_t threshold_;
    State state_ = State::promising;
    Objection objection_ = Objection::none;
    RegisterValue value_;
    std::uint64_t highest_seen_ = 0;
    bool accept_begun_ = false;
    std::map<AgentName, BallotAnswer> promises_;
    std::map<AgentName, BallotAnswer> acceptances_;
    std::map<AgentName, BallotAnswer> answers_;
};

// Anybody's count of the same decisions: does `node` get what it asks for? Agents recount so that
// no controller has to be believed.
struct Verdict {
    std::uint32_t yes = 0;
    std::uint32_t no = 0;
    std::uint32_t silent = 0;
    bool granted = false;
    bool operator==(const Verdict&) const = default;
};
[[nodiscard]] Verdict verdict_of(const std::vector<AgentName>& voters, std::uint32_t threshold,
                                 const std::map<AgentName, BallotAnswer>& decisions);

}  // namespace agent::pair
