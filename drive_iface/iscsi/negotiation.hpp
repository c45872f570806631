#pragma once

// Operational parameters of a session and how each key is answered (RFC 7143 section 13).

#include <optional>

#include "drive_iface/iscsi/text_keys.hpp"

namespace drive_iface::iscsi {

// Defaults are those of RFC 7143: what holds for keys that nobody mentioned.
struct OperationalParameters {
    Digests digests;
    bool initial_r2t = true;
    bool immediate_data = true;
    std::uint32_t first_burst_length = 65'536;
    std::uint32_t max_burst_length = 262'144;
    std::uint32_t initiator_data_segment_max = 8'192;  // their MaxRecvDataSegmentLength
    bool operator==(const OperationalParameters&) const = default;
};

inline constexpr std::uint32_t first_burst_length_max = 1024 * 1024;
inline constexpr std::uint32_t max_burst_length_max = 16'776'192;
// Our MaxRecvDataSegmentLength, declared in every login.
inline constexpr std::uint32_t target_data_segment_max = 1024 * 1024;

// Answers every negotiable key among `keys` in order, appends the answers, and updates
// `parameters`. Keys that only declare something, and those of the login itself, get no answer;
// unknown ones NotUnderstood, impossible values Reject.
void negotiate(const TextKeys& keys, OperationalParameters& parameters, TextKeys& answers);

// A key of the security stage or of the session's identity: the login's business.
[[nodiscard]] bool is_login_key(const std::string& name);

}  // namespace drive_iface::iscsi
