// Cartridges from and to other programs' .tap files.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

agent::core::Result<CheckReport> import(ShelfStand& stand, const std::string& barcode,
                                        const std::string& path) {
    NewCartridge wanted;
    wanted.barcode = barcode;
    wanted.capacity = 1 << 20;
    return stand.run([&](auto progress, auto done) {
        return stand.shelf().import_tap(wanted, path, progress, done);
    });
}

agent::core::Result<CheckReport> export_to(ShelfStand& stand, const std::string& barcode,
                                           const std::string& path) {
    return stand.run([&](auto progress, auto done) {
        return stand.shelf().export_tap(barcode, path, progress, done);
    });
}

std::vector<Blocks> fill(ShelfStand& stand, const std::string& barcode) {
    auto cartridge = stand.open(barcode);
    std::vector<Blocks> expected;
    for (const std::uint32_t length : {80U, 81U, 10'240U, 65'536U, 1U}) {
        expected.push_back(block_of(length, length));
        stand.append(*cartridge, expected.back());
        stand.filemarks(*cartridge);
        expected.emplace_back();
    }
    stand.close(std::move(cartridge));
    return expected;
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    char line[512];
    while (std::fgets(line, sizeof(line), pipe) != nullptr) {
        output += line;
    }
    ::pclose(pipe);
    return output;
}

}  // namespace

TEST_CASE("what was exported can be imported, and is the same") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8");
    const auto path = stand.folders[0] + "/out.file";
    const auto exported = export_to(stand, "LRA001L8", path);
    REQUIRE(exported.ok());
    CHECK(exported->objects == 10);
    CHECK(exported->filemarks == 5);
    CHECK(file_bytes(path) == file_bytes(stand.data_file("LRA001L8")));
    CHECK_FALSE(export_to(stand, "LRA001L8", path).ok());  // never over a file
    const auto broken_off = stand.folders[0] + "/again.file";
    write_file(broken_off + ".part", {});
    const auto refused = export_to(stand, "LRA001L8", broken_off);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, ContainsSubstring("again.file.part: is there already") &&
                                            ContainsSubstring("delete it"));

    const auto imported = import(stand, "LRA002L8", path);
    REQUIRE(imported.ok());
    CHECK(imported->objects == 10);
    auto cartridge = stand.open("LRA002L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("a damaged block leaves and comes in marked in error") {
    ShelfStand stand;
    stand.create("LRA001L8");
    static_cast<void>(fill(stand, "LRA001L8"));
    auto bytes = file_bytes(stand.data_file("LRA001L8"));
    bytes[20] ^= 1;
    write_file(stand.data_file("LRA001L8"), bytes);
    const auto path = stand.folders[0] + "/out.file";
    const auto exported = export_to(stand, "LRA001L8", path);
    REQUIRE(exported.ok());
    CHECK(exported->damaged_blocks == 1);
    CHECK_FALSE(exported->sound);
    CHECK(file_bytes(path)[3] == 0x80);

    const auto imported = import(stand, "LRA002L8", path);
    REQUIRE(imported.ok());
    CHECK(imported->damaged_blocks == 1);
    CHECK_FALSE(imported->sound);
    auto cartridge = stand.open("LRA002L8");
    CHECK_THAT(stand.read_error(*cartridge, 0), ContainsSubstring("damaged"));
    CHECK(stand.read(*cartridge, 2) == block_of(81, 81));
}

