#include "agent/mounts/table_memory.hpp"

#include <cstdlib>
#include <filesystem>
#include <random>

#include "agent/mounts/sqlite_session.hpp"
#include "test/unit/mounts/claim_bench.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::ClaimEvent;

namespace {

// Hides that nobody else has the file, so that everything is asked for, or counts the questions.
class Watched final : public SqlSession {
  public:
    Watched(std::unique_ptr<SqlSession> session, bool forgets, int* asked)
        : session_(std::move(session)), forgets_(forgets), asked_(asked) {}
    core::Result<std::vector<SqlAnswer>> ask(const std::vector<SqlQuestion>& questions) override {
        if (asked_ != nullptr) *asked_ += 1;
        return session_->ask(questions);
    }
    core::Outcome put(std::string_view sql, std::vector<SqlValue> values) override {
        return session_->put(sql, std::move(values));
    }
    core::Outcome begin() override { return session_->begin(); }
    core::Outcome go_on(std::uint64_t epoch) override { return session_->go_on(epoch); }
    bool can_go_on() const override { return !forgets_ && session_->can_go_on(); }
    bool was_overtaken() const override { return session_->was_overtaken(); }
    Commit commit() override { return session_->commit(); }
    void rollback() override { session_->rollback(); }
    core::Outcome lock_library() override { return session_->lock_library(); }
    void unlock_library() override { session_->unlock_library(); }
    bool is_shared() const override { return session_->is_shared(); }

  private:
    std::unique_ptr<SqlSession> session_;
    bool forgets_;
    int* asked_;
};

struct MemoryFolder {
    std::string path = [] {
        std::string name = std::filesystem::temp_directory_path() / "lra-mounts-XXXXXX";
        return std::string(::mkdtemp(name.data()));
    }();
    ~MemoryFolder() { std::filesystem::remove_all(path); }

    [[nodiscard]] ClaimTable table(const std::string& file, bool forgets,
                                   int* asked = nullptr) const {
        auto session = open_sqlite_session(path + "/" + file);
        REQUIRE(session);
        ClaimTable opened(std::make_unique<Watched>(std::move(session).value(), forgets, asked),
                          bench_options());
        REQUIRE(opened.enroll());
        fill(opened);
        return opened;
    }
};

// What may happen to a table, by chance, and what it answers.
class Happenings {
  public:
    explicit Happenings(unsigned seed) : chance_(seed) {}

    // The same thing to both.
    void next(ClaimTable& one, ClaimTable& other) {
        const int what = below(60);
        const auto id = some_claim(other);
        const int number = below(9) + 1;
        now_.ms += 1'000;
        if (what < 20) return begin(number, one, other);
        if (what < 40) return step(id, one, other);
        if (what < 50) return release(id, number, one, other);
        if (what < 56) return look_at_library(one, other);
        const auto barcode = bench_volume(number).barcode;
        const auto serial = "D" + std::to_string(below(4) + 1);
        if (what < 58) {
            const auto state =
                below(4) == 0 ? claims::VolumeState::disabled : claims::VolumeState::usable;
            CHECK(one.set_volume_state(barcode, state, "").ok() ==
                  other.set_volume_state(barcode, state, "").ok());
            CHECK(one.free_drive(serial, now_).ok() == other.free_drive(serial, now_).ok());
            return;
        }
        const bool adopts = below(2) == 0;
        if (adopts) CHECK(one.adopt(id, 9, now_).ok() == other.adopt(id, 9, now_).ok());
        if (!adopts && below(6) == 0) {
            CHECK(one.record_failure({barcode, serial}, false, "no", now_).ok() ==
                  other.record_failure({barcode, serial}, false, "no", now_).ok());
        }
    }

  private:
    int below(int end) { return static_cast<int>(chance_() % static_cast<unsigned>(end)); }

