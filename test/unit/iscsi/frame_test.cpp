#include "drive_iface/iscsi/frame.hpp"

#include <algorithm>
#include <string_view>

#include "drive_iface/checksum/crc32c.hpp"
#include "drive_iface/iscsi/md5.hpp"
#include "drive_iface/iscsi/output.hpp"
#include "drive_iface/scsi/bytes.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::iscsi;
using drive_iface::checksum::crc32c;

namespace {

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

Bytes stream_of(const Bytes& data, Digests digests) {
    BasicHeader header{};
    header[0] = 0x01;
    header[47] = 0x5a;
    Bytes stream;
    append_frame(stream, header, data, digests);
    return stream;
}

}  // namespace

TEST_CASE("CRC32C is that of the examples in RFC 7143 appendix A") {
    CHECK(crc32c(Bytes(32, 0x00)) == 0x8a9136aa);
    CHECK(crc32c(Bytes(32, 0xff)) == 0x62a8ab43);
    Bytes rising;
    for (std::uint8_t i = 0; i < 32; ++i)
        rising.push_back(i);
    CHECK(crc32c(rising) == 0x46dd794e);
    CHECK(crc32c(ByteView(rising).subspan(10), crc32c(ByteView(rising).first(10))) == 0x46dd794e);
}

TEST_CASE("MD5 is that of the test suite in RFC 1321 A.5") {
    const auto digest = [](std::string_view text) {
        return drive_iface::scsi::to_hex(md5(bytes_of(text)));
    };
    CHECK(digest("") == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(digest("abc") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(digest(
              "12345678901234567890123456789012345678901234567890123456789012345678901234567890") ==
          "57edf4a22be3c955ac49da2e2107b67a");
}

TEST_CASE("a PDU comes out of the stream however it was cut up") {
    const auto digests = GENERATE(Digests{false, false}, Digests{true, false}, Digests{false, true},
                                  Digests{true, true});
    const auto size = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{1021});
    const Bytes data(size, 0xa5);
    auto stream = stream_of(data, digests);
    const auto twice = stream_of(data, digests);
    stream.insert(stream.end(), twice.begin(), twice.end());

    FrameReader reader(4096);
    reader.set_digests(digests);
    std::size_t frames = 0;
    for (const auto byte : stream) {
        reader.append(ByteView(&byte, 1));
        const auto next = reader.next();
        REQUIRE_FALSE(std::holds_alternative<StreamBroken>(next));
        if (const auto* frame = std::get_if<Frame>(&next)) {
            CHECK(frame->data == data);
            CHECK_FALSE(frame->data_digest_wrong);
            CHECK(frame->header[47] == 0x5a);
            ++frames;
        }
    }
    CHECK(frames == 2);
}

TEST_CASE("long segments are read in place, and what follows them is not lost") {
    const auto digests = GENERATE(Digests{false, false}, Digests{true, true});
    // Longer than the reader grows a buffer at a time, and padded.
    const Bytes data(300'001, 0xa5);
    auto stream = stream_of(data, digests);
    const auto small = stream_of({1, 2, 3}, digests);
    stream.insert(stream.end(), small.begin(), small.end());
    const auto step = GENERATE(std::size_t{1'000}, std::size_t{70'000}, std::size_t{10'000'000});

    FrameReader reader(1U << 20);
    reader.set_digests(digests);
    std::vector<Bytes> segments;
    std::size_t in_place = 0;
    for (std::size_t at = 0; at < stream.size();) {
        const auto room = reader.room();
        auto size = std::min({step, stream.size() - at, room.segment.size() + room.beyond.size()});
        REQUIRE(size > 0);
        const auto here = std::min(size, room.segment.size());
        const auto from = stream.begin() + static_cast<std::ptrdiff_t>(at);
        std::copy_n(from, here, room.segment.begin());
        std::copy_n(from + static_cast<std::ptrdiff_t>(here), size - here, room.beyond.begin());
        in_place += here;
        reader.received(size);
        at += size;
        while (true) {
            const auto next = reader.next();
            REQUIRE_FALSE(std::holds_alternative<StreamBroken>(next));
            const auto* frame = std::get_if<Frame>(&next);
            if (!frame) break;
            CHECK_FALSE(frame->data_digest_wrong);
            segments.push_back(frame->data);
        }
    }
    CHECK(segments == std::vector<Bytes>{data, {1, 2, 3}});
    CHECK(in_place > data.size() * 3 / 4);
}

TEST_CASE("a segment is appended to the buffer that was lent for it") {
    FrameReader reader(4096);
    reader.set_lender([](const BasicHeader& header, std::size_t size) {
        CHECK(header[47] == 0x5a);
        CHECK(size == 3);
        return Bytes{9, 9};
    });
    reader.append(stream_of({1, 2, 3}, {}));
    const auto next = reader.next();
    const auto& frame = std::get<Frame>(next);
    CHECK(frame.data == Bytes{9, 9, 1, 2, 3});
    CHECK(Bytes(frame.segment().begin(), frame.segment().end()) == Bytes{1, 2, 3});
}

TEST_CASE("output goes out in pieces of any size and shares what it can") {
    const auto digests = GENERATE(Digests{false, false}, Digests{true, true});
    const Slice shared(Bytes(10, 7));
    OutputQueue queue;
    Bytes expected;
    for (const unsigned size : {10U, 0U, 3U, 4U}) {
        BasicHeader header{};
        header[1] = static_cast<std::uint8_t>(size);
        queue.push(header, shared.part(10 - size, size), digests);
        append_frame(expected, header, Bytes(size, 7), digests);
    }
    CHECK(queue.size() == expected.size());
    const auto step = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{1000});
    Bytes sent;
    while (!queue.empty()) {
        std::array<ByteView, 2> pieces;
        const auto count = queue.gather(pieces);
        REQUIRE(count > 0);
        std::size_t left = step;
        for (const auto piece : std::span(pieces).first(count)) {
            const auto part = piece.first(std::min(left, piece.size()));
            sent.insert(sent.end(), part.begin(), part.end());
            left -= part.size();
        }
        queue.consume(step - left);
    }
    CHECK(sent == expected);
}

TEST_CASE("a wrong header digest breaks the stream for good") {
    auto stream = stream_of({1, 2, 3}, {true, false});
    stream[20] ^= 1;
    FrameReader reader(4096);
    reader.set_digests({true, false});
    reader.append(stream);
    CHECK(std::holds_alternative<StreamBroken>(reader.next()));
    reader.append(stream_of({}, {true, false}));
    CHECK(std::holds_alternative<StreamBroken>(reader.next()));
}

TEST_CASE("a wrong data digest is told with the PDU and the stream goes on") {
    auto stream = stream_of({1, 2, 3}, {false, true});
    stream[49] ^= 1;
    const auto good = stream_of({4}, {false, true});
    stream.insert(stream.end(), good.begin(), good.end());
    FrameReader reader(4096);
    reader.set_digests({false, true});
    reader.append(stream);
    CHECK(std::get<Frame>(reader.next()).data_digest_wrong);
    CHECK_FALSE(std::get<Frame>(reader.next()).data_digest_wrong);
}

TEST_CASE("a data segment longer than was declared breaks the stream before its data arrives") {
    auto stream = stream_of(Bytes(4097), {});
    stream.resize(48);
    FrameReader reader(4096);
    reader.append(stream);
    CHECK(std::holds_alternative<StreamBroken>(reader.next()));
}

TEST_CASE("additional header segments are skipped") {
    auto stream = stream_of({7, 8}, {});
    stream[4] = 2;
    stream.insert(stream.begin() + 48, 8, 0xee);
    FrameReader reader(4096);
    reader.append(stream);
    CHECK(std::get<Frame>(reader.next()).data == Bytes{7, 8});
}
