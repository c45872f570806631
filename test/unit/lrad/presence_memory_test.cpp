#include "agent/lrad/presence_memory.hpp"

#include "test/support/catch.hpp"

using agent::core::AgentPresence;
using agent::lrad::PresenceMemory;

TEST_CASE("the newest word of each agent's newest life counts") {
    PresenceMemory memory;
    CHECK(memory.started("host-a") == nullptr);
    CHECK(memory.stopping("host-a") == nullptr);
    CHECK(memory.hear({"lra", "host-a", 5}, false));
    CHECK_FALSE(memory.hear({"lra", "host-a", 5}, false));  // a sign of life
    REQUIRE(memory.started("host-a") != nullptr);
    CHECK_FALSE(memory.hear({"lra", "host-a", 4}, true));  // an earlier life's
    CHECK(memory.hear({"lra", "host-a", 5}, true));
    CHECK(memory.started("host-a") == nullptr);
    REQUIRE(memory.stopping("host-a") != nullptr);
    CHECK(memory.stopping("host-a")->incarnation == 5);
    CHECK_FALSE(memory.hear({"lra", "host-a", 5}, false));  // late, or replayed
    CHECK(memory.stopping("host-a") != nullptr);
    CHECK(memory.hear({"lra", "host-a", 6}, false));
    CHECK(memory.started("host-a")->incarnation == 6);
    CHECK(memory.stopping("host-b") == nullptr);
}

TEST_CASE("what an agent has said is known after a restart") {
    PresenceMemory before;
    before.hear({"lra-a", "host-a", 18'000'000'000'000'000'000U}, true);
    before.hear({"lra-b", "host-b", 7}, false);
    PresenceMemory after;
    for (const auto* agent : {"host-a", "host-b"})
        after.recall(agent, before.text_of(agent));
    REQUIRE(after.stopping("host-a") != nullptr);
    CHECK(*after.stopping("host-a") ==
          AgentPresence{"lra-a", "host-a", 18'000'000'000'000'000'000U});
    REQUIRE(after.started("host-b") != nullptr);
    CHECK(*after.started("host-b") == AgentPresence{"lra-b", "host-b", 7});
    CHECK(after.text_of("host-c").empty());
}

TEST_CASE("words that can not be read are as if nothing had been said") {
    for (const auto* text : {"", "started", "started ", "started x lra", "stopping 7", "gone 7 lra",
                             "started 99999999999999999999 lra", "started -1 lra"}) {
        PresenceMemory memory;
        memory.recall("host-a", text);
        CHECK(memory.started("host-a") == nullptr);
        CHECK(memory.stopping("host-a") == nullptr);
    }
}
