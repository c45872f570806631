#include "agent/lrad/host_names.hpp"

#include "test/support/catch.hpp"

using namespace agent::lrad;

namespace {

const NamesOfHosts listed{{"old", {false, {{"VT1", "drive-1"}, {"VT2", "drive-2"}}}}};

std::string told_of(const NamesOfHosts& here, const NamesOfHosts& there) {
    const auto told = differences(here, there, "lra-b");
    return told.empty() ? std::string() : told.begin()->second;
}

}  // namespace

TEST_CASE("what the two controllers of a pair call drives differently is told before a takeover") {
    auto other = listed;
    CHECK(told_of(listed, other).empty());
    other["old"].names["VT2"] = "tape 2";
    CHECK(told_of(listed, other) ==
          "drive VT2 is \"drive-2\" in the configuration here and \"tape 2\" in that of lra-b");
    other["old"].names["VT1"] = "tape 1";
    CHECK(told_of(listed, other).find("; drive VT2") != std::string::npos);
}

TEST_CASE("a drive that is found is called by its serial number where no name is given") {
    NamesOfHosts finds{{"old", {true, {{"VT1", "drive-1"}}}}};
    CHECK(told_of(listed, finds).find("\"drive-2\"") != std::string::npos);
    finds["old"].names["VT2"] = "drive-2";
    CHECK(told_of(listed, finds).empty());
    // What one of them does not use at all is not taken offline by it either.
    finds["old"].discovers = false;
    finds["old"].names.erase("VT2");
    CHECK(told_of(listed, finds).empty());
}

TEST_CASE("a host that only one controller has is told at both") {
    CHECK(differences(listed, {}, "lra-b").contains("old"));
    CHECK(differences({}, listed, "lra-b").contains("old"));
    CHECK(differences({}, {}, "lra-b").empty());
}

TEST_CASE("what is called how comes back from its text, and nonsense does not") {
    CHECK(names_from(text_of(listed)) == listed);
    CHECK(names_from("{}") == NamesOfHosts{});
    const std::string text = text_of(listed);
    for (std::size_t length = 0; length < text.size(); ++length)
        CHECK_FALSE(names_from(text.substr(0, length)));
    for (const char* nonsense : {"[]", "1", "{\"old\": 1}", "{\"old\": {\"discovers\": 1}}",
                                 "{\"old\": {\"discovers\": true, \"names\": {\"VT1\": 2}}}"})
        CHECK_FALSE(names_from(nonsense));
}
