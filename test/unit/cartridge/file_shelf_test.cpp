#include "drive_iface/cartridge/file_shelf.hpp"

#include <algorithm>
#include <filesystem>

#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/index_format.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

std::string start_error(const std::vector<std::string>& folders) {
    TestLoop loop;
    ShelfConfiguration configuration;
    configuration.folders = folders;
    const auto shelf = FileShelf::start(configuration, loop.door());
    REQUIRE_FALSE(shelf.ok());
    return shelf.error().message;
}

std::vector<Blocks> fill(ShelfStand& stand, const std::string& barcode, std::uint32_t count) {
    auto cartridge = stand.open(barcode);
    std::vector<Blocks> expected;
    for (std::uint32_t i = 0; i < count; ++i) {
        expected.push_back(block_of(1000, i));
        stand.append(*cartridge, expected.back());
    }
    stand.close(std::move(cartridge));
    return expected;
}

std::vector<Blocks> content(ShelfStand& stand, const std::string& barcode) {
    auto cartridge = stand.open(barcode);
    auto all = recorded(stand, *cartridge);
    stand.close(std::move(cartridge));
    return all;
}

void spoil(const std::string& path, std::size_t at) {
    auto bytes = file_bytes(path);
    REQUIRE(at < bytes.size());
    bytes[at] ^= 0x04;
    write_file(path, bytes);
}

}  // namespace

TEST_CASE("fewer than two usable folders are refused in words") {
    const TemporaryFolder folder;
    CHECK_THAT(start_error({}), ContainsSubstring("two storage folders or more"));
    CHECK_THAT(start_error({folder.path("a")}), ContainsSubstring("has 1"));
    CHECK_THAT(start_error({folder.path("a"), folder.path("a/../a")}),
               ContainsSubstring("is given twice"));
    CHECK_THAT(start_error({folder.path("a"), "relative"}), ContainsSubstring("absolute"));
    CHECK_THAT(start_error({folder.path("a"), "/proc/nowhere"}),
               ContainsSubstring("could not be made"));
}

TEST_CASE("cartridges are made, listed in order of barcode, protected and removed") {
    ShelfStand stand;
    stand.create("LRA002L8");
    stand.create("LRA001L8", 5 << 20);
    REQUIRE(stand.shelf().list().size() == 2);
    CHECK(stand.shelf().list()[0].facts.barcode == "LRA001L8");
    CHECK(stand.shelf().list()[0].facts.capacity == 5 << 20);
    // Spread over the folders.
    CHECK(stand.shelf().show("LRA001L8")->folders != stand.shelf().show("LRA002L8")->folders);

    CHECK(stand.shelf().protect("LRA001L8", true).ok());
    stand.restart();
    CHECK(stand.shelf().list()[0].facts.write_protected);
    CHECK(stand.open("LRA001L8")->facts().write_protected);
    CHECK_FALSE(stand.shelf().protect("LRA009L8", true).ok());

    CHECK(stand.shelf().remove("LRA002L8").ok());
    CHECK(stand.open_error("LRA002L8") == "there is no cartridge LRA002L8");
    stand.restart();
    CHECK(stand.shelf().list().size() == 1);
    for (const auto& folder : stand.folders) {
        for (const auto& file : std::filesystem::directory_iterator(folder)) {
            CHECK(file.path().stem() == "LRA001L8");
        }
    }
}

TEST_CASE("impossible cartridges are not made") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto error = [&](const std::string& barcode, std::uint64_t capacity) {
        NewCartridge wanted;
        wanted.barcode = barcode;
        wanted.capacity = capacity;
        const auto made = stand.shelf().create(wanted);
        return made.ok() ? std::string() : made.error().message;
    };
    CHECK_THAT(error("LRA001L8", 1 << 30), ContainsSubstring("already"));
    CHECK_THAT(error("../LRA", 1 << 30), ContainsSubstring("A-Z"));
    CHECK_THAT(error("LRA002L8", 1000), ContainsSubstring("1 MiB"));
    CHECK_THAT(error("LRA002L8", 1ULL << 60), ContainsSubstring("128 TiB"));
}

