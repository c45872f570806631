#include "agent/agentless/ssh_slots.hpp"

#include <algorithm>
#include <utility>

namespace agent::agentless {

namespace {
constexpr std::size_t waiting_max = 1'024;
}

bool SshSlots::enter(std::weak_ptr<int> alive, std::string host, Begin begin) {
    if (waiting_.size() >= waiting_max) return false;
    waiting_.push_back({std::move(alive), std::move(host), std::move(begin)});
    begin_next();
    return true;
}

void SshSlots::give_back(const std::string& host) {
    --running_;
    const auto here = of_host_.find(host);
    if (--here->second == 0) of_host_.erase(here);
    begin_next();
}

std::deque<SshSlots::Waiting>::iterator SshSlots::next_that_may() {
    return std::find_if(waiting_.begin(), waiting_.end(), [this](const Waiting& one) {
        const auto here = of_host_.find(one.host);
        return here == of_host_.end() || here->second < of_one_host_max_;
    });
}

void SshSlots::begin_next() {
    std::erase_if(waiting_, [](const Waiting& one) { return one.alive.expired(); });
    while (running_ < running_max_) {
        const auto place = next_that_may();
        if (place == waiting_.end()) return;
        Waiting next = std::move(*place);
        waiting_.erase(place);
        if (next.alive.expired()) continue;
        ++running_;
        ++of_host_[next.host];
        next.begin(std::make_shared<Slot>(*this, next.host));
    }
}

}  // namespace agent::agentless
