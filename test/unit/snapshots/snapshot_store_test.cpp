#include "drive_iface/snapshots/snapshot_store.hpp"

#include "test/unit/sessions/session_rig.hpp"

using namespace sessions_test;
using namespace drive_iface::snapshots;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t minute = 60'000;

// Write sessions over real files, and snapshots of them.
class SnapshotRig {
  public:
    explicit SnapshotRig(bool on_completion = false) {
        rig.options.merged_kept = 0;
        rig.options.incomplete_kept = 0;
        rig.restart();
        options.file = rig.folder + "/snapshots.db";
        options.on_completion = on_completion;
        options.now_ms = [this] { return now; };
        options.log = [this](const std::string& line) { log += line + "\n"; };
        begin();
    }
    void begin() {
        auto started = SnapshotStore::start(options, *rig.store);
        INFO((started ? "" : started.error().message));
        REQUIRE(started.ok());
        snapshots = std::move(started).value();
        told.clear();
        listening = snapshots->listen([this](const SnapshotChange& change) {
            told += std::string(to_text(change.kind)) + " " +
                    std::to_string(change.snapshot.number) + "\n";
        });
    }
    void restart() {
        snapshots.reset();
        rig.restart();
        begin();
    }
    Snapshot take() {
        auto taken = snapshots->take("root", "a test");
        INFO((taken ? "" : taken.error().message));
        REQUIRE(taken.ok());
        return *taken;
    }
    std::uint32_t write_session(const std::string& letters, const std::string& volume) {
        Host host(rig, 1, volume);
        for (const char letter : letters)
            host.write(letter);
        const auto identifier = host.complete();
        REQUIRE(rig.has_state(identifier, SessionState::merged));
        return identifier;
    }
    std::unique_ptr<virtual_library::Cartridge> open(std::uint32_t number,
                                                     std::optional<std::uint32_t> session = {}) {
        std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> opened;
        REQUIRE(rig.becomes([&] {
            opened = snapshots->open(number, session);
            return opened.has_value();
        }));
        INFO((opened->ok() ? "" : opened->error().message));
        REQUIRE(opened->ok());
        return std::move(*opened).value();
    }
    std::string error_of_open(std::uint32_t number, std::optional<std::uint32_t> session = {}) {
        std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> opened;
        REQUIRE(rig.becomes([&] {
            opened = snapshots->open(number, session);
            return opened.has_value();
        }));
        return opened->ok() ? "" : opened->error().message;
    }
    std::string content(std::uint32_t number, std::optional<std::uint32_t> session = {}) {
        const auto cartridge = open(number, session);
        CHECK(cartridge->facts().write_protected);
        return rig.content(*cartridge);
    }
    std::size_t segment_files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(rig.folder + "/a/sessions"))
            count += entry.path().extension() == ".tap" ? 1U : 0U;
        return count;
    }
    bool segments_become(std::size_t count) {
        return rig.becomes([&] { return segment_files() == count; });
    }

    Rig rig;
    SnapshotStoreOptions options;
    std::int64_t now = 1'700'000'000'000;
    std::string log, told;
    std::unique_ptr<SnapshotStore> snapshots;
    std::shared_ptr<void> listening;
};

}  // namespace

TEST_CASE("a snapshot keeps rows and data of sessions as they were") {
    SnapshotRig site;
    Host one(site.rig, 1, "VOL001L8"), two(site.rig, 2, "VOL001L8");
    one.write('a');
    one.write('b');
    one.filemark();
    one.synchronise();
    two.write('x');
    two.synchronise();
    const auto first = site.take();
    CHECK(first.sessions == 2);
    CHECK(first.active == 2);
    CHECK(first.objects == 4);
    CHECK(first.bytes == 3000);
    one.write('c');
    const auto session = one.complete();
    CHECK(site.rig.has_state(session, SessionState::merged));
    const auto second = site.take();

    const auto rows = site.snapshots->sessions(first.number);
    REQUIRE(rows.ok());
    CHECK(rows.value()[0].state == SessionState::active);
    CHECK(rows.value()[0].objects == 3);
    CHECK(site.content(first.number, session) == "ab|");
    CHECK(site.content(second.number, session) == "ab|c|");
    CHECK(site.content(first.number, two.identifier()) == "x");
    // Complete ones first, each a tape file of its own.
    CHECK(site.content(second.number) == "ab|c|x|");
    const auto difference = site.snapshots->diff(second.number, first.number);
    REQUIRE(difference.ok());
    CHECK(difference->from.number == first.number);
    REQUIRE(difference->sessions.size() == 1);
    CHECK(to_text(difference->sessions[0]) == "grown by 2 records (1000 bytes), completed, merged");
    const auto records = site.snapshots->records(first.number, session, 1, 100);
    REQUIRE(records.ok());
    CHECK(records->size() == 2);
}

