// What a claim costs beside a bare fdatasync of the same disk in the same run: in one SQLite file,
// and on two PostgreSQL servers, the second a synchronous standby. Rounds of each, turn about, and
// the ratio of the medians of each round, since a shared disk has good and bad minutes. What a
// question and one changed row cost with nothing of ours around them says what PostgreSQL's part
// is.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mounts/postgres_session.hpp"
#include "agent/mounts/sqlite_session.hpp"
#include "test/bench/claims/bench_table.hpp"
#include "test/integration/postgres/two_servers.hpp"

namespace {

using namespace agent;
using claims_bench::BenchTable;
using two_servers::Node;
using two_servers::TwoServers;
using BenchClock = std::chrono::steady_clock;

constexpr int tries_a_round = 48;

[[noreturn]] void give_up(const std::string& words) {
    std::fprintf(stderr, "claims_bench: %s\n", words.c_str());
    std::exit(1);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// 8 KiB over and over in one place: the disk has that place, and nothing but data is written.
class BareFile {
  public:
    explicit BareFile(const std::string& name)
        : file_(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (file_ < 0) give_up("can not open " + name);
        if (!write_and_sync()) give_up("write or fdatasync failed");
    }
    ~BareFile() { ::close(file_); }
    BareFile(const BareFile&) = delete;
    BareFile& operator=(const BareFile&) = delete;
    [[nodiscard]] bool write_and_sync() const {
        static const std::array<char, 8'192> page{};
        return ::pwrite(file_, page.data(), page.size(), 0) == static_cast<ssize_t>(page.size()) &&
               ::fdatasync(file_) == 0;
    }

  private:
    int file_;
};

// One thing that is measured, and what each round showed.
struct Measured {
    std::string what;
    std::function<bool()> work;
    std::function<bool()> afterwards;  // not in its time; may be empty
    std::vector<double> ms;            // median of each round
    std::vector<double> ratios;        // to the bare fdatasync of the same round
    double seconds = 0;                // all together
    int times = 0;

    void play_round(double bare_ms) {
        std::vector<double> tries;
        for (int i = 0; i < tries_a_round; ++i) {
            const auto begin = BenchClock::now();
            if (!work()) give_up(what + " failed");
            tries.push_back(
                std::chrono::duration<double, std::milli>(BenchClock::now() - begin).count());
            seconds += tries.back() / 1'000;
            ++times;
            if (afterwards && !afterwards()) give_up("no claim was given back after: " + what);
        }
        ms.push_back(median(tries));
        ratios.push_back(bare_ms > 0 ? ms.back() / bare_ms : 1);
    }
    void print() const {
        std::printf("%-52s %8.3f ms %6.2f times %9.0f a second\n", what.c_str(), median(ms),
                    median(ratios), times / seconds);
    }
};

void add_claims(std::deque<Measured>& all, BenchTable& table, const std::string& where) {
    // A request is not made twice, in another run neither.
    const auto name = [count = std::make_shared<int>(0)] {
        return std::to_string(::getpid()) + "-" + std::to_string(++*count);
    };
    const auto back = [&table] { return table.give_back(); };
    const auto claim = [&table, name] { return table.claim(name()); };
    const auto order = [&table, name] { return table.claim_and_reserve(name()); };
    all.push_back({"claim, " + where, claim, back});
    all.push_back({"lock, two commits, unlock, " + where, order, back});
}

// Nothing of the claims' in here: what the server takes by itself.
void add_bare_statements(std::deque<Measured>& all, postgres::ServerSession& session) {
    const auto asks = [&session](const char* sql) {
        return [&session, sql] { return session.run(sql, {}, {10'000}).ok(); };
    };
    all.push_back({"PostgreSQL asked for a number", asks("SELECT 1"), {}});
    all.push_back({"PostgreSQL, one row changed, both disks",
                   asks("UPDATE pair_epoch SET mark = 'bench'"),
                   {}});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) give_up("claims_bench FOLDER [ROUNDS]");
    const std::string folder = argv[1];
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 12;
    const BareFile first(folder + "/bare");
    const BareFile second(folder + "/bare.second");
    std::deque<Measured> all;
    all.push_back({"write of 8 KiB and fdatasync", [&] { return first.write_and_sync(); }, {}});
    all.push_back({"the same twice, one file behind the other",
                   [&] { return first.write_and_sync() && second.write_and_sync(); },
                   {}});
    const auto single = BenchTable::open(mounts::open_sqlite_session(folder + "/mounts.db"));
    if (!single) give_up("no table in SQLite");
    add_claims(all, *single, "SQLite");

    TwoServers pair(folder);
    std::unique_ptr<postgres::ServerSession> session;
    std::unique_ptr<BenchTable> shared;
    if (two_servers::can_run()) {
        pair.make();
        pair.open(Node::first);
        pair.open(Node::second);
        if (!pair.begin_pair()) give_up(pair.told(Node::first) + pair.told(Node::second));
        session = pair.session(Node::first);
        shared = BenchTable::open(mounts::open_postgres_session(
            {.servers = postgres::table_connections(pair.configuration(Node::first)),
             .library = "bench",
             .node = "bench"}));
        if (!session || !shared) give_up("no table in PostgreSQL");
        add_bare_statements(all, *session);
        add_claims(all, *shared, "PostgreSQL, both disks");
    }
    for (int round = 0; round < rounds; ++round) {
        for (auto& one : all)
            one.play_round(&one == &all.front() ? 0 : all.front().ms.back());
    }
    std::printf("%d rounds of %d, medians\n", rounds, tries_a_round);
    for (const auto& one : all)
        one.print();
    return 0;
}
