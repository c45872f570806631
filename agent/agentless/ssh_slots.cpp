#include "agent/agentless/ssh_slots.hpp"

#include <utility>

namespace agent::agentless {

namespace {
constexpr std::size_t waiting_max = 1'024;
}

bool SshSlots::enter(std::weak_ptr<int> alive, Begin begin) {
    if (waiting_.size() >= waiting_max) return false;
    waiting_.push_back({std::move(alive), std::move(begin)});
    begin_next();
    return true;
}

void SshSlots::give_back() {
    --running_;
    begin_next();
}

void SshSlots::begin_next() {
    while (running_ < running_max_ && !waiting_.empty()) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        if (next.alive.expired()) continue;
        ++running_;
        next.begin(std::make_shared<Slot>(*this));
    }
}

}  // namespace agent::agentless
