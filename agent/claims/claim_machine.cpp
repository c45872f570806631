#include "agent/claims/claim_machine.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::claims {

namespace {

using S = ClaimState;
using E = ClaimEvent;
using A = ClaimAction;

constexpr std::string_view not_here = "does not happen here";

constexpr ClaimRow table[] = {
    // clang-format off
    {S::queued, E::drive_claimed, S::claimed, A::reserve, "a drive is marked; nobody else can choose it"},
    {S::queued, E::drive_reserved, S::queued, A::refuse, not_here},
    {S::queued, E::drive_refused, S::queued, A::refuse, not_here},
    {S::queued, E::move_begins, S::queued, A::refuse, not_here},
    {S::queued, E::drive_ready, S::queued, A::refuse, not_here},
    {S::queued, E::move_failed, S::queued, A::refuse, not_here},
    {S::queued, E::withdrawn, S::ended, A::settle, "nothing was touched"},
    {S::queued, E::medium_home, S::queued, A::refuse, not_here},

    {S::claimed, E::drive_claimed, S::claimed, A::refuse, not_here},
    {S::claimed, E::drive_reserved, S::reserved, A::begin_move, "the drive is ours on the wire too"},
    {S::claimed, E::drive_refused, S::ended, A::try_another, "the drive's row is free again, or quarantined"},
    {S::claimed, E::move_begins, S::claimed, A::refuse, not_here},
    {S::claimed, E::drive_ready, S::claimed, A::refuse, not_here},
    {S::claimed, E::move_failed, S::claimed, A::refuse, not_here},
    {S::claimed, E::withdrawn, S::ended, A::release, "the cartridge has not moved"},
    {S::claimed, E::medium_home, S::claimed, A::refuse, not_here},

    {S::reserved, E::drive_claimed, S::reserved, A::refuse, not_here},
    {S::reserved, E::drive_reserved, S::reserved, A::nothing, "it was reserved before"},
    {S::reserved, E::drive_refused, S::ended, A::try_another, "the drive's row is free again, or quarantined"},
    {S::reserved, E::move_begins, S::loading, A::move_in, "from here on only the changer knows where the cartridge is"},
    {S::reserved, E::drive_ready, S::reserved, A::refuse, not_here},
    {S::reserved, E::move_failed, S::reserved, A::refuse, not_here},
    {S::reserved, E::withdrawn, S::ended, A::release, "the cartridge has not moved"},
    {S::reserved, E::medium_home, S::reserved, A::refuse, not_here},

    {S::loading, E::drive_claimed, S::loading, A::refuse, not_here},
    {S::loading, E::drive_reserved, S::loading, A::nothing, "it was reserved before"},
    {S::loading, E::drive_refused, S::loading, A::refuse, not_here},
    {S::loading, E::move_begins, S::loading, A::nothing, "it began before"},
    {S::loading, E::drive_ready, S::mounted, A::hand_over, "the host may begin"},
    {S::loading, E::move_failed, S::unloading, A::take_back, "wherever it is, it has to get back"},
    {S::loading, E::withdrawn, S::unloading, A::take_back, "a move under way is let finish first"},
    {S::loading, E::medium_home, S::loading, A::refuse, not_here},

    {S::mounted, E::drive_claimed, S::mounted, A::refuse, not_here},
    {S::mounted, E::drive_reserved, S::mounted, A::nothing, "it was reserved before"},
    {S::mounted, E::drive_refused, S::mounted, A::refuse, not_here},
    {S::mounted, E::move_begins, S::mounted, A::refuse, not_here},
    {S::mounted, E::drive_ready, S::mounted, A::nothing, "it is"},
    {S::mounted, E::move_failed, S::mounted, A::refuse, not_here},
    {S::mounted, E::withdrawn, S::unloading, A::take_back, "unmounted"},
    {S::mounted, E::medium_home, S::ended, A::release, "somebody has taken it out by hand"},

    {S::unloading, E::drive_claimed, S::unloading, A::refuse, not_here},
    {S::unloading, E::drive_reserved, S::unloading, A::nothing, "it was reserved before"},
    {S::unloading, E::drive_refused, S::mounted, A::nothing, "a host still holds the drive: it keeps it"},
    {S::unloading, E::move_begins, S::unloading, A::nothing, "it began before"},
    {S::unloading, E::drive_ready, S::unloading, A::nothing, "too late"},
    {S::unloading, E::move_failed, S::unloading, A::refuse, "the drive is quarantined with the cartridge in it"},
    {S::unloading, E::withdrawn, S::unloading, A::nothing, "it is on its way"},
    {S::unloading, E::medium_home, S::ended, A::release, "the drive is free"},

    {S::ended, E::drive_claimed, S::claimed, A::reserve, "the other drive, or the same request again after a restart"},
    {S::ended, E::drive_reserved, S::ended, A::refuse, not_here},
    {S::ended, E::drive_refused, S::ended, A::refuse, not_here},
    {S::ended, E::move_begins, S::ended, A::refuse, not_here},
    {S::ended, E::drive_ready, S::ended, A::refuse, not_here},
    {S::ended, E::move_failed, S::ended, A::refuse, not_here},
    {S::ended, E::withdrawn, S::ended, A::nothing, "it is over"},
    {S::ended, E::medium_home, S::ended, A::nothing, "it is over"},
    // clang-format on
};
static_assert(core::one_row_per_pair(table, claim_states, claim_events));

constexpr core::EnumeratorName<ClaimEvent> event_names[] = {
    {E::drive_claimed, "drive claimed"}, {E::drive_reserved, "drive reserved"},
    {E::drive_refused, "drive refused"}, {E::move_begins, "move begins"},
    {E::drive_ready, "drive ready"},     {E::move_failed, "move failed"},
    {E::withdrawn, "withdrawn"},         {E::medium_home, "medium home"},
};
constexpr core::EnumeratorName<ClaimAction> action_names[] = {
    {A::nothing, "nothing"},         {A::refuse, "refuse"},       {A::reserve, "reserve"},
    {A::begin_move, "begin move"},   {A::move_in, "move in"},     {A::hand_over, "hand over"},
    {A::try_another, "try another"}, {A::take_back, "take back"}, {A::release, "release"},
    {A::settle, "settle"},
};

}  // namespace

std::span<const ClaimRow> claim_table() {
    return table;
}

const ClaimRow& claim_row(ClaimState state, ClaimEvent event) {
    return core::row_of(table, state, event);
}

std::string_view to_text(ClaimEvent value) {
    return core::name_of(event_names, value);
}
std::string_view to_text(ClaimAction value) {
    return core::name_of(action_names, value);
}

std::string claim_table_page() {
    std::string page = "| state | event | next | then | |\n|---|---|---|---|---|\n";
    for (const auto& row : table) {
        if (row.action == A::refuse && row.why == not_here) continue;
        page += "| " + std::string(to_text(row.from)) + " | " + std::string(to_text(row.event)) +
                " | " + std::string(to_text(row.to)) + " | " + std::string(to_text(row.action)) +
                " | " + std::string(row.why) + " |\n";
    }
    return page;
}

}  // namespace agent::claims
