// What can happen next, and how it happens.

#include <algorithm>

#include "test/sim/pair/world.hpp"

namespace pair_sim {
namespace {

constexpr std::size_t commits_at_a_time = 3;

}  // namespace

class Choosing {
  public:
    Choosing(const World& world, const Budget& budget) : world_(world), budget_(budget) {}

    std::vector<Choice> all() {
        messages();
        for (const Node node : {Node::first, Node::second}) {
            work_of(node);
            clocks_of(node);
            troubles_of(node);
            orders_of(node);
        }
        for (std::size_t index = 0; index < world_.agents_.size(); ++index) {
            if (world_.agents_[index].up) {
                if (budget_.agent_crashes > 0) add(Kind::agent_crash, Node::first, index);
                if (budget_.store_losses > 0 && world_.may_lose_store(index))
                    add(Kind::lose_store, Node::first, index);
                enrolments_of(index);
            } else {
                add(Kind::agent_restart, Node::first, index);
            }
        }
        return std::move(choices_);
    }

  private:
    void add(Kind kind, Node node, std::size_t index = 0) {
        choices_.push_back({kind, node, index});
    }

    void enrolments_of(std::size_t index) {
        for (const Node node : {Node::first, Node::second}) {
            if (world_.is_to_be_enrolled(node, index)) add(Kind::enrol, node, index);
        }
    }

    void messages() {
        for (std::size_t index = 0; index < world_.messages_.size(); ++index) {
            const Message& message = world_.messages_[index];
            if (!world_.passes(message)) continue;
            add(Kind::deliver, message.node, index);
            if (message.to_agent && budget_.mute > 0) {
                add(Kind::deliver_mute, message.node, index);
            }
        }
    }

    void work_of(Node node) {
        const Process& process = world_.process(node);
        const Server& server = world_.server(node);
        if (world_.follows(node)) {
            const Server& source = world_.server(pair::other(node));
            if (server.log.size() < source.log.size()) add(Kind::replicate, node);
            if (server.log.size() > source.confirmed) add(Kind::confirm, pair::other(node));
        }
        if (!process.up || process.paused) return;
        const bool writes = server.running && server.primary && !server.frozen;
        if (writes && process.rules->takes_requests() &&
            process.commits.size() < commits_at_a_time &&
            world_.data_of(node).epoch == process.rules->epoch()) {
            if (budget_.claims > 0) add(Kind::claim, node, 0);
            if (budget_.claims > 0 && !world_.unanswered_.empty()) add(Kind::claim, node, 1);
        }
        for (std::size_t at = 0; at < process.commits.size(); ++at) {
            if (!world_.may_be_acknowledged(node, process.commits[at])) {
                if (writes && budget_.cancels > 0) add(Kind::cancel, node, at);
                continue;
            }
            add(Kind::acknowledge, node, at);
            break;
        }
        const bool kills = !process.orders.empty() &&
                           process.orders.front().step == pair::Step::stop_database_at_once;
        if (!process.orders.empty() && (!server.frozen || kills)) {
            add(Kind::order, node);
        }
        if (process.rules->data() != world_.data_of(node)) add(Kind::look, node);
        if (world_.options_.timed && process.acknowledged > 0) add(Kind::device, node);
    }

    void clocks_of(Node node) {
        if (world_.options_.timed) return;
        const Process& process = world_.process(node);
        const Process& peer = world_.process(pair::other(node));
        if (!process.up || process.paused) return;
        const pair::ControllerNode& rules = *process.rules;
        if (peer.up && !peer.paused && rules.state() == pair::NodeState::offline) {
            const auto& heard = rules.peer();
            const bool news =
                !heard || heard->state != peer.rules->state() || heard->data != peer.rules->data();
            if (news) add(Kind::hear_peer, node);
        }
        const bool misses = rules.awaits_peer() ||
                            (rules.state() == pair::NodeState::standby && process.orders.empty()) ||
                            (rules.state() == pair::NodeState::waiting_peer &&
                             rules.procedure() == pair::NodeAction::nothing);
        if (budget_.missing > 0 && misses) add(Kind::timer, node, 0);
        if (budget_.time_outs > 0 && rules.vote_is_open()) add(Kind::timer, node, 1);
        if (budget_.retries > 0 && rules.retry_is_wanted()) add(Kind::timer, node, 2);
        if (budget_.time_outs > 0 && rules.keys_are_collected()) add(Kind::timer, node, 3);
        if (budget_.time_outs > 0 && rules.state() == pair::NodeState::draining) {
            add(Kind::timer, node, 4);
        }
    }