TEST_CASE("a cleaning cartridge keeps its uses, holds no data and is told of when it is used up") {
    ShelfStand stand;
    REQUIRE(stand.shelf().create({.barcode = "CLN001L8", .cleaning = true, .cleanings = 2}).ok());
    const auto cleanings = [&stand] {
        return cleanings_of(stand.shelf().show("CLN001L8").value().metadata.attributes);
    };
    CHECK(cleanings() == Cleanings{0, 2});
    CHECK_FALSE(stand.shelf().protect("CLN001L8", true).ok());
    for (std::uint64_t use = 1; use <= 2; ++use) {
        CHECK(stand.shelf().show("CLN001L8")->troubles.empty());
        auto cleaner = stand.open("CLN001L8");
        CHECK(cleaner->facts().cleaning);
        auto memory = cleaner->attributes();
        memory[load_count_attribute] = {0, {static_cast<std::uint8_t>(use)}};
        cleaner->set_attributes(memory);
        stand.synchronise(*cleaner);
        stand.close(std::move(cleaner));
        stand.restart();
        CHECK(cleanings() == Cleanings{use, 2});
    }
    const auto troubles = stand.shelf().show("CLN001L8")->troubles;
    REQUIRE(troubles.size() == 1);
    CHECK_THAT(troubles[0], ContainsSubstring("used up"));
}

TEST_CASE("a cartridge is open once, and nothing is done to an open one") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    CHECK_THAT(stand.open_error("LRA001L8"), ContainsSubstring("is in a drive"));
    CHECK_FALSE(stand.shelf().remove("LRA001L8").ok());
    CHECK_FALSE(stand.shelf().protect("LRA001L8", true).ok());
    CHECK_FALSE(stand.check("LRA001L8", false).ok());
    CHECK(stand.shelf().show("LRA001L8")->open);
    stand.append(*cartridge, block_of(5000, 1));
    CHECK(stand.shelf().list()[0].used == 5000);
    // Given back and asked for again at once: it is waited for.
    cartridge.reset();
    cartridge = stand.open("LRA001L8");
    CHECK(stand.read(*cartridge, 0) == block_of(5000, 1));
}

TEST_CASE("a load is counted and its times are kept") {
    ShelfStand stand;
    stand.create("LRA001L8");
    for (int i = 0; i < 3; ++i) {
        stand.close(stand.open("LRA001L8"));
    }
    // Only looked at: no data was written, and the description tells of it.
    const auto report = stand.shelf().show("LRA001L8");
    CHECK(report->metadata.load_count == 3);
    REQUIRE(report->metadata.loads.size() == 3);
    CHECK(report->metadata.loads[2].unloaded_at.has_value());
    stand.restart();
    CHECK(stand.shelf().show("LRA001L8")->metadata.loads == report->metadata.loads);
}

TEST_CASE("files an operator brings are found, and strange ones are told of") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8", 5);
    ShelfStand site;
    for (const auto& name : {"LRA001L8.tap", "LRA001L8.tix", "LRA001L8.json"}) {
        std::filesystem::copy_file(stand.folders[0] + "/" + name, site.folders[1] + "/" + name);
    }
    CHECK(site.shelf().rescan() == std::vector<std::string>{});
    CHECK(content(site, "LRA001L8") == expected);

    write_file(site.folders[0] + "/STRAY.tap", {0, 0, 0, 0});
    write_file(site.folders[0] + "/BROKEN.json", {'{'});
    const auto troubles = site.shelf().rescan();
    REQUIRE(troubles.size() == 2);
    CHECK_THAT(troubles[0], ContainsSubstring("BROKEN"));
    CHECK_THAT(troubles[1], ContainsSubstring("STRAY"));
    CHECK(site.shelf().list().size() == 1);
}

TEST_CASE("another recording under the same barcode is told of and left alone") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8", 5);
    ShelfStand other;
    other.create("LRA001L8");
    for (const auto& name : {"LRA001L8.tap", "LRA001L8.tix", "LRA001L8.json"}) {
        std::filesystem::copy_file(other.folders[0] + "/" + name, stand.folders[1] + "/" + name);
    }
    REQUIRE(stand.shelf().rescan().size() == 1);
    CHECK(content(stand, "LRA001L8") == expected);
}

