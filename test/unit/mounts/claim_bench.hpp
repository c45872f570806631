#pragma once

// A drive table with four drives and some volumes, over whichever session.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mounts/claim_table.hpp"
#include "test/support/catch.hpp"

namespace agent::mounts {

inline constexpr core::WallTime bench_now{1'000'000};

inline ClaimTableOptions bench_options(const std::string& node = "a") {
    ClaimTableOptions options;
    options.library = "lib";
    options.node = node;
    options.media = claims::lto_media();
    options.queue_max = 3;
    options.queue_per_host_max = 2;
    return options;
}

inline claims::Volume bench_volume(int number) {
    claims::Volume volume;
    volume.barcode = "VT000" + std::to_string(number) + "L8";
    volume.generation = "LTO-8";
    volume.place = claims::Place::slot;
    volume.element = static_cast<std::uint16_t>(number);
    volume.home = volume.element;
    return volume;
}

inline std::vector<claims::KnownDrive> bench_known() {
    std::vector<claims::KnownDrive> known;
    for (int number = 1; number <= 4; ++number)
        known.push_back({"D" + std::to_string(number), claims::DriveCondition::usable});
    return known;
}

inline MountRequest bench_request(const std::string& name, int volume, bool wait = false) {
    MountRequest request;
    request.request = name;
    request.volume = bench_volume(volume).barcode;
    request.wait = wait;
    request.deadline = {bench_now.ms + 60'000};
    return request;
}

inline void fill(ClaimTable& table, int drives = 4) {
    std::vector<DriveFact> facts;
    for (int number = 1; number <= drives; ++number) {
        facts.push_back(
            {"D" + std::to_string(number), static_cast<std::uint16_t>(255 + number), "LTO-8"});
    }
    REQUIRE(table.learn_drives(facts));
    std::vector<claims::Volume> volumes;
    for (int number = 1; number <= 9; ++number)
        volumes.push_back(bench_volume(number));
    REQUIRE(table.learn_volumes(volumes, bench_now));
}

inline DriveClaimed claimed(ClaimTable& table, const MountRequest& request) {
    const auto begun = table.begin(request, bench_known(), {}, 0x4c524d0000000001, bench_now);
    REQUIRE(begun);
    REQUIRE(std::holds_alternative<DriveClaimed>(*begun));
    return std::get<DriveClaimed>(*begun);
}

// The life of a claim, and the drive's row at each step.
inline void lives_through_every_step(ClaimTable& table) {
    using claims::ClaimEvent;
    const auto taken = claimed(table, bench_request("r1", 1));
    const auto id = taken.claim.id;
    CHECK(taken.drive.state == claims::DriveState::claimed);
    CHECK(taken.drive.volume == "VT0001L8");
    const std::pair<ClaimEvent, claims::DriveState> steps[] = {
        {ClaimEvent::drive_reserved, claims::DriveState::reserved},
        {ClaimEvent::move_begins, claims::DriveState::loading},
        {ClaimEvent::drive_ready, claims::DriveState::mounted},
        {ClaimEvent::withdrawn, claims::DriveState::unloading}};
    for (const auto& [event, state] : steps) {
        REQUIRE(table.step(id, event, bench_now));
        const auto rows = table.drives();
        REQUIRE(rows);
        CHECK(rows->front().state == state);
    }
    ClaimRelease how;
    how.slot = std::uint16_t{1};
    const auto ended = table.release(id, how, bench_now);
    REQUIRE(ended);
    CHECK(ended->ending == claims::ClaimEnding::unmounted);
    const auto rows = table.drives();
    REQUIRE(rows);
    CHECK(rows->front().state == claims::DriveState::free);
    CHECK(rows->front().last_used == 1);
    CHECK(!rows->front().volume);
    CHECK(!table.step(id, ClaimEvent::drive_ready, bench_now));
}

}  // namespace agent::mounts
