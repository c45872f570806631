// Random tape commands through the whole device server, on media of all moods, against the naive
// second implementation.

#include <array>

#include "test/unit/virtual/naive_tape.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;

namespace {

// splitmix64: the same numbers everywhere.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(next() % limit); }

  private:
    std::uint64_t state_;
};

using Seen = NaiveTape::Seen;

Seen seen_of(const CommandReply& reply) {
    Seen seen;
    seen.data = reply.data_in;
    if (reply.status == Status::good) return seen;
    const auto sense = sense_of(reply);
    seen.good = false;
    seen.key = static_cast<int>(sense.key);
    seen.asc = sense.additional.asc;
    seen.ascq = sense.additional.ascq;
    seen.filemark = sense.filemark;
    seen.end_of_medium = sense.end_of_medium;
    seen.incorrect_length = sense.incorrect_length;
    if (sense.information) seen.information = static_cast<std::uint32_t>(*sense.information);
    return seen;
}

std::string shown(const Seen& seen) {
    std::string text = seen.good ? "good"
                                 : "key " + std::to_string(seen.key) + " " +
                                       std::to_string(seen.asc) + "/" + std::to_string(seen.ascq);
    if (seen.filemark) text += " filemark";
    if (seen.end_of_medium) text += " end of medium";
    if (seen.incorrect_length) text += " incorrect length";
    if (seen.information) text += " information " + std::to_string(*seen.information);
    return text + ", " + std::to_string(seen.data.size()) + " bytes";
}

// What a tape of this match is like comes from the seed as well.
struct Conditions {
    std::uint32_t capacity;
    bool worm;
    MemoryMood mood;
};

Conditions conditions_of(Dice& dice) {
    Conditions conditions{
        .capacity = 5000 + dice.below(60000), .worm = dice.below(4) == 0, .mood = {}};
    conditions.mood.fetches = dice.below(2) == 0;
    conditions.mood.buffers = dice.below(2) == 0;
    conditions.mood.opens_late = dice.below(2) == 0;
    conditions.mood.objects_a_step = 1 + dice.below(8);
    conditions.mood.buffer_bytes = 1 + dice.below(20000);
    return conditions;
}

class Match {
  public:
    explicit Match(std::uint64_t seed)
        : dice_(seed),
          conditions_(conditions_of(dice_)),
          rig_({.barcode = "PROP01L8", .capacity = conditions_.capacity, .worm = conditions_.worm},
               conditions_.mood),
          naive_(conditions_.capacity, conditions_.capacity - conditions_.capacity / 32,
                 conditions_.worm) {}

    void step() {
        const std::uint32_t what = dice_.below(100);
        if (what < 22) {
            write();
        } else if (what < 30) {
            write_filemarks();
        } else if (what < 55) {
            read();
        } else if (what < 72) {
            space();
        } else if (what < 84) {
            locate();
        } else if (what < 89) {
            compare("REWIND", {0x01, static_cast<std::uint8_t>(dice_.below(2)), 0, 0, 0, 0}, {},
                    naive_.rewind());
        } else if (what < 92) {
            set_block_length();
        } else if (what < 95) {
            rare();
        } else if (what < 96) {
            compare("ERASE", {0x19, 1, 0, 0, 0, 0}, {}, naive_.erase());
        } else {
            compare_position();
        }
    }

    void compare_everything() {
        compare_position();
        CHECK(good(rig_.send({0x01, 0, 0, 0, 0, 0})));
        const auto& objects = rig_.medium().objects();
        REQUIRE(objects.size() == naive_.things().size());
        for (std::size_t i = 0; i < objects.size(); ++i) {
            INFO("object " << i);
            CHECK((objects[i].kind == LogicalObject::Kind::filemark) ==
                  naive_.things()[i].is_filemark);
            CHECK(objects[i].data == naive_.things()[i].data);
        }
    }

  private:
    static Bytes with_count(std::uint8_t opcode, std::uint8_t byte_1, std::int64_t count) {
        const auto raw = static_cast<std::uint32_t>(count) & 0xffffff;
        return {opcode,
                byte_1,
                static_cast<std::uint8_t>(raw >> 16),
                static_cast<std::uint8_t>(raw >> 8),
                static_cast<std::uint8_t>(raw),
                0};
    }
    static Bytes with_u64(std::uint8_t opcode, std::uint8_t byte_1, std::uint64_t number) {
        Bytes cdb{opcode, byte_1, 0, 0};
        for (int shift = 56; shift >= 0; shift -= 8)
            cdb.push_back(static_cast<std::uint8_t>(number >> shift));
        cdb.resize(16, 0);
        return cdb;
    }

