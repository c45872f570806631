// The medium changer, driven by CDBs as mtx and Linux ch send them.

#include "drive_iface/virtual/changer.hpp"
#include "drive_iface/scsi/bytes.hpp"
#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
namespace sense_code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

namespace {

struct Shelf {
    Shelf() {
        for (const char* barcode : {"VT0001L8", "VT0002L8", "VT0003L8"})
            shelf.add({.barcode = barcode, .capacity = 1'000'000});
    }
    virtual_library::MemoryShelf shelf;
};

// Three cartridges in six slots, one import/export element, two empty drives.
struct Robot : Shelf, Library {
    Robot()
        : Library({.vendor = "LRA",
                   .product = "VIRTUAL LIBRARY",
                   .serial = virtual_library_test::changer_serial,
                   .drives = {{.serial = serial, .product = "ULT", .element_address = 256},
                              {.serial = other_serial, .product = "ULT", .element_address = 257}},
                   .slots = 6,
                   .import_export = 1},
                  shelf) {}
    std::string in(const std::string& place) const {
        for (const auto& element : elements()) {
            if (element.place == place) return element.barcode;
        }
        return "no such place";
    }
    // Why an operator's move is refused; empty when it is not.
    std::string refusal(const std::string& barcode, const std::string& place) {
        auto moved = move_cartridge(barcode, place);
        for (int step = 0; step < 100 && !moved; ++step) {
            static_cast<void>(shelf.work());
            moved = move_cartridge(barcode, place);
        }
        REQUIRE(moved);
        return moved->ok() ? "" : moved->error().message;
    }
};

Host changer_host(Library& library, const std::string& name = "a") {
    return Host(library, iscsi_port(name), false, virtual_library_test::changer_serial);
}

std::uint8_t high(std::uint16_t value) {
    return static_cast<std::uint8_t>(value >> 8);
}
std::uint8_t low(std::uint16_t value) {
    return static_cast<std::uint8_t>(value);
}

CommandReply move(Host& host, std::uint16_t from, std::uint16_t to) {
    return host.send({0xa5, 0, 0, 0, high(from), low(from), high(to), low(to), 0, 0, 0, 0});
}

CommandReply element_status(Host& host, std::uint8_t byte_1, std::uint16_t allocation = 0xffff,
                            std::uint8_t byte_6 = 0) {
    return host.send(
        {0xb8, byte_1, 0, 0, 0xff, 0xff, byte_6, 0, high(allocation), low(allocation), 0, 0});
}

// TapeAlert 24 in log page 2Eh.
bool inventory_alert(Host& host) {
    const Bytes page = host.send({0x4d, 0, 0x6e, 0, 0, 0, 0, 0xff, 0xff, 0}).data_in;
    return page.at(4 + (24 - 1) * 5 + 4) == 1;
}

bool illegal(const CommandReply& reply, scsi::AdditionalSense sense) {
    return fails_with(reply, SenseKey::illegal_request, sense);
}

}  // namespace

TEST_CASE("cartridges of the shelf are in the first slots, and drives are empty") {
    Robot robot;
    CHECK(robot.in("slot 1") == "VT0001L8");
    CHECK(robot.in("slot 3") == "VT0003L8");
    CHECK(robot.in("slot 4").empty());
    CHECK(robot.in("drive " + serial).empty());
}

TEST_CASE("a cartridge goes to a drive and back, and the drive's hosts hear of it") {
    Robot robot;
    Host robot_host = changer_host(robot);
    Host tape(robot, iscsi_port("a"));
    CHECK(fails_with(tape.test_unit_ready(), SenseKey::not_ready, sense_code::medium_not_present));
    REQUIRE(good(move(robot_host, 1000, 256)));
    CHECK(robot.in("drive " + serial) == "VT0001L8");
    CHECK(robot.in("slot 1").empty());
    CHECK(tape.attention() == sense_code::medium_may_have_changed);
    CHECK(good(tape.test_unit_ready()));
    REQUIRE(good(move(robot_host, 256, 1005)));
    CHECK(robot.in("slot 6") == "VT0001L8");
    CHECK(fails_with(tape.test_unit_ready(), SenseKey::not_ready, sense_code::medium_not_present));
}

