#pragma once

// What a nexus may still do under somebody's reservation: one rule a kind of command, one column a
// standing.

#include <string_view>

#include "drive_iface/virtual/reservations.hpp"

namespace drive_iface::virtual_library {

enum class Access : std::uint8_t {
    allowed,
    conflict,
    if_registered,  // conflict for a nexus that is not registered
    reserve_rules,  // RESERVE: Reservations::reserve_conflicts
    release_rules,  // RELEASE: Reservations::release_conflicts
};

struct ConflictRule {
    Access legacy_holder;
    Access legacy_other;
    Access write_exclusive_other;
    Access exclusive_access_other;
    Access registrants_only_registered;
    Access write_exclusive_unregistered;
    Access exclusive_access_unregistered;
    std::string_view clause;  // where the rule stands
};

namespace conflict_rule {

using enum Access;

inline constexpr ConflictRule always_allowed{
    allowed, allowed, allowed, allowed, allowed, allowed, allowed, "SPC-2 5.5.1, SPC-4 5.13.1"};
// Reports on the drive that change nothing and that SPC-2 already let through.
inline constexpr ConflictRule reports{
    allowed, allowed, allowed, allowed,
    allowed, allowed, allowed, "SPC-2 5.5.1, SPC-4 5.13.1, SSC-3 4.2.16"};
inline constexpr ConflictRule test_unit_ready{
    allowed, conflict, allowed, allowed, allowed, allowed, allowed, "SPC-2 5.5.1, SPC-4 5.13.1"};
// Conflicts under RESERVE even for the nexus that holds it.
inline constexpr ConflictRule persistent_reserve_in{
    conflict, conflict, allowed, allowed, allowed, allowed, allowed, "SPC-2 5.5.1, SPC-4 5.13.1"};
inline constexpr ConflictRule read_position{
    allowed, conflict, allowed, allowed, allowed, allowed, allowed, "SPC-2 5.5.1, SSC-3 4.2.16"};
// Readers share under the write-exclusive types.
inline constexpr ConflictRule reads{allowed, conflict, allowed,  conflict,
                                    allowed, allowed,  conflict, "SPC-2 5.5.1, SPC-4 5.13.1"};
// Writes, and everything that moves the tape or changes a setting.
inline constexpr ConflictRule changes{
    allowed, conflict, conflict, conflict,
    allowed, conflict, conflict, "SPC-2 5.5.1, SPC-4 5.13.1, SSC-3 4.2.16"};
inline constexpr ConflictRule reserve{
    allowed,       conflict,      reserve_rules, reserve_rules,
    reserve_rules, reserve_rules, reserve_rules, "SPC-2 5.5.1 and 7.21, SPC-4 5.13.3"};
inline constexpr ConflictRule release{
    allowed,       allowed,       release_rules, release_rules,
    release_rules, release_rules, release_rules, "SPC-2 5.5.1 and 7.16, SPC-4 5.13.3"};
inline constexpr ConflictRule pr_out_register{
    conflict, conflict, allowed, allowed,
    allowed,  allowed,  allowed, "SPC-2 5.5.1, SPC-4 5.13.1 and 5.13.7"};
inline constexpr ConflictRule pr_out_reserve{
    conflict, conflict, conflict, conflict,
    conflict, conflict, conflict, "SPC-2 5.5.1, SPC-4 5.13.1 and 5.13.9"};
inline constexpr ConflictRule pr_out_by_registrant{
    conflict, conflict, if_registered, if_registered,
    allowed,  conflict, conflict,      "SPC-2 5.5.1, SPC-4 5.13.1 and 5.13.11"};

}  // namespace conflict_rule

// Before the command is looked at any further: does it end with RESERVATION CONFLICT?
[[nodiscard]] bool conflicts(const Reservations& reservations,
                             const agent::core::InitiatorPort& port, const ConflictRule& rule);

}  // namespace drive_iface::virtual_library
