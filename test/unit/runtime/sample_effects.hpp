#pragma once

// Records with every field filled, for the stores' tests.

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"

inline agent::core::DriveRecord sample_drive(const std::string& serial, std::uint64_t sequence) {
    using namespace agent::core;
    DriveRecord drive;
    drive.drive.text = serial;
    drive.reservation = {
        ReservationState::reserved,
        ReservationKind::persistent,
        PersistentReservation{3, 0xffffffffabcdef01},
        {{Transport::fc, "2100000e1e09a1b0", "", ""},
         {Transport::iscsi, "iqn.2026-01.example:host\"1", "00023d000001", "192.0.2.17"}}};
    drive.evidence = HolderEvidence::full_status;
    drive.since.ms = 1'769'860'800'123;
    drive.operational_state = OperationalState::forced_offline;
    drive.offline_reason = "host2 did not confirm";
    drive.newest_notice = NoticeId{1'769'860'800, sequence};
    return drive;
}

inline agent::core::EventRecord sample_event(const std::string& serial, std::int64_t at_ms) {
    return {{at_ms}, agent::core::Severity::major, "LRA2003",       {serial},
            "host2", agent::core::NoticeId{5, 6},  "forced offline"};
}

inline agent::core::Alarm sample_alarm(const std::string& serial) {
    return {{agent::core::AlarmKind::drive_forced_offline, {serial}, ""},
            agent::core::Severity::critical,
            {1'769'860'800'123},
            "drive " + serial + " was forced offline"};
}
