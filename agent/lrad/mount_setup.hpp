#pragma once

// From the section "mounts" of lrad.json to the objects that mount volumes.

#include <memory>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/core/result.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "drive_iface/device/transport.hpp"

namespace agent::lrad {

// Opens nothing yet. `configuration` has mounts. The secrets of CHAP are read at each login; whose
// they are stays as it is in `configuration`.
[[nodiscard]] core::Result<std::unique_ptr<drive_iface::Transport>> make_changer(
    const runtime::LradConfiguration& configuration);

// To be asked at the start, while somebody looks. Errors name the file.
[[nodiscard]] core::Outcome changer_secret_is_readable(
    const runtime::LradConfiguration& configuration);

[[nodiscard]] mounts::MountServiceOptions mount_options(const runtime::MountsConfiguration& mounts);

// A file beside the controller's own, or the configured servers.
[[nodiscard]] core::Result<std::unique_ptr<mounts::SqlSession>> open_drive_table(
    const runtime::MountsConfiguration& mounts, const std::string& state_dir);

// Of the keys that controllers of the library use; 0 without the section.
[[nodiscard]] std::uint64_t mount_key_family_of(const runtime::LradConfiguration& configuration);

// `words` in the places of the message's text.
[[nodiscard]] core::EventRecord mount_event(core::Message message, const std::string& drive,
                                            const std::vector<std::string>& words);

}  // namespace agent::lrad
