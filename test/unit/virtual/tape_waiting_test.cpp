// A drive that waits for its medium: for blocks being fetched, for room in the buffer, for storing,
// and for a cartridge being opened.

#include "drive_iface/virtual/loading.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;
namespace code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;
using MediumState = TapeState::MediumState;

namespace {

MemoryMood buffering(std::uint64_t buffer_bytes = 1000) {
    MemoryMood mood;
    mood.buffers = true;
    mood.buffer_bytes = buffer_bytes;
    return mood;
}

const Bytes test_unit_ready{0, 0, 0, 0, 0, 0};
const Bytes rewinding{0x01, 0, 0, 0, 0, 0};
const Bytes unload{0x1b, 0, 0, 0, 0, 0};
const Bytes load{0x1b, 0, 0, 0, 1, 0};

}  // namespace

TEST_CASE("a write waits for room in the buffer and is written once") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write(Bytes(900, 1))));
    Bytes data(200, 2);
    const Bytes cdb = TapeRig::with_length(0x0a, 200);
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(rig.try_as(TapeRig::host, cdb, data));
        CHECK(data.size() == 200);  // not taken yet
    }
    REQUIRE(rig.shelf().work());
    const auto answer = rig.try_as(TapeRig::host, cdb, data);
    REQUIRE(answer);
    CHECK(good(*answer));
    CHECK(rig.medium().objects().size() == 2);
}

TEST_CASE("a filemark waits until everything before it is stored; an immediate one does not") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.write({2})));
    CHECK(rig.try_send({0x10, 1, 0, 0, 1, 0}));
    CHECK_FALSE(rig.try_send({0x10, 0, 0, 0, 1, 0}));
    REQUIRE(rig.shelf().work());
    CHECK_FALSE(rig.try_send({0x10, 0, 0, 0, 1, 0}));
    CHECK(rig.medium().objects().size() == 4);  // it is there once, however often it was called
    while (rig.shelf().work()) {
    }
    const auto answer = rig.try_send({0x10, 0, 0, 0, 1, 0});
    REQUIRE(answer);
    CHECK(good(*answer));
    CHECK(rig.medium().objects().size() == 4);
}

TEST_CASE("no filemarks at all is a flush") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    CHECK_FALSE(rig.try_send({0x10, 0, 0, 0, 0, 0}));
    REQUIRE(rig.shelf().work());
    CHECK(rig.try_send({0x10, 0, 0, 0, 0, 0}));
}

TEST_CASE("moving back from what was written stores it first") {
    for (const Bytes& cdb :
         {rewinding, Bytes{0x11, 0, 0xff, 0xff, 0xff, 0}, Bytes{0x2b, 0, 0, 0, 0, 0, 0, 0, 0, 0}}) {
        TapeRig rig(blank_tape(), buffering());
        REQUIRE(good(rig.write({1})));
        CHECK_FALSE(rig.try_send(cdb));
        CHECK(rig.tape().shared.tape.position == 1);
        REQUIRE(rig.shelf().work());
        const auto answer = rig.try_send(cdb);
        REQUIRE(answer);
        CHECK(good(*answer));
        CHECK(rig.position() == 0);
    }
}

TEST_CASE("unbuffered, a write is GOOD when it is stored") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.send({0x15, 0x10, 0, 0, 4, 0}, {0, 0, 0, 0})));
    Bytes data{1};
    const Bytes cdb = TapeRig::with_length(0x0a, 1);
    CHECK_FALSE(rig.try_as(TapeRig::host, cdb, data));
    CHECK_FALSE(rig.try_as(TapeRig::host, cdb, data));
    REQUIRE(rig.shelf().work());
    CHECK(rig.try_as(TapeRig::host, cdb, data));
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("a read goes on where it waited") {
    MemoryMood mood;
    mood.fetches = true;
    TapeRig rig(blank_tape(), mood);
    REQUIRE(good(rig.set_block_length(2)));
    REQUIRE(good(rig.send({0x0a, 1, 0, 0, 3, 0}, {1, 1, 2, 2, 3, 3})));
    REQUIRE(good(rig.rewind()));
    const Bytes cdb{0x08, 1, 0, 0, 3, 0};
    int waits = 0;
    for (;;) {
        const auto answer = rig.try_send(cdb);
        if (answer) {
            CHECK(answer->data_in == Bytes{1, 1, 2, 2, 3, 3});
            break;
        }
        ++waits;
        REQUIRE(rig.shelf().work());
    }
    CHECK(waits == 3);
    CHECK(rig.position() == 3);
}

