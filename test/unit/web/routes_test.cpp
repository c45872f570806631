#include "drive_iface/web/routes.hpp"

#include "drive_iface/web/request_values.hpp"
#include "test/support/catch.hpp"
#include "test/unit/web/memory_library.hpp"

using namespace web_test;
using nlohmann::json;
using web::Answer;

namespace {

// The page over a library with session 1 (merged), 2 (incomplete), 3 (writing), and snapshots 1
// (before session 3) and 2.
class Page {
  public:
    explicit Page(std::chrono::milliseconds patience = std::chrono::seconds(10),
                  std::size_t downloads_max = 2)
        : questions(library.loop, patience),
          routes(questions, library.shown(),
                 {.downloads_max = downloads_max, .live_every = std::chrono::milliseconds(0)}) {
        library.tracking.add(1, SessionState::merged, {"first block", "", "second"});
        library.tracking.add(2, SessionState::incomplete, {"lost"}).reason = "the host went away";
        library.snapshots.add(snapshots::Cause::completion).completed = 1;
        library.tracking.add(3, SessionState::active, {"more"});
        library.snapshots.add(snapshots::Cause::on_demand).by = "root";
    }
    ~Page() {
        library.call([this] {
            questions.stop();
            routes.close_all();
            return 0;
        });
    }

    Answer get(const std::string& address, const std::string& host = "localhost") {
        web::Request request{
            .method = "GET", .path = address, .parameters = {}, .host = host, .fetch_site = {}};
        const auto question = address.find('?');
        request.path = address.substr(0, question);
        for (auto at = question; at != std::string::npos;) {
            const auto end = address.find('&', at + 1);
            const auto pair = address.substr(at + 1, end == std::string::npos ? end : end - at - 1);
            request.parameters.emplace(pair.substr(0, pair.find('=')),
                                       pair.substr(pair.find('=') + 1));
            at = end;
        }
        return routes.answer(request);
    }
    json good(const std::string& address) {
        const auto answer = get(address);
        INFO(address << ": " << answer.text);
        REQUIRE(answer.status == 200);
        CHECK(answer.type == "application/json");
        return json::parse(answer.text);
    }
    int status(const std::string& address) { return get(address).status; }
    std::string words(const std::string& address) {
        return json::parse(get(address).text).at("error").get<std::string>();
    }
    std::string data(const std::string& address) {
        auto answer = get(address);
        REQUIRE(answer.status == 200);
        REQUIRE(answer.body);
        std::string all;
        for (;;) {
            const auto piece = answer.body->next();
            REQUIRE(piece.ok());
            if (piece->empty()) return all;
            all.append(piece->begin(), piece->end());
        }
    }

    MemoryLibrary library;
    web::LoopQuestions questions;
    web::Routes routes;
};

}  // namespace

TEST_CASE("the live view tells of drives, who writes, what ended and cartridges") {
    Page page;
    const auto live = page.good("/api/live");
    CHECK(live["library"]["serial"] == "VTL1");
    CHECK(live["now"] == "2027-01-15T08:00:00.000Z");
    REQUIRE(live["drives"].size() == 1);
    const auto& drive = live["drives"][0];
    CHECK(drive["serial"] == "VT1");
    CHECK(drive["cartridge"] == "VT0001L8");
    CHECK(drive["reservation"]["state"] == "free");
    CHECK(drive["writers"] == json{3});
    REQUIRE(live["active"].size() == 1);
    CHECK(live["active"][0]["id"] == 3);
    CHECK(live["active"][0]["bytes"] == 4);
    CHECK(live["recent"][0]["id"] == 2);
    CHECK(live["recent"][0]["reason"] == "the host went away");
    CHECK(live["recent"][1]["id"] == 1);
    CHECK(live["snapshots"]["count"] == 2);
    CHECK(live["snapshots"]["newest"]["number"] == 2);
    const auto cartridges = page.good("/api/cartridges");
    CHECK(cartridges["count"] == 1);
    CHECK(cartridges["cartridges"][0]["barcode"] == "VT0001L8");
    CHECK(cartridges["cartridges"][0]["place"] == "drive VT1");
    CHECK(page.good("/api/cartridges?first=1")["cartridges"].empty());
}

