// Where a tape ends, what may be overwritten, what time it is, and what is wrong with it because
// somebody asked for that.

#include "drive_iface/virtual/loading.hpp"
#include "test/unit/virtual/library_builder.hpp"
#include "test/unit/virtual/tape_builder.hpp"

namespace tape_limits_test {

using namespace tape_test;
namespace code = scsi::additional_sense;
using scsi::SenseKey;
using tape_test::fails_with;
using tape_test::good;

namespace {

constexpr std::uint64_t megabyte = 1'000'000;

// MODE SELECT(10) of page 10h, subpage 01h.
CommandReply select_extension(TapeRig& rig, std::uint8_t write_mode, std::uint16_t warning_mb) {
    Bytes list{0, 0, 0, 0x10, 0, 0, 0, 0, 0x50, 0x01, 0, 28};
    Bytes page(28, 0);
    page[1] = static_cast<std::uint8_t>(write_mode << 4 | 2);
    page[2] = static_cast<std::uint8_t>(warning_mb >> 8);
    page[3] = static_cast<std::uint8_t>(warning_mb & 0xff);
    list.insert(list.end(), page.begin(), page.end());
    return rig.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(list.size()), 0},
                    list);
}

Bytes extension(TapeRig& rig, std::uint8_t page_control = 0) {
    const auto reply = rig.send(
        {0x5a, 8, static_cast<std::uint8_t>(page_control << 6 | 0x10), 1, 0, 0, 0, 0, 255, 0});
    REQUIRE(reply.data_in.size() == 8 + 4 + 28);
    return {reply.data_in.begin() + 12, reply.data_in.end()};
}

CommandReply allow_overwrite(TapeRig& rig, std::uint8_t what, std::uint8_t number = 0) {
    return rig.send({0x82, 0, what, 0, 0, 0, 0, 0, 0, 0, 0, number, 0, 0, 0, 0});
}

CommandReply set_capacity(TapeRig& rig, std::uint16_t proportion) {
    return rig.send({0x0b, 0, 0, static_cast<std::uint8_t>(proportion >> 8),
                     static_cast<std::uint8_t>(proportion & 0xff), 0});
}

std::uint8_t position_flags(TapeRig& rig) {
    return rig.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in.at(0);
}

Bytes log_page(TapeRig& rig, std::uint8_t page) {
    return rig.send({0x4d, 0, static_cast<std::uint8_t>(0x40 | page), 0, 0, 0, 0, 0xff, 0xff, 0})
        .data_in;
}

scsi::Bytes parameter(const Bytes& page, std::uint16_t wanted) {
    const auto decoded = scsi::decode_log_page(page);
    REQUIRE(decoded.ok());
    for (const auto& entry : decoded->parameters) {
        if (entry.code == wanted) return entry.value;
    }
    FAIL("no parameter " << wanted);
    return {};
}

}  // namespace

// ---- programmable early warning

TEST_CASE("the programmable early warning is told once, by the write that comes there") {
    TapeRig rig(blank_tape(64 * megabyte));  // early warning at 62
    REQUIRE(good(select_extension(rig, 0, 2)));
    CHECK(extension(rig)[3] == 2);
    const Bytes block(4 * megabyte, 1);
    for (int i = 0; i < 14; ++i)
        REQUIRE(good(rig.write(block)));
    CHECK((position_flags(rig) & 0x41) == 0);
    const auto warned = rig.write(block);  // 60
    CHECK(fails_with(warned, SenseKey::no_sense, code::programmable_early_warning_detected));
    CHECK(sense_of(warned).end_of_medium);
    CHECK(sense_of(warned).information == 0);
    CHECK((position_flags(rig) & 0x41) == 0x01);
    CHECK(good(rig.write(Bytes(100, 1))));
    // Early warning itself as ever.
    const auto late = rig.write(Bytes(3 * megabyte, 1));
    CHECK(fails_with(late, SenseKey::no_sense, code::end_of_medium_detected));
    CHECK((position_flags(rig) & 0x41) == 0x41);
}

