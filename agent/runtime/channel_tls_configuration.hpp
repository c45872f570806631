#pragma once

// The section events.tls, of lrad.json and vtld.json.

#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/configuration.hpp"

namespace agent::runtime {

struct ChannelTlsConfiguration {
    std::string certificate_file;
    std::string certificate_key_file;
    std::string authority_file;
    std::vector<std::string> peers;  // who may be at the other end
    bool operator==(const ChannelTlsConfiguration&) const = default;
};

[[nodiscard]] ConfigurationKey channel_tls_key();

// Nothing: the section has no key "tls". Files are named as from the configuration's folder.
[[nodiscard]] std::optional<ChannelTlsConfiguration> channel_tls_configuration(
    const Configuration& source, const char* section);

}  // namespace agent::runtime
