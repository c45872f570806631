#include "agent/claims/reconcile.hpp"

#include "agent/core/assert.hpp"
#include "agent/core/enumerator_names.hpp"

namespace agent::claims {

namespace {

using S = ClaimState;
using H = HeldBy;
using W = Whereabouts;
using R = Recovery;

constexpr core::EnumeratorName<HeldBy> held_by_names[] = {
    {H::nobody, "nobody"}, {H::dead_key, "dead key"}, {H::own_key, "own key"},
    {H::other, "a host"},  {H::legacy, "RESERVE"},    {H::no_answer, "no answer"},
};
constexpr core::EnumeratorName<Whereabouts> whereabouts_names[] = {
    {W::slot, "slot"},       {W::its_drive, "its drive"}, {W::elsewhere, "elsewhere"},
    {W::missing, "missing"}, {W::no_answer, "no answer"},
};
constexpr core::EnumeratorName<Recovery> recovery_names[] = {
    {R::free_drive, "free the drive"}, {R::finish_load, "finish the load"},
    {R::stay_mounted, "stay mounted"}, {R::take_home, "take the cartridge home"},
    {R::look_again, "look again"},     {R::quarantine, "quarantine the drive"},
    {R::ask_again, "ask again later"},
};

bool ours_or_free(H held) {
    return held == H::nobody || held == H::dead_key || held == H::own_key;
}

// Nothing has moved for the claim, or the move has not taken hold.
RecoveryRow at_rest(S state, H held, W medium) {
    if (held == H::other)
        return {state, held, medium, R::free_drive, "a host has it; its key is not touched"};
    return {state, held, medium, R::free_drive, "the cartridge lies in its slot"};
}

// Before MOVE MEDIUM was sent; where the cartridge is does not depend on us.
RecoveryRow before_move(S state, H held, W medium) {
    if (medium == W::its_drive)
        return {state, held, medium, R::take_home, "somebody has moved it there by hand"};
    return {state, held, medium, R::free_drive, "the cartridge has not moved for this claim"};
}

RecoveryRow in_drive(S state, H held, W medium) {
    switch (state) {
        case S::loading:
            if (held == H::other)
                return {state, held, medium, R::stay_mounted, "the host has taken it over already"};
            return {state, held, medium, R::finish_load, "the move was carried out"};
        case S::mounted:
            return {state, held, medium, R::stay_mounted, "nothing is missing but the answer"};
        case S::unloading:
            if (held == H::other)
                return {state, held, medium, R::stay_mounted, "a host has reserved it again"};
            return {state, held, medium, R::take_home, "the way back is finished"};
        case S::claimed:
        case S::reserved:
        case S::queued:
        case S::ended:
            break;
    }
    return before_move(state, held, medium);
}

RecoveryRow not_where_it_should_be(S state, H held, W medium, bool looked_again) {
    if (state == S::claimed || state == S::reserved) return before_move(state, held, medium);
    if (!looked_again)
        return {state, held, medium, R::look_again, "the changer may not have noticed yet"};
    return {state, held, medium, R::quarantine, "nobody knows where the cartridge is"};
}

}  // namespace

std::string_view to_text(HeldBy value) {
    return core::name_of(held_by_names, value);
}
std::string_view to_text(Whereabouts value) {
    return core::name_of(whereabouts_names, value);
}
std::string_view to_text(Recovery value) {
    return core::name_of(recovery_names, value);
}

RecoveryRow recovery_of(ClaimState state, HeldBy held, Whereabouts medium, bool looked_again) {
    AGENT_ASSERT(state != S::queued && state != S::ended);
    if (held == H::no_answer)
        return {state, held, medium, R::ask_again, "who holds the drive is not known"};
    if (medium == W::no_answer)
        return {state, held, medium, R::ask_again, "where the cartridge is is not known"};
    if (held == H::legacy && state != S::mounted) {
        return {state, held, medium, R::quarantine,
                "RESERVE can not be broken from elsewhere: reset the drive"};
    }
    if (held == H::legacy && medium == W::its_drive)
        return {state, held, medium, R::stay_mounted, "the host works with it"};
    AGENT_ASSERT(ours_or_free(held) || held == H::other || state == S::mounted);
    switch (medium) {
        case W::slot:
            return at_rest(state, held, medium);
        case W::its_drive:
            return in_drive(state, held, medium);
        case W::elsewhere:
        case W::missing:
        case W::no_answer:
            break;
    }
    return not_where_it_should_be(state, held, medium, looked_again);
}

bool waits_again(const Claim& claim, core::Duration left) {
    return claim.wait && left > core::Duration{};
}

}  // namespace agent::claims
