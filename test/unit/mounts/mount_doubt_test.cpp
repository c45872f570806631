// Commits of the mount service that nobody can vouch for, and that come to be late.

#include "agent/mounts/mount_service.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "test/unit/mounts/mount_bench.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::ClaimState;
using claims::DriveState;

namespace {

drive_iface::ScsiReply not_readable_reply() {
    drive_iface::ScsiReply reply;
    reply.status = 0x02;
    reply.sense = {0x70, 0, 0x03, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x30, 0, 0, 0, 0, 0};
    return reply;
}

}  // namespace

// The commits of a load that fails: claimed, reserved, loading, the failure, unloading, the
// release. The last two are in doubt in turn, and come to be while the recovery adopts the claim.
TEST_CASE("a failed load whose commit comes late is not taken for one that goes on") {
    const int commit = GENERATE(4, 5);
    MountBench bench;
    auto& drive = *bench.drives.at(bench.drive_1);
    drive.before = [asked = false](std::uint8_t opcode) mutable -> WatchedTransport::Answer {
        // The second time it would do.
        if (opcode == drive_iface::scsi::opcode::test_unit_ready && !std::exchange(asked, true))
            return not_readable_reply();
        return std::nullopt;
    };
    bench.doubts->comes_late = true;
    bench.doubts->commits_until_doubt = commit;
    bench.mount("VT0001L8");
    CHECK(bench.claim().state == ClaimState::mounted);
    CHECK(bench.claim().drive == bench.drive_2);
    CHECK(bench.row(bench.drive_2).state == DriveState::mounted);
    CHECK(bench.row(bench.drive_1).state == DriveState::free);
    // Nothing is left to be recovered of a drive that was given back.
    CHECK(bench.noted(core::Message::claim_recovered) == (commit == 4));
}
