#include "agent/dsad/host_facts.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test/support/catch.hpp"

using namespace agent::dsad;
using agent::core::InitiatorPort;
using agent::core::Transport;

namespace {

HostFacts some_facts() {
    return {{{{"8031BDC7DB"}, true, "LTO \"1\"", "/dev/nst0", "root (uid 0)", {1'700'000'000'123}},
             {{"VT00000002"}, false, "", "/dev/tape/by-id/x", "operator (uid 7)", {1'000}}},
            {{{Transport::fc, "2100000e1e09a1b0", "", ""}, true, "root (uid 0)", {2'000}},
             {{Transport::iscsi, "iqn.2001-04.com.example:host1", "", ""}, false, "x", {3'000}}}};
}

struct Folder {
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = "/tmp/lra-host-facts-XXXXXX";
};

void write_file(const Folder& folder, const std::string& text) {
    std::ofstream(folder.path + "/host-facts.json") << text;
}

}  // namespace

TEST_CASE("what was said by hand is read again as it was said, by nobody else") {
    const Folder folder;
    CHECK(load_host_facts(folder.path).value() == HostFacts{});
    REQUIRE(save_host_facts(folder.path, some_facts()));
    CHECK(load_host_facts(folder.path).value() == some_facts());
    struct stat status {};
    REQUIRE(::stat((folder.path + "/host-facts.json").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a file cut off anywhere is an error that names it and says what helps") {
    const Folder folder;
    const std::string text = host_facts_text(some_facts());
    for (std::size_t size = 1; size + 2 < text.size(); ++size)
        CHECK_FALSE(host_facts_from_text(text.substr(0, size)));
    write_file(folder, text.substr(0, text.size() / 2));
    const auto facts = load_host_facts(folder.path);
    REQUIRE_FALSE(facts);
    CHECK_THAT(facts.error().message,
               ContainsSubstring("/host-facts.json: is no JSON object; put a copy back"));
}

TEST_CASE("entries that make no sense are named") {
    const auto refused = [](std::string text, const std::string& old, const std::string& fresh) {
        const std::size_t at = text.find(old);
        REQUIRE(at != std::string::npos);
        text.replace(at, old.size(), fresh);
        const auto facts = host_facts_from_text(text);
        REQUIRE_FALSE(facts);
        return facts.error().message;
    };
    const std::string text = host_facts_text(some_facts());
    CHECK(refused(text, "\"version\": 1", "\"version\": 2") ==
          "was written by another version of dsad");
    CHECK(refused(text, "\"added\": true", "\"added\": 1") == "drives[0] makes no sense");
    CHECK(refused(text, "VT00000002", "8031BDC7DB") == "drives[1] stands twice");
    CHECK(refused(text, "fc:2100000e1e09a1b0", "fc:nonsense") == "ports[0] makes no sense");
    CHECK(refused(text, "1970-01-01T00:00:03", "yesterday") == "ports[1] makes no sense");
    HostFacts many;
    for (std::size_t count = 0; count <= host_facts_max; ++count)
        many.drives.push_back({{"D" + std::to_string(count)}, true, "", "", "x", {0}});
    CHECK(host_facts_from_text(host_facts_text(many)).error().message ==
          "has more than 256 entries");
}