TEST_CASE("a write into early warning tells that and not the programmable one") {
    TapeRig rig(blank_tape(32 * megabyte));  // early warning at 31
    REQUIRE(good(select_extension(rig, 0, 1)));
    const Bytes block(7 * megabyte + 400'000, 1);
    for (int i = 0; i < 4; ++i)
        REQUIRE(good(rig.write(block)));  // 29.6
    CHECK(fails_with(rig.write(Bytes(2 * megabyte, 1)), SenseKey::no_sense,
                     code::end_of_medium_detected));
}

TEST_CASE("the changeable values and the defaults of page 10h, subpage 01h") {
    TapeRig rig;
    REQUIRE(good(select_extension(rig, 1, 0x1234)));
    const Bytes changeable = extension(rig, 1);
    CHECK(changeable[1] == 0xf0);
    CHECK((changeable[2] == 0xff && changeable[3] == 0xff));
    CHECK(extension(rig)[1] == 0x12);
    CHECK(extension(rig, 2)[1] == 0x02);
    CHECK(fails_with(select_extension(rig, 2, 0), SenseKey::illegal_request,
                     code::invalid_field_in_parameter_list));
    CHECK(rig.take_attentions(TapeRig::other_host) == std::vector{code::mode_parameters_changed});
}

// ---- append-only mode

TEST_CASE("append-only mode keeps what is recorded") {
    TapeRig rig;
    REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.write({2})));
    REQUIRE(good(select_extension(rig, 1, 0)));
    CHECK(good(rig.write({3})));
    REQUIRE(good(rig.locate(1)));
    for (const auto& reply :
         {rig.write({9}), rig.write_filemarks(1), rig.send({0x19, 1, 0, 0, 0, 0})})
        CHECK(fails_with(reply, SenseKey::data_protect, code::operator_selected_write_protect));
    REQUIRE(good(rig.rewind()));
    CHECK(fails_with(rig.send({0x04, 0, 0, 0, 0, 0}), SenseKey::data_protect,
                     code::operator_selected_write_protect));
    CHECK(rig.medium().objects().size() == 3);
    // It is not lifted while the tape is there.
    CHECK(fails_with(select_extension(rig, 0, 0), SenseKey::illegal_request,
                     code::invalid_field_in_parameter_list));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    CHECK(good(select_extension(rig, 0, 0)));
}

TEST_CASE("ALLOW OVERWRITE lets one command overwrite, where it was asked for") {
    TapeRig rig;
    CHECK(fails_with(allow_overwrite(rig, 1), SenseKey::illegal_request,
                     code::illegal_command_when_not_in_append_only_mode));
    for (std::uint8_t i = 0; i < 4; ++i)
        REQUIRE(good(rig.write({i})));
    REQUIRE(good(select_extension(rig, 1, 0)));
    REQUIRE(good(rig.locate(2)));
    CHECK(fails_with(allow_overwrite(rig, 1, 1), SenseKey::illegal_request,
                     code::sequential_positioning_error));
    CHECK(
        fails_with(allow_overwrite(rig, 3), SenseKey::illegal_request, code::invalid_field_in_cdb));
    REQUIRE(good(allow_overwrite(rig, 1, 2)));
    REQUIRE(good(rig.locate(1)));
    CHECK(
        fails_with(rig.write({9}), SenseKey::data_protect, code::operator_selected_write_protect));
    REQUIRE(good(rig.locate(2)));
    CHECK(good(rig.write({9})));
    CHECK(rig.medium().objects().size() == 3);
    REQUIRE(good(rig.locate(2)));
    CHECK(
        fails_with(rig.write({9}), SenseKey::data_protect, code::operator_selected_write_protect));
    REQUIRE(good(rig.rewind()));
    REQUIRE(good(allow_overwrite(rig, 2)));
    CHECK(
        fails_with(rig.write({9}), SenseKey::data_protect, code::operator_selected_write_protect));
    CHECK(good(rig.send({0x04, 0, 0, 0, 0, 0})));
    CHECK(rig.medium().objects().empty());
}

// ---- SET CAPACITY

