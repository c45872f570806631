#include "agent/mounts/mount_service.hpp"

#include "agent/mounts/drive_hold.hpp"
#include "drive_iface/device/mount_key.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "test/unit/mounts/mount_bench.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::ClaimEnding;
using claims::ClaimState;
using claims::DriveState;
using core::Message;
namespace scsi = drive_iface::scsi;

namespace {

constexpr std::uint8_t load_unload = 0x1b;
constexpr std::uint8_t reserve_out = 0x5f;
constexpr std::uint8_t unit_ready = 0x00;

drive_iface::ScsiReply hardware_error_reply() {
    drive_iface::ScsiReply reply;
    reply.status = 0x02;
    reply.sense = {0x70, 0, 0x04, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x44, 0, 0, 0, 0, 0};
    return reply;
}

bool is_free(MountBench& bench, const char* serial) {
    const auto row = bench.row(serial);
    return row.state == DriveState::free && !row.claim;
}

claims::HeldBy holder_of(MountBench& bench, const char* serial) {
    const auto path = bench.path(serial, "h");
    const std::lock_guard lock(bench.library_lock);
    return look_at_holder(*path, drive_iface::mount_key_family("lib"), 0, core::Duration{1'000})
        .held;
}

// What somebody does at the library, who asks no controller.
void unload_by_hand(MountBench& bench, const char* serial) {
    const std::lock_guard lock(bench.library_lock);
    REQUIRE(unload_drive(*bench.path(serial, "h"), core::Duration{1'000}));
}
void move_by_hand(MountBench& bench, int from, int to) {
    const auto high = [](int value) { return static_cast<std::uint8_t>(value >> 8); };
    const auto low = [](int value) { return static_cast<std::uint8_t>(value & 0xff); };
    const std::array<std::uint8_t, 12> move_medium{
        scsi::opcode::move_medium, 0, 0, 0, high(from), low(from), high(to), low(to)};
    const std::lock_guard lock(bench.library_lock);
    const auto moved = drive_iface::execute_patiently(
        *bench.path("CH00000001", "h"), {move_medium, {}, 0}, core::Duration{1'000}, nullptr);
    REQUIRE(moved);
    REQUIRE(moved->status == scsi::status::good);
}

bool is_ready(MountBench& bench, const char* serial) {
    const std::lock_guard lock(bench.library_lock);
    const auto seen = look_at_readiness(*bench.path(serial, "h"), core::Duration{1'000});
    return seen && seen->readiness == Readiness::ready;
}

}  // namespace

TEST_CASE("a volume is mounted and unmounted, and the drive carries nothing of it") {
    MountBench bench;
    bench.mount("VT0001L8");
    CHECK(bench.claim().state == ClaimState::mounted);
    bench.service->unmount("VT0001L8", bench.told());
    CHECK(bench.claim(1).ending == ClaimEnding::unmounted);
    CHECK(is_free(bench, bench.drive_1));
    CHECK(bench.open_claims().empty());
}

TEST_CASE("a changer that stops answering is nobody's failure, and the mount goes on after it") {
    MountBench bench;
    bench.changer->after = [&](std::uint8_t opcode) {
        if (opcode == scsi::opcode::move_medium) bench.changer->silent = true;
    };
    bench.mount("VT0001L8");
    bench.run_until([&] { return bench.changer->silent.load(); });
    bench.run_until([&] {
        const auto open = bench.open_claims();
        return open.size() == 1 && open.front().step.starts_with("asks again soon");
    });
    CHECK(!bench.noted(Message::mount_failed));
    CHECK(bench.answers.empty());
    bench.changer->after = nullptr;
    bench.changer->silent = false;
    CHECK(bench.claim().state == ClaimState::mounted);
    CHECK(bench.row(bench.drive_1).errors == 0);

    bench.changer->silent = true;
    bench.service->unmount("VT0001L8", bench.told());
    bench.run_until([&] {
        const auto open = bench.open_claims();
        return open.size() == 1 && open.front().step.starts_with("asks again soon");
    });
    bench.changer->silent = false;
    CHECK(bench.claim(1).ending == ClaimEnding::unmounted);
    CHECK(is_free(bench, bench.drive_1));
    CHECK(!bench.noted(Message::mount_drive_quarantined));
}

TEST_CASE("an unmount that comes while the drive is being given to the host is carried out") {
    MountBench bench;
    auto& drive = *bench.drives.at(bench.drive_1);
    std::atomic<bool> answers = false;
    drive.before = [&, tested = false](std::uint8_t opcode) mutable -> WatchedTransport::Answer {
        tested = tested || opcode == unit_ready;
        if (answers || !tested || opcode == unit_ready) return std::nullopt;
        return core::Result<drive_iface::ScsiReply>(core::Error{"it does not answer"});
    };
    bench.mount("VT0001L8");
    bench.run_until_claim(ClaimState::mounted);
    bench.service->unmount("VT0001L8", bench.told());
    CHECK(bench.open_claims().size() == 1);  // the unmount was taken in before this answer
    answers = true;
    CHECK(bench.claim(0).state == ClaimState::mounted);
    CHECK(bench.claim(1).ending == ClaimEnding::unmounted);
    CHECK(is_free(bench, bench.drive_1));
}

TEST_CASE("a cancel that meets the last commit of a mount takes the volume back") {
    MountBench bench;
    bool asked = false;
    auto& drive = *bench.drives.at(bench.drive_1);
    drive.after = [&](std::uint8_t opcode) {
        if (opcode != unit_ready || std::exchange(asked, true)) return;
        // Before what this command has told gets to the loop.
        asio::post(bench.loop, [&] { bench.service->cancel("VT0001L8", bench.told()); });
    };
    bench.mount("VT0001L8");
    CHECK(bench.fault(0).kind == MountFault::Kind::withdrawn);
    CHECK(bench.claim(1).ending == ClaimEnding::cancelled);
    CHECK(is_free(bench, bench.drive_1));
    CHECK(bench.open_claims().empty());
}

TEST_CASE("what a commit nobody can vouch for has left is taken up") {
    // Commits of a mount: claimed, reserved, then the moves.
    for (int commit = 0; commit < 2; ++commit) {
        INFO(commit);
        MountBench bench;
        bench.doubts->commits_until_doubt = commit;
        bench.mount("VT0001L8");
        CHECK(bench.fault().reason == "table");
        bench.run_until([&] { return bench.open_claims().empty(); });
        CHECK(is_free(bench, bench.drive_1));
        bench.mount("VT0001L8");
        CHECK(bench.claim(1).state == ClaimState::mounted);
    }
}

TEST_CASE("a claim in line goes on after a commit nobody can vouch for") {
    MountBench bench;
    const auto known = std::exchange(bench.known, {});
    bench.mount("VT0001L8", true);
    bench.run_until_claim(ClaimState::queued);
    bench.doubts->commits_until_doubt = 1;
    bench.known = known;
    CHECK(bench.claim().state == ClaimState::mounted);
}

TEST_CASE("a volume that this very failure has quarantined leaves no claim behind") {
    MountBench bench;
    const auto both = bench.known;
    for (std::size_t turn = 0; turn < 2; ++turn) {
        bench.known = {both[turn]};
        bench.drives.at(both[turn].serial)->silent = true;
        bench.mount("VT0001L8");
        CHECK(bench.fault(turn).kind == MountFault::Kind::drive_failed);
        CHECK(bench.open_claims().empty());
    }
    CHECK(bench.fault(1).reason == "volume_failed");
    CHECK(bench.noted(Message::mount_volume_quarantined));
}

TEST_CASE("hosts that were quicker are no failure: there is no drive") {
    MountBench bench;
    for (const char* serial : {bench.drive_1, bench.drive_2}) {
        const auto host = bench.path(serial, "h");
        REQUIRE(hold_drive(*host, 0, 0xabcdef, core::Duration{1'000}));
    }
    bench.mount("VT0001L8");
    CHECK(bench.fault().kind == MountFault::Kind::no_drive);
    REQUIRE(bench.fault().counts);
    CHECK(bench.fault().counts->tried == 2);
    CHECK(bench.open_claims().empty());
    CHECK(bench.row(bench.drive_1).errors == 0);
}

TEST_CASE("a cancel that comes while the line is served is kept") {
    MountBench bench;
    bench.known.clear();
    bench.mount("VT0001L8", true);
    bench.run_until_claim(ClaimState::queued);
    // The desk is busy until the line was served once more behind the cancel's own question.
    std::atomic<bool> busy = true;
    bench.doubts->before = [&](std::string_view) {
        while (busy)
            std::this_thread::yield();
    };
    bench.service->cancel("VT0001L8", bench.told());
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
    while (std::chrono::steady_clock::now() < until)
        bench.loop.run_one_for(std::chrono::milliseconds(5));
    busy = false;
    CHECK(bench.answer(1).index() <= 1);
    CHECK(bench.open_claims().empty());
}

TEST_CASE("a quarantine that was announced outlives a cancel on the way back") {
    MountBench bench;
    auto& drive = *bench.drives.at(bench.drive_1);
    bool asked = false;
    drive.before = [&](std::uint8_t opcode) -> WatchedTransport::Answer {
        if (opcode == unit_ready) return hardware_error_reply();
        if (opcode == load_unload && !std::exchange(asked, true)) {
            asio::post(bench.loop, [&] { bench.service->cancel("VT0001L8", bench.told()); });
            const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
            while (std::chrono::steady_clock::now() < until)
                std::this_thread::yield();
        }
        return std::nullopt;
    };
    bench.mount("VT0001L8");
    CHECK(bench.fault(0).kind == MountFault::Kind::withdrawn);
    CHECK(bench.noted(Message::mount_drive_quarantined));
    CHECK(bench.row(bench.drive_1).state == DriveState::quarantined);
}

TEST_CASE("a reservation that comes to stand too late is taken off again") {
    MountBench bench;
    bench.known.pop_back();
    auto& drive = *bench.drives.at(bench.drive_1);
    std::atomic<bool> hangs = true;
    drive.before = [&](std::uint8_t opcode) -> WatchedTransport::Answer {
        while (opcode == reserve_out && hangs)
            std::this_thread::yield();
        return std::nullopt;
    };
    bench.mount("VT0001L8");
    CHECK(bench.fault().kind == MountFault::Kind::drive_failed);
    hangs = false;
    bool behind = false;  // whatever the drive's thread had to do
    REQUIRE(bench.threads.at(bench.drive_1)->post([&] {
        asio::post(bench.loop, [&] { behind = true; });
    }));
    bench.run_until([&] { return behind; });
    const auto host = bench.path(bench.drive_1, "h");
    const auto family = drive_iface::mount_key_family("lib");
    {
        const std::lock_guard lock(bench.library_lock);
        CHECK(look_at_holder(*host, family, 0, core::Duration{1'000}).held ==
              claims::HeldBy::nobody);
    }
    bench.mount("VT0002L8");
    CHECK(bench.claim(1).drive == bench.drive_1);
}

TEST_CASE("a reservation that a controller has left on a drive nobody claims is taken off") {
    const auto family = drive_iface::mount_key_family("lib");
    const auto mine = drive_iface::mount_key(family, 1, 1);
    const auto of_an_older_epoch = drive_iface::mount_key(family, 7, 0);
    const auto left = GENERATE_COPY(mine, of_an_older_epoch);
    MountBench bench([&](MountBench& world) {
        REQUIRE(hold_drive(*world.path(world.drive_2, "c"), family, left, core::Duration{1'000}));
    });
    bench.run_until([&] { return holder_of(bench, bench.drive_2) == claims::HeldBy::nobody; });
}

TEST_CASE("what others hold on a drive nobody claims stays") {
    const auto family = drive_iface::mount_key_family("lib");
    const auto beside = drive_iface::mount_key(family, 7, 1);  // of this epoch: it may be serving
    const std::uint64_t of_a_host = 0xabcdef;
    const auto key = GENERATE_COPY(beside, of_a_host);
    MountBench bench([&](MountBench& world) {
        const auto path = world.path(world.drive_1, "h");
        REQUIRE(hold_drive(*path, family, key, core::Duration{1'000}));
    });
    bench.known.erase(bench.known.begin());
    bench.mount("VT0002L8");
    CHECK(bench.claim().drive == bench.drive_2);
    const auto path = bench.path(bench.drive_1, "h");
    const std::lock_guard lock(bench.library_lock);
    CHECK(look_at_holder(*path, family, 0, core::Duration{1'000}).key == key);
}

TEST_CASE("a drive that does not answer at the start is asked for what was left there later") {
    const auto family = drive_iface::mount_key_family("lib");
    MountBench bench([&](MountBench& world) {
        REQUIRE(hold_drive(*world.path(world.drive_2, "c"), family,
                           drive_iface::mount_key(family, 7, 0), core::Duration{1'000}));
        world.drives.at(world.drive_2)->silent = true;
    });
    bool scanned = false;
    bench.service->scan(false, [&](const core::Outcome&) { scanned = true; });
    bench.run_until([&] { return scanned; });
    CHECK(holder_of(bench, bench.drive_2) == claims::HeldBy::dead_key);
    bench.drives.at(bench.drive_2)->silent = false;
    bench.service->scan(false, [](const core::Outcome&) {});
    bench.run_until([&] { return holder_of(bench, bench.drive_2) == claims::HeldBy::nobody; });
}

TEST_CASE("an unmount of a volume that somebody has moved away by hand ends its claim") {
    MountBench bench;
    bench.mount("VT0001L8");
    REQUIRE(bench.claim().drive == bench.drive_1);
    unload_by_hand(bench, bench.drive_1);
    move_by_hand(bench, 257, 256);
    bench.service->unmount("VT0001L8", bench.told());
    CHECK(bench.fault(1).reason == "volume_failed");
    CHECK(bench.fault(1).words.find("no more in its drive") != std::string::npos);
    CHECK(bench.open_claims().empty());
    CHECK(bench.row(bench.drive_1).state == DriveState::quarantined);
    CHECK(!bench.row(bench.drive_1).volume);
    CHECK(holder_of(bench, bench.drive_1) == claims::HeldBy::nobody);
    CHECK(holder_of(bench, bench.drive_2) == claims::HeldBy::nobody);
}

TEST_CASE("an unmount leaves the cartridge alone that somebody has put into the drive by hand") {
    MountBench bench;
    bench.mount("VT0001L8");
    REQUIRE(bench.claim().drive == bench.drive_1);
    const auto to = GENERATE(256, 1'003);  // the other drive, a slot
    INFO(to);
    unload_by_hand(bench, bench.drive_1);
    move_by_hand(bench, 257, to);
    move_by_hand(bench, 1'001, 257);
    REQUIRE(is_ready(bench, bench.drive_1));
    bench.service->unmount("VT0001L8", bench.told());
    CHECK(bench.fault(1).reason == "volume_failed");
    CHECK_THAT(bench.fault(1).words, Catch::Matchers::Contains("has volume VT0002L8 in it"));
    CHECK(is_ready(bench, bench.drive_1));
    CHECK(bench.open_claims().empty());
    CHECK(bench.row(bench.drive_1).state == DriveState::quarantined);
    CHECK(holder_of(bench, bench.drive_1) == claims::HeldBy::nobody);
    CHECK(holder_of(bench, bench.drive_2) == claims::HeldBy::nobody);
}

TEST_CASE("a clock that is set while a request waits in line withdraws nothing") {
    MountBench bench;
    const auto known = std::exchange(bench.known, {});
    bench.mount("VT0001L8", true);
    bench.run_until_claim(ClaimState::queued);
    bench.clock_ahead = {2 * 3'600'000};
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
    bench.run_until([&] { return std::chrono::steady_clock::now() >= until; });
    CHECK(bench.answers.empty());
    bench.known = known;
    CHECK(bench.claim().state == ClaimState::mounted);
}

TEST_CASE("a controller that takes over compares no clocks: who waits keeps the time it had") {
    const auto hours = GENERATE(-3, 3);
    const auto now = runtime::clock_now().wall;
    const core::WallTime there{now.ms + std::int64_t{hours} * 3'600'000};
    MountBench bench([&](MountBench& world) {
        world.gone = "b";
        world.known.clear();
        auto session = open_sqlite_session(world.folder + "/mounts.db");
        REQUIRE(session);
        ClaimTableOptions options;
        options.library = "lib";
        options.node = "b";
        options.media = claims::lto_media();
        ClaimTable table(std::move(session).value(), options);
        REQUIRE(table.enroll());
        claims::Volume volume;
        volume.barcode = "VT0001L8";
        volume.generation = "LTO-8";
        volume.place = claims::Place::slot;
        REQUIRE(table.learn_drives({{world.drive_1, 257, "LTO-8"}}));
        REQUIRE(table.learn_volumes({volume}, there));
        MountRequest request;
        request.request = "of-b";
        request.volume = volume.barcode;
        request.wait = true;
        request.deadline = {there.ms + 30'000};
        const auto begun = table.begin(request, {}, {}, 0, there);
        REQUIRE(begun);
        REQUIRE(std::holds_alternative<InLine>(*begun));
    });
    bench.run_until([&] {
        const auto open = bench.open_claims();
        return open.size() == 1 && open.front().claim.node == "a";
    });
    const auto claim = bench.open_claims().front().claim;
    CHECK(claim.deadline.ms - now.ms >= 30'000);
    CHECK(claim.deadline.ms - now.ms < 60'000);
    bench.known = {{bench.drive_1, claims::DriveCondition::usable}};
    bench.run_until_claim(ClaimState::mounted);
}

TEST_CASE("the changer is not asked again for each volume that is mounted at a restart") {
    MountBench bench;
    bench.inventories = 0;
    bench.restart();
    const int of_none = bench.inventories;
    bench.mount("VT0001L8");
    bench.mount("VT0002L8");
    CHECK(bench.claim(0).state == ClaimState::mounted);
    CHECK(bench.claim(1).state == ClaimState::mounted);
    bench.inventories = 0;
    bench.restart();
    bench.run_until([&] {
        const auto open = bench.open_claims();
        return std::all_of(open.begin(), open.end(), [](const ClaimView& view) {
            return view.claim.epoch == 3 && view.step.empty();
        });
    });
    CHECK(bench.open_claims().size() == 2);
    CHECK(bench.inventories == of_none);
    bench.service->unmount("VT0001L8", bench.told());
    CHECK(bench.claim(2).ending == ClaimEnding::unmounted);
}

TEST_CASE("a host's preferred drive counts for a request that has waited, too") {
    MountBench bench;
    const auto known = std::exchange(bench.known, {});
    bench.preferred = {bench.drive_2};
    bench.mount("VT0001L8", true);
    bench.run_until_claim(ClaimState::queued);
    bench.known = known;
    CHECK(bench.claim().drive == bench.drive_2);
}

TEST_CASE("a changer that stays away is told once") {
    MountBench bench;
    bench.changer->silent = true;
    int asked = 0;
    for (int time = 0; time < 3; ++time) {
        bench.service->scan(false, [&](const core::Outcome& outcome) {
            CHECK(!outcome);
            ++asked;
        });
    }
    bench.run_until([&] { return asked == 3; });
    CHECK(std::count(bench.notes.begin(), bench.notes.end(), Message::changer_unreachable) == 1);
}
