#pragma once

// What both nodes of a pair know: drives that are forced offline, what agents have last said of
// themselves, and which are retired; this node's own records beside the rows in the database of the
// pair. On the event loop's thread; the database is asked on a thread of its own, and nothing waits
// for it longer than it says here.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent_roster.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/lrad/offline_ledger.hpp"
#include "agent/lrad/retirement_ledger.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::lrad {

struct SharedRecordsDoors {
    // A named text that survives restarts, recorded when it returns.
    std::function<core::Outcome(const std::string& name, const std::string& text)> remember;
    std::function<core::Result<std::optional<std::string>>(const std::string& name)> recall;
    // The drives that are configured, as they are recorded at this moment.
    std::function<std::vector<core::DriveRecord>()> drives;
    // The agents that are configured; others have no say.
    std::function<std::vector<core::AgentName>()> agents;
    // Makes a drive what the other node has made it; it is recorded so
    // when this returns, or about to be brought back.
    std::function<void(const OfflineWish& wish)> obey;
    // What was kept back for a drive may be done: its mark is on both disks, or was waited for long
    // enough.
    std::function<void(const core::DriveSerial& drive)> recorded;
    // The other node has heard of an agent what this one has not.
    std::function<void(const core::AgentRoster::News& news)> heard_elsewhere;
    // The other node's administrator has retired an agent.
    std::function<void(const postgres::AgentRetirement& retirement)> retired;
    // What this node calls hosts without an agent, and their drives; and what each node has put, by
    // the nodes' names.
    std::function<std::string()> host_names = [] { return std::string(); };
    std::function<void(const std::map<std::string, std::string>& rows)> host_names_seen =
        [](const auto&) {};
    std::function<void(core::Message message, const std::vector<std::string>& words)> note;
    // Nothing can be recorded any more: the process has to end.
    std::function<void(const std::string& why)> broken;
};

class SharedRecords {
  public:
    SharedRecords(asio::io_context& loop, const runtime::PairDatabaseConfiguration& database,
                  std::string node, SharedRecordsDoors doors);
    ~SharedRecords();

    // As this node has recorded its drives; before anything else.
    void begin(const std::vector<core::DriveRecord>& drives);
    // Nothing more is asked.
    void stop();

    // What a drive is has been recorded. `by`: who has cleared it, and why.
    void follow(const core::DriveRecord& drive, const std::string& by);
    // It is ordered offline, after it was on its way back perhaps.
    void forced_anew(const core::DriveSerial& drive);
    // The agent has said "started", retired or not, or "stopping".
    void heard(const core::AgentName& agent, std::uint64_t incarnation, bool stopping);
    // An administrator has retired the agent here.
    void retire(const core::AgentName& agent, const std::string& actor, const std::string& reason);
    // What the other node's administrator has said of it counts: any life may come next. Or not,
    // since it is there in this life.
    void forget(const postgres::AgentRetirement& retirement);
    void overrule(const postgres::AgentRetirement& retirement, std::uint64_t incarnation);
    // What is known of agents, here or at the other node.
    [[nodiscard]] const core::AgentRoster& roster() const;
    // nullptr: it is not retired, at either node.
    [[nodiscard]] const postgres::AgentRetirement* retirement_of(
        const core::AgentName& agent) const;
    // This node begins to serve.
    void serve();
    // Is it worth waiting a moment before the drive is made offline? False from then on: its mark
    // is there, or the moment is over. When true, `recorded` is called once.
    [[nodiscard]] bool is_to_wait(const core::DriveSerial& drive);

    // Reads the rows of this node's own server, which takes writes by now, and obeys them. `done`
    // once, from the loop, unless this ends before; an error: they could not be read.
    void read_before_serving(const std::function<void(const core::Outcome&)>& done);
    // By what the drive is forced offline at either node, as ids.
    [[nodiscard]] std::vector<std::string> open_marks(const core::DriveSerial& drive) const;
    // Marks that could not be put, for status; in words.
    [[nodiscard]] std::size_t untold() const;

  private:
    class Work;
    std::shared_ptr<Work> work_;
};

}  // namespace agent::lrad
