#include "agent/claims/mountability.hpp"

#include "test/support/catch.hpp"

using namespace agent::claims;

namespace {

Volume in_slot(const std::string& barcode) {
    Volume volume;
    volume.barcode = barcode;
    volume.generation = medium_of(lto_media(), barcode).generation;
    volume.kind = medium_of(lto_media(), barcode).kind;
    volume.place = Place::slot;
    volume.element = 1000;
    volume.home = std::uint16_t{1000};
    return volume;
}

std::vector<DriveRow> one_lto8_drive() {
    DriveRow drive;
    drive.serial = "D1";
    drive.generation = "LTO-8";
    return {drive};
}

std::string why(const std::optional<Volume>& volume, const std::optional<Claim>& claim = {},
                Access access = Access::write) {
    const auto refusal =
        why_not_mountable("VT0001L8", volume, claim, access, one_lto8_drive(), lto_media());
    return refusal ? std::string(to_text(refusal->why)) : "mountable";
}

}  // namespace

TEST_CASE("a volume in a slot that some drive can use is mountable") {
    CHECK(why(in_slot("VT0001L8")) == "mountable");
    CHECK(why(in_slot("VT0001L7")) == "mountable");
}

TEST_CASE("each reason why a volume can not be mounted is told apart") {
    CHECK(why(std::nullopt) == "unknown");
    CHECK(why(in_slot("CLN001L1")) == "cleaning");
    CHECK(why(in_slot("VT0001L6")) == "wrong_generation");
    CHECK(why(in_slot("VT0001L9")) == "wrong_generation");
    auto volume = in_slot("VT0001L8");
    volume.state = VolumeState::disabled;
    CHECK(why(volume) == "disabled");
    volume.state = VolumeState::quarantined;
    CHECK(why(volume) == "quarantined");
    volume.state = VolumeState::usable;
    const std::pair<Place, const char*> places[] = {{Place::drive, "in_another_drive"},
                                                    {Place::import_export, "inaccessible"},
                                                    {Place::picker, "inaccessible"},
                                                    {Place::missing, "not_in_library"}};
    for (const auto& [place, word] : places) {
        volume.place = place;
        CHECK(why(volume) == word);
    }
}

TEST_CASE("a volume that another claim has is in use, wherever it lies now") {
    Claim claim;
    claim.id = 7;
    claim.host = "host-a";
    claim.drive = "D9";
    const auto refusal = why_not_mountable("VT0001L8", in_slot("VT0001L8"), claim, Access::write,
                                           one_lto8_drive(), lto_media());
    REQUIRE(refusal);
    CHECK(refusal->why == NotMountable::in_another_drive);
    CHECK(refusal->words.find("drive D9 by claim 7 of host host-a") != std::string::npos);
    claim.drive.reset();
    CHECK(why(in_slot("VT0001L8"), claim) == "in_another_drive");
}
