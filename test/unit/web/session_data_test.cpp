#include "drive_iface/web/session_data.hpp"

#include "test/support/catch.hpp"
#include "test/unit/web/memory_library.hpp"

using namespace web_test;
using web::DataForm;
using web::RecordingPieces;

namespace {

std::shared_ptr<MemoryMedium> medium_with(const std::vector<std::string>& objects) {
    MemoryTracking tracking;
    tracking.add(1, SessionState::complete, objects);
    return tracking.all.at(1).medium;
}

// All pieces; the medium works when it has to be waited for.
Result<std::string> joined(const std::shared_ptr<MemoryMedium>& medium, DataForm form,
                           std::size_t* largest = nullptr) {
    RecordingPieces pieces(std::make_unique<virtual_library::MemoryCartridge>(medium), form);
    std::string all;
    for (;;) {
        const auto piece = pieces.next();
        if (!piece) {
            medium->work();
            continue;
        }
        if (!piece->ok()) return piece->error();
        if (piece->value().empty()) return all;
        if (largest != nullptr) *largest = std::max(*largest, piece->value().size());
        all.append(piece->value().begin(), piece->value().end());
    }
}

const std::string mark(4, '\0');
const std::string end_mark(4, '\xff');

std::string length_of(std::uint8_t number) {
    return std::string(1, static_cast<char>(number)) + std::string(3, '\0');
}

}  // namespace

TEST_CASE("a recording as .tap has lengths on both sides, padding and an end") {
    const auto medium = medium_with({"four", "", "odd", "", ""});
    CHECK(joined(medium, DataForm::tap).value() == length_of(4) + "four" + length_of(4) + mark +
                                                       length_of(3) + std::string("odd\0", 4) +
                                                       length_of(3) + mark + mark + end_mark);
}

TEST_CASE("an empty recording as .tap is its end marker, and joined it is nothing") {
    CHECK(joined(medium_with({}), DataForm::tap).value() == end_mark);
    CHECK(joined(medium_with({}), DataForm::blocks).value().empty());
    CHECK(joined(medium_with({"", ""}), DataForm::blocks).value().empty());
}

TEST_CASE("joined blocks are what the host wrote, and their length is known before") {
    const auto medium = medium_with({"one", "", "two", "three"});
    CHECK(joined(medium, DataForm::blocks).value() == "onetwothree");
    RecordingPieces pieces(std::make_unique<virtual_library::MemoryCartridge>(medium),
                           DataForm::blocks);
    CHECK(pieces.length() == 11u);
}

TEST_CASE("a long recording comes in pieces, also when each block has to be fetched") {
    std::vector<std::string> objects;
    std::string all;
    for (int i = 0; i < 40; ++i) {
        objects.emplace_back(30'000 + i, static_cast<char>('a' + i % 26));
        all += objects.back();
    }
    const auto medium = medium_with(objects);
    medium->mood.fetches = true;
    std::size_t largest = 0;
    CHECK((joined(medium, DataForm::blocks, &largest).value() == all));
    CHECK(largest < 300'000);
}

TEST_CASE("many filemarks do not hold up the event loop") {
    const auto medium = medium_with(std::vector<std::string>(10'000, ""));
    RecordingPieces pieces(std::make_unique<virtual_library::MemoryCartridge>(medium),
                           DataForm::blocks);
    CHECK(!pieces.next());
    CHECK(!pieces.next());
    const auto last = pieces.next();
    REQUIRE(last);
    CHECK(last->value().empty());
}

TEST_CASE("a damaged block ends the download with its number") {
    const auto medium = medium_with({"one", "two"});
    medium->damaged.insert(1);
    const auto all = joined(medium, DataForm::tap);
    REQUIRE(!all.ok());
    CHECK(all.error().message.find("record 1: ") == 0);
}
