#pragma once

// Has a target proven itself at login (mutual CHAP)? libiscsi compares a response that it gets, and
// lets a target in all the same that leaves the security stage out, or that answers before it has
// been asked anything: at that time the library compares with zeros. What the target said is heard
// through the library's log, the only place where it shows it.

#include <mutex>

#include "drive_iface/device/iscsi_client.hpp"

namespace drive_iface::iscsi_client {

// Hears one login, on the thread that creates it and serves that login. One at a time on a thread;
// gone before the context is.
class TargetProof {
  public:
    explicit TargetProof(iscsi_context* context);
    ~TargetProof();
    TargetProof(const TargetProof&) = delete;
    TargetProof& operator=(const TargetProof&) = delete;

    // Only meant of a login that the library called successful: it has compared the response.
    [[nodiscard]] bool is_given() const { return given_; }

    // libiscsi writes log lines into one text for all of its sessions. To be held around each call
    // to it while a login is heard; nothing is locked on threads that hear none.
    [[nodiscard]] static std::unique_lock<std::mutex> turn();

  private:
    static void hear(int level, const char* line) noexcept;

    iscsi_context* context_;
    bool given_ = false;
};

}  // namespace drive_iface::iscsi_client