TEST_CASE("moves that can not be are refused with what stands against them") {
    Robot robot;
    Host host = changer_host(robot);
    CHECK(illegal(move(host, 1003, 256), sense_code::medium_source_element_empty));
    CHECK(illegal(move(host, 1000, 1001), sense_code::medium_destination_element_full));
    CHECK(illegal(move(host, 1000, 1000), sense_code::medium_destination_element_full));
    CHECK(illegal(move(host, 1000, 999), sense_code::invalid_element_address));
    CHECK(illegal(move(host, 0, 256), sense_code::invalid_element_address));
    CHECK(illegal(host.send({0xa5, 0, 0, 7, 3, 0xe8, 1, 0, 0, 0, 0, 0}),
                  sense_code::invalid_element_address));
    CHECK(robot.in("slot 1") == "VT0001L8");
}

TEST_CASE("a drive that another host has reserved is not touched; its own host may") {
    Robot robot;
    Host mine = changer_host(robot, "a");
    Host theirs = changer_host(robot, "b");
    Host tape(robot, iscsi_port("a", "00023d000009"));  // another ISID, the same host
    REQUIRE(good(tape.reserve()));
    CHECK(conflict(move(theirs, 1000, 256)));
    CHECK(good(move(mine, 1000, 256)));
    CHECK(conflict(move(theirs, 256, 1000)));
    CHECK(good(move(mine, 256, 1000)));
}

TEST_CASE("a prevented removal and a forced offline drive stop the robot") {
    Robot robot;
    Host host = changer_host(robot);
    Host tape(robot, iscsi_port("a"));
    REQUIRE(good(move(host, 1000, 256)));
    static_cast<void>(tape.attention());
    REQUIRE(good(tape.send({0x1e, 0, 0, 0, 1, 0})));
    CHECK(illegal(move(host, 256, 1000), sense_code::medium_removal_prevented));
    REQUIRE(good(tape.send({0x1e, 0, 0, 0, 0, 0})));
    REQUIRE(robot.force_offline(serial, "test").ok());
    CHECK(fails_with(move(host, 256, 1000), SenseKey::not_ready, sense_code::logical_unit_offline));
    REQUIRE(robot.lift_forced_offline(serial).ok());
    CHECK(good(move(host, 256, 1000)));
}

TEST_CASE("a cartridge that lost writes leaves its drive when the robot has been told") {
    Robot robot;
    Host host = changer_host(robot);
    Host tape(robot, iscsi_port("a"));
    REQUIRE(good(move(host, 1000, 256)));
    static_cast<void>(tape.attention());
    const auto medium = robot.shelf.find("VT0001L8");
    medium->mood.buffers = true;
    REQUIRE(good(tape.write()));
    medium->break_storage({"disk is gone"});
    Bytes nothing;
    const Bytes cdb{0xa5, 0, 0, 0, 1, 0, 3, 0xe8, 0, 0, 0, 0};
    virtual_library::Answer moved;
    for (int i = 0; i < 100 && !moved; ++i) {
        moved = robot.execute(host.nexus(), 0, cdb, nothing);
        if (!moved) REQUIRE(robot.shelf.work());
    }
    REQUIRE(moved);
    CHECK(fails_with(*moved, SenseKey::medium_error, sense_code::write_error));
    CHECK(robot.in("drive " + serial) == "VT0001L8");
    CHECK(good(move(host, 256, 1000)));

    REQUIRE(good(move(host, 1001, 256)));
    static_cast<void>(tape.attention());
    CHECK(good(tape.write()));
}

TEST_CASE("a move out of a drive waits until what was written is stored") {
    Robot robot;
    Host host = changer_host(robot);
    Host tape(robot, iscsi_port("a"));
    REQUIRE(good(move(host, 1000, 256)));
    static_cast<void>(tape.attention());
    const auto medium = robot.shelf.find("VT0001L8");
    medium->mood.buffers = true;
    REQUIRE(good(tape.write()));
    Bytes nothing;
    const Bytes cdb{0xa5, 0, 0, 0, 1, 0, 3, 0xe8, 0, 0, 0, 0};
    CHECK_FALSE(robot.execute(host.nexus(), 0, cdb, nothing));
    CHECK(robot.in("drive " + serial) == "VT0001L8");
    std::optional<CommandReply> answer;
    for (int step = 0; step < 100 && !answer; ++step) {
        static_cast<void>(robot.shelf.work());
        answer = robot.execute(host.nexus(), 0, cdb, nothing);
    }
    REQUIRE(answer);
    CHECK(good(*answer));
    CHECK(robot.in("slot 1") == "VT0001L8");
    CHECK(medium->objects().size() == 1);
}