    void compare(const std::string& what, const Bytes& cdb, Bytes data_out, const Seen& expected) {
        const Seen seen = seen_of(rig_.send(cdb, std::move(data_out)));
        INFO(what << ": the drive: " << shown(seen) << "; the naive tape: " << shown(expected));
        CHECK(seen == expected);
    }

    Bytes random_bytes(std::size_t length) {
        Bytes bytes(length);
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(dice_.next());
        return bytes;
    }

    void write() {
        const bool fixed = naive_.block_length != 0 && dice_.below(2) == 0;
        const std::uint32_t count = fixed                 ? dice_.below(6)
                                    : dice_.below(4) == 0 ? naive_.block_length
                                                          : dice_.below(1500);
        const Bytes data = random_bytes(fixed ? count * naive_.block_length : count);
        compare(fixed ? "WRITE of fixed blocks" : "WRITE", with_count(0x0a, fixed ? 1 : 0, count),
                data, naive_.write(fixed, count, data));
    }

    // With the address of its first block, or as VERIFY, which sends nothing.
    void read_elsewhere() {
        const std::uint32_t length = 1 + dice_.below(2000);
        if (dice_.below(3) == 0) {
            Seen expected = naive_.read_variable(length, false);
            expected.data.clear();
            compare("VERIFY", with_count(0x13, 0, length), {}, expected);
            return;
        }
        const auto number = dice_.below(static_cast<std::uint32_t>(naive_.things().size()) + 2);
        Bytes cdb = with_u64(0x88, 0, number);
        cdb[13] = static_cast<std::uint8_t>(length >> 8);
        cdb[14] = static_cast<std::uint8_t>(length);
        Seen expected = naive_.locate(number);
        if (expected.good) {
            expected = naive_.read_variable(length, false);
        } else {
            expected.information = length;
        }
        compare("READ(16)", cdb, {}, expected);
    }

    void write_elsewhere() {
        const std::uint32_t length = 1 + dice_.below(900);
        const auto number = dice_.below(static_cast<std::uint32_t>(naive_.things().size()) + 2);
        Bytes cdb = with_u64(0x8a, 0, number);
        cdb[13] = static_cast<std::uint8_t>(length >> 8);
        cdb[14] = static_cast<std::uint8_t>(length);
        const Bytes data = random_bytes(length);
        Seen expected = naive_.locate(number);
        if (expected.good) expected = naive_.write(false, length, data);
        compare("WRITE(16)", cdb, data, expected);
    }

    // Once on, append-only mode stays as long as the tape does.
    void append_only() {
        Bytes list(4 + 4 + 28, 0);
        list[2] = 0x10;
        list[4] = 0x50;
        list[5] = 1;
        list[7] = 28;
        list[9] = 0x12;
        compare("MODE SELECT of append-only mode",
                {0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0}, list, {});
        naive_.append_only = true;
    }

    // Another host's reservation keeps this one's hands off the tape.
    void reserved_by_another() {
        static_cast<void>(rig_.take_attentions(TapeRig::other_host));
        REQUIRE(good(rig_.send_as(TapeRig::other_host, {0x16, 0, 0, 0, 0, 0})));
        for (const Bytes& cdb :
             {Bytes{0x08, 0, 0, 0, 1, 0}, Bytes{0x0a, 0, 0, 0, 1, 0}, Bytes{0x01, 0, 0, 0, 0, 0},
              Bytes{0x11, 3, 0, 0, 0, 0}, Bytes{0x10, 0, 0, 0, 1, 0}, Bytes{0x19, 1, 0, 0, 0, 0}})
            CHECK(rig_.send(cdb, {1}).status == Status::reservation_conflict);
        REQUIRE(good(rig_.send_as(TapeRig::other_host, {0x17, 0, 0, 0, 0, 0})));
    }

