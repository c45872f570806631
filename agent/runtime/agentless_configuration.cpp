#include "agent/runtime/agentless_configuration.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/runtime/shared_shapes.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Both are arguments of the ssh client: none may look like an option or bring a blank.
std::optional<std::string> wrong_with_ssh_word(std::string_view text, std::string_view others,
                                               const std::string& what) {
    const bool plain = std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
    });
    if (plain && (is_letter_or_digit(text.front()) || text.front() == '_' || text.front() == ':'))
        return std::nullopt;
    return "is not " + what + ": letters, digits and any of " + std::string(others) +
           ", beginning with a letter or digit";
}

std::optional<std::string> wrong_with_ssh_host(std::string_view text) {
    return wrong_with_ssh_word(text, "._-:%", "a host's name or address");
}

std::optional<std::string> wrong_with_ssh_user(std::string_view text) {
    return wrong_with_ssh_word(text, "._-@+", "a user's name");
}

ValueShape ssh_shape() {
    return object_shape({
        required_key("host", text_shape("name or address", wrong_with_ssh_host),
                     "Where sshd of the host listens.", "\"backup3.example\""),
        default_key("port", integer_shape(1, 65'535), "22", "Its port."),
        required_key("user", text_shape("user name", wrong_with_ssh_user, 64),
                     "The user there, who may run the application's commands.", "\"lra\""),
        required_key("key_file", text_shape(4'096),
                     "Private key, without a passphrase, mode 0600, for this purpose only.",
                     "\"/etc/lra/keys/backup3\""),
        required_key("known_hosts_file", text_shape(4'096),
                     "The host's key, as ssh-keyscan prints it and somebody has checked it. "
                     "Another key is refused; no key is ever added.",
                     "\"/etc/lra/known_hosts\""),
        default_key("os", choice_shape({"linux", "aix", "commands"}), "\"linux\"",
                    "How drives and ports are found there; commands: by ssh.discover."),
        default_key("shell", choice_shape({"posix", "powershell"}), "\"posix\"",
                    "What commands are wrapped for."),
        default_key("discover", list_shape(text_shape(4'096), 0, 64), "[]",
                    "With os commands: program and arguments on the host that print lines "
                    "`port PORT` and `drive SERIAL [DEVICE]`."),
        default_key("connect_timeout_ms", integer_shape(1'000, 60'000), "5000",
                    "How long a connection may take to come about; whole seconds count."),
        default_key("control_persist_ms", integer_shape(0, 86'400'000), "300000",
                    "How long a connection is kept for the next command; 0: each has its own."),
        default_key("look_interval_ms", integer_shape(1'000, 3'600'000), "60000",
                    "How often the host is looked at, for its drives and ports and to know that "
                    "it is there."),
    });
}

const ConfigurationKey& key_of_dsad(const std::string& name) {
    const auto& keys = dsad_configuration_schema().root.keys;
    return *std::find_if(keys.begin(), keys.end(),
                         [&](const ConfigurationKey& key) { return key.name == name; });
}

RemoteSystem system_from(const std::string& text) {
    if (text == "aix") return RemoteSystem::aix;
    return text == "commands" ? RemoteSystem::commands : RemoteSystem::linux_sysfs;
}

// Reads one entry of agents[].
class AgentlessReading {
  public:
    AgentlessReading(const Configuration& source, std::size_t index, ConfigurationErrors& errors)
        : source_(source),
          value_(source.values()["agents"][index]),
          path_("agents[" + std::to_string(index) + "]"),
          errors_(errors) {}

    std::shared_ptr<const AgentlessConfiguration> read(const std::string& controller,
                                                       const std::string& state_dir) {
        const std::size_t errors_before = errors_.size();
        AgentlessConfiguration result;
        result.text = value_.dump(-1, ' ', true, json::error_handler_t::replace);
        for (const char* key : {"address", "user"}) {
            if (!value_.contains(key)) continue;
            wrong("." + std::string(key), "has no meaning together with ssh; remove it");
        }
        if (!value_.contains("application")) {
            wrong(".application",
                  "is missing; with ssh it says how the backup application of "
                  "that host is operated, as in dsad.json");
            return nullptr;
        }
        read_ssh(result.ssh);
        json values = as_dsad_configuration(state_dir);
        if (values.is_null()) return nullptr;
        const bool windows = result.ssh.shell == RemoteShell::powershell;
        auto agent = dsad_configuration(source_.part(path_, std::move(values)),
                                        windows ? ProgramNames::powershell : ProgramNames::posix);
        errors_.insert(errors_.end(), agent.errors.begin(), agent.errors.end());
        if (errors_.size() > errors_before) return nullptr;
        result.agent = std::move(*agent.value);
        result.agent.host.controllers = {controller};
        result.source = std::make_shared<const Configuration>(source_.part(path_, json()));
        check_discovery(result);
        if (errors_.size() > errors_before) return nullptr;
        return std::make_shared<const AgentlessConfiguration>(std::move(result));
    }

  private:
    void wrong(const std::string& key, const std::string& text) {
        errors_.push_back(source_.error_at(path_ + key, text));
    }

    std::string read_path(const json& ssh, const std::string& key) {
        // ssh is run in another folder than the one that this program was started in.
        std::string path =
            std::filesystem::absolute(source_.file_beside(ssh[key].get<std::string>()));
        const std::string unusable = unusable_in_ssh_path(path);
        if (!unusable.empty()) {
            wrong(".ssh." + key, path + " has a character that ssh reads in its own way (" +
                                     unusable + "); use another name");
        }
        return path;
    }

    void read_ssh(SshConfiguration& ssh) {
        const json& value = value_["ssh"];
        const auto ms = [&](const char* key) {
            return core::Duration{value[key].get<std::int64_t>()};
        };
        ssh.host = value["host"].get<std::string>();
        ssh.port = value["port"].get<std::uint16_t>();
        ssh.user = value["user"].get<std::string>();
        ssh.key_file = read_path(value, "key_file");
        ssh.known_hosts_file = read_path(value, "known_hosts_file");
        ssh.system = system_from(value["os"].get<std::string>());
        ssh.shell = value["shell"] == "powershell" ? RemoteShell::powershell : RemoteShell::posix;
        ssh.discover = value["discover"].get<std::vector<std::string>>();
        ssh.connect_timeout = ms("connect_timeout_ms");
        ssh.control_persist = ms("control_persist_ms");
        ssh.look_interval = ms("look_interval_ms");
    }

    void check_discovery(const AgentlessConfiguration& result) {
        const bool discovers = result.agent.discover_drives || result.agent.discover_ports;
        const bool by_commands = result.ssh.system == RemoteSystem::commands;
        if (by_commands && discovers && result.ssh.discover.empty()) {
            wrong(".ssh.discover",
                  "is missing; os commands needs a program that prints what is "
                  "to be discovered, or drives and ports as lists");
        }
        if (!by_commands && !result.ssh.discover.empty())
            wrong(".ssh.discover", "is only run with os commands; remove it");
        if (!by_commands && result.ssh.shell == RemoteShell::powershell)
            wrong(".ssh.os", "hosts with PowerShell need os commands");
    }

    // What dsad.json would say on that host. Its network is lrad itself: nothing of SNMP counts.
    json as_dsad_configuration(const std::string& state_dir) {
        const std::string name = value_["name"].get<std::string>();
        const json auth{{"protocol", "SHA-256"}, {"key_file", "none"}};
        const json priv{{"protocol", "AES-128"}, {"key_file", "none"}};
        const json user{{"name", "none"}, {"auth", auth}, {"priv", priv}};
        const json controller{{"address", "udp:127.0.0.1:1"}, {"user", "none"}};
        const json frame{{"agent", {{"name", name}}},
                         {"controllers", json::array({controller})},
                         {"drives", json::array()},
                         {"ports", json::array()},
                         {"snmp", {{"listen", "udp:127.0.0.1:0"}, {"users", json::array({user})}}}};
        auto read =
            read_configuration_text(dsad_configuration_schema(), source_.file(), frame.dump());
        errors_.insert(errors_.end(), read.errors.begin(), read.errors.end());
        if (!read.ok()) return json();
        json values = read.value->values();
        values["controllers"] = json::array();
        values["snmp"]["users"] = json::array();
        values["agent"]["domain"] = value_["domain"];
        values["agent"]["state_dir"] = state_dir + "/agentless/agent-" + name;
        for (const char* key : {"drives", "ports"})
            values[key] = value_.value(key, json("discover"));
        values["application"] = value_["application"];
        return values;
    }

    const Configuration& source_;
    const json& value_;
    const std::string path_;
    ConfigurationErrors& errors_;
};

}  // namespace

std::vector<ConfigurationKey> agentless_keys() {
    const auto as_on_the_host = [](const std::string& name, const std::string& documentation) {
        const ConfigurationKey& key = key_of_dsad(name);
        return optional_key(name, key.shape, documentation,
                            key.example.empty() ? key.default_value : key.example);
    };
    return {
        optional_key("ssh", ssh_shape(),
                     "For a host without dsad: how lrad reaches it, to play the agent itself "
                     "(AGENTLESS.md).",
                     "{\"host\": \"backup3\", \"user\": \"lra\", \"key_file\": \"keys/backup3\", "
                     "\"known_hosts_file\": \"known_hosts\"}"),
        as_on_the_host("drives",
                       "With ssh: the drives that host's application uses; \"discover\" "
                       "when nothing is said."),
        as_on_the_host("ports",
                       "With ssh: all ports of that host; \"discover\" when nothing is "
                       "said."),
        as_on_the_host("application",
                       "With ssh: the backup application there, as in dsad.json. Programs are "
                       "those of that host."),
    };
}

std::shared_ptr<const AgentlessConfiguration> read_agentless(const Configuration& source,
                                                             std::size_t index,
                                                             const std::string& controller,
                                                             const std::string& state_dir,
                                                             ConfigurationErrors& errors) {
    return AgentlessReading(source, index, errors).read(controller, state_dir);
}

std::string AgentlessConfiguration::error_at(const std::string& message) const {
    const std::size_t colon = std::min(message.find(": "), message.size());
    const std::size_t words = std::min(colon + 2, message.size());
    if (!source) return message;
    return source->error_at(message.substr(0, colon), message.substr(words));
}

std::string unusable_in_ssh_path(const std::string& path) {
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool blank = byte <= 0x20 || byte == 0x7f;
        if (blank) return "a blank";
        if (std::string_view("\"'%$~\\").find(c) != std::string_view::npos)
            return std::string(1, c);
    }
    return {};
}

}  // namespace agent::runtime
