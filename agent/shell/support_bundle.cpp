#include "agent/shell/support_bundle.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "agent/shell/command_table.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/daemon_names.hpp"

namespace agent::shell {

using core::Error;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t events_wanted = 2'000;
constexpr const char* journal_lines = "5000";

// A folder of its own that nobody else may look into, gone in the end.
class GatheringPlace {
  public:
    GatheringPlace() {
        std::string name = (fs::temp_directory_path() / "lra-support-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~GatheringPlace() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    GatheringPlace(const GatheringPlace&) = delete;
    GatheringPlace& operator=(const GatheringPlace&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// Runs a program to its end with its output in a file. No shell.
bool output_of(const std::vector<std::string>& argv, const std::string& file) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, file.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& word : argv)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t child = 0;
    const int failed =
        ::posix_spawnp(&child, words.front(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return false;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Gathering {
  public:
    Gathering(const BundleRequest& request, std::string folder)
        : request_(request), folder_(std::move(folder)) {}

    void daemon(Daemon daemon) {
        const std::string name(to_text(daemon));
        fs::create_directories(folder_ + "/" + name);
        answers(daemon, name);
        configuration(name);
        journal(name);
    }

    void versions() {
        utsname system{};
        ::uname(&system);
        std::ifstream release("/etc/os-release");
        std::string text = "made " + runtime::to_text(runtime::clock_now().wall) +
                           " by lractl " LRA_VERSION "\n" + system.sysname + " " + system.release +
                           " " + system.machine + " " + system.nodename + "\n";
        text.append(std::istreambuf_iterator<char>(release), {});
        put("versions.txt", text);
    }

    void problems_file() {
        std::string text;
        for (const std::string& problem : bundle_.problems)
            text += problem + "\n";
        put("problems.txt", text.empty() ? "none\n" : text);
    }

    [[nodiscard]] Bundle take() { return std::move(bundle_); }

  private:
    void put(const std::string& name, const std::string& text) {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
        bundle_.files.push_back(name);
    }

    // All that only looks: whatever the command table says of this daemon that begins with no
    // change and needs nothing but a drive's or an agent's name.
    void answers(Daemon daemon, const std::string& name) {
        const std::string socket = request_.sockets + "/" + name + ".sock";
        if (::access(socket.c_str(), F_OK) != 0) {
            bundle_.problems.push_back(name + ": no control socket " + socket);
            return;
        }
        for (const Command& command : commands()) {
            if (!serves(daemon, command) || !only_looks(command)) continue;
            const Parameter& positional = command.positionals.front();
            if (positional.name.empty()) {
                keep(socket, name, command, json::object(), "");
                continue;
            }
            for (const std::string& one : names(socket, positional.kind))
                keep(socket, name, command, {{positional.name, one}}, "." + one);
        }
    }

    static bool only_looks(const Command& command) {
        const bool looks = command.verb == "list" || command.verb == "show" ||
                           command.verb == "why" || command.verb == "status" ||
                           command.verb == "inventory" || command.verb == "writes";
        const auto kind = command.positionals.front().kind;
        const bool alone = command.positionals.front().name.empty() || kind == ValueKind::serial ||
                           kind == ValueKind::agent_name;
        return looks && alone && command.positionals[1].name.empty();
    }

    // As parts of file names.
    std::vector<std::string> names(const std::string& socket, ValueKind kind) const {
        auto found =
            names_known(kind, {.socket = socket, .timeout = request_.timeout}, Daemon::none);
        std::erase_if(found, [](const auto& name) { return name.find('/') != std::string::npos; });
        return found;
    }

    void keep(const std::string& socket, const std::string& daemon, const Command& command,
              json params, const std::string& about) {
        const std::string method = method_of(command);
        if (method == "event.list") params["limit"] = events_wanted;
        const auto answer = ask(socket, method, params, request_.timeout);
        if (const auto* error = std::get_if<runtime::ControlError>(&answer)) {
            bundle_.problems.push_back(daemon + ": " + method + about + ": " + error->message);
            return;
        }
        put(daemon + "/" + method + about + ".json",
            std::get<json>(answer).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    }

    void configuration(const std::string& name) {
        const std::string path = request_.configuration + "/" + name + ".json";
        std::ifstream in(path, std::ios::binary);
        if (!in) {
            bundle_.problems.push_back(path + ": " + std::strerror(errno));
            return;
        }
        const std::string text(std::istreambuf_iterator<char>(in), {});
        const json values = json::parse(text, nullptr, false, true);
        // Nobody knows what stands where in a text that is no JSON, secrets among it.
        if (values.is_discarded()) {
            bundle_.problems.push_back(path + ": is not well-formed JSON and left out");
            return;
        }
        put(name + "/" + name + ".json",
            without_configured_secrets(values).dump(2, ' ', false, json::error_handler_t::replace) +
                "\n");
    }

    void journal(const std::string& name) {
        const std::string file = name + "/journal.txt";
        if (output_of({"journalctl", "--unit", name, "--lines", journal_lines, "--no-pager",
                       "--output", "short-iso-precise", "--utc"},
                      folder_ + "/" + file)) {
            bundle_.files.push_back(file);
            return;
        }
        std::error_code ignored;
        fs::remove(folder_ + "/" + file, ignored);
        bundle_.problems.push_back(name + ": journalctl told nothing");
    }

    const BundleRequest& request_;
    std::string folder_;
    Bundle bundle_;
};

// "iscsi://user%secret@host/target" to "iscsi://user%***@host/target".
std::string without_password(const std::string& text) {
    const auto begin = text.find("://");
    if (begin == std::string::npos) return text;
    const auto end = text.find('/', begin + 3);
    const auto at = text.rfind('@', end);
    const auto percent = text.find('%', begin + 3);
    const bool has_one =
        at != std::string::npos && percent != std::string::npos && percent < at && at > begin;
    return has_one ? text.substr(0, percent + 1) + "***" + text.substr(at) : text;
}

bool is_secret(const std::string& key) {
    return key == "community" || key == "password" || key == "secret" || key == "passphrase";
}

}  // namespace

json without_configured_secrets(json configuration) {
    if (configuration.is_string()) return without_password(configuration.get<std::string>());
    if (!configuration.is_structured()) return configuration;
    for (auto& [key, value] : configuration.items()) {
        if (is_secret(key) && value.is_string()) {
            value = "***";
        } else {
            value = without_configured_secrets(std::move(value));
        }
    }
    return configuration;
}

core::Result<Bundle> make_support_bundle(const BundleRequest& request) {
    const int file = ::open(request.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return Error{request.file + ": can not be written: " + std::strerror(errno)};
    ::close(file);
    const auto failed = [&](const std::string& why) {
        ::unlink(request.file.c_str());
        return Error{request.file + ": " + why};
    };
    const GatheringPlace place;
    if (place.path().empty())
        return failed("no folder to gather in: " + std::string(std::strerror(errno)));
    const std::string folder = place.path() + "/lra-support";
    fs::create_directories(folder);
    Gathering gathering(request, folder);
    gathering.versions();
    for (const Daemon daemon : {Daemon::lrad, Daemon::dsad, Daemon::vtld})
        gathering.daemon(daemon);
    gathering.problems_file();
    if (!output_of({"tar", "--create", "--file", request.file, "--directory", place.path(),
                    "--owner=0", "--group=0", "lra-support"},
                   place.path() + "/tar.txt"))
        return failed("tar could not write it; is there room?");
    return gathering.take();
}

}  // namespace agent::shell
