#pragma once

// The controller's open questions "whose application holds this drive?": one per drive at most,
// whom it was put to, what they said, and what follows. Decides nothing about notices or alarms;
// reservation_agent_holders.cpp does.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/holder_question.hpp"
#include "agent/core/holder_search.hpp"
#include "agent/core/time.hpp"

namespace agent::core {

struct HolderInquiryTimes {
    Duration timeout{0};  // how long answers are waited for; 0: nobody is ever asked
    Duration repeat{0};   // from the end of one question to the next, as long as one is needed
};

// What the statements on one question come to.
struct HolderConclusion {
    enum class Kind : std::uint8_t {
        nobody,         // no agent says that it is its host
        named,          // one host, or several of one application domain
        contradiction,  // hosts of different domains say so: at most one of them can be right
    };
    Kind kind = Kind::nobody;
    std::vector<AgentName> agents;     // who said "mine"
    std::vector<InitiatorPort> ports;  // theirs, sorted, each once; only of `named`
};

class HolderInquiries {
  public:
    struct Asked {
        DomainName domain;  // of the agent, as the controller's configuration says
        bool waited_for = true;
        std::optional<HolderStatement> statement;
    };
    struct Question {
        NoticeId id;
        Instant asked_at;
        bool open = true;           // answers are still waited for
        bool policy_waits = false;  // what is done about an unknown holder waits for the end of it
        std::map<AgentName, Asked> agents;
    };

    void set_times(HolderInquiryTimes times) { times_ = times; }
    [[nodiscard]] bool enabled() const { return times_.timeout.ms > 0; }

    // In place of any older question about the drive. With nobody to wait for it is over at once.
    void ask(const DriveSerial& drive, NoticeId id, std::map<AgentName, Asked> agents,
             bool policy_waits, Instant now);
    // The drive's reservation is another one, or its holder is known: no answer counts any more.
    // Returns who may still be being asked.
    std::vector<AgentName> drop(const DriveSerial& drive);

    enum class Taken : std::uint8_t {
        counts,       // look at conclusion_of()
        repeated,     // the same agent has answered this question already
        older,        // to a question that is not the newest about the drive any more
        never_asked,  // no such question was put to that agent
    };
    Taken take(const HolderStatement& statement);

    [[nodiscard]] bool complete(const DriveSerial& drive) const;
    [[nodiscard]] HolderConclusion conclusion_of(const DriveSerial& drive) const;
    // Nobody is waited for any more; later statements on the same question still count. Returns who
    // has not answered.
    std::vector<AgentName> close(const DriveSerial& drive, Instant now);

    // The next question, at `at` or soon after; once.
    void ask_again(const DriveSerial& drive, Instant at) { again_at_[drive] = at; }

    // All with a question, open or not, or one to come.
    [[nodiscard]] std::vector<DriveSerial> drives() const;
    [[nodiscard]] const Question* find(const DriveSerial& drive) const;
    [[nodiscard]] std::vector<DriveSerial> timed_out(Instant now) const;
    // Drives whose next question is due; each is given out once.
    [[nodiscard]] std::vector<DriveSerial> due_again(Instant now);
    [[nodiscard]] std::optional<Instant> next_wakeup() const;
    // For people: what each agent has said.
    void describe(const DriveSerial& drive, HolderSearch& search) const;

  private:
    HolderInquiryTimes times_;
    NoticeId newest_;  // of all questions of this process
    std::map<DriveSerial, Question> questions_;
    std::map<DriveSerial, Instant> again_at_;
};

}  // namespace agent::core
