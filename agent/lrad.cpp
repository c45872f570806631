// lrad, the library reservation agent: reads its configuration, puts the controller together, runs
// the event loop.

#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "agent/agentless/agentless_hosts.hpp"
#include "agent/lrad/controller.hpp"
#include "agent/lrad/discover_command.hpp"
#include "agent/lrad/init_pair_command.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "agent/runtime/program_options.hpp"
#include "agent/runtime/service.hpp"

namespace {

using agent::runtime::ExitCode;

ExitCode run(const std::string& file, agent::runtime::LradConfiguration configuration) {
    asio::io_context loop;
    auto opened = agent::lrad::Controller::open(loop, std::move(configuration));
    if (!opened) {
        agent::runtime::log_critical("lrad can not start: " + opened.error().message);
        return ExitCode::failure;
    }
    const auto controller = std::move(opened).value();

    ExitCode ending = ExitCode::ok;
    std::optional<agent::runtime::Service> service;
    agent::runtime::ServiceHandlers handlers;
    handlers.stop = [&] { controller->stop([&] { service->finish(); }); };
    handlers.reload = [&]() -> agent::core::Outcome {
        auto next = agent::runtime::read_lrad_configuration(file);
        if (!next.ok()) {
            for (const auto& error : next.errors)
                agent::runtime::log_error(error);
            return agent::core::Error{file + " has errors; the old configuration stays"};
        }
        return controller->reconfigure(std::move(*next.value));
    };
    service.emplace(loop, std::move(handlers));
    controller->start([&](const std::string&) {
        ending = ExitCode::failure;
        service->finish();
    });
    service->ready(controller->status_line());
    loop.run();
    return ending;
}

ExitCode program(int argc, char** argv) {
    if (const auto ended = agent::lrad::discover_if_asked(argc, argv)) return *ended;
    agent::runtime::start_log("lrad");
    const auto options = agent::runtime::read_program_options(
        argc, argv,
        {"lrad",
         "The library reservation agent: tells every backup application when a shared tape drive "
         "is reserved, and takes "
         "the drive offline when one does not answer. `lrad --discover` finds the drives there are "
         "(lrad --discover --help).",
         "/etc/lra/lrad.json", &agent::runtime::lrad_configuration_schema(),
         agent::lrad::init_pair_questions()});
    if (const auto* ended = std::get_if<ExitCode>(&options)) return *ended;
    const auto& asked = std::get<agent::runtime::ProgramOptions>(options);
    auto configuration = agent::runtime::read_lrad_configuration(asked.configuration_file);
    if (!configuration.ok()) return agent::runtime::report(configuration.errors);
    const auto mistakes = agent::agentless::AgentlessHosts::mistakes(*configuration.value);
    if (!mistakes.empty()) return agent::runtime::report(mistakes);
    if (asked.check_only) return agent::runtime::report_valid(asked.configuration_file);
    return run(asked.configuration_file, std::move(*configuration.value));
}

}  // namespace

int main(int argc, char** argv) {
    return agent::runtime::run_program(program, argc, argv);
}