    void troubles_of(Node node) {
        const Process& process = world_.process(node);
        const Server& server = world_.server(node);
        if (process.up && budget_.crashes > 0) {
            add(Kind::crash, node, 0);
            add(Kind::crash, node, 1);
        }
        if (!process.up) add(Kind::restart, node);
        if (!process.up && budget_.disk_losses > 0) {
            add(Kind::lose_disk, node, 0);
            if (world_.options_.timed) add(Kind::lose_disk, node, 1);
        }
        if (server.running && budget_.server_crashes > 0) add(Kind::server_crash, node);
        if (process.up && !process.paused && budget_.pauses > 0) {
            add(Kind::pause, node, 0);
            if (world_.options_.timed) add(Kind::pause, node, 1);
        }
        if (process.up && process.paused) add(Kind::resume, node);
        if (world_.options_.timed && server.running && !server.frozen && budget_.pauses > 0) {
            add(Kind::freeze, node);
        }
        if (server.frozen && !process.paused) add(Kind::thaw, node);
    }

    void orders_of(Node node) {
        const Process& process = world_.process(node);
        if (!process.up || process.paused) return;
        if (budget_.shut_downs > 0 && !process.rules->key()) {
            for (std::size_t mode = 0; mode < pair::shutdown_mode_count; ++mode) {
                // Without clocks the modes differ by nothing but the number of keys.
                const bool majority =
                    static_cast<pair::ShutdownMode>(mode) == pair::ShutdownMode::immediate;
                if (!world_.options_.timed && !majority) continue;
                add(Kind::shut_down, node, mode * 3 + pair::index_of(node));
                if (node == Node::first) add(Kind::shut_down, node, mode * 3 + 2);
            }
        }
        if (budget_.recoveries > 0 && process.rules->state() == pair::NodeState::shut_down) {
            add(Kind::recover, node);
        }
    }

