// What a claim costs beside a bare fdatasync of the same disk in the same run: rounds of each, turn
// about, and the ratio of the medians of each round, since a shared disk has good and bad minutes.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "agent/mounts/claim_table.hpp"
#include "agent/mounts/postgres_session.hpp"
#include "agent/mounts/sqlite_session.hpp"

namespace {

using namespace agent;
using namespace agent::mounts;
using BenchClock = std::chrono::steady_clock;

constexpr int claims_a_round = 48;
constexpr int drives_in_table = 16;
constexpr core::WallTime bench_time{1'000'000};

[[noreturn]] void give_up(const std::string& words) {
    std::fprintf(stderr, "claims_bench: %s\n", words.c_str());
    std::exit(1);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double ms_of(const std::function<void()>& work) {
    const auto begin = BenchClock::now();
    work();
    return std::chrono::duration<double, std::milli>(BenchClock::now() - begin).count();
}

// 8 KiB over and over in one place.
class BareFile {
  public:
    explicit BareFile(const std::string& name)
        : file_(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (file_ < 0) give_up("can not open " + name);
        write_and_sync();
    }
    ~BareFile() { ::close(file_); }
    BareFile(const BareFile&) = delete;
    BareFile& operator=(const BareFile&) = delete;
    void write_and_sync() {
        static const std::array<char, 8'192> page{};
        if (::pwrite(file_, page.data(), page.size(), 0) != static_cast<ssize_t>(page.size()) ||
            ::fdatasync(file_) != 0)
            give_up("write or fdatasync failed");
    }

  private:
    int file_;
};

class BenchTable {
  public:
    explicit BenchTable(std::unique_ptr<SqlSession> session)
        : table_(std::move(session), options()) {
        if (auto writer = table_.enroll(); !writer) give_up(writer.error().message);
        std::vector<DriveFact> facts;
        for (int i = 0; i < drives_in_table; ++i) {
            const std::string serial = "D" + std::to_string(i);
            facts.push_back({serial, static_cast<std::uint16_t>(256 + i), "LTO-8"});
            known_.push_back({serial, claims::DriveCondition::usable});
        }
        claims::Volume volume;
        volume.barcode = "VT0001L8";
        volume.generation = "LTO-8";
        volume.place = claims::Place::slot;
        volume.element = 1'000;
        if (auto learnt = table_.learn_drives(facts); !learnt) give_up(learnt.error().message);
        if (auto learnt = table_.learn_volumes({volume}, bench_time); !learnt)
            give_up(learnt.error().message);
    }

    // Commit 1 alone: request, volume and drives looked at, a drive chosen, claim and row written.
    void claim() {
        MountRequest request;
        request.request = std::to_string(::getpid()) + "-" + std::to_string(++requests_);
        request.volume = "VT0001L8";
        auto begun = table_.begin(request, known_, {}, 1, bench_time);
        if (!begun) give_up(begun.error().message);
        const auto* taken = std::get_if<DriveClaimed>(&begun.value());
        if (taken == nullptr) give_up("no drive was claimed");
        id_ = taken->claim.id;
    }
    // As a mount does it: lock, commit, commit, unlock.
    void claim_and_reserve() {
        if (auto locked = table_.lock(); !locked) give_up(locked.error().message);
        claim();
        if (auto done = table_.step(id_, claims::ClaimEvent::drive_reserved, bench_time); !done)
            give_up(done.error().message);
        table_.unlock();
    }
    void give_back() {
        if (auto done = table_.release(id_, {}, bench_time); !done) give_up(done.error().message);
    }

  private:
    static ClaimTableOptions options() {
        ClaimTableOptions options;
        options.library = "bench";
        options.node = "bench";
        options.media = claims::lto_media();
        return options;
    }
    ClaimTable table_;
    std::vector<claims::KnownDrive> known_;
    std::uint64_t id_ = 0;
    int requests_ = 0;
};

struct Figures {
    std::vector<double> ms;      // median of each round
    std::vector<double> ratios;  // to the bare fdatasync of the same round
};

void print(const char* what, const Figures& figures) {
    std::printf("%-44s %8.3f ms  %6.2f times\n", what, median(figures.ms), median(figures.ratios));
}

void measure(BenchTable& table, double bare, Figures& one, Figures& both) {
    std::vector<double> single;
    std::vector<double> twice;
    for (int i = 0; i < claims_a_round; ++i) {
        single.push_back(ms_of([&] { table.claim(); }));
        table.give_back();
        twice.push_back(ms_of([&] { table.claim_and_reserve(); }));
        table.give_back();
    }
    one.ms.push_back(median(single));
    one.ratios.push_back(one.ms.back() / bare);
    both.ms.push_back(median(twice));
    both.ratios.push_back(both.ms.back() / bare);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) give_up("claims_bench FOLDER [ROUNDS] [CONNECTION STRING]");
    const std::string folder = argv[1];
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 12;
    BareFile bare(folder + "/bare");
    auto sqlite = open_sqlite_session(folder + "/mounts.db");
    if (!sqlite) give_up(sqlite.error().message);
    BenchTable single(std::move(sqlite).value());
    std::unique_ptr<BenchTable> shared;
    if (argc > 3) {
        auto session =
            open_postgres_session({.servers = {argv[3]}, .library = "bench", .node = "bench"});
        if (!session) give_up(session.error().message);
        shared = std::make_unique<BenchTable>(std::move(session).value());
    }
    std::vector<double> floor;
    Figures sqlite_one;
    Figures sqlite_both;
    Figures postgres_one;
    Figures postgres_both;
    for (int round = 0; round < rounds; ++round) {
        std::vector<double> syncs;
        for (int i = 0; i < claims_a_round; ++i)
            syncs.push_back(ms_of([&] { bare.write_and_sync(); }));
        floor.push_back(median(syncs));
        measure(single, floor.back(), sqlite_one, sqlite_both);
        if (shared) measure(*shared, floor.back(), postgres_one, postgres_both);
    }
    std::printf("%d rounds of %d, medians\n%-44s %8.3f ms\n", rounds, claims_a_round,
                "write of 8 KiB and fdatasync", median(floor));
    print("claim, SQLite", sqlite_one);
    print("lock, two commits, unlock, SQLite", sqlite_both);
    if (shared) print("claim, PostgreSQL", postgres_one);
    if (shared) print("lock, two commits, unlock, PostgreSQL", postgres_both);
    return 0;
}
