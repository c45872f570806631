#include "agent/runtime/iscsi_chap.hpp"

#include <nlohmann/json.hpp>

namespace agent::runtime {

namespace {

std::vector<ConfigurationKey> name_and_secret(const char* whose, const char* user_example,
                                              const char* file_example) {
    return {
        required_key("user", text_shape(255), whose, user_example),
        required_key("secret_file", text_shape(4'096),
                     "File of mode 0600 with the secret, 12 bytes or more.", file_example),
    };
}

}  // namespace

ValueShape iscsi_chap_shape() {
    auto keys = name_and_secret("Name to log in with.", "\"lra\"", "\"/etc/lra/keys/chap\"");
    keys.push_back(
        optional_key("mutual",
                     object_shape(name_and_secret("Name that the target has to prove.",
                                                  "\"library\"", "\"/etc/lra/keys/chap-library\"")),
                     "What the target has to prove in turn (mutual CHAP).",
                     "{\"user\": \"library\", \"secret_file\": \"/etc/lra/keys/chap-library\"}"));
    return object_shape(std::move(keys));
}

IscsiChap iscsi_chap_from(const Configuration& source, const nlohmann::json& value,
                          const std::string& path, ConfigurationErrors& errors) {
    const auto file_of = [&](const nlohmann::json& one) {
        return source.file_beside(one["secret_file"].get<std::string>());
    };
    IscsiChap chap;
    chap.user = value["user"].get<std::string>();
    chap.secret_file = file_of(value);
    if (!value.contains("mutual")) return chap;
    chap.target_user = value["mutual"]["user"].get<std::string>();
    chap.target_secret_file = file_of(value["mutual"]);
    if (chap.target_secret_file == chap.secret_file) {
        errors.push_back(source.error_at(
            path + ".mutual.secret_file",
            "is the file of the own secret; each side needs one of its own, or each could pass for "
            "the other"));
    }
    return chap;
}

}  // namespace agent::runtime
