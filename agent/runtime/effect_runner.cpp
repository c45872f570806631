#include "agent/runtime/effect_runner.hpp"

#include "agent/runtime/effect_records.hpp"

namespace agent::runtime {

core::Outcome carry_out(const core::ReservationAgentEffects& effects, ReservationAgentStore& store,
                        const ReservationAgentDoors& doors) {
    struct Act {
        const ReservationAgentDoors& doors;
        void operator()(const core::RecordDrive&) const {}
        void operator()(const core::RecordAgent&) const {}
        void operator()(const core::RecordDebt&) const {}
        void operator()(const core::RecordAlarm&) const {}
        void operator()(const core::RecordEvent& effect) const { doors.show_event(effect.record); }
        void operator()(const core::SendNotice& effect) const { doors.send_notice(effect); }
        void operator()(const core::StopSending& effect) const { doors.stop_sending(effect); }
        void operator()(const core::AskHolder& effect) const { doors.ask_holder(effect); }
        void operator()(const core::StopAsking& effect) const { doors.stop_asking(effect); }
        void operator()(const core::ForceDriveOffline& effect) const {
            doors.force_offline(effect);
        }
        void operator()(const core::LiftDriveOffline& effect) const { doors.lift_offline(effect); }
        void operator()(const core::AnnounceAlarm& effect) const { doors.announce_alarm(effect); }
    };
    const core::Outcome recorded = store.commit(effects);
    if (!recorded.ok()) return recorded.error().within("recording a step");
    for (const core::ReservationAgentEffect& effect : effects)
        std::visit(Act{doors}, effect);
    return core::Nothing{};
}

core::Outcome carry_out(const core::DriveSharingAgentEffects& effects,
                        DriveSharingAgentStore& store, const DriveSharingAgentDoors& doors) {
    struct Act {
        const DriveSharingAgentDoors& doors;
        void operator()(const core::RecordLedgerEntry&) const {}
        void operator()(const core::RecordNoticeMark&) const {}
        void operator()(const core::RecordOnlineCommand&) const {}
        void operator()(const core::RecordAgentEvent& effect) const {
            doors.show_event(effect.record);
        }
        void operator()(const core::RunApplication& effect) const { doors.run_application(effect); }
        void operator()(const core::SendConfirmation& effect) const {
            doors.send_confirmation(effect);
        }
        void operator()(const core::SendStarted& effect) const { doors.send_started(effect); }
        void operator()(const core::SendStopping& effect) const { doors.send_stopping(effect); }
        void operator()(const core::StopNow&) const { doors.stop_now(); }
    };
    const core::Outcome recorded = store.commit(effects);
    if (!recorded.ok()) return recorded.error().within("recording a step");
    for (const core::DriveSharingAgentEffect& effect : effects)
        std::visit(Act{doors}, effect);
    return core::Nothing{};
}

}  // namespace agent::runtime