TEST_CASE("SET CAPACITY shortens a tape, for the next drive too") {
    TapeRig rig(blank_tape(64 * megabyte));
    REQUIRE(good(rig.write({1})));
    CHECK(fails_with(set_capacity(rig, 0x8000), SenseKey::illegal_request,
                     code::position_past_beginning_of_medium));
    REQUIRE(good(rig.rewind()));
    REQUIRE(good(set_capacity(rig, 0x4000)));
    CHECK(rig.medium().objects().empty());
    const Bytes block(5 * megabyte, 1);
    REQUIRE(good(rig.write(block)));
    REQUIRE(good(rig.write(block)));
    REQUIRE(good(rig.write(block)));
    const auto over = rig.write(block);
    CHECK(fails_with(over, SenseKey::volume_overflow, code::end_of_medium_detected));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 1, 0})));
    static_cast<void>(rig.take_attentions(TapeRig::host));
    // Tape capacity log, maximum of the partition in MiB.
    CHECK(parameter(log_page(rig, 0x31), 3) == Bytes{0, 0, 0, 15});
    REQUIRE(good(set_capacity(rig, 0xffff)));
    CHECK(parameter(log_page(rig, 0x31), 3) == Bytes{0, 0, 0, 61});
}

TEST_CASE("a write protected tape is not made shorter") {
    auto facts = blank_tape();
    facts.write_protected = true;
    TapeRig rig(facts);
    CHECK(fails_with(set_capacity(rig, 1), SenseKey::data_protect, code::write_protected));
}

// ---- time

TEST_CASE("the timestamp is the library's until a host sets it") {
    virtual_library_test::TwoDrives library;
    virtual_library_test::Host host(library, virtual_library_test::iscsi_port("a"));
    virtual_library_test::Host other(library, virtual_library_test::iscsi_port("b"));
    const Bytes report{0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0};
    CHECK(host.send(report).data_in == Bytes{0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    std::uint64_t now = 0x0102'0304'0506;
    library.set_clock([&now] { return now; });
    CHECK(host.send(report).data_in == Bytes{0, 10, 3, 0, 1, 2, 3, 4, 5, 6, 0, 0});
    const Bytes set{0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0};
    REQUIRE(host.send(set, {0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0}).status == Status::good);
    now += 7;
    CHECK(host.send(report).data_in == Bytes{0, 10, 2, 0, 0, 0, 0, 0, 0, 107, 0, 0});
    CHECK(other.attention() == code::timestamp_changed);
    CHECK(host.send({0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0}, Bytes(11, 0)).status ==
          Status::check_condition);
    library.power_cycle();
    while (host.attention() != code::none) {
    }
    CHECK(host.send(report).data_in[2] == 3);
}

// ---- what a drive tells about itself

TEST_CASE("every command says how long it may take") {
    TapeRig rig;
    const Bytes all = rig.send({0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}).data_in;
    scsi::ByteReader in(all);
    in.skip(4);
    int commands = 0;
    while (in.remaining() > 0) {
        in.skip(8);
        REQUIRE(in.u16() == 10);
        in.skip(2);
        const auto nominal = in.u32();
        const auto recommended = in.u32();
        CHECK(nominal > 0);
        CHECK(recommended >= 60);
        CHECK(recommended > nominal);
        ++commands;
    }
    CHECK(in.ok());
    CHECK(commands == static_cast<int>(drive_commands().size()));
}

TEST_CASE("a drive in a library says which and where") {
    virtual_library_test::TwoDrives library;
    virtual_library_test::Host host(library, virtual_library_test::iscsi_port("a"));
    const auto serial = host.send({0x12, 1, 0xb3, 0, 255, 0}).data_in;
    CHECK(std::string(serial.begin() + 4, serial.end()) == virtual_library_test::changer_serial);
    CHECK(host.send({0x12, 1, 0xb4, 0, 255, 0}).data_in == Bytes{1, 0xb4, 0, 2, 1, 0});
}

TEST_CASE("log pages tell about TapeAlert without taking it, and about the volume's life") {
    TapeRig rig(blank_tape(64 * megabyte));
    REQUIRE(good(rig.write(Bytes(3 * megabyte, 1))));
    rig.medium().damaged.insert(0);
    REQUIRE(good(rig.rewind()));
    REQUIRE(rig.read(3 * megabyte).status == Status::check_condition);
    // Flags 3, 4 and 5.
    CHECK(parameter(log_page(rig, 0x12), 0) == Bytes{0x38, 0, 0, 0, 0, 0, 0, 0});
    CHECK(parameter(log_page(rig, 0x12), 0)[0] == 0x38);
    CHECK(parameter(log_page(rig, 0x2e), 5) == Bytes{1});
    CHECK(parameter(log_page(rig, 0x2e), 5) == Bytes{0});
    const Bytes statistics = log_page(rig, 0x17);
    CHECK(parameter(statistics, 0x0001) == Bytes{0, 0, 0, 1});
    CHECK(parameter(statistics, 0x0010) == Bytes{0, 0, 0, 0, 0, 0, 0, 3});
    CHECK(parameter(statistics, 0x0202) == Bytes{7, 0, 0, 0, 0, 0, 0, 64});
    CHECK(parameter(statistics, 0x0204) == Bytes{7, 0, 0, 0, 0, 0, 0, 59});
}

// ---- faults

TEST_CASE("a block can be made unreadable, and is well again afterwards") {
    TapeRig rig;
    for (std::uint8_t i = 0; i < 3; ++i)
        REQUIRE(good(rig.write({i})));
    REQUIRE(good(rig.rewind()));
    set_faults(rig.drive().state().tape, {.damaged = {1}});
    CHECK(rig.read(1).data_in == Bytes{0});
    CHECK(fails_with(rig.read(1), SenseKey::medium_error, code::unrecovered_read_error));
    CHECK(rig.read(1).data_in == Bytes{2});
    // It stays with the drive when the cartridge is loaded again.
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 1, 0})));
    REQUIRE(good(rig.locate(1)));
    CHECK(fails_with(rig.read(1), SenseKey::medium_error, code::unrecovered_read_error));
    set_faults(rig.drive().state().tape, {});
    REQUIRE(good(rig.locate(1)));
    CHECK(rig.read(1).data_in == Bytes{1});
}

