#include "drive_iface/scsi/mode.hpp"

#include "drive_iface/scsi/report_luns.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::at_every_length;
using scsi_test::bytes_of_hex_words;

namespace {
// MODE SENSE(10) of a real LTO-9 drive: header as sg_modes printed it, block descriptor and page
// 0Fh as dumped.
const Bytes real_drive = bytes_of_hex_words(
    "00 1e 98 10 00 00 00 08 60 00 00 00 00 00 00 00 0f 0e c0 80 00 00 00 ff 00 00 00 ff 00 00 00 "
    "00");
}  // namespace

TEST_CASE("mode parameters of a real drive decode, round-trip and stand truncation") {
    const auto mode = decode_mode_parameters_10(real_drive);
    REQUIRE(mode.ok());
    CHECK(mode->complete);
    CHECK(mode->medium_type == 0x98);
    CHECK(mode->device_specific == 0x10);
    REQUIRE(mode->block_descriptor);
    CHECK(mode->block_descriptor->density_code == 0x60);
    REQUIRE(mode->pages.size() == 1);
    CHECK(mode->pages[0].page == 0x0f);
    CHECK(mode->pages[0].value.size() == 14);
    CHECK(encode_mode_parameters_10(*mode) == real_drive);
    at_every_length(real_drive, [](const Bytes& cut) {
        const auto part = decode_mode_parameters_10(cut);
        CHECK(part.ok() == (cut.size() >= 8));
        if (part) CHECK(part->complete == (cut.size() == real_drive.size()));
    });
}

TEST_CASE("the short form carries the same, subpages included") {
    const ModeParameters mode{
        .medium_type = 0x88,
        .device_specific = 0x90,
        .block_descriptor = BlockDescriptor{0x5e, 0, 65536},
        .pages = {{.page = 0x0a, .value = Bytes(10, 1)},
                  {.page = 0x10, .subpage = 1, .savable = true, .value = Bytes(28, 2)}}};
    const Bytes bytes = encode_mode_parameters_6(mode);
    CHECK(bytes[0] == bytes.size() - 1);
    CHECK(decode_mode_parameters_6(bytes).value() == mode);
    CHECK(decode_mode_parameters_10(encode_mode_parameters_10(mode)).value() == mode);
    at_every_length(bytes, [](const Bytes& cut) {
        CHECK(decode_mode_parameters_6(cut).ok() == (cut.size() >= 4));
    });
}

TEST_CASE("mode parameters that contradict themselves are an error") {
    CHECK_FALSE(decode_mode_parameters_6(Bytes{3, 0, 0, 8}).ok());
    CHECK_FALSE(decode_mode_parameters_6(Bytes{5, 0, 0, 0, 0x0a, 10}).ok());
}

TEST_CASE("REPORT LUNS decodes what arrived") {
    const Bytes bytes = encode_report_luns({0, 0x0001000000000000});
    CHECK(*decode_report_luns(bytes) == std::vector<std::uint64_t>{0, 0x0001000000000000});
    at_every_length(bytes, [](const Bytes& cut) {
        const auto luns = decode_report_luns(cut);
        CHECK(luns.ok() == (cut.size() >= 8));
        if (luns) CHECK(luns->size() == (cut.size() - 8) / 8);
    });
    CHECK_FALSE(decode_report_luns(Bytes{0, 0, 0, 4, 0, 0, 0, 0, 1, 2, 3, 4}).ok());
}

TEST_CASE("short CDBs have their fields where the standards put them") {
    CHECK(mode_sense_6_cdb(0x3f, 0xff, true, 255) ==
          std::array<std::uint8_t, 6>{0x1a, 8, 0x3f, 0xff, 255, 0});
    CHECK(mode_sense_10_cdb(0x0a, 0, false, 0x1234) ==
          std::array<std::uint8_t, 10>{0x5a, 0, 0x0a, 0, 0, 0, 0, 0x12, 0x34, 0});
    CHECK(report_luns_cdb(0x01020304) ==
          std::array<std::uint8_t, 12>{0xa0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0});
    CHECK(request_sense_cdb(18) == std::array<std::uint8_t, 6>{0x03, 0, 0, 0, 18, 0});
    CHECK(test_unit_ready_cdb()[0] == 0x00);
    CHECK(reserve_6_cdb()[0] == 0x16);
    CHECK(release_6_cdb()[0] == 0x17);
    CHECK(reserve_10_cdb()[0] == 0x56);
    CHECK(release_10_cdb()[0] == 0x57);
}
