#include "drive_iface/scsi/element_status.hpp"

#include <algorithm>
#include <map>
#include <regex>

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::at_every_length;
using scsi_test::read_binary;
using scsi_test::read_text;

namespace {

const std::string captured_status = "lto-msl3040/read-element-status/";

ElementStatusData element_status_of(const Bytes& bytes) {
    auto status = decode_element_status(bytes);
    INFO((status ? "" : status.error().message));
    REQUIRE(status.ok());
    CHECK(status->whole_size == bytes.size());
    return *status;
}

// What a page of `count` drives of `descriptor_size` bytes claims, without the drives.
Bytes claimed_page(std::uint8_t tags, std::uint16_t descriptor_size, std::uint32_t page_size,
                   std::uint32_t byte_count) {
    ByteWriter out;
    out.u16(1).u16(1).u8(0).u24(byte_count);
    out.u8(element_type::data_transfer).u8(tags).u16(descriptor_size).u8(0).u24(page_size);
    return out.take();
}

}  // namespace

TEST_CASE("a real library says which drive sits at which element address") {
    const auto status =
        element_status_of(read_binary(captured_status + "changer1-drives-identified.bin"));
    REQUIRE(status.elements.size() == 2);
    const ElementStatus& first = status.elements[0];
    CHECK(first.type == element_type::data_transfer);
    CHECK(first.address == 1);
    CHECK(first.flags == (element_flag::full | element_flag::access));
    CHECK(first.source == 0x040a);
    CHECK(first.volume_tag == "S30002L9");
    REQUIRE(first.device_identifier);
    CHECK(first.device_identifier->type == Designator::type_t10_vendor);
    CHECK(to_text(*first.device_identifier) == "HPE     Ultrium 9-SCSI  8031BDC7D1");
    CHECK(status.elements[1].address == 2);
    // The other drive of that library answers this serial number in its own VPD page 80h.
    const auto own =
        decode_unit_serial_number(read_binary("lto-msl3040/inquiry/vpd-80/drive1.bin"));
    REQUIRE(own.ok());
    CHECK_FALSE(identifies(*first.device_identifier, *own));
    CHECK(identifies(*status.elements[1].device_identifier, *own));
}

TEST_CASE("a library of another make says it without volume tags being in the drives") {
    const auto status = element_status_of(read_binary("quadstor-msl/drives-identified.bin"));
    REQUIRE(status.elements.size() == 4);
    CHECK(status.elements[0].address == 0x0100);
    CHECK(status.elements[3].address == 0x0103);
    CHECK(status.elements[0].volume_tag.empty());
    CHECK_FALSE(status.elements[0].source);
    CHECK(identifies(*status.elements[0].device_identifier, "11A1D57AD0"));
    CHECK(identifies(*status.elements[3].device_identifier, "79B07D9D00"));
}

TEST_CASE("with CURDATA set in place of DVCID no drive is identified") {
    for (const char* name : {"changer1-dvcid-big.bin", "changer2-dvcid-safe.bin"}) {
        for (const auto& element : element_status_of(read_binary(captured_status + name)).elements)
            CHECK_FALSE(element.device_identifier);
    }
}

TEST_CASE("mtx saw the same cartridges in the same places") {
    for (const char* changer : {"changer1", "changer2"}) {
        const auto status =
            element_status_of(read_binary(captured_status + changer + "-novcid.bin"));
        std::map<std::string, std::size_t> seen;
        std::size_t drives = 0;
        for (const auto& element : status.elements) {
            if (element.type == element_type::data_transfer) ++drives;
            if ((element.flags & element_flag::full) != 0) ++seen[element.volume_tag];
        }
        const std::string text = read_text(std::string(LRA_FIXTURES "/") + captured_status +
                                           changer + "-mtx-status.txt");
        CHECK(text.find(std::to_string(drives) + " Drives, " +
                        std::to_string(status.elements.size() - drives - 1) + " Slots") !=
              std::string::npos);
        std::map<std::string, std::size_t> listed;
        const std::regex tag(R"(VolumeTag *= *(\S+))");
        for (std::sregex_iterator at(text.begin(), text.end(), tag), end; at != end; ++at)
            ++listed[(*at)[1].str()];
        CHECK(seen == listed);
    }
}

