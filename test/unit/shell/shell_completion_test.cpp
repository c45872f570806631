#include "agent/shell/shell_completion.hpp"

#include "test/support/catch.hpp"

using namespace agent::shell;
using Words = std::vector<std::string>;

namespace {

struct AskedForNames {
    GlobalOptions options;
    Daemon daemon = Daemon::none;
};

Words candidates_for(std::string_view line, AskedForNames* asked = nullptr) {
    return complete_arguments(line, {},
                              [&](ValueKind, const GlobalOptions& options, Daemon daemon) {
                                  if (asked != nullptr) *asked = {options, daemon};
                                  return Words{"VT00000001", "VT00000002"};
                              })
        .candidates;
}

}  // namespace

TEST_CASE("a shell completes nouns, verbs, serials and options") {
    CHECK(candidates_for("lractl han") == Words{"handshake"});
    CHECK(candidates_for("/usr/bin/lractl  han") == Words{"handshake"});
    CHECK(candidates_for("lractl drive wh") == Words{"why"});
    CHECK(candidates_for("lractl drive why VT") == Words{"VT00000001", "VT00000002"});
    CHECK(candidates_for("lractl drive clear VT00000001 --re") == Words{"--reason"});
    CHECK(candidates_for("lractl no-such-noun x").empty());
}

TEST_CASE("words of the interactive shell are none of a command line's") {
    const Words all = candidates_for("lractl ");
    CHECK(std::find(all.begin(), all.end(), "drive") != all.end());
    CHECK(std::find(all.begin(), all.end(), "quit") == all.end());
    CHECK(std::find(all.begin(), all.end(), "use") == all.end());
}

TEST_CASE("options before the noun are understood, and names are asked with them") {
    CHECK(candidates_for("lractl --so") == Words{"--socket"});
    CHECK(candidates_for("lractl --socket /run/l").empty());
    CHECK(candidates_for("lractl --completion z") == Words{"zsh"});
    CHECK(candidates_for("lractl --json --timeout 3 dri") == Words{"drive"});
    AskedForNames asked;
    CHECK(candidates_for("lractl --socket /tmp/x.sock drive show ", &asked).size() == 2);
    CHECK(asked.options.socket == "/tmp/x.sock");
}

TEST_CASE("names are asked of the daemon that the command is for") {
    AskedForNames asked;
    static_cast<void>(candidates_for("lractl application query ", &asked));
    CHECK(asked.daemon == Daemon::dsad);
    static_cast<void>(candidates_for("lractl drive why ", &asked));
    CHECK(asked.daemon == Daemon::lrad);
    static_cast<void>(candidates_for("lractl drive show ", &asked));
    CHECK(asked.daemon == Daemon::none);
}
