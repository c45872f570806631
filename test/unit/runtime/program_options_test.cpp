#include "agent/runtime/program_options.hpp"

#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <vector>

#include "test/support/catch.hpp"

using namespace agent::runtime;

namespace {

const ConfigurationSchema schema{"tested", "A schema.", object_shape({})};
const ProgramDescription description{"tested", "A program for this test.", "/etc/lra/tested.json",
                                     &schema};

std::variant<ProgramOptions, ExitCode> options(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tested");
    return read_program_options(static_cast<int>(arguments.size()), arguments.data(), description);
}

ExitCode end_of(std::vector<const char*> arguments) {
    return std::get<ExitCode>(options(std::move(arguments)));
}

}  // namespace

TEST_CASE("without arguments a program reads its default configuration") {
    const auto read = std::get<ProgramOptions>(options({}));
    CHECK(read.configuration_file == "/etc/lra/tested.json");
    CHECK_FALSE(read.check_only);
}

TEST_CASE("the configuration file can be named and merely checked") {
    const auto read = std::get<ProgramOptions>(options({"--check-config", "--config", "a.json"}));
    CHECK(read.configuration_file == "a.json");
    CHECK(read.check_only);
}

TEST_CASE("an instance reads the file that has its name") {
    ProgramDescription several = description;
    several.instance_configuration_begins = "/etc/lra/tested-";
    several.instance_configuration_ends = ".json";
    const auto read = [&](std::vector<const char*> arguments) {
        arguments.insert(arguments.begin(), "tested");
        return read_program_options(static_cast<int>(arguments.size()), arguments.data(), several);
    };
    const auto one = read({"--instance", "catalogue-2"});
    CHECK(std::get<ProgramOptions>(one).configuration_file == "/etc/lra/tested-catalogue-2.json");
    for (const char* name : {"", "../x", ".hidden", "a/b", "a b"}) {
        INFO(name);
        const auto refused = read({"--instance", name});
        CHECK(std::get<ExitCode>(refused) == ExitCode::usage);
    }
    const auto both = read({"--instance", "a", "--config", "b"});
    CHECK(std::get<ExitCode>(both) == ExitCode::usage);
    CHECK(end_of({"--instance", "a"}) == ExitCode::usage);  // of a program that has none
}

TEST_CASE("questions are answered with status 0, mistakes with status 2") {
    CHECK(end_of({"--version"}) == ExitCode::ok);
    CHECK(end_of({"--help"}) == ExitCode::ok);
    CHECK(end_of({"--print-schema"}) == ExitCode::ok);
    CHECK(end_of({"--cofnig", "x"}) == ExitCode::usage);
    CHECK(end_of({"--config"}) == ExitCode::usage);
    CHECK(end_of({"stray"}) == ExitCode::usage);
}

TEST_CASE("the numbers of exit codes are fixed") {
    CHECK(number(ExitCode::ok) == 0);
    CHECK(number(ExitCode::failure) == 1);
    CHECK(number(ExitCode::usage) == 2);
    CHECK(number(ExitCode::state_differs) == 3);
    CHECK(number(ExitCode::partly_done) == 4);
    CHECK(number(ExitCode::busy) == 5);
    CHECK(number(ExitCode::configuration) == 42);
    CHECK(report({"a.json:1: b: is wrong"}) == ExitCode::configuration);
}

TEST_CASE("what a program throws ends it with status 1") {
    CHECK(run_program([](int, char**) -> ExitCode { throw std::runtime_error("planned"); }, 0,
                      nullptr) == 1);
    CHECK(run_program([](int, char**) { return ExitCode::busy; }, 0, nullptr) == 5);
}
