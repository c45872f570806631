// Two real servers on one machine. What a claim costs when both disks have to have it, beside a
// bare fdatasync; how long nobody is served when the primary is killed and the other is told at
// once; and whether a claim that was acknowledged is missing afterwards.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/mounts/claim_table.hpp"
#include "agent/mounts/postgres_session.hpp"
#include "test/integration/postgres/two_servers.hpp"

namespace {

using namespace agent;
using namespace agent::mounts;
using two_servers::Message;
using two_servers::Node;
using two_servers::ServerSession;
using two_servers::Step;
using two_servers::TwoServers;
using FailoverClock = std::chrono::steady_clock;

constexpr int drives = 16;
constexpr int measured_a_round = 48;
constexpr core::WallTime bench_now{1'000'000};

[[noreturn]] void end_with(const std::string& words) {
    std::fprintf(stderr, "failover_bench: %s\n", words.c_str());
    std::exit(1);
}

double middle_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

double ms_since(FailoverClock::time_point begin) {
    return std::chrono::duration<double, std::milli>(FailoverClock::now() - begin).count();
}

class FailoverTable {
  public:
    static std::unique_ptr<FailoverTable> open(TwoServers& pair, Node node, std::uint64_t epoch) {
        auto session =
            open_postgres_session({.servers = postgres::table_connections(pair.configuration(node)),
                                   .library = "bench",
                                   .node = "bench",
                                   .resolve_within = {200}});
        if (!session) return nullptr;
        auto table = std::unique_ptr<FailoverTable>(new FailoverTable(std::move(session).value()));
        if (!table->table_.enroll() || !table->table_.raise_epoch(epoch) || !table->learn())
            return nullptr;
        return table;
    }

    bool claim(const std::string& name) {
        MountRequest request;
        request.request = name;
        request.volume = "VT0001L8";
        auto begun = table_.begin(request, known_, {}, 1, bench_now);
        const auto* taken = begun ? std::get_if<DriveClaimed>(&begun.value()) : nullptr;
        if (taken == nullptr) return false;
        id_ = taken->claim.id;
        return true;
    }
    bool reserve() { return table_.step(id_, claims::ClaimEvent::drive_reserved, bench_now).ok(); }
    bool give_back() { return table_.release(id_, {}, bench_now).ok(); }
    bool claim_and_reserve(const std::string& name) {
        if (!table_.lock()) return false;
        const bool done = claim(name) && reserve();
        table_.unlock();
        return done;
    }
    // What the killed one was at.
    void free_all() {
        auto open = table_.claims(false, 64);
        if (!open) return;
        for (const auto& claim : *open)
            static_cast<void>(table_.release(claim.id, {}, bench_now));
    }
    std::set<std::string> requests() {
        std::set<std::string> names;
        auto all = table_.claims(true, 1'000'000);
        if (!all) end_with(all.error().message);
        for (const auto& claim : *all)
            names.insert(claim.request);
        return names;
    }