TEST_CASE("while one command waits, those that need no medium go through") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE_FALSE(rig.try_send(rewinding));
    Bytes none;
    CHECK(rig.try_as(TapeRig::other_host, test_unit_ready, none));
    CHECK(rig.try_as(TapeRig::other_host, {0x12, 0, 0, 0, 96, 0}, none));
    CHECK(rig.try_as(TapeRig::other_host, {0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 0, 0}, none));
    CHECK_FALSE(rig.try_as(TapeRig::other_host, TapeRig::with_length(0x08, 1), none));
    while (rig.shelf().work()) {
    }
    REQUIRE(rig.try_send(rewinding));
    CHECK(rig.try_as(TapeRig::other_host, TapeRig::with_length(0x08, 1), none));
}

TEST_CASE("an abandoned command is forgotten and what it did stays") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE_FALSE(rig.try_send({0x10, 0, 0, 0, 1, 0}));
    abandon(rig.drive().unit(), TapeRig::host);
    CHECK(rig.medium().objects().size() == 2);
    REQUIRE(good(rig.write_filemarks(1)));
    CHECK(rig.medium().objects().size() == 3);
}

TEST_CASE("an error of storing is told with the next command, as a deferred error") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    while (rig.shelf().work()) {
    }
    REQUIRE(good(rig.write({2})));
    REQUIRE(good(rig.write({3})));
    rig.medium().fail_storing({"no space left on device"});
    REQUIRE(rig.shelf().work());
    const auto reply = rig.write({4});
    CHECK(fails_with(reply, SenseKey::medium_error, code::write_error));
    CHECK(sense_of(reply).deferred);
    CHECK(rig.tape().trouble == "no space left on device");
    // The command was not executed, and the position is where storing ended.
    CHECK(rig.medium().objects().size() == 1);
    CHECK(rig.position() == 1);
    CHECK(good(rig.write({5})));
    CHECK(rig.tape().since_load.write_errors == 1);
}

TEST_CASE("an error of storing is told to the host that wrote, whoever asks first") {
    TapeRig rig(blank_tape(), buffering());
    // Of another host; it is stored, and nothing of it fails.
    REQUIRE(good(rig.send_as(TapeRig::other_host, TapeRig::with_length(0x0a, 1), {9})));
    while (rig.shelf().work()) {
    }
    REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.write({2})));
    rig.medium().fail_storing({"no space left on device"});
    REQUIRE(rig.shelf().work());
    const Bytes read_position{0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0};
    const Bytes densities{0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0};
    for (const Bytes& asking : {read_position, densities})
        CHECK(good(rig.send_as(TapeRig::other_host, asking)));

    SECTION("at its next command") {
        const auto reply = rig.write({3});
        CHECK(fails_with(reply, SenseKey::medium_error, code::write_error));
        CHECK(sense_of(reply).deferred);
        CHECK(rig.medium().objects().size() == 1);
        CHECK(good(rig.write({3})));  // once
    }
    SECTION("when it has connected again meanwhile") {
        nexus_lost(rig.drive().unit(), TapeRig::host, rig.events());
        forget_nexus(rig.drive().state().tape, TapeRig::host);
        rig.log_in(TapeRig::host, "a");
        rig.take_attentions(TapeRig::host);
        CHECK(sense_of(rig.write({3})).deferred);
    }
    SECTION("when the cartridge was unloaded meanwhile") {
        REQUIRE(good(rig.send_as(TapeRig::other_host, unload)));
        const auto reply = rig.write({3});
        CHECK(fails_with(reply, SenseKey::medium_error, code::write_error));
        CHECK(sense_of(reply).deferred);
        CHECK(fails_with(rig.write({3}), SenseKey::not_ready, code::medium_not_present));
    }
    CHECK(rig.tape().since_power_on.write_errors == 1);
}

