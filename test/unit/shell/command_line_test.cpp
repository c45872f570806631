#include "agent/shell/command_line.hpp"

#include "test/support/catch.hpp"

using namespace agent::shell;
using agent::core::WallTime;

namespace {

const WallTime now{1'769'860'800'000};  // 2026-01-31T12:00:00Z

CommandLine parsed(const std::vector<std::string>& words,
                   WordSource source = WordSource::program_arguments) {
    return parse_command_line(words, GlobalOptions{}, source, now);
}

std::string usage_error(const std::vector<std::string>& words,
                        WordSource source = WordSource::program_arguments) {
    const CommandLine line = parsed(words, source);
    const auto* error = std::get_if<UsageError>(&line);
    return error == nullptr ? "accepted" : error->message;
}

Request request(const std::vector<std::string>& words) {
    const CommandLine line = parsed(words);
    INFO((std::holds_alternative<UsageError>(line) ? std::get<UsageError>(line).message : ""));
    REQUIRE(std::holds_alternative<Request>(line));
    return std::get<Request>(line);
}

}  // namespace

TEST_CASE("a noun and a verb are a request for their method") {
    const Request asked = request({"drive", "list"});
    CHECK(method_of(*asked.command) == "drive.list");
    CHECK(asked.arguments.empty());
}

TEST_CASE("global options may stand before the noun and behind everything") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--json", "--socket", "/s", "--timeout", "2", "drive", "list"},
          {"drive", "list", "--json", "--socket=/s", "--timeout=2"}}) {
        const Request asked = request(words);
        CHECK(asked.options.json);
        CHECK(asked.options.socket == "/s");
        CHECK(asked.options.timeout.ms == 2000);
    }
}

TEST_CASE("arguments carry the names of the JSON-RPC parameters and their types") {
    CHECK(request({"drive", "offline", "VT1", "--reason", "stuck cartridge"}).arguments ==
          std::vector<Argument>{{"serial", "VT1"}, {"reason", "stuck cartridge"}});
    CHECK(request({"event", "list", "--limit", "5", "--since", "10m"}).arguments ==
          std::vector<Argument>{{"since", "2026-01-31T11:50:00.000Z"}, {"limit", std::int64_t{5}}});
    CHECK(request({"fault", "inject", "VT1", "busy", "--delay-ms", "20"}).arguments ==
          std::vector<Argument>{
              {"serial", "VT1"}, {"fault", "busy"}, {"delay_ms", std::int64_t{20}}});
    CHECK(request({"key", "create", "/f", "--passphrase-from-stdin"}).arguments ==
          std::vector<Argument>{{"file", "/f"}, {"passphrase_from_stdin", true}});
    // An LTO-8 cartridge of 12 TB.
    CHECK(
        request({"cartridge", "create", "VT0001L8", "--capacity-mb", "11444091"}).arguments ==
        std::vector<Argument>{{"barcode", "VT0001L8"}, {"capacity_mb", std::int64_t{11'444'091}}});
}

TEST_CASE("a word that is also a noun or a verb can be an argument") {
    CHECK(request({"agent", "show", "drive"}).arguments ==
          std::vector<Argument>{{"name", "drive"}});
    CHECK(request({"drive", "show", "list"}).arguments ==
          std::vector<Argument>{{"serial", "list"}});
}

TEST_CASE("every command of the table is understood as its example says") {
    for (const Command& command : commands()) {
        INFO(command.example);
        std::vector<std::string> words;
        std::string word;
        bool quoted = false;
        for (const char c : std::string{command.example} + " ") {
            if (c == '"') quoted = !quoted;
            if (c == ' ' && !quoted) words.push_back(std::exchange(word, {}));
            if ((c != ' ' || quoted) && c != '"') word += c;
        }
        const Request asked = request(words);
        CHECK(asked.command == &command);
    }
}

TEST_CASE("a forced action without a reason is a usage error") {
    for (const char* verb : {"offline", "clear"}) {
        CHECK_THAT(usage_error({"drive", verb, "VT1"}), ContainsSubstring("--reason is required"));
        CHECK_THAT(usage_error({"drive", verb, "VT1", "--reason", " "}),
                   ContainsSubstring("--reason must not be empty"));
    }
    CHECK_THAT(usage_error({"agent", "retire", "host-b"}),
               ContainsSubstring("--reason is required"));
}