TEST_CASE(
    "a cartridge whose description is spoilt is told of, and made again of what is recorded") {
    ShelfStand stand;
    const bool mirrored_folders = GENERATE(false, true);  // the data is in the second folder
    if (mirrored_folders) stand.create("LRA000L8");
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8");
    const auto data = stand.data_file("LRA001L8", mirrored_folders ? 1 : 0);
    const auto description = data.substr(0, data.size() - 3) + "json";
    const bool lost = GENERATE(false, true);
    if (lost) {
        std::filesystem::remove(description);
    } else {
        write_file(description, {'{', '}'});
    }
    stand.log.clear();
    stand.restart();
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring(description) &&
                                 ContainsSubstring("lractl cartridge import LRA001L8 " + data));
    CHECK_FALSE(stand.shelf().unusable_files("LRA001L8").empty());
    CHECK_THAT(stand.shelf().show("LRA001L8").error().message,
               ContainsSubstring("no usable description"));
    // Neither a blank one nor another one takes the place of what may be the only copy.
    CHECK_FALSE(stand.shelf().create({.barcode = "LRA001L8", .capacity = 1 << 20}).ok());
    const auto other = stand.folders[0] + "/other.file";
    std::filesystem::copy_file(data, other);
    const auto refused = import(stand, "LRA001L8", other);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, ContainsSubstring(data));
    SECTION("by an import of that file") {
        const auto imported = import(stand, "LRA001L8", data);
        REQUIRE(imported.ok());
        auto cartridge = stand.open("LRA001L8");
        CHECK(recorded(stand, *cartridge) == expected);
        stand.close(std::move(cartridge));
        CHECK(stand.shelf().unusable_files("LRA001L8").empty());
        stand.log.clear();
        stand.restart();
        CHECK(stand.log.empty());
    }
    SECTION("or is removed") {
        CHECK(stand.shelf().remove("LRA001L8").ok());
        CHECK_FALSE(std::filesystem::exists(data));
        CHECK(stand.shelf().unusable_files("LRA001L8").empty());
        CHECK(stand.shelf().create({.barcode = "LRA001L8", .capacity = 1 << 20}).ok());
    }
}

TEST_CASE("a damaged block stays damaged in a cartridge that is made again of what is recorded") {
    ShelfStand stand;
    stand.create("LRA001L8");
    static_cast<void>(fill(stand, "LRA001L8"));
    const auto data = stand.data_file("LRA001L8");
    auto bytes = file_bytes(data);
    bytes[20] ^= 1;
    write_file(data, bytes);
    std::filesystem::remove(data.substr(0, data.size() - 3) + "json");
    stand.restart();
    const auto imported = import(stand, "LRA001L8", data);
    REQUIRE(imported.ok());
    CHECK(imported->objects == 10);
    CHECK(imported->damaged_blocks == 1);
    CHECK_FALSE(imported->sound);
    auto cartridge = stand.open("LRA001L8");
    CHECK_THAT(stand.read_error(*cartridge, 0), ContainsSubstring("damaged"));
    CHECK(stand.read(*cartridge, 2) == block_of(81, 81));
}