  private:
    explicit FailoverTable(std::unique_ptr<SqlSession> session)
        : table_(std::move(session), options()) {}
    static ClaimTableOptions options() {
        ClaimTableOptions options;
        options.library = "bench";
        options.node = "bench";
        options.media = claims::lto_media();
        options.ended_max = 1'000'000;
        return options;
    }
    bool learn() {
        std::vector<DriveFact> facts;
        for (int i = 0; i < drives; ++i) {
            const std::string serial = "D" + std::to_string(i);
            facts.push_back({serial, static_cast<std::uint16_t>(256 + i), "LTO-8"});
            known_.push_back({serial, claims::DriveCondition::usable});
        }
        claims::Volume volume;
        volume.barcode = "VT0001L8";
        volume.generation = "LTO-8";
        volume.place = claims::Place::slot;
        volume.element = 1'000;
        return table_.learn_drives(facts).ok() && table_.learn_volumes({volume}, bench_now).ok();
    }
    ClaimTable table_;
    std::vector<claims::KnownDrive> known_;
    std::uint64_t id_ = 0;
};

struct Costs {
    std::vector<double> sync;
    std::vector<double> commit;  // of one row, with nothing around it
    std::vector<double> claim;
    std::vector<double> order;
};

void measure_costs(FailoverTable& table, ServerSession& session, const std::string& folder,
                   int round, Costs& costs, std::set<std::string>& acknowledged) {
    const int file = ::open((folder + "/bare").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    static const std::array<char, 8'192> page{};
    std::vector<double> sync;
    std::vector<double> commit;
    std::vector<double> claim;
    std::vector<double> order;
    for (int i = 0; i < measured_a_round; ++i) {
        auto begin = FailoverClock::now();
        if (::pwrite(file, page.data(), page.size(), 0) < 0 || ::fdatasync(file) != 0)
            end_with("fdatasync failed");
        sync.push_back(ms_since(begin));
        begin = FailoverClock::now();
        if (!session.run("UPDATE pair_epoch SET mark = 'bench'", {}, {10'000}))
            end_with("no commit");
        commit.push_back(ms_since(begin));
        const std::string name = "m" + std::to_string(round) + "-" + std::to_string(i);
        begin = FailoverClock::now();
        if (!table.claim(name)) end_with("no claim");
        claim.push_back(ms_since(begin));
        acknowledged.insert(name);
        table.give_back();
        begin = FailoverClock::now();
        if (!table.claim_and_reserve(name + "o")) end_with("no claim");
        order.push_back(ms_since(begin));
        acknowledged.insert(name + "o");
        table.give_back();
    }
    ::close(file);
    costs.sync.push_back(middle_of(sync));
    costs.commit.push_back(middle_of(commit));
    costs.claim.push_back(middle_of(claim));
    costs.order.push_back(middle_of(order));
}

double middle_ratio(const std::vector<double>& of, const std::vector<double>& to) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < of.size(); ++i)
        ratios.push_back(of[i] / to[i]);
    return middle_of(ratios);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) end_with("failover_bench FOLDER [ROUNDS] [CLAIMS]");
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 12;
    const int claims = argc > 3 ? std::atoi(argv[3]) : 20'000;
    TwoServers pair(argv[1]);
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    std::uint64_t epoch = 1;
    if (!pair.begin_pair(epoch)) end_with(pair.told(Node::first) + pair.told(Node::second));
    Node primary = Node::first;
    auto table = FailoverTable::open(pair, primary, ++epoch);
    if (!table) end_with("no drive table");

    Costs costs;
    std::vector<double> outages;
    std::set<std::string> acknowledged;
    for (int round = 0; round < rounds; ++round) {
        const auto session = pair.session(primary);
        if (!session) end_with("no session");
        measure_costs(*table, *session, argv[1], round, costs, acknowledged);
        std::atomic<int> made{0};
        std::set<std::string> mine;
        std::thread writer([&] {
            for (;;) {
                const std::string name = "r" + std::to_string(round) + "-" + std::to_string(made);
                if (!table->claim(name)) return;
                mine.insert(name);
                ++made;
                if (!table->give_back()) return;
            }
        });
        while (made < claims / rounds)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const Node next = pair::other(primary);
        const auto begin = FailoverClock::now();
        pair.signal(primary, SIGKILL);
        ++epoch;
        if (!pair.begin_alone(next, epoch)) end_with(pair.told(next));
        auto other = FailoverTable::open(pair, next, epoch);
        if (!other) end_with("no drive table on the other node");
        other->free_all();
        const std::string first = "f" + std::to_string(round);
        if (!other->claim(first)) end_with("no claim on the other node");
        outages.push_back(ms_since(begin));
        acknowledged.insert(first);
        other->give_back();
        writer.join();
        acknowledged.insert(mine.begin(), mine.end());
        std::printf("round %d: %d claims, then %.0f ms without\n", round + 1, made.load(),
                    outages.back());
        std::fflush(stdout);
        table = std::move(other);
        if (!pair.done(primary, Step::stop_database) || !pair.take_in(next, ++epoch))
            end_with(pair.told(primary) + pair.told(next));
        table = FailoverTable::open(pair, next, epoch);
        if (!table) end_with("no drive table");
        primary = next;
    }
    const auto there = table->requests();
    std::vector<std::string> missing;
    std::set_difference(acknowledged.begin(), acknowledged.end(), there.begin(), there.end(),
                        std::back_inserter(missing));
    std::printf("write of 8 KiB and fdatasync           %8.3f ms\n", middle_of(costs.sync));
    std::printf("one row changed, on both disks         %8.3f ms  %6.2f times\n",
                middle_of(costs.commit), middle_ratio(costs.commit, costs.sync));
    std::printf("claim, on both disks                   %8.3f ms  %6.2f times\n",
                middle_of(costs.claim), middle_ratio(costs.claim, costs.sync));
    std::printf("lock, two commits, unlock              %8.3f ms  %6.2f times\n",
                middle_of(costs.order), middle_ratio(costs.order, costs.sync));
    std::printf("kill to the next acknowledged claim    %8.0f ms  (%.0f to %.0f, %d rounds)\n",
                middle_of(outages), *std::min_element(outages.begin(), outages.end()),
                *std::max_element(outages.begin(), outages.end()), rounds);
    std::printf("acknowledged claims lost               %8zu of %zu\n", missing.size(),
                acknowledged.size());
    return 0;
}
