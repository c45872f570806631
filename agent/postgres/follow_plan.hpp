#pragma once

// How a copy can be made to follow the other node's server.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/postgres/control_data.hpp"

namespace agent::postgres {

enum class FollowWay : std::uint8_t {
    as_it_is,  // it only has to fetch what it lacks
    rewind,    // what it has alone is taken back
    copy,      // made anew
    refuse,    // these are not data of this pair: nobody touches them
};
[[nodiscard]] std::string_view to_text(FollowWay value);

// The copy here, its server stopped.
struct CopySeen {
    bool there = false;
    bool scrap = false;  // a rewind began and did not end: nobody knows what it holds
    std::uint64_t system_identifier = 0;
    // As it was noted when they were made; also of data that are gone.
    std::optional<std::uint64_t> noted_identifier{};
    bool checksums = false;   // without them it can not be rewound
    pair::LogPosition end{};  // timeline 0: nobody could read it
};

[[nodiscard]] FollowWay way_to_follow(const CopySeen& copy, const SourceLog& source);
// The next thing to try when a copy does not follow although `way` went well, or failed. Nothing:
// there is none.
[[nodiscard]] std::optional<FollowWay> way_after(FollowWay way);

// A server that did not start blames its data or its log, which a copy makes good; everything else
// is wrong on this machine, and would be with other data.
[[nodiscard]] bool blames_its_data(std::string_view complaint);

}  // namespace agent::postgres
