#include "agent/postgres/server_folder.hpp"
#include "test/support/catch.hpp"

namespace {

agent::postgres::RememberedCopy example_copy() {
    agent::postgres::RememberedCopy copy;
    copy.control = "Database cluster state:               shut down\nmore: 1\n";
    copy.data.epoch = 12;
    copy.data.relation = agent::pair::Relation::alone;
    copy.data.primary = agent::pair::Node::second;
    copy.data.position = {3, 0x3007068};
    return copy;
}

}  // namespace

TEST_CASE("what a copy held when it was stopped is read back as it was written") {
    const auto copy = example_copy();
    const auto read = agent::postgres::remembered_from_text(to_text(copy));
    REQUIRE(read);
    CHECK(*read == copy);
}

TEST_CASE("a note that is cut off or broken is no note") {
    const auto text = to_text(example_copy());
    const auto line = text.find('\n');
    for (std::size_t bytes = 0; bytes <= line; ++bytes)
        CHECK_FALSE(agent::postgres::remembered_from_text(text.substr(0, bytes)));
    // A shorter report is another one than pg_controldata gives, and the copy is read again.
    CHECK(agent::postgres::remembered_from_text(text.substr(0, line + 1))->control.empty());
    for (const char* wrong :
         {"\n", "1 alone second 3\n", "x alone second 3 4\n", "1 other second 3 4\n",
          "1 alone third 3 4\n", "1 alone second -3 4\n", "1 alone second 3 4 5\n"})
        CHECK_FALSE(agent::postgres::remembered_from_text(wrong));
}
