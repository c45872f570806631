// The same random life of a cartridge in files and in memory gives the same objects.

#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

class Dice {
  public:
    explicit Dice(std::uint32_t seed) : state_(seed * 2654435761U + 1) {}
    std::uint32_t below(std::uint32_t limit) {
        state_ = state_ * 1664525U + 1013904223U;
        return (state_ >> 12) % limit;
    }

  private:
    std::uint32_t state_;
};

std::uint32_t length_of(Dice& dice) {
    switch (dice.below(6)) {
        case 0:
            return 1 + dice.below(4);
        case 1:
            return 512;
        case 2:
            return 1000 + dice.below(2);
        case 3:
            return 10240;
        case 4:
            return 65536;
        default:
            return 100'000 + dice.below(1000);
    }
}

void require_same(Cartridge& files, Cartridge& memory) {
    REQUIRE(files.end_of_data() == memory.end_of_data());
    REQUIRE(files.used() == memory.used());
    const auto end = files.end_of_data();
    REQUIRE(files.filemarks_before(end) == memory.filemarks_before(end));
    for (std::uint64_t ordinal = 0; ordinal <= memory.filemarks_before(end); ++ordinal) {
        REQUIRE(files.nth_filemark(ordinal) == memory.nth_filemark(ordinal));
    }
    for (std::uint64_t number = 0; number < end; ++number) {
        REQUIRE(files.object(number).kind == memory.object(number).kind);
        REQUIRE(files.object(number).length == memory.object(number).length);
        REQUIRE(files.filemarks_before(number) == memory.filemarks_before(number));
    }
}

void require_same_block(ShelfStand& stand, Cartridge& files, Cartridge& memory,
                        std::uint64_t number) {
    if (memory.object(number).kind == LogicalObject::Kind::filemark) return;
    Blocks expected;
    REQUIRE(memory.read(number, expected).ok());
    REQUIRE(stand.read(files, number) == expected);
}

void live(std::uint32_t seed, Placement placement) {
    INFO("seed " << seed);
    Dice dice(seed);
    ShelfStand stand(placement, 256 << 10);
    stand.create("TWIN01L8");
    auto files = stand.open("TWIN01L8");
    MemoryShelf memory_shelf;
    memory_shelf.add(files->facts());
    auto opened = memory_shelf.open("TWIN01L8");
    REQUIRE((opened && opened->ok()));
    const auto memory = std::move(*opened).value();
    std::uint32_t blocks = 0;
    for (int step = 0; step < 120; ++step) {
        const auto end = memory->end_of_data();
        // Mostly behind everything, sometimes over it.
        const auto at = dice.below(10) == 0 ? dice.below(static_cast<std::uint32_t>(end) + 1) : end;
        switch (dice.below(12)) {
            case 0: {
                const auto count = dice.below(4);
                stand.filemarks(*files, 0);
                files->append_filemarks(at, count);
                memory->append_filemarks(at, count);
                break;
            }
            case 1:
                files->erase(at);
                memory->erase(at);
                break;
            case 2:
                stand.synchronise(*files);
                break;
            case 3: {
                stand.close(std::move(files));
                if (dice.below(2) == 0) stand.restart();
                files = stand.open("TWIN01L8");
                break;
            }
            case 4:
            case 5:
                if (end != 0) {
                    const auto number = dice.below(static_cast<std::uint32_t>(end));
                    for (auto n = std::uint64_t{number}; n < end && n < number + 5U; ++n) {
                        require_same_block(stand, *files, *memory, n);
                    }
                }
                break;
            default: {
                const auto length = length_of(dice);
                const auto data = block_of(length * (1 + dice.below(3)), ++blocks);
                stand.append(*files, at, data, length);
                memory->append_blocks(at, data, length);
                break;
            }
        }
        require_same(*files, *memory);
    }
    stand.close(std::move(files));
    files = stand.open("TWIN01L8");
    require_same(*files, *memory);
    for (std::uint64_t number = 0; number < memory->end_of_data(); ++number) {
        require_same_block(stand, *files, *memory, number);
    }
    CHECK(stand.log == std::vector<std::string>{});
    stand.close(std::move(files));
    const auto report = stand.check("TWIN01L8", false);
    REQUIRE(report.ok());
    CHECK(report->findings == std::vector<std::string>{});
    CHECK(report->objects == memory->end_of_data());
}

}  // namespace

TEST_CASE("a cartridge in files is the same as one in memory, whatever is done to it") {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        live(seed, seed % 3 == 0 ? Placement::mirror : Placement::single);
    }
}