TEST_CASE("an exchange moves two cartridges at once") {
    Robot robot;
    Host host = changer_host(robot);
    REQUIRE(good(move(host, 1000, 256)));
    // slot 2 to the drive, what was there to slot 1
    CHECK(good(host.send({0xa6, 0, 0, 0, 3, 0xe9, 1, 0, 3, 0xe8, 0, 0})));
    CHECK(robot.in("drive " + serial) == "VT0002L8");
    CHECK(robot.in("slot 1") == "VT0001L8");
    CHECK(robot.in("slot 2").empty());
}

TEST_CASE("element status is whole at any allocation length, and cut where it ends") {
    Robot robot;
    Host host = changer_host(robot);
    REQUIRE(good(move(host, 1000, 256)));
    for (const std::uint8_t byte_1 : Bytes{0x10, 0x00, 0x12, 0x44, 0x54}) {
        for (const std::uint8_t byte_6 : Bytes{0, 1, 2, 3}) {
            const Bytes whole = element_status(host, byte_1, 0xffff, byte_6).data_in;
            REQUIRE(whole.size() > 8);
            const int announced = whole[5] << 16 | whole[6] << 8 | whole[7];
            CHECK(static_cast<std::size_t>(announced) + 8 == whole.size());
            const auto all = static_cast<std::uint16_t>(whole.size());
            for (std::uint16_t length = 0; length <= all; ++length) {
                REQUIRE(element_status(host, byte_1, length, byte_6).data_in ==
                        Bytes(whole.begin(), whole.begin() + length));
            }
        }
    }
    // One drive with its volume tag, its source and its identifier.
    const Bytes drive = host.send({0xb8, 0x14, 1, 0, 0, 1, 1, 0, 4, 0, 0, 0}).data_in;
    CHECK(drive[8] == 4);
    CHECK(drive[16] == 1);
    CHECK((drive[18] & 0x01) != 0);  // FULL
    CHECK((drive[18] & 0x08) == 0);  // ACCESS: threaded
    CHECK((drive[25] & 0x80) != 0);  // SVALID
    CHECK((drive[26] << 8 | drive[27]) == 1000);
    CHECK(std::string(drive.begin() + 28, drive.begin() + 36) == "VT0001L8");
    CHECK(std::string(drive.end() - 10, drive.end()) == serial);
}

TEST_CASE("a volume is found by its name") {
    Robot robot;
    Host host = changer_host(robot);
    CHECK(illegal(host.send({0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 4, 0, 0, 0}),
                  sense_code::command_sequence_error));
    Bytes wanted(40, ' ');
    const std::string pattern = "VT???2*";
    std::copy(pattern.begin(), pattern.end(), wanted.begin());
    REQUIRE(good(host.send({0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0}, wanted)));
    const Bytes found = host.send({0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 4, 0, 0, 0}).data_in;
    CHECK((found[2] << 8 | found[3]) == 1);
    CHECK((found[0] << 8 | found[1]) == 1001);
}

TEST_CASE("where cartridges are survives a restart; what is new or gone is noticed") {
    Robot before;
    {
        Host host = changer_host(before);
        REQUIRE(good(move(host, 1001, 257)));
        REQUIRE(good(move(host, 1002, 16)));
    }
    Robot after;
    after.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
    REQUIRE(after.restore(before.nonvolatile_state()).ok());
    CHECK(after.in("drive " + other_serial) == "VT0002L8");
    CHECK(after.in("port 1") == "VT0003L8");
    CHECK(after.missing().empty());
    // Slot 2 is kept for the cartridge that is in a drive: hosts bring it back to where it was.
    CHECK(after.in("slot 2").empty());
    CHECK(after.in("slot 3") == "VT0004L8");
    for (const auto& element : after.elements()) {
        if (element.barcode == "VT0002L8") CHECK(element.source == "slot 2");
    }
}