TEST_CASE("all hosts that wrote hear of an error of storing, each once") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    Bytes data{2};
    REQUIRE(rig.try_as(TapeRig::other_host, TapeRig::with_length(0x0a, 1), data));
    rig.medium().fail_storing({"no space left on device"});
    REQUIRE(rig.shelf().work());
    CHECK(sense_of(rig.write_filemarks(0)).deferred);
    CHECK(good(rig.write_filemarks(0)));
    CHECK(sense_of(rig.send_as(TapeRig::other_host, rewinding)).deferred);
    CHECK(good(rig.send_as(TapeRig::other_host, rewinding)));
}

TEST_CASE("a filemark whose own storing fails ends with that error") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE_FALSE(rig.try_send({0x10, 0, 0, 0, 1, 0}));
    rig.medium().fail_storing({"no space left on device"});
    REQUIRE(rig.shelf().work());
    const auto answer = rig.try_send({0x10, 0, 0, 0, 1, 0});
    REQUIRE(answer);
    CHECK(fails_with(*answer, SenseKey::medium_error, code::write_error));
    CHECK_FALSE(sense_of(*answer).deferred);
    CHECK(rig.position() == 0);
}

// ---- loading

TEST_CASE("without a cartridge the drive is not ready, and with one it becomes ready") {
    TapeRig rig;
    MemoryMood slow;
    slow.opens_late = true;
    rig.shelf().add({.barcode = "SLOW01L8", .capacity = 1000})->mood = slow;
    REQUIRE(good(rig.send(unload)));
    CHECK(take_cartridge(rig.drive().state().tape) == "TAPE01L8");
    CHECK(fails_with(rig.send(test_unit_ready), SenseKey::not_ready, code::medium_not_present));
    CHECK(fails_with(rig.read(1), SenseKey::not_ready, code::medium_not_present));
    CHECK(fails_with(rig.send(load), SenseKey::not_ready, code::medium_not_present));
    CHECK(fails_with(rig.send(unload), SenseKey::not_ready, code::medium_not_present));

    rig.drive().insert("SLOW01L8");
    CHECK(fails_with(rig.send(test_unit_ready), SenseKey::not_ready, code::becoming_ready));
    CHECK(fails_with(rig.read(1), SenseKey::not_ready, code::becoming_ready));
    rig.settle();
    for (const NexusId nexus : {TapeRig::host, TapeRig::other_host})
        CHECK(rig.take_attentions(nexus) == std::vector{code::medium_may_have_changed});
    CHECK(good(rig.send(test_unit_ready)));
}

TEST_CASE("UNLOAD stores everything and closes the cartridge") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    CHECK_FALSE(rig.try_send(unload));
    CHECK_FALSE(can_be_taken(rig.tape()));
    REQUIRE(rig.shelf().work());
    REQUIRE(rig.try_send(unload));
    CHECK(can_be_taken(rig.tape()));
    CHECK(rig.medium().objects().size() == 1);
    CHECK(fails_with(rig.send(test_unit_ready), SenseKey::not_ready, code::medium_not_present));
    // Loaded again by the same host: the others have to look anew.
    CHECK(good(rig.send(load)));
    CHECK(rig.take_attentions(TapeRig::host).empty());
    CHECK(rig.take_attentions(TapeRig::other_host) == std::vector{code::medium_may_have_changed});
    CHECK(rig.read(1).data_in == Bytes{1});
}

