#pragma once

// Which names and secrets this controller logs in to an iSCSI target with.

#include <optional>
#include <string>

#include "agent/runtime/lrad_configuration.hpp"
#include "drive_iface/device/iscsi_credentials.hpp"

namespace agent::lrad {

// Reads the secrets each time it is asked. Without `chap`: an empty answer, no CHAP.
[[nodiscard]] drive_iface::IscsiCredentialsDoor credentials_door(
    const std::optional<runtime::IscsiChap>& chap);

// What the configuration says of the target of an iSCSI URL, or of a portal ("HOST:PORT"): what a
// drive of that target is watched with, which may be nothing; else what discovery.portals says of
// the portal, else what another drive behind that portal is watched with.
[[nodiscard]] std::optional<runtime::IscsiChap> chap_for(
    const runtime::LradConfiguration& configuration, const std::string& url_or_portal);

// `configuration` has mounts. What its changer has of its own counts first, the name and secret in
// its URL (none here: the transport reads them there) among it; else as chap_for().
[[nodiscard]] std::optional<runtime::IscsiChap> chap_for_changer(
    const runtime::LradConfiguration& configuration);

// As in lrad.json.
[[nodiscard]] nlohmann::json chap_to_paste(const runtime::IscsiChap& chap);

}  // namespace agent::lrad
