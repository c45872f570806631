// A cleaning cartridge in a drive, as its hosts and the robot meet it.

#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/virtual/cleaning_cartridge.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/medium_attributes.hpp"
#include "drive_iface/virtual/parallel.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;
namespace code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

namespace {

using MediumState = TapeState::MediumState;

const Bytes cleaning_ready{0x00, 0, 0, 0, 0, 0};
const Bytes cleaning_unload{0x1b, 0, 0, 0, 0, 0};
const Bytes cleaning_load{0x1b, 0, 0, 0, 1, 0};
const Bytes read_memory{0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0};

// A drive that has nothing in it yet, and a cleaning cartridge that is good for `permitted`.
struct CleaningRig : TapeRig {
    explicit CleaningRig(std::uint16_t permitted = 3) {
        cleaner = shelf().add({.barcode = "CLN001L8", .capacity = 0, .cleaning = true});
        cleaner->attributes = memory_for_cleanings(permitted);
        REQUIRE(good(send(cleaning_unload)));
        static_cast<void>(take_cartridge(drive().state().tape));
    }
    void clean() {
        drive().insert("CLN001L8");
        settle();
    }
    void take_out() { CHECK(take_cartridge(drive().state().tape) == "CLN001L8"); }
    Cleanings cleanings() { return cleanings_of(cleaner->attributes); }
    std::vector<int> alerts() {
        const auto page =
            scsi::decode_log_page(send({0x4d, 0, 0x6e, 0, 0, 0, 0, 0xff, 0xff, 0}).data_in);
        REQUIRE(page.ok());
        std::vector<int> raised;
        for (const auto& flag : page->parameters) {
            if (flag.value.at(0) != 0) raised.push_back(flag.code);
        }
        return raised;
    }
    scsi::VeryHighFrequencyData status() {
        return *scsi::decode_dt_device_status(
                    send({0x4d, 0, 0x51, 0, 0, 0, 0, 0xff, 0xff, 0}).data_in)
                    ->very_high_frequency;
    }

    std::shared_ptr<MemoryMedium> cleaner;
};

}  // namespace

TEST_CASE("a cleaning cartridge cleans, can not be read or written, and can be taken out") {
    CleaningRig rig;
    rig.clean();
    for (const auto& command :
         {cleaning_ready, Bytes{0x08, 0, 0, 0, 1, 0}, Bytes{0x01, 0, 0, 0, 0, 0}})
        CHECK(
            fails_with(rig.send(command), SenseKey::not_ready, code::cleaning_cartridge_installed));
    CHECK(fails_with(rig.write({1}), SenseKey::not_ready, code::cleaning_cartridge_installed));
    CHECK(rig.alerts() == std::vector{11});
    CHECK(rig.cleanings() == Cleanings{1, 3});
    CHECK(rig.take_attentions(TapeRig::host).empty());  // nothing became ready
    CHECK(rig.status().robot_access_allowed);
    CHECK(can_be_taken(rig.tape()));
    rig.take_out();
    CHECK(fails_with(rig.send(cleaning_ready), SenseKey::not_ready, code::medium_not_present));
    rig.drive().insert("TAPE01L8");
    rig.settle();
    static_cast<void>(rig.take_attentions(TapeRig::host));
    CHECK(good(rig.write({1})));
    CHECK(rig.alerts().empty());
}

TEST_CASE("a cleaning goes on until its use is stored, and the robot waits for it") {
    CleaningRig rig;
    rig.cleaner->mood = {.buffers = true};
    rig.drive().insert("CLN001L8");
    rig.drive().settle();
    REQUIRE(rig.tape().medium == MediumState::cleaning);
    CHECK(rig.status().activity == 0x01);
    CHECK(rig.status().in_transition);
    CHECK_FALSE(rig.status().robot_access_allowed);
    CHECK_FALSE(can_be_taken(rig.tape()));
    CHECK(fails_with(rig.send(cleaning_ready), SenseKey::not_ready,
                     code::cleaning_cartridge_installed));
    SECTION("and ends by itself") {
        rig.settle();
        CHECK(rig.tape().medium == MediumState::cleaned);
        CHECK(rig.status().activity == 0);
        CHECK(can_be_taken(rig.tape()));
    }
    SECTION("and an UNLOAD waits for it") {
        CHECK_FALSE(rig.try_send(cleaning_unload));
        CHECK(good(rig.send(cleaning_unload)));
        CHECK(fails_with(rig.send(cleaning_ready), SenseKey::not_ready, code::medium_not_present));
    }
    CHECK(rig.cleanings().done == 1);
}

