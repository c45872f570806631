#include "drive_iface/virtual/conflict_table.hpp"

namespace drive_iface::virtual_library {
namespace {

Access access(const ConflictRule& rule, Standing standing) {
    switch (standing) {
        case Standing::no_reservation:
        case Standing::persistent_holder:
            // RESERVE and RELEASE have rules for registered ports that hold nothing, too.
            if (rule.write_exclusive_other == Access::reserve_rules) return Access::reserve_rules;
            if (rule.write_exclusive_other == Access::release_rules) return Access::release_rules;
            return Access::allowed;
        case Standing::legacy_holder:
            return rule.legacy_holder;
        case Standing::legacy_other:
            return rule.legacy_other;
        case Standing::write_exclusive_other:
            return rule.write_exclusive_other;
        case Standing::exclusive_access_other:
            return rule.exclusive_access_other;
        case Standing::registrants_only_registered:
            return rule.registrants_only_registered;
        case Standing::write_exclusive_unregistered:
            return rule.write_exclusive_unregistered;
        case Standing::exclusive_access_unregistered:
            return rule.exclusive_access_unregistered;
    }
    return Access::conflict;
}

}  // namespace

bool conflicts(const Reservations& reservations, const agent::core::InitiatorPort& port,
               const ConflictRule& rule) {
    switch (access(rule, reservations.standing(port))) {
        case Access::allowed:
            return false;
        case Access::conflict:
            return true;
        case Access::if_registered:
            return !reservations.is_registered(port);
        case Access::reserve_rules:
            return reservations.reserve_conflicts(port);
        case Access::release_rules:
            return reservations.release_conflicts(port);
    }
    return true;
}

}  // namespace drive_iface::virtual_library