TEST_CASE("a cartridge that is not there at a restart is told, with where it was") {
    Robot before;
    before.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
    before.take_inventory();
    REQUIRE(before.move_cartridge("VT0004L8", "slot 5")->ok());
    Robot after;
    REQUIRE(after.restore(before.nonvolatile_state()).ok());
    CHECK(after.missing() == std::vector<Library::Missing>{{"VT0004L8", "slot 5"}});
    Host host = changer_host(after);
    static_cast<void>(host.send({0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 4, 0}));  // how long is it?
    CHECK(inventory_alert(host));
    // Something else may move, and be saved, before its disk is mounted again.
    REQUIRE(after.move_cartridge("VT0001L8", "slot 6")->ok());
    const auto saved = after.nonvolatile_state();
    SECTION("it is back at the next start") {
        Robot last;
        last.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
        REQUIRE(last.restore(saved).ok());
        CHECK(last.missing().empty());
        CHECK(last.in("slot 5") == "VT0004L8");
        CHECK(last.in("slot 6") == "VT0001L8");
    }
    SECTION("it is back at an inventory") {
        after.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
        after.take_inventory();
        CHECK(after.missing().empty());
        CHECK(after.in("slot 5") == "VT0004L8");
        Robot last;
        REQUIRE(last.restore(after.nonvolatile_state()).ok());
        CHECK(last.missing().size() == 1);
    }
    SECTION("it is still away, and what is new goes elsewhere as long as there is room") {
        for (const char* barcode : {"VT0005L8", "VT0006L8", "VT0007L8"})
            after.shelf.add({.barcode = barcode, .capacity = 1'000'000});
        after.take_inventory();
        CHECK(after.in("slot 1") == "VT0005L8");
        CHECK(after.in("slot 4") == "VT0006L8");
        CHECK(after.in("slot 5") == "VT0007L8");
    }
    SECTION("it is gone for good") {
        static_cast<void>(after.take_events());
        CHECK(after.forget_missing("VT0004L8"));
        CHECK_FALSE(after.forget_missing("VT0004L8"));
        CHECK(after.missing().empty());
        static_cast<void>(host.attention());
        CHECK_FALSE(inventory_alert(host));
        CHECK(after.take_events().size() == 1);  // so it is saved
        Robot last;
        REQUIRE(last.restore(after.nonvolatile_state()).ok());
        CHECK(last.missing().empty());
    }
    SECTION("it is still away, and its slot is taken") {
        REQUIRE(after.move_cartridge("VT0002L8", "slot 5")->ok());
        Robot last;
        last.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
        REQUIRE(last.restore(after.nonvolatile_state()).ok());
        CHECK(last.in("slot 5") == "VT0002L8");
        CHECK(last.in("slot 1") == "VT0004L8");
    }
}

TEST_CASE("what the configuration puts into a drive is not missing when it is elsewhere or gone") {
    virtual_library::MemoryShelf shelf;
    Library library({.vendor = "LRA",
                     .product = "VIRTUAL LIBRARY",
                     .serial = virtual_library_test::changer_serial,
                     .drives = {{.serial = serial,
                                 .product = "ULT",
                                 .element_address = 256,
                                 .cartridge = "VT0009L8"}},
                     .slots = 6},
                    shelf);
    CHECK(library.missing().empty());
    Host host = changer_host(library);
    CHECK_FALSE(inventory_alert(host));
    REQUIRE(library.restore(Robot().nonvolatile_state()).ok());
    CHECK(library.missing().size() == 3);
    CHECK(inventory_alert(host));
}

TEST_CASE("an operator moves cartridges by their names") {
    Robot robot;
    CHECK(robot.move_cartridge("VT0002L8", "drive " + serial)->ok());
    CHECK(robot.in("drive " + serial) == "VT0002L8");
    CHECK_FALSE(robot.move_cartridge("VT0001L8", "drive " + serial)->ok());
    CHECK_FALSE(robot.move_cartridge("VT9999L8", "slot 5")->ok());
    CHECK_FALSE(robot.move_cartridge("VT0001L8", "cellar")->ok());
    CHECK(robot.move_cartridge("VT0002L8", "port 1")->ok());
}