    void rare() {
        switch (dice_.below(8)) {
            case 0:
                return reserved_by_another();
            case 1:
                if (dice_.below(6) == 0) append_only();
                return;
            case 2: {
                const std::uint64_t number = naive_.position() + dice_.below(2);
                compare("ALLOW OVERWRITE",
                        {0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(number >> 8),
                         static_cast<std::uint8_t>(number), 0, 0, 0, 0},
                        {}, naive_.allow_overwrite(number & 0xffff));
                return;
            }
            case 3:
            case 4:
                return write_elsewhere();
            default:
                return read_elsewhere();
        }
    }

    void write_filemarks() {
        const std::uint32_t count = dice_.below(10) == 0 ? dice_.below(9000) : dice_.below(4);
        const std::uint8_t immediate = dice_.below(2) == 0 ? 1 : 0;
        compare("WRITE FILEMARKS", with_count(0x10, immediate, count), {},
                naive_.write_filemarks(count));
    }

    void read() {
        if (naive_.block_length != 0 && dice_.below(2) == 0) {
            const std::uint32_t count = dice_.below(6);
            compare("READ of fixed blocks", with_count(0x08, 1, count), {},
                    naive_.read_fixed(count));
            return;
        }
        const bool silent = dice_.below(2) == 0;
        const std::uint32_t length = dice_.below(2000);
        compare("READ", with_count(0x08, silent ? 2 : 0, length), {},
                naive_.read_variable(length, silent));
    }

    void space() {
        const bool sixteen = dice_.below(2) == 0;
        const std::uint32_t which = dice_.below(9);
        const std::uint8_t code = which == 8 ? 3 : which % 2;
        const std::int64_t count = std::int64_t{dice_.below(13)} - 6;
        const Bytes cdb = sixteen ? with_u64(0x91, code, static_cast<std::uint64_t>(count))
                                  : with_count(0x11, code, count);
        compare("SPACE " + std::to_string(code) + " by " + std::to_string(count), cdb, {},
                code == 3   ? naive_.to_end_of_data()
                : code == 0 ? naive_.space_blocks(count)
                            : naive_.space_filemarks(count));
    }

    void locate() {
        const auto number = dice_.below(static_cast<std::uint32_t>(naive_.things().size()) + 3);
        const auto byte = [number](int shift) {
            return static_cast<std::uint8_t>(number >> shift);
        };
        switch (dice_.below(4)) {
            case 0:
                compare("LOCATE(10)", {0x2b, 4, 0, byte(24), byte(16), byte(8), byte(0), 0, 0, 0},
                        {}, naive_.locate(number));
                return;
            case 1:
                compare("LOCATE(16)", with_u64(0x92, 0, number), {}, naive_.locate(number));
                return;
            case 2:
                compare("LOCATE(16) of a file", with_u64(0x92, 1 << 3, number % 12), {},
                        naive_.locate_file(number % 12));
                return;
            default:
                compare("LOCATE(16) of the end of data", with_u64(0x92, 3 << 3, 0), {},
                        naive_.to_end_of_data());
        }
    }

    void set_block_length() {
        constexpr std::array<std::uint32_t, 4> lengths{0, 1, 100, 512};
        const std::uint32_t length = lengths[dice_.below(lengths.size())];
        Bytes list{0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 0};
        list[10] = static_cast<std::uint8_t>(length >> 8);
        list[11] = static_cast<std::uint8_t>(length);
        naive_.block_length = length;
        compare("MODE SELECT", {0x15, 0x10, 0, 0, 12, 0}, list, {});
    }

    void compare_position() {
        const auto reply = rig_.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0});
        REQUIRE(reply.data_in.size() == 32);
        drive_iface::scsi::ByteReader in(reply.data_in);
        const std::uint8_t flags = in.u8();
        in.skip(7);
        CHECK(in.u64() == naive_.position());
        CHECK(in.u64() == naive_.file_number());
        CHECK(((flags & 0x80) != 0) == (naive_.position() == 0));
    }

    Dice dice_;
    Conditions conditions_;
    TapeRig rig_;
    NaiveTape naive_;
};

}  // namespace

TEST_CASE("random commands on tapes of all moods agree with a naive tape") {
    for (std::uint64_t seed = 1; seed <= 80; ++seed) {
        INFO("seed " << seed);
        Match match(seed);
        for (int i = 0; i < 400; ++i) {
            INFO("step " << i);
            match.step();
        }
        match.compare_everything();
    }
}
