#include "agent/lrad/discover_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "agent/lrad/discovery_report.hpp"
#include "drive_iface/device/iscsi_transport.hpp"

namespace agent::lrad {

using drive_iface::discovery::DiscoveryOptions;
using runtime::ExitCode;

namespace {

struct Asked {
    DiscoveryOptions discovery;
    bool json = false;
};

std::variant<Asked, ExitCode> read_command_line(int argc, const char* const* argv) {
    Asked asked;
    bool discover = false;
    CLI::App app("Finds tape drives and changers, prints what to write into lrad.json, and ends.",
                 "lrad --discover");
    app.add_flag("--discover", discover, "Look for drives");
    app.add_option("--portal", asked.discovery.portals,
                   "iSCSI portal to ask as well; may be given several times")
        ->type_name("HOST[:PORT]")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--initiator-name", asked.discovery.initiator_name, "iSCSI name to log in with")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--sysfs", asked.discovery.sysfs, "Where the kernel's sysfs is")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_flag("--json", asked.json, "Print JSON");
    app.footer("Exit status: 0 ok, 1 nothing was found and something did not answer, 2 usage.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return ExitCode::ok;
    } catch (const CLI::ParseError& error) {
        std::fprintf(stderr, "lrad: %s; see lrad --discover --help\n", error.what());
        return ExitCode::usage;
    }
    if (asked.discovery.portals.size() > drive_iface::discovery::portals_max) {
        std::fprintf(stderr, "lrad: %zu portals, %zu at most\n", asked.discovery.portals.size(),
                     drive_iface::discovery::portals_max);
        return ExitCode::usage;
    }
    return asked;
}

}  // namespace

std::optional<ExitCode> discover_if_asked(int argc, const char* const* argv) {
    const bool wanted = std::any_of(
        argv, argv + argc, [](const char* word) { return std::strcmp(word, "--discover") == 0; });
    if (!wanted) return std::nullopt;
    auto read = read_command_line(argc, argv);
    if (const auto* ended = std::get_if<ExitCode>(&read)) return *ended;
    auto& asked = std::get<Asked>(read);
    // No other session has this, so none is ended by it.
    asked.discovery.isid = drive_iface::isid_number("discover");
    asked.discovery.isid_qualifier = static_cast<std::uint16_t>(::getpid());
    drive_iface::discovery::PathAsker asker(drive_iface::discovery::path_opener(asked.discovery));
    const auto discovered = drive_iface::discovery::discover(asked.discovery, asker);
    std::string text;
    if (asked.json) {
        auto report = discovered_json(discovered);
        report["configuration"] = {{"drives", drives_to_paste(discovered)}};
        text = report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    } else {
        text = discovered_text(discovered);
    }
    std::fputs(text.c_str(), stdout);
    const bool nothing = discovered.drives.empty() && discovered.libraries.empty();
    return nothing && !discovered.problems.empty() ? ExitCode::failure : ExitCode::ok;
}

}  // namespace agent::lrad
