#include "drive_iface/vtld/iscsi_configuration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/runtime/address_text.hpp"

namespace drive_iface::vtld {

using namespace agent::runtime;
using nlohmann::json;

namespace {

std::optional<std::string> wrong_with_portal(std::string_view text) {
    if (address_from_text("tcp:" + std::string(text))) return std::nullopt;
    return "is not of the form HOST:PORT, for example \"127.0.0.1:3260\" or \"[::1]:0\" (0: any "
           "free port)";
}

std::optional<std::string> wrong_with_target_prefix(std::string_view text) {
    const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == ':';
    });
    if (letters && text.rfind("iqn.", 0) == 0 && text.size() <= 150) return std::nullopt;
    return "is not the beginning of an iSCSI name: \"iqn.\" and lower-case letters, digits, '-', "
           "'.' and ':', for "
           "example \"iqn.2026-01.example.library\"";
}

constexpr const char* secret_help = "File of mode 0600 with the secret, 12 bytes or more.";

ValueShape chap_shape() {
    return object_shape({
        optional_key("user", text_shape(), "Name that every initiator logs in with.", "\"backup\""),
        optional_key("secret_file", text_shape(4'096), secret_help, "\"chap.key\""),
        optional_key(
            "users",
            list_shape(
                object_shape(
                    {required_key("user", text_shape(), "Name to log in with.", "\"backup\""),
                     required_key("secret_file", text_shape(4'096), secret_help, "\"backup.key\""),
                     optional_key(
                         "targets", list_shape(text_shape(), 1, 65),
                         "What the user may see and use, as target names end: "
                         "\"drive-SERIAL\" or \"changer\"; everything when nothing is said.",
                         "[\"drive-VT00000001\"]")}),
                1, 64),
            "Users with secrets of their own, instead of user and secret_file.",
            "[{\"user\": \"backup\", \"secret_file\": \"/etc/lra/backup.key\"}]"),
        optional_key(
            "mutual",
            object_shape(
                {required_key("user", text_shape(), "Name of the library.", "\"library\""),
                 required_key("secret_file", text_shape(4'096), secret_help, "\"library.key\"")}),
            "How the library proves itself to an initiator that asks for mutual CHAP; "
            "another secret than those of the users.",
            "{\"user\": \"library\", \"secret_file\": \"/etc/lra/library.key\"}"),
    });
}

class ReadingIscsi {
  public:
    ReadingIscsi(const Configuration& source, const std::set<std::string>& served,
                 ConfigurationErrors& errors)
        : source_(source), served_(served), errors_(errors) {}

    IscsiConfiguration read() {
        const auto& values = source_.values()["iscsi"];
        const auto address = *address_from_text("tcp:" + values["listen"].get<std::string>());
        IscsiConfiguration iscsi;
        iscsi.host = address.host;
        iscsi.port = address.port;
        iscsi.target_prefix = values["target_prefix"].get<std::string>();
        iscsi.ping_after = {values["ping_after_ms"].get<std::int64_t>()};
        iscsi.connections_max = values["connections_max"].get<std::size_t>();
        if (values.contains("chap")) iscsi.chap = read_chap(values["chap"], iscsi.target_prefix);
        return iscsi;
    }

  private:
    void wrong(const std::string& path, const std::string& text) {
        errors_.push_back(source_.error_at(path, text));
    }

    iscsi::ChapCredentials read_credentials(const json& values, const std::string& path) {
        const auto file = source_.file_beside(values["secret_file"].get<std::string>());
        const auto secret = read_key_file(file);
        if (!secret) {
            wrong(path + ".secret_file", secret.error().message);
            return {};
        }
        if (secret->size() < iscsi::chap_secret_size_min) {
            wrong(path + ".secret_file", file + " holds a secret of " +
                                             std::to_string(secret->size()) +
                                             " bytes; CHAP needs 12 or more");
        }
        return {values["user"].get<std::string>(), secret.value()};
    }

    std::vector<std::string> read_targets(const json& user, const std::string& path,
                                          const std::string& prefix) {
        const std::string before = prefix + ":";
        std::vector<std::string> targets;
        if (!user.contains("targets")) return targets;
        for (const auto& target : user["targets"]) {
            const auto suffix = target.get<std::string>();
            if (!served_.contains(suffix)) {
                wrong(path + ".targets", "\"" + suffix + "\" is no target of this library; there " +
                                             "are \"drive-SERIAL\" for its drives and \"changer\"");
            }
            targets.push_back(before + suffix);
        }
        return targets;
    }

    std::optional<iscsi::ChapRules> read_chap(const json& values, const std::string& prefix) {
        iscsi::ChapRules rules;
        const bool one = values.contains("user") && values.contains("secret_file");
        if (one) rules.users.push_back({read_credentials(values, "iscsi.chap"), {}});
        if (!one && (values.contains("user") || values.contains("secret_file")))
            wrong("iscsi.chap", "user and secret_file go together");
        if (values.contains("users")) {
            for (std::size_t i = 0; i < values["users"].size(); ++i) {
                const auto& user = values["users"][i];
                const auto path = "iscsi.chap.users[" + std::to_string(i) + "]";
                iscsi::ChapUser added{read_credentials(user, path),
                                      read_targets(user, path, prefix)};
                if (knows(rules, added.credentials.user))
                    wrong(path + ".user", "\"" + added.credentials.user + "\" stands twice");
                rules.users.push_back(std::move(added));
            }
        }
        if (rules.users.empty()) wrong("iscsi.chap", "names nobody who may log in; give users");
        if (values.contains("mutual")) {
            rules.mutual = read_credentials(values["mutual"], "iscsi.chap.mutual");
            if (std::any_of(rules.users.begin(), rules.users.end(), [&](const auto& user) {
                    return user.credentials.secret == rules.mutual->secret;
                })) {
                wrong("iscsi.chap.mutual.secret_file",
                      "holds a user's secret; the library needs one of its own, or each side could "
                      "pass for the other");
            }
        }
        return rules;
    }

    static bool knows(const iscsi::ChapRules& rules, const std::string& name) {
        return std::any_of(rules.users.begin(), rules.users.end(),
                           [&](const auto& user) { return user.credentials.user == name; });
    }

    const Configuration& source_;
    const std::set<std::string>& served_;
    ConfigurationErrors& errors_;
};

}  // namespace

bool IscsiConfiguration::operator==(const IscsiConfiguration& other) const {
    return host == other.host && port == other.port && target_prefix == other.target_prefix &&
           chap == other.chap && ping_after == other.ping_after &&
           connections_max == other.connections_max;
}

ValueShape iscsi_shape() {
    return object_shape({
        default_key("listen", text_shape("HOST:PORT", wrong_with_portal), "\"127.0.0.1:3260\"",
                    "Where hosts log in; port 0 takes any free one, which library.status tells."),
        default_key("target_prefix",
                    text_shape("beginning of an iSCSI name", wrong_with_target_prefix, 150),
                    "\"iqn.2026-01.example.library\"",
                    "Targets are TARGET_PREFIX:drive-SERIAL and TARGET_PREFIX:changer."),
        optional_key("chap", chap_shape(), "CHAP (MD5), required of every session when set.",
                     "{\"user\": \"backup\", \"secret_file\": \"/etc/lra/chap.key\"}"),
        default_key("ping_after_ms", integer_shape(100, 3'600'000), "30000",
                    "A host that said nothing for so long is pinged; without an answer its session "
                    "ends and its "
                    "RESERVE is released."),
        default_key("connections_max", integer_shape(1, 65'535), "256",
                    "Further connections are closed at once."),
    });
}

IscsiConfiguration iscsi_configuration(const Configuration& configuration,
                                       const std::set<std::string>& served,
                                       ConfigurationErrors& errors) {
    return ReadingIscsi(configuration, served, errors).read();
}

}  // namespace drive_iface::vtld
