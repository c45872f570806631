#include <algorithm>

#include "drive_iface/discovery/discovery.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface;
using namespace drive_iface::discovery;
using agent::core::Error;
using agent::core::Result;

namespace {

struct Answers {
    std::vector<DevicePath> paths;
    std::vector<Result<DeviceSurvey>> surveys;

    DeviceSurvey& device(const std::string& path, const std::string& serial, std::uint8_t type) {
        paths.push_back({DevicePath::Kind::sg, path, {}});
        DeviceSurvey survey;
        survey.identity.serial.text = serial;
        survey.identity.vendor = "HPE";
        survey.identity.product = type == 1 ? "Ultrium 9-SCSI" : "MSL3040";
        survey.identity.device_type = type;
        surveys.emplace_back(std::move(survey));
        return surveys.back().value();
    }
    DeviceSurvey& drive(const std::string& path, const std::string& serial) {
        return device(path, serial, scsi::device_type::sequential_access);
    }
    DeviceSurvey& changer(const std::string& path, const std::string& serial) {
        return device(path, serial, scsi::device_type::medium_changer);
    }
    void trouble(const std::string& path, const std::string& what) {
        paths.push_back({DevicePath::Kind::sg, path, {}});
        surveys.emplace_back(Error{what});
    }
    [[nodiscard]] Discovered together() const { return put_together(paths, surveys); }
};

LibraryDrive bay(std::uint16_t address, const std::string& identifier) {
    scsi::Designator designator;
    designator.code_set = 2;
    designator.type = scsi::Designator::type_t10_vendor;
    designator.value.assign(identifier.begin(), identifier.end());
    return {address, designator};
}

bool any_has(const std::vector<std::string>& problems, const std::string& words) {
    return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
        return problem.find(words) != std::string::npos;
    });
}

}  // namespace

TEST_CASE("several paths to one serial number are one drive") {
    Answers answers;
    answers.drive("/dev/sg3", "B");
    answers.drive("/dev/sg4", "A");
    answers.drive("iscsi://h:3260/t/0", "B");
    const auto discovered = answers.together();
    REQUIRE(discovered.drives.size() == 2);
    CHECK(discovered.drives[0].identity.serial.text == "A");
    REQUIRE(discovered.drives[1].paths.size() == 2);
    CHECK(discovered.drives[1].paths[0].path.name == "/dev/sg3");
    CHECK(discovered.drives[1].paths[1].path.name == "iscsi://h:3260/t/0");
    CHECK(discovered.problems.empty());
    CHECK(discovered.paths_asked == 3);
}

TEST_CASE("the changer tells the element address of each drive it identifies") {
    Answers answers;
    answers.drive("/dev/sg3", "8031BDC7DB");
    answers.drive("/dev/sg4", "8031BDC7D1");
    answers.changer("/dev/sg5", "DE53").library_drives = {
        bay(1, "HPE     Ultrium 9-SCSI  8031BDC7D1"), bay(2, "HPE     Ultrium 9-SCSI  8031BDC7DB"),
        bay(3, "HPE     Ultrium 9-SCSI  8031BDC7EF")};
    const auto discovered = answers.together();
    CHECK(discovered.drives[0].identity.serial.text == "8031BDC7D1");
    CHECK(discovered.drives[0].element_address == 1);
    CHECK(discovered.drives[1].element_address == 2);
    CHECK(discovered.drives[1].library_serial == "DE53");
    REQUIRE(discovered.libraries.size() == 1);
    REQUIRE(discovered.libraries[0].bays.size() == 3);
    CHECK(discovered.libraries[0].bays[2].drive_serial.empty());
    CHECK_THAT(discovered.libraries[0].bays[2].identifier, ContainsSubstring("8031BDC7EF"));
}

TEST_CASE("of serial numbers that end alike the longest that fits is meant") {
    Answers answers;
    answers.drive("/dev/sg3", "12");
    answers.drive("/dev/sg4", "9912");
    answers.changer("/dev/sg5", "LIB").library_drives = {bay(7, "9912"), bay(8, "xx12")};
    const auto discovered = answers.together();
    CHECK(discovered.drives[0].identity.serial.text == "12");
    CHECK(discovered.drives[0].element_address == 8);
    CHECK(discovered.drives[1].element_address == 7);
}

TEST_CASE("a drive that has another element address than its changer says is reported") {
    Answers answers;
    answers.drive("/dev/sg3", "A1").element_address = 300;
    answers.changer("/dev/sg5", "LIB").library_drives = {bay(256, "A1")};
    const auto discovered = answers.together();
    CHECK(discovered.drives[0].element_address == 256);
    CHECK(any_has(discovered.problems, "element address 300 (VPD page B4h)"));
}

TEST_CASE("without a changer the drive's own word for its element address stands") {
    Answers answers;
    auto& survey = answers.drive("/dev/sg3", "A1");
    survey.element_address = 300;
    survey.library_serial = "LIB";
    const auto discovered = answers.together();
    CHECK(discovered.drives[0].element_address == 300);
    CHECK_FALSE(discovered.drives[0].by_changer);
    CHECK(discovered.drives[0].library_serial == "LIB");
}

TEST_CASE("two devices with one serial number are two drives and a problem") {
    Answers answers;
    answers.drive("/dev/sg3", "A1").identity.logical_unit_name = "5001";
    answers.drive("/dev/sg4", "A1").identity.logical_unit_name = "5002";
    const auto discovered = answers.together();
    CHECK(discovered.drives.size() == 2);
    CHECK(any_has(discovered.problems, "serial number A1: /dev/sg3 and /dev/sg4"));
}

TEST_CASE("what does not answer is a problem that names its path") {
    Answers answers;
    answers.trouble("/dev/sg3", "open: permission denied");
    answers.drive("/dev/sg4", "A1").problems = {"INQUIRY page 88h: BUSY"};
    answers.device("/dev/sg5", "", scsi::device_type::direct_access);
    const auto discovered = answers.together();
    CHECK(discovered.drives.size() == 1);
    CHECK(any_has(discovered.problems, "/dev/sg3: open: permission denied"));
    CHECK(any_has(discovered.problems, "/dev/sg4: INQUIRY page 88h: BUSY"));
}

TEST_CASE("a changer that does not identify its drives is a problem in words") {
    Answers answers;
    answers.drive("/dev/sg3", "A1");
    answers.changer("/dev/sg5", "LIB").library_drives = {{1, {}}, {2, {}}};
    const auto discovered = answers.together();
    CHECK_FALSE(discovered.drives[0].element_address);
    CHECK(any_has(discovered.problems, "does not identify 2 of its 2 drives"));
}

TEST_CASE("one path of a changer may tell what another is refused") {
    Answers answers;
    answers.changer("/dev/sg5", "LIB").problems = {"READ ELEMENT STATUS: RESERVATION CONFLICT"};
    answers.changer("/dev/sg6", "LIB").library_drives = {bay(1, "A1")};
    answers.drive("/dev/sg7", "A1");
    const auto discovered = answers.together();
    REQUIRE(discovered.libraries.size() == 1);
    CHECK(discovered.libraries[0].paths.size() == 2);
    CHECK(discovered.drives[0].element_address == 1);
}
