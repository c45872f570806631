#include "agent/voting/newest_word.hpp"

namespace agent::voting {

bool NewestWord::take(const std::string& pair, const core::ControllerName& controller,
                      std::uint64_t epoch, core::Instant now) {
    if (pair.empty()) return true;
    const auto known = newest_.find(pair);
    const bool is_older = known != newest_.end() && known->second.controller != controller &&
                          epoch < known->second.epoch && now < known->second.at + newest_word_kept;
    if (is_older) return false;
    newest_[pair] = {controller, epoch, now};
    return true;
}

}  // namespace agent::voting
