#include "agent/lrad/discover_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "agent/lrad/discovery_report.hpp"
#include "agent/lrad/iscsi_chap.hpp"
#include "drive_iface/device/iscsi_transport.hpp"

namespace agent::lrad {

using drive_iface::discovery::DiscoveryOptions;
using runtime::ExitCode;

namespace {

struct Asked {
    DiscoveryOptions discovery;
    runtime::IscsiChap chap;  // user empty: none
    bool json = false;
};

// Why the options for CHAP are none; empty when all is well.
std::string wrong_with(const runtime::IscsiChap& chap) {
    if (chap.user.empty() != chap.secret_file.empty())
        return "--chap-user and --chap-secret-file go together";
    if (chap.target_user.empty() != chap.target_secret_file.empty())
        return "--chap-target-user and --chap-target-secret-file go together";
    if (!chap.target_user.empty() && chap.user.empty())
        return "a target proves itself only to somebody who does: give --chap-user too";
    return "";
}

void use_chap(const runtime::IscsiChap& chap, DiscoveryOptions& options) {
    if (chap.user.empty()) return;
    options.credentials = [door = credentials_door(chap)](const std::string&) { return door(); };
}

// The configuration to paste logs in as was logged in here.
void add_chap(const runtime::IscsiChap& chap, nlohmann::json& drives) {
    if (chap.user.empty()) return;
    for (auto& drive : drives) {
        if (drive["interface"].contains("url")) drive["interface"]["chap"] = chap_to_paste(chap);
    }
}

std::string absolute(const std::string& file) {
    if (file.empty() || file.front() == '/') return file;
    std::array<char, 4'096> folder{};
    return ::getcwd(folder.data(), folder.size()) == nullptr ? file : folder.data() + ("/" + file);
}

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
    app.add_option("--chap-user", asked.chap.user, "Name for portals that ask for CHAP")
        ->type_name("NAME");
    app.add_option("--chap-secret-file", asked.chap.secret_file, "File (mode 0600) with its secret")
        ->type_name("FILE");
    app.add_option("--chap-target-user", asked.chap.target_user,
                   "Mutual CHAP: the name that targets have to prove")
        ->type_name("NAME");
    app.add_option("--chap-target-secret-file", asked.chap.target_secret_file,
                   "File (mode 0600) with its secret")
        ->type_name("FILE");
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
    if (const std::string wrong = wrong_with(asked.chap); !wrong.empty()) {
        std::fprintf(stderr, "lrad: %s; see lrad --discover --help\n", wrong.c_str());
        return ExitCode::usage;
    }
    asked.chap.secret_file = absolute(asked.chap.secret_file);
    asked.chap.target_secret_file = absolute(asked.chap.target_secret_file);
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
    use_chap(asked.chap, asked.discovery);
    if (asked.discovery.credentials) {
        if (const auto readable = asked.discovery.credentials(""); !readable) {
            std::fprintf(stderr, "lrad: %s\n", readable.error().message.c_str());
            return ExitCode::failure;
        }
    }
    drive_iface::discovery::PathAsker asker(drive_iface::discovery::path_opener(asked.discovery));
    const auto discovered = drive_iface::discovery::discover(asked.discovery, asker);
    std::string text;
    if (asked.json) {
        auto report = discovered_json(discovered);
        auto drives = drives_to_paste(discovered);
        add_chap(asked.chap, drives);
        report["configuration"] = {{"drives", std::move(drives)}};
        text = report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    } else {
        auto drives = drives_to_paste(discovered);
        add_chap(asked.chap, drives);
        text = discovered_text(discovered, drives);
    }
    std::fputs(text.c_str(), stdout);
    const bool nothing = discovered.drives.empty() && discovered.libraries.empty();
    return nothing && !discovered.problems.empty() ? ExitCode::failure : ExitCode::ok;
}

}  // namespace agent::lrad
