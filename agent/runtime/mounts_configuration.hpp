#pragma once

// The section "mounts" of lrad.json: the library whose changer this controller commands. Without it
// nothing is ever mounted.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/configuration_schema.hpp"
#include "agent/runtime/iscsi_chap.hpp"

namespace agent::runtime {

struct LradConfiguration;

// How a changer is reached; as a drive's interface.
struct ChangerInterface {
    bool iscsi = false;
    std::string device;
    std::string url;
    std::string initiator_name;
    std::optional<IscsiChap> chap;  // none: as the drives there have it
    bool operator==(const ChangerInterface&) const = default;
};

struct MountsConfiguration {
    struct DriveGeneration {
        std::string serial;
        std::string generation;
        bool operator==(const DriveGeneration&) const = default;
    };
    struct Medium {
        std::string suffix;
        std::string generation;
        std::string kind;  // data, worm, cleaning
        bool operator==(const Medium&) const = default;
    };
    struct Reach {
        std::string drive;
        std::vector<std::string> write;
        std::vector<std::string> read;
        bool operator==(const Reach&) const = default;
    };
    struct Preference {
        std::string host;
        std::vector<std::string> drives;
        bool operator==(const Preference&) const = default;
    };

    std::string library;
    std::string node;  // controller.id when not given
    ChangerInterface changer;
    std::vector<std::string> database;  // connection strings, one a server; none: SQLite
    core::Duration move_timeout{600'000};
    core::Duration ready_timeout{300'000};
    core::Duration reserve_timeout{5'000};
    core::Duration deadline{3'600'000};
    std::size_t queue_max = 256;
    std::size_t queue_per_host_max = 64;
    std::vector<DriveGeneration> drives;
    std::vector<Medium> media;  // empty: LTO's
    std::vector<Reach> reach;   // empty: LTO's
    std::vector<std::string> cleaning_prefixes;
    std::vector<Preference> preferences;
    bool operator==(const MountsConfiguration&) const = default;
};

[[nodiscard]] ConfigurationKey mounts_key();
// Only when the section is there. `known`: what has been read of the file so far.
[[nodiscard]] std::optional<MountsConfiguration> mounts_configuration(
    const Configuration& source, const LradConfiguration& known, ConfigurationErrors& errors);

}  // namespace agent::runtime
