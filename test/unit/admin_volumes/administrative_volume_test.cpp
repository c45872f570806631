#include "drive_iface/admin_volumes/administrative_volume.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "drive_iface/admin_volumes/sha256.hpp"
#include "drive_iface/admin_volumes/tar_archive.hpp"
#include "test/support/catch.hpp"
#include "test/unit/admin_volumes/volume_reading.hpp"

using namespace drive_iface::admin_volumes;
using drive_iface::virtual_library::LogicalObject;
using nlohmann::json;

namespace {

const Occasion noon{.library = "VTL1",
                    .drive = "VT1",
                    .time = "2026-01-31T12:00:00.000Z",
                    .time_s = 1'769'860'800,
                    .generation = 42};

DataSet some(DataSetType type, std::size_t count) {
    DataSet data{type, {}};
    for (std::size_t i = 0; i < count; ++i) {
        data.records.push_back({{"barcode", "A" + std::to_string(100'000 + i)},
                                {"text", std::string(100, 'x')},
                                {"used", number(i)}});
    }
    return data;
}

std::unique_ptr<drive_iface::virtual_library::Cartridge> built(const std::string& barcode,
                                                               const std::vector<DataSet>& data) {
    auto volume = administrative_volume(barcode, data, noon);
    REQUIRE(volume);
    return std::move(volume).value();
}

}  // namespace

TEST_CASE("a volume holds the header, the records and the table, each a tape file") {
    auto volume = built("ADMVOLL8", {some(DataSetType::volumes, 1'000)});
    const auto files = tape_files(*volume);
    REQUIRE(files.size() == 5);  // three, an empty one between the double filemark, and nothing
    CHECK(files[3].empty());
    CHECK(files[4].empty());

    REQUIRE(files[0].size() == 1);
    const auto header = json::parse(files[0][0]);
    CHECK(header["type"] == "ADMVOL");
    CHECK(header["schema"] == 1);
    CHECK(header["library"] == "VTL1");
    CHECK(header["drive"] == "VT1");
    CHECK(header["time"] == noon.time);
    CHECK(header["generation"] == 42);
    CHECK(header["records"] == 1'000);
    const auto records = joined(files[1]);
    CHECK(header["bytes"] == records.size());
    CHECK(header["sha256"] == sha256_text(records));
    CHECK(joined(files[2]).substr(0, 19) == "barcode,text,used\r\n");
}

TEST_CASE("no block is longer than 32 KiB, and no record crosses a block") {
    auto volume = built("ADMVOLL8", {some(DataSetType::volumes, 5'000)});
    const auto files = tape_files(*volume);
    CHECK(files[1].size() > 10);
    std::size_t records = 0;
    for (const auto& block : files[1]) {
        CHECK(block.size() <= block_max);
        CHECK(block.size() > block_max / 2 - record_max / 2);
        std::istringstream lines(block);
        for (std::string line; std::getline(lines, line); ++records)
            CHECK(json::accept(line));
    }
    CHECK(records == 5'000);
}

TEST_CASE("a data set without records is still a tape with its header") {
    auto volume = built("ADMSESL8", {{DataSetType::sessions, {}}});
    const auto files = tape_files(*volume);
    CHECK(json::parse(files.at(0).at(0))["records"] == 0);
    CHECK(files.at(1).empty());
}

TEST_CASE("an administrative volume is write protected and full") {
    for (const auto type : data_set_types()) {
        if (type == DataSetType::all) continue;
        auto volume = built(std::string(name_of(type)) + "L8", {some(type, 3)});
        CHECK(volume->facts().write_protected);
        CHECK_FALSE(volume->facts().worm);
        CHECK(volume->facts().barcode == std::string(name_of(type)) + "L8");
        CHECK(volume->used() <= volume->facts().capacity);
    }
}

TEST_CASE("all of them are a tar archive in tape records") {
    auto volume = built("ADMALLL8", {some(DataSetType::drives, 2), some(DataSetType::volumes, 3)});
    const auto files = tape_files(*volume);
    REQUIRE(files.size() == 3);
    for (const auto& block : files[0])
        CHECK(block.size() == tar_record);
    const auto archive = joined(files[0]);
    for (const auto* path :
         {"ADMALL/ADMDRV.jsonl", "ADMALL/ADMVOL.header.json", "ADMALL/ADMVOL.csv"})
        CHECK(archive.find(path) != std::string::npos);
}

TEST_CASE("an unknown name is an error, not a blank tape") {
    const auto unknown = administrative_volume("ADMXYZL8", {some(DataSetType::drives, 1)}, noon);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().message.find("ADMXYZL8") != std::string::npos);
}

TEST_CASE("data of another type is refused") {
    CHECK_FALSE(administrative_volume("ADMVOLL8", {some(DataSetType::drives, 1)}, noon));
    CHECK_FALSE(administrative_volume("ADMVOLL8", {}, noon));
    CHECK_FALSE(administrative_volume("ADMALLL8", {some(DataSetType::all, 1)}, noon));
}
