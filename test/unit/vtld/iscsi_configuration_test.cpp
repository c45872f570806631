#include "drive_iface/vtld/iscsi_configuration.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "drive_iface/vtld/configuration.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::vtld;
using nlohmann::json;

namespace {

class Folder {
  public:
    Folder()
        : path_(std::filesystem::temp_directory_path() /
                ("lra-iscsi-configuration-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }

    void secret(const std::string& name, const std::string& text) const {
        const auto file = (path_ / name).string();
        std::ofstream(file) << text << "\n";
        REQUIRE(::chmod(file.c_str(), 0600) == 0);
    }
    [[nodiscard]] auto read(const json& chap) const {
        const json all{{"drives", {{{"serial", "VT1"}}}}, {"iscsi", {{"chap", chap}}}};
        const auto read = agent::runtime::read_configuration_text(
            vtld_configuration_schema(), (path_ / "vtld.json").string(), all.dump());
        agent::runtime::ConfigurationErrors errors = read.errors;
        IscsiConfiguration iscsi;
        if (read.ok()) iscsi = iscsi_configuration(*read.value, {"drive-VT1", "changer"}, errors);
        return std::pair(iscsi, errors);
    }

  private:
    std::filesystem::path path_;
};

json user(const std::string& name, const std::string& file) {
    return {{"user", name}, {"secret_file", file}};
}

}  // namespace

TEST_CASE("CHAP users come from key files, each with what it may see") {
    const Folder folder;
    folder.secret("a", "the first of secrets");
    folder.secret("b", "the second of secrets");
    folder.secret("c", "the library's secret");
    auto second = user("archive", "b");
    second["targets"] = {"changer"};
    const auto [iscsi, errors] =
        folder.read({{"users", {user("backup", "a"), second}}, {"mutual", user("library", "c")}});
    CHECK(errors.empty());
    REQUIRE(iscsi.chap);
    REQUIRE(iscsi.chap->users.size() == 2);
    CHECK(iscsi.chap->users[0].credentials.secret == "the first of secrets");
    CHECK(iscsi.chap->users[0].targets.empty());
    CHECK(iscsi.chap->users[1].targets == std::vector{iscsi.target_prefix + ":changer"});
    CHECK(iscsi.chap->mutual->user == "library");
}

TEST_CASE("the short form names one user for everybody") {
    const Folder folder;
    folder.secret("a", "the first of secrets");
    const auto [iscsi, errors] = folder.read(user("backup", "a"));
    CHECK(errors.empty());
    CHECK(iscsi.chap->users.size() == 1);
    CHECK_FALSE(iscsi.chap->mutual);
}

TEST_CASE("CHAP that protects nothing is a configuration error that says so") {
    const Folder folder;
    folder.secret("a", "the first of secrets");
    folder.secret("short", "elevenbytes");
    const auto complains = [&](const json& chap, const std::string& of) {
        const auto errors = folder.read(chap).second;
        REQUIRE(errors.size() == 1);
        INFO(errors.front());
        CHECK(errors.front().find(of) != std::string::npos);
    };
    complains(user("backup", "short"), "CHAP needs 12 or more");
    complains(json::object(), "names nobody");
    complains({{"users", {user("backup", "a"), user("backup", "a")}}}, "stands twice");
    complains({{"user", "backup"}, {"secret_file", "a"}, {"mutual", user("library", "a")}},
              "one of its own");
    complains({{"user", "backup"}, {"users", {user("other", "a")}}}, "go together");
    auto stranger = user("backup", "a");
    stranger["targets"] = {"drive-VT2"};
    complains({{"users", {stranger}}}, "\"drive-VT2\" is no target");
}
