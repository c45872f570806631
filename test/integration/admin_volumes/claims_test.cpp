// US 2003/0120476, claim by claim, as a host sees it: libiscsi against a running vtld.

#include <array>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/admin_volumes/sha256.hpp"
#include "test/integration/vtld/libiscsi_host.hpp"
#include "test/integration/vtld/vtld_process.hpp"
#include "test/support/catch.hpp"

using namespace vtld_test;

namespace {

const std::string second_drive = "VT00000002";
constexpr int check_condition = 2;
constexpr int filemark_key = 0;  // NO SENSE; 00h/01h says which
constexpr int filemark_detected = 0x0001;
constexpr int write_protected = 0x2700;

int element_with(const json& elements, const std::string& key, const std::string& value) {
    for (const auto& element : elements) {
        if (element[key] == value) return element["element_address"];
    }
    FAIL("no element whose " + key + " is " + value);
    return 0;
}

// A backup host that uses the changer and the drives, like mtx and dd.
class BackupHost {
  public:
    BackupHost() : changer_("iqn.2026-01.example.test:mtx") {
        REQUIRE(changer_.log_in(vtld.portal(), "iqn.2026-01.example.test:changer"));
        changer_.settle();
        // The drives have a cartridge each when the library is new.
        move("drive " + first_drive, "slot 1");
        move("drive " + second_drive, "slot 2");
    }

    LibiscsiHost::Reply try_move(int from, int to) {
        return changer_.run({0xa5, 0, 0, 0, static_cast<std::uint8_t>(from >> 8),
                             static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to >> 8),
                             static_cast<std::uint8_t>(to), 0, 0, 0, 0});
    }
    void move(const std::string& from, const std::string& to) {
        const auto elements = vtld.call("library.inventory");
        INFO(from + " to " + to);
        REQUIRE(try_move(element_with(elements, "place", from), element_with(elements, "place", to))
                    .status == 0);
    }
    std::string slot_of(const std::string& volume) {
        for (const auto& element : vtld.call("library.inventory")) {
            if (element["virtual_volume"] == true && element["barcode"] == volume)
                return element["place"];
        }
        return "";
    }

    VtldProcess vtld;

  private:
    LibiscsiHost changer_;
};

