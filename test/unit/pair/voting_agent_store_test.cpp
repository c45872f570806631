#include "agent/runtime/voting_agent_store.hpp"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "agent/pair/voting_agent.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace agent::pair;
using agent::runtime::VotingAgentStore;

namespace {

Register beginning() {
    return {{}, {}, {"c", 1, Relation::pair, Node::first, 1, {"a1", "a2", "a3"}, 1}};
}

VotingAgent agent_with(const VotingAgentState& state) {
    VotingAgentConfiguration configuration;
    configuration.agent = "a1";
    return {configuration, state, {0}};
}

VotingAgentState loaded(const std::string& path) {
    const auto store = VotingAgentStore::open(path);
    REQUIRE(store.ok());
    const auto state = store->load();
    REQUIRE(state.ok());
    return *state;
}

PromiseAsked asks(std::uint64_t counter) {
    return {Node::second, {"c", {counter, Node::second}, Wish::alone, {Node::second, 1, {}}}};
}

}  // namespace

TEST_CASE("a new store is nobody's: it has an instance of its own and no register") {
    const TemporaryFolder folder;
    const auto one = loaded(folder.file("pair.db"));
    const auto other = loaded(folder.file("other.db"));
    CHECK(one.instance.size() == 32);
    CHECK(one.instance != other.instance);
    CHECK_FALSE(one.held);
    CHECK(loaded(folder.file("pair.db")).instance == one.instance);
}

TEST_CASE("what an agent has promised, accepted and stored is there after its end") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    VotingAgentState kept;
    {
        auto store = VotingAgentStore::open(path);
        REQUIRE(store.ok());
        VotingAgent agent = agent_with(*store->load());
        ShutdownKey key;
        key.id = {1, 1, "night's \"own\""};
        key.cluster = "c";
        key.reason = "100 % of it; DROP TABLE voter";
        key.subject = Subject::both;
        const VotingAgentInput inputs[] = {Enrolled{beginning()}, asks(4), KeyArrived{key},
                                           HoldSet{true}};
        for (const auto& input : inputs) {
            const auto effects = agent.step(input, {100'000});
            REQUIRE(store.value().commit(effects).ok());
        }
        kept = agent.state();
    }
    CHECK(kept.changes == 4);
    CHECK(loaded(path) == kept);
}

TEST_CASE("a vote is on the disk before it is said, though the process is killed that moment") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    {
        auto store = VotingAgentStore::open(path);
        REQUIRE(store.ok());
        VotingAgent agent = agent_with(*store->load());
        REQUIRE(store.value().commit(agent.step(Enrolled{beginning()}, {100'000})).ok());
    }
    for (std::uint64_t counter = 1; counter <= 5; ++counter) {
        int said[2];
        REQUIRE(pipe(said) == 0);
        const pid_t child = fork();
        if (child == 0) {
            auto store = VotingAgentStore::open(path);
            if (!store.ok()) _exit(1);
            VotingAgent agent = agent_with(*store->load());
            const auto effects = agent.step(asks(counter), {100'000});
            if (!store.value().commit(effects).ok()) _exit(1);
            const char yes = 'y';
            if (write(said[1], &yes, 1) != 1) _exit(1);
            pause();  // until it is killed
            _exit(1);
        }
        close(said[1]);
        char heard = 0;
        CHECK(read(said[0], &heard, 1) == 1);
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        close(said[0]);
        const auto state = loaded(path);
        REQUIRE(state.held);
        CHECK(state.held->promised.counter == counter);
        // And a lower one is refused by the agent that comes after it.
        VotingAgent after = agent_with(state);
        for (const auto& effect : after.step(asks(counter - 1), {100'000})) {
            const auto* vote = std::get_if<SendVote>(&effect);
            if (vote != nullptr) CHECK(vote->answer.objection == Objection::stale_ballot);
        }
    }
}

TEST_CASE("a file of something else, and one that makes no sense, are refused in words") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    std::ofstream(path) << "this is no database, and long enough to be taken for one by its size";
    const auto refused = VotingAgentStore::open(path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("pair.db") != std::string::npos);
    CHECK_FALSE(VotingAgentStore::open(folder.file("missing/pair.db")).ok());
}
