#pragma once

// "Whose application holds this drive?", as the controller asks the agents of the hosts, and what
// they answer. For a RESERVE(6) or (10) no command tells a third party the holder (SPC-2 5.5.1):
// the hosts may know. docs/HOLDER.md says what an answer may decide.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/notice.hpp"
#include "agent/core/reservation.hpp"

namespace agent::core {

// Wire values of tlrNotifyRequest: never renumber.
enum class HolderRequest : std::uint8_t {
    tell = 1,     // say whether this host's application holds the drive
    release = 2,  // and if the administrator of that host allows it, make it give the drive back
};

// The id is never used twice by one controller: an answer to an older question can not count.
struct HolderInquiry {
    NoticeId id;
    ControllerName controller;
    DriveSerial drive;
    HolderRequest request = HolderRequest::tell;
    bool operator==(const HolderInquiry&) const = default;
};

// Wire values of tlrNotifyAnswer: never renumber.
enum class HolderAnswer : std::uint8_t {
    mine = 1,          // something on this host uses the drive; the detail says what
    not_mine = 2,      // everything that could be looked at was, and nothing here uses it
    can_not_tell = 3,  // no way to know is configured, or it did not work
};

// What became of a request to release. Wire values of tlrNotifyRelease: never renumber.
enum class ReleaseResult : std::uint8_t {
    not_asked = 1,
    released = 2,  // the configured program ran and ended well; the drive is still to be asked
    failed = 3,    // it did not; the detail says why
    not_configured = 4,  // application.release is not set on that host: nothing was done
};

struct HolderStatement {
    NoticeId id;  // of the inquiry that it answers
    ControllerName controller;
    AgentName agent;
    DriveSerial drive;
    HolderAnswer answer = HolderAnswer::can_not_tell;
    ReleaseResult release = ReleaseResult::not_asked;
    std::vector<InitiatorPort> ports;  // of this host, sorted; one of them holds it when `mine`
    DomainName domain;                 // that the host believes to belong to; may be empty
    std::string detail;                // one line for the operator, at most 200 bytes
    bool operator==(const HolderStatement&) const = default;
};

[[nodiscard]] std::string_view to_text(HolderRequest value);
[[nodiscard]] std::string_view to_text(HolderAnswer value);
[[nodiscard]] std::string_view to_text(ReleaseResult value);

}  // namespace agent::core
