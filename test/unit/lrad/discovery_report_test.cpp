#include "agent/lrad/discovery_report.hpp"

#include <nlohmann/json.hpp>

#include "agent/lrad/drive_paths.hpp"
#include "test/support/catch.hpp"

using agent::lrad::discovered_json;
using agent::lrad::discovered_text;
using agent::lrad::drives_to_paste;
using drive_iface::discovery::DevicePath;
using drive_iface::discovery::Discovered;
using drive_iface::discovery::DiscoveredDrive;

namespace {

DiscoveredDrive found_drive(const std::string& serial, DevicePath::Kind kind,
                            const std::string& path) {
    DiscoveredDrive drive;
    drive.identity.serial.text = serial;
    drive.identity.vendor = "HPE";
    drive.identity.product = "Ultrium 9-SCSI";
    drive.identity.revision = "S2S1";
    drive.paths = {{{kind, path, {}}, "5001438031bdc7dc"}};
    return drive;
}

}  // namespace

TEST_CASE("a drive with a node is pasted by its serial number, another one with its URL") {
    Discovered found;
    found.drives = {
        found_drive("A", DevicePath::Kind::iscsi, "iscsi://h:3260/t/0"),
        found_drive("B", DevicePath::Kind::iscsi, "iscsi://h:3260/u/0"),
    };
    found.drives[0].paths.push_back({{DevicePath::Kind::sg, "/dev/sg3", {}}, ""});
    const auto pasted = drives_to_paste(found);
    CHECK(pasted.at(0).at("interface") == nlohmann::json{{"type", "sg"}});
    CHECK(pasted.at(1).at("interface") ==
          nlohmann::json{{"type", "iscsi"}, {"url", "iscsi://h:3260/u/0"}});
}

TEST_CASE("a serial number or element address that stands twice is pasted once") {
    Discovered found;
    for (const char* serial : {"A", "A", "B"}) {
        found.drives.push_back(found_drive(serial, DevicePath::Kind::sg, "/dev/sg1"));
        found.drives.back().element_address = 256;
    }
    const auto pasted = drives_to_paste(found);
    REQUIRE(pasted.size() == 2);
    CHECK(pasted.at(0).at("element_address") == 256);
    CHECK_FALSE(pasted.at(1).contains("element_address"));
}

TEST_CASE("what a device makes up does not reach the terminal as it is") {
    Discovered found;
    found.drives = {found_drive("A", DevicePath::Kind::sg, "/dev/sg1")};
    found.drives[0].identity.vendor = "H\x1b[2J";
    found.problems = {"/dev/sg2: \x1b[2J"};
    const auto text = discovered_text(found, drives_to_paste(found));
    CHECK_THAT(text, ContainsSubstring("/dev/sg2: ?[2J"));
    CHECK_THAT(text, ContainsSubstring("5001438031bdc7dc"));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(discovered_json(found).at("drives").at(0).at("firmware") == "S2S1");
    CHECK_THAT(discovered_text(Discovered{}, nlohmann::json::array()),
               ContainsSubstring("no tape drives found"));
}
