#include "agent/claims/drive_choice.hpp"

#include "test/support/catch.hpp"

using namespace agent::claims;

namespace {

DriveRow lto_drive(const std::string& serial, const std::string& generation,
                   std::uint16_t element = 256) {
    DriveRow row;
    row.serial = serial;
    row.generation = generation;
    row.element = element;
    return row;
}

std::vector<KnownDrive> all_usable(const std::vector<DriveRow>& drives) {
    std::vector<KnownDrive> known;
    for (const auto& drive : drives)
        known.push_back({drive.serial, DriveCondition::usable});
    return known;
}

std::string chosen(const DriveWish& wish, const std::vector<DriveRow>& drives) {
    return choose_drive(wish, drives, all_usable(drives), lto_media()).serial.value_or("none");
}

}  // namespace

TEST_CASE("the volume's own generation comes before a younger drive") {
    std::vector<DriveRow> drives{lto_drive("A", "LTO-9"), lto_drive("B", "LTO-8")};
    CHECK(chosen({.generation = "LTO-8"}, drives) == "B");
    CHECK(chosen({.generation = "LTO-9"}, drives) == "A");
}

TEST_CASE("reading reaches further back than writing") {
    const std::vector<DriveRow> drives{lto_drive("A", "LTO-7")};
    CHECK(chosen({.generation = "LTO-5", .access = Access::read}, drives) == "A");
    CHECK(chosen({.generation = "LTO-5", .access = Access::write}, drives) == "none");
}

TEST_CASE("among equal drives the one least recently used is taken") {
    std::vector<DriveRow> drives{lto_drive("A", "LTO-8"), lto_drive("B", "LTO-8"),
                                 lto_drive("C", "LTO-8")};
    drives[0].last_used = 7;
    drives[1].last_used = 3;
    drives[2].last_used = 5;
    CHECK(chosen({.generation = "LTO-8"}, drives) == "B");
}

TEST_CASE("equal in use, fewer errors decide, then the shorter way, then the serial number") {
    std::vector<DriveRow> drives{lto_drive("A", "LTO-8", 256), lto_drive("B", "LTO-8", 257)};
    drives[0].errors = 1;
    CHECK(chosen({.generation = "LTO-8", .from = 200}, drives) == "B");
    drives[0].errors = 0;
    CHECK(chosen({.generation = "LTO-8", .from = 1000}, drives) == "B");
    CHECK(chosen({.generation = "LTO-8", .from = 100}, drives) == "A");
    drives[1].element = 256;
    CHECK(chosen({.generation = "LTO-8", .from = 100}, drives) == "A");
}

TEST_CASE("a host's own preference comes first, but never over what can not be") {
    std::vector<DriveRow> drives{lto_drive("A", "LTO-8"), lto_drive("B", "LTO-8")};
    drives[1].last_used = 9;
    CHECK(chosen({.generation = "LTO-8", .affinity = {"B"}}, drives) == "B");
    drives[1].state = DriveState::quarantined;
    CHECK(chosen({.generation = "LTO-8", .affinity = {"B"}}, drives) == "A");
}

TEST_CASE("when no drive is left every one is counted with what stands against it") {
    std::vector<DriveRow> drives;
    for (const char* serial : {"A", "B", "D", "E", "F", "G", "H"})
        drives.push_back(lto_drive(serial, "LTO-8"));
    drives.push_back(lto_drive("OLD", "LTO-3"));
    drives[0].state = DriveState::mounted;
    drives[1].state = DriveState::unloading;
    drives[2].state = DriveState::quarantined;
    auto known = all_usable(drives);
    known[3].condition = DriveCondition::offline;
    known[4].condition = DriveCondition::reserved_other;
    known.erase(known.begin() + 5);
    const auto choice =
        choose_drive({.generation = "LTO-8", .not_these = {"H"}}, drives, known, lto_media());
    CHECK(!choice.serial);
    CHECK(choice.counts == DriveCounts{.fitting = 7,
                                       .busy = 2,
                                       .offline = 1,
                                       .quarantined = 1,
                                       .reserved_other = 1,
                                       .no_path = 1,
                                       .tried = 1});
    CHECK(to_text(choice.counts) ==
          "7 drives fit: 2 busy, 1 offline, 1 quarantined, 1 reserved by another host, "
          "1 without a path from this controller, 1 tried already");
}
