#include "drive_iface/device/holder_ladder.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>

#include "drive_iface/device/drive_watch.hpp"
#include "drive_iface/device/holder_resolvers.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "test/unit/device/recorded_transport.hpp"
#include "test/unit/scsi/fixtures.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

const InitiatorPort payroll_port{agent::core::Transport::fc, "2100000e1e09a1b0", "", ""};
const InitiatorPort archive_port{agent::core::Transport::fc, "2100000e1e09a1b1", "", ""};

DriveObserved seen(Reservation reservation) {
    return {{"DRV0001"}, std::move(reservation), HolderEvidence::none, DriveObserved::Source::poll};
}
DriveObserved legacy_by_nobody_knows_whom() {
    return seen({ReservationState::reserved, ReservationKind::legacy, std::nullopt, {}});
}
DriveObserved seen_by_key(std::uint64_t key) {
    return seen({ReservationState::reserved,
                 ReservationKind::persistent,
                 PersistentReservation{3, key},
                 {}});
}

// What a resolver for a source of a later day looks like from the ladder: IBM's dynamic runtime
// attributes, say, where the drive names the holder of any kind of reservation when it is asked.
class RuntimeAttributes final : public HolderResolver {
  public:
    RuntimeAttributes(HolderEvidence evidence, int& asked) : evidence_(evidence), asked_(asked) {}
    [[nodiscard]] std::string_view rung() const override { return "runtime_attributes"; }
    [[nodiscard]] bool asks_drive() const override { return true; }
    [[nodiscard]] Result<HolderFinding> resolve(const HolderCase& known,
                                                drive_iface::Transport* drive,
                                                Duration timeout) override {
        ++asked_;
        CHECK(known.reservation.holders.empty());
        const std::uint8_t cdb[12] = {0xa3, 0x1e};
        const auto reply = drive->execute({cdb, {}, 64}, timeout);
        if (!reply) return reply.error();
        return HolderFinding{{payroll_port}, evidence_, {}, "the drive says so"};
    }

  private:
    HolderEvidence evidence_;
    int& asked_;
};

class SilentDrive final : public drive_iface::Transport {
  public:
    Result<ScsiReply> execute(const ScsiCommand&, Duration) override { return ScsiReply{}; }
};
class DeadDrive final : public drive_iface::Transport {
  public:
    Result<ScsiReply> execute(const ScsiCommand&, Duration) override {
        return Error{"not connected"};
    }
};
class PageDrive final : public drive_iface::Transport {
  public:
    explicit PageDrive(ScsiReply reply) : reply_(std::move(reply)) {}
    Result<ScsiReply> execute(const ScsiCommand& command, Duration) override {
        ++commands;
        CHECK(command.cdb[0] == 0x4d);
        CHECK((command.cdb[2] & 0x3f) == 0x11);
        return reply_;
    }
    int commands = 0;

  private:
    ScsiReply reply_;
};

