// What must never happen, judged from what is on disks, on wires and at devices.

#include <algorithm>

#include "test/sim/pair/world.hpp"

namespace pair_sim {

void World::fail(const std::string& what) {
    if (!violation_) violation_ = what;
}

// A node tells somebody that a claim stands, or acts on one that it found.
void World::judge_acknowledged(Node node, std::size_t place, std::uint32_t claim) {
    const Process& process = processes_[pair::index_of(node)];
    const Server& server = servers_[pair::index_of(node)];
    const std::string who =
        std::string(pair::to_text(node)) + " acknowledges claim " + std::to_string(claim);
    // The other one has found it in its own copy meanwhile: to say so late does no harm.
    if (std::find(acknowledged_.begin(), acknowledged_.end(), claim) != acknowledged_.end()) return;
    std::size_t times = 0;
    std::vector<std::uint32_t> there;
    for (const auto& record : server.log) {
        if (record.claim != 0) there.push_back(record.claim);
        times += record.claim == claim ? 1 : 0;
    }
    if (place >= server.log.size() || server.log[place].claim != claim || times == 0) {
        fail(who + " which is not in its table");
    }
    if (times > 1) fail(who + " which is in its table twice");
    for (const auto before : acknowledged_) {
        if (std::find(there.begin(), there.end(), before) == there.end()) {
            fail(who + " and lacks " + std::to_string(before) + ", acknowledged before");
            return;
        }
    }
    if (!server.sync) {
        const bool allowed =
            std::any_of(accepted_.begin(), accepted_.end(), [&](const Chosen& chosen) {
                return chosen.agents.size() > pair::least_threshold(options_.agents) &&
                       chosen.value.relation == pair::Relation::alone &&
                       chosen.value.primary == node && process.rules &&
                       chosen.value.epoch >= process.rules->epoch();
            });
        if (!allowed) fail(who + " alone, without more votes than the threshold");
    }
    acknowledged_.push_back(claim);
}

void World::judge_command(Node node, const pair::ActingRight& right) {
    if (options_.fenced && right.epoch < fence_epoch_) return;  // refused by the device
    ++commands_;
    if (acted_ && right.epoch < acted_epoch_) {
        fail(std::string(pair::to_text(node)) + " commands a device under epoch " +
             std::to_string(right.epoch) + " after the other did under " +
             std::to_string(acted_epoch_));
    } else if (acted_ && right.epoch == acted_epoch_ && *acted_ != node) {
        fail("both nodes command devices under epoch " + std::to_string(right.epoch));
    }
    acted_ = node;
    acted_epoch_ = std::max(acted_epoch_, right.epoch);
}

void World::judge_accepted(const pair::Register& held, std::size_t agent) {
    if (held.accepted != held.promised || held.accepted == pair::Ballot{}) return;
    const auto known =
        std::find_if(accepted_.begin(), accepted_.end(),
                     [&held](const Chosen& chosen) { return chosen.ballot == held.accepted; });
    if (known != accepted_.end()) {
        if (known->value != held.value) fail("one ballot was accepted with two values");
        known->agents.insert(agent);
        return;
    }
    accepted_.push_back({held.accepted, held.value, {agent}});
}

}  // namespace pair_sim
