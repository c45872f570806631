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

// Nobody knows of it: whoever asked was told, and the first look for it does not see it.
TEST_CASE("a claim that comes to be after it was told as unknown is given back") {
    MountBench bench;
    bench.doubts->comes_late = true;
    bench.doubts->waits_after_doubt = true;
    bench.doubts->commits_until_doubt = 0;
    bench.mount("VT0001L8");
    CHECK(bench.fault().reason == "table");
    bench.run_until([&] { return bench.doubts->begun_in_vain >= 2; });
    CHECK(bench.open_claims().empty());
    bench.doubts->waits = false;
    bench.run_until([&] { return bench.noted(core::Message::claim_recovered); });
    bench.run_until([&] { return bench.open_claims().empty(); });
    CHECK(bench.row(bench.drive_1).state == DriveState::free);
}

TEST_CASE("a cancel of a claim that this controller has yet to take up says so") {
    MountBench bench;
    bench.doubts->waits_after_doubt = true;
    bench.doubts->commits_until_doubt = 0;
    bench.mount("VT0001L8");
    CHECK(bench.fault().reason == "table");
    bench.service->cancel("VT0001L8", bench.told());
    CHECK(bench.fault(1).kind == MountFault::Kind::busy);
    CHECK(bench.fault(1).reason == "taken_up");
    bench.doubts->waits = false;
    bench.run_until([&] { return bench.open_claims().empty(); });
    CHECK(bench.row(bench.drive_1).state == DriveState::free);
}

TEST_CASE("what was decided about the drive before is not held against the next one") {
    MountBench bench;
    bench.drives.at(bench.drive_1)->before = [](std::uint8_t opcode) -> WatchedTransport::Answer {
        if (opcode != 0x00) return std::nullopt;  // TEST UNIT READY
        auto reply = not_readable_reply();
        reply.sense[2] = 0x04;  // HARDWARE ERROR, INTERNAL TARGET FAILURE
        reply.sense[12] = 0x44;
        return reply;
    };
    bench.doubts->commits_until_doubt = 5;  // of the first drive's release, and back in line
    bench.mount("VT0001L8", true);
    bench.run_until([&] { return bench.doubts->commits_until_doubt == -1; });
    bench.doubts->commits_until_doubt = 1;  // of the next drive's reservation
    static_cast<void>(bench.answer());
    CHECK(bench.row(bench.drive_1).state == DriveState::quarantined);
    CHECK(bench.row(bench.drive_2).state == DriveState::mounted);
}
