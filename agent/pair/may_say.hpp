#pragma once

// Who may say what to whom. A sender is known by its SNMPv3 user before anything here is asked;
// what it may not say changes nothing, whatever stands in it.

#include <cstdint>

#include "agent/pair/pair_message.hpp"

namespace agent::pair {

enum class Member : std::uint8_t { node, agent };

[[nodiscard]] bool may_say(Member speaker, Member listener, const PairMessage& message);

}  // namespace agent::pair
