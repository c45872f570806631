#include "agent/mounts/mount_meaning.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "agent/mounts/mount_methods.hpp"
#include "test/unit/mounts/mount_bench.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::ClaimState;
using claims::DriveState;
using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;

namespace {

// A request is settled by one controller and carried out again by another, later.
struct Requests {
    MountBench bench;
    runtime::ControlServer server{bench.loop, {bench.folder + "/control"}};
    MountDispatch dispatch = serve_mounts(
        server, [this] { return bench.service; }, doors());

    static MountMethodDoors doors() {
        MountMethodDoors doors;
        doors.audit = [](const auto&, const auto&, const auto&, const auto&) {
            return core::Nothing{};
        };
        doors.hosts = [] { return std::vector<std::string>{}; };
        return doors;
    }
    json settled(const std::string& method, const json& params) {
        std::optional<json> meant;
        REQUIRE(dispatch.settle_meaning(method, params, [&](const core::Result<json>& found) {
            REQUIRE(found);
            meant = *found;
        }));
        bench.run_until([&] { return meant.has_value(); });
        return *meant;
    }
    ControlAnswer served(const std::string& method, const json& params) {
        std::optional<ControlAnswer> given;
        REQUIRE(dispatch.serve(method, params, runtime::Caller{},
                               [&](ControlAnswer answer) { given = std::move(answer); }));
        bench.run_until([&] { return given.has_value(); });
        return *given;
    }
    bool well(const std::string& method, const json& params) {
        return std::holds_alternative<json>(served(method, params));
    }
    std::string refused(const std::string& method, const json& params) {
        const auto answer = served(method, params);
        if (const auto* result = std::get_if<json>(&answer)) FAIL(result->dump());
        return std::get<ControlError>(answer).message;
    }
    void quarantine_drive_1() {
        const auto known =
            std::exchange(bench.known, {{MountBench::drive_1, claims::DriveCondition::usable}});
        bench.drives.at(MountBench::drive_1)->before =
            [](std::uint8_t opcode) -> WatchedTransport::Answer {
            if (opcode != 0x00) return std::nullopt;
            drive_iface::ScsiReply hardware_error;
            hardware_error.status = 0x02;
            hardware_error.sense = {0x70, 0, 0x04, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x44, 0, 0, 0, 0, 0};
            return hardware_error;
        };
        bench.mount("VT0001L8");
        bench.run_until([&] {
            return bench.row(MountBench::drive_1).state == DriveState::quarantined &&
                   bench.open_claims().empty();
        });
        bench.drives.at(MountBench::drive_1)->before = nullptr;
        bench.known = known;
    }
};

}  // namespace

TEST_CASE(
    "an unmount by barcode ends the claim it was asked for, however often, and no newer one") {
    Requests requests;
    auto& bench = requests.bench;
    bench.mount("VT0001L8");
    const auto first = bench.claim().id;
    const auto meant = requests.settled("volume.unmount", {{"volume", "VT0001L8"}});
    CHECK(claim_meant(meant) == first);
    CHECK(requests.well("volume.unmount", meant));
    bench.mount("VT0001L8");
    REQUIRE(bench.claim(1).id != first);
    CHECK(requests.well("volume.unmount", meant));  // as it was answered before
    REQUIRE(bench.open_claims().size() == 1);
    CHECK(bench.open_claims().front().claim.state == ClaimState::mounted);
    CHECK(requests.well("volume.unmount", {{"volume", "VT0001L8"}}));
    CHECK(bench.open_claims().empty());
}

TEST_CASE("a cancel of what nobody has claimed cancels nothing later either") {
    Requests requests;
    auto& bench = requests.bench;
    const auto meant = requests.settled("claim.cancel", {{"claim", "VT0001L8"}});
    CHECK(claim_meant(meant) == 0);
    bench.known.clear();
    bench.mount("VT0001L8", true);
    bench.run_until_claim(ClaimState::queued);
    CHECK_THAT(requests.refused("claim.cancel", meant), ContainsSubstring("nothing was claimed"));
    CHECK(bench.open_claims().size() == 1);
}

TEST_CASE("a drive that is freed again does not end a later quarantine") {
    Requests requests;
    requests.quarantine_drive_1();
    const auto params = json{{"serial", MountBench::drive_1}, {"reason", "cleaned"}};
    const auto meant = requests.settled("claim.free", params);
    CHECK(requests.well("claim.free", meant));
    CHECK(requests.well("claim.free", meant));  // as it was answered before
    requests.quarantine_drive_1();
    CHECK_THAT(requests.refused("claim.free", meant), ContainsSubstring("changed after"));
    CHECK(requests.bench.row(MountBench::drive_1).state == DriveState::quarantined);
    CHECK(requests.well("claim.free", params));
}

TEST_CASE("a volume that is enabled again stays disabled by whoever has disabled it since") {
    Requests requests;
    const auto why = [](const char* reason) {
        return json{{"volume", "VT0001L8"}, {"reason", reason}};
    };
    REQUIRE(requests.well("volume.disable", why("smells")));
    const auto meant = requests.settled("volume.enable", why("aired"));
    CHECK(requests.well("volume.enable", meant));
    CHECK(requests.well("volume.enable", meant));
    REQUIRE(requests.well("volume.disable", why("evidence in court")));
    CHECK_THAT(requests.refused("volume.enable", meant), ContainsSubstring("evidence in court"));
    CHECK(requests.well("volume.enable", why("acquitted")));
}

TEST_CASE("a question means the same whenever it is asked") {
    Requests requests;
    for (const char* method : {"volume.mount", "volume.list", "claim.show", "volume.scan"}) {
        CHECK_FALSE(
            requests.dispatch.settle_meaning(method, {{"volume", "VT0001L8"}}, [](const auto&) {}));
    }
}
