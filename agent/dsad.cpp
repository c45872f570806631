// dsad, the drive sharing agent: runs on a backup host, is told by the library reservation agent
// who holds a drive, sets it offline or online in the backup application there, and confirms.

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "agent/dsad/application_setup.hpp"
#include "agent/dsad/composition.hpp"
#include "agent/dsad/control_methods.hpp"
#include "agent/dsad/daemon.hpp"
#include "agent/dsad/host_discovery.hpp"
#include "agent/dsad/host_facts.hpp"
#include "agent/dsad/host_knowledge.hpp"
#include "agent/dsad/metrics_report.hpp"
#include "agent/dsad/profile_listing.hpp"
#include "agent/metrics/metrics_server.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/control_server.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/program_options.hpp"
#include "agent/runtime/service.hpp"
#include "agent/runtime/state_json.hpp"

namespace {

using namespace agent;
using runtime::ExitCode;

// A configuration that is right as a whole: the file, what the host adds to it, and the profile
// that follows from both.
struct Prepared {
    dsad::HostKnowledge known;
    dsad::Application application;
};

enum class Look : std::uint8_t { at_this_host, at_the_file_only };

// What was said by hand, and what this host has. While dsad runs (`running`) no drive is asked
// anything here, and what was said by hand is what it has in memory.
core::Result<dsad::HostKnowledge> look_around(runtime::DsadConfiguration configuration,
                                              const dsad::HostKnowledge* running) {
    const core::Now now = runtime::clock_now();
    if (running != nullptr) {
        return dsad::HostKnowledge::combine(std::move(configuration), running->facts(),
                                            dsad::glance_at_this_host(running->devices()), now);
    }
    auto facts = dsad::load_host_facts(configuration.state_dir);
    if (!facts) return facts.error();
    auto devices = dsad::look_at_this_host(configuration.discover_drives);
    for (const auto& trouble : devices.troubles)
        runtime::log_warning("discovery: " + trouble);
    auto known = dsad::HostKnowledge::combine(std::move(configuration), std::move(facts).value(),
                                              std::move(devices), now);
    if (!known) return known.error();
    for (const auto& line : known.value().take_news())
        runtime::log_info("discovery: " + line);
    return known;
}

runtime::Configured<Prepared> prepare(const std::string& file, Look look,
                                      const dsad::HostKnowledge* running) {
    auto read = runtime::read_configuration_file(runtime::dsad_configuration_schema(), file);
    if (!read.ok()) return {std::nullopt, std::move(read.errors)};
    auto configuration = runtime::dsad_configuration(*read.value);
    if (!configuration.ok()) return {std::nullopt, std::move(configuration.errors)};
    // "application.query: ..." names its key before the first ": ".
    const auto located = [&](const std::string& message) {
        const std::size_t colon = std::min(message.find(": "), message.size());
        const std::size_t text = std::min(colon + 2, message.size());
        return read.value->error_at(message.substr(0, colon), message.substr(text));
    };
    auto files = dsad::read_application_files(configuration.value->application);
    if (!files) return {std::nullopt, {located(files.error().message)}};
    if (look == Look::at_the_file_only) {
        configuration.value->discover_ports = false;
        auto profile =
            dsad::application_profile(*configuration.value, *files, dsad::ProgramsRun::here);
        if (!profile) return {std::nullopt, {located(profile.error().message)}};
        auto known = dsad::HostKnowledge::combine(std::move(*configuration.value), {}, {},
                                                  runtime::clock_now());
        if (!known) return {std::nullopt, {located(known.error().message)}};
        return {Prepared{std::move(known).value(),
                         {std::move(files).value(), std::move(profile).value()}},
                {}};
    }
    auto known = look_around(std::move(*configuration.value), running);
    if (!known) return {std::nullopt, {located(known.error().message)}};
    auto profile = dsad::usable_profile(known.value(), *files);
    if (!profile) return {std::nullopt, {located(profile.error().message)}};
    return {
        Prepared{std::move(known).value(), {std::move(files).value(), std::move(profile).value()}},
        {}};
}

// Keys' derivatives and the ledger are nobody else's business.
core::Outcome make_state_dir(const std::string& path) {
    ::umask(0077);
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return core::Error{"can not make the state folder " + path + ": " + error.message()};
    return core::Nothing{};
}

ExitCode fail(const std::string& why) {
    runtime::log_critical(why);
    return ExitCode::failure;
}

ExitCode run(const std::string& file, Prepared prepared) {
    const runtime::DsadConfiguration& configuration = prepared.known.configuration();
    const std::string name = configuration.host.agent;
    if (const auto made = make_state_dir(configuration.state_dir); !made)
        return fail(made.error().message);

    asio::io_context loop;
    ExitCode exit_code = ExitCode::ok;
    std::unique_ptr<dsad::Daemon> daemon;
    runtime::ControlServer control(loop, {.path = configuration.control_socket});

    const auto reload = [&]() -> core::Outcome {
        auto fresh = prepare(file, Look::at_this_host, &daemon->host());
        if (!fresh.ok()) {
            for (const auto& line : fresh.errors)
                runtime::log_error(line);
            return core::Error{std::to_string(fresh.errors.size()) + " mistakes in " + file};
        }
        return daemon->follow(std::move(fresh.value->known), std::move(fresh.value->application));
    };
    runtime::Service service(loop, {.stop = [&] { daemon->stop(); }, .reload = reload});

    auto opened =
        dsad::Daemon::open(loop, std::move(prepared.known), std::move(prepared.application),
                           {.stopped = [&] { service.finish(); },
                            .broken =
                                [&](const std::string& why) {
                                    exit_code = fail(why);
                                    service.finish();
                                },
                            .event =
                                [&](const core::EventRecord& record) {
                                    control.publish_event(runtime::event_json(record));
                                }});
    if (!opened) return fail(opened.error().message);
    daemon = std::move(opened).value();

    dsad::serve(control, *daemon);
    if (const auto listening = control.listen(); !listening) return fail(listening.error().message);

    const std::string doubts = dsad::doubts_about(daemon->application_files());
    if (!doubts.empty()) runtime::log_warning(doubts);
    daemon->start();
    service.ready("drive sharing agent " + name + ": " + std::to_string(daemon->drives().size()) +
                  " drives");
    runtime::log_info("drive sharing agent " + name + " listens on udp port " +
                      std::to_string(daemon->channel().listen_port()));
    const auto metrics = metrics::MetricsServer::open(
        loop, daemon->configuration().metrics,
        {.metrics = [&] { return dsad::agent_metrics(*daemon); },
         .trouble = []() -> std::optional<std::string> { return std::nullopt; }});
    if (!metrics) return fail(metrics.error().message);
    loop.run();
    return exit_code;
}

ExitCode body(int argc, char** argv) {
    runtime::start_log("dsad");
    const auto options = runtime::read_program_options(
        argc, argv,
        {.name = "dsad",
         .purpose =
             "Drive sharing agent: keeps a backup application off the drives that others hold.",
         .default_configuration = "/etc/lra/dsad.json",
         .schema = &runtime::dsad_configuration_schema(),
         .questions = {{"--list-profiles", "", "Print the application profiles there are and end",
                        [](const std::string& configuration, const std::string&) {
                            return dsad::print_profiles(dsad::profile_folders(configuration));
                        }},
                       {"--print-profile", "NAME",
                        "Print an application profile and what is wrong with it",
                        [](const std::string& configuration, const std::string& profile) {
                            return dsad::print_profile(profile,
                                                       dsad::profile_folders(configuration));
                        }}},
         .instance_configuration_begins = "/etc/lra/dsad-",
         .instance_configuration_ends = ".json"});
    if (const auto* end = std::get_if<ExitCode>(&options)) return *end;
    const auto& chosen = std::get<runtime::ProgramOptions>(options);

    auto prepared =
        prepare(chosen.configuration_file,
                chosen.check_only ? Look::at_the_file_only : Look::at_this_host, nullptr);
    if (!prepared.ok()) return runtime::report(prepared.errors);
    if (chosen.check_only) return runtime::report_valid(chosen.configuration_file);
    return run(chosen.configuration_file, std::move(*prepared.value));
}

}  // namespace

int main(int argc, char** argv) {
    return runtime::run_program(body, argc, argv);
}
