#include "drive_iface/cartridge/index_format.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;
using drive_iface::virtual_library::LogicalObject;

namespace {

constexpr VolumeId volume{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr VolumeId other_volume{1};

using Entry = std::array<std::uint8_t, index_entry_size>;

IndexEntry sample_entry() {
    IndexEntry entry;
    entry.object = {LogicalObject::Kind::block, 262144};
    entry.before = {.objects = 77, .offset = 0x123456789abc, .filemarks = 3, .bytes = 0x987654321};
    entry.crc32c = 0xcafe1234;
    entry.generation = 9;
    return entry;
}

IndexCommit sample_commit() {
    return {.sequence = 41,
            .generation = 7,
            .closed = true,
            .since = 12,
            .end = {.objects = 20, .offset = 5000, .filemarks = 2, .bytes = 4000}};
}

}  // namespace

TEST_CASE("an index entry comes back as it was written") {
    Entry bytes{};
    encode_index_entry(sample_entry(), volume, bytes);
    const auto entry = decode_index_entry(bytes, 77, volume);
    REQUIRE(entry.has_value());
    CHECK(entry->object.kind == LogicalObject::Kind::block);
    CHECK(entry->object.length == 262144);
    CHECK(entry->before == sample_entry().before);
    CHECK(entry->crc32c == 0xcafe1234);
    CHECK(entry->generation == 9);

    auto filemark = sample_entry();
    filemark.object = {LogicalObject::Kind::filemark, 0};
    encode_index_entry(filemark, volume, bytes);
    CHECK(decode_index_entry(bytes, 77, volume)->object.kind == LogicalObject::Kind::filemark);
    CHECK(filemark.after().filemarks == 4);
    CHECK(filemark.after().offset == filemark.before.offset + 4);
}

TEST_CASE("an entry counts at its own place of its own volume only") {
    Entry bytes{};
    encode_index_entry(sample_entry(), volume, bytes);
    CHECK_FALSE(decode_index_entry(bytes, 76, volume).has_value());
    CHECK_FALSE(decode_index_entry(bytes, 77, other_volume).has_value());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK_FALSE(decode_index_entry(ByteView(bytes).first(size), 77, volume).has_value());
    }
}

TEST_CASE("every flipped bit of an entry, a commit and a header is noticed") {
    Entry bytes{};
    encode_index_entry(sample_entry(), volume, bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto broken = bytes;
        broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1U << bit % 8));
        REQUIRE_FALSE(decode_index_entry(broken, 77, volume).has_value());
    }
    const auto commit = encode_index_commit(sample_commit(), volume);
    for (std::size_t bit = 0; bit < 72 * 8; ++bit) {
        auto broken = commit;
        broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1U << bit % 8));
        REQUIRE_FALSE(decode_index_commit(broken, volume).has_value());
    }
    const auto header = encode_index_header(volume);
    for (std::size_t bit = 0; bit < 32 * 8; ++bit) {
        auto broken = header;
        broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1U << bit % 8));
        REQUIRE_FALSE(decode_index_header(broken).has_value());
    }
}

TEST_CASE("a commit and a header come back as they were written, and cut ones do not") {
    const auto commit = encode_index_commit(sample_commit(), volume);
    CHECK(decode_index_commit(commit, volume) == sample_commit());
    CHECK_FALSE(decode_index_commit(commit, other_volume).has_value());
    const auto header = encode_index_header(volume);
    CHECK(decode_index_header(header) == volume);
    for (std::size_t size = 0; size < 72; ++size) {
        CHECK_FALSE(decode_index_commit(ByteView(commit).first(size), volume).has_value());
    }
    for (std::size_t size = 0; size < 32; ++size) {
        CHECK_FALSE(decode_index_header(ByteView(header).first(size)).has_value());
    }
}

TEST_CASE("a commit tells its epochs, as many as a page holds, and none when it has none") {
    const VolumeId volume{1, 2, 3};
    IndexCommit commit{.sequence = 7, .generation = 2, .end = {3, 100, 1, 90}};
    CHECK(decode_index_commit(encode_index_commit(commit, volume), volume)->epochs.empty());
    for (const std::size_t count : {std::size_t{1}, epochs_max}) {
        commit.epochs.assign(count, 0);
        for (std::size_t i = 0; i < count; ++i)
            commit.epochs[i] = 1000 + i;
        auto page = encode_index_commit(commit, volume);
        CHECK(decode_index_commit(page, volume) == commit);
        page[80] ^= 1;
        CHECK_FALSE(decode_index_commit(page, volume).has_value());
    }
    IndexCommit later = commit;
    later.epochs.insert(later.epochs.begin(), 5);
    CHECK(later.goes_on_from(commit));
    CHECK_FALSE(commit.goes_on_from(later));
    CHECK(commit.goes_on_from(IndexCommit{}));
}