TEST_CASE("a slot is kept for the cartridge that went from it to a drive") {
    Robot robot;
    REQUIRE(robot.move_cartridge("VT0002L8", "drive " + serial)->ok());
    for (const char* barcode : {"VT0004L8", "VT0005L8", "VT0006L8", "VT0007L8"})
        robot.shelf.add({.barcode = barcode, .capacity = 1'000'000});
    robot.take_inventory();
    CHECK(robot.in("slot 2").empty());
    CHECK(robot.in("slot 6") == "VT0006L8");
    CHECK(robot.outside() == std::vector<std::string>{"VT0007L8"});
    CHECK_THAT(
        robot.refusal("VT0007L8", "drive " + other_serial),
        ContainsSubstring("no slot was free for it") && ContainsSubstring("library inventory"));
    CHECK(robot.move_cartridge("VT0002L8", "slot 2")->ok());
    REQUIRE(robot.move_cartridge("VT0001L8", "port 1")->ok());
    robot.take_inventory();
    CHECK(robot.in("slot 1") == "VT0007L8");
}

TEST_CASE("what leaves a drive goes to no slot that is kept for another cartridge") {
    Robot before;
    before.shelf.add({.barcode = "VT0004L8", .capacity = 1'000'000});
    before.take_inventory();
    REQUIRE(before.move_cartridge("VT0001L8", "drive " + serial)->ok());
    REQUIRE(before.move_cartridge("VT0002L8", "drive " + other_serial)->ok());
    Robot after;  // VT0004L8, last in slot 4, is away
    REQUIRE(after.restore(before.nonvolatile_state()).ok());
    CHECK(after.way_back("VT0001L8") == "slot 1");
    REQUIRE(after.move_cartridge("VT0003L8", "slot 1")->ok());
    CHECK(after.way_back("VT0001L8") == "slot 3");
    CHECK(after.way_back("VT0002L8") == "slot 2");
    for (const char* barcode : {"VT0005L8", "VT0006L8", "VT0007L8"})
        after.shelf.add({.barcode = barcode, .capacity = 1'000'000});
    after.take_inventory();
    // What is empty now is kept: slot 2 for the one in the other drive, slot 4 for the missing one.
    CHECK(after.in("slot 2").empty());
    CHECK(after.in("slot 4").empty());
    CHECK(after.way_back("VT0001L8").empty());
    CHECK(after.forget_missing("VT0004L8"));
    CHECK(after.way_back("VT0001L8") == "slot 4");
}

TEST_CASE("an operator whose move can not be hears what stands against it, and who") {
    Robot robot;
    Host robot_host = changer_host(robot);
    Host tape(robot, iscsi_port("a"));
    REQUIRE(good(move(robot_host, 1000, 256)));
    static_cast<void>(tape.attention());
    CHECK_THAT(robot.refusal("VT0002L8", "drive " + serial),
               ContainsSubstring(": VT0001L8 is there"));
    CHECK_THAT(robot.refusal("VT0002L8", "slot 2"), ContainsSubstring(": VT0002L8 is there"));
    SECTION("a reservation") {
        REQUIRE(good(tape.reserve()));
        for (const auto& place : {std::string("slot 1"), "drive " + other_serial}) {
            CHECK_THAT(robot.refusal("VT0001L8", place),
                       ContainsSubstring("drive " + serial + " is reserved by " +
                                         agent::core::to_text(iscsi_port("a"))));
        }
    }
    SECTION("a lock") {
        REQUIRE(good(tape.send({0x1e, 0, 0, 0, 1, 0})));
        CHECK_THAT(robot.refusal("VT0001L8", "slot 1"),
                   ContainsSubstring(agent::core::to_text(iscsi_port("a")) +
                                     " prevents its removal from drive " + serial));
        CHECK_THAT(robot.refusal("VT0002L8", "drive " + serial),
                   ContainsSubstring(agent::core::to_text(iscsi_port("a")) +
                                     " prevents the removal of VT0001L8 from drive " + serial));
    }
    SECTION("something that could not be stored") {
        const auto medium = robot.shelf.find("VT0001L8");
        medium->mood.buffers = true;
        REQUIRE(good(tape.write()));
        medium->break_storage({"disk is gone"});
        CHECK_THAT(robot.refusal("VT0001L8", "slot 1"),
                   ContainsSubstring("could not be stored and is lost"));
        CHECK(robot.move_cartridge("VT0001L8", "slot 1")->ok());
    }
}
