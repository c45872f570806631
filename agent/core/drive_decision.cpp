#include "agent/core/drive_decision.hpp"

#include <algorithm>

#include "agent/core/sharing_resolver.hpp"

namespace agent::core {

// "Mine?": test/unit/core/drive_decision_test.cpp; scenario holder_is_mine.txt; oracle invariant
// "foreign use".
Verdict verdict_of(const Notice& notice, const HostConfiguration& host) {
    if (notice.operational_state == OperationalState::forced_offline ||
        notice.operational_state == OperationalState::unprotected) {
        return Verdict::keep_off;
    }
    switch (notice.reservation.state) {
        case ReservationState::free:
            return Verdict::free;
        case ReservationState::unknown:
            return Verdict::not_known;
        case ReservationState::reserved:
            break;
    }
    if (!host.domain.empty() && notice.holder_domain == host.domain) return Verdict::mine;
    const auto& holders = notice.reservation.holders;
    const bool own_port =
        std::any_of(holders.begin(), holders.end(), [&host](const InitiatorPort& holder) {
            return std::any_of(host.ports.begin(), host.ports.end(), [&holder](const auto& port) {
                return same_host_port(port, holder);
            });
        });
    return own_port ? Verdict::mine : Verdict::keep_off;
}

NextMove first_move(Verdict verdict, ApplicationDriveState state, bool in_ledger) {
    using enum NextMove;
    const bool online = state == ApplicationDriveState::online;
    const bool offline = state == ApplicationDriveState::offline;
    const bool draining = state == ApplicationDriveState::draining;
    switch (verdict) {
        case Verdict::keep_off:
            if (offline) return in_ledger ? confirm_set_offline : confirm_already_offline;
            if (draining) return wait_for_drain;
            return online ? take_offline : report_unknown;
        case Verdict::mine:
            return in_ledger && (offline || draining) ? bring_online : confirm_holder_is_mine;
        case Verdict::free:
            if (online) return confirm_already_online;
            // Never blindly: an operator may have had it since.
            if (!offline && !draining) return report_unknown;
            return in_ledger ? bring_online : confirm_left_to_operator;
        case Verdict::not_known:
            if (offline || draining) return confirm_already_offline;
            return online ? confirm_already_online : report_unknown;
    }
    return report_unknown;
}

std::string reason_in_words(const Notice& notice) {
    if (notice.operational_state == OperationalState::forced_offline ||
        notice.operational_state == OperationalState::unprotected) {
        return "forced offline by the library controller";
    }
    return "reserved by " + holders_in_words(notice.reservation, notice.holder_domain);
}

}  // namespace agent::core