TEST_CASE("a use that can not be stored is told, and the cartridge can be taken") {
    CleaningRig rig;
    SECTION("since its memory fails") {
        rig.cleaner->memory_broken = true;
    }
    SECTION("since nothing can be written there") {
        rig.cleaner->facts.write_protected = true;
    }
    rig.clean();
    CHECK(rig.alerts() == std::vector{11, 15});
    CHECK(can_be_taken(rig.tape()));
}

TEST_CASE("a cleaning cartridge that is used up does not clean") {
    CleaningRig rig(2);
    for (int use = 0; use < 2; ++use) {
        rig.clean();
        CHECK(rig.alerts() == std::vector{11});
        rig.take_out();
    }
    rig.clean();
    CHECK(rig.alerts() == std::vector{11, 22});
    CHECK(fails_with(rig.send(cleaning_ready), SenseKey::medium_error, code::cleaning_failure));
    CHECK(rig.cleanings() == Cleanings{2, 2});
    CHECK(rig.tape().trouble.find("CLN001L8 is used up") != std::string::npos);
    CHECK(can_be_taken(rig.tape()));
    // VPD page B2h lists the flag.
    CHECK((rig.send({0x12, 1, 0xb2, 0, 255, 0}).data_in.at(6) & 0x04) != 0);
}

TEST_CASE("UNLOAD lets go of a cleaning cartridge, and LOAD cleans once more") {
    CleaningRig rig;
    rig.clean();
    CHECK(good(rig.send(cleaning_unload)));
    CHECK(fails_with(rig.send(cleaning_ready), SenseKey::not_ready, code::medium_not_present));
    CHECK(fails_with(rig.send(cleaning_load), SenseKey::not_ready,
                     code::cleaning_cartridge_installed));
    CHECK(rig.cleanings().done == 2);
    CHECK(good(rig.send(cleaning_unload)));
    rig.take_out();
}

TEST_CASE("losing power uses no cleaning up") {
    CleaningRig rig;
    rig.clean();
    const auto cache = GENERATE(Cache::lost, Cache::kept);
    if (GENERATE(false, true)) CHECK(good(rig.send(cleaning_unload)));
    // The second time it has not been opened again yet.
    for (int times = GENERATE(1, 2); times > 0; --times)
        rig.drive().power_cycle(cache, rig.events());
    rig.settle();
    static_cast<void>(rig.take_attentions(TapeRig::host));
    CHECK(fails_with(rig.send(cleaning_ready), SenseKey::not_ready,
                     code::cleaning_cartridge_installed));
    CHECK(rig.cleanings().done == 1);
    CHECK(can_be_taken(rig.tape()));
}

TEST_CASE("a cleaning that had not begun when the power went is made when it is back") {
    CleaningRig rig;
    rig.drive().insert("CLN001L8");
    rig.drive().power_cycle(Cache::lost, rig.events());
    rig.settle();
    CHECK(rig.tape().medium == MediumState::cleaned);
    CHECK(rig.cleanings().done == 1);
}

TEST_CASE("the memory of a cleaning cartridge tells what it is and how often it was used") {
    CleaningRig rig(50);
    rig.clean();
    const auto reply = rig.send(read_memory);
    REQUIRE(good(reply));
    const auto decoded = decode_attributes(reply.data_in);
    REQUIRE_FALSE(decoded.wrong_at);
    std::map<int, Bytes> all;
    for (const auto& entry : decoded.entries) {
        CHECK(entry.read_only);
        all[entry.identifier] = entry.attribute.value;
    }
    CHECK(all[0x0408] == Bytes{1});
    CHECK(all[0x0409] == Bytes{0, 50});
    CHECK(all[0x0003] == Bytes{0, 0, 0, 0, 0, 0, 0, 1});
    CHECK_FALSE(all.contains(0x0000));
    CHECK_FALSE(all.contains(0x0405));
    const Bytes owner{0, 0, 0, 6, 0x08, 0x07, 2, 0, 1, 'x'};
    CHECK(fails_with(rig.send({0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0}, owner),
                     SenseKey::not_ready, code::cleaning_cartridge_installed));
}

