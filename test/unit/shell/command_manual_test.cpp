#include "agent/shell/command_manual.hpp"

#include "agent/shell/command_table.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;

TEST_CASE("lractl(1) describes every command with its options") {
    std::string page = command_manual();
    for (std::size_t at = page.find("\\-"); at != std::string::npos; at = page.find("\\-", at))
        page.erase(at, 1);
    for (const Command& command : commands()) {
        CHECK_THAT(page, ContainsSubstring(usage_of(command)));
        for (const Parameter& option : command.options) {
            if (!option.name.empty()) CHECK_THAT(page, ContainsSubstring(option_of(option)));
        }
    }
}