TEST_CASE("a usage error says what there is instead") {
    CHECK_THAT(usage_error({"tape", "list"}), ContainsSubstring("there is no noun 'tape'") &&
                                                  ContainsSubstring("nouns: drive agent"));
    CHECK_THAT(usage_error({"drive", "eject"}), ContainsSubstring("drive has no verb 'eject'") &&
                                                    ContainsSubstring("list show why"));
    CHECK_THAT(usage_error({"drive"}), ContainsSubstring("drive needs a verb"));
    CHECK_THAT(usage_error({"drive", "show"}), ContainsSubstring("SERIAL is required") &&
                                                   ContainsSubstring("drive show VT00000001"));
    CHECK_THAT(usage_error({"drive", "show", "A", "B"}), ContainsSubstring("drive show SERIAL"));
    CHECK_THAT(usage_error({"--frobnicate"}), ContainsSubstring("--frobnicate"));
    CHECK_THAT(usage_error({"drive", "list", "--frobnicate"}), ContainsSubstring("--frobnicate"));
}

TEST_CASE("values out of range are refused by name") {
    for (const char* limit : {"0", "-1", "x", "1000001", "99999999999999999999", "1.5", ""}) {
        CHECK_THAT(usage_error({"event", "list", "--limit=" + std::string{limit}}),
                   ContainsSubstring("--limit"));
    }
    for (const char* timeout : {"0", "-1", "601", "nan", "x"}) {
        CHECK_THAT(usage_error({"--timeout=" + std::string{timeout}, "drive", "list"}),
                   ContainsSubstring("--timeout"));
    }
    CHECK_THAT(usage_error({"event", "list", "--since", "soon"}),
               ContainsSubstring("'soon' is no time"));
    CHECK_THAT(usage_error({"port", "command", "VT1", "fc:1", "0"}),
               ContainsSubstring("CDB must be hex"));
    CHECK_THAT(usage_error({"port", "reserve", "VT1", "fc:1", "--key", "00112233445566778"}),
               ContainsSubstring("--key must be hex"));
    CHECK_THAT(usage_error({"drive", "show", ""}), ContainsSubstring("SERIAL must not be empty"));
}

TEST_CASE("without a noun a shell is wanted, with -f a script") {
    CHECK(std::holds_alternative<ShellWanted>(parsed({"--socket", "/s"})));
    const CommandLine script = parsed({"-f", "-", "--json"});
    REQUIRE(std::holds_alternative<ScriptWanted>(script));
    CHECK(std::get<ScriptWanted>(script).file == "-");
    CHECK(std::get<ScriptWanted>(script).options.json);
    CHECK_THAT(usage_error({"-f", "x", "drive", "list"}), ContainsSubstring("exclude each other"));
}

TEST_CASE("a line of a script can not run another script") {
    CHECK_THAT(usage_error({"-f", "x"}, WordSource::line), !ContainsSubstring("accepted"));
}

TEST_CASE("help is there for everything, a noun and a verb, in both ways") {
    const auto text = [](const std::vector<std::string>& words) {
        const CommandLine line = parsed(words);
        return std::holds_alternative<TextWanted>(line) ? std::get<TextWanted>(line).text : "";
    };
    CHECK_THAT(text({"--help"}), ContainsSubstring("nouns:"));
    CHECK(text({"help"}) == text({"--help"}));
    CHECK_THAT(text({"drive", "--help"}), ContainsSubstring("drive why SERIAL"));
    CHECK(text({"help", "drive"}) == text({"drive", "--help"}));
    CHECK_THAT(text({"help", "drive", "clear"}), ContainsSubstring("--reason TEXT"));
    CHECK(text({"drive", "clear", "--help"}) == text({"help", "drive", "clear"}));
    CHECK_THAT(text({"--version"}), ContainsSubstring("lractl "));
    CHECK_THAT(usage_error({"help", "tape"}), ContainsSubstring("no noun 'tape'"));
    CHECK_THAT(usage_error({"help", "drive", "eject"}), ContainsSubstring("no verb 'eject'"));
}
