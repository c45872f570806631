#include "agent/core/holder_search.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<Sureness> surenesses[] = {
    {Sureness::authoritative, "authoritative"},
    {Sureness::asserted, "asserted"},
    {Sureness::probable, "probable"},
    {Sureness::hint, "hint"},
};

}  // namespace

std::string_view to_text(Sureness value) {
    return name_of(surenesses, value);
}

Sureness sureness_of(HolderEvidence evidence) {
    switch (evidence) {
        case HolderEvidence::drive_event:
        case HolderEvidence::full_status:
        case HolderEvidence::key:
            return Sureness::authoritative;
        case HolderEvidence::host_asserted:
            return Sureness::asserted;
        case HolderEvidence::conflict_list:
            return Sureness::probable;
        case HolderEvidence::none:
            return Sureness::hint;
    }
    return Sureness::hint;
}

std::string best_candidate_in_words(const HolderSearch& search) {
    if (search.candidates.empty()) return {};
    const HolderCandidate& best = search.candidates.front();
    std::string words = best.port ? to_text(*best.port) : best.words;
    words.append(" (").append(to_text(best.sureness)).append(", ").append(to_text(best.evidence));
    if (best.port && !best.words.empty()) words.append(": ").append(best.words);
    return words + ")";
}

bool same_best_candidate(const HolderSearch& a, const HolderSearch& b) {
    if (a.candidates.empty() || b.candidates.empty()) {
        return a.candidates.empty() == b.candidates.empty();
    }
    const HolderCandidate& one = a.candidates.front();
    const HolderCandidate& other = b.candidates.front();
    return one.evidence == other.evidence && one.port == other.port;
}

}  // namespace agent::core