TEST_CASE("an immediate UNLOAD goes on by itself") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE(rig.try_send({0x1b, 1, 0, 0, 0, 0}));
    CHECK(rig.tape().medium == MediumState::unloading);
    rig.settle();
    CHECK(rig.tape().medium == MediumState::unloaded);
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("a LOAD behind an immediate UNLOAD waits for it and loads") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE(rig.try_send({0x1b, 1, 0, 0, 0, 0}));
    CHECK_FALSE(rig.try_send({0x1b, 1, 0, 0, 1, 0}));
    rig.settle();
    const auto answer = rig.try_send({0x1b, 1, 0, 0, 1, 0});
    REQUIRE(answer);
    CHECK(good(*answer));
    CHECK(good(rig.send(test_unit_ready)));
    CHECK(rig.read(1).data_in == Bytes{1});
}

TEST_CASE("UNLOAD with HOLD waits for a LOAD") {
    TapeRig rig;
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 8, 0})));
    CHECK(fails_with(rig.send(test_unit_ready), SenseKey::not_ready,
                     code::initializing_command_required));
    REQUIRE(good(rig.send(load)));
    CHECK(good(rig.send(test_unit_ready)));
}

TEST_CASE("LOAD brings a threaded tape to its beginning") {
    TapeRig rig;
    REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.send(load)));
    CHECK(rig.position() == 0);
    CHECK(rig.take_attentions(TapeRig::other_host).empty());
}

TEST_CASE("a LOAD waits while the cartridge is opened") {
    MemoryMood slow;
    slow.opens_late = true;
    TapeRig rig(blank_tape(), slow);
    REQUIRE(good(rig.send(unload)));
    CHECK_FALSE(rig.try_send(load));
    REQUIRE(rig.shelf().work());
    const auto answer = rig.try_send(load);
    REQUIRE(answer);
    CHECK(good(*answer));
    REQUIRE(good(rig.write({1})));
    CHECK(good(rig.send(load)));  // a new one
    CHECK(rig.position() == 0);
}

TEST_CASE("nobody unloads while somebody prevents it") {
    TapeRig rig;
    REQUIRE(good(rig.send_as(TapeRig::other_host, {0x1e, 0, 0, 0, 1, 0})));
    CHECK(fails_with(rig.send(unload), SenseKey::illegal_request, code::medium_removal_prevented));
    CHECK(rig.tape().medium == MediumState::loaded);
    REQUIRE(good(rig.send_as(TapeRig::other_host, {0x1e, 0, 0, 0, 0, 0})));
    CHECK(good(rig.send(unload)));
}

TEST_CASE("writes that fail while unloading are told by the UNLOAD") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE_FALSE(rig.try_send(unload));
    rig.medium().fail_storing({"disk is gone"});
    REQUIRE(rig.shelf().work());
    const auto answer = rig.try_send(unload);
    REQUIRE(answer);
    CHECK(fails_with(*answer, SenseKey::medium_error, code::write_error));
    CHECK(rig.tape().medium == MediumState::unloaded);
    CHECK(rig.tape().trouble == "disk is gone");
}

TEST_CASE("a drive lets go of a cartridge whose storage stays broken") {
    TapeRig rig(blank_tape(), buffering());
    const bool written = GENERATE(true, false);
    if (written) {
        REQUIRE(good(rig.write({1})));
    }
    rig.medium().break_storage({"disk is read-only"});
    SECTION("at UNLOAD") {
        const auto reply = rig.send(unload);
        // What the drive notes about a load that wrote nothing is stored or not.
        if (written) CHECK(fails_with(reply, SenseKey::medium_error, code::write_error));
    }
    SECTION("behind a REWIND that failed") {
        const auto rewound = rig.send(rewinding);
        if (written) CHECK(fails_with(rewound, SenseKey::medium_error, code::write_error));
        static_cast<void>(rig.send(unload));
    }
    SECTION("when the robot wants it") {
        begin_unload(rig.drive().state().tape, false);
        rig.settle();
    }
    CHECK(rig.tape().medium == MediumState::unloaded);
    CHECK(can_be_taken(rig.tape()));
    CHECK(rig.medium().objects().empty());
}

