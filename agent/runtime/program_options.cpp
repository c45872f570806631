#include "agent/runtime/program_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string_view>

#include "agent/runtime/manual_page.hpp"

namespace agent::runtime {

namespace {

void print(FILE* stream, const std::string& text) {
    std::fputs(text.c_str(), stream);
}

// Empty when it can be part of a file's name.
std::string wrong_with_instance(const std::string& name) {
    constexpr std::size_t name_size_max = 64;
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const bool good = !name.empty() && name.size() <= name_size_max && name.front() != '.' &&
                      name.find_first_not_of(allowed) == std::string::npos;
    return good ? "" : "an instance's name has 1 to 64 letters, digits, '.', '-' and '_'";
}

}  // namespace

std::variant<ProgramOptions, ExitCode> read_program_options(int argc, const char* const* argv,
                                                            const ProgramDescription& description) {
    ProgramOptions options{description.default_configuration, false};
    bool print_schema = false;
    int manual_section = 0;
    bool version = false;
    CLI::App app(description.purpose, description.name);
    CLI::Option* const config =
        app.add_option("--config", options.configuration_file, "Configuration file")
            ->type_name("FILE")
            ->capture_default_str();
    std::string instance;
    if (!description.instance_configuration_begins.empty()) {
        app.add_option("--instance", instance,
                       "One of several on this host: reads " +
                           description.instance_configuration_begins + "NAME" +
                           description.instance_configuration_ends)
            ->type_name("NAME")
            ->excludes(config)
            ->check(CLI::Validator(wrong_with_instance, ""));
    }
    app.add_flag("--check-config", options.check_only,
                 "Read the configuration, print what is wrong with it, and end (status 42)");
    app.add_flag("--print-schema", print_schema, "Print the configuration's JSON Schema and end");
    app.add_option("--print-manual", manual_section, "Print its manual page and end")
        ->type_name("SECTION")
        ->check(CLI::IsMember({5, 8}));
    app.add_flag("--version", version, "Print the version and end");
    std::vector<std::string> values(description.questions.size());
    std::vector<CLI::Option*> asked;
    for (std::size_t i = 0; i < description.questions.size(); ++i) {
        const ProgramQuestion& question = description.questions[i];
        asked.push_back(question.value_name.empty()
                            ? app.add_flag(question.option, question.help)
                            : app.add_option(question.option, values[i], question.help)
                                  ->type_name(question.value_name));
    }
    app.footer(
        "Stays in the foreground; logs to stderr or the journal; reloads its configuration on "
        "SIGHUP.\n"
        "Exit status: 0 ok, 1 run-time failure, 2 usage, 42 configuration error.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        print(stdout, app.help());
        return ExitCode::ok;
    } catch (const CLI::ParseError& error) {
        print(stderr,
              description.name + ": " + error.what() + "; see " + description.name + " --help\n");
        return ExitCode::usage;
    }
    if (!instance.empty()) {
        options.configuration_file = description.instance_configuration_begins + instance +
                                     description.instance_configuration_ends;
    }
    if (version) {
        print(stdout, description.name + " " LRA_VERSION "\n");
        return ExitCode::ok;
    }
    if (print_schema) {
        print(stdout, json_schema(*description.schema));
        return ExitCode::ok;
    }
    if (manual_section != 0) {
        print(stdout, manual_section == 8 ? program_manual(description)
                                          : configuration_manual(description));
        return ExitCode::ok;
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (asked[i]->count() > 0)
            return description.questions[i].answer(options.configuration_file, values[i]);
    }
    return options;
}

ExitCode report(const ConfigurationErrors& errors) {
    for (const std::string& error : errors)
        print(stderr, error + "\n");
    return ExitCode::configuration;
}

ExitCode report_valid(const std::string& file) {
    print(stdout, file + ": the configuration is valid\n");
    return ExitCode::ok;
}

int run_program(ExitCode (*body)(int argc, char** argv), int argc, char** argv) {
    try {
        return number(body(argc, argv));
    } catch (const std::exception& error) {
        print(stderr, std::string("ended by an unexpected error: ") + error.what() + "\n");
    } catch (...) {
        print(stderr, "ended by an unexpected error of unknown kind\n");
    }
    return number(ExitCode::failure);
}

}  // namespace agent::runtime
