#pragma once

// What the process that is killed writes: the same each time, so that the test knows what has to
// be there.

#include <cstdint>
#include <string>

#include "test/unit/cartridge/test_loop.hpp"

inline const std::string endless_barcode = "KILL01L8";

struct EndlessAction {
    std::uint64_t at = 0;
    Blocks data;  // empty: a filemark
    bool synchronise = false;
};

// `end`: how many objects there are.
inline EndlessAction endless_action(std::uint32_t step, std::uint64_t end) {
    EndlessAction action;
    const auto mixed = step * 2654435761U >> 8;
    action.at = step % 37 == 36 && end > 10 ? end - mixed % 10 : end;
    if (step % 400 == 399) action.at = end / 2;
    if (step % 11 != 10) action.data = block_of(1 + mixed % 30'000, step);
    action.synchronise = mixed % 9 == 0;
    return action;
}