TEST_CASE("early warning can be made to come early") {
    TapeRig rig;
    set_faults(rig.drive().state().tape, {.early_warning_at = 100});
    CHECK(good(rig.write(Bytes(99, 1))));
    CHECK(fails_with(rig.write(Bytes(1, 1)), SenseKey::no_sense, code::end_of_medium_detected));
}

TEST_CASE("losing power with the cache kept loses nothing, and rewinds") {
    MemoryMood mood;
    mood.buffers = true;
    TapeRig rig(blank_tape(), mood);
    REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.write({2})));
    rig.drive().power_cycle(Cache::kept, rig.events());
    CHECK_FALSE(can_be_taken(rig.tape()));
    rig.settle();
    CHECK(rig.take_attentions(TapeRig::host) ==
          std::vector{code::power_on, code::medium_may_have_changed});
    CHECK(rig.position() == 0);
    CHECK(rig.medium().objects().size() == 2);
}

TEST_CASE("a lost reservation leaves the drive free, and its hosts hear of it") {
    virtual_library_test::TwoDrives library;
    virtual_library_test::Host host(library, virtual_library_test::iscsi_port("a"));
    virtual_library_test::Host other(library, virtual_library_test::iscsi_port("b"));
    REQUIRE(host.reserve().status == Status::good);
    static_cast<void>(library.take_events());
    REQUIRE(library.lose_reservation(virtual_library_test::serial).ok());
    const auto events = library.take_events();
    REQUIRE(events.size() == 1);
    CHECK(events[0].change == LibraryEvent::Change::released);
    CHECK(host.attention() == code::reservations_preempted);
    CHECK(other.reserve().status == Status::good);
    REQUIRE(other.release().status == Status::good);
    REQUIRE(host.register_key(0xa).status == Status::good);
    REQUIRE(library.lose_reservation(virtual_library_test::serial).ok());
    CHECK(host.attention() == code::reservations_preempted);
    CHECK(other.reserve().status == Status::good);
    CHECK_FALSE(library.lose_reservation("VT9").ok());
}

}  // namespace tape_limits_test
