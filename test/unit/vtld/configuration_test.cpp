#include "drive_iface/vtld/configuration.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/runtime/configuration_schema.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::vtld;

namespace {

agent::runtime::Configured<VtldConfiguration> read(const std::string& rest) {
    const auto parsed = agent::runtime::read_configuration_text(
        vtld_configuration_schema(), "/etc/lra/vtld.json",
        "{\"drives\": [{\"serial\": \"VT1\"}, {\"serial\": \"VT2\"}]" + rest + "}");
    REQUIRE(parsed.ok());
    return vtld_configuration(*parsed.value);
}

bool says(const agent::runtime::Configured<VtldConfiguration>& read, const std::string& text) {
    return std::any_of(read.errors.begin(), read.errors.end(), [&text](const auto& error) {
        return error.find(text) != std::string::npos;
    });
}

const std::string page_path = LRA_SOURCE_DIR "/docs/CONFIGURATION.md";

std::string page() {
    std::ostringstream text;
    text << std::ifstream(page_path, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("without a section for cartridges each drive has one, in two folders") {
    const auto configured = read("");
    REQUIRE(configured.ok());
    CHECK(configured.value->cartridges.folders.size() == 2);
    CHECK(configured.value->library.drives[0].cartridge == "VT0001L8");
    CHECK(configured.value->library.drives[1].cartridge == "VT0002L8");
    CHECK(configured.value->library.slots == 10);
}

TEST_CASE("one storage folder is not enough, and the error says so") {
    CHECK(says(read(R"(, "cartridges": {"folders": ["a"]})"), "two or more"));
    CHECK(says(read(R"(, "cartridges": {"folders": ["a", "a"]})"), "two or more"));
    const auto two = read(R"(, "cartridges": {"folders": ["a", "/b"], "barcodes": ["X1L8"]})");
    REQUIRE(two.ok());
    CHECK(two.value->cartridges.folders == std::vector<std::string>{"/etc/lra/a", "/b"});
    CHECK(two.value->library.drives[0].cartridge.empty());
}

TEST_CASE("drives of another machine than lrad's need TLS, and TLS a tcp address") {
    const std::string tls =
        R"(, "tls": {"certificate_file": "e.crt", "certificate_key_file": "/k/e.key",)"
        R"( "authority_file": "ca.crt", "peers": ["lra-a"]})";
    const auto with = [&](const std::string& connect) {
        return read(R"(, "events": {"connect": )" + connect + tls + "}");
    };
    const auto both = with(R"(["tcp:192.0.2.11:8434", "unix:/run/a"])");
    REQUIRE(both.ok());
    REQUIRE(both.value->events_tls);
    CHECK(both.value->events_tls->certificate_file == "/etc/lra/e.crt");
    CHECK(both.value->events_tls->certificate_key_file == "/k/e.key");
    CHECK(both.value->events_tls->peers == std::vector<std::string>{"lra-a"});
    CHECK(says(read(R"(, "events": {"connect": "tcp:192.0.2.11:8434"})"), "give events.tls"));
    CHECK(says(with(R"("unix:/run/a")"), "events.tls: has no meaning"));
    CHECK_FALSE(read(R"(, "events": {"connect": "tcp:127.0.0.1:1"})").value->events_tls);
}

TEST_CASE("drives speak to one library reservation agent, or to each node of a pair") {
    CHECK(read("").value->events_connect.empty());
    const auto one = read(R"(, "events": {"connect": "unix:/run/a"})");
    REQUIRE(one.ok());
    CHECK(one.value->events_connect == std::vector<std::string>{"unix:/run/a"});
    const auto two = read(R"(, "events": {"connect": ["unix:/run/a", "unix:/run/b"]})");
    REQUIRE(two.ok());
    CHECK(two.value->events_connect == std::vector<std::string>{"unix:/run/a", "unix:/run/b"});
    CHECK(says(read(R"(, "events": {"connect": ["unix:/run/a", "unix:/run/a"]})"), "named twice"));
    for (const auto* wrong : {"[]", "7", R"(["unix:/a", 7])", R"(["nowhere"])",
                              R"(["unix:/a", "unix:/b", "unix:/c", "unix:/d", "unix:/e"])"}) {
        INFO(wrong);
        const auto parsed = agent::runtime::read_configuration_text(
            vtld_configuration_schema(), "/etc/lra/vtld.json",
            std::string(R"({"drives": [{"serial": "VT1"}], "events": {"connect": )") + wrong +
                "}}");
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.errors.front().find("events.connect") != std::string::npos);
    }
}

// LRA_UPDATE_PAGES=1 in the environment writes the table into the page instead of comparing it.
TEST_CASE("docs/CONFIGURATION.md shows the keys of vtld") {
    const std::string begin = "<!-- table of vtld: generated, see docs/TESTING.md -->\n";
    const std::string end = "<!-- end of table -->";
    std::string wanted = page();
    const std::size_t from = wanted.find(begin);
    REQUIRE(from != std::string::npos);
    const std::size_t to = wanted.find(end, from);
    REQUIRE(to != std::string::npos);
    wanted.replace(from + begin.size(), to - from - begin.size(),
                   agent::runtime::markdown_table(vtld_configuration_schema()));
    if (std::getenv("LRA_UPDATE_PAGES") != nullptr)
        std::ofstream(page_path, std::ios::binary) << wanted;
    INFO("run the test with LRA_UPDATE_PAGES=1 to bring the page up to date");
    CHECK((page() == wanted));
}