    // Mostly one that is open.
    std::uint64_t some_claim(ClaimTable& table) {
        const auto open = table.claims(below(8) == 0, 12);
        REQUIRE(open);
        if (open->empty()) return 1;
        return (*open)[static_cast<std::size_t>(below(static_cast<int>(open->size())))].id;
    }
    void begin(int number, ClaimTable& one, ClaimTable& other) {
        // Now and then one that was made before.
        const int name = below(5) == 0 ? below(++names_) : ++names_;
        const auto request = bench_request("r" + std::to_string(name), number, below(8) == 0);
        const auto begun = one.begin(request, bench_known(), {}, 7, now_);
        const auto there = other.begin(request, bench_known(), {}, 7, now_);
        REQUIRE(begun.ok() == there.ok());
        if (!begun) return;
        REQUIRE(begun->index() == there->index());
        const auto* mine = std::get_if<DriveClaimed>(&*begun);
        if (mine == nullptr) return;
        CHECK(mine->claim == std::get<DriveClaimed>(*there).claim);
        CHECK(mine->drive == std::get<DriveClaimed>(*there).drive);
    }
    void step(std::uint64_t id, ClaimTable& one, ClaimTable& other) {
        constexpr ClaimEvent events[] = {ClaimEvent::drive_reserved, ClaimEvent::move_begins,
                                         ClaimEvent::drive_ready, ClaimEvent::withdrawn};
        const auto event = events[below(4)];
        CHECK(one.step(id, event, now_).ok() == other.step(id, event, now_).ok());
    }
    void release(std::uint64_t id, int number, ClaimTable& one, ClaimTable& other) {
        ClaimRelease how;
        how.wait_again = below(12) == 0;
        if (below(2) == 0) how.slot = static_cast<std::uint16_t>(number + 100);
        how.medium_in_drive = below(40) == 0;
        if (below(60) == 0) how.quarantine_drive = "stuck";
        CHECK(one.release(id, how, now_).ok() == other.release(id, how, now_).ok());
    }
    void look_at_library(ClaimTable& one, ClaimTable& other) {
        auto seen = *other.volumes();
        // Now and then somebody has put one into a drive by hand.
        const auto unlike = static_cast<std::size_t>(below(40));
        if (unlike < seen.size()) {
            seen[unlike].place = claims::Place::drive;
            seen[unlike].drive = "D" + std::to_string(below(4) + 1);
        }
        CHECK(one.learn_volumes(seen, now_).ok());
        CHECK(other.learn_volumes(seen, now_).ok());
    }

    std::mt19937 chance_;
    int names_ = 0;
    core::WallTime now_ = bench_now;
};

}  // namespace

TEST_CASE("a claim and its steps ask for nothing that nobody has changed") {
    const MemoryFolder folder;
    int asked = 0;
    auto table = folder.table("counted.db", false, &asked);
    fill(table);  // the library looks as before: its volumes are known now
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    asked = 0;
    const auto second = claimed(table, bench_request("r2", 2));
    REQUIRE(table.step(second.claim.id, ClaimEvent::drive_reserved, bench_now));
    REQUIRE(table.release(second.claim.id, {}, bench_now));
    CHECK(asked == 0);
}

TEST_CASE("a table that remembers answers and writes as one that asks for everything") {
    const MemoryFolder folder;
    auto remembers = folder.table("remembers.db", false);
    auto asks = folder.table("asks.db", true);
    Happenings happenings(4711);
    for (int round = 0; round < 1'500; ++round) {
        INFO(round);
        happenings.next(remembers, asks);
        REQUIRE(*remembers.drives() == *asks.drives());
        REQUIRE(*remembers.volumes() == *asks.volumes());
        REQUIRE(*remembers.claims(true, 2'000) == *asks.claims(true, 2'000));
    }
}

TEST_CASE("more volumes than are remembered are asked for, and no drive of theirs is taken") {
    TableMemory memory;
    claims::DriveRow drive;
    drive.serial = "D1";
    memory.see_all_drives({drive}, {}, 1);
    claims::Volume volume;
    volume.place = claims::Place::slot;
    for (std::size_t number = 0; number <= TableMemory::volumes_max; ++number) {
        volume.barcode = std::to_string(number);
        memory.see(volume);
    }
    CHECK(memory.seen_for_new("r", "0"));
    CHECK(!memory.seen_for_new("r", volume.barcode));
    volume.place = claims::Place::drive;
    volume.drive = "D1";
    memory.see(volume);
    CHECK(memory.seen_for_new("r", "0")->usable.front().state == claims::DriveState::mounted);
    CHECK(memory.seen_for_new("r", "0")->drives.front().state == claims::DriveState::free);
}

TEST_CASE("a drive table in a file of the first version is made one of this version") {
    const MemoryFolder folder;
    {
        auto table = folder.table("older.db", false);
        static_cast<void>(claimed(table, bench_request("r1", 1)));
    }
    {
        auto session = open_sqlite_session(folder.path + "/older.db");
        REQUIRE(session);
        for (const char* sql :
             {"ALTER TABLE node RENAME COLUMN commit_mark TO mark",
              "ALTER TABLE library_state DROP COLUMN commit_mark",
              "DROP INDEX a_volume_has_one_claim", "ALTER TABLE claim DROP COLUMN is_open",
              "DROP INDEX a_request_is_one_claim",
              "CREATE UNIQUE INDEX a_request_is_one_claim ON claim (library, request)",
              "PRAGMA user_version=1"}) {
            REQUIRE(session.value()->run(sql, {}));
        }
    }
    auto table = folder.table("older.db", false);
    CHECK(table.claims(true, 10)->size() == 1);
    CHECK(claimed(table, bench_request("r2", 2)).claim.id == 2);
}
