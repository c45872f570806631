#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "test/integration/lractl/scripted_daemon.hpp"
#include "test/integration/lractl/spawned_lractl.hpp"
#include "test/support/catch.hpp"

using nlohmann::json;

namespace {

const std::string interrupt = "\x03";
const std::string end_of_input = "\x04";

struct Bench {
    TemporaryFolder folder;
    std::unique_ptr<ScriptedDaemon> daemon;

    Bench()
        : Bench({{"drive.list", json{{{"serial", "VT00000001"},
                                      {"operational_state", "online"},
                                      {"shared", true}}}}}) {}
    explicit Bench(std::map<std::string, agent::runtime::ControlAnswer> answers)
        : daemon(std::make_unique<ScriptedDaemon>(folder.file("lrad.sock"), std::move(answers))) {}

    [[nodiscard]] Words words(const Words& more = {}) const {
        Words all{"--socket", folder.file("lrad.sock")};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    [[nodiscard]] Words environment(const std::string& terminal) const {
        return {"TERM=" + terminal, "XDG_STATE_HOME=" + folder.path.string()};
    }
};

}  // namespace

TEST_CASE("the shell prompts, completes, runs and ends, on any terminal") {
    for (const char* terminal : {"xterm", "dumb", "vt100"}) {
        INFO(terminal);
        const Bench bench;
        LractlOnTerminal shell(bench.words(), bench.environment(terminal));
        REQUIRE(shell.shows("lrad> "));
        shell.type("dri\tli\t\r");
        CHECK(shell.shows("SERIAL"));
        CHECK(shell.shows("VT00000001"));
        REQUIRE(shell.shows("lrad> "));
        shell.type("drive show \t --json\r");
        CHECK(shell.shows("\"serial\": \"VT00000001\""));
        REQUIRE(shell.shows("lrad> "));
        shell.type("help\r");
        CHECK(shell.shows("use DAEMON|SOCKET"));
        REQUIRE(shell.shows("lrad> "));
        shell.type("use vtld\r");
        REQUIRE(shell.shows("vtld> "));
        shell.type("quit\r");
        CHECK(shell.exit_status() == 0);
    }
}

TEST_CASE("Tab completes agents and options, and lists what is not yet one thing alone") {
    const json drives{{{"serial", "VT00000001"}}, {{"serial", "VT00000002"}}, {{"serial", "W7"}}};
    const json agents{{{"name", "media-1"}}, {{"name", "nas"}}};
    const Bench bench({{"drive.list", drives}, {"agent.list", agents}});
    LractlOnTerminal shell(bench.words(), bench.environment("xterm"));
    REQUIRE(shell.shows("lrad> "));
    shell.type("agent show n\t --json\r");
    CHECK(shell.shows("\"name\": \"nas\""));
    REQUIRE(shell.shows("lrad> "));
    // What they have in common at once, the choice with the next Tab, and the line is still there.
    shell.type("drive show V\t\t");
    REQUIRE(shell.shows("VT00000001 VT00000002"));
    shell.type("2 --json\r");
    CHECK(shell.shows("\"serial\": \"VT00000002\""));
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive offline W\t--re\t \"stuck cartridge\" --json\r");
    CHECK(shell.shows("\"reason\": \"stuck cartridge\""));
}

TEST_CASE("the Up key brings back what was typed before, over sessions too") {
    const Bench bench;
    const std::string up = "\x1b[A";
    for (const char* first : {"drive show VT00000001 --json\r", "\x1b[A\x1b[A\r"}) {
        LractlOnTerminal shell(bench.words(), bench.environment("xterm"));
        REQUIRE(shell.shows("lrad> "));
        shell.type(first);
        REQUIRE(shell.shows("\"serial\": \"VT00000001\""));
        REQUIRE(shell.shows("lrad> "));
        shell.type(up + "\r");
        CHECK(shell.shows("\"serial\": \"VT00000001\""));
        REQUIRE(shell.shows("lrad> "));
        shell.type("quit\r");
        CHECK(shell.exit_status() == 0);
    }
}

TEST_CASE("a session on a dumb terminal shows no escape code, whatever is done in it") {
    const json drives{{{"serial", "VT00000001"}}, {{"serial", "VT00000002"}}};
    const Bench bench({{"drive.list", drives}});
    bench.daemon->publish({{"at", "2026-01-31T12:00:00Z"}, {"text", "something happened"}});
    LractlOnTerminal shell(bench.words(), bench.environment("dumb"));
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive show V\t\t");
    REQUIRE(shell.shows("VT00000001 VT00000002"));
    shell.type("2\r");
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive zap\r");
    REQUIRE(shell.shows("lrad> "));
    shell.type("event follow\r");
    REQUIRE(shell.shows("something happened"));
    shell.type(interrupt);
    REQUIRE(shell.shows("lrad> "));
    shell.type("quit\r");
    CHECK(shell.exit_status() == 2);  // of the command that does not exist
    CHECK_THAT(shell.everything(), !ContainsSubstring("\x1b"));
}