    const World& world_;
    const Budget& budget_;
    std::vector<Choice> choices_;
};

std::vector<Choice> World::choices(const Budget& budget) const {
    return Choosing(*this, budget).all();
}

void World::apply(const Choice& choice, Budget& budget) {
    const Node node = choice.node;
    const auto at = pair::index_of(node);
    Process& process = processes_[at];
    Server& server = servers_[at];
    switch (choice.kind) {
        case Kind::deliver:
        case Kind::deliver_mute: {
            const Message message = messages_[choice.index];
            messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(choice.index));
            if (choice.kind == Kind::deliver_mute) --budget.mute;
            deliver_now(message, choice.kind == Kind::deliver_mute);
            break;
        }
        case Kind::drop:
            messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(choice.index));
            break;
        case Kind::repeat:
            messages_.push_back(Message(messages_[choice.index]));
            break;
        case Kind::claim: {
            --budget.claims;
            std::uint32_t claim = 0;
            if (choice.index == 1) {
                claim = unanswered_.front();
                unanswered_.erase(unanswered_.begin());
            } else {
                claim = next_claim_++;
            }
            const auto known =
                std::find_if(server.log.begin(), server.log.end(),
                             [claim](const auto& record) { return record.claim == claim; });
            if (known == server.log.end()) {
                server.log.push_back({claim, process.rules->epoch(), {}, node});
                start_commit(node, claim, std::nullopt);
                break;
            }
            // Found by its request: a commit of its own says that what was found stands.
            const auto place = static_cast<std::size_t>(known - server.log.begin());
            server.log.push_back({0, process.rules->data().epoch, process.rules->data().relation,
                                  process.rules->data().primary});
            start_commit(node, claim, std::nullopt);
            process.commits.back().place = place;
            break;
        }
        case Kind::acknowledge:
            acknowledge(node, choice.index, false);
            break;
        case Kind::cancel:
            --budget.cancels;
            acknowledge(node, choice.index, true);
            break;
        case Kind::device: {
            if (!process.watch) break;
            const auto right = process.watch->right(*process.rules, now_of(node));
            const bool may = options_.bug == Bug::lease_ignored
                                 ? right.may_act
                                 : pair::may_send(right, now_of(node));
            if (may) judge_command(node, right);
            break;
        }
        case Kind::order:
            carry_out_order(node);
            break;
        case Kind::replicate: {
            const Server& source = servers_[pair::index_of(pair::other(node))];
            server.log.push_back(source.log[server.log.size()]);
            break;
        }
        case Kind::confirm:
            server.confirmed = servers_[pair::index_of(pair::other(node))].log.size();
            break;
        case Kind::look:
            give(node, data_of(node));
            break;
        case Kind::hear_peer: {
            const Process& peer = processes_[pair::index_of(pair::other(node))];
            give(node, pair::PeerHeard{peer.rules->state(), peer.rules->data()});
            break;
        }
        case Kind::timer:
            if (choice.index == 0) {
                --budget.missing;
                give(node, pair::PeerMissing{});
            } else if (choice.index == 2) {
                --budget.retries;
                give(node, pair::RetryDue{});
            } else {
                --budget.time_outs;
                if (choice.index == 1) give(node, pair::VoteTimeOver{});
                if (choice.index == 3) give(node, pair::KeyTimeOver{});
                if (choice.index == 4) give(node, pair::DrainTimeOver{});
            }
            break;
        case Kind::crash:
            --budget.crashes;
            end(node);
            if (choice.index == 1) {
                server.running = false;
                server.frozen = false;
                server.clean = false;
            }
            break;
        case Kind::restart:
            boot(node);
            break;
        case Kind::server_crash: {
            --budget.server_crashes;
            server.running = false;
            server.frozen = false;
            server.clean = false;
            const auto failed = give_up_commits(node);
            if (!process.up) break;
            for (const auto& order : failed) {
                answer(node, order, false);
            }
            give(node, pair::DatabaseLost{});
            break;
        }
        case Kind::pause:
            --budget.pauses;
            process.paused = true;
            if (choice.index == 0) server.frozen = true;
            break;
        case Kind::resume:
            process.paused = false;
            server.frozen = false;
            break;
        case Kind::freeze:
            --budget.pauses;
            server.frozen = true;
            break;
        case Kind::thaw:
            server.frozen = false;
            break;
        case Kind::agent_crash:
            --budget.agent_crashes;
            agents_[choice.index].up = false;
            agents_[choice.index].rules.reset();
            if (options_.bug == Bug::agents_forget && agents_[choice.index].disk.held) {
                agents_[choice.index].disk.held->promised = {};
                agents_[choice.index].disk.held->accepted = {};
                agents_[choice.index].disk.held->value.epoch = 1;
                agents_[choice.index].disk.held->value.relation = pair::Relation::pair;
                agents_[choice.index].disk.held->value.primary = Node::first;
                agents_[choice.index].disk.held->value.least_epoch = 1;
            }
            break;
        case Kind::agent_restart:
            boot_agent(choice.index);
            break;
        case Kind::cut:
            cut_[choice.index] = true;
            break;
        case Kind::heal:
            cut_[choice.index] = false;
            break;
        case Kind::shut_down: {
            --budget.shut_downs;
            pair::ShutdownKey key;
            key.id = {process.rules->data().epoch, ++key_counter_, "operator"};
            key.cluster = "c";
            key.mode = static_cast<pair::ShutdownMode>(choice.index / 3);
            key.subject = static_cast<pair::Subject>(choice.index % 3);
            give(node, pair::ShutdownOrdered{key});
            break;
        }
        case Kind::recover:
            --budget.recoveries;
            give(node, pair::RecoverOrdered{});
            break;
        case Kind::lose_disk:
            --budget.disk_losses;
            // All of it, or what was there after some earlier start.
            process.disk = choice.index == 0 ? pair::NodeRecord{} : process.old_disk;
            process.starts = choice.index == 0 ? 0 : process.old_starts;
            break;
        case Kind::lose_store:
            --budget.store_losses;
            lose_store(choice.index);
            break;
        case Kind::enrol:
            enrol(node, choice.index);
            break;
    }
}

