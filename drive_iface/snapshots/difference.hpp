#pragma once

// What happened between two states of the tracking structure. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drive_iface/sessions/tracking.hpp"

namespace drive_iface::snapshots {

enum class Happening : std::uint8_t {
    begun,
    grown,       // by `objects` and `bytes`
    shrunk,      // what was not yet durable was lost, by `objects` and `bytes`
    completed,   // became part of its volume
    broken_off,  // ended incomplete
    merged,      // was copied into its volume's files
    deleted,     // its segments were
    gone,        // is not remembered any more
    changed,     // anything else in its row: what is durable, files, address
};
[[nodiscard]] std::string_view to_text(Happening happening);

// One session that is not the same in both; at least one of the rows is there.
struct SessionDifference {
    std::uint32_t identifier = 0;
    std::optional<sessions::Session> before, after;
    std::vector<Happening> happened;  // in the order above
    std::uint64_t objects = 0;        // grown or shrunk by
    std::uint64_t bytes = 0;
    bool operator==(const SessionDifference&) const = default;
};

// In a sentence: "begun, grown by 12 records (3072 bytes), completed".
[[nodiscard]] std::string to_text(const SessionDifference& difference);

// `from` and `to` in order of identifier, as is what is returned. Sessions that did not change are
// not in it.
[[nodiscard]] std::vector<SessionDifference> difference(std::span<const sessions::Session> from,
                                                        std::span<const sessions::Session> to);

// What difference(from, to) says, carried out on `from`: gives `to`.
[[nodiscard]] std::vector<sessions::Session> applied(std::span<const SessionDifference> differences,
                                                     std::span<const sessions::Session> from);

}  // namespace drive_iface::snapshots
