// A stand-in for a backup application in tests and in the demo: it backs up nothing. It keeps the
// states of its tape drives in a file and is operated by commands with exit statuses, as real ones
// are.

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue.hpp"
#include "catalogue_file.hpp"

namespace sample_backup_application {
namespace {

enum ExitStatus : int {
    done = 0,
    failed = 1,
    usage = 2,
    no_such_drive = 4,
    busy = 5,
    is_offline = 10,
    is_draining = 11
};

constexpr const char* help_text =
    R"text(sample-backup-application: a stand-in for a backup application; it backs up nothing.

usage: sample-backup-application --state FILE NOUN VERB [ARGUMENTS]

  drive add NAME       make a drive known; it is online
  drive list           all drives with their states
  drive status NAME    "drive NAME is online", "... is draining (1 job)" or "... is offline"
  drive check NAME     the same, as exit status: 0 online, 10 offline, 11 draining
  drive offline NAME   no more jobs on it; it drains until the running ones have ended
  drive online NAME
  job start NAME       a job begins on the drive; exit status 5 when the drive is not online
  job end NAME
  history              what has really been done to drives, oldest first
  fault set VERB fail-with STATUS   the VERB (offline, online, status) does nothing and fails
  fault set VERB lie                it does nothing and says it has
  fault set VERB hang               it never ends, nor does a program that it starts
  fault clear                       behave again

exit status: 0 done, 1 failure, 2 usage, 4 no such drive, 5 the drive is busy or not online
)text";

int say_usage(const std::string& problem) {
    std::fprintf(stderr, "sample-backup-application: %s; --help tells more\n", problem.c_str());
    return usage;
}

int say_no_such_drive(const std::string& name) {
    std::fprintf(stderr, "sample-backup-application: ERROR 4: no such drive: %s\n", name.c_str());
    return no_such_drive;
}

void print_state(const std::string& name, const Drive& drive) {
    std::printf("drive %s is %s\n", name.c_str(), state_of(drive).c_str());
}

[[noreturn]] void hang_with_a_child() {
    static_cast<void>(::fork());
    for (;;)
        ::pause();
}

// Nothing: behave. Otherwise the exit status to end with.
std::optional<int> misbehave(const Catalogue& catalogue, const std::string& verb,
                             const std::string& name, CatalogueFile& file) {
    const auto fault = catalogue.faults.find(verb);
    if (fault == catalogue.faults.end()) return std::nullopt;
    switch (fault->second.kind) {
        case Misbehaviour::none:
            return std::nullopt;
        case Misbehaviour::fail:
            std::fprintf(
                stderr,
                "sample-backup-application: ERROR %d: drive %s: the database does not answer\n",
                fault->second.exit_status, name.c_str());
            return fault->second.exit_status;
        case Misbehaviour::lie:
            std::printf("drive %s is %s\n", name.c_str(), verb == "status" ? "fine" : verb.c_str());
            return done;
        case Misbehaviour::hang:
            file.unlock();
            hang_with_a_child();
    }
    return std::nullopt;
}

int drive_verb(const std::string& verb, const std::string& name, Catalogue& catalogue,
               CatalogueFile& file) {
    if (verb == "add") {
        catalogue.drives.try_emplace(name);
        file.write(catalogue);
        return done;
    }
    const auto found = catalogue.drives.find(name);
    if (found == catalogue.drives.end()) return say_no_such_drive(name);
    Drive& drive = found->second;
    if (const auto status = misbehave(catalogue, verb, name, file)) return *status;
    if (verb == "offline" || verb == "online") {
        drive.wanted_online = verb == "online";
        remember(catalogue, verb + " " + name);
        file.write(catalogue);
    }
    if (verb == "check") {
        if (drive.wanted_online) return done;
        return drive.jobs == 0 ? is_offline : is_draining;
    }
    print_state(name, drive);
    return done;
}

int job_verb(const std::string& verb, const std::string& name, Catalogue& catalogue,
             const CatalogueFile& file) {
    const auto found = catalogue.drives.find(name);
    if (found == catalogue.drives.end()) return say_no_such_drive(name);
    Drive& drive = found->second;
    if (verb == "start" ? !drive.wanted_online : drive.jobs == 0) {
        std::fprintf(stderr, "sample-backup-application: ERROR 5: drive %s: %s\n", name.c_str(),
                     verb == "start" ? "it is not online" : "no job is running");
        return busy;
    }
    drive.jobs += verb == "start" ? 1 : -1;
    file.write(catalogue);
    print_state(name, drive);
    return done;
}

int set_fault(const std::vector<std::string>& words, Catalogue& catalogue,
              const CatalogueFile& file) {
    const std::string& verb = words[2];
    if (verb != "offline" && verb != "online" && verb != "status")
        return say_usage("no such verb: " + verb);
    Fault fault;
    if (words[3] == "lie" && words.size() == 4) {
        fault.kind = Misbehaviour::lie;
    } else if (words[3] == "hang" && words.size() == 4) {
        fault.kind = Misbehaviour::hang;
    } else if (words[3] == "fail-with" && words.size() == 5) {
        fault.kind = Misbehaviour::fail;
        const char* const end = words[4].data() + words[4].size();
        const auto [stop, error] = std::from_chars(words[4].data(), end, fault.exit_status);
        if (error != std::errc() || stop != end || fault.exit_status < 1 ||
            fault.exit_status > 255) {
            return say_usage("an exit status is a number from 1 to 255");
        }
    } else {
        return say_usage("a fault is lie, hang or fail-with STATUS");
    }
    catalogue.faults[verb] = fault;
    file.write(catalogue);
    return done;
}

int run(const std::vector<std::string>& words, CatalogueFile& file) {
    Catalogue catalogue = file.read();
    const std::string noun = words[0];
    const std::string verb = words.size() > 1 ? words[1] : "";
    if (noun == "history" && words.size() == 1) {
        for (const auto& line : catalogue.history)
            std::printf("%s\n", line.c_str());
        return done;
    }
    if (noun == "drive" && verb == "list" && words.size() == 2) {
        for (const auto& [name, drive] : catalogue.drives)
            print_state(name, drive);
        return done;
    }
    const bool of_drive = verb == "add" || verb == "status" || verb == "check" ||
                          verb == "offline" || verb == "online";
    if (noun == "drive" && of_drive && words.size() == 3)
        return drive_verb(verb, words[2], catalogue, file);
    if (noun == "job" && (verb == "start" || verb == "end") && words.size() == 3) {
        return job_verb(verb, words[2], catalogue, file);
    }
    if (noun == "fault" && verb == "set" && words.size() >= 4)
        return set_fault(words, catalogue, file);
    if (noun == "fault" && verb == "clear" && words.size() == 2) {
        catalogue.faults.clear();
        file.write(catalogue);
        return done;
    }
    return say_usage("unknown command");
}

int main_body(const std::vector<std::string>& arguments) {
    if (arguments.size() == 1 && arguments[0] == "--help") {
        std::fputs(help_text, stdout);
        return done;
    }
    if (arguments.size() < 3 || arguments[0] != "--state")
        return say_usage("--state FILE and a command are needed");
    try {
        CatalogueFile file(arguments[1]);
        return run({arguments.begin() + 2, arguments.end()}, file);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sample-backup-application: ERROR 1: %s\n", error.what());
        return failed;
    }
}

}  // namespace
}  // namespace sample_backup_application

int main(int argc, char** argv) {
    return sample_backup_application::main_body({argv + 1, argv + argc});
}