TEST_CASE("segments stay as long as a snapshot refers to them, over restarts, and then go") {
    SnapshotRig site;
    const auto session = site.write_session("ab", "VOL001L8");
    const auto snapshot = site.take();
    site.write_session("c", "VOL001L8");  // in no snapshot
    CHECK(site.segments_become(1));
    site.restart();
    CHECK(site.segments_become(1));
    CHECK(site.content(snapshot.number, session) == "ab|");
    REQUIRE(site.snapshots->remove(snapshot.number, "root", "no longer needed").ok());
    CHECK(site.segments_become(0));
    CHECK(site.told == "removed 1\n");
    CHECK(site.log.empty());
}

TEST_CASE("without any snapshot old segments are deleted all the same") {
    SnapshotRig site;
    site.write_session("ab", "VOL001L8");
    CHECK(site.segments_become(0));
}

TEST_CASE("a cartridge that is open stays readable when its snapshot is removed") {
    SnapshotRig site;
    const auto session = site.write_session("ab", "VOL001L8");
    const auto snapshot = site.take();
    const auto cartridge = site.open(snapshot.number, session);
    REQUIRE(site.snapshots->remove(snapshot.number, "root", "gone").ok());
    for (int i = 0; i < 20; ++i) {
        site.rig.loop.restart();
        site.rig.loop.poll();
    }
    CHECK(site.rig.content(*cartridge) == "ab|");
}

TEST_CASE("each completion is a snapshot when that is wanted") {
    SnapshotRig site(true);
    const auto first = site.write_session("ab", "VOL001L8");
    const auto second = site.write_session("c", "VOL001L8");
    const auto all = site.snapshots->list();
    REQUIRE(all.size() == 2);
    CHECK(all[0].cause == Cause::completion);
    CHECK(all[0].completed == first);
    CHECK(all[1].completed == second);
    CHECK(site.told == "taken 1\ntaken 2\n");
    // It shows the session as it was then: complete, and not yet copied.
    CHECK(site.snapshots->sessions(1)->at(0).state == SessionState::complete);
    site.restart();
    CHECK(site.snapshots->list().size() == 2);
}

TEST_CASE("a completion right before the end of the process is a snapshot at the next start") {
    SnapshotRig site(true);
    site.snapshots.reset();
    site.listening.reset();
    const auto session = site.write_session("ab", "VOL001L8");
    site.begin();
    const auto all = site.snapshots->list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].completed == session);
}

TEST_CASE("periodic snapshots come in time, and only when something happened") {
    SnapshotRig site;
    site.options.every_minutes = 10;
    site.restart();
    site.snapshots->tick();
    Host one(site.rig, 1, "VOL001L8");
    one.write('a');
    site.now += 9 * minute;
    site.snapshots->tick();
    CHECK(site.snapshots->list().empty());
    site.now += minute;
    site.snapshots->tick();
    site.snapshots->tick();
    REQUIRE(site.snapshots->list().size() == 1);
    CHECK(site.snapshots->list()[0].cause == Cause::periodic);
    site.now += 10 * minute;
    site.snapshots->tick();
    CHECK(site.snapshots->list().size() == 1);
    one.write('b');
    site.now += 10 * minute;
    site.snapshots->tick();
    CHECK(site.snapshots->list().size() == 2);
    one.write('c');
    site.now -= 1000 * minute;  // the clock is set back
    site.snapshots->tick();
    site.now += 10 * minute;
    site.snapshots->tick();
    CHECK(site.snapshots->list().size() == 3);
}

TEST_CASE("old snapshots go, and what somebody keeps or mounted stays") {
    SnapshotRig site;
    site.options.retention = {.count = 2};
    site.restart();
    const auto session = site.write_session("ab", "VOL001L8");
    const auto kept = site.take();
    REQUIRE(site.snapshots->keep(kept.number, "root", "audit").ok());
    const auto mounted = site.take();
    REQUIRE(site.snapshots->mount(mounted.number, session).ok());
    for (int i = 0; i < 3; ++i)
        site.take();
    std::vector<std::uint32_t> numbers;
    for (const auto& one : site.snapshots->list())
        numbers.push_back(one.number);
    CHECK(numbers == std::vector<std::uint32_t>{1, 2, 4, 5});
    CHECK(site.snapshots->show(1)->kept_reason == "audit");
    const auto refused = site.snapshots->remove(mounted.number, "root", "x");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("unmount") != std::string::npos);
    site.restart();
    REQUIRE(site.snapshots->mounted().size() == 1);
    CHECK(site.snapshots->mounted()[0].volume == "SN0002S" + std::to_string(session) + "L8");
    REQUIRE(site.snapshots->unmount(site.snapshots->mounted()[0].volume).ok());
    CHECK_FALSE(site.snapshots->show(2));
    REQUIRE(site.snapshots->unkeep(1, "root").ok());
    CHECK_FALSE(site.snapshots->show(1));
}

