#include "agent/shell/support_bundle.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/url_credentials.hpp"
#include "agent/shell/command_table.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/daemon_names.hpp"
#include "agent/shell/gathering_place.hpp"

namespace agent::shell {

using core::Error;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t events_wanted = 2'000;
constexpr const char* journal_lines = "5000";

// A daemon on this machine: "dsad" or, of an instance, "dsad-payroll" with the unit dsad@payroll.
struct Installed {
    Daemon daemon = Daemon::none;
    std::string name;  // of its socket, its configuration and its folder in the bundle
    std::string unit;
};

// The instances of a daemon, by the files FOLDER/dsad-INSTANCE.SUFFIX.
void add_instances(const std::string& folder, const std::string& begin, const std::string& suffix,
                   std::set<std::string>& instances) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string file = entry->path().filename().string();
        const bool one = file.size() > begin.size() + suffix.size() && file.starts_with(begin) &&
                         file.ends_with(suffix);
        if (one)
            instances.insert(file.substr(begin.size(), file.size() - begin.size() - suffix.size()));
    }
}

std::vector<Installed> daemons_here(const BundleRequest& request) {
    std::vector<Installed> found{{Daemon::lrad, "lrad", "lrad"}, {Daemon::dsad, "dsad", "dsad"}};
    std::set<std::string> instances;
    add_instances(request.sockets, "dsad-", ".sock", instances);
    add_instances(request.configuration, "dsad-", ".json", instances);
    for (const auto& instance : instances)
        found.push_back({Daemon::dsad, "dsad-" + instance, "dsad@" + instance});
    found.push_back({Daemon::vtld, "vtld", "vtld"});
    return found;
}

// A drive's or an agent's name as part of a file name; two names are never made one.
std::string as_file_name(const std::string& name) {
    std::string text;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
        if (plain) {
            text += c;
        } else {
            constexpr std::string_view digits = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            text += {'%', digits[byte / 16], digits[byte % 16]};
        }
    }
    return text;
}

class Gathering {
  public:
    Gathering(const BundleRequest& request, const GatheringPlace& place)
        : request_(request), place_(place) {}

    void daemon(const Installed& one) {
        answers(one);
        configuration(one.name);
        journal(one);
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
        if (auto done = place_.put(name, text); !done) {
            bundle_.problems.push_back(name + ": " + done.error().message);
        } else {
            bundle_.files.push_back(name);
        }
    }

    // All that only looks: whatever the command table says of this daemon that begins with no
    // change and needs nothing but a drive's or an agent's name.
    void answers(const Installed& one) {
        const std::string socket = request_.sockets + "/" + one.name + ".sock";
        if (::access(socket.c_str(), F_OK) != 0) {
            bundle_.problems.push_back(one.name + ": no control socket " + socket);
            return;
        }
        for (const Command& command : commands()) {
            if (!serves(one.daemon, command) || !only_looks(command)) continue;
            const Parameter& positional = command.positionals.front();
            // Of dsad, which is one agent, `agent show` needs no name.
            if (positional.name.empty() || !serves(one.daemon, *list_of_names(positional.kind))) {
                keep(socket, one.name, command, json::object(), "");
                continue;
            }
            for (const std::string& name : names(one, socket, positional.kind)) {
                keep(socket, one.name, command, {{positional.name, name}},
                     "." + as_file_name(name));
            }
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

    std::vector<std::string> names(const Installed& one, const std::string& socket,
                                   ValueKind kind) {
        auto known = names_known(kind, {.socket = socket, .timeout = request_.timeout});
        if (known) return std::move(known).value();
        bundle_.problems.push_back(one.name + ": " + method_of(*list_of_names(kind)) + ": " +
                                   known.error().message);
        return {};
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
            bundle_.problems.push_back(path + ": " + core::errno_text(errno));
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

    void journal(const Installed& one) {
        const std::string file = one.name + "/journal.txt";
        const auto done =
            place_.put_output_of(file, {"journalctl", "--unit", one.unit, "--lines", journal_lines,
                                        "--no-pager", "--output", "short-iso-precise", "--utc"});
        if (done) {
            bundle_.files.push_back(file);
        } else {
            bundle_.problems.push_back(one.name + ": " + done.error().message);
        }
    }

    const BundleRequest& request_;
    const GatheringPlace& place_;
    Bundle bundle_;
};

// "iscsi://user%secret@host/target" to "iscsi://***@host/target".
std::string with_hidden_credentials(const std::string& text) {
    const std::string bare = runtime::without_credentials(text);
    if (bare == text) return text;
    const auto host = bare.find("://") + 3;
    return bare.substr(0, host) + "***@" + bare.substr(host);
}

// Behind the last character of a value that begins at `begin`, as PostgreSQL's connection strings
// write them: in quotes, where a backslash takes the next character, or up to a space; in a URL up
// to '&'.
std::size_t end_of_value(const std::string& text, std::size_t begin) {
    const bool quoted = begin < text.size() && text[begin] == '\'';
    for (std::size_t at = begin + (quoted ? 1 : 0); at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (quoted && text[at] == '\'') {
            return at + 1;
        } else if (!quoted && (text[at] == ' ' || text[at] == '&')) {
            return at;
        }
    }
    return text.size();
}

// "host=db password=secret" to "host=db password=***".
std::string with_hidden_passwords(std::string text) {
    constexpr std::string_view word = "password";
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
        at += word.size();
        const auto sign = text.find_first_not_of(' ', at);
        if (sign == std::string::npos || text[sign] != '=') continue;
        const auto value = std::min(text.find_first_not_of(' ', sign + 1), text.size());
        text.replace(value, end_of_value(text, value) - value, "***");
        at = value;
    }
    return text;
}

bool is_secret(const std::string& key) {
    return key == "community" || key == "password" || key == "secret" || key == "passphrase";
}

}  // namespace

json without_configured_secrets(json configuration) {
    if (configuration.is_string())
        return with_hidden_passwords(with_hidden_credentials(configuration.get<std::string>()));
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
    if (request.file == "-")
        return Error{"-: a support bundle is written to a file; name one that does not exist yet"};
    const int file = ::open(request.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return Error{request.file + ": can not be written: " + core::errno_text(errno)};
    ::close(file);
    const auto failed = [&](const std::string& why) {
        ::unlink(request.file.c_str());
        return Error{request.file + ": " + why};
    };
    const auto place = GatheringPlace::make();
    if (!place) return failed(place.error().message);
    Gathering gathering(request, *place);
    gathering.versions();
    for (const auto& one : daemons_here(request))
        gathering.daemon(one);
    gathering.problems_file();
    if (auto packed = place->pack(request.file); !packed) return failed(packed.error().message);
    return gathering.take();
}

}  // namespace agent::shell
