#include "agent/host/profile_records.hpp"

#include <fstream>
#include <sstream>

#include "agent/host/profile_file.hpp"
#include "agent/host/profile_settings.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;
using State = agent::core::ApplicationDriveState;

namespace {

CommandOutcome record_answer(const std::string& output, int status = 0) {
    CommandOutcome outcome;
    outcome.end = CommandOutcome::End::exited;
    outcome.exit_status = status;
    outcome.output = output;
    return outcome;
}

std::string capture(const std::string& name) {
    std::ifstream file(LRA_FIXTURES "/applications/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

const DriveNames record_drive{"one", "VT1", "", {}, {}};

RecordReader reader_of(const RecordRules& rules, const DriveNames& names = record_drive) {
    auto reader = RecordReader::compile(rules, names);
    INFO((reader.ok() ? "" : reader.error().message));
    REQUIRE(reader.ok());
    return std::move(reader).value();
}

RecordRules table_rules() {
    RecordRules rules;
    rules.begin = "^drive {drive}$";
    rules.end = "^--";
    rules.rules = {{State::draining, {"closing"}, {}, false, true, ""},
                   {State::offline, {"closed"}, {"by lra"}, true, false, ""},
                   {State::offline, {"closed"}, {}, false, false, ""},
                   {State::online, {}, {}, false, false, "nothing else is said"}};
    return rules;
}

// The shipped profile of Bacula as it is used for one drive.
ApplicationProfile bacula(const std::string& drive, const std::string& index) {
    const auto file = read_profile_file(LRA_SOURCE_DIR "/packaging/profiles/bacula.json");
    REQUIRE(file.errors == std::vector<std::string>{});
    ProfileSettings settings;
    settings.parameters = {{"storage", "File"}};
    settings.drive_parameters = {{"VT1", {{"index", index}}}};
    const auto filled = fill_in_profile(*file.value, settings, {{drive, "VT1", "", {}, {}}});
    INFO((filled.ok() ? "" : filled.error().message));
    REQUIRE(filled.ok());
    auto profile = ApplicationProfile::compile(filled->description, filled->drives);
    REQUIRE(profile.ok());
    return std::move(profile).value();
}

State bacula_state(const std::string& drive, const std::string& index, const std::string& text) {
    return bacula(drive, index).read({"VT1"}, record_answer(text)).state;
}

AnswerKind bacula_answer(agent::core::ApplicationAction action, std::size_t step,
                         const std::string& name) {
    const auto profile = bacula("FileDrive-0", "0");
    return profile.steps({"VT1"}, action).at(step).answers.read(record_answer(capture(name))).kind;
}

}  // namespace

TEST_CASE("only the drive's own record counts") {
    const auto reader = reader_of(table_rules());
    CHECK(reader.read(record_answer("drive one\n idle\n--\ndrive two\n closed\n")).state ==
          State::online);
    CHECK(reader.read(record_answer("drive two\n idle\n--\ndrive one\n closed\n")).state ==
          State::offline);
    CHECK(reader.read(record_answer("drive one\n idle\n--\n closed\n")).state == State::online);
}

TEST_CASE("an answer without the drive, or that did not work, says nothing") {
    auto rules = table_rules();
    rules.failed = {"^error"};
    const auto reader = reader_of(rules);
    for (const auto& text : {"", "drive two\n closed\n", "drive one9\n closed\n"}) {
        const auto read = reader.read(record_answer(text));
        CHECK(read.state == State::unknown);
        CHECK(read.how == "the answer does not mention the drive");
    }
    CHECK(reader.read(record_answer("drive one\n closed\nerror 7\n")).state == State::unknown);
    CHECK(reader.read(record_answer("drive one\n closed\n", 1)).state == State::unknown);
    auto cut = record_answer("drive one\n closed\n");
    cut.output_cut = true;
    CHECK(reader.read(cut).state == State::unknown);
    CommandOutcome killed;
    killed.end = CommandOutcome::End::timed_out;
    CHECK(reader.read(killed).state == State::unknown);
}

TEST_CASE("two records of a drive have to agree; one that drains decides") {
    const auto reader = reader_of(table_rules());
    CHECK(reader.read(record_answer("drive one\n closed\n--\ndrive one\n closed\n")).state ==
          State::offline);
    CHECK(reader.read(record_answer("drive one\n closed\n--\ndrive one\n idle\n")).state ==
          State::unknown);
    const auto draining =
        reader.read(record_answer("drive one\n closed\n--\ndrive one\n closing\n--\n"));
    CHECK(draining.state == State::draining);
    CHECK(draining.say_again);
}

TEST_CASE("somebody else's mark is seen") {
    const auto reader = reader_of(table_rules());
    CHECK(reader.read(record_answer("drive one\n closed\n")).by_somebody_else);
    CHECK_FALSE(reader.read(record_answer("drive one\n closed\n by lra\n")).by_somebody_else);
}

TEST_CASE("a number found in one table leads to the state in another") {
    RecordRules rules;
    rules.find = {{"row", "^ *([0-9]+) {drive} "}};
    rules.begin = "^ *{row} +hcart";
    rules.end = "^";
    rules.rules = {{State::offline, {"DOWN"}, {}, false, false, ""},
                   {State::online, {"TLD"}, {}, false, false, ""}};
    const auto reader = reader_of(rules);
    const std::string tables =
        "  0 hcart  TLD\n  1 hcart  DOWN-TLD\n 11 hcart  TLD\n\n  0 two x\n  1 one x\n";
    CHECK(reader.read(record_answer(tables)).state == State::offline);
    CHECK(reader.read(record_answer("  1 hcart  DOWN-TLD\n")).state == State::unknown);
    CHECK(reader.read(record_answer(tables + "  0 one x\n")).state == State::unknown);
    rules.find = {{"row", "no group"}};
    CHECK_FALSE(RecordReader::compile(rules, record_drive).ok());
}

TEST_CASE("JSON is read member by member, and what is no JSON says nothing") {
    RecordRules rules;
    rules.form = RecordRules::Form::json;
    rules.list = "/drives";
    rules.match = {{"name", "{drive}"}};
    rules.rules = {{State::offline, {"^state\\.now=DOWN$"}, {}, false, false, ""},
                   {State::online, {"^state\\.now=UP$"}, {}, false, false, ""}};
    const auto reader = reader_of(rules);
    const auto state = [&](const std::string& text) {
        return reader.read(record_answer(text)).state;
    };
    CHECK(state(R"({"drives":[{"name":"two","state":{"now":"UP"}},
                              {"name":"one","state":{"now":"DOWN"}}]})") == State::offline);
    CHECK(state(R"({"drives":{"name":"one","state":{"now":"UP"}}})") == State::online);
    for (const std::string text :
         {"", "[]", "{}", "no JSON", R"({"drives":7})", R"({"drives":[7,null,"one"]})",
          R"({"drives":[{"name":"one"}]})", R"({"drives":[{"name":"one","state":{"now":"DOWN)"}) {
        INFO(text);
        CHECK(state(text) == State::unknown);
    }
    const std::string deep(60'000, '[');
    CHECK(state("{\"drives\":[{\"name\":\"one\",\"x\":" + deep + "}]}") == State::unknown);
    rules.list = "drives";
    CHECK_FALSE(RecordReader::compile(rules, record_drive).ok());
}

TEST_CASE("the real Bacula's status is understood") {
    CHECK(bacula_state("FileDrive-0", "0", capture("bacula_status_idle.txt")) == State::online);
    CHECK(bacula_state("FileDrive-0", "0", capture("bacula_status_running.txt")) == State::online);
    const std::string disabled = capture("bacula_status_disabled.txt");
    CHECK(bacula_state("FileDrive-0", "0", disabled) == State::offline);
    CHECK(bacula_state("FileDrive-1", "1", disabled) == State::online);
    CHECK(bacula_state("FileDrive", "0", disabled) == State::unknown);
    CHECK(bacula_state("FileDrive-0", "1", disabled) == State::unknown);  // another drive's index
    CHECK(bacula_state("FileDrive-0", "0", capture("bacula_wrong_storage.txt")) == State::unknown);
}

TEST_CASE("a status of Bacula that breaks off anywhere never makes a drive offline that is not") {
    const auto profile = bacula("FileDrive-0", "0");
    for (const auto& name : {"bacula_status_idle.txt", "bacula_status_running.txt"}) {
        const std::string whole = capture(name);
        // Each reading takes a millisecond; seven shares no divisor with a line's usual lengths.
        for (std::size_t length = 0; length < whole.size(); length += 7) {
            const auto read = profile.read({"VT1"}, record_answer(whole.substr(0, length)));
            if (read.state == State::offline || read.state == State::draining) {
                FAIL(name << " cut after " << length << " bytes: " << read.how);
            }
        }
    }
}

TEST_CASE("the real Bacula's answers are understood") {
    using enum agent::core::ApplicationAction;
    CHECK(bacula_answer(set_offline, 0, "bacula_unmount_busy.txt") == AnswerKind::busy);
    CHECK(bacula_answer(set_offline, 0, "bacula_unmount_not_open.txt") == AnswerKind::done);
    CHECK(bacula_answer(set_offline, 0, "bacula_unmount_disabled.txt") == AnswerKind::failed);
    CHECK(bacula_answer(set_offline, 1, "bacula_disable.txt") == AnswerKind::done);
    CHECK(bacula_answer(set_offline, 1, "bacula_disable_again.txt") == AnswerKind::failed);
    CHECK(bacula_answer(set_online, 0, "bacula_enable.txt") == AnswerKind::done);
    CHECK(bacula_answer(set_online, 1, "bacula_mount.txt") == AnswerKind::done);
}
