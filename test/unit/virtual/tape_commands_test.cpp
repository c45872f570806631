// What hosts see of the tape at every one of its edges (SSC-3 4.2.5, 6.4, 6.9, 7.10).

#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;
namespace code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

namespace {

// What a reply must say, field by field.
struct Told {
    SenseKey key = SenseKey::no_sense;
    scsi::AdditionalSense additional;
    std::optional<std::uint32_t> information;
    bool filemark = false;
    bool end_of_medium = false;
    bool incorrect_length = false;
};

void check_told(const CommandReply& reply, const Told& told) {
    const auto sense = sense_of(reply);
    CHECK(sense.key == told.key);
    CHECK(sense.additional == told.additional);
    CHECK(sense.information.has_value() == told.information.has_value());
    if (told.information) CHECK(sense.information == *told.information);
    CHECK(sense.filemark == told.filemark);
    CHECK(sense.end_of_medium == told.end_of_medium);
    CHECK(sense.incorrect_length == told.incorrect_length);
    CHECK_FALSE(sense.deferred);
}

Bytes read_fixed(std::uint8_t count) {
    return {0x08, 1, 0, 0, count, 0};
}

}  // namespace

TEST_CASE("a variable read tells how far the block is from the length asked for") {
    TapeRig rig;
    for (int i = 0; i < 6; ++i)
        REQUIRE(good(rig.write(Bytes(100, 7))));
    REQUIRE(good(rig.rewind()));
    CHECK(good(rig.read(100)));
    const auto longer = rig.read(60);  // the block is 40 bytes longer
    check_told(longer, {.information = static_cast<std::uint32_t>(-40), .incorrect_length = true});
    CHECK(longer.data_in == Bytes(60, 7));
    const auto shorter = rig.read(150);
    check_told(shorter, {.information = 50, .incorrect_length = true});
    CHECK(shorter.data_in == Bytes(100, 7));
    CHECK(rig.send(TapeRig::with_length(0x08, 150, 2)).data_in == Bytes(100, 7));  // SILI
    CHECK(rig.send(TapeRig::with_length(0x08, 60, 2)).data_in == Bytes(60, 7));
    // With a block length set, SILI does not hide a block that is too long.
    REQUIRE(good(rig.set_block_length(100)));
    check_told(rig.send(TapeRig::with_length(0x08, 60, 2)),
               {.information = static_cast<std::uint32_t>(-40), .incorrect_length = true});
    CHECK(rig.position() == 6);
    check_told(rig.read(10), {.key = SenseKey::blank_check,
                              .additional = code::end_of_data_detected,
                              .information = 10});
}

TEST_CASE("a fixed read stops at a filemark, a wrong block and the end, and tells what is left") {
    TapeRig rig;
    REQUIRE(good(rig.set_block_length(10)));
    REQUIRE(good(rig.send({0x0a, 1, 0, 0, 3, 0}, Bytes(30, 1))));
    REQUIRE(good(rig.write_filemarks(1)));
    REQUIRE(good(rig.send({0x0a, 1, 0, 0, 2, 0}, Bytes(20, 2))));
    REQUIRE(good(rig.write(Bytes(11, 3))));
    REQUIRE(good(rig.send({0x0a, 1, 0, 0, 2, 0}, Bytes(20, 4))));
    REQUIRE(good(rig.rewind()));
    const auto at_filemark = rig.send(read_fixed(5));
    check_told(at_filemark,
               {.additional = code::filemark_detected, .information = 2, .filemark = true});
    CHECK(at_filemark.data_in == Bytes(30, 1));
    CHECK(rig.position() == 4);
    const auto at_wrong = rig.send(read_fixed(5));
    check_told(at_wrong, {.information = 3, .incorrect_length = true});
    CHECK(at_wrong.data_in == Bytes(20, 2));
    CHECK(rig.position() == 7);
    const auto at_end = rig.send(read_fixed(5));
    check_told(
        at_end,
        {.key = SenseKey::blank_check, .additional = code::end_of_data_detected, .information = 3});
    CHECK(at_end.data_in == Bytes(20, 4));
}

