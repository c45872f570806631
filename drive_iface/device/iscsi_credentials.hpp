#pragma once

// Names and secrets of CHAP (RFC 1994, RFC 7143 12.1.3). Who they are kept by is asked at each
// login, so that an exchanged secret counts from the next one on.

#include <functional>
#include <string>

#include "agent/core/result.hpp"

namespace drive_iface {

struct IscsiCredentials {
    std::string user;  // empty: no CHAP
    std::string secret;
    // What the target has to prove in turn; empty: nothing.
    std::string target_user;
    std::string target_secret;
};

// Any thread. Errors: why they can not be had, such as a file that is not there.
using IscsiCredentialsDoor = std::function<agent::core::Result<IscsiCredentials>()>;

}  // namespace drive_iface
