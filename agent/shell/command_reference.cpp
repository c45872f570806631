#include "agent/shell/command_reference.hpp"

#include <algorithm>

#include "agent/shell/screen_table.hpp"

namespace agent::shell {
namespace {

const Screen page{80, false, {}};

constexpr std::string_view synopsis =
    "usage: lractl [OPTIONS] NOUN VERB [ARGUMENTS]   one command\n"
    "       lractl [OPTIONS]                         interactive shell\n"
    "       lractl [OPTIONS] -f FILE                 commands from a file; - is stdin\n";

constexpr std::string_view global_options =
    "options, anywhere on the line:\n"
    "  --socket PATH   control socket; otherwise LRACTL_SOCKET, otherwise the one of\n"
    "                  the daemon that serves the command, in /run/lra\n"
    "  --json          print the daemon's answer as JSON, errors too\n"
    "  --timeout S     wait at most S seconds for an answer (10)\n"
    "  --completion SHELL  print a completion script for bash or zsh\n"
    "  --print-manual  print the source of the manual page lractl(1)\n"
    "  --version       print the version\n"
    "  --help          this text; after a noun or a verb, help on it\n";

constexpr std::string_view exit_statuses =
    "exit status: 0 ok, 1 failure, 2 usage, 3 the state differs from what was asked\n"
    "             for, 4 partly done, 5 busy\n";

std::string daemons_of(const Command& command) {
    std::string text;
    for (const Daemon daemon : command.served_by) {
        if (daemon == Daemon::none) continue;
        if (!text.empty()) text += ", ";
        text += to_text(daemon);
    }
    return text.empty() ? "lractl itself" : text;
}

std::string two_columns(const std::vector<Row>& rows) {
    const std::vector<Column> columns{{"", Fit::keep}, {"", Fit::keep}, {"", Fit::wrap, 30}};
    const std::string table = screen_table(columns, rows, page);
    return table.substr(table.find('\n') + 1);  // no titles
}

std::string parameter_lines(const Command& command) {
    std::vector<Row> rows;
    for (const Parameter& positional : command.positionals) {
        if (positional.name.empty()) continue;
        rows.push_back(
            {{" "}, {std::string{positional.placeholder}}, {std::string{positional.help}}});
    }
    for (const Parameter& option : command.options) {
        if (option.name.empty()) continue;
        std::string written = option_of(option);
        if (!option.placeholder.empty()) written += " " + std::string{option.placeholder};
        rows.push_back({{" "}, {written}, {std::string{option.help}}});
    }
    return rows.empty() ? "" : two_columns(rows);
}

// A Markdown table cell: '|' would end it.
std::string markdown(std::string_view text) {
    std::string cell;
    for (const char c : text) {
        if (c == '|') cell += '\\';
        cell += c;
    }
    return cell;
}

std::string markdown_options(const Command& command) {
    std::string text;
    for (const auto& list : {std::span<const Parameter>{command.positionals},
                             std::span<const Parameter>{command.options}}) {
        for (const Parameter& parameter : list) {
            if (parameter.name.empty()) continue;
            const bool option = list.data() == command.options.data();
            text += "- `" + (option ? option_of(parameter) : std::string{parameter.placeholder});
            if (option && !parameter.placeholder.empty()) {
                text += " " + std::string{parameter.placeholder};
            }
            text += "`: " + std::string{parameter.help} + "\n";
        }
    }
    return text;
}

}  // namespace

std::string help_text() {
    std::string text = "lractl: looks into lrad, dsad and vtld and tells them what to do.\n\n";
    text += std::string{synopsis} + "\n";
    std::vector<Row> rows;
    for (const Noun& noun : nouns()) {
        rows.push_back({{" "}, {std::string{noun.name}}, {std::string{noun.help}}});
    }
    rows.push_back({{" "}, {"help"}, {"help [NOUN [VERB]]"}});
    text += "nouns:\n" + two_columns(rows) + "\n";
    text += std::string{global_options} + "\n" + std::string{exit_statuses};
    return text;
}

std::string help_of(const Noun& noun) {
    std::string text = std::string{noun.name} + ": " + std::string{noun.help} + "\n\n";
    for (const Command& command : commands()) {
        if (command.noun != noun.name) continue;
        text +=
            paragraph("lractl " + usage_of(command), 2, page) + paragraph(command.help, 6, page);
    }
    return text;
}

std::string help_of(const Command& command) {
    std::string text = paragraph("usage: lractl " + usage_of(command), 0, page);
    text += "\n" + paragraph(command.help, 0, page);
    const std::string parameters = parameter_lines(command);
    if (!parameters.empty()) text += "\n" + parameters;
    text += "\nanswered by: " + daemons_of(command) + "\n";
    text += "example: lractl " + std::string{command.example} + "\n";
    return text;
}

std::string noun_summary() {
    std::string text = "nouns:";
    for (const Noun& noun : nouns())
        text += " " + std::string{noun.name};
    return text + "\nsee: lractl --help";
}

std::string verb_summary(std::string_view noun) {
    std::string text = "verbs:";
    for (const std::string_view verb : verbs_of(noun))
        text += " " + std::string{verb};
    return text + "\nsee: lractl help " + std::string{noun};
}

std::string command_reference() {
    std::string text;
    for (const Noun& noun : nouns()) {
        text += "### " + std::string{noun.name} + "\n\n" + std::string{noun.help} + "\n\n";
        text += "| command | does | answered by |\n|---|---|---|\n";
        for (const Command& command : commands()) {
            if (command.noun != noun.name) continue;
            text += "| `" + markdown(usage_of(command)) + "` | " + markdown(command.help) + " | " +
                    daemons_of(command) + " |\n";
        }
        text += "\n";
        for (const Command& command : commands()) {
            if (command.noun != noun.name) continue;
            text += "`" + std::string{"lractl "} + std::string{command.example} + "`\n\n";
            const std::string options = markdown_options(command);
            if (!options.empty()) text += options + "\n";
        }
    }
    return text;
}

}  // namespace agent::shell
