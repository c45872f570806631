// What write sessions survive: vtld killed in the middle, a storage folder that runs full.

#include <fstream>

#include "test/integration/parallel/daemon_site.hpp"
#include "test/integration/vtld/libiscsi_host.hpp"
#include "test/support/catch.hpp"

using namespace library_test;
using vtld_test::LibiscsiHost;

namespace {

using Block = std::vector<std::uint8_t>;

LibiscsiHost::Reply write_block(LibiscsiHost& host, char letter, std::uint32_t size) {
    return host.send({0x0a, 0, static_cast<std::uint8_t>(size >> 16),
                      static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size), 0},
                     Block(size, static_cast<std::uint8_t>(letter)));
}

void log_in(const DaemonSite& site, LibiscsiHost& host) {
    REQUIRE(host.log_in(site.portal(), site.target(parallel_drive)));
    host.settle();
}

}  // namespace

TEST_CASE("2-6: vtld is killed while two hosts write, and every durable record is there") {
    DaemonSite site;
    {
        LibiscsiHost one("iqn.2026-01.example:one"), two("iqn.2026-01.example:two");
        log_in(site, one);
        log_in(site, two);
        for (int block = 0; block < 50; ++block) {
            REQUIRE(write_block(one, 'a', 30'000).status == 0);
            REQUIRE(write_block(two, 'b', 20'000).status == 0);
        }
        REQUIRE(one.run({0x10, 0, 0, 0, 1, 0}).status == 0);
        REQUIRE(two.run({0x10, 0, 0, 0, 1, 0}).status == 0);
        for (int block = 0; block < 5; ++block) {  // acknowledged, and not durable
            REQUIRE(write_block(one, 'c', 30'000).status == 0);
            REQUIRE(write_block(two, 'd', 20'000).status == 0);
        }
        site.kill();
    }
    site.start();
    const auto sessions = site.lractl("session writes");
    REQUIRE(sessions.size() == 2);
    for (const auto& session : sessions) {
        CHECK(session["state"] == "incomplete");
        CHECK(session["objects"] >= 51);
        CHECK_FALSE(session["reason"].get<std::string>().empty());
        const auto id = session["id"].get<int>();
        const bool first = session["host"].get<std::string>().find(":one") != std::string::npos;
        const std::string expected(first ? 30'000 : 20'000, first ? 'a' : 'b');
        const auto records = site.lractl("session records " + std::to_string(id) + " --count 51");
        REQUIRE(records.size() == 51);
        CHECK(records[50]["kind"] == "filemark");
        // In the files of both folders, as they were sent.
        REQUIRE(session["files"].size() == 2);
        for (std::size_t copy = 0; copy < 2; ++copy) {
            std::ifstream data(session["files"][copy].get<std::string>(), std::ios::binary);
            for (std::size_t number = 0; number < 50; ++number) {
                CHECK(records[number]["durable"] == true);
                data.seekg(records[number]["offsets"][copy].get<std::int64_t>() + 4);
                std::string bytes(expected.size(), 0);
                data.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
                REQUIRE(bytes == expected);
            }
        }
    }
    // No part of the volume, which can be written on.
    site.good("echo x > file && " + tar + "-cf 127.0.0.1:0/VOL001L8 file");
    CHECK(site.good(tar + "-tf 127.0.0.1:0/VOL001L8") == "file\n");
    CHECK(site.good("$LRACTL session writes").find("incomplete") != std::string::npos);
}

TEST_CASE("2-7: one session's folder runs full, and it is warned while the other goes on") {
    if (!DaemonSite::small_folder_possible()) {
        WARN("not allowed to mount here: skipped");
        return;
    }
    const DaemonSite site(
        {.folders = {"a", "small", "c", "d"}, .small_folder = "small", .small_size = "40m"});
    LibiscsiHost one("iqn.2026-01.example:one"), two("iqn.2026-01.example:two");
    log_in(site, one);
    log_in(site, two);
    REQUIRE(write_block(one, 'a', 1'000).status == 0);
    REQUIRE(write_block(two, 'b', 1'000).status == 0);
    const auto is_small = [&](int id) {
        const auto files = site.write_session(id)["files"];
        for (const auto& file : files) {
            if (file.get<std::string>().find("/small/") != std::string::npos) return true;
        }
        return false;
    };
    REQUIRE(is_small(1) != is_small(2));
    auto& squeezed = is_small(1) ? one : two;
    auto& free_one = is_small(1) ? two : one;
    // 60 MB each, in turns. CHECK CONDITION with early warning or the end of the medium (00h/02h).
    bool warned = false;
    for (int block = 0; block < 240; ++block) {
        if (!warned) {
            const auto reply = write_block(squeezed, 's', 250'000);
            if (reply.status != 0) {
                CHECK(reply.status == 2);
                CHECK(reply.asc_ascq == 0x0002);
                warned = true;
            }
        }
        REQUIRE(write_block(free_one, 'f', 250'000).status == 0);
    }
    CHECK(warned);
    REQUIRE(free_one.run({0x10, 0, 0, 0, 1, 0}).status == 0);
    REQUIRE(squeezed.run({0x10, 0, 0, 0, 1, 0}).status >= 0);
    free_one.log_out();
    REQUIRE(site.becomes([&] { return site.lractl("session writes --state merged").size() == 1; }));
}

TEST_CASE("the library loses power: what no filemark made safe is gone, on both kinds of drive") {
    const DaemonSite site;
    site.good("$LRACTL cartridge move VOL002L8 \"drive VT00000002\"");
    LibiscsiHost one("iqn.2026-01.example:one"), two("iqn.2026-01.example:two");
    log_in(site, one);
    REQUIRE(two.log_in(site.portal(), site.target(ordinary_drive)));
    two.settle();
    for (auto* host : {&one, &two}) {
        for (int block = 0; block < 5; ++block)
            REQUIRE(write_block(*host, 'a', 10'000).status == 0);
        REQUIRE(host->run({0x10, 0, 0, 0, 1, 0}).status == 0);
        for (int block = 0; block < 5; ++block)
            REQUIRE(write_block(*host, 'b', 10'000).status == 0);
    }
    site.good("$LRACTL fault inject VT00000001 power_cycle");
    REQUIRE(site.becomes([&] { return site.write_session(1)["state"] == "incomplete"; }));
    CHECK(site.write_session(1)["objects"] == 6);
    CHECK(site.write_session(1)["reason"] == "the drive lost power");
    REQUIRE(site.becomes([&] {
        const auto cartridge = site.lractl("cartridge show VOL002L8");
        return cartridge["blocks"] == 5 && cartridge["filemarks"] == 1;
    }));
}

TEST_CASE("a cartridge whose files are taken away is told of by the next inventory") {
    const DaemonSite site;
    site.good(
        "mkdir aside && mv a/VOL002L8.* b/VOL002L8.* aside/ 2>/dev/null; "
        "$LRACTL library inventory");
    CHECK(site.good("cat vtld.log").find("cartridge VOL002L8 is gone") != std::string::npos);
    CHECK(site.good("$LRACTL cartridge list").find("VOL002L8") == std::string::npos);
}
