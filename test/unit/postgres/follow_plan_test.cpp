#include "agent/postgres/follow_plan.hpp"

#include "test/support/catch.hpp"

namespace {

using namespace agent::postgres;

SourceLog serving() {
    SourceLog source;
    source.system_identifier = 7;
    source.end = {2, 500};
    source.history = {{1, 300}};
    return source;
}

CopySeen usual_copy() {
    CopySeen copy;
    copy.there = true;
    copy.system_identifier = 7;
    copy.checksums = true;
    copy.end = {1, 250};
    return copy;
}

}  // namespace

TEST_CASE("a copy follows as it is, rewound, or made anew, by what it has") {
    CHECK(way_to_follow(usual_copy(), serving()) == FollowWay::as_it_is);

    auto diverged = usual_copy();
    diverged.end = {1, 301};
    CHECK(way_to_follow(diverged, serving()) == FollowWay::rewind);
    diverged.checksums = false;
    CHECK(way_to_follow(diverged, serving()) == FollowWay::copy);

    CHECK(way_to_follow({}, serving()) == FollowWay::copy);
    auto scrap = usual_copy();
    scrap.scrap = true;
    CHECK(way_to_follow(scrap, serving()) == FollowWay::copy);
    auto unread = usual_copy();
    unread.end = {};
    CHECK(way_to_follow(unread, serving()) == FollowWay::copy);
}

TEST_CASE("another cluster's data are refused, whatever state they are in") {
    auto foreign = usual_copy();
    foreign.system_identifier = 8;
    CHECK(way_to_follow(foreign, serving()) == FollowWay::refuse);
    foreign.scrap = true;
    CHECK(way_to_follow(foreign, serving()) == FollowWay::refuse);
    foreign.end = {};
    CHECK(way_to_follow(foreign, serving()) == FollowWay::refuse);
    CopySeen gone;
    gone.noted_identifier = 8;
    CHECK(way_to_follow(gone, serving()) == FollowWay::refuse);
    gone.noted_identifier = 7;
    CHECK(way_to_follow(gone, serving()) == FollowWay::copy);
    CHECK_FALSE(way_after(FollowWay::refuse));
}

TEST_CASE("what does not follow in the end is copied, once") {
    CHECK(way_after(FollowWay::as_it_is) == FollowWay::copy);
    CHECK(way_after(FollowWay::rewind) == FollowWay::copy);
    CHECK_FALSE(way_after(FollowWay::copy));
}

TEST_CASE("a server that blames its data is given others, one that blames the machine is not") {
    constexpr const char* segment_is_gone =
        "FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment "
        "000000010000000000000003 has already been removed";
    for (const char* data :
         {"FATAL:  requested timeline 2 is not a child of this server's history", segment_is_gone,
          "PANIC:  could not locate a valid checkpoint record",
          "FATAL:  WAL ends before consistent recovery point",
          "FATAL:  could not open file \"base/5/1259\": No such file or directory",
          "PANIC:  incorrect checksum in control file"})
        CHECK(blames_its_data(data));
    for (const char* machine :
         {"", "FATAL:  could not create any TCP/IP sockets",
          "FATAL:  could not load server certificate file \"x\": No such file or directory",
          "FATAL:  could not write lock file \"postmaster.pid\": No space left on device",
          "FATAL:  could not open file \"global/pg_filenode.map\": Too many open files",
          "FATAL:  could not map anonymous shared memory: Cannot allocate memory",
          "the server did not get ready: it does not answer"})
        CHECK_FALSE(blames_its_data(machine));
}