TEST_CASE("no table is wider than the terminal, however long the names are") {
    const std::string name = "iqn.2026-01.example.with.a.very.long.name:" + std::string(150, 'x');
    json drive{{"serial", "VT00000001"},
               {"vendor", "HPE"},
               {"product", "Ultrium 9-SCSI"},
               {"operational_state", "forced_offline"},
               {"shared", true},
               {"element_address", 256},
               {"sequence", 4'000'000'000},
               {"reservation",
                {{"state", "reserved"},
                 {"kind", "pr"},
                 {"evidence", "host_asserted"},
                 {"since", "2026-01-31T12:00:00Z"},
                 {"holders",
                  {{{"transport", "iscsi"},
                    {"name", name},
                    {"host", "backup-host-1"},
                    {"domain", name}}}}}}};
    const json agent{{"name", "backup-host-" + std::string(50, 'y')},
                     {"address", "udp:" + std::string(60, 'z') + ".example:1162"},
                     {"state", "never_seen"},
                     {"domain", name},
                     {"last_seen", "2026-01-31T12:00:00Z"},
                     {"missed", 17}};
    const json alarm{
        {"kind", "holder_unknown"},
        {"drive", "VT00000001"},
        {"agent", agent["name"]},
        {"severity", "warning"},
        {"raised_at", "2026-01-31T12:00:00Z"},
        {"text", "the drive is reserved, " + std::string(70, 'w') + " and nobody knows by whom"}};
    const json handshake{
        {"drive", "VT00000001"},
        {"agent", agent["name"]},
        {"newest", {{"epoch", 4'000'000}, {"sequence", 4'000'000'000}}},
        {"oldest_unconfirmed", {{"epoch", 4'000'000}, {"sequence", 4'000'000'000}}},
        {"waiting_ms", 123'456'789},
        {"attempts", 12},
        {"received", true},
        {"last_answer", "draining"}};
    const Bench bench({{"drive.list", json{drive}},
                       {"agent.list", json{agent}},
                       {"alarm.list", json{alarm}},
                       {"handshake.list", json{handshake}}});
    const std::vector<Words> tables{
        {"drive", "list"}, {"agent", "list"}, {"alarm", "list"}, {"handshake", "list"}};
    for (const Words& words : tables) {
        LractlOnTerminal lractl(bench.words(words), bench.environment("dumb"));
        CHECK(lractl.exit_status() == 0);
        std::istringstream lines(lractl.everything());
        std::size_t count = 0;
        for (std::string line; std::getline(lines, line); ++count) {
            line.erase(line.find_last_not_of('\r') + 1);
            INFO(words[0] << ": " << line);
            CHECK(line.size() <= 80);
        }
        CHECK(count >= 2);
    }
}

TEST_CASE("Ctrl-C forgets the line and Ctrl-D ends the session") {
    const Bench bench;
    LractlOnTerminal shell(bench.words(), bench.environment("xterm"));
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive offl" + interrupt);
    REQUIRE(shell.shows("^C"));
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive list\r");
    CHECK(shell.shows("VT00000001"));
    REQUIRE(shell.shows("lrad> "));
    shell.type(end_of_input);
    CHECK(shell.exit_status() == 0);
}

TEST_CASE("Ctrl-C ends event follow and the session goes on") {
    const Bench bench;
    bench.daemon->publish({{"at", "2026-01-31T12:00:00Z"}, {"text", "something happened"}});
    LractlOnTerminal shell(bench.words(), bench.environment("xterm"));
    REQUIRE(shell.shows("lrad> "));
    shell.type("event follow\r");
    REQUIRE(shell.shows("something happened"));
    shell.type(interrupt);
    REQUIRE(shell.shows("lrad> "));
    shell.type("drive list\r");
    CHECK(shell.shows("VT00000001"));
}

TEST_CASE("event follow ends well on Ctrl-C and with a failure when the daemon goes away") {
    Bench bench;
    bench.daemon->publish({{"at", "2026-01-31T12:00:00Z"}, {"text", "something happened"}});
    LractlOnTerminal interrupted(bench.words({"event", "follow", "--json"}),
                                 bench.environment("xterm"));
    REQUIRE(interrupted.shows("{\"at\":\"2026-01-31T12:00:00Z\",\"text\":\"something happened\"}"));
    interrupted.type(interrupt);
    CHECK(interrupted.exit_status() == 0);

    LractlOnTerminal abandoned(bench.words({"event", "follow"}), bench.environment("xterm"));
    REQUIRE(abandoned.shows("something happened"));
    bench.daemon.reset();
    CHECK(abandoned.shows("systemctl status lrad"));
    CHECK(abandoned.exit_status() == 1);
}

TEST_CASE("colours appear on a terminal, and not when they are unwanted") {
    const Bench bench;
    const auto shown = [&](const std::string& terminal, const std::string& variable) {
        Words environment = bench.environment(terminal);
        environment.push_back(variable);
        LractlOnTerminal lractl(bench.words({"drive", "list"}), environment);
        CHECK(lractl.shows("VT00000001"));
        CHECK(lractl.exit_status() == 0);
        return lractl.everything();
    };
    CHECK_THAT(shown("xterm", "X=1"), ContainsSubstring("\x1b[1mSERIAL"));
    CHECK_THAT(shown("xterm", "NO_COLOR=1"), !ContainsSubstring("\x1b"));
    CHECK_THAT(shown("dumb", "X=1"), !ContainsSubstring("\x1b"));
}

TEST_CASE("what was typed is kept for its owner only") {
    const Bench bench;
    {
        LractlOnTerminal shell(bench.words(), bench.environment("xterm"));
        REQUIRE(shell.shows("lrad> "));
        shell.type("agent show host-a\r");
        REQUIRE(shell.shows("lrad> "));
        shell.type("quit\r");
        CHECK(shell.exit_status() == 0);
    }
    const std::string file = bench.folder.file("lractl/history");
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    LractlOnTerminal again(bench.words(), bench.environment("xterm"));
    REQUIRE(again.shows("lrad> "));
    again.type("\x10\x10\r");  // Ctrl-P twice: before "quit"
    CHECK(again.shows("agent.show"));
}

TEST_CASE("long work shows how far it is, and Ctrl-C has the daemon give it up") {
    struct Work {
        Words words;
        std::string jobs;
        json job;
        std::string line;
        std::string cancel;
    };
    const Work works[] = {
        {{"cartridge", "check", "VT0001L8"},
         "cartridge.jobs",
         {{"barcode", "VT0001L8"}, {"bytes_done", 1 << 20}, {"bytes_total", 4 << 20}},
         "cartridge check VT0001L8: 25 %, 1.0 MiB of 4.0 MiB",
         "cartridge.cancel"},
        {{"snapshot", "export", "17", "2000000000", "--to", "/srv/rescue"},
         "snapshot.jobs",
         {{"number", 17},
          {"session", 2'000'000'000},
          {"bytes_done", 1 << 20},
          {"bytes_total", 2 << 20}},
         "snapshot export 17 2000000000: 50 %, 1.0 MiB of 2.0 MiB",
         "snapshot.cancel"},
        {{"snapshot", "export", "17", "--to", "/srv/rescue"},
         "snapshot.jobs",
         {{"number", 17}, {"session", nullptr}, {"bytes_done", 1}, {"bytes_total", 2}},
         "snapshot export 17: 50 %, 1 B of 2 B",
         "snapshot.cancel"},
    };
    for (const Work& work : works) {
        INFO(work.line);
        const TemporaryFolder folder;
        const json other{
            {"barcode", "VT0009L8"}, {"number", 9}, {"bytes_done", 3}, {"bytes_total", 3}};
        const ScriptedDaemon daemon(
            folder.file("vtld.sock"), {{work.jobs, json::array({other, work.job})}},
            HeldAnswer{work.words[0] + "." + work.words[1], work.cancel,
                       agent::runtime::ControlError{agent::runtime::ControlErrorCode::failed,
                                                    "it was cancelled"}});
        Words words{"--socket", folder.file("vtld.sock")};
        words.insert(words.end(), work.words.begin(), work.words.end());
        LractlOnTerminal lractl(words, {"TERM=dumb"});
        REQUIRE(lractl.shows(work.line));
        lractl.type(interrupt);
        CHECK(lractl.shows("it was cancelled"));
        CHECK(lractl.exit_status() == 1);
        CHECK_THAT(lractl.everything(), !ContainsSubstring("\x1b"));
        const std::string later = "giving it up ...";
        CHECK_THAT(
            lractl.everything(),
            ContainsSubstring("\r" + later + std::string(work.line.size() - later.size(), ' ')));
        CHECK_THAT(lractl.everything(),
                   ContainsSubstring("\r" + std::string(later.size(), ' ') + "\r"));
    }
}
