#include "agent/postgres/server_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

namespace {

using agent::postgres::ServerFolder;
namespace fs = std::filesystem;

// The folder of a node whose server runs as who runs this.
struct FolderOfNode {
    FolderOfNode() : folder(temporary.file("postgres"), {}) { REQUIRE(folder.make()); }
    TemporaryFolder temporary;
    ServerFolder folder;

    // Data are told apart by their version.
    static void fill(const std::string& path, const std::string& version) {
        fs::create_directories(path);
        std::ofstream(path + "/PG_VERSION") << version << "\n";
    }
    [[nodiscard]] std::string version() const { return folder.data_version().value_or("none"); }
    [[nodiscard]] std::string mark(const std::string& name) const {
        return folder.paths().state + "/" + name;
    }
};

}  // namespace

TEST_CASE("a new copy takes the place of the data, and what is left of it is removed") {
    const FolderOfNode node;
    node.fill(node.folder.paths().data, "old");
    REQUIRE(node.folder.begin_new());
    node.fill(node.folder.paths().new_data, "half");
    REQUIRE(node.folder.tidy());
    CHECK(node.version() == "old");
    REQUIRE(node.folder.begin_new());
    node.fill(node.folder.paths().new_data, "new");
    REQUIRE(node.folder.put_new_in_place());
    CHECK(node.version() == "new");
    CHECK_FALSE(fs::exists(node.folder.paths().new_data));
    CHECK_FALSE(fs::exists(node.folder.paths().old_data));
}

// The mark of the first would say of the second that it is complete.
TEST_CASE("a complete copy that could not take its place is not lost to the half of the next") {
    const FolderOfNode node;
    node.fill(node.folder.paths().data, "old");
    REQUIRE(node.folder.begin_new());
    node.fill(node.folder.paths().new_data, "whole");
    SECTION("its place is taken, and a mark can not be removed") {
        fs::create_directory(node.mark("scrap"));
        REQUIRE_FALSE(node.folder.put_new_in_place());
        REQUIRE_FALSE(node.folder.begin_new());
        fs::remove(node.mark("scrap"));
    }
    SECTION("it is marked, and nothing could be moved") {
        std::ofstream(node.mark("new_is_complete")) << "";
    }
    REQUIRE(node.folder.begin_new());
    CHECK(node.version() == "whole");
    node.fill(node.folder.paths().new_data, "half");
    REQUIRE(node.folder.tidy());
    CHECK(node.version() == "whole");
}

TEST_CASE("data that nobody can tell anything about are not taken for none") {
    const FolderOfNode node;
    const auto& data = node.folder.paths().data;
    const auto none = [&] {
        const auto there = node.folder.look_at_data();
        return there.ok() && !*there;
    };
    CHECK(none());
    fs::create_directory(data);
    CHECK(none());
    std::ofstream(data + "/global") << "x";
    CHECK_FALSE(node.folder.look_at_data());
    node.fill(data, "15");
    CHECK(node.folder.look_at_data().value() == std::optional<std::string>("15"));
    fs::remove_all(data);
    fs::create_directories(data + "/PG_VERSION");
    CHECK_FALSE(node.folder.look_at_data());
    fs::remove_all(data);
    std::ofstream(data) << "no folder";
    CHECK_FALSE(node.folder.look_at_data());
}

TEST_CASE("which cluster the data were made as is noted, and a broken note is no other one's") {
    const FolderOfNode node;
    CHECK_FALSE(node.folder.identity());
    REQUIRE(node.folder.note_identity(7'300'000'000'000'000'001));
    CHECK(node.folder.identity() == std::optional<std::uint64_t>(7'300'000'000'000'000'001));
    for (const char* broken : {"", "x\n", "-1\n", "12 \n"}) {
        std::ofstream(node.mark("identity")) << broken;
        CHECK(node.folder.identity() == std::optional<std::uint64_t>(0));
    }
}

TEST_CASE("a server's user owns its data and its socket, and leads this process nowhere by links") {
    if (::geteuid() != 0) return;
    agent::postgres::ServerOwner owner;
    owner.uid = owner.gid = 65'534;
    owner.another = true;
    const TemporaryFolder temporary;
    ServerFolder folder(temporary.file("postgres"), owner);
    REQUIRE(folder.make());
    REQUIRE(folder.begin_new());
    const auto owner_and_rights = [](const std::string& path) {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        return std::pair(status.st_uid, status.st_mode & 0777U);
    };
    const auto& paths = folder.paths();
    for (const auto& path : {paths.folder, paths.settings, paths.log_folder})
        CHECK(owner_and_rights(path) == std::pair(0U, 0711U));
    CHECK(owner_and_rights(paths.state) == std::pair(0U, 0700U));
    for (const auto& path : {paths.socket, paths.new_data})
        CHECK(owner_and_rights(path) == std::pair(65'534U, 0700U));
    // Made before this was so, with everything the server's.
    const std::string elsewhere = temporary.file("elsewhere");
    fs::create_directory(elsewhere);
    fs::remove(paths.socket);
    fs::create_directory_symlink(elsewhere, paths.socket);
    CHECK_FALSE(folder.make());
    CHECK(owner_and_rights(elsewhere).first == 0U);
}
