#include "drive_iface/vtld/administration.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/runtime/control_server.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace drive_iface::vtld;
using drive_iface::admin_volumes::DataSetType;
using drive_iface::admin_volumes::Record;
using drive_iface::virtual_library::Cartridge;
using nlohmann::json;

namespace {

using Volume = std::unique_ptr<Cartridge>;

// A library that waits for volumes as Library does: it asks, and asks again at each progress.
class Mounting {
  public:
    explicit Mounting(const std::string& lrad_socket = {})
        : administration(
              loop, {.library = "VTL1", .media_identifier = "L8", .lrad_socket = lrad_socket}) {}

    Volume mount(const std::string& name) {
        auto volume = administration.build(name);
        administration.on_progress([&] {
            if (!volume) volume = administration.build(name);
        });
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!volume && std::chrono::steady_clock::now() < latest) {
            loop.run_one_for(std::chrono::milliseconds(100));
        }
        administration.on_progress({});
        REQUIRE(volume);
        REQUIRE(*volume);
        return std::move(*volume).value();
    }

    asio::io_context loop;
    // The answer comes from another thread: until then the loop has nothing to do, and goes on.
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(loop);
    Administration administration;
};

std::string block(Cartridge& volume, std::uint64_t number) {
    drive_iface::virtual_library::Bytes bytes;
    REQUIRE(volume.at_hand(number, 1));
    REQUIRE(volume.read(number, bytes));
    return {bytes.begin(), bytes.end()};
}

json header(Cartridge& volume) {
    return json::parse(block(volume, 0));
}

}  // namespace

TEST_CASE("the names carry the media identifier of the drives") {
    Mounting library;
    CHECK(library.administration.names() ==
          std::vector<std::string>{"ADMCFGL8", "ADMDRVL8", "ADMVOLL8", "ADMSESL8", "ADMSNPL8",
                                   "ADMRSVL8", "ADMLOGL8", "ADMALLL8"});
    CHECK(media_identifier("", "VIRTUAL-LTO8") == "L8");
    CHECK(media_identifier("lto-6", "VIRTUAL-LTO8") == "L6");
}

TEST_CASE("a volume is built at the moment it is mounted, and anew each time") {
    Mounting library;
    int state = 1;
    library.administration.tell(DataSetType::drives, [&state] {
        return std::vector<Record>{{{"state", std::int64_t{state}}}};
    });
    const auto first = library.mount("ADMDRVL8");
    state = 2;
    const auto second = library.mount("ADMDRVL8");
    CHECK(block(*first, 2) == "{\"state\":1}\n");
    CHECK(block(*second, 2) == "{\"state\":2}\n");
    CHECK(header(*first)["type"] == "ADMDRV");
    CHECK(header(*second)["generation"] > header(*first)["generation"]);
    CHECK(second->facts().write_protected);
}

TEST_CASE("a mount that was given up leaves no old data for the next one") {
    Mounting library;
    int asked = 0;
    library.administration.tell(DataSetType::drives, [&asked] {
        return std::vector<Record>{{{"asked", std::int64_t{++asked}}}};
    });
    CHECK_FALSE(library.administration.build("ADMDRVL8"));
    library.loop.run_one_for(std::chrono::seconds(10));  // built, and nobody takes it
    CHECK(asked == 1);
    CHECK(block(*library.mount("ADMDRVL8"), 2) == "{\"asked\":2}\n");
}

TEST_CASE("the archive asks every source") {
    Mounting library;
    int asked = 0;
    for (const auto type : drive_iface::admin_volumes::data_set_types()) {
        library.administration.tell(type, [&asked] {
            ++asked;
            return std::vector<Record>{};
        });
    }
    static_cast<void>(library.mount("ADMALLL8"));
    CHECK(asked == 7);
}

TEST_CASE("an unknown name is an error") {
    Mounting library;
    std::optional<agent::core::Result<Volume>> volume = library.administration.build("ADMXYZL8");
    library.administration.on_progress([&] { volume = library.administration.build("ADMXYZL8"); });
    library.loop.run_one_for(std::chrono::seconds(10));
    REQUIRE(volume);
    CHECK_FALSE(*volume);
}

TEST_CASE("without an answer of lrad the reservations say so") {
    TemporaryFolder folder;
    Mounting library(folder.file("nobody.sock"));
    const auto record = json::parse(block(*library.mount("ADMRSVL8"), 2));
    CHECK(record["record"] == "source");
    CHECK(record["answered"] == false);
    CHECK(record["text"].get<std::string>().find("no such socket") != std::string::npos);
}

TEST_CASE("what lrad knows of holders and handshakes is on the reservations' volume") {
    TemporaryFolder folder;
    const auto socket = folder.file("lrad.sock");
    Mounting library(socket);
    agent::runtime::ControlServer lrad(library.loop, {.path = socket});
    const auto answer = [&lrad](const std::string& method, const std::string& text) {
        lrad.on(method, [text](const json&, const agent::runtime::Caller&) {
            return agent::runtime::ControlAnswer{json::parse(text)};
        });
    };
    answer(
        "drive.list",
        R"([{"serial":"VT1","reservation":{"state":"reserved","holders":[{"host":"h1","name":"n"}]}}])");
    answer("agent.list", "[]");
    answer("handshake.list", R"([{"drive":"VT1","agent":"h2","newest":{"epoch":1,"sequence":9}}])");
    answer("alarm.list", "[]");
    REQUIRE(lrad.listen());
    const auto volume = library.mount("ADMRSVL8");
    CHECK(block(*volume, 2) ==
          "{\"record\":\"lrad_drive\",\"reservation_holders\":[\"host=h1 name=n\"],"
          "\"reservation_state\":\"reserved\",\"serial\":\"VT1\"}\n"
          "{\"record\":\"lrad_handshake\",\"agent\":\"h2\",\"drive\":\"VT1\",\"newest_epoch\":1,"
          "\"newest_sequence\":9}\n"
          "{\"record\":\"source\",\"name\":\"lrad\",\"socket\":\"" +
              socket + "\",\"answered\":true,\"text\":null}\n");
}