TEST_CASE("elements of every type come out of one answer, drives alone identified") {
    const auto status =
        element_status_of(read_binary(captured_status + "changer1-all-identified.bin"));
    CHECK(status.elements.size() == 43);
    CHECK(std::count_if(status.elements.begin(), status.elements.end(), [](const auto& element) {
              return element.device_identifier.has_value();
          }) == 2);
    CHECK(status.elements[0].type == element_type::transport);
}

TEST_CASE("an answer cut anywhere decodes to the elements that arrived whole") {
    const Bytes whole = read_binary(captured_status + "changer1-drives-identified.bin");
    const auto elements = element_status_of(whole).elements;
    at_every_length(whole, [&](const Bytes& cut) {
        const auto part = decode_element_status(cut);
        REQUIRE(part.ok() == (cut.size() >= 8));
        if (!part) return;
        CHECK(part->whole_size == whole.size());
        const std::size_t expected =
            cut.size() < 16 + 0x56 ? 0 : (cut.size() < 16 + 2 * 0x56 ? 1 : 2);
        REQUIRE(part->elements.size() == expected);
        CHECK(std::equal(part->elements.begin(), part->elements.end(), elements.begin()));
    });
    at_every_length(read_binary(captured_status + "changer1-novcid.bin"),
                    [](const Bytes& cut) { static_cast<void>(decode_element_status(cut)); });
}

TEST_CASE("bytes behind the answer's own end are not part of it") {
    Bytes padded = read_binary(captured_status + "changer1-drives-identified.bin");
    const std::size_t size = padded.size();
    padded.insert(padded.end(), 100, 0x04);
    const auto status = decode_element_status(padded);
    REQUIRE(status.ok());
    CHECK(status->whole_size == size);
    CHECK(status->elements.size() == 2);
}

TEST_CASE("a broken element status is refused in words") {
    const auto words = [](const Bytes& bytes) {
        const auto status = decode_element_status(bytes);
        REQUIRE_FALSE(status.ok());
        return status.error().message;
    };
    CHECK(words({0, 1, 2}).find("inside its header") != std::string::npos);
    CHECK(words(claimed_page(0, 0, 0, 8)).find("descriptors of 0 bytes, 12 are needed") !=
          std::string::npos);
    CHECK(words(claimed_page(0x80, 47, 47, 55)).find("48 are needed") != std::string::npos);
    CHECK(words(claimed_page(0xc0, 83, 83, 91)).find("84 are needed") != std::string::npos);
    CHECK(words(claimed_page(0, 16, 24, 32)).find("does not hold whole descriptors") !=
          std::string::npos);
    CHECK(words(claimed_page(0, 16, 32, 24)).find("ends behind the answer") != std::string::npos);
}

TEST_CASE("an identifier that is longer than its descriptor is no identifier") {
    Bytes bytes = read_binary(captured_status + "changer1-drives-identified.bin");
    bytes[16 + 12 + 36 + 3] = 0x23;  // one byte more than there is room for
    const auto status = decode_element_status(bytes);
    REQUIRE(status.ok());
    CHECK_FALSE(status->elements[0].device_identifier);
    CHECK(status->elements[1].device_identifier);
}

TEST_CASE("a library may identify a drive by its bare serial number") {
    const Designator bare{.protocol = {},
                          .code_set = 2,
                          .association = Designator::Association::logical_unit,
                          .type = 0,
                          .value = {'8', '0', '3', '1', 'B', ' ', ' '}};
    CHECK(identifies(bare, "8031B"));
    CHECK_FALSE(identifies(bare, "8031A"));
    CHECK_FALSE(identifies(bare, ""));
}

TEST_CASE("READ ELEMENT STATUS is the command that the real library has answered") {
    // Sent to the MSL3040: identifiers of its drives came back.
    CHECK(read_element_status_cdb({.type = element_type::data_transfer,
                                   .first = 0,
                                   .count = 0x00ff,
                                   .volume_tags = true,
                                   .current_data = true,
                                   .device_identifiers = true,
                                   .allocation_length = 0x010000}) ==
          std::array<std::uint8_t, 12>{0xb8, 0x14, 0, 0, 0, 0xff, 0x03, 0x01, 0, 0, 0, 0});
    CHECK(read_element_status_cdb({.type = element_type::all,
                                   .first = 0x1234,
                                   .count = 0x0102,
                                   .device_identifiers = true,
                                   .allocation_length = 0xaabbcc}) ==
          std::array<std::uint8_t, 12>{0xb8, 0, 0x12, 0x34, 1, 2, 0x01, 0xaa, 0xbb, 0xcc, 0, 0});
}
