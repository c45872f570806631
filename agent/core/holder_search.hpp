#pragma once

// What was found out about a holder that nobody has named for certain: the rungs of the ladder in
// docs/HOLDER.md that were tried, and whom they point at. For people; nothing here decides.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/reservation.hpp"

namespace agent::core {

// How far a finding carries.
enum class Sureness : std::uint8_t {
    authoritative,  // the drive or the administrator says so: names the holder
    asserted,       // a host says so of itself: names the holder as long as nobody contradicts
    probable,       // points at somebody; shown, never acted on
    hint,           // a name somebody has written somewhere; shown, never acted on
};
[[nodiscard]] std::string_view to_text(Sureness value);
// What an evidence that has named a holder is worth.
[[nodiscard]] Sureness sureness_of(HolderEvidence evidence);

struct HolderCandidate {
    HolderEvidence evidence = HolderEvidence::none;
    Sureness sureness = Sureness::hint;
    std::optional<InitiatorPort> port;  // nothing: only words
    std::string words;  // why, for the operator: "READ(6) 12 s ago, by the drive's clock"
    bool operator==(const HolderCandidate&) const = default;
};

struct HolderRung {
    std::string rung;  // "conflict_list"
    std::string said;  // "the drive has no such list"
    bool operator==(const HolderRung&) const = default;
};

struct HolderSearch {
    std::vector<HolderCandidate> candidates;  // strongest first
    std::vector<HolderRung> rungs;            // in the order they were tried
    bool operator==(const HolderSearch&) const = default;
};

// "fc:2100000e1e09a1b0 (probable, conflict_list: READ(6) 12 s ago)"; empty without candidates.
[[nodiscard]] std::string best_candidate_in_words(const HolderSearch& search);
// Whom it points at, whatever the words.
[[nodiscard]] bool same_best_candidate(const HolderSearch& a, const HolderSearch& b);

}  // namespace agent::core
