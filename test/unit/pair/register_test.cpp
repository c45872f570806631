#include "agent/pair/register.hpp"

#include "agent/pair/controller_node_io.hpp"
#include "test/support/catch.hpp"

using namespace agent::pair;

namespace {

RegisterValue value_with(Relation relation, Node primary, std::uint64_t epoch,
                         std::uint64_t least_epoch) {
    return {"c", epoch, relation, primary, least_epoch, {"a1", "a2", "a3"}, 1};
}

RegisterValue granted_after(const RegisterValue& newest, Wish wish, Node node,
                            std::uint64_t epoch) {
    const auto after = value_after(newest, wish, {node, epoch, {}});
    REQUIRE(std::holds_alternative<RegisterValue>(after));
    return std::get<RegisterValue>(after);
}

Objection refused_after(const RegisterValue& newest, Wish wish, Node node, std::uint64_t epoch) {
    const auto after = value_after(newest, wish, {node, epoch, {}});
    REQUIRE(std::holds_alternative<Objection>(after));
    return std::get<Objection>(after);
}

}  // namespace

TEST_CASE("either node of a pair may go on alone, under a new epoch, with the pair's data") {
    const auto pair = value_with(Relation::pair, Node::first, 7, 5);
    CHECK(granted_after(pair, Wish::alone, Node::second, 7) ==
          value_with(Relation::alone, Node::second, 8, 7));
    CHECK(granted_after(pair, Wish::alone, Node::first, 7) ==
          value_with(Relation::alone, Node::first, 8, 7));
}

TEST_CASE("a standby whose copy is of an older epoch may not") {
    const auto pair = value_with(Relation::pair, Node::first, 7, 5);
    CHECK(refused_after(pair, Wish::alone, Node::second, 6) == Objection::epoch);
    CHECK(refused_after(pair, Wish::alone, Node::second, 8) == Objection::epoch);
}

TEST_CASE("a primary that ended between the vote and its record is still the primary") {
    const auto pair = value_with(Relation::pair, Node::first, 7, 5);
    CHECK(granted_after(pair, Wish::alone, Node::first, 5).epoch == 8);
    CHECK(names_with_its_data(pair, Node::first, 6));
    CHECK_FALSE(names_with_its_data(pair, Node::first, 4));
    CHECK_FALSE(names_with_its_data(pair, Node::second, 7));
}

TEST_CASE("what was granted is granted again, as it was") {
    const auto alone = value_with(Relation::alone, Node::second, 8, 7);
    CHECK(granted_after(alone, Wish::alone, Node::second, 7) == alone);
    const auto pair = value_with(Relation::pair, Node::second, 9, 8);
    CHECK(granted_after(pair, Wish::pair, Node::second, 8) == pair);
}

TEST_CASE("the other node of one that runs alone may do nothing") {
    const auto alone = value_with(Relation::alone, Node::second, 8, 7);
    CHECK(refused_after(alone, Wish::alone, Node::first, 8) == Objection::other_newer);
    CHECK(refused_after(alone, Wish::pair, Node::first, 8) == Objection::other_newer);
}

TEST_CASE("only the node that runs alone makes a pair again") {
    const auto alone = value_with(Relation::alone, Node::second, 8, 7);
    CHECK(granted_after(alone, Wish::pair, Node::second, 8) ==
          value_with(Relation::pair, Node::second, 9, 8));
    CHECK(refused_after(alone, Wish::pair, Node::second, 6) == Objection::epoch);
}

TEST_CASE("reading changes nothing") {
    const auto alone = value_with(Relation::alone, Node::second, 8, 7);
    CHECK(granted_after(alone, Wish::read, Node::first, 1) == alone);
}

TEST_CASE("an operator's word ends above everything that may have been granted elsewhere") {
    const auto alone = value_with(Relation::alone, Node::second, 8, 7);
    CHECK(granted_after(alone, Wish::forced, Node::first, 3).epoch == 1008);
}

TEST_CASE("a threshold below half of the agents is refused at load, with the reason") {
    for (std::size_t agents = 1; agents <= voters_max; ++agents) {
        NodeConfiguration configuration;
        for (std::size_t index = 0; index < agents; ++index) {
            configuration.voters.push_back("a" + std::to_string(index));
        }
        configuration.threshold = static_cast<std::uint32_t>(agents / 2);
        CHECK_FALSE(fault_of(configuration));
        configuration.threshold = static_cast<std::uint32_t>(agents);
        CHECK(fault_of(configuration));
        if (agents < 2) continue;
        configuration.threshold = static_cast<std::uint32_t>(agents / 2 - 1);
        REQUIRE(fault_of(configuration));
        CHECK(fault_of(configuration)->find("both nodes serve") != std::string::npos);
    }
    CHECK(fault_of(NodeConfiguration{}));
}