TEST_CASE("check finds a damaged block, and repairs it from the other copy when there is one") {
    const auto placement = GENERATE(Placement::mirror, Placement::single);
    ShelfStand stand(placement);
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8", 10);
    CHECK(stand.check("LRA001L8", false)->findings == std::vector<std::string>{});
    spoil(stand.data_file("LRA001L8"), 4 * 1008 + 300);
    spoil(stand.data_file("LRA001L8"), 7 * 1008 + 1);  // a length

    auto report = stand.check("LRA001L8", false);
    REQUIRE(report.ok());
    CHECK_FALSE(report->sound);
    REQUIRE(report->findings.size() == 2);
    CHECK_THAT(report->findings[0], ContainsSubstring("block 4"));
    CHECK_THAT(report->findings[1], ContainsSubstring("block 7"));
    CHECK(report->objects == 10);
    CHECK(report->damaged_blocks == (placement == Placement::mirror ? 0 : 2));

    report = stand.check("LRA001L8", true);
    REQUIRE(report.ok());
    CHECK(report->sound == (placement == Placement::mirror));
    CHECK(stand.check("LRA001L8", false)->sound == (placement == Placement::mirror));
    if (placement == Placement::mirror) CHECK(content(stand, "LRA001L8") == expected);
}

TEST_CASE("check makes damaged index entries anew from the data") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8", 2000);
    spoil(stand.index_file("LRA001L8"), index_offset(3) + 9);
    spoil(stand.index_file("LRA001L8"), index_offset(1500) + 1);
    const auto report = stand.check("LRA001L8", false);
    REQUIRE(report.ok());
    CHECK(report->findings.size() == 2);
    CHECK_FALSE(report->sound);
    const auto repaired = stand.check("LRA001L8", true);
    CHECK(repaired->sound);
    CHECK(repaired->repairs.size() == 1);
    CHECK(content(stand, "LRA001L8") == expected);
    CHECK(stand.check("LRA001L8", false)->findings == std::vector<std::string>{});
}

TEST_CASE("a lost copy of a mirror is told of and made anew by repair") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8", 10);
    const auto lost = GENERATE(std::string("all"), std::string("data"));
    const auto paths = copy_paths(stand.folders[0], "LRA001L8");
    std::filesystem::remove(paths.data);
    if (lost == "all") {
        std::filesystem::remove(paths.index);
        std::filesystem::remove(paths.metadata);
    }
    stand.restart();
    CHECK(content(stand, "LRA001L8") == expected);
    CHECK_FALSE(stand.log.empty());
    CHECK_FALSE(stand.check("LRA001L8", false)->sound);
    const auto report = stand.check("LRA001L8", true);
    REQUIRE(report.ok());
    CHECK(report->sound);
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
    stand.log.clear();
    CHECK(content(stand, "LRA001L8") == expected);
    CHECK(stand.log == std::vector<std::string>{});
}

TEST_CASE("a copy that missed a load is brought up to date when the cartridge is loaded") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    static_cast<void>(fill(stand, "LRA001L8", 10));
    const auto paths = copy_paths(stand.folders[1], "LRA001L8");
    const auto data = file_bytes(paths.data);
    const auto index = file_bytes(paths.index);
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, 4, block_of(77, 1), 77);
    stand.filemarks(*cartridge);
    stand.close(std::move(cartridge));
    write_file(paths.data, data);
    write_file(paths.index, index);
    stand.log.clear();

    cartridge = stand.open("LRA001L8");
    CHECK(cartridge->end_of_data() == 6);
    CHECK(stand.read(*cartridge, 4) == block_of(77, 1));
    stand.close(std::move(cartridge));
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring("is up to date again"));
    CHECK(stand.check("LRA001L8", false)->findings == std::vector<std::string>{});
}

