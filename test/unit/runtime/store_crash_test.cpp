#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <random>

#include "agent/runtime/descriptor.hpp"
#include "agent/runtime/reservation_agent_store.hpp"
#include "sample_effects.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using namespace agent::core;

namespace {

constexpr int drives = 4;

// One step of the child: everything that belongs to number `n` of drive n % drives, in one commit.
ReservationAgentEffects step_number(std::uint64_t n) {
    const std::string serial = "VT" + std::to_string(n % drives);
    EventRecord event = sample_event(serial, static_cast<std::int64_t>(n));
    return {RecordDrive{sample_drive(serial, n)},
            RecordDebt{{{serial}, "host1", {{1, n}, {1, n + 1}}}}, RecordEvent{event}};
}

// Commits numbers from `first` on and says each on the pipe once it is recorded; until it is
// killed.
[[noreturn]] void child(const std::string& path, std::uint64_t first, int pipe) {
    auto store = ReservationAgentStore::open(path, {50, 100});
    if (!store.ok()) ::_exit(1);
    const std::uint64_t epoch = store->epoch();
    if (::write(pipe, &epoch, sizeof epoch) != sizeof epoch) ::_exit(1);
    for (std::uint64_t n = first;; ++n) {
        if (!store.value().commit(step_number(n)).ok()) ::_exit(1);
        if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(1);
    }
}

std::vector<std::uint64_t> numbers_in(int pipe, std::size_t count_max) {
    std::vector<std::uint64_t> numbers;
    std::uint64_t number = 0;
    while (numbers.size() < count_max && ::read(pipe, &number, sizeof number) == sizeof number) {
        numbers.push_back(number);
    }
    return numbers;
}

}  // namespace

// Killed at a random moment, over and over on the same file. What the child has said is recorded
// must be there; the one commit it had not spoken of yet may be there whole or not at all.
TEST_CASE(
    "a process killed at any moment loses nothing it has called recorded, and never reuses an "
    "epoch") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    std::mt19937_64 random(11);
    std::uint64_t last_recorded = 0;
    std::uint64_t last_epoch = 0;
    for (int round = 0; round < 25; ++round) {
        int ends[2] = {-1, -1};
        REQUIRE(::pipe(ends) == 0);
        const Descriptor reading(ends[0]);
        Descriptor writing(ends[1]);
        const pid_t process = ::fork();
        REQUIRE(process >= 0);
        if (process == 0) child(path, last_recorded + 1, writing.get());
        writing.close();

        const std::uint64_t commits = random() % 8;
        auto said = numbers_in(reading.get(), 1 + commits);
        ::usleep(static_cast<useconds_t>(random() %
                                         3'000));  // where in a commit it is hit is left to chance
        REQUIRE(::kill(process, SIGKILL) == 0);
        REQUIRE(::waitpid(process, nullptr, 0) == process);
        for (const std::uint64_t more : numbers_in(reading.get(), 1'000'000))
            said.push_back(more);
        REQUIRE_FALSE(said.empty());
        CHECK(said.front() > last_epoch);
        last_epoch = said.front();
        if (said.size() > 1) last_recorded = said.back();

        auto store = ReservationAgentStore::open(path, {50, 100});
        REQUIRE(store.ok());
        CHECK(store->epoch() == last_epoch + 1);
        last_epoch = store->epoch();
        const ReservationAgentState state = store->load().value();
        std::uint64_t newest = 0;
        for (const DriveRecord& drive : state.drives)
            newest = std::max(newest, drive.newest_notice->sequence);
        CHECK((newest == last_recorded || newest == last_recorded + 1));
        last_recorded = newest;
        for (const DriveRecord& drive : state.drives) {
            const std::uint64_t n = drive.newest_notice->sequence;
            CHECK(n + drives > newest);
            CHECK(drive == sample_drive("VT" + std::to_string(n % drives), n));
        }
        for (const DebtRecord& debt : state.debts)
            CHECK(debt.unconfirmed.size() == 2);
        const auto events = store->events({std::nullopt, std::nullopt, 1, true}).value();
        if (newest > 0) CHECK(events.at(0).record.at.ms == static_cast<std::int64_t>(newest));
    }
    CHECK(last_recorded > 25);
}