TEST_CASE("what a host writes is seen growing") {
    Page page;
    CHECK(page.good("/api/live")["active"][0]["objects"] == 1);
    page.library.call([&] {
        page.library.tracking.all.at(3).session.objects = 2;
        return 0;
    });
    CHECK(page.good("/api/live")["active"][0]["objects"] == 2);
}

TEST_CASE("within a moment everybody is told the same of the library") {
    Page page;
    web::Routes routes(page.questions, page.library.shown(), {.live_every = std::chrono::hours(1)});
    const web::Request request{.method = "GET",
                               .path = "/api/live",
                               .parameters = {},
                               .host = "localhost",
                               .fetch_site = {}};
    const auto first = routes.answer(request).text;
    page.library.call([&] {
        page.library.tracking.all.at(3).session.objects = 2;
        return 0;
    });
    CHECK(routes.answer(request).text == first);
}

TEST_CASE("sessions and snapshots are listed with the newest first, in parts") {
    Page page;
    const auto all = page.good("/api/sessions");
    CHECK(all["count"] == 3);
    CHECK(all["rows"][0]["id"] == 3);
    CHECK(all["next"] == nullptr);
    const auto newest = page.good("/api/sessions?limit=2");
    CHECK(newest["rows"].size() == 2);
    CHECK(newest["next"] == 2);
    const auto oldest = page.good("/api/sessions?limit=2&before=2");
    REQUIRE(oldest["rows"].size() == 1);
    CHECK(oldest["rows"][0]["id"] == 1);
    CHECK(oldest["next"] == nullptr);
    CHECK(page.good("/api/sessions?before=1")["rows"].empty());
    const auto snapshots = page.good("/api/snapshots");
    CHECK(snapshots["rows"][0]["number"] == 2);
    CHECK(snapshots["rows"][0]["cause"] == "on_demand");
    CHECK(snapshots["rows"][0]["by"] == "root");
    CHECK(snapshots["rows"][1]["completed"] == 1);
}

TEST_CASE("a snapshot shows its sessions, in parts, and what happened since another") {
    Page page;
    const auto first = page.good("/api/snapshots/1");
    CHECK(first["snapshot"]["number"] == 1);
    CHECK(first["sessions"]["count"] == 2);
    const auto part = page.good("/api/snapshots/2?limit=2");
    CHECK(part["sessions"]["rows"][1]["id"] == 2);
    CHECK(part["sessions"]["next"] == 2);
    const auto rest = page.good("/api/snapshots/2?limit=2&after=2");
    CHECK(rest["sessions"]["rows"][0]["id"] == 3);
    CHECK(rest["sessions"]["next"] == nullptr);
    const auto difference = page.good("/api/snapshots/1/diff/2");
    REQUIRE(difference["sessions"]["rows"].size() == 1);
    CHECK(difference["sessions"]["rows"][0]["id"] == 3);
    CHECK(difference["sessions"]["rows"][0]["happened"][0] == "begun");
    CHECK(difference["sessions"]["rows"][0]["before"] == nullptr);
}

TEST_CASE("records are listed, and a block is looked at in parts") {
    Page page;
    for (const std::string place : {"/api/sessions/1", "/api/snapshots/1/sessions/1"}) {
        INFO(place);
        CHECK(page.good(place)["id"] == 1);
        const auto rows = page.good(place + "/records")["rows"];
        REQUIRE(rows.size() == 3);
        CHECK(rows[0]["kind"] == "block");
        CHECK(rows[0]["length"] == 11);
        CHECK(rows[1]["kind"] == "filemark");
        CHECK(page.good(place + "/records?first=2&limit=1")["rows"][0]["number"] == 2);
        CHECK(page.good(place + "/records?first=3")["rows"].empty());
        const auto block = page.good(place + "/records/0");
        CHECK(block["hex"] == "666972737420626c6f636b");
        CHECK(block["record"]["crc32c"] == 7);
        CHECK(page.good(place + "/records/0?offset=6&length=3")["hex"] == "626c6f");
        CHECK(page.good(place + "/records/0?offset=11")["hex"] == "");
        CHECK(page.good(place + "/records/0?offset=9000000000000000&length=65536")["hex"] == "");
        CHECK(page.good(place + "/records/1")["hex"] == "");
        CHECK(page.words(place + "/records/3") == "there are 3 records, numbered from 0");
    }
}

