#include "drive_iface/discovery/device_survey.hpp"

#include "test/unit/discovery/device_with_pages.hpp"
#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface;
using namespace drive_iface::discovery;
using discovery_test::DeviceWithPages;
using discovery_test::Pages;
using scsi::Bytes;
using scsi_test::read_binary;

namespace {

constexpr agent::core::Duration a_second{1'000};

Pages real_device(const std::string& name) {
    const std::string folder = "lto-msl3040/inquiry/";
    Pages pages;
    pages.standard = read_binary(folder + "standard/" + name + ".bin");
    pages.vpd[0x00] = read_binary(folder + "vpd-00/" + name + ".bin");
    pages.vpd[0x80] = read_binary(folder + "vpd-80/" + name + ".bin");
    pages.vpd[0x83] = read_binary(folder + "vpd-83/" + name + ".bin");
    return pages;
}

Pages real_changer() {
    Pages pages = real_device("changer1");
    pages.elements = read_binary("lto-msl3040/read-element-status/changer1-drives-identified.bin");
    pages.elements_without_dvcid =
        read_binary("lto-msl3040/read-element-status/changer1-novcid.bin");
    return pages;
}

}  // namespace

TEST_CASE("a real drive's pages make its survey") {
    Pages pages = real_device("drive1");
    pages.vpd[0xb1] = scsi::encode_vpd_page(1, 0xb1, Bytes{'H', 'U', '1', '9'});
    pages.vpd[0xb3] = scsi::encode_vpd_page(1, 0xb3, Bytes{'D', 'E', '5', '3'});
    pages.vpd[0xb4] = scsi::encode_vpd_page(1, 0xb4, Bytes{0, 0, 0, 2});
    DeviceWithPages drive(pages);
    const auto survey = survey_device(drive, a_second);
    REQUIRE(survey.ok());
    CHECK(survey->identity.serial.text == "8031BDC7DB");
    CHECK(survey->identity.revision == "S2S1");
    CHECK(survey->identity.logical_unit_name == "5001438031bdc7db");
    CHECK(survey->designators.size() == 5);
    CHECK(survey->manufacturer_serial == "HU19");
    CHECK(survey->library_serial == "DE53");
    CHECK(survey->element_address == 2);
    // The page that it says it has and refuses all the same.
    REQUIRE(survey->problems.size() == 1);
    CHECK_THAT(survey->problems[0], ContainsSubstring("INQUIRY page 88h: CHECK CONDITION"));
}

TEST_CASE("a survey sends INQUIRY and READ ELEMENT STATUS, and nothing else") {
    std::vector<Bytes> sent;
    DeviceWithPages drive(real_device("drive1"), &sent);
    REQUIRE(survey_device(drive, a_second).ok());
    DeviceWithPages changer(real_changer(), &sent);
    REQUIRE(survey_device(changer, a_second).ok());
    for (const auto& cdb : sent) {
        const bool harmless =
            cdb[0] == scsi::opcode::inquiry || cdb[0] == scsi::opcode::read_element_status;
        CHECK(harmless);
    }
    // Data transfer elements, CURDATA and DVCID, nothing moves.
    CHECK(sent.back()[0] == scsi::opcode::read_element_status);
    CHECK(sent.back()[1] == scsi::element_type::data_transfer);
    CHECK(sent.back()[6] == 0x03);
}

TEST_CASE("a changer says which drives it has") {
    DeviceWithPages changer(real_changer());
    const auto survey = survey_device(changer, a_second);
    REQUIRE(survey.ok());
    REQUIRE(survey->library_drives.size() == 2);
    CHECK(survey->library_drives[0].element_address == 1);
    CHECK(scsi::to_text(*survey->library_drives[1].identifier) ==
          "HPE     Ultrium 9-SCSI  8031BDC7DB");
}

TEST_CASE("a changer that refuses CURDATA, or names no drive with it, is asked without") {
    for (const bool refuses : {true, false}) {
        Pages pages = real_changer();
        pages.refuses_current_data = refuses;
        pages.leaves_out_names_of_current_data = !refuses;
        std::vector<Bytes> sent;
        DeviceWithPages changer(pages, &sent);
        const auto drives = survey_changer(changer, a_second);
        REQUIRE(drives.ok());
        CHECK(drives->at(0).identifier.has_value());
        REQUIRE(sent.size() == 2);
        CHECK(sent[0][6] == 0x03);
        CHECK(sent[1][6] == 0x01);
    }
}

TEST_CASE("a changer without any identifiers still tells its element addresses") {
    Pages pages = real_changer();
    pages.elements = pages.elements_without_dvcid;
    DeviceWithPages changer(pages);
    const auto drives = survey_changer(changer, a_second);
    REQUIRE(drives.ok());
    REQUIRE(drives->size() == 2);
    CHECK_FALSE(drives->at(0).identifier.has_value());
}

TEST_CASE("an answer that is longer than the room for it is asked for again") {
    Pages pages = real_changer();
    constexpr std::size_t drives_many = 200;
    scsi::ByteWriter out;
    out.u16(1).u16(drives_many).u8(0).u24(8 + drives_many * 50);
    out.u8(scsi::element_type::data_transfer).u8(0).u16(50).u8(0).u24(drives_many * 50);
    for (std::uint16_t i = 0; i < drives_many; ++i) {
        out.u16(i).zeros(10).u8(2).u8(1).u8(0).u8(34).ascii(
            "HPE     TAPE            S" + std::to_string(i), 34);
    }
    pages.elements = out.take();
    std::vector<Bytes> sent;
    DeviceWithPages changer(pages, &sent);
    const auto drives = survey_changer(changer, a_second);
    REQUIRE(drives.ok());
    CHECK(drives->size() == drives_many);
    CHECK(sent.size() == 2);
}

TEST_CASE("a disk is asked no further than INQUIRY") {
    Pages pages;
    pages.standard = scsi_test::pr_capture("tgt-inquiry-std");
    std::vector<Bytes> sent;
    DeviceWithPages disk(pages, &sent);
    const auto survey = survey_device(disk, a_second);
    REQUIRE(survey.ok());
    CHECK(survey->identity.device_type == scsi::device_type::direct_access);
    CHECK(sent.size() == 1);
}

TEST_CASE("a drive without a serial number has no identity") {
    Pages pages = discovery_test::tape_drive("   ");
    DeviceWithPages drive(pages);
    const auto survey = survey_device(drive, a_second);
    REQUIRE_FALSE(survey.ok());
    CHECK_THAT(survey.error().message, ContainsSubstring("no serial number"));
}
