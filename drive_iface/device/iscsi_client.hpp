#pragma once

// What every use of libiscsi needs, for the sources beside this one only: nobody else sees
// libiscsi.

#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/iscsi_credentials.hpp"

// C headers, in this order.
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

namespace drive_iface::iscsi_client {

// What a callback of libiscsi leaves for whoever waits. Outlives the command or the context,
// whichever ends first.
struct Completion {
    bool done = false;
    int status = 0;
};

struct FreeContext {
    void operator()(iscsi_context* context) const { iscsi_destroy_context(context); }
};
using Context = std::unique_ptr<iscsi_context, FreeContext>;

// A callback for anything whose command data is of no interest; `completion` is a Completion.
void completed(iscsi_context* context, int status, void* data, void* completion) noexcept;

// Serves the connection until `completion` is done. False: time is up, or the connection broke.
// `socket_error`: the errno of the socket when that is why; libiscsi's own words for it are lost in
// those that it does not reconnect.
[[nodiscard]] bool serve(iscsi_context* context, const Completion& completion,
                         agent::core::Duration timeout, int* socket_error = nullptr);

[[nodiscard]] std::string last_error(iscsi_context* context);

// Connects to `portal` and logs in with what is set in the context, each within `timeout`; a target
// that asks for CHAP is answered with `credentials`, which may be none. It is never done again by
// itself: libiscsi's own reconnecting would send commands twice. After an error the context is
// gone. Errors besides: why the credentials can not be had, or are too long for the library; a
// target that has to prove itself and has not.
[[nodiscard]] agent::core::Outcome log_in(Context& context, const std::string& portal,
                                          agent::core::Duration timeout,
                                          const IscsiCredentialsDoor& credentials);

// Orderly, within a second, or not at all; the context is gone.
void log_out(Context& context);

}  // namespace drive_iface::iscsi_client
