#include "drive_iface/snapshots/difference.hpp"

#include "random_sessions.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::snapshots;
using namespace snapshots_test;

namespace {

Session begun(std::uint32_t identifier) {
    Session session;
    session.identifier = identifier;
    session.volume = "VOL001L8";
    return session;
}

std::string told(const std::vector<Session>& from, const std::vector<Session>& to) {
    std::string text;
    for (const auto& one : difference(from, to))
        text += std::to_string(one.identifier) + ": " + to_text(one) + "\n";
    return text;
}

}  // namespace

TEST_CASE("what happened to a session is told in the order it happens") {
    Session before = begun(1);
    Session after = before;
    CHECK(told({before}, {after}).empty());
    CHECK(told({}, {after}) == "1: begun\n");
    after.objects = 3;
    after.bytes = 700;
    CHECK(told({}, {after}) == "1: begun, grown by 3 records (700 bytes)\n");
    before.objects = 2;
    before.bytes = 600;
    CHECK(told({before}, {after}) == "1: grown by 1 record (100 bytes)\n");
    after.state = SessionState::complete;
    after.completion = 1;
    after.durable_objects = 3;
    CHECK(told({before}, {after}) == "1: grown by 1 record (100 bytes), completed\n");
    Session merged = after;
    merged.state = SessionState::merged;
    merged.volume_object = 0;
    CHECK(told({after}, {merged}) == "1: merged\n");
    CHECK(told({}, {merged}) == "1: begun, grown by 3 records (700 bytes), completed, merged\n");
    Session deleted = merged;
    deleted.kept = false;
    deleted.files.clear();
    CHECK(told({merged}, {deleted}) == "1: deleted\n");
    CHECK(told({deleted}, {}) == "1: gone\n");
}

TEST_CASE("a session that was broken off tells what it lost") {
    Session before = begun(1);
    before.objects = 5;
    before.bytes = 500;
    Session after = before;
    after.state = SessionState::incomplete;
    after.objects = after.durable_objects = 2;
    after.bytes = 200;
    CHECK(told({before}, {after}) == "1: shrunk by 3 records (300 bytes), broken off\n");
}

TEST_CASE("what has no name of its own is told as changed") {
    Session before = begun(1);
    before.objects = 5;
    Session durable = before;
    durable.durable_objects = 5;
    CHECK(told({before}, {durable}) == "1: changed\n");
    Session elsewhere = before;
    elsewhere.files = {"/c/1.tap"};
    CHECK(told({before}, {elsewhere}) == "1: changed\n");
}

TEST_CASE("rows of both sides are matched by identifier") {
    CHECK(told({begun(1), begun(3)}, {begun(2), begun(3), begun(4)}) ==
          "1: gone\n2: begun\n4: begun\n");
}

TEST_CASE("a difference applied to the older state gives the newer one, whatever happened") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        RandomSessions world(seed);
        std::vector<std::vector<Session>> states;
        for (int i = 0; i < 8; ++i) {
            world.go_on();
            states.push_back(world.rows);
        }
        for (const auto& from : states) {
            for (const auto& to : states) {
                const auto differences = difference(from, to);
                CHECK(applied(differences, from) == to);
                CHECK(differences.empty() == (from == to));
                for (const auto& one : differences)
                    CHECK_FALSE(one.happened.empty());
            }
        }
    }
}