namespace {

struct CleaningLibrary {
    MemoryShelf shelf;
    std::optional<Library> library;
    CleaningLibrary() {
        shelf.add({.barcode = "CLN001L8", .capacity = 0, .cleaning = true});
        shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000});
        restart("");
    }
    void restart(const std::string& remembered) {
        library.reset();
        library.emplace(
            LibraryDescription{
                .vendor = "LRA",
                .product = "VIRTUAL LIBRARY",
                .serial = "VL00000001",
                .drives = {{.serial = "VT00000001", .product = "ULT", .element_address = 256}},
                .slots = 3},
            shelf);
        if (!remembered.empty()) REQUIRE(library->restore(remembered).ok());
        library->proceed();
    }
    std::uint64_t done() { return cleanings_of(shelf.find("CLN001L8")->attributes).done; }
};

}  // namespace

TEST_CASE("the robot brings a cleaning cartridge to a drive and takes it back") {
    CleaningLibrary bench;
    const auto nexus =
        bench.library->nexus_established("VL00000001", {.transport = agent::core::Transport::iscsi,
                                                        .name = "iqn.2026-01.org.example:a",
                                                        .isid = "00023d000001",
                                                        .address = {}});
    REQUIRE(nexus.ok());
    const auto send = [&](const Bytes& cdb) {
        Bytes none;
        auto answer = bench.library->execute(*nexus, 0, cdb, none);
        REQUIRE(answer);
        return *answer;
    };
    static_cast<void>(send(cleaning_ready));
    REQUIRE(good(send({0xa5, 0, 0, 0, 0x03, 0xe8, 0x01, 0x00, 0, 0, 0, 0})));
    CHECK(bench.library->drives()[0].medium == "cleaned");
    // Its element says what it is (SMC-3, MEDIUM TYPE 2), and its volume tag.
    const auto status = send({0xb8, 0x14, 1, 0, 0, 1, 0, 0, 4, 0, 0, 0}).data_in;
    REQUIRE(status.size() > 16 + 12 + 8);
    CHECK((status[16 + 9] & 0x07) == 2);
    CHECK(std::string(status.begin() + 16 + 12, status.begin() + 16 + 20) == "CLN001L8");
    REQUIRE(good(send({0xa5, 0, 0, 0, 0x01, 0x00, 0x03, 0xe8, 0, 0, 0, 0})));
    CHECK(bench.library->drives()[0].medium == "absent");
    CHECK(bench.done() == 1);
}

TEST_CASE("a cleaning cartridge that is in a drive at a start is not used up by that") {
    CleaningLibrary bench;
    REQUIRE(bench.library->move_cartridge("CLN001L8", "drive VT00000001")->ok());
    CHECK(bench.done() == 1);
    bench.restart(bench.library->nonvolatile_state());
    CHECK(bench.library->drives()[0].medium == "cleaned");
    CHECK(bench.done() == 1);
    REQUIRE(bench.library->move_cartridge("CLN001L8", "slot 1")->ok());
    REQUIRE(bench.library->move_cartridge("CLN001L8", "drive VT00000001")->ok());
    CHECK(bench.done() == 2);
}

namespace {

struct NoViews final : ParallelCartridges {
    std::optional<agent::core::Result<std::unique_ptr<ParallelCartridge>>> open(
        const std::string& /*drive_serial*/, const std::string& /*barcode*/,
        const agent::core::InitiatorPort& /*host*/) override {
        return std::nullopt;
    }
    void on_progress(std::function<void()> /*progress*/) override {}
};

}  // namespace

TEST_CASE("a parallel drive stays one when a start finds its cleaning cartridge in a slot") {
    MemoryShelf shelf;
    shelf.add({.barcode = "CLN001L8", .capacity = 0, .cleaning = true});
    NoViews views;
    const auto library = [&](const std::string& cartridge) {
        return Library(LibraryDescription{.vendor = "LRA",
                                          .product = "VIRTUAL LIBRARY",
                                          .serial = "VL00000001",
                                          .drives = {{.serial = "VT00000001",
                                                      .product = "ULT",
                                                      .element_address = 256,
                                                      .parallel = true,
                                                      .cartridge = cartridge}},
                                          .slots = 3},
                       shelf, &views);
    };
    const std::string in_slot = library("").nonvolatile_state();
    Library restarted = library("CLN001L8");
    CHECK_FALSE(restarted.drives()[0].parallel);
    REQUIRE(restarted.restore(in_slot).ok());
    CHECK(restarted.drives()[0].barcode.empty());
    CHECK(restarted.drives()[0].parallel);
}
