#include "agent/postgres/control_data.hpp"

#include <fstream>
#include <iterator>

#include "test/support/catch.hpp"

namespace {

using namespace agent::postgres;

std::string report_of(const std::string& name) {
    std::ifstream file(std::string(LRA_FIXTURES) + "/postgres/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the report of pg_controldata is read") {
    const auto data = control_data_from_text(report_of("controldata_shut_down.txt"));
    REQUIRE(data);
    CHECK(data->system_identifier == 7'710'755'932'561'597'786);
    CHECK(data->state == "shut down");
    CHECK(data->checkpoint_lsn == 0x1741950);
    CHECK(data->redo_lsn == 0x1741950);
    CHECK(data->timeline == 3);
    CHECK(data->least_lsn == 0);
    CHECK(data->checksums);
    CHECK(is_stopped_in_order(*data));
}

TEST_CASE("who was killed did not stop in order, and a standby that stopped did") {
    const auto killed = control_data_from_text(report_of("controldata_in_production.txt"));
    REQUIRE(killed);
    CHECK(killed->state == "in production");
    CHECK_FALSE(is_stopped_in_order(*killed));
    const auto standby = control_data_from_text(report_of("controldata_shut_down_in_recovery.txt"));
    REQUIRE(standby);
    CHECK(is_stopped_in_order(*standby));
    CHECK(standby->least_lsn != 0);
    CHECK(standby->least_timeline != 0);
    auto moved = *killed;
    moved.state = "shut down";
    moved.redo_lsn = moved.checkpoint_lsn - 8;
    CHECK_FALSE(is_stopped_in_order(moved));
}

TEST_CASE("a report that is cut off names what is missing, at whatever place") {
    const auto whole = report_of("controldata_shut_down.txt");
    const auto last = whole.find("Data page checksum version");
    for (std::size_t bytes = 0; bytes < last; ++bytes) {
        const auto data = control_data_from_text(whole.substr(0, bytes));
        REQUIRE_FALSE(data);
        CHECK(data.error().message.find("pg_controldata: its report has no ") == 0);
    }
}

TEST_CASE("values that are none are named too") {
    const auto whole = report_of("controldata_shut_down.txt");
    const std::pair<const char*, const char*> broken[] = {
        {"Latest checkpoint location:           0/1741950", "Latest checkpoint location: 1741950"},
        {"7710755932561597786", "99999999999999999999999"},
        {"0/1741950", "0/1741950 "},
    };
    for (const auto& [from, to] : broken) {
        auto text = whole;
        text.replace(text.find(from), std::string(from).size(), to);
        const bool still_well = std::string(to).back() == ' ';  // blanks are nothing
        CHECK(control_data_from_text(text).ok() == still_well);
    }
    CHECK_FALSE(control_data_from_text(std::string(70'000, 'x')));
}

TEST_CASE("positions in a log are two hexadecimal numbers of 32 bits") {
    CHECK(lsn_from_text("16/B374D848") == 0x16'B374'D848u);
    CHECK(lsn_from_text("0/0") == 0u);
    CHECK(lsn_from_text("FFFFFFFF/FFFFFFFF") == ~std::uint64_t{0});
    for (const char* wrong :
         {"", "/", "1", "1/", "/1", "1/2/3", "G/1", "100000000/1", "-1/1", " 1/1"})
        CHECK_FALSE(lsn_from_text(wrong));
    for (const std::uint64_t lsn :
         {std::uint64_t{0}, std::uint64_t{0x16'B374'D848}, ~std::uint64_t{0}})
        CHECK(lsn_from_text(lsn_text(lsn)) == lsn);
    CHECK(lsn_text(0x16'B374'D848) == "16/B374D848");
}

TEST_CASE("a timeline's history says where each one before it ended") {
    const auto ends = timeline_ends_from_text(report_of("00000003.history"));
    REQUIRE(ends);
    REQUIRE(ends->size() == 2);
    CHECK((*ends)[0] == TimelineEnd{1, 0x17415B8});
    CHECK((*ends)[1] == TimelineEnd{2, 0x17417C0});
    CHECK(timeline_ends_from_text("")->empty());
    CHECK(timeline_ends_from_text("# a word\n\n1 0/10 # why\n")->size() == 1);
    for (const char* wrong : {"x", "1", "1\t", "1\t10", "2\t0/1\n1\t0/2\n", "1\t0/1\n1\t0/2\n"})
        CHECK_FALSE(timeline_ends_from_text(wrong));
    std::string many;
    for (std::size_t i = 1; i <= timeline_ends_max + 1; ++i)
        many += std::to_string(i) + "\t0/1\n";
    CHECK_FALSE(timeline_ends_from_text(many));
}

TEST_CASE("a copy has diverged when it has more than what both have in common") {
    SourceLog source;
    source.end = {3, 500};
    source.history = {{1, 100}, {2, 300}};
    const struct {
        agent::pair::LogPosition own;
        bool diverged;
    } cases[] = {
        {{1, 100}, false}, {{1, 101}, true},  {{2, 250}, false}, {{2, 300}, false},
        {{2, 301}, true},  {{3, 500}, false}, {{3, 501}, true},  {{4, 200}, true},
    };
    for (const auto& one : cases) {
        INFO(one.own.timeline << "/" << one.own.lsn);
        CHECK(has_diverged(one.own, source) == one.diverged);
    }
}

TEST_CASE("postmaster.pid names a process, and says when the server is ready") {
    const std::string ready =
        "12345\n/srv/data\n1763762716\n5442\n/srv/socket\n127.0.0.1\n  1234567    98304\nready   "
        "\n";
    CHECK(process_from_pid_file(ready) == 12345);
    CHECK(is_ready_by_pid_file(ready));
    auto starting = ready;
    starting.replace(starting.find("ready   "), 8, "starting");
    CHECK_FALSE(is_ready_by_pid_file(starting));
    CHECK_FALSE(is_ready_by_pid_file(ready.substr(0, ready.find("ready"))));
    CHECK(process_from_pid_file("-77\n") == 77);
    for (const char* wrong : {"", "\n", "x\n", "12x\n", "0\n", "99999999999\n", "-2147483648\n"})
        CHECK_FALSE(process_from_pid_file(wrong));
}