TEST_CASE("a cartridge that can not be opened says so and can be taken out") {
    TapeRig rig;
    REQUIRE(good(rig.send(unload)));
    static_cast<void>(take_cartridge(rig.drive().state().tape));
    rig.drive().insert("NOBODY");
    CHECK(fails_with(rig.send(test_unit_ready), SenseKey::medium_error,
                     code::medium_format_corrupted));
    CHECK(rig.tape().trouble.find("NOBODY") != std::string::npos);
    CHECK(can_be_taken(rig.tape()));
}

// ---- resets

TEST_CASE("a reset keeps the position and puts mode values back") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.set_block_length(512)));
    REQUIRE(good(rig.write({1})));
    REQUIRE_FALSE(rig.try_send(rewinding));
    REQUIRE(rig.drive().manage(TapeRig::other_host, 0, TaskManagement::logical_unit_reset,
                               rig.events()));
    static_cast<void>(rig.take_attentions(TapeRig::host));
    CHECK(rig.position() == 1);
    CHECK(rig.send({0x1a, 0, 0, 0, 12, 0}).data_in[10] == 0);
    CHECK(good(rig.write({2})));  // nothing is half done
}

TEST_CASE("losing power loses what was not stored, and rewinds") {
    TapeRig rig(blank_tape(), buffering());
    REQUIRE(good(rig.write({1})));
    REQUIRE(rig.shelf().work());
    REQUIRE(good(rig.write({2})));
    rig.drive().power_cycle(Cache::lost, rig.events());
    rig.settle();
    CHECK(rig.take_attentions(TapeRig::host) ==
          std::vector{code::power_on, code::medium_may_have_changed});
    CHECK(rig.position() == 0);
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("what one cartridge lost is not told at the next one") {
    TapeRig rig(blank_tape(), buffering());
    rig.shelf().add({.barcode = "NEXT01L8", .capacity = 1000});
    REQUIRE(good(rig.write({1})));
    rig.medium().break_storage({"disk is gone"});
    const bool immediate_unload = GENERATE(true, false);
    if (immediate_unload) {
        REQUIRE(good(rig.send({0x1b, 1, 0, 0, 0, 0})));
    } else {
        begin_unload(rig.drive().state().tape, false);
    }
    rig.settle();
    REQUIRE(can_be_taken(rig.tape()));
    CHECK(rig.tape().lost_at_unload);
    REQUIRE(take_cartridge(rig.drive().state().tape) == "TAPE01L8");

    rig.drive().insert("NEXT01L8");
    rig.settle();
    for (const NexusId nexus : {TapeRig::host, TapeRig::other_host})
        rig.take_attentions(nexus);
    CHECK(rig.tape().alerts.raised().none());
    CHECK(rig.position() == 0);
    CHECK(good(rig.write({2})));
    CHECK(good(rig.send(unload)));
}

TEST_CASE("storage that fails by an injected fault fails until that is cleared") {
    TapeRig rig(blank_tape(), buffering());
    set_faults(rig.drive().state().tape, {.storage_fails = true});
    REQUIRE(good(rig.write({1})));
    CHECK(fails_with(rig.write_filemarks(0), SenseKey::medium_error, code::write_error));
    REQUIRE(good(rig.write({2})));
    CHECK(fails_with(rig.send(unload), SenseKey::medium_error, code::write_error));
    REQUIRE(good(rig.send(load)));
    REQUIRE(good(rig.write({3})));
    CHECK(fails_with(rig.write_filemarks(0), SenseKey::medium_error, code::write_error));

    set_faults(rig.drive().state().tape, {});
    REQUIRE(good(rig.write({4})));
    CHECK(good(rig.write_filemarks(0)));
    CHECK(rig.medium().objects().size() == 1);
}