TEST_CASE("data is taken home as .tap and as joined blocks") {
    Page page;
    CHECK(page.data("/api/sessions/1/data.bin") == "first blocksecond");
    CHECK(page.data("/api/snapshots/1/sessions/1/data.bin") == "first blocksecond");
    const auto tap = page.data("/api/snapshots/1/data.tap");
    CHECK(tap.size() == 4 + 11 + 1 + 4 + 4 + 4 + 6 + 4 + 4);
    CHECK(tap.substr(4, 11) == "first block");
    const auto answer = page.get("/api/snapshots/1/sessions/1/data.tap");
    CHECK(answer.file_name == "snapshot-1-session-1.tap");
    CHECK(!answer.length);
    CHECK(page.get("/api/sessions/1/data.bin").length == 17u);
}

TEST_CASE("data that is opened late is waited for, and too late is said") {
    Page page;
    page.library.call([&] {
        page.library.tracking.open_late = 3;
        return 0;
    });
    CHECK(page.data("/api/sessions/1/data.bin") == "first blocksecond");
    Page hasty(std::chrono::milliseconds(30));
    hasty.library.call([&] {
        hasty.library.tracking.open_late = SIZE_MAX;
        return 0;
    });
    CHECK(hasty.status("/api/sessions/1/records/0") == 504);
    CHECK(hasty.status("/api/sessions/1/data.tap") == 504);
    CHECK(hasty.status("/api/live") == 200);
}

TEST_CASE("there are as many downloads as may be, and the next one has to wait") {
    Page page;
    {
        const auto one = page.get("/api/sessions/1/data.tap");
        const auto two = page.get("/api/sessions/2/data.tap");
        CHECK(one.status == 200);
        CHECK(two.status == 200);
        CHECK(page.status("/api/sessions/1/data.tap") == 503);
        CHECK(page.status("/api/sessions/1/records/0") == 200);
    }
    CHECK(page.status("/api/sessions/1/data.tap") == 200);
}

TEST_CASE("a damaged block is said when it is looked at, and breaks off a download") {
    Page page;
    page.library.call([&] {
        page.library.tracking.all.at(1).medium->damaged.insert(0);
        return 0;
    });
    CHECK(page.status("/api/sessions/1/records/0") == 500);
    CHECK(page.status("/api/sessions/1/records/2") == 200);
    const auto answer = page.get("/api/sessions/1/data.tap");
    REQUIRE(answer.body);
    CHECK(!answer.body->next().ok());
}

TEST_CASE("what is being written has records, and its data is for later") {
    Page page;
    CHECK(page.good("/api/sessions/3/records")["rows"].size() == 1);
    CHECK(page.status("/api/sessions/3/records/0") == 409);
    CHECK(page.words("/api/sessions/3/data.tap") == "session 3 is still being written");
}