template <typename... Resolvers>
HolderLadder ladder_of(std::optional<InitiatorPort> own, Resolvers... resolvers) {
    std::vector<std::unique_ptr<HolderResolver>> rungs;
    (rungs.push_back(std::move(resolvers)), ...);
    return {std::move(rungs), std::move(own), {1'000}};
}

DriveObserved climb(HolderLadder& ladder, DriveObserved observed, drive_iface::Transport& drive,
                    Instant now = {0}) {
    if (ladder.begin_asking(observed, std::nullopt, now)) {
        static_cast<void>(ladder.ask_drive(drive, {1'000}));
        ladder.answered(now);
    }
    ladder.complete(observed);
    return observed;
}

ScsiReply page_naming(const InitiatorPort& port) {
    scsi::DtDeviceStatus status;
    status.potential_conflict_count = 1;
    scsi::PotentialConflict conflict;
    conflict.operation_code = 0x08;
    conflict.port = port;
    status.potential_conflicts = {conflict};
    return {0, scsi::encode_dt_device_status(status), {}};
}

}  // namespace

TEST_CASE("a key in the administrator's map names the holder") {
    auto ladder = ladder_of({}, make_key_resolver({{0xabcdef01, {archive_port, payroll_port}}}));
    auto observed = seen_by_key(0xabcdef01);
    ladder.complete(observed);
    CHECK(observed.reservation.holders == std::vector{payroll_port, archive_port});
    CHECK(observed.evidence == HolderEvidence::key);
}

TEST_CASE("a key that is not in the map names nobody, and one of LTFS is a hint in words") {
    auto ladder = ladder_of({}, make_key_resolver({{0xabcdef01, {payroll_port}}}));
    auto observed = seen_by_key(0x40000000c0000211);
    ladder.complete(observed);
    CHECK(observed.reservation.holders.empty());
    REQUIRE(observed.search.candidates.size() == 1);
    CHECK(observed.search.candidates[0].sureness == Sureness::hint);
    CHECK(observed.search.candidates[0].words.find("192.0.2.17") != std::string::npos);
    CHECK_FALSE(observed.search.candidates[0].port);

    CHECK(key_hint(0x1074617065310000).find("tape1") != std::string::npos);
    CHECK(key_hint(0x6000000000000001).find("IPv6") != std::string::npos);
    CHECK(key_hint(0x1000000000000000).empty());
    CHECK(key_hint(0x10ff000000000000).empty());
    CHECK(key_hint(0x4000000100000000).empty());
    CHECK(key_hint(0x00000000abcdef01).empty());
}

TEST_CASE("the potential conflict list points at somebody and names nobody") {
    auto ladder = ladder_of({}, make_key_resolver({}), make_conflict_list_resolver());
    PageDrive drive(page_naming(payroll_port));
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    CHECK(observed.reservation.holders.empty());
    CHECK(observed.evidence == HolderEvidence::none);
    REQUIRE(observed.search.candidates.size() == 1);
    CHECK(observed.search.candidates[0].port == payroll_port);
    CHECK(observed.search.candidates[0].sureness == Sureness::probable);
    REQUIRE(observed.search.rungs.size() == 4);
    CHECK(observed.search.rungs[0].rung == "drive_event");
    CHECK(observed.search.rungs[1].rung == "full_status");
    CHECK(observed.search.rungs[2].rung == "key");
    CHECK(observed.search.rungs[3].rung == "conflict_list");
}

TEST_CASE("the list of a real LTO-9 drive points at the port of its host") {
    auto ladder = ladder_of({}, make_conflict_list_resolver());
    PageDrive drive({0, scsi_test::sg_dump("lto-msl3040/log-sense/drive1-p11.hex"), {}});
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    REQUIRE(observed.search.candidates.size() == 1);
    CHECK(observed.search.candidates[0].port->transport == agent::core::Transport::sas);
}

TEST_CASE("the controller's own port in the list is nobody's trace") {
    auto ladder = ladder_of(payroll_port, make_conflict_list_resolver());
    PageDrive drive(page_naming(payroll_port));
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    CHECK(observed.search.candidates.empty());
    CHECK(observed.search.rungs.back().said ==
          "the drive's potential conflict list names nobody else");
}

TEST_CASE("the drive is asked once about a reservation, and again after a while") {
    auto ladder = ladder_of({}, make_conflict_list_resolver());
    PageDrive drive(page_naming(payroll_port));
    climb(ladder, legacy_by_nobody_knows_whom(), drive, {0});
    CHECK(climb(ladder, legacy_by_nobody_knows_whom(), drive, {999}).search.candidates.size() == 1);
    CHECK(drive.commands == 1);
    climb(ladder, legacy_by_nobody_knows_whom(), drive, {1'000});
    CHECK(drive.commands == 2);
    ladder.forget();  // it was free in between
    climb(ladder, legacy_by_nobody_knows_whom(), drive, {1'001});
    CHECK(drive.commands == 3);
}

TEST_CASE("a drive that refuses the page is not asked for it again and again") {
    auto ladder = ladder_of({}, make_conflict_list_resolver());
    PageDrive drive(conflict());
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive, {0});
    CHECK(observed.search.rungs.back().said == "LOG SENSE page 11h: RESERVATION CONFLICT");
    climb(ladder, legacy_by_nobody_knows_whom(), drive, {5'000});
    CHECK(drive.commands == 1);
}

TEST_CASE("a page that is broken or cut at any length points at nobody it does not name") {
    const auto whole = page_naming(payroll_port).data_in;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        auto ladder = ladder_of({}, make_conflict_list_resolver());
        PageDrive drive(
            {0, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, {}});
        const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
        CHECK(observed.reservation.holders.empty());
        CHECK(observed.search.candidates.empty());
    }
}

TEST_CASE("a resolver of a later day that is authoritative names the holder") {
    int asked = 0;
    auto ladder =
        ladder_of({}, std::make_unique<RuntimeAttributes>(HolderEvidence::full_status, asked));
    SilentDrive drive;
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    CHECK(asked == 1);
    CHECK(observed.reservation.holders == std::vector{payroll_port});
    CHECK(observed.evidence == HolderEvidence::full_status);
}

TEST_CASE("a resolver that names holders on weaker evidence only points at them") {
    int asked = 0;
    auto ladder =
        ladder_of({}, std::make_unique<RuntimeAttributes>(HolderEvidence::conflict_list, asked));
    SilentDrive drive;
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    CHECK(observed.reservation.holders.empty());
    REQUIRE(observed.search.candidates.size() == 1);
    CHECK(observed.search.candidates[0].sureness == Sureness::probable);
}

TEST_CASE("a drive that does not answer is a rung that says so") {
    int asked = 0;
    auto ladder =
        ladder_of({}, std::make_unique<RuntimeAttributes>(HolderEvidence::full_status, asked));
    DeadDrive drive;
    const auto observed = climb(ladder, legacy_by_nobody_knows_whom(), drive);
    CHECK(observed.search.rungs.back().said == "not connected");
}

TEST_CASE("a watch asks about a holder before it tells of the reservation, and only then") {
    asio::io_context loop;
    std::vector<ReservationAgentInput> inputs;
    auto transport = std::make_unique<RecordedTransport>();
    transport->on("INQUIRY", good(capture("lio-inquiry-std")))
        .on("VPD 80", good(capture("lio-vpd80")))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")))
        .on("READ RESERVATION", good(capture("lio-readres-empty")))
        .on("READ RESERVATION", conflict())
        .on("LOG 11", page_naming(payroll_port));
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    options.poller.poll = {3'600'000};
    std::vector<std::unique_ptr<HolderResolver>> rungs;
    rungs.push_back(make_conflict_list_resolver());
    options.ladder = std::make_shared<HolderLadder>(std::move(rungs), std::nullopt);
    DriveWatch watch(loop, options, std::move(transport), [&](const ReservationAgentInput& input) {
        if (std::holds_alternative<DriveObserved>(input)) inputs.push_back(input);
    });
    const auto run_until = [&](std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (inputs.size() < count) {
            loop.restart();
            if (loop.run_one_until(end) == 0) return false;
        }
        return true;
    };
    REQUIRE(run_until(1));
    CHECK(std::get<DriveObserved>(inputs[0]).search == HolderSearch{});
    watch.look_now();
    REQUIRE(run_until(2));
    const auto& observed = std::get<DriveObserved>(inputs[1]);
    REQUIRE(observed.search.candidates.size() == 1);
    CHECK(observed.search.candidates[0].port == payroll_port);
}
