#include "agent/pair/message_order.hpp"

#include <algorithm>

namespace agent::pair {
namespace {

// A message can be repeated for as long as SNMPv3 takes it for timely, 150 s (RFC 3414 3.2); no
// program is started more often than this in that time.
constexpr std::size_t lives_max = 32;

}  // namespace

MessageOrder::Verdict MessageOrder::take(std::uint64_t life, std::uint64_t sequence,
                                         core::Instant now, core::Duration silence) {
    const auto known = std::find_if(lives_.begin(), lives_.end(),
                                    [life](const Life& one) { return one.number == life; });
    const bool is_known = known != lives_.end();
    if (is_known && sequence <= known->sequence) return Verdict::late;
    bool above = lives_.empty();
    if (!lives_.empty()) {
        const Life& present = lives_.back();
        above = present.number == life || (!is_known && sequence > present.sequence);
        if (!above && now < present.at + silence) return Verdict::late;
    }
    if (is_known) lives_.erase(known);
    if (lives_.size() == lives_max) lives_.erase(lives_.begin());
    lives_.push_back({life, sequence, now});
    return above ? Verdict::news : Verdict::anew;
}

}  // namespace agent::pair
