// Two real servers on one machine: how long nobody is served when the primary is killed and the
// other is told at once, and whether a claim that was acknowledged is missing afterwards.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/mounts/postgres_session.hpp"
#include "test/bench/claims/bench_table.hpp"
#include "test/integration/postgres/two_servers.hpp"

namespace {

using namespace agent;
using claims_bench::BenchTable;
using two_servers::Message;
using two_servers::Node;
using two_servers::Step;
using two_servers::TwoServers;
using FailoverClock = std::chrono::steady_clock;

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

std::unique_ptr<BenchTable> open_table(TwoServers& pair, Node node, std::uint64_t epoch) {
    return BenchTable::open(mounts::open_postgres_session(
                                {.servers = postgres::table_connections(pair.configuration(node)),
                                 .library = "bench",
                                 .node = "bench",
                                 .resolve_within = {200}}),
                            epoch);
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
    auto table = open_table(pair, primary, ++epoch);
    if (!table) end_with("no drive table");

    std::vector<double> outages;
    std::set<std::string> acknowledged;
    for (int round = 0; round < rounds; ++round) {
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
        while (made < (claims + rounds - 1) / rounds)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const Node next = pair::other(primary);
        const auto begin = FailoverClock::now();
        pair.signal(primary, SIGKILL);
        ++epoch;
        if (!pair.begin_alone(next, epoch)) end_with(pair.told(next));
        auto other = open_table(pair, next, epoch);
        if (!other) end_with("no drive table on the other node");
        other->free_all();
        const std::string first = "f" + std::to_string(round);
        if (!other->claim(first)) end_with("no claim on the other node");
        outages.push_back(ms_since(begin));
        acknowledged.insert(first);
        if (!other->give_back()) end_with("no claim given back");
        writer.join();
        acknowledged.insert(mine.begin(), mine.end());
        std::printf("round %d: %d claims, then %.0f ms without\n", round + 1, made.load(),
                    outages.back());
        std::fflush(stdout);
        table = std::move(other);
        if (!pair.done(primary, Step::stop_database) || !pair.take_in(next, ++epoch))
            end_with(pair.told(primary) + pair.told(next));
        table = open_table(pair, next, epoch);
        if (!table) end_with("no drive table");
        primary = next;
    }
    const auto there = table->requests();
    if (!there) end_with("the claims can not be read");
    std::vector<std::string> missing;
    std::set_difference(acknowledged.begin(), acknowledged.end(), there->begin(), there->end(),
                        std::back_inserter(missing));
    std::printf("kill to the next acknowledged claim    %8.0f ms  (%.0f to %.0f, %d rounds)\n",
                middle_of(outages), *std::min_element(outages.begin(), outages.end()),
                *std::max_element(outages.begin(), outages.end()), rounds);
    std::printf("acknowledged claims lost               %8zu of %zu\n", missing.size(),
                acknowledged.size());
    return 0;
}