TEST_CASE("addresses that are not there, and numbers that are none, are refused in words") {
    Page page;
    for (const auto* address : {"/nothing",
                                "/api",
                                "/api/",
                                "/api/nothing",
                                "/api/live/1",
                                "/api/snapshots/3",
                                "/api/snapshots/1/diff/3",
                                "/api/snapshots/3/diff/1",
                                "/api/snapshots/1/sessions",
                                "/api/snapshots/1/sessions/3",
                                "/api/snapshots/1/sessions/9/records/0",
                                "/api/snapshots/9/data.tap",
                                "/api/snapshots/1/data.zip",
                                "/api/sessions/9",
                                "/api/sessions/9/data.tap",
                                "/api/sessions/1/data.zip",
                                "/api/sessions/1/records/0/more",
                                "/../../etc/passwd",
                                "/page.css/../../etc/passwd",
                                "//etc/passwd",
                                "/api/../page.css",
                                "/index.html",
                                "/page",
                                "/api/sessions/1/../../live"}) {
        INFO(address);
        const auto answer = page.get(address);
        CHECK(answer.status == 404);
        CHECK(!json::parse(answer.text).at("error").get<std::string>().empty());
    }
    for (const auto* address : {"/api/sessions/0",
                                "/api/sessions/2147483648",
                                "/api/sessions/99999999999999999999999",
                                "/api/sessions/-1",
                                "/api/sessions/one",
                                "/api/sessions/01",
                                "/api/sessions/1.0",
                                "/api/snapshots/0",
                                "/api/snapshots/4294967296",
                                "/api/snapshots/1/diff/0",
                                "/api/snapshots/1/diff/x",
                                "/api/sessions/1/records/-1",
                                "/api/sessions/1/records/18446744073709551616",
                                "/api/sessions/1/records/ 1",
                                "/api/sessions?limit=0",
                                "/api/sessions?limit=501",
                                "/api/sessions?before=0",
                                "/api/sessions?after=1",
                                "/api/live?x=1",
                                "/api/snapshots/1?after=-1",
                                "/api/sessions/1/records?first=99999999999999999999",
                                "/api/sessions/1/records?first=1&first=1",
                                "/api/sessions/1/records/0?length=65537",
                                "/api/sessions/1/records/0?length=0",
                                "/api/sessions/1/data.tap?from=1",
                                "/api/cartridges?first=x"}) {
        INFO(address);
        const auto answer = page.get(address);
        CHECK(answer.status == 400);
        CHECK(!json::parse(answer.text).at("error").get<std::string>().empty());
    }
}

TEST_CASE("the page's own files are there, and only for this machine's names") {
    Page page;
    CHECK(page.get("/").type == "text/html; charset=utf-8");
    CHECK(page.get("/").text.starts_with("<!doctype html>"));
    CHECK(page.get("/page.css").type == "text/css; charset=utf-8");
    CHECK(page.get("/page.js").type == "text/javascript; charset=utf-8");
    CHECK(page.get("/favicon.svg").type == "image/svg+xml");
    CHECK(page.get("/", "library.example.org").status == 403);
    CHECK(page.get("/api/live", "library.example.org:80").status == 403);
}

TEST_CASE("nothing on the page comes from elsewhere") {
    Page page;
    for (const auto* file :
         {"/", "/page.css", "/page.js", "/views.js", "/record_views.js", "/elements.js"}) {
        INFO(file);
        const auto text = page.get(file).text;
        CHECK(text.find("http://") == std::string::npos);
        CHECK(text.find("https://") == std::string::npos);
        CHECK(text.find("innerHTML") == std::string::npos);
        CHECK(text.find("eval(") == std::string::npos);
    }
}

TEST_CASE("a library without parallel drives and snapshots says so") {
    MemoryLibrary library;
    auto shown = library.shown();
    shown.tracking = nullptr;
    shown.snapshots = nullptr;
    web::LoopQuestions questions(library.loop, std::chrono::seconds(10));
    web::Routes routes(questions, shown);
    const auto get = [&](const std::string& path) {
        return routes.answer({.method = "GET",
                              .path = path,
                              .parameters = {},
                              .host = "localhost",
                              .fetch_site = {}});
    };
    const auto live = json::parse(get("/api/live").text);
    CHECK(live["parallel"] == false);
    CHECK(live["snapshots"] == nullptr);
    CHECK(json::parse(get("/api/sessions").text)["count"] == 0);
    CHECK(json::parse(get("/api/snapshots").text)["count"] == 0);
    for (const auto* path :
         {"/api/sessions/1", "/api/sessions/1/records", "/api/sessions/1/data.tap",
          "/api/snapshots/1", "/api/snapshots/1/data.tap", "/api/snapshots/1/diff/2",
          "/api/snapshots/1/sessions/1/records/1"}) {
        INFO(path);
        CHECK(get(path).status == 404);
    }
    library.call([&] {
        questions.stop();
        return 0;
    });
}
