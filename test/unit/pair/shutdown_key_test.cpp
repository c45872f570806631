#include "agent/pair/shutdown_key.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;

namespace {

ShutdownKey key_for(Subject subject, std::uint64_t counter) {
    ShutdownKey key;
    key.id = {1, counter, "op"};
    key.cluster = "c";
    key.subject = subject;
    return key;
}

}  // namespace

TEST_CASE("of each subject the newest key is kept") {
    KeyStore keys;
    CHECK(keys.put(key_for(Subject::first, 1)));
    CHECK(keys.put(key_for(Subject::first, 2)));
    CHECK_FALSE(keys.put(key_for(Subject::first, 1)));
    CHECK(keys.put(key_for(Subject::second, 3)));
    CHECK(keys.keys().size() == 2);
    CHECK(keys.newest()->id.counter == 3);
    CHECK(keys.find({1, 2, "op"}) != nullptr);
    CHECK(keys.find({1, 1, "op"}) == nullptr);
}

TEST_CASE("the passes of a key add up, in whatever order and however often they come") {
    ShutdownKey first_pass = key_for(Subject::both, 1);
    ShutdownKey first_out = first_pass;
    first_out.departures[0] = {true, true, {1, 9}, 2};
    first_out.stored_at = {"a1", "a2"};
    ShutdownKey second_out = first_pass;
    second_out.departures[1] = {true, false, {1, 8}, 0};
    second_out.stored_at = {"a3"};

    KeyStore forwards;
    CHECK(forwards.put(first_pass));
    CHECK(forwards.put(first_out));
    CHECK(forwards.put(second_out));
    CHECK_FALSE(forwards.put(first_pass));
    CHECK_FALSE(forwards.put(first_out));
    KeyStore backwards;
    CHECK(backwards.put(second_out));
    CHECK(backwards.put(first_out));
    CHECK(forwards.keys() == backwards.keys());
    CHECK(departure_of(forwards, Node::first)->clean);
    CHECK_FALSE(departure_of(forwards, Node::second)->clean);
    CHECK(forwards.newest()->stored_at == std::vector<AgentName>{"a1", "a2", "a3"});
}

TEST_CASE("only a key that says so says that a node is out of service") {
    KeyStore keys;
    CHECK(departure_of(keys, Node::first) == nullptr);
    static_cast<void>(keys.put(key_for(Subject::first, 1)));
    CHECK(departure_of(keys, Node::first) == nullptr);
    ShutdownKey out = key_for(Subject::first, 1);
    out.departures[0].out = true;
    static_cast<void>(keys.put(out));
    CHECK(departure_of(keys, Node::first) != nullptr);
    CHECK(departure_of(keys, Node::second) == nullptr);
    // A newer command for both has not got so far.
    static_cast<void>(keys.put(key_for(Subject::both, 5)));
    CHECK(departure_of(keys, Node::first) == nullptr);
}

TEST_CASE("each mode waits for what it says") {
    const MountsLeft nothing{};
    const MountsLeft queued{1, 0, false};
    const MountsLeft running{0, 1, false};
    const MountsLeft moving{0, 0, true};
    struct Row {
        ShutdownMode mode;
        bool with_queue, with_mounts, with_mounts_late, with_move;
    };
    const Row rows[] = {
        {ShutdownMode::normal, false, false, false, false},
        {ShutdownMode::expedite, true, false, true, false},
        {ShutdownMode::immediate, true, true, true, false},
        {ShutdownMode::forced, true, true, true, true},
    };
    for (const auto& row : rows) {
        INFO(to_text(row.mode));
        CHECK(may_leave(row.mode, nothing, false));
        CHECK(may_leave(row.mode, queued, false) == row.with_queue);
        CHECK(may_leave(row.mode, running, false) == row.with_mounts);
        CHECK(may_leave(row.mode, running, true) == row.with_mounts_late);
        CHECK(may_leave(row.mode, moving, true) == row.with_move);
    }
    CHECK_FALSE(row_of(ShutdownMode::forced).may_be_clean);
}

TEST_CASE("modes and subjects have one word each, and no other word is taken for one") {
    for (const auto& row : shutdown_modes) {
        CHECK(shutdown_mode_from_text(to_text(row.mode)) == row.mode);
    }
    CHECK_FALSE(shutdown_mode_from_text("Normal"));
    CHECK_FALSE(shutdown_mode_from_text(""));
    CHECK(subject_from_text("both") == Subject::both);
    CHECK_FALSE(subject_from_text("all"));
    CHECK(concerns(Subject::both, Node::second));
    CHECK_FALSE(concerns(Subject::first, Node::second));
}
