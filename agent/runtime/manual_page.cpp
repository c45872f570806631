#include "agent/runtime/manual_page.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace agent::runtime {

namespace {

// A backslash begins a request of roff, and so do '.' and '\'' at the start of a line; a plain '-'
// may be printed as a hyphen that nobody can paste.
std::string roff(std::string_view text) {
    std::string out;
    bool bold = false;
    for (const char c : text) {
        const bool at_start = out.empty() || out.back() == '\n';
        if (at_start && (c == '.' || c == '\'')) out += "\\&";
        switch (c) {
            case '`':
                bold = !bold;
                out += bold ? "\\fB" : "\\fR";
                break;
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string in_roff_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : roff(text))
        out += c == '"' ? std::string("\\(dq") : std::string(1, c);
    return out + "\"";
}

struct OptionText {
    std::string_view written;
    std::string_view meaning;
};

constexpr OptionText daemon_options[] = {
    {"`--config` FILE", "Reads this configuration file."},
    {"`--check-config`",
     "Reads the configuration as the daemon would, key files included, prints what is wrong as "
     "FILE:LINE: PATH: what, and what would be right, and ends: with 42 when something is wrong."},
    {"`--print-schema`", "Prints the configuration's JSON Schema for editors, and ends."},
    {"`--print-manual` SECTION", "Prints the source of its manual page of section 5 or 8."},
    {"`--version`", "Prints the version, and ends."},
    {"`--help`", "Prints a summary, and ends."}};

constexpr OptionText exit_statuses[] = {
    {"0", "ended in order, after SIGTERM or SIGINT"},
    {"1", "a failure while running, said in words on standard error; to be started again"},
    {"2", "the command line is wrong"},
    {"42", "the configuration is wrong: starting again does not help before it is mended"}};

std::string in_capitals(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

std::string file_of(const ProgramDescription& program) {
    return std::filesystem::path(program.default_configuration).filename().string();
}

void see_also(ManualPage& page, const ProgramDescription& program, int own_section) {
    page.section("SEE ALSO");
    const std::string own =
        own_section == 8 ? "`" + file_of(program) + "`(5)" : "`" + program.name + "`(8)";
    page.paragraph(own + ", `lractl`(1)");
}

}  // namespace

ManualPage::ManualPage(std::string_view name, int section, std::string_view summary) {
    text_ = ".TH " + in_roff_quotes(in_capitals(name)) + " " + std::to_string(section) +
            " \"\" \"library reservation agent " LRA_VERSION "\"\n.nh\n.ad l\n";
    this->section("NAME");
    text_ += roff(name) + " \\- " + roff(summary) + "\n";
}

void ManualPage::section(std::string_view title) {
    text_ += ".SH " + in_roff_quotes(title) + "\n";
}

void ManualPage::subsection(std::string_view title) {
    text_ += ".SS " + in_roff_quotes(title) + "\n";
}

void ManualPage::paragraph(std::string_view text) {
    text_ += ".PP\n" + roff(text) + "\n";
}

void ManualPage::entry(std::string_view tag, std::string_view text) {
    text_ += ".TP\n" + roff(tag) + "\n" + roff(text) + "\n";
}

void ManualPage::example(std::string_view lines) {
    text_ += ".PP\n.nf\n" + roff(lines) + "\n.fi\n";
}

std::string program_manual(const ProgramDescription& program) {
    ManualPage page(program.name, 8, program.purpose);
    page.section("SYNOPSIS");
    const bool has_instances = !program.instance_configuration_begins.empty();
    const std::string which =
        has_instances ? "[`--config` FILE | `--instance` NAME]" : "[`--config` FILE]";
    page.paragraph("`" + program.name + "` " + which);
    page.paragraph("`" + program.name + "` `--check-config` " + which);
    page.section("DESCRIPTION");
    page.paragraph(
        "Stays in the foreground. Logs to the journal when systemd started it, to standard error "
        "otherwise; `LRA_LOG_LEVEL` (debug, info, warning, error, critical) says from which level "
        "on. Tells systemd when it is ready, reloading and stopping, and that it is alive. On "
        "SIGHUP it reads its configuration again and keeps the old one when the new one is wrong; "
        "SIGTERM ends it in order, a second one at once.");
    page.section("OPTIONS");
    for (const OptionText& option : daemon_options)
        page.entry(option.written, option.meaning);
    if (has_instances) {
        page.entry("`--instance` NAME", "One of several " + program.name +
                                            " on this host: its configuration is " + "`" +
                                            program.instance_configuration_begins + "NAME" +
                                            program.instance_configuration_ends + "`.");
    }
    for (const ProgramQuestion& question : program.questions) {
        page.entry("`" + question.option + "` " + question.value_name,
                   question.help + ", and ends.");
    }
    page.section("EXIT STATUS");
    for (const OptionText& status : exit_statuses)
        page.entry(status.written, status.meaning);
    page.section("FILES");
    page.entry("`" + program.default_configuration + "`",
               "Its configuration; see `" + file_of(program) + "`(5).");
    if (has_instances) {
        page.entry("`" + program.instance_configuration_begins + "NAME" +
                       program.instance_configuration_ends + "`",
                   "The configuration of the instance NAME.");
    }
    see_also(page, program, 8);
    return page.text();
}

std::string configuration_manual(const ProgramDescription& program) {
    ManualPage page(file_of(program), 5, "configuration of " + program.name);
    page.section("DESCRIPTION");
    page.paragraph(
        "JSON, with // and /* */ comments allowed. An unknown key, a key that stands twice and a "
        "value of the wrong kind are errors, and all errors of a file are shown, not only the "
        "first: `" +
        program.name + " --check-config`. Relative file names count from the file's own folder.");
    page.section("KEYS");
    for (const KeyDescription& key : described_keys(*program.schema))
        page.entry("`" + key.key + "`", key.values + "; " + key.standing + ". " + key.meaning);
    see_also(page, program, 5);
    return page.text();
}

}  // namespace agent::runtime
