#include "drive_iface/rmt/device_path.hpp"

#include <cerrno>

#include "test/support/catch.hpp"

using namespace drive_iface::rmt;

namespace {

const KnownDevices known{"VTL0000001", {"VT00000001", "N5"}};

DevicePath path(std::string_view text) {
    const auto found = device_path(text, known);
    INFO(text);
    REQUIRE(std::holds_alternative<DevicePath>(found));
    return std::get<DevicePath>(found);
}

int refusal(std::string_view text) {
    const auto found = device_path(text, known);
    INFO(text);
    REQUIRE(std::holds_alternative<Refusal>(found));
    return std::get<Refusal>(found).error;
}

}  // namespace

TEST_CASE("a path names a drive by its serial or its number, and maybe a volume") {
    CHECK(path("VT00000001") == DevicePath{"VT00000001", std::nullopt, true});
    CHECK(path("vt00000001/VOL001L8") == DevicePath{"VT00000001", "VOL001L8", true});
    CHECK(path("0/VOL001L8") == DevicePath{"VT00000001", "VOL001L8", true});
    CHECK(path("1") == DevicePath{"N5", std::nullopt, true});
    CHECK(path("/VTL0000001/VT00000001/VOL001L8") == DevicePath{"VT00000001", "VOL001L8", true});
    CHECK(path("/vtl0000001/0") == DevicePath{"VT00000001", std::nullopt, true});
}

TEST_CASE("a drive that is named with n in front does not rewind on close") {
    CHECK(path("nVT00000001/VOL001L8") == DevicePath{"VT00000001", "VOL001L8", false});
    CHECK(path("n0") == DevicePath{"VT00000001", std::nullopt, false});
    CHECK(path("/VTL0000001/n0/A") == DevicePath{"VT00000001", "A", false});
    // A drive whose serial begins with n is that drive.
    CHECK(path("n5") == DevicePath{"N5", std::nullopt, true});
    CHECK(path("nn5") == DevicePath{"N5", std::nullopt, false});
}

TEST_CASE("an administrative volume is read without a drive") {
    CHECK(path("adm/ADMDRV") == DevicePath{"", "ADMDRV", true});
}

TEST_CASE("what is not there is ENODEV and what is no path is EINVAL") {
    CHECK(refusal("VT00000009") == ENODEV);
    CHECK(refusal("n") == ENODEV);
    CHECK(refusal("7/VOL001L8") == ENODEV);
    CHECK(refusal("/OTHER/VT00000001") == ENODEV);
    CHECK(refusal("/VT00000001") == ENODEV);
    CHECK(refusal("") == ENODEV);
    CHECK(refusal("0/") == EINVAL);
    CHECK(refusal("0/A/B") == EINVAL);
}
