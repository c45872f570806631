// The two databases: what PostgreSQL with one synchronous standby was seen to do.

#include <algorithm>

#include "test/sim/pair/world.hpp"

namespace pair_sim {
namespace {

bool is_prefix(const std::vector<LogRecord>& part, const std::vector<LogRecord>& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

bool starts_up(const Server& server) {
    return !server.scrap && !server.frozen;
}

// A copy that stood by becomes the primary of a timeline of its own.
void open_for_writing(Server& server, bool sync) {
    if (!server.primary) {
        ++server.timeline;
        server.checkpointed = false;
    }
    if (!server.running || !server.primary) server.confirmed = 0;
    server.running = true;
    server.primary = true;
    server.sync = sync;
    server.stuck = false;
    server.clean = false;
}

}  // namespace

pair::DataSeen World::data_of(Node node) const {
    const Server& mine = servers_[pair::index_of(node)];
    pair::DataSeen data;
    if (mine.scrap) return data;
    for (const auto& record : mine.log) {
        if (record.claim != 0) continue;
        data.epoch = record.epoch;
        data.relation = record.relation;
        data.primary = record.primary;
    }
    data.position = {mine.timeline, options_.timed ? mine.log.size() : 0};
    data.receives = follows(node);
    if (!mine.running || !mine.primary || mine.frozen || !follows(pair::other(node))) return data;
    // "sync" says that commits wait for it from now on, not that it has what was written before.
    const bool claimed = options_.bug == Bug::pair_before_sync;
    data.standby = mine.sync || claimed ? pair::DataSeen::Standby::in_sync
                                        : pair::DataSeen::Standby::streaming;
    return data;
}

bool World::follows(Node standby) const {
    const Server& to = servers_[pair::index_of(standby)];
    const Server& from = servers_[pair::index_of(pair::other(standby))];
    if (cut_[0] || cut_[1]) return false;
    if (!to.running || to.primary || to.stuck || to.scrap || to.frozen) return false;
    return from.running && from.primary && !from.frozen && is_prefix(to.log, from.log);
}

void World::start_commit(Node node, std::uint32_t claim,
                         const std::optional<pair::Order>& barrier) {
    Process& process = processes_[pair::index_of(node)];
    const Server& server = servers_[pair::index_of(node)];
    process.commits.push_back({server.log.size() - 1, claim, barrier});
}

bool World::may_be_acknowledged(Node node, const Commit& commit) const {
    const Server& server = servers_[pair::index_of(node)];
    if (!server.running || !server.primary || server.frozen) return false;
    return !server.sync || commit.place < server.confirmed;
}

void World::acknowledge(Node node, std::size_t at, bool warned) {
    Process& process = processes_[pair::index_of(node)];
    const Commit commit = process.commits[at];
    process.commits.erase(process.commits.begin() + static_cast<std::ptrdiff_t>(at));
    const bool counts = !warned || options_.bug == Bug::warning_is_success;
    if (commit.barrier) {
        answer(node, *commit.barrier, counts);
        return;
    }
    if (!counts) {
        unanswered_.push_back(commit.claim);
        return;
    }
    judge_acknowledged(node, commit.place, commit.claim);
    ++process.acknowledged;
    // The planted bug: commits wait for the other, from the second claim of the pair on.
    const bool late = options_.bug == Bug::pair_before_sync && process.rules &&
                      process.rules->state() == pair::NodeState::primary;
    if (late) servers_[pair::index_of(node)].sync = true;
}

// Their connections broke: nobody knows what became of them.
std::vector<pair::Order> World::give_up_commits(Node node) {
    Process& process = processes_[pair::index_of(node)];
    std::vector<pair::Order> barriers;
    for (const auto& commit : process.commits) {
        if (commit.claim != 0) unanswered_.push_back(commit.claim);
        if (commit.barrier) barriers.push_back(*commit.barrier);
    }
    process.commits.clear();
    return barriers;
}

void World::answer(Node node, const pair::Order& order, bool done) {
    const Server& server = servers_[pair::index_of(node)];
    pair::OrderAnswered answered;
    answered.number = order.number;
    answered.done = done;
    answered.clean = server.clean;
    answered.position = {server.timeline, options_.timed ? server.log.size() : 0};
    give(node, answered);
}

void World::follow(Node node, const pair::Order& order) {
    Process& process = processes_[pair::index_of(node)];
    Server& mine = servers_[pair::index_of(node)];
    const Server& source = servers_[pair::index_of(pair::other(node))];
    const bool reachable =
        !cut_[0] && !cut_[1] && source.running && source.primary && !source.frozen && !source.scrap;
    if (!process.order_begun) {
        if (!reachable) {
            if (!mine.scrap && !mine.primary) mine.running = true;
            process.orders.erase(process.orders.begin());
            answer(node, order, false);
            return;
        }
        mine.running = false;
        const bool diverged = mine.scrap || !is_prefix(mine.log, source.log);
        if (diverged && !mine.scrap && !source.checkpointed) {
            // "no rewind required", it says, and ends well.
            mine.primary = false;
            mine.running = true;
            mine.stuck = true;
            process.orders.erase(process.orders.begin());
            answer(node, order, true);
            return;
        }
        mine.primary = false;
        mine.stuck = false;
        if (diverged) {
            mine.scrap = true;
            process.order_begun = true;
            return;
        }
        mine.running = true;
        mine.timeline = source.timeline;
        process.orders.erase(process.orders.begin());
        answer(node, order, true);
        return;
    }
    process.order_begun = false;
    process.orders.erase(process.orders.begin());
    if (!reachable) {
        answer(node, order, false);
        return;
    }
    mine.log = source.log;
    mine.timeline = source.timeline;
    mine.scrap = false;
    mine.running = true;
    mine.clean = false;
    answer(node, order, true);
}

void World::carry_out_order(Node node) {
    using pair::Step;
    Process& process = processes_[pair::index_of(node)];
    Server& server = servers_[pair::index_of(node)];
    const pair::Order order = process.orders.front();
    trace(pair::to_text(order.step), node, order.epoch);
    if (order.step == Step::follow_peer) {
        follow(node, order);
        return;
    }
    if (order.step == Step::barrier) {
        if (!server.running || !server.primary) {
            process.orders.erase(process.orders.begin());
            answer(node, order, false);
            return;
        }
        server.log.push_back({0, order.epoch, order.relation, order.primary});
        if (options_.bug == Bug::no_barrier) {
            process.orders.erase(process.orders.begin());
            answer(node, order, true);
            return;
        }
        // It waits on a connection of its own: what is ordered next need not wait for it.
        process.orders.erase(process.orders.begin());
        start_commit(node, 0, order);
        return;
    }
    process.orders.erase(process.orders.begin());
    bool done = true;
    const bool stops =
        order.step == Step::stop_database || order.step == Step::stop_database_at_once;
    if (stops) {
        const auto failed = give_up_commits(node);
        for (const auto& barrier : failed) {
            answer(node, barrier, false);
        }
        const bool orderly = order.step == Step::stop_database && !order.at_once;
        if (server.running && orderly) {
            // The standby that streams gets everything, with the record of the stop.
            const Node peer = pair::other(node);
            if (server.primary && follows(peer)) servers_[pair::index_of(peer)].log = server.log;
            server.clean = true;
        } else if (server.running) {
            server.clean = false;
        }
        server.running = false;
        server.frozen = false;
        server.sync = false;
    } else if (order.step == Step::start_synchronous) {
        done = starts_up(server);
        if (done) open_for_writing(server, true);
    } else if (order.step == Step::start_alone || order.step == Step::promote) {
        done = starts_up(server);
        if (done) open_for_writing(server, false);
    } else if (order.step == Step::checkpoint) {
        done = server.running;
        if (options_.bug != Bug::rewind_before_checkpoint) server.checkpointed = true;
    } else if (order.step == Step::synchronous_on) {
        done = server.running && server.primary;
        if (done && options_.bug != Bug::pair_before_sync) {
            if (!server.sync) server.confirmed = 0;
            server.sync = true;
        }
    } else if (order.step == Step::synchronous_off) {
        done = server.running && server.primary;
        if (done) server.sync = false;
    } else if (order.step == Step::fence_old) {
        if (options_.fenced) fence_epoch_ = std::max(fence_epoch_, order.epoch);
    } else if (order.step == Step::judge_claims) {
        for (std::size_t place = 0; place < server.log.size() && !violation_; ++place) {
            if (server.log[place].claim != 0) {
                judge_acknowledged(node, place, server.log[place].claim);
            }
        }
        process.acknowledged += 1;
    }
    answer(node, order, done);
}

}  // namespace pair_sim
