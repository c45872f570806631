#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/shell/administrative_data.hpp"
#include "agent/shell/view.hpp"
#include "agent/shell/view_values.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;
using nlohmann::json;

namespace {

const bool library_views_in_utc = [] {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return true;
}();

const Screen wide_page{100, false, {1'769'860'800'000}};  // now is 2026-01-31T12:00:00Z

json full_cartridge() {
    return {{"barcode", "VT0001L8"}, {"place", "drive VT00000001"},
            {"used", 1'572'864},     {"capacity", 10'485'760},
            {"blocks", 24},          {"filemarks", 2},
            {"state", "mounted"},    {"worm", true},
            {"cleaning", false},     {"write_protected", true},
            {"troubles", {}}};
}

class ScriptedTape final : public TapeReader {
  public:
    explicit ScriptedTape(std::vector<std::string> blocks) : blocks_(std::move(blocks)) {}
    agent::core::Result<std::optional<std::string>> next() override {
        if (at_ == blocks_.size()) return std::optional<std::string>();
        const auto& block = blocks_[at_++];
        if (block == "damaged") return agent::core::Error{"medium error"};
        return block.empty() ? std::optional<std::string>() : std::optional(block);
    }

  private:
    std::vector<std::string> blocks_;
    std::size_t at_ = 0;
};

// printf of the two lines, sha256sum
const std::string header_of_two =
    R"({"type":"ADMDRV","library":"VTL1","generation":7,"time":"now","records":2,"sha256":)"
    R"("4b86295162b68ac5c0634005565937236bb43ceddc3dd649040e6a59537be9f6"})";
const std::string first_line = "{\"serial\":\"VT00000001\"}\n";
const std::string second_line = "{\"serial\":\"VT00000002\"}\n";

}  // namespace

TEST_CASE("cartridge list is a table of places, fill and state, with troubles below it") {
    json damaged = full_cartridge();
    damaged["barcode"] = "VT0002L8";
    damaged["state"] = "trouble";
    damaged["used"] = 1;
    damaged["troubles"] = {"is to be mirrored and has one copy"};
    CHECK(rendered(View::cartridges, {full_cartridge(), damaged}, wide_page) ==
          "BARCODE   PLACE             USED MiB  OF MiB   %  BLOCKS  MARKS  STATE    KIND\n"
          "VT0001L8  drive VT00000001       1.5      10  15      24      2  mounted  "
          "worm,protected\n"
          "VT0002L8  drive VT00000001       0.0      10   1      24      2  trouble  "
          "worm,protected\n"
          "\n"
          "VT0002L8: is to be mirrored and has one copy\n");
    CHECK(rendered(View::cartridges, json::array(), wide_page) == "no cartridges\n");
}

TEST_CASE("an inventory shows what is full, and drive serials whole") {
    const json places = {
        {{"place", "slot 1"},
         {"type", "storage"},
         {"element_address", 1024},
         {"barcode", "VT0001L8"},
         {"source", nullptr}},
        {{"place", "slot 2"}, {"type", "storage"}, {"element_address", 1025}, {"barcode", nullptr}},
        {{"place", "drive VT00000000000000000000000001"},
         {"type", "data_transfer"},
         {"element_address", 256},
         {"barcode", nullptr}}};
    Screen narrow = wide_page;
    narrow.columns = 60;
    const auto shown = rendered(View::inventory, places, narrow);
    CHECK(shown.find("drive VT00000000000000000000000001") != std::string::npos);
    CHECK(shown.find("slot 2") == std::string::npos);
    CHECK(shown.find("1 empty slots and ports") != std::string::npos);
}

TEST_CASE("write sessions are a table, and why one is not copied stands below it") {
    const json sessions = {{{"id", 12},
                            {"state", "active"},
                            {"volume", "VT0001L8"},
                            {"drive", "VT00000001"},
                            {"host", "rmt:backup"},
                            {"objects", 1000},
                            {"durable_objects", 995},
                            {"bytes", 10'240'000},
                            {"started", "2026-01-31T11:58:00Z"}},
                           {{"id", 13}, {"state", "incomplete"}, {"reason", "the host left"}}};
    const auto shown = rendered(View::write_sessions, sessions, wide_page);
    INFO(shown);
    CHECK(
        shown.find(
            "12  active      VT0001L8  VT00000001  rmt:backup     1000  9.8 MiB  99 %  2 min\n") !=
        std::string::npos);
    CHECK(shown.find("\n13: the host left\n") != std::string::npos);
    CHECK(rendered_write_session(sessions[0], wide_page) ==
          "12:00:00  session 12  active  VT0001L8  1000 objects, 9.8 MiB  rmt:backup\n");
}

TEST_CASE("a trace names each command, its answer and how long it took") {
    const json commands = {{{"at_ms", 1'769'860'799'000},
                            {"command", "WRITE(6)"},
                            {"cdb", "0a0000280000"},
                            {"data_out", 10240},
                            {"data_in", 0},
                            {"took_us", 120},
                            {"status", 0},
                            {"status_text", "GOOD"},
                            {"state", "answered"}},
                           {{"at_ms", 1'769'860'799'500},
                            {"command", "REWIND"},
                            {"cdb", "010000000000"},
                            {"data_out", 0},
                            {"status", 24},
                            {"status_text", "RESERVATION CONFLICT"},
                            {"state", "answered"}},
                           {{"command", "ERASE(6)"}, {"state", "running"}}};
    const auto shown = rendered(View::trace, commands, wide_page);
    INFO(shown);
    CHECK(shown.find("11:59:59  WRITE(6)  10240   0      120  GOOD") != std::string::npos);
    CHECK(shown.find("RESERVATION CONFLICT") != std::string::npos);
    CHECK(shown.find("running") != std::string::npos);
}

TEST_CASE("sizes are told in the unit that keeps them short") {
    CHECK(size_text(0) == "0 B");
    CHECK(size_text(1023) == "1023 B");
    CHECK(size_text(1536) == "1.5 KiB");
    CHECK(size_text(200'000'000) == "191 MiB");
    CHECK(size_text("many") == "many");
}

TEST_CASE("a data set counts only when its records are what the header says") {
    ScriptedTape good({header_of_two, "", first_line, second_line, ""});
    const auto read = read_data_set(good);
    INFO((read ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK((*read)["records"].size() == 2);
    CHECK(rendered(View::data_set, *read, wide_page).find("VT00000002") != std::string::npos);

    ScriptedTape altered({header_of_two, "", first_line, first_line, ""});
    CHECK(read_data_set(altered).error().message.find("SHA-256") != std::string::npos);
    ScriptedTape short_one({header_of_two, "", first_line, ""});
    CHECK_FALSE(read_data_set(short_one).ok());
    ScriptedTape blank({""});
    CHECK_FALSE(read_data_set(blank).ok());
    ScriptedTape damaged({header_of_two, "", "damaged"});
    CHECK(read_data_set(damaged).error().message == "medium error");
}
