#include "agent/dsad/application_check.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/core/errno_text.hpp"
#include "agent/dsad/application_setup.hpp"
#include "agent/dsad/drive_json.hpp"

namespace agent::dsad {

using nlohmann::json;

namespace {

json would_run(const host::ApplicationProfile& profile, const core::DriveSerial& drive,
               core::ApplicationAction action) {
    return host::shown_steps(profile.steps(drive, action));
}

std::string owner_of(const struct stat& status) {
    std::array<char, 4'096> room{};
    struct passwd entry {};
    struct passwd* found = nullptr;
    if (::getpwuid_r(status.st_uid, &entry, room.data(), room.size(), &found) == 0 && found)
        return found->pw_name;
    return "uid " + std::to_string(status.st_uid);
}

// Whether it can be called, and whether others could put their own in its place.
json program_json(const std::string& path) {
    json program{{"path", path}, {"ok", false}, {"owner", nullptr}, {"mode", nullptr}};
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        program["trouble"] =
            core::errno_text(errno) + "; install it, or name its place in application.programs";
        return program;
    }
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    program["owner"] = owner_of(status);
    program["mode"] = mode.data();
    program["trouble"] = nullptr;
    const bool callable = S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
    program["ok"] = callable;
    if (!callable) {
        program["trouble"] = "is no program that dsad may run";
    } else if ((status.st_mode & 022U) != 0) {
        program["trouble"] = "others than its owner may change it; what they put there would run";
    } else if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        program["trouble"] = "belongs to neither root nor the user that dsad runs as";
    }
    return program;
}

json programs_json(const Daemon& daemon, const host::ApplicationProfile& profile, bool& ok) {
    using enum core::ApplicationAction;
    std::set<std::string> paths;
    for (const auto& drive : daemon.configuration().drives) {
        for (const auto action : {query, set_offline, set_online}) {
            for (const host::ProfileStep& step : profile.steps(drive.serial, action))
                paths.insert(step.command.argv.front());
        }
    }
    json programs = json::array();
    for (const std::string& path : paths) {
        programs.push_back(program_json(path));
        ok = ok && programs.back()["ok"].get<bool>();
    }
    return programs;
}

json profile_json(const Daemon& daemon) {
    const auto& application = daemon.configuration().application;
    json shown{{"name", application.profile},
               {"file", nullptr},
               {"description", "the administrator's own commands in dsad.json"},
               {"verified", true},
               {"unverified", json::array()}};
    const auto& file = daemon.application_files().profile;
    if (!file) return shown;
    shown["name"] = file->name;
    shown["file"] = file->file;
    shown["description"] = file->description;
    shown["verified"] = file->unverified.empty();
    shown["unverified"] = file->unverified;
    return shown;
}

json row(const host::ProgramCall& call, const Daemon& daemon,
         const host::ApplicationProfile& profile) {
    return {
        {"serial", call.drive.text},
        {"application_name", application_name(daemon.configuration(), call.drive)},
        {"ok", call.succeeded},
        {"query", host::audit_line(call)},
        {"application_state", core::to_text(call.read.state)},
        {"understood_from", call.succeeded ? call.read.how : call.detail},
        {"offline_would_run", would_run(profile, call.drive, core::ApplicationAction::set_offline)},
        {"online_would_run", would_run(profile, call.drive, core::ApplicationAction::set_online)}};
}

// The answers that have come and the number that have not.
struct Check {
    json programs;
    json rows = json::array();
    std::size_t missing = 0;
    bool ok = true;
    std::function<void(json)> done;
};

}  // namespace

void check_application(Daemon& daemon, std::function<void(json)> done) {
    const auto& configuration = daemon.configuration();
    auto check = std::make_shared<Check>();  // shared by the answers still to come
    check->missing = configuration.drives.size();
    check->programs = programs_json(daemon, daemon.application().profile(), check->ok);
    check->done = [about = profile_json(daemon),
                   observe_only = configuration.application.observe_only,
                   done = std::move(done)](json report) {
        report["observe_only"] = observe_only;
        report["profile"] = about;
        done(std::move(report));
    };
    if (check->missing == 0) {
        check->done({{"ok", true}, {"programs", check->programs}, {"drives", json::array()}});
        return;
    }
    for (const auto& drive : configuration.drives) {
        daemon.application().call(
            drive.serial, core::ApplicationAction::query,
            [check, &daemon](const host::ProgramCall& call) {
                check->rows.push_back(row(call, daemon, daemon.application().profile()));
                check->ok = check->ok && call.succeeded;
                if (--check->missing > 0) return;
                check->done({{"ok", check->ok},
                             {"programs", std::move(check->programs)},
                             {"drives", std::move(check->rows)}});
            });
    }
}

}  // namespace agent::dsad
