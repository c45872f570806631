// Volumes that rmt clients name: which drive and which slot they find, and what is said when there
// is none.

#include "test/integration/parallel/site.hpp"

using namespace parallel_test;

namespace {

// What a client is answered that opens this tape for reading.
std::string opening(const Site& site, const std::string& device) {
    return site.run("printf \"O" + device + "\\n0\\n\" | $RSH localhost rmt").output;
}

}  // namespace

TEST_CASE("an administrative volume that is not there is no such volume, not an empty drive") {
    Site site;
    CHECK(opening(site, "adm/ADMFOO").starts_with("E2\n"));
    CHECK(opening(site, "adm/VOL003L8").starts_with("E2\n"));
}

TEST_CASE("a volume that can not leave its drive is named, and what it waits for") {
    Site site;
    site.good("printf \"O2/VOL003L8\\n0\\nC\\n\" | $RSH localhost rmt");
    for (int number = 4; number < 15; ++number) {
        site.call([&] {
            const auto barcode =
                "VOL0" + std::string(number < 10 ? "0" : "") + std::to_string(number) + "L8";
            return site.shelf->create({.barcode = barcode, .capacity = 1 << 20}).ok();
        });
    }
    // Somebody puts another cartridge where it came from, and one that was outside comes in.
    site.call([&] {
        auto& library = site.bay->library();
        library.take_inventory();
        static_cast<void>(library.move_cartridge("VOL004L8", "slot 1"));
        library.take_inventory();
        return 0;
    });
    const auto refused = opening(site, "2/VOL004L8");
    CHECK(refused.starts_with("E16\n"));
    CHECK_THAT(refused, ContainsSubstring("volume VOL003L8 is in the drive, and no slot is free"));
    site.call([&] {
        static_cast<void>(site.bay->library().move_cartridge("VOL005L8", "port 1"));
        return 0;
    });
    CHECK(opening(site, "2/VOL004L8").starts_with("A0\n"));
}
