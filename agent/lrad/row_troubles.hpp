#pragma once

// When it is worth a word that a row in the database of the pair can not be read or written, while
// others can, or while nothing can. Pure: it is told the time.

#include <cstdint>
#include <map>
#include <string>

#include "agent/core/time.hpp"
#include "agent/lrad/lasting_trouble.hpp"

namespace agent::lrad {

class RowTroubles {
  public:
    enum class Word : std::uint8_t {
        nothing,
        all_fail,  // nothing has worked since this trouble began
        this_one,  // others have worked since
        all_work,  // again: the end of `all_fail`
        works,     // again: the end of `this_one`
    };
    explicit RowTroubles(core::Duration patience) : patience_(patience), database_(patience) {}

    // `row`: any name for it, the same each time. What is to be told of it now; each trouble once.
    [[nodiscard]] Word failed(const std::string& row, core::Instant now);
    [[nodiscard]] Word worked(const std::string& row);
    // Nobody waits for any row any more.
    void forget();

  private:
    struct Row {
        core::Instant since;
        bool others_work = false;  // one has, since then
        bool told = false;
    };
    core::Duration patience_;
    std::map<std::string, Row> rows_;  // those that fail
    LastingTrouble database_;          // nothing works
};

}  // namespace agent::lrad