TEST_CASE("snapshots that refer to too much data make room, the oldest first") {
    SnapshotRig site(true);
    site.options.retention = {.count = 99, .bytes = 5'000};
    site.restart();
    for (int i = 0; i < 4; ++i)
        site.write_session("abc", "VOL001L8");
    // The newest refers to all that are still there; only itself is left.
    CHECK(site.snapshots->list().size() == 1);
    CHECK(site.log.empty());
}

TEST_CASE("too many rows make room too, and are refused when all have to stay") {
    SnapshotRig site;
    site.options.versions_max = 3;
    site.restart();
    Host one(site.rig, 1, "VOL001L8");
    for (int i = 0; i < 6; ++i) {
        one.write('a');
        site.take();
    }
    CHECK(site.snapshots->list().size() <= 3);
    for (const auto& each : site.snapshots->list())
        REQUIRE(site.snapshots->keep(each.number, "root", "all of them").ok());
    bool refused = false;
    for (int i = 0; i < 4 && !refused; ++i) {
        one.write('a');
        const auto taken = site.snapshots->take("root", "");
        refused = !taken.ok();
        if (taken) REQUIRE(site.snapshots->keep(taken->number, "root", "").ok());
    }
    CHECK(refused);
}

TEST_CASE("what can not be done is refused in words") {
    SnapshotRig site;
    site.options.kept_max = 1;
    site.options.mounts_max = 1;
    site.restart();
    CHECK_FALSE(site.snapshots->sessions(7).ok());
    CHECK_FALSE(site.snapshots->diff(1, 2).ok());
    CHECK_FALSE(site.snapshots->keep(7, "root", "").ok());
    CHECK_FALSE(site.snapshots->remove(7, "root", "").ok());
    CHECK(site.error_of_open(7).find("no snapshot 7") != std::string::npos);
    CHECK_FALSE(site.snapshots->take("root", std::string(1'001, 'x')).ok());
    const auto empty = site.take();
    CHECK(site.error_of_open(empty.number) == "snapshot 1 has no session with data");
    CHECK(site.error_of_open(empty.number, 5) == "snapshot 1 has no session 5");
    CHECK_FALSE(site.snapshots->mount(empty.number, std::nullopt).ok());
    CHECK_FALSE(site.snapshots->unmount("SN0001L8").ok());
    CHECK_FALSE(site.snapshots->unkeep(empty.number, "root").ok());
    const auto session = site.write_session("a", "VOL001L8");
    const auto two = site.take();
    REQUIRE(site.snapshots->mount(two.number, std::nullopt).ok());
    CHECK(site.snapshots->mount(two.number, std::nullopt).ok());  // it is already
    CHECK_FALSE(site.snapshots->mount(two.number, session).ok());
    REQUIRE(site.snapshots->keep(two.number, "root", "").ok());
    CHECK_FALSE(site.snapshots->keep(empty.number, "root", "").ok());
}

TEST_CASE("data that is lost is told, and nothing else suffers") {
    SnapshotRig site;
    const auto lost = site.write_session("ab", "VOL001L8");
    const auto session = site.write_session("c", "VOL001L8");
    // The first is in no snapshot and goes; one that says otherwise comes from a copy of the file.
    CHECK(site.segments_become(0));
    site.snapshots.reset();
    {
        auto catalogue = Catalogue::open(site.options.file);
        REQUIRE(catalogue.ok());
        auto rows = site.rig.store->list();
        for (auto& row : rows)
            row.kept = true;
        REQUIRE(catalogue.value()->add({}, rows).ok());
    }
    site.begin();
    CHECK(site.log.find("session " + std::to_string(lost)) != std::string::npos);
    CHECK(site.error_of_open(1, session).find("deleted") != std::string::npos);
    CHECK(site.snapshots->sessions(1)->size() == 2);
}

TEST_CASE("volumes of snapshots have names of their own") {
    CHECK(volume_name({12, std::nullopt}, "L8") == "SN0012L8");
    CHECK(volume_name({12, 3}, "L8") == "SN0012S3L8");
    CHECK(volume_name({4'294'967'295, 2'147'483'647}, "L8").size() <= 32);
    CHECK(is_snapshot_barcode("SN0012L8"));
    CHECK_FALSE(is_snapshot_barcode("SNOW01L8"));
    CHECK_FALSE(is_snapshot_barcode("SN"));
}