TEST_CASE("reads that can not be are refused before the tape moves") {
    TapeRig rig;
    const auto refused = [&rig](const Bytes& cdb, std::uint16_t byte) {
        const auto reply = rig.send(cdb);
        CHECK(fails_with(reply, SenseKey::illegal_request, code::invalid_field_in_cdb));
        CHECK(sense_of(reply).field->byte == byte);
    };
    refused({0x08, 1, 0, 0, 1, 0}, 1);  // FIXED without a block length
    refused({0x0a, 1, 0, 0, 1, 0}, 1);
    REQUIRE(good(rig.set_block_length(512)));
    refused({0x08, 3, 0, 0, 1, 0}, 1);              // FIXED and SILI
    refused({0x08, 1, 0xff, 0xff, 0xff, 0}, 2);     // 8 GiB
    refused({0x0a, 0, 0x80, 0, 1, 0}, 2);           // a block longer than the limit
    refused({0x13, 2, 0, 0, 1, 0}, 1);              // BYTCMP
    refused({0x11, 2, 0, 0, 1, 0}, 1);              // SPACE sequential filemarks
    refused({0x11, 4, 0, 0, 1, 0}, 1);              // SPACE setmarks
    refused({0x10, 2, 0, 0, 1, 0}, 1);              // setmarks
    refused({0x2b, 2, 0, 0, 0, 0, 0, 0, 1, 0}, 8);  // another partition
    refused({0x34, 2, 0, 0, 0, 0, 0, 0, 0, 0}, 1);
}

