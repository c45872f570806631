#include "drive_iface/cartridge/metadata.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;

namespace {

Metadata sample_metadata() {
    Metadata metadata;
    metadata.facts = {.barcode = "LRA001L8",
                      .capacity = 1'000'000'000'000,
                      .write_protected = true,
                      .worm = true,
                      .cleaning = false};
    metadata.volume = {0xde, 0xad, 0xbe, 0xef};
    metadata.placement = Placement::mirror;
    metadata.revision = 12;
    metadata.created_at = 1'700'000'000;
    metadata.load_count = 40;
    metadata.loads = {{1'700'000'100, 1'700'000'200}, {1'700'000'300, std::nullopt}};
    metadata.attributes[0x0803] = {2, {'b', 'a', 'c', 0xff, 0}};
    metadata.attributes[0x0002] = {0, {}};
    return metadata;
}

void check_refused(std::string text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, what.size(), by);
    INFO(by);
    CHECK_FALSE(metadata_from_text(text).ok());
}

}  // namespace

TEST_CASE("a description comes back as it was written") {
    const auto read = metadata_from_text(to_text(sample_metadata()));
    REQUIRE(read.ok());
    CHECK(read->facts.barcode == "LRA001L8");
    CHECK(read->facts.capacity == 1'000'000'000'000);
    CHECK(read->facts.write_protected);
    CHECK(read->facts.worm);
    CHECK_FALSE(read->facts.cleaning);
    CHECK(read->volume == sample_metadata().volume);
    CHECK(read->placement == Placement::mirror);
    CHECK(read->revision == 12);
    CHECK(read->created_at == 1'700'000'000);
    CHECK(read->load_count == 40);
    CHECK(read->loads == sample_metadata().loads);
    CHECK(read->attributes == sample_metadata().attributes);
}

TEST_CASE("a description cut anywhere is refused") {
    const auto text = to_text(sample_metadata());
    for (std::size_t size = 0; size + 2 < text.size(); ++size) {
        REQUIRE_FALSE(metadata_from_text(text.substr(0, size)).ok());
    }
}

TEST_CASE("a description with impossible values is refused") {
    const auto text = to_text(sample_metadata());
    check_refused(text, "\"LRA001L8\"", "\"../../etc/x\"");
    check_refused(text, "\"LRA001L8\"", "17");
    check_refused(text, "\"cartridge\": 1", "\"cartridge\": 2");
    check_refused(text, "1000000000000", "-5");
    check_refused(text, "\"mirror\"", "\"raid5\"");
    check_refused(text, "deadbeef", "deadbee");
    check_refused(text, "deadbeef", "deadbexf");
    check_refused(text, "626163ff00", "626163ff0");
    check_refused(text, "\"id\": 2051", "\"id\": 70000");
    check_refused(text, "\"loads\"", "\"lo\"");
    CHECK_FALSE(metadata_from_text("[]").ok());
    CHECK_FALSE(metadata_from_text("null").ok());
    CHECK_FALSE(metadata_from_text("\xff\xfe").ok());
}

TEST_CASE("a barcode is what can be read from a label and named as a file") {
    CHECK(check_barcode("A").ok());
    CHECK(check_barcode("LRA-01_L8").ok());
    CHECK(check_barcode(std::string(32, 'Z')).ok());
    for (const std::string bad : {"", "lower", "A B", "A/B", "..", "\xc3\x84"}) {
        CHECK_FALSE(check_barcode(bad).ok());
    }
    CHECK_FALSE(check_barcode(std::string(33, 'Z')).ok());
}

TEST_CASE("a UUID is written as UUIDs are") {
    CHECK(to_text(sample_metadata().volume) == "deadbeef-0000-0000-0000-000000000000");
}
