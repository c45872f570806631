#pragma once

#include <cstdint>
#include <string>

#include "agent/core/notice.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace agent::core {

// Gives out notice identifiers: the epoch was raised on disk before this process spoke, so no pair
// is used twice.
class NoticeNumbers {
  public:
    explicit NoticeNumbers(std::uint64_t epoch) : epoch_(epoch) {}
    [[nodiscard]] NoticeId next() { return {epoch_, ++sequence_}; }

  private:
    std::uint64_t epoch_;
    std::uint64_t sequence_ = 0;
};

// How an agent in this state takes part in the broadcast of a drive's state.
enum class Reception : std::uint8_t {
    nothing,  // not told
    told,     // told, and nobody waits for its answer
    asked,    // told and asked again; without an answer the agent is lost, and no drive suffers for
              // it
    answerable,  // has to confirm: without an answer the drive is forced offline
};

// Why the state is told.
enum class Occasion : std::uint8_t {
    change,          // of the reservation of a drive that hosts can use
    forced_offline,  // the drive refuses everyone: agents are told so that applications stop trying
    cleared,         // by an administrator, who has answered for every agent that is lost
};

[[nodiscard]] constexpr Reception reception_of(AgentState state, Occasion occasion) {
    switch (state) {
        case AgentState::never_seen:
        case AgentState::stopped:
            return Reception::nothing;
        case AgentState::starting:
            return Reception::asked;
        case AgentState::returning:
        case AgentState::started:
            return occasion == Occasion::forced_offline ? Reception::asked : Reception::answerable;
        case AgentState::lost:
            return occasion == Occasion::change ? Reception::answerable : Reception::told;
    }
    return Reception::nothing;
}

// "7.42", as notices are named in the event log.
[[nodiscard]] std::string to_text(const NoticeId& id);

}  // namespace agent::core