TEST_CASE("a block is written whole or not at all") {
    TapeRig rig;
    CHECK(fails_with(rig.send(TapeRig::with_length(0x0a, 100), Bytes(99, 0)),
                     SenseKey::aborted_command, code::data_phase_error));
    CHECK(rig.medium().objects().empty());
    CHECK(good(rig.send(TapeRig::with_length(0x0a, 100), Bytes(120, 0))));
    CHECK(rig.medium().objects()[0].data.size() == 100);
    CHECK(good(rig.send(TapeRig::with_length(0x0a, 0))));
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("spacing over blocks and filemarks ends where the standard says") {
    TapeRig rig;  // b b F b F F b
    for (const int blocks : {2, 1}) {
        for (int i = 0; i < blocks; ++i)
            REQUIRE(good(rig.write({1})));
        REQUIRE(good(rig.write_filemarks(blocks == 2 ? 1 : 2)));
    }
    REQUIRE(good(rig.write({1})));
    const auto space = [&rig](std::uint8_t what, int count) {
        return rig.send({0x11, what, static_cast<std::uint8_t>(count < 0 ? 0xff : 0),
                         static_cast<std::uint8_t>(count < 0 ? 0xff : 0),
                         static_cast<std::uint8_t>(count), 0});
    };
    const Told filemark{.additional = code::filemark_detected, .information = 0, .filemark = true};
    const auto with_left = [](Told told, std::uint32_t left) {
        told.information = left;
        return told;
    };
    const Told beginning{.additional = code::beginning_of_partition_detected,
                         .information = 0,
                         .end_of_medium = true};
    const Told end{.key = SenseKey::blank_check, .additional = code::end_of_data_detected};

    check_told(space(0, -3), with_left(filemark, 2));
    CHECK(rig.position() == 5);  // in front of the filemark
    check_told(space(0, -1), with_left(filemark, 1));
    CHECK(rig.position() == 4);
    CHECK(good(space(1, -1)));
    CHECK(rig.position() == 2);
    check_told(space(0, -7), with_left(beginning, 5));
    CHECK(rig.position() == 0);
    check_told(space(1, -1), with_left(beginning, 1));
    CHECK(good(space(0, 2)));
    check_told(space(0, 4), with_left(filemark, 4));
    CHECK(rig.position() == 3);  // behind the filemark
    CHECK(good(space(1, 2)));
    CHECK(rig.position() == 6);
    check_told(space(0, 4), with_left(end, 3));
    check_told(space(1, 5), with_left(end, 5));
    CHECK(rig.position() == 7);
    CHECK(good(space(3, 0)));
    CHECK(good(rig.rewind()));
    CHECK(good(space(3, 0)));
    CHECK(rig.position() == 7);
    // `mt eod` of Linux.
    REQUIRE(good(rig.rewind()));
    check_told(rig.send({0x11, 1, 0x7f, 0xff, 0xff, 0}), with_left(end, 0x7fffff - 3));
}

TEST_CASE("counts beyond all tapes are no trouble") {
    TapeRig rig;
    REQUIRE(good(rig.write({1})));
    const auto far = [&rig](std::uint8_t what, std::uint8_t sign) {
        return rig.send({0x91, what, 0, 0, sign, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    };
    // The residue does not fit into fixed format: then it is not valid.
    check_told(far(0, 0x80),
               {.additional = code::beginning_of_partition_detected, .end_of_medium = true});
    check_told(far(1, 0x80),
               {.additional = code::beginning_of_partition_detected, .end_of_medium = true});
    check_told(far(0, 0x7f),
               {.key = SenseKey::blank_check, .additional = code::end_of_data_detected});
    check_told(far(1, 0x7f),
               {.key = SenseKey::blank_check, .additional = code::end_of_data_detected});
    check_told(
        rig.send({0x92, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
        {.key = SenseKey::blank_check, .additional = code::end_of_data_detected});
    check_told(
        rig.send({0x92, 8, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
        {.key = SenseKey::blank_check, .additional = code::end_of_data_detected});
    CHECK(rig.position() == 1);
}

TEST_CASE("early warning is told with every write behind it, and the end with what did not fit") {
    TapeRig rig(blank_tape(3200));  // early warning at 3100
    REQUIRE(good(rig.write(Bytes(3099, 1))));
    const Told warning{
        .additional = code::end_of_medium_detected, .information = 0, .end_of_medium = true};
    check_told(rig.write(Bytes(1, 1)), warning);
    check_told(rig.write(Bytes(50, 1)), warning);
    check_told(rig.write_filemarks(1), warning);  // labels and filemarks still fit
    CHECK((rig.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in[0] & 0x40) != 0);
    check_told(rig.write(Bytes(51, 1)), {.key = SenseKey::volume_overflow,
                                         .additional = code::end_of_medium_detected,
                                         .information = 51,
                                         .end_of_medium = true});
    CHECK(rig.medium().objects().size() == 4);
    REQUIRE(good(rig.set_block_length(20)));
    check_told(rig.send({0x0a, 1, 0, 0, 5, 0}, Bytes(100, 2)),
               {.key = SenseKey::volume_overflow,
                .additional = code::end_of_medium_detected,
                .information = 3,
                .end_of_medium = true});
    CHECK(rig.medium().objects().size() == 6);
    // Overwriting begins anew: what stood behind no longer counts.
    REQUIRE(good(rig.rewind()));
    CHECK(good(rig.write(Bytes(3000, 1))));
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("a write protected tape can be read and nothing else") {
    auto facts = blank_tape();
    facts.write_protected = true;
    TapeRig rig(facts);
    rig.medium().append_block({1, 2, 3});
    CHECK(rig.read(3).data_in == Bytes{1, 2, 3});
    CHECK(fails_with(rig.write({1}), SenseKey::data_protect, code::write_protected));
    CHECK(fails_with(rig.write_filemarks(1), SenseKey::data_protect, code::write_protected));
    CHECK(good(rig.write_filemarks(0)));
    CHECK(
        fails_with(rig.send({0x19, 1, 0, 0, 0, 0}), SenseKey::data_protect, code::write_protected));
    REQUIRE(good(rig.rewind()));
    CHECK(
        fails_with(rig.send({0x04, 0, 0, 0, 0, 0}), SenseKey::data_protect, code::write_protected));
    CHECK((rig.send({0x1a, 0, 0, 0, 12, 0}).data_in[2] & 0x80) != 0);
    CHECK(rig.medium().objects().size() == 1);
}

TEST_CASE("a WORM tape takes what stands behind everything, and nothing else") {
    auto facts = blank_tape();
    facts.worm = true;
    TapeRig rig(facts);
    CHECK(good(rig.write({1})));
    CHECK(good(rig.write_filemarks(1)));
    REQUIRE(good(rig.rewind()));
    CHECK(fails_with(rig.write({2}), SenseKey::data_protect, code::worm_overwrite_attempted));
    CHECK(
        fails_with(rig.write_filemarks(1), SenseKey::data_protect, code::worm_overwrite_attempted));
    CHECK(fails_with(rig.send({0x04, 0, 0, 0, 0, 0}), SenseKey::data_protect,
                     code::worm_overwrite_attempted));
    CHECK(good(rig.send({0x11, 3, 0, 0, 0, 0})));
    CHECK(good(rig.write({3})));
    CHECK(rig.medium().objects().size() == 3);
    CHECK(rig.send({0x1a, 0, 0, 0, 12, 0}).data_in[1] == 0x8c);
}

TEST_CASE("a damaged block is a medium error on that block alone") {
    TapeRig rig;
    for (std::uint8_t i = 0; i < 4; ++i)
        REQUIRE(good(rig.write(Bytes(10, i))));
    rig.medium().damaged = {1, 2};
    REQUIRE(good(rig.rewind()));
    CHECK(rig.read(10).data_in == Bytes(10, 0));
    check_told(rig.read(10), {.key = SenseKey::medium_error,
                              .additional = code::unrecovered_read_error,
                              .information = 10});
    CHECK(rig.position() == 2);
    REQUIRE(good(rig.set_block_length(10)));
    REQUIRE(good(rig.rewind()));
    const auto reply = rig.send(read_fixed(4));
    check_told(reply, {.key = SenseKey::medium_error,
                       .additional = code::unrecovered_read_error,
                       .information = 3});
    CHECK(reply.data_in == Bytes(10, 0));
    REQUIRE(good(rig.send({0x11, 0, 0, 0, 1, 0})));  // SPACE passes over it
    CHECK(rig.send(read_fixed(1)).data_in == Bytes(10, 3));
    CHECK(rig.tape().since_load.read_errors == 2);
}

TEST_CASE("ERASE and FORMAT MEDIUM make the end of data") {
    TapeRig rig;
    for (int i = 0; i < 4; ++i)
        REQUIRE(good(rig.write({1})));
    REQUIRE(good(rig.locate(2)));
    CHECK(fails_with(rig.send({0x04, 0, 0, 0, 0, 0}), SenseKey::illegal_request,
                     code::position_past_beginning_of_medium));
    CHECK(good(rig.send({0x19, 0, 0, 0, 0, 0})));
    CHECK(rig.medium().objects().size() == 2);
    CHECK(rig.position() == 2);
    REQUIRE(good(rig.rewind()));
    CHECK(good(rig.send({0x04, 0, 0, 0, 0, 0})));
    CHECK(rig.medium().objects().empty());
}

TEST_CASE("READ POSITION tells the same place in all its forms") {
    MemoryMood mood;
    mood.buffers = true;
    TapeRig rig(blank_tape(), mood);
    CHECK((rig.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in[0] & 0x80) != 0);
    REQUIRE(good(rig.write_filemarks(2)));
    REQUIRE(good(rig.write(Bytes(300, 1))));
    REQUIRE(good(rig.write(Bytes(300, 1))));
    for (const std::uint8_t form : Bytes{0, 1}) {
        const auto brief = rig.send({0x34, form, 0, 0, 0, 0, 0, 0, 0, 0}).data_in;
        CHECK(brief == Bytes{0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0x58});
    }
    const auto extended = rig.send({0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0}).data_in;
    CHECK(extended == Bytes{0, 0, 0, 0x1c, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4,
                            0, 0, 0, 0,    0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2, 0x58});
    const auto whole = rig.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}).data_in;
    CHECK(whole == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4,
                         0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0});
    REQUIRE(good(rig.write_filemarks(0)));  // everything is stored now
    CHECK(rig.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}).data_in ==
          Bytes{0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0});
    for (std::size_t length = 0; length <= 32; ++length) {
        const auto cut =
            rig.send({0x34, 8, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(length), 0});
        CHECK(cut.data_in.size() == length);
    }
}

TEST_CASE("the 16-byte commands go to their address first") {
    TapeRig rig;
    for (std::uint8_t i = 0; i < 4; ++i)
        REQUIRE(good(rig.write(Bytes(5, i))));
    CHECK(rig.send({0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5, 0}).data_in == Bytes(5, 1));
    CHECK(good(rig.send({0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 2, 0}, {9, 9})));
    CHECK(rig.medium().objects().size() == 4);
    CHECK(rig.medium().objects()[3].data == Bytes{9, 9});
    CHECK(good(rig.send({0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0})));
    CHECK(good(rig.send({0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0})));
    CHECK(rig.medium().objects().size() == 1);
    CHECK(fails_with(rig.send({0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 1, 0}, {1}),
                     SenseKey::blank_check, code::end_of_data_detected));
    CHECK(fails_with(rig.send({0x88, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}),
                     SenseKey::illegal_request, code::invalid_field_in_cdb));
}

TEST_CASE("VERIFY meets what READ would meet, without the data") {
    TapeRig rig;
    REQUIRE(good(rig.write(Bytes(10, 1))));
    REQUIRE(good(rig.write(Bytes(10, 1))));
    rig.medium().damaged = {1};
    REQUIRE(good(rig.rewind()));
    const auto reply = rig.send(TapeRig::with_length(0x13, 10));
    CHECK(good(reply));
    CHECK(reply.data_in.empty());
    CHECK(fails_with(rig.send(TapeRig::with_length(0x13, 10)), SenseKey::medium_error,
                     code::unrecovered_read_error));
}

TEST_CASE("the block limits are told, and the largest object number") {
    TapeRig rig;
    CHECK(rig.send({0x05, 0, 0, 0, 0, 0}).data_in == Bytes{0, 0x80, 0, 0, 0, 1});
    const auto identifier = rig.send({0x05, 1, 0, 0, 0, 0}).data_in;
    CHECK(identifier.size() == 20);
    const Bytes block(8 * 1024 * 1024, 1);
    TapeRig large(blank_tape(100'000'000));
    CHECK(good(large.write(block)));
    REQUIRE(good(large.rewind()));
    CHECK(large.read(block.size()).data_in == block);
}
