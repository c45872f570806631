#include "drive_iface/scsi/bytes.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::scsi;

TEST_CASE("a reader reads big-endian fields in order") {
    const Bytes bytes{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                      13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    ByteReader in(bytes);
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0x0203);
    CHECK(in.u24() == 0x040506);
    CHECK(in.u32() == 0x0708090a);
    CHECK(in.u48() == 0x0b0c0d0e0f10);
    CHECK(in.u64() == 0x1112131415161718);
    CHECK(in.ok());
    CHECK(in.remaining() == 0);
}

TEST_CASE("reading past the end fails for good and yields zeros") {
    const Bytes bytes{1, 2, 3};
    ByteReader in(bytes);
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);
    CHECK(in.take(1).empty());
    CHECK(in.remaining() == 0);
    ByteReader again(bytes);
    CHECK(again.take(static_cast<std::size_t>(-1)).empty());
    CHECK_FALSE(again.ok());
}

TEST_CASE("a writer writes what a reader reads") {
    ByteWriter out;
    out.u8(1).u16(0x0203).u24(0x040506).u32(0x0708090a).u48(0x0b0c0d0e0f10).u64(0x1112131415161718);
    out.set_u16(1, 0xbeef);
    const Bytes bytes = out.take();
    ByteReader in(bytes);
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0xbeef);
    CHECK(in.u24() == 0x040506);
    CHECK(in.u32() == 0x0708090a);
    CHECK(in.u48() == 0x0b0c0d0e0f10);
    CHECK(in.u64() == 0x1112131415161718);
}

TEST_CASE("ASCII fields are padded, cut and trimmed") {
    ByteWriter out;
    out.ascii("HPE", 8).ascii("too long for it", 4);
    CHECK(out.view() == Bytes{'H', 'P', 'E', ' ', ' ', ' ', ' ', ' ', 't', 'o', 'o', ' '});
    CHECK(trimmed_ascii(Bytes{' ', 0, 'a', ' ', 'b', 0, ' '}) == "a b");
    CHECK(trimmed_ascii(Bytes{' ', 0}).empty());
    CHECK(trimmed_ascii(Bytes{}).empty());
    CHECK(trimmed_ascii(Bytes{'a', 0x07, 0xff}) == "a??");
    CHECK(to_hex(Bytes{0x00, 0xff, 0x1a}) == "00ff1a");
}