TEST_CASE("data that an earlier version recorded under a cleaning cartridge's barcode is data") {
    ShelfStand stand;
    stand.create("CLN001L8");
    const auto expected = fill(stand, "CLN001L8");
    stand.restart();
    auto cartridge = stand.open("CLN001L8");
    CHECK_FALSE(cartridge->facts().cleaning);
    CHECK(recorded(stand, *cartridge) == expected);
    stand.close(std::move(cartridge));
    // No import makes one of this name.
    const auto data = stand.data_file("CLN001L8");
    std::filesystem::remove(data.substr(0, data.size() - 3) + "json");
    stand.log.clear();
    stand.restart();
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring(data + ": import that under a barcode that"));
    REQUIRE(import(stand, "LRA001L8", data).ok());
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("a cartridge is made again of data without an index, and of data with another one") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8");
    stand.create("LRA002L8");
    const auto data = stand.data_file("LRA001L8");
    const auto index = stand.index_file("LRA001L8");
    std::filesystem::remove(data.substr(0, data.size() - 3) + "json");
    std::filesystem::remove(index);
    SECTION("none") {}
    SECTION("one that is none") {
        write_file(index, Blocks(20'000, 7));
    }
    SECTION("that of a blank one") {
        std::filesystem::copy_file(stand.index_file("LRA002L8", 1), index);
    }
    stand.restart();
    REQUIRE(import(stand, "LRA001L8", data).ok());
    auto cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("what was written to a cartridge made again is not lost when its other copy comes back") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    auto expected = fill(stand, "LRA001L8");
    for (int load = 0; load < 5; ++load)  // its description is of a higher revision
        stand.close(stand.open("LRA001L8"));
    const auto data = stand.data_file("LRA001L8");
    const auto away = stand.folders[1] + ".away";
    std::filesystem::rename(stand.folders[1], away);
    std::filesystem::create_directory(stand.folders[1]);
    std::filesystem::remove(data.substr(0, data.size() - 3) + "json");
    stand.restart();
    REQUIRE(import(stand, "LRA001L8", data).ok());
    auto cartridge = stand.open("LRA001L8");
    expected.push_back(block_of(7, 7));
    stand.append(*cartridge, expected.back());
    stand.close(std::move(cartridge));
    std::filesystem::remove_all(stand.folders[1]);
    std::filesystem::rename(away, stand.folders[1]);
    stand.restart();
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("a whole cartridge that came back unnoticed is neither removed, shown nor replaced") {
    ShelfStand stand;
    stand.create("LRA001L8");
    const auto expected = fill(stand, "LRA001L8");
    const auto data = stand.data_file("LRA001L8");
    const auto away = stand.folders[0] + ".away";
    std::filesystem::rename(stand.folders[0], away);
    stand.restart();
    std::filesystem::remove_all(stand.folders[0]);
    std::filesystem::rename(away, stand.folders[0]);
    CHECK(stand.shelf().unusable_files("LRA001L8").empty());
    CHECK(stand.shelf().came_back("LRA001L8"));
    for (const auto& error :
         {stand.shelf().show("LRA001L8").error(), stand.shelf().remove("LRA001L8").error(),
          import(stand, "LRA001L8", data).error()})
        CHECK_THAT(error.message, ContainsSubstring("library inventory takes it up"));
    CHECK(stand.shelf().rescan().empty());
    auto cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("files that are no tape are refused and leave nothing behind") {
    ShelfStand stand;
    const auto path = stand.folders[0] + "/in.file";
    write_file(path, {'n', 'o', ' ', 't', 'a', 'p', 'e'});
    const auto error = import(stand, "LRA001L8", path);
    REQUIRE_FALSE(error.ok());
    CHECK_THAT(error.error().message, ContainsSubstring("at byte 0"));
    CHECK(stand.shelf().list().empty());
    CHECK_FALSE(std::filesystem::exists(stand.data_file("LRA001L8", 0)));
    CHECK_FALSE(std::filesystem::exists(stand.data_file("LRA001L8", 1)));
    CHECK_FALSE(import(stand, "LRA001L8", "/nowhere").ok());
    // A FIFO that nobody writes to would be waited for without end, also by who stops vtld.
    const auto fifo = stand.folders[0] + "/in.fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& no_file : {fifo, stand.folders[0], std::string("/dev/zero")}) {
        const auto refused = import(stand, "LRA001L8", no_file);
        REQUIRE_FALSE(refused.ok());
        CHECK_THAT(refused.error().message, ContainsSubstring("no file with a tape image"));
    }
    // The barcode is free again.
    write_file(path, {});
    CHECK(import(stand, "LRA001L8", path).ok());
}

TEST_CASE("Debian's SIMH tools read the data file of a cartridge") {
    if (output_of("command -v mtdump").empty()) {
        WARN("skipped: mtdump (package simh) is not installed");
        return;
    }
    ShelfStand stand;
    stand.create("LRA001L8");
    static_cast<void>(fill(stand, "LRA001L8"));
    // Overwritten in the middle while loaded: what is left from before stands behind the marker.
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, 4, block_of(512, 9), 512);
    stand.synchronise(*cartridge);
    const auto output = output_of("mtdump " + stand.data_file("LRA001L8"));
    INFO(output);
    CHECK_THAT(output, ContainsSubstring("80"));
    CHECK_THAT(output, ContainsSubstring("512"));
    CHECK(output.find("10240") == std::string::npos);
}
