#pragma once

// Which messages of a sender are news. Each life of a sender's program has a random number, and
// counts its messages; a later life begins above every count of the earlier ones, as long as the
// sender's state folder is the same and not an old copy. What was repeated, or came late, does not
// count.
//
// While the newest life is heard no other takes its place unless it counts above it. Once that was
// silent for as long as anything it was let do lasts, any other may: a node whose folder was lost
// is heard again. Messages of an old life that somebody has held back keep the present one out for
// as long as they come, and that time longer; SNMPv3 takes none that is older than 150 s.

#include <cstdint>
#include <vector>

#include "agent/core/time.hpp"

namespace agent::pair {

class MessageOrder {
  public:
    enum class Verdict : std::uint8_t {
        late,  // not to be heard
        news,
        anew,  // news, of a life that does not count above the one before
    };

    // `silence`: how long what was granted to this sender is kept.
    [[nodiscard]] Verdict take(std::uint64_t life, std::uint64_t sequence, core::Instant now,
                               core::Duration silence);

  private:
    struct Life {
        std::uint64_t number = 0;
        std::uint64_t sequence = 0;  // newest
        core::Instant at{};
    };
    std::vector<Life> lives_;  // the present one last
};

}  // namespace agent::pair
