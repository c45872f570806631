#include "drive_iface/device/drive.hpp"

#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {
constexpr Duration timeout{1'000};
}

TEST_CASE("a drive is identified by standard data and pages 80h and 83h") {
    RecordedTransport drive;
    drive.on("INQUIRY", check(6, 0x29, 0))
        .on("INQUIRY", good(capture("lio-inquiry-std")))
        .on("VPD 80", good(capture("lio-vpd80")))
        .on("VPD 83", good(capture("lio-vpd83")));
    const auto identity = identify(drive, timeout);
    REQUIRE(identity.ok());
    CHECK(identity->serial.text == "DRV0001");
    CHECK(identity->vendor == "LINUXVM");
    CHECK(identity->product == "VTAPE LTO8");
    CHECK(identity->device_type == 1);
    CHECK_FALSE(identity->logical_unit_name.empty());
}

TEST_CASE("a drive without page 83h is still identified, one without a serial number is not") {
    RecordedTransport drive;
    drive.on("INQUIRY", good(capture("lio-inquiry-std"))).on("VPD 80", good(capture("lio-vpd80")));
    CHECK(identify(drive, timeout)->logical_unit_name.empty());
    drive.instead("VPD 80", good({0x01, 0x80, 0x00, 0x04, ' ', ' ', ' ', ' '}));
    CHECK_THAT(identify(drive, timeout).error().message, ContainsSubstring("no serial number"));
    drive.instead("VPD 80", check(5, 0x24, 0));
    CHECK_THAT(identify(drive, timeout).error().message, ContainsSubstring("page 80h"));
}

TEST_CASE("no device behind the logical unit is an error") {
    auto absent = capture("lio-inquiry-std");
    absent[0] = 0x7f;
    RecordedTransport drive;
    drive.on("INQUIRY", good(absent)).on("VPD 80", good(capture("lio-vpd80")));
    CHECK_THAT(identify(drive, timeout).error().message, ContainsSubstring("no device"));
}
