#include "drive_iface/scsi/inquiry.hpp"

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::at_every_length;
using scsi_test::oracle;
using scsi_test::pr_capture;
using scsi_test::read_binary;

namespace {

const char* const standard_captures[] = {"lto-msl3040/inquiry/standard/drive1.bin",
                                         "lto-msl3040/inquiry/standard/drive2.bin",
                                         "lto-msl3040/inquiry/standard/changer1.bin"};

bool skipped(const std::string& text, const char* tool) {
    if (!text.empty()) return false;
    WARN("SKIPPED: " << tool << " (package sg3-utils) is not installed, no second opinion");
    return true;
}

}  // namespace

TEST_CASE("standard INQUIRY data of a real drive names it") {
    const auto inquiry =
        decode_standard_inquiry(read_binary("lto-msl3040/inquiry/standard/drive1.bin"));
    REQUIRE(inquiry.ok());
    CHECK(inquiry->device_type == device_type::sequential_access);
    CHECK(inquiry->removable);
    CHECK(inquiry->vendor == "HPE");
    CHECK(inquiry->product == "Ultrium 9-SCSI");
    CHECK(inquiry->revision == "S2S1");
}

TEST_CASE("every standard INQUIRY capture decodes, at 36 bytes and more") {
    std::vector<Bytes> captures;
    for (const char* path : standard_captures)
        captures.push_back(read_binary(path));
    for (const char* name :
         {"tgt-inquiry-std", "tgttape-inquiry-std", "istgt-inquiry-std", "lio-inquiry-std"}) {
        captures.push_back(pr_capture(name));
    }
    for (const Bytes& bytes : captures) {
        const auto whole = decode_standard_inquiry(bytes);
        REQUIRE(whole.ok());
        CHECK(decode_standard_inquiry(encode_standard_inquiry(*whole)).value() == *whole);
        at_every_length(bytes, [&](const Bytes& cut) {
            const auto part = decode_standard_inquiry(cut);
            CHECK(part.ok() == (cut.size() >= 36));
            if (part) CHECK(part->product == whole->product);
        });
    }
    CHECK(decode_standard_inquiry(pr_capture("lio-inquiry-std"))->version_descriptors ==
          std::vector<std::uint16_t>{0x0460, 0x0400});
}

TEST_CASE("unit serial numbers come trimmed at both ends") {
    CHECK(*decode_unit_serial_number(read_binary("lto-msl3040/inquiry/vpd-80/drive1.bin")) ==
          "8031BDC7DB");
    CHECK(*decode_unit_serial_number(pr_capture("tgttape-vpd80")) == "beaf11");
    CHECK(*decode_unit_serial_number(pr_capture("istgt-vpd80")) == "SN0002");
    const Bytes bytes = read_binary("lto-msl3040/inquiry/vpd-80/drive1.bin");
    const auto page = decode_vpd_page(bytes);
    const std::size_t whole = 4 + page->payload.size();
    at_every_length(bytes, [&](const Bytes& cut) {
        CHECK(decode_unit_serial_number(cut).ok() == (cut.size() >= whole));
    });
    CHECK_FALSE(
        decode_unit_serial_number(read_binary("lto-msl3040/inquiry/vpd-83/drive1.bin")).ok());
}

TEST_CASE("device identification of a real drive has its names and its port") {
    const auto names =
        decode_device_identification(read_binary("lto-msl3040/inquiry/vpd-83/drive1.bin"));
    REQUIRE(names.ok());
    REQUIRE(names->size() == 5);
    CHECK(to_text(names->at(0)) == "HPE     Ultrium 9-SCSI  8031BDC7DB");
    CHECK(to_text(names->at(1)) == "5001438031bdc7db");
    CHECK(names->at(3).association == Designator::Association::target_port);
    CHECK(names->at(3).protocol == 6);
    CHECK(to_text(names->at(3)) == "5001438031bdc7dc");
}

TEST_CASE("VPD pages survive a round trip and truncation at each length") {
    for (const char* path :
         {"lto-msl3040/inquiry/vpd-83/drive1.bin", "lto-msl3040/inquiry/vpd-83/drive2.bin",
          "lto-msl3040/inquiry/vpd-83/changer1.bin"}) {
        INFO(path);
        Bytes bytes = read_binary(path);
        bytes.resize(4 + decode_vpd_page(bytes)->payload.size());
        const auto names = decode_device_identification(bytes);
        REQUIRE(names.ok());
        CHECK(
            decode_device_identification(encode_device_identification(bytes[0], *names)).value() ==
            *names);
        at_every_length(bytes, [&](const Bytes& cut) {
            CHECK(decode_device_identification(cut).ok() == (cut.size() == bytes.size()));
        });
    }
    for (const char* name : {"tgt-vpd83", "tgttape-vpd83", "istgt-vpd83", "lio-vpd83"}) {
        CHECK(decode_device_identification(pr_capture(name)).ok());
    }
    const auto pages =
        decode_supported_vpd_pages(read_binary("lto-msl3040/inquiry/vpd-00/drive1.bin"));
    REQUIRE(pages.ok());
    CHECK(decode_supported_vpd_pages(encode_supported_vpd_pages(1, *pages)).value() == *pages);
    Bytes overrun = encode_device_identification(1, {{.type = 3, .value = Bytes(8, 0)}});
    overrun[7] = 200;
    const auto outcome = decode_device_identification(overrun);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().message.find("byte 4") != std::string::npos);
}

TEST_CASE("sg_inq and sg_vpd read the same") {
    for (const char* path : standard_captures) {
        const Bytes bytes = read_binary(path);
        const std::string text = oracle("sg_inq --inhex=", bytes);
        if (skipped(text, "sg_inq")) return;
        const auto inquiry = decode_standard_inquiry(bytes);
        CHECK_THAT(text, ContainsSubstring("Vendor identification: " + inquiry->vendor));
        CHECK_THAT(text, ContainsSubstring("Product identification: " + inquiry->product));
        CHECK_THAT(text, ContainsSubstring("Product revision level: " + inquiry->revision));
    }
    const Bytes serial = read_binary("lto-msl3040/inquiry/vpd-80/drive1.bin");
    CHECK_THAT(oracle("sg_vpd --page=sn --inhex=", serial),
               ContainsSubstring(*decode_unit_serial_number(serial)));
    const Bytes names = read_binary("lto-msl3040/inquiry/vpd-83/drive1.bin");
    const std::string text = oracle("sg_vpd --page=di --inhex=", names);
    const auto designators = decode_device_identification(names);
    REQUIRE(designators.ok());
    for (const auto& name : *designators) {
        if (name.type == Designator::type_naa)
            CHECK_THAT(text, ContainsSubstring("0x" + to_text(name)));
    }
    // And what we write ourselves.
    CHECK_THAT(oracle("sg_vpd --page=sn --inhex=", encode_unit_serial_number(1, "VT00000001")),
               ContainsSubstring("Unit serial number: VT00000001"));
}