std::string World::describe_agent(std::size_t index) const {
    const AgentProcess& agent = agents_[index];
    const pair::Register held = agent.disk.held.value_or(pair::Register{});
    std::string text = agent.disk.held ? "" : "lost ";
    for (const std::uint64_t number :
         {std::uint64_t{agent.up}, held.promised.counter,
          std::uint64_t{pair::index_of(held.promised.node)}, held.accepted.counter,
          std::uint64_t{pair::index_of(held.accepted.node)}, held.value.epoch,
          held.value.least_epoch, static_cast<std::uint64_t>(held.value.relation),
          std::uint64_t{pair::index_of(held.value.primary)}}) {
        text += std::to_string(number) + ' ';
    }
    for (const auto& key : agent.disk.keys) {
        text += std::to_string(key.id.counter) + (key.departures[0].out ? 'o' : '-') +
                (key.departures[1].out ? 'o' : '-');
    }
    const std::string name = "a" + std::to_string(index + 1);
    for (const auto& process : processes_) {
        text += '|';
        if (knows_another_store(&process == processes_.data() ? Node::first : Node::second, index))
            text += 'x';
        if (!process.rules) continue;
        if (process.rules->vote_is_open()) process.rules->vote()->describe_agent(name, text);
        const auto& key = process.rules->key();
        const bool stored =
            key && std::binary_search(key->stored_at.begin(), key->stored_at.end(), name);
        text += stored ? 'k' : '-';
    }
    return text + describe_messages(static_cast<int>(index));
}

// What is on its way to and from one agent, or (-1) between the nodes; in whatever order.
std::string World::describe_messages(int agent) const {
    std::vector<std::string> all;
    for (const auto& message : messages_) {
        if (message.agent != agent) continue;
        std::string one = std::to_string(pair::index_of(message.node)) +
                          (message.to_agent ? '>' : '<') + std::to_string(message.what.index());
        if (const auto* promise = std::get_if<pair::PromiseRequest>(&message.what)) {
            one += ' ' + std::to_string(promise->ballot.counter);
        } else if (const auto* accept = std::get_if<pair::AcceptRequest>(&message.what)) {
            one += ' ' + std::to_string(accept->ballot.counter) + ' ' +
                   std::to_string(accept->value.epoch);
        } else if (const auto* answer = std::get_if<pair::BallotAnswer>(&message.what)) {
            one += ' ' + std::to_string(answer->ballot.counter) + (answer->granted ? 'y' : 'n') +
                   std::to_string(static_cast<int>(answer->round));
        } else if (const auto* pass = std::get_if<pair::KeyPass>(&message.what)) {
            const pair::ShutdownKey* key = &pass->key;
            one += ' ' + std::to_string(key->id.counter) + (key->departures[0].out ? 'o' : '-') +
                   (key->departures[1].out ? 'o' : '-');
        } else if (const auto* told = std::get_if<pair::Enrolment>(&message.what)) {
            one += ' ' + std::to_string(told->beginning.accepted.counter);
        }
        all.push_back(std::move(one));
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::string text;
    for (const auto& one : all) {
        text += one + ';';
    }
    return text;
}

std::string World::describe() const {
    std::string text;
    const auto put = [&text](std::uint64_t number) {
        text += std::to_string(number);
        text += ' ';
    };
    for (std::size_t at = 0; at < 2; ++at) {
        const Process& process = processes_[at];
        const Server& server = servers_[at];
        put(process.up);
        put(process.paused);
        put(process.disk.ballot_counter);
        put(process.disk.last_order.counter);
        put(process.served_alone);
        if (process.rules) process.rules->describe(text);
        for (const auto& order : process.orders) {
            put(static_cast<std::uint64_t>(order.step));
            put(order.epoch);
        }
        put(process.order_begun);
        for (const auto& commit : process.commits) {
            put(commit.place);
            put(commit.claim);
            put(commit.barrier ? commit.barrier->epoch : 0);
        }
        text += 's';
        for (const bool flag : {server.running, server.primary, server.sync, server.frozen,
                                server.scrap, server.stuck, server.checkpointed, server.clean}) {
            put(flag);
        }
        put(server.timeline);
        put(server.confirmed);
        for (const auto& record : server.log) {
            put(record.claim);
            put(record.epoch);
            put(static_cast<std::uint64_t>(record.relation));
        }
        text += '\n';
    }
    // Agents differ by their names only: which of them it is does not matter.
    std::vector<std::string> parts;
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        parts.push_back(describe_agent(index));
    }
    std::sort(parts.begin(), parts.end());
    for (const auto& part : parts) {
        text += part + '\n';
    }
    text += describe_messages(-1);
    for (const auto claim : acknowledged_) {
        put(claim);
    }
    text += 'u';
    for (const auto claim : unanswered_) {
        put(claim);
    }
    return text;
}

}  // namespace pair_sim
