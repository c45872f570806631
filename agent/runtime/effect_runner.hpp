#pragma once

// Carries out what the rules decided, in the order that is law: record, then act.

#include <functional>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "agent/runtime/reservation_agent_store.hpp"

namespace agent::runtime {

// The world as the library reservation agent touches it. None may call the rules before it returns:
// answers are posted to the event loop. Every member must be set.
struct ReservationAgentDoors {
    std::function<void(const core::SendNotice& effect)> send_notice;
    std::function<void(const core::StopSending& effect)> stop_sending;
    std::function<void(const core::AskHolder& effect)> ask_holder;
    std::function<void(const core::StopAsking& effect)> stop_asking;
    std::function<void(const core::ForceDriveOffline& effect)> force_offline;
    std::function<void(const core::LiftDriveOffline& effect)> lift_offline;
    std::function<void(const core::AnnounceAlarm& effect)> announce_alarm;
    std::function<void(const core::EventRecord& record)>
        show_event;  // recorded: log it, tell those who follow
};

// Commits all Record* effects of the step in one synced transaction, then does the others in their
// order. When the commit fails nothing else of the step is done and the error comes back: the
// process must end (exit status 1) and be restarted from what is recorded, since the rules in
// memory are now ahead of the disk.
[[nodiscard]] core::Outcome carry_out(const core::ReservationAgentEffects& effects,
                                      ReservationAgentStore& store,
                                      const ReservationAgentDoors& doors);

struct DriveSharingAgentDoors {
    std::function<void(const core::RunApplication& effect)> run_application;
    std::function<void(const core::SendConfirmation& effect)> send_confirmation;
    std::function<void(const core::SendStarted& effect)> send_started;
    std::function<void(const core::SendStopping& effect)> send_stopping;
    std::function<void()> stop_now;
    std::function<void(const core::EventRecord& record)> show_event;
};

[[nodiscard]] core::Outcome carry_out(const core::DriveSharingAgentEffects& effects,
                                      DriveSharingAgentStore& store,
                                      const DriveSharingAgentDoors& doors);

}  // namespace agent::runtime
