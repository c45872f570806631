#include "drive_iface/admin_volumes/tar_archive.hpp"

#include <cstdio>
#include <fstream>
#include <string>

#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace drive_iface::admin_volumes;

namespace {

std::string output_of(const std::string& command) {
    std::string text;
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char piece[256];
    while (const auto count = fread(piece, 1, sizeof piece, pipe))
        text.append(piece, count);
    CHECK(pclose(pipe) == 0);
    return text;
}

}  // namespace

TEST_CASE("GNU tar reads the archive back as it was put in") {
    TemporaryFolder folder;
    const std::string long_content(100'000, 'x');
    const auto archive = tar_archive(
        {{"ADMALL/one.json", "{}\n"}, {"ADMALL/empty", ""}, {"ADMALL/long", long_content}},
        1'700'000'000);
    CHECK(archive.size() % tar_record == 0);
    const auto file = folder.file("archive.tar");
    std::ofstream(file, std::ios::binary) << archive;
    CHECK(output_of("TZ=UTC tar tvf " + file + " 2>&1") ==
          "-r--r--r-- 0/0               3 2023-11-14 22:13 ADMALL/one.json\n"
          "-r--r--r-- 0/0               0 2023-11-14 22:13 ADMALL/empty\n"
          "-r--r--r-- 0/0          100000 2023-11-14 22:13 ADMALL/long\n");
    CHECK(output_of("tar xOf " + file + " ADMALL/long") == long_content);
}
