#include "agent/core/agent_roster.hpp"

#include "test/support/catch.hpp"

using agent::core::AgentRoster;
using agent::core::AgentWord;

namespace {

const std::vector<agent::core::AgentName> hosts{"host-a", "host-b", "host-c"};

}  // namespace

TEST_CASE("the newest word of each agent's newest life counts") {
    AgentRoster roster;
    CHECK_FALSE(roster.started("host-a"));
    CHECK_FALSE(roster.stopping("host-a"));
    CHECK(roster.hear("host-a", 5, false));
    CHECK_FALSE(roster.hear("host-a", 5, false));  // a sign of life
    CHECK(roster.started("host-a") == 5U);
    CHECK_FALSE(roster.hear("host-a", 4, true));  // an earlier life's
    CHECK(roster.hear("host-a", 5, true));
    CHECK_FALSE(roster.started("host-a"));
    CHECK(roster.stopping("host-a") == 5U);
    CHECK_FALSE(roster.hear("host-a", 5, false));  // late, or replayed
    CHECK(roster.stopping("host-a") == 5U);
    CHECK(roster.hear("host-a", 6, false));
    CHECK(roster.started("host-a") == 6U);
    CHECK_FALSE(roster.stopping("host-b"));
}

TEST_CASE("an agent that is retired may come with any life, and owes nothing before") {
    AgentRoster roster;
    roster.hear("host-a", 5, false);
    CHECK(roster.retire("host-a", 100));
    CHECK_FALSE(roster.started("host-a"));
    CHECK_FALSE(roster.stopping("host-a"));
    CHECK_FALSE(roster.retire("host-a", 100));  // told again
    CHECK(roster.hear("host-a", 1, false));
    CHECK(roster.started("host-a") == 1U);
    CHECK_FALSE(roster.retire("host-a", 100));  // told late: it has started since
    CHECK(roster.started("host-a") == 1U);
    CHECK(roster.era_of("host-a") == 100);
}

TEST_CASE("a roster that was lost is what the rows say") {
    AgentRoster serving;
    serving.hear("host-a", 5, false);
    serving.hear("host-b", 2, true);
    serving.hear("host-c", 9, false);
    serving.retire("host-c", 100);
    CHECK(serving.untold(hosts).empty());  // not before the rows are known
    CHECK(serving.adopt({}).empty());
    const auto rows = serving.untold(hosts);
    REQUIRE(rows.size() == 3);
    serving.told(rows);
    CHECK(serving.untold(hosts).empty());

    AgentRoster replaced;
    const auto news = replaced.adopt(rows);
    REQUIRE(news.size() == 3);
    CHECK(news[0].is_first);
    CHECK_FALSE(news[0].is_new_era);
    CHECK(news[2].is_new_era);
    CHECK(replaced.started("host-a") == 5U);
    CHECK(replaced.stopping("host-b") == 2U);
    CHECK(replaced.knows("host-c"));
    CHECK_FALSE(replaced.started("host-c"));
    CHECK(replaced.untold(hosts).empty());
    CHECK(replaced.adopt(rows).empty());
}

TEST_CASE("rows are put right by whoever knows more, and rows that are lost are put again") {
    AgentRoster roster;
    roster.hear("host-a", 5, false);
    const std::vector<AgentWord> behind{{"host-a", 0, 4, true}};
    CHECK(roster.adopt(behind).empty());
    CHECK(roster.untold(hosts) == std::vector<AgentWord>{{"host-a", 0, 5, false}});
    const auto told = roster.untold(hosts);
    roster.hear("host-a", 5, true);  // while it is told
    roster.told(told);
    CHECK(roster.untold(hosts) == std::vector<AgentWord>{{"host-a", 0, 5, true}});
    roster.told(roster.untold(hosts));
    CHECK(roster.untold(hosts).empty());
    roster.adopt({});
    CHECK(roster.untold(hosts).size() == 1);
    roster.no_rows();
    CHECK(roster.untold(hosts).empty());
    // A life of before a retirement that only the other node has heard.
    const auto news = roster.adopt({{"host-a", 100, 1, false}});
    REQUIRE(news.size() == 1);
    CHECK(news[0].is_new_era);
    CHECK_FALSE(news[0].is_first);
    CHECK(roster.started("host-a") == 1U);
}

TEST_CASE("of an agent that is not configured any more nothing is put") {
    AgentRoster roster;
    roster.hear("host-a", 5, false);
    roster.hear("host-b", 5, false);
    roster.adopt({});
    CHECK(roster.untold({"host-b"}) == std::vector<AgentWord>{{"host-b", 0, 5, false}});
    roster.told(roster.untold({"host-b"}));
    CHECK(roster.untold({"host-b"}).empty());
    CHECK(roster.untold(hosts).size() == 1);  // it is configured again
}

TEST_CASE("what an agent has said is known after a restart") {
    AgentRoster before;
    before.hear("host-a", 18'000'000'000'000'000'000U, true);
    before.hear("host-b", 7, false);
    before.retire("host-c", 1'700'000'000'000);
    before.retire("host-d", 5);
    before.hear("host-d", 3, false);
    AgentRoster after;
    for (const auto* agent : {"host-a", "host-b", "host-c", "host-d"})
        after.recall(agent, before.text_of(agent));
    CHECK(after.stopping("host-a") == 18'000'000'000'000'000'000U);
    CHECK(after.started("host-b") == 7U);
    CHECK(after.knows("host-c"));
    CHECK(after.era_of("host-c") == 1'700'000'000'000U);
    CHECK(after.started("host-d") == 3U);
    CHECK(after.era_of("host-d") == 5);
    CHECK(after.text_of("host-e").empty());
    AgentRoster upgraded;  // as kept by a version without eras
    upgraded.recall("host-a", "started 18 lra-a");
    CHECK(upgraded.started("host-a") == 18U);
}

TEST_CASE("words that can not be read are as if nothing had been said") {
    for (const auto* text :
         {"", "started", "started ", "started x lra", "stopping 7", "gone 7 lra", "started 7 @",
          "started 99999999999999999999 lra", "started -1 lra", "started 7 @5x", "retired @5"}) {
        AgentRoster roster;
        roster.recall("host-a", text);
        INFO(text);
        CHECK_FALSE(roster.knows("host-a"));
    }
}
