#include "drive_iface/snapshots/stretch.hpp"

#include <random>

#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface;
using namespace drive_iface::snapshots;
using virtual_library::Bytes;
using virtual_library::LogicalObject;
using virtual_library::MemoryCartridge;
using virtual_library::MemoryMedium;

namespace {

// "a" a block of this letter, "|" a filemark.
Stretch recorded(const std::string& text, std::uint64_t objects, bool closed = false,
                 std::shared_ptr<MemoryMedium>* kept = nullptr) {
    auto medium = std::make_shared<MemoryMedium>(
        virtual_library::CartridgeFacts{.barcode = "S1", .capacity = 1 << 20});
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '|') {
            medium->append_filemark();
        } else {
            medium->append_block(Bytes(10 + at, static_cast<std::uint8_t>(text[at])));
            if (at < objects) bytes += 10 + at;
        }
    }
    if (kept != nullptr) *kept = medium;
    return {std::make_unique<MemoryCartridge>(medium), objects, bytes, closed};
}

std::string content(virtual_library::Cartridge& cartridge) {
    std::string text;
    for (std::uint64_t number = 0; number < cartridge.end_of_data(); ++number) {
        REQUIRE(cartridge.at_hand(number, 1));
        if (cartridge.object(number).kind == LogicalObject::Kind::filemark) {
            text += '|';
            continue;
        }
        Bytes data;
        REQUIRE(cartridge.read(number, data).ok());
        CHECK(data.size() == cartridge.object(number).length);
        text += static_cast<char>(data.at(0));
    }
    return text;
}

StretchCartridge cartridge_of(std::vector<Stretch> stretches) {
    return {"SN0001L8", std::move(stretches)};
}

template <typename... Each>
std::vector<Stretch> row(Each... each) {
    std::vector<Stretch> all;
    (all.push_back(std::move(each)), ...);
    return all;
}

}  // namespace

TEST_CASE("a stretch ends where its session was, though more was recorded since") {
    auto cartridge = cartridge_of(row(recorded("ab|cd|", 2)));
    CHECK(content(cartridge) == "ab");
    CHECK(cartridge.used() == 21);
    CHECK(cartridge.facts().write_protected);
    CHECK(cartridge.facts().barcode == "SN0001L8");
    CHECK_FALSE(cartridge.nth_filemark(0));
}

TEST_CASE("stretches stand behind each other, closed with a filemark where asked for") {
    auto cartridge = cartridge_of(
        row(recorded("ab|", 3), recorded("cdef", 3, true), recorded("", 0), recorded("g|", 2)));
    CHECK(content(cartridge) == "ab|cde|g|");
}

TEST_CASE("nothing recorded is a blank cartridge") {
    auto cartridge = cartridge_of(row(Stretch{}));
    CHECK(cartridge.end_of_data() == 0);
    CHECK(cartridge.filemarks_before(0) == 0);
    CHECK(cartridge.at_hand(0, 1));
}

TEST_CASE("what a storage fault took away is an unreadable block, and the rest is readable") {
    std::shared_ptr<MemoryMedium> medium;
    std::vector<Stretch> one;
    one.push_back(recorded("abc", 3, false, &medium));
    auto source = std::make_unique<MemoryCartridge>(medium);
    auto cartridge = cartridge_of(std::move(one));
    source->erase(2);
    Bytes data;
    CHECK(cartridge.object(2).kind == LogicalObject::Kind::block);
    const auto read = cartridge.read(2, data);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("lost") != std::string::npos);
    CHECK(cartridge.read(1, data).ok());
    CHECK(cartridge.filemarks_before(3) == 0);
}

TEST_CASE("filemarks are counted and found as in one sequence, whatever it is made of") {
    std::mt19937_64 random(3);
    for (int round = 0; round < 300; ++round) {
        std::string expected;
        std::vector<Stretch> stretches;
        for (auto parts = random() % 5; parts > 0; --parts) {
            std::string text;
            for (auto length = random() % 7; length > 0; --length)
                text += random() % 3 == 0 ? '|' : 'x';
            const auto objects = text.empty() ? 0 : random() % (text.size() + 1);
            const bool closed = random() % 2 == 0;
            stretches.push_back(recorded(text, objects, closed));
            expected += text.substr(0, objects) + (closed ? "|" : "");
        }
        auto cartridge = cartridge_of(std::move(stretches));
        INFO(expected);
        REQUIRE(cartridge.end_of_data() == expected.size());
        CHECK(content(cartridge) == expected);
        std::uint64_t filemarks = 0;
        for (std::uint64_t number = 0; number <= expected.size(); ++number) {
            CHECK(cartridge.filemarks_before(number) == filemarks);
            if (number == expected.size() || expected[number] != '|') continue;
            CHECK(cartridge.nth_filemark(filemarks) == number);
            ++filemarks;
        }
        CHECK_FALSE(cartridge.nth_filemark(filemarks));
    }
}
