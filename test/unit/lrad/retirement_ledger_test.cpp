#include "agent/lrad/retirement_ledger.hpp"

#include "test/support/catch.hpp"

using namespace agent::lrad;
using agent::postgres::AgentRetirement;

namespace {

AgentRetirement retirement(const std::string& id, const std::string& agent = "host-b") {
    return {agent, id, "root", "sold", {1'700'000'000'000}};
}

}  // namespace

TEST_CASE("a retirement is told to the other node, and so is its end") {
    RetirementLedger here;
    RetirementLedger there;
    here.retire(retirement("a:1"));
    REQUIRE(here.untold() == std::vector<RetirementLedger::Change>{{retirement("a:1"), false}});
    CHECK(here.adopt({}).touched.empty());  // not put yet: the rows do not contradict it
    REQUIRE(here.find("host-b") != nullptr);
    CHECK(here.told(here.untold().front()));
    CHECK(here.untold().empty());

    const auto adopted = there.adopt({retirement("a:1")});
    CHECK(adopted.retired == std::vector{retirement("a:1")});
    CHECK(there.find("host-b") != nullptr);
    CHECK(there.adopt({retirement("a:1")}).retired.empty());  // told once

    SECTION("the other node hears the agent start") {
        CHECK(there.returned("host-b"));
        CHECK_FALSE(there.returned("host-b"));
        CHECK(there.find("host-b") == nullptr);
        CHECK(there.adopt({retirement("a:1")}).retired.empty());  // the row is still there
        const auto ends = there.untold();
        REQUIRE(ends.size() == 1);
        CHECK(ends[0].ended);
        CHECK(there.told(ends[0]));
        CHECK(there.untold().empty());
        CHECK(here.adopt({}).touched == std::vector<std::string>{"host-b"});
        CHECK(here.find("host-b") == nullptr);
    }
    SECTION("it is retired again before the end of the first is told") {
        CHECK(there.returned("host-b"));
        CHECK(there.adopt({retirement("a:2")}).retired == std::vector{retirement("a:2")});
        CHECK(there.find("host-b")->id == "a:2");
        CHECK(there.untold().empty());
    }
}

TEST_CASE("what this node was told last counts more than a row of before") {
    RetirementLedger ledger;
    ledger.adopt({retirement("b:1")});
    ledger.retire(retirement("a:2"));
    CHECK(ledger.adopt({retirement("b:1")}).retired.empty());
    CHECK(ledger.find("host-b")->id == "a:2");
    // An end that is put late does not end what has come since.
    CHECK_FALSE(ledger.told({retirement("b:1"), true}));
    CHECK(ledger.find("host-b") != nullptr);
}

TEST_CASE("a retirement survives in words, and nonsense is none") {
    RetirementLedger before;
    before.retire(retirement("a:1"));
    before.adopt({retirement("b:7", "host-c")});
    before.returned("host-c");
    RetirementLedger after;
    for (const auto* agent : {"host-b", "host-c", "host-d"})
        after.recall(agent, before.text_of(agent));
    CHECK(after.untold() == before.untold());
    CHECK(after.find("host-b")->actor == "root");
    CHECK(after.find("host-c") == nullptr);
    for (const auto* text : {"", "[]", "{}", R"({"id": 7})", "{\"id\": \"a:1\""}) {
        RetirementLedger damaged;
        damaged.recall("host-b", text);
        CHECK(damaged.find("host-b") == nullptr);
    }
}
