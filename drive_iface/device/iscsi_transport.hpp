#pragma once

// A drive reached over Ethernet, through libiscsi.

#include <cstdint>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/iscsi_credentials.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

struct IscsiTransportOptions {
    std::string url;             // iscsi://[USER%PASSWORD@]HOST[:PORT]/TARGET-NAME/LUN
    std::string initiator_name;  // iSCSI name the controller logs in with (RFC 7143 4.2.7)
    // ISID of type "random" (RFC 7143 11.12.5): registrations belong to name and ISID, so both stay
    // the same over restarts, and two controllers must differ. 24 bits, see isid_number().
    std::uint32_t isid = 0;
    // Tells apart several sessions of one controller with the same target; the same name, ISID and
    // qualifier would end the other session (RFC 7143 6.3.5).
    std::uint16_t isid_qualifier = 0;
    agent::core::Duration login_timeout{5'000};
    IscsiCredentialsDoor credentials;  // instead of those in the URL; may be none
};

// 24 bits out of a controller's name, the same on every start.
[[nodiscard]] std::uint32_t isid_number(const std::string& controller);

// Does not connect yet: that is done by the first execute(), and again by the next one after an
// error. Logs in without TEST UNIT READY, so that the unit attentions of a new nexus are seen by
// the caller. Nothing is ever sent twice. Errors: a URL or name that can not be used.
[[nodiscard]] agent::core::Result<std::unique_ptr<Transport>> make_iscsi_transport(
    IscsiTransportOptions options);

}  // namespace drive_iface