// Reads with variable blocks up to the next filemark, at most 64 KiB a block.
struct Drive {
    Drive(const VtldProcess& vtld, const std::string& serial)
        : host("iqn.2026-01.example.test:dd-" + serial) {
        REQUIRE(host.log_in(vtld.portal(), vtld.target(serial)));
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (host.run({0, 0, 0, 0, 0, 0}).status != 0) {
            REQUIRE(std::chrono::steady_clock::now() < latest);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    std::string tape_file() {
        std::string text;
        while (true) {
            const auto reply = host.run({0x08, 0x02, 0x01, 0x00, 0x00, 0x00}, 0x10000);
            if (reply.status == check_condition) {
                CHECK(reply.sense_key == filemark_key);
                CHECK(reply.asc_ascq == filemark_detected);
                return text;
            }
            REQUIRE(reply.status == 0);
            REQUIRE(reply.data.size() <= 32 * 1024);
            text.append(reply.data.begin(), reply.data.end());
        }
    }
    LibiscsiHost host;
};

struct DataSetOnTape {
    json header;
    std::string records;
    std::string table;
};

DataSetOnTape read_volume(Drive& drive) {
    DataSetOnTape read;
    read.header = json::parse(drive.tape_file());
    read.records = drive.tape_file();
    read.table = drive.tape_file();
    CHECK(drive.tape_file().empty());  // the second filemark
    CHECK(read.header["sha256"] == drive_iface::admin_volumes::sha256_text(read.records));
    CHECK(read.header["bytes"] == read.records.size());
    return read;
}

}  // namespace

TEST_CASE("each administrative volume has its own type and its own slot") {
    BackupHost host;
    std::set<std::string> types;
    for (const auto type : drive_iface::admin_volumes::data_set_types()) {
        if (type == drive_iface::admin_volumes::DataSetType::all) continue;
        const auto name = std::string(drive_iface::admin_volumes::name_of(type));
        const auto slot = host.slot_of(name + "L8");
        REQUIRE_FALSE(slot.empty());
        host.move(slot, "drive " + first_drive);
        Drive drive(host.vtld, first_drive);
        const auto read = read_volume(drive);
        CHECK(read.header["type"] == name);
        types.insert(read.header["type"]);
        drive.host.log_out();
        host.move("drive " + first_drive, slot);
    }
    CHECK(types.size() == 7);
    CHECK(host.slot_of("ADMXYZL8").empty());
}

TEST_CASE("the data is that of the moment of the mount, and newer at the next one") {
    BackupHost host;
    const auto slot = host.slot_of("ADMRSVL8");
    host.vtld.call("port.reserve", {{"serial", second_drive}, {"port", "host1"}, {"kind", "pr"}});
    host.move(slot, "drive " + first_drive);
    host.vtld.call("port.release", {{"serial", second_drive}, {"port", "host1"}, {"kind", "pr"}});
    Drive drive(host.vtld, first_drive);
    const auto before = read_volume(drive);
    CHECK(before.records.find("fc:2100000e1e09a1b0") != std::string::npos);
    CHECK(before.records.find("pr_key") != std::string::npos);
    CHECK(before.records.find("lrad_socket is not configured") != std::string::npos);
    drive.host.log_out();
    host.move("drive " + first_drive, slot);

    host.move(slot, "drive " + first_drive);
    Drive again(host.vtld, first_drive);
    const auto after = read_volume(again);
    CHECK(after.records.find("\"reservation\":\"reserved\"") == std::string::npos);
    CHECK(after.header["generation"] > before.header["generation"]);
}

TEST_CASE("an administrative volume can not be written") {
    BackupHost host;
    host.move(host.slot_of("ADMVOLL8"), "drive " + first_drive);
    Drive drive(host.vtld, first_drive);
    const std::array<std::vector<std::uint8_t>, 2> writing{
        std::vector<std::uint8_t>{0x10, 0, 0, 0, 1, 0},   // WRITE FILEMARKS
        std::vector<std::uint8_t>{0x19, 0, 0, 0, 0, 0}};  // ERASE
    for (const auto& command : writing) {
        const auto reply = drive.host.run(command);
        CHECK(reply.status == check_condition);
        CHECK(reply.sense_key == 7);
        CHECK(reply.asc_ascq == write_protected);
    }
    const auto mode = drive.host.run({0x1a, 0x08, 0, 0, 64, 0}, 64);
    REQUIRE(mode.data.size() >= 3);
    CHECK((mode.data[2] & 0x80) != 0);  // WP
    const auto read = read_volume(drive);
    CHECK(read.records.find("VT0001L8") != std::string::npos);
}

TEST_CASE("two drives have the same volume at the same time, each with its own generation") {
    BackupHost host;
    const auto slot = host.slot_of("ADMDRVL8");
    host.move(slot, "drive " + first_drive);
    host.move(slot, "drive " + second_drive);
    Drive one(host.vtld, first_drive);
    Drive other(host.vtld, second_drive);
    const auto first = read_volume(one);
    const auto second = read_volume(other);
    CHECK(second.header["generation"] > first.header["generation"]);
    CHECK(second.records.find("ADMDRVL8") != std::string::npos);  // in the first drive
    one.host.log_out();
    other.host.log_out();
    host.move("drive " + second_drive, slot);
    host.move("drive " + first_drive, slot);
}

TEST_CASE("nobody can make a cartridge with a reserved name") {
    BackupHost host;
    const auto made = host.vtld.ask("cartridge.create", {{"barcode", "ADMXYZL8"}});
    CHECK(std::holds_alternative<agent::runtime::ControlError>(made));
}
