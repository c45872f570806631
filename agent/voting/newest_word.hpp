#pragma once

// Which of two controllers that are the nodes of one pair is to be believed about drives. The
// epochs of their notices are comparable: each begins above the pair's epoch that the node acts
// under. So what a node says late, or before it has noticed that it was replaced, is told from what
// its successor says.

#include <cstdint>
#include <map>
#include <string>

#include "agent/core/notice.hpp"
#include "agent/core/time.hpp"

namespace agent::voting {

// Nobody who was replaced says anything after so long: no lease lasts, and no message is taken for
// timely, half of it. Beyond it the other node is believed again, whatever it counts from: the pair
// may have been founded anew.
inline constexpr core::Duration newest_word_kept{300'000};

class NewestWord {
  public:
    // A notice of this epoch came from this controller, a node of `pair` (empty: of none). False:
    // it is not to be believed.
    [[nodiscard]] bool take(const std::string& pair, const core::ControllerName& controller,
                            std::uint64_t epoch, core::Instant now);

  private:
    struct Word {
        core::ControllerName controller;
        std::uint64_t epoch = 0;
        core::Instant at{};
    };
    std::map<std::string, Word> newest_;  // by pair
};

}  // namespace agent::voting
