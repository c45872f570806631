#pragma once

// A state machine as data: one row per (state, event), completeness checked when compiling. The
// rules dispatch from the rows and docs/HANDSHAKE.md is generated from the same rows, so code and
// document can not disagree.

#include <cstddef>
#include <string_view>

#include "agent/core/assert.hpp"

namespace agent::core {

template <typename State, typename Event, typename Action>
struct TransitionRow {
    State from;
    Event event;
    State to;
    Action action;
    std::string_view why;  // for the operator who reads the generated table
};

// Does every pair of the first `state_count` states and `event_count` events have exactly one row?
template <typename State, typename Event, typename Action, std::size_t rows>
[[nodiscard]] constexpr bool one_row_per_pair(
    const TransitionRow<State, Event, Action> (&table)[rows], std::size_t state_count,
    std::size_t event_count) {
    for (std::size_t state = 0; state < state_count; ++state) {
        for (std::size_t event = 0; event < event_count; ++event) {
            std::size_t found = 0;
            for (const auto& row : table) {
                if (static_cast<std::size_t>(row.from) == state &&
                    static_cast<std::size_t>(row.event) == event) {
                    ++found;
                }
            }
            if (found != 1) return false;
        }
    }
    return rows == state_count * event_count;
}

template <typename State, typename Event, typename Action, std::size_t rows>
[[nodiscard]] constexpr const TransitionRow<State, Event, Action>& row_of(
    const TransitionRow<State, Event, Action> (&table)[rows], State state, Event event) {
    for (const auto& row : table) {
        if (row.from == state && row.event == event) return row;
    }
    invariant_broken("every (state, event) has a row", __FILE__, __LINE__);
}

}  // namespace agent::core
