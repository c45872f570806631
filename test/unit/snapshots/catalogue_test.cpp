#include "drive_iface/snapshots/catalogue.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "random_sessions.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace drive_iface::snapshots;
using namespace snapshots_test;

namespace {

std::unique_ptr<Catalogue> open_catalogue(const std::string& file) {
    auto opened = Catalogue::open(file);
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened.ok());
    return std::move(opened).value();
}

using Naive = std::map<std::uint32_t, std::vector<Session>>;

// What the catalogue has to know, computed the long way.
void check_same(const Catalogue& catalogue, const Naive& naive) {
    REQUIRE(catalogue.snapshots().size() == naive.size());
    std::set<std::uint32_t> with_data;
    for (const auto& [number, rows] : naive) {
        const auto read = catalogue.sessions(number);
        REQUIRE(read.ok());
        CHECK(*read == rows);
        CHECK(catalogue.snapshots().at(number).sessions == rows.size());
        for (const auto& row : rows) {
            if (has_data(row)) with_data.insert(row.identifier);
        }
    }
    std::set<std::uint32_t> referred;
    for (const auto& [identifier, reference] : catalogue.references())
        referred.insert(identifier);
    CHECK(referred == with_data);
}

}  // namespace

TEST_CASE("every snapshot stays what it was, however many come and go, over reopening") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        INFO("seed " << seed);
        const TemporaryFolder folder;
        const auto file = folder.file("snapshots.db");
        auto catalogue = open_catalogue(file);
        RandomSessions world(seed);
        std::mt19937_64 random(seed);
        Naive naive;
        std::uint32_t last = 0;
        for (int step = 0; step < 40; ++step) {
            if (naive.empty() || below(random, 3) != 0) {
                world.go_on();
                const auto taken = catalogue->add({}, world.rows);
                REQUIRE(taken.ok());
                CHECK(taken->number == ++last);
                naive[taken->number] = world.rows;
                CHECK(catalogue->is_newest(world.rows));
            } else {
                std::vector<std::uint32_t> numbers;
                for (const auto& [number, rows] : naive) {
                    if (below(random, 3) == 0) numbers.push_back(number);
                }
                REQUIRE(catalogue->remove(numbers).ok());
                for (const auto number : numbers)
                    naive.erase(number);
            }
            if (below(random, 4) == 0) {
                const auto versions = catalogue->versions();
                const auto completion = catalogue->last_completion();
                catalogue.reset();
                catalogue = open_catalogue(file);
                CHECK(catalogue->versions() == versions);
                CHECK(catalogue->last_completion() == completion);
            }
            check_same(*catalogue, naive);
        }
        std::vector<std::uint32_t> all;
        for (const auto& [number, rows] : naive)
            all.push_back(number);
        REQUIRE(catalogue->remove(all).ok());
        CHECK(catalogue->versions() == 0);
        CHECK(catalogue->references().empty());
        // Their numbers do not come back.
        CHECK(catalogue->add({}, world.rows)->number == last + 1);
    }
}

TEST_CASE("what is the same in two snapshots is on disk once") {
    const TemporaryFolder folder;
    auto catalogue = open_catalogue(folder.file("snapshots.db"));
    std::vector<Session> rows(1'000);
    for (std::uint32_t i = 0; i < rows.size(); ++i)
        rows[i].identifier = i + 1;
    REQUIRE(catalogue->add({}, rows).ok());
    CHECK(catalogue->versions() == 1'000);
    rows[10].objects = 5;
    REQUIRE(catalogue->add({}, rows).ok());
    CHECK(catalogue->versions() == 1'001);
}

TEST_CASE("marks and mounts survive reopening") {
    const TemporaryFolder folder;
    const auto file = folder.file("snapshots.db");
    auto catalogue = open_catalogue(file);
    auto taken = catalogue
                     ->add({.taken_ms = 7,
                            .cause = Cause::completion,
                            .completed = 3,
                            .by = "root",
                            .reason = "before the move"},
                           {})
                     .value();
    taken.kept = true;
    taken.kept_by = "root";
    taken.kept_reason = "audit";
    REQUIRE(catalogue->save(taken).ok());
    REQUIRE(catalogue->mount(2, {taken.number, 5}).ok());
    REQUIRE(catalogue->mount(3, {taken.number, std::nullopt}).ok());
    REQUIRE(catalogue->unmount(3).ok());
    catalogue.reset();
    catalogue = open_catalogue(file);
    CHECK(catalogue->snapshots().at(taken.number) == taken);
    CHECK(catalogue->mounts() == std::map<std::size_t, Mount>{{2, {taken.number, 5}}});
}

TEST_CASE("a file that is no catalogue is refused by name") {
    const TemporaryFolder folder;
    const auto file = folder.file("snapshots.db");
    std::ofstream(file) << "this is not a database, and long enough to be looked at closely";
    const auto opened = Catalogue::open(file);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().message.find(file) != std::string::npos);
}

namespace {

// Takes and removes snapshots, and says each number on the pipe once it is taken; until killed.
[[noreturn]] void take_for_ever(const std::string& file, std::uint64_t seed, int pipe) {
    auto catalogue = Catalogue::open(file);
    if (!catalogue) ::_exit(1);
    RandomSessions world(seed);
    while (true) {
        world.go_on();
        const auto taken = catalogue.value()->add({.taken_ms = 1}, world.rows);
        if (!taken) ::_exit(1);
        if (::write(pipe, &taken->number, sizeof taken->number) != sizeof taken->number) ::_exit(1);
        if (taken->number % 3 != 0) continue;
        if (!catalogue.value()->remove(std::vector{taken->number - 1}).ok()) ::_exit(1);
    }
}

}  // namespace

// Whatever moment it is killed at: a snapshot is there whole, or not at all, and what is referred
// to is what the snapshots have.
TEST_CASE("a process killed while it takes snapshots leaves whole ones only") {
    const TemporaryFolder folder;
    const auto file = folder.file("snapshots.db");
    std::mt19937_64 random(5);
    std::uint32_t last = 0;
    for (std::uint64_t round = 0; round < 15; ++round) {
        int ends[2] = {-1, -1};
        REQUIRE(::pipe(ends) == 0);
        const pid_t process = ::fork();
        REQUIRE(process >= 0);
        if (process == 0) take_for_ever(file, round, ends[1]);
        ::close(ends[1]);
        std::uint32_t number = 0;
        for (std::uint64_t wanted = 1 + below(random, 6); wanted > 0; --wanted)
            REQUIRE(::read(ends[0], &number, sizeof number) == sizeof number);
        ::usleep(static_cast<useconds_t>(below(random, 3'000)));
        REQUIRE(::kill(process, SIGKILL) == 0);
        REQUIRE(::waitpid(process, nullptr, 0) == process);
        while (::read(ends[0], &number, sizeof number) == sizeof number) {
        }
        ::close(ends[0]);
        CHECK(number > last);

        const auto catalogue = open_catalogue(file);
        REQUIRE_FALSE(catalogue->snapshots().empty());
        const auto newest = catalogue->snapshots().rbegin()->first;
        CHECK((newest == number || newest == number + 1));
        last = newest;
        Naive naive;
        for (const auto& [each, snapshot] : catalogue->snapshots()) {
            naive[each] = catalogue->sessions(each).value();
            CHECK(snapshot.sessions == naive[each].size());
            std::uint64_t objects = 0;
            for (const auto& row : naive[each])
                objects += row.objects;
            CHECK(snapshot.objects == objects);
        }
        check_same(*catalogue, naive);
    }
}
