#include "agent/shell/command_manual.hpp"

#include <span>

#include "agent/runtime/manual_page.hpp"
#include "agent/shell/command_table.hpp"

namespace agent::shell {

namespace {

struct TextPair {
    std::string_view tag;
    std::string_view meaning;
};

constexpr TextPair global_option_pairs[] = {
    {"`--socket` PATH",
     "Control socket. Otherwise `LRACTL_SOCKET` from the environment, otherwise the one of the "
     "daemon that serves the command, in /run/lra."},
    {"`--json`", "Prints the daemon's answer as JSON, errors too."},
    {"`--timeout` S", "Waits at most S seconds for an answer; 10 when not given."},
    {"`-f` FILE",
     "Runs the commands of a file, one a line, and stops at the first that fails; - "
     "is standard input."},
    {"`--completion` bash|zsh", "Prints a completion script for that shell."},
    {"`--print-manual`", "Prints the source of this page."},
    {"`--version`", "Prints the version."},
    {"`--help`", "Help; after a noun or a verb, help on it."}};

constexpr TextPair exit_status_pairs[] = {
    {"0", "done"},
    {"1", "it was tried and did not work, or the daemon can not be reached"},
    {"2", "the command line is wrong"},
    {"3", "the state differs from what was asked for"},
    {"4", "some of several things were done"},
    {"5", "busy: somebody else is at it; try again later"}};

std::string daemons_in_bold(const Command& command) {
    std::string text;
    for (const Daemon daemon : command.served_by) {
        if (daemon == Daemon::none) continue;
        text += (text.empty() ? "`" : ", `") + std::string(to_text(daemon)) + "`(8)";
    }
    return text.empty() ? "`lractl` itself" : text;
}

void parameters(runtime::ManualPage& page, std::span<const Parameter> list, bool options) {
    for (const Parameter& parameter : list) {
        if (parameter.name.empty()) continue;
        std::string tag = options ? "`" + option_of(parameter) + "`" : "";
        if (!parameter.placeholder.empty())
            tag += (tag.empty() ? "" : " ") + std::string(parameter.placeholder);
        page.entry(tag, parameter.help);
    }
}

}  // namespace

std::string command_manual() {
    runtime::ManualPage page("lractl", 1,
                             "looks into lrad, dsad and vtld and tells them what to do");
    page.section("SYNOPSIS");
    page.paragraph("`lractl` [OPTIONS] NOUN VERB [ARGUMENTS]");
    page.paragraph("`lractl` [OPTIONS] `-f` FILE");
    page.paragraph("`lractl` [OPTIONS]");
    page.section("DESCRIPTION");
    page.paragraph(
        "The field-service shell of the library reservation agent. With a noun and a verb it runs "
        "one command; without a noun it is an interactive shell with history and completion.");
    page.section("OPTIONS");
    for (const TextPair& option : global_option_pairs)
        page.entry(option.tag, option.meaning);
    page.section("COMMANDS");
    for (const Noun& noun : nouns()) {
        page.subsection(noun.name);
        page.paragraph(noun.help);
        for (const Command& command : commands()) {
            if (command.noun != noun.name) continue;
            page.entry("`" + usage_of(command) + "`",
                       std::string(command.help) + ". Answered by " + daemons_in_bold(command) +
                           ". Example: `lractl " + std::string(command.example) + "`");
            parameters(page, command.positionals, false);
            parameters(page, command.options, true);
        }
    }
    page.section("EXIT STATUS");
    for (const TextPair& status : exit_status_pairs)
        page.entry(status.tag, status.meaning);
    page.section("SEE ALSO");
    page.paragraph(
        "`lrad`(8), `dsad`(8), `vtld`(8), `lrad.json`(5), `dsad.json`(5), `vtld.json`(5)");
    return page.text();
}

}  // namespace agent::shell
