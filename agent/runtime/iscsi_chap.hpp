#pragma once

// CHAP as a configuration says it: names, and files with the secrets.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "agent/runtime/configuration.hpp"

namespace agent::runtime {

struct IscsiChap {
    std::string user;
    std::string secret_file;  // absolute; mode 0600
    std::string target_user;  // mutual CHAP: what the target has to prove; empty: nothing
    std::string target_secret_file;
    bool operator==(const IscsiChap&) const = default;
};

[[nodiscard]] ValueShape iscsi_chap_shape();

// `value` has that shape. `path` is the place for errors: two files with one name, for one.
[[nodiscard]] IscsiChap iscsi_chap_from(const Configuration& source, const nlohmann::json& value,
                                        const std::string& path, ConfigurationErrors& errors);

}  // namespace agent::runtime
