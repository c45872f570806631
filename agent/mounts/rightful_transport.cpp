#include "agent/mounts/rightful_transport.hpp"

#include <utility>

#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using core::Duration;
using core::Error;
using core::Outcome;
using core::Result;
using drive_iface::ScsiCommand;
using drive_iface::ScsiReply;

namespace {

constexpr const char* kept_back_words = "this controller may not act now: the command was not sent";

}  // namespace

bool RightfulTransport::may_send_now() {
    const auto right = acting_();
    if (right.epoch == epoch_ && pair::may_send(right, runtime::clock_now().monotonic)) return true;
    kept_back_ = true;
    return false;
}

Result<ScsiReply> RightfulTransport::execute(const ScsiCommand& command, Duration timeout) {
    if (!may_send_now()) return Error{kept_back_words};
    return device_.execute(command, timeout);
}

Outcome RightfulTransport::reset_logical_unit(Duration timeout) {
    if (!may_send_now()) return Error{kept_back_words};
    return device_.reset_logical_unit(timeout);
}

drive_iface::DriveJob under_right(drive_iface::DriveJob job, ActingDoor acting) {
    const std::uint64_t epoch = acting().epoch;
    job.work = [work = std::move(job.work), acting = std::move(acting), epoch](
                   drive_iface::Transport& device, Duration timeout) {
        RightfulTransport rightful(device, acting, epoch);
        return work(rightful, timeout);
    };
    return job;
}

}  // namespace agent::mounts