TEST_CASE("a check can be cancelled, tells its progress and leaves when the shelf does") {
    ShelfStand stand;
    stand.create("LRA001L8");
    {
        auto cartridge = stand.open("LRA001L8");
        for (std::uint32_t i = 0; i < 96; ++i) {
            stand.append(*cartridge, block_of(1 << 20, i));
        }
        stand.close(std::move(cartridge));
    }
    bool told = false;
    std::optional<agent::core::Result<CheckReport>> report;
    const auto progress = [&](const JobProgress& now) {
        told = now.bytes_total > 96U << 20 && now.bytes_done <= now.bytes_total;
    };
    const auto done = [&](const auto& result) { report = result; };
    REQUIRE(stand.shelf().check("LRA001L8", false, progress, done).ok());
    REQUIRE(stand.loop.run_until([&] { return report.has_value(); }));
    CHECK(report->ok());
    CHECK(told);

    report.reset();
    const auto job = stand.shelf().check("LRA001L8", false, {}, done);
    REQUIRE(job.ok());
    stand.shelf().cancel(*job);
    REQUIRE(stand.loop.run_until([&] { return report.has_value(); }));
    REQUIRE_FALSE(report->ok());
    CHECK_THAT(report->error().message, ContainsSubstring("cancelled"));

    report.reset();
    REQUIRE(stand.shelf().check("LRA001L8", false, {}, done).ok());
    stand.restart();
    CHECK_FALSE(report.has_value());
    CHECK(stand.open("LRA001L8")->end_of_data() == 96);
}

namespace {

// A folder of a mirror is away, and comes back.
class Away {
  public:
    Away(ShelfStand& stand, std::size_t which)
        : from_(stand.folders[which]), to_(stand.folders[which] + ".away") {
        std::filesystem::rename(from_, to_);
        std::filesystem::create_directories(from_);
    }
    ~Away() {
        std::filesystem::remove_all(from_);
        std::filesystem::rename(to_, from_);
    }
    Away(const Away&) = delete;
    Away& operator=(const Away&) = delete;

  private:
    std::string from_;
    std::string to_;
};

void load_and_write(ShelfStand& stand, std::uint64_t at, const Blocks& block) {
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, at, block, static_cast<std::uint32_t>(block.size()));
    stand.synchronise(*cartridge);
    stand.close(std::move(cartridge));
}

}  // namespace

TEST_CASE("of a mirror whose sides were both written alone neither is lost") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    load_and_write(stand, 0, block_of(1000, 1));
    {
        const Away away(stand, 0);
        load_and_write(stand, 1, block_of(1000, 2));
    }
    {
        const Away away(stand, 1);
        load_and_write(stand, 1, block_of(1000, 3));
        load_and_write(stand, 2, block_of(1000, 4));
    }
    const auto kept = file_bytes(stand.data_file("LRA001L8", 1));
    stand.log.clear();
    auto cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) ==
          std::vector{block_of(1000, 1), block_of(1000, 3), block_of(1000, 4)});
    stand.append(*cartridge, block_of(1000, 5));
    stand.close(std::move(cartridge));
    REQUIRE_FALSE(stand.log.empty());
    CHECK_THAT(stand.log[0], ContainsSubstring("differ from object 1 on") &&
                                 ContainsSubstring("Import " + stand.data_file("LRA001L8", 1)));
    CHECK(file_bytes(stand.data_file("LRA001L8", 1)) == kept);

    auto report = stand.check("LRA001L8", true);
    REQUIRE(report.ok());
    CHECK_FALSE(report->sound);
    CHECK(file_bytes(stand.data_file("LRA001L8", 1)) == kept);

    // Somebody has looked at it and takes it away.
    for (const auto* end : {".tap", ".tix", ".json"})
        std::filesystem::remove(stand.folders[1] + "/LRA001L8" + end);
    report = stand.check("LRA001L8", true);
    REQUIRE(report.ok());
    CHECK(stand.check("LRA001L8", false)->sound);
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
}

TEST_CASE("a side that was only away follows, whatever was written over and how often") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    load_and_write(stand, 0, block_of(1000, 1));
    for (const std::size_t alone : {0U, 1U, 0U, 1U}) {
        auto cartridge = stand.open("LRA001L8");  // both are there, and become the same
        stand.close(std::move(cartridge));
        const Away away(stand, 1 - alone);
        load_and_write(stand, 1, block_of(1000, 10 + static_cast<std::uint32_t>(alone)));
        load_and_write(stand, 0, block_of(1000, 20));
        load_and_write(stand, 1, block_of(1000, 30 + static_cast<std::uint32_t>(alone)));
    }
    auto cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == std::vector{block_of(1000, 20), block_of(1000, 31)});
    stand.close(std::move(cartridge));
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
    CHECK(stand.check("LRA001L8", false)->sound);
}
