#pragma once

#include <utility>
#include <vector>

namespace agent::core {

// What one step wants done, kept in lists of its own kind so that the law of order (records first)
// can not be broken by the order in which the rules happen to run.
template <typename Effect>
class StepEffects {
  public:
    void record(Effect effect) { records_.push_back(std::move(effect)); }
    void act(Effect effect) { actions_.push_back(std::move(effect)); }
    // Before every other action: what protects must not wait behind what only tells.
    void act_at_once(Effect effect) { urgent_.push_back(std::move(effect)); }

    [[nodiscard]] std::vector<Effect> take() {
        std::vector<Effect> all = std::move(records_);
        all.reserve(all.size() + urgent_.size() + actions_.size());
        for (auto* actions : {&urgent_, &actions_}) {
            for (auto& action : *actions) {
                all.push_back(std::move(action));
            }
            actions->clear();
        }
        records_.clear();
        return all;
    }

  private:
    std::vector<Effect> records_;
    std::vector<Effect> urgent_;
    std::vector<Effect> actions_;
};

}  // namespace agent::core
