#pragma once

// The tables and scalars as Net-SNMP's agent library serves them; private to lra-mibd.

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/helper_line.hpp"
#include "snmp_mib/mib_rows.hpp"

struct netsnmp_container_s;

namespace snmp_mib {

// A scalar's value is asked for when it is read: some of them are ages.
using ScalarValue = std::function<VarbindValue()>;

// Carries a change out; an error refuses it.
using DriveChangeDoor = std::function<agent::core::Outcome(const DriveChange&)>;

class MibTables {
  public:
    MibTables() = default;
    MibTables(const MibTables&) = delete;
    MibTables& operator=(const MibTables&) = delete;

    // Once, between prepare_snmp_library() and start_snmp_library(). `with_system`: the system
    // group as well, which a master agent has of its own. Without `change_drive` nothing can be
    // written. False: the library refused one.
    bool register_all(bool with_system, DriveChangeDoor change_drive);

    // Takes the place of everything served before.
    void serve(const MibRows& rows);

    // Of rows with each other, by the library, since the start: what a look-up costs.
    [[nodiscard]] static std::uint64_t comparisons();
    [[nodiscard]] std::uint64_t changes_asked() const { return changes_asked_; }
    [[nodiscard]] const DriveChangeDoor& change_drive() const { return change_drive_; }
    void count_change() { ++changes_asked_; }

  private:
    using Clock = std::chrono::steady_clock;

    bool register_table(std::size_t which);
    bool register_scalar(const Oid& name, ScalarValue value);
    bool register_system();

    std::array<netsnmp_container_s*, mib_table_count> containers_{};
    std::vector<VarbindValue> scalars_;
    std::vector<std::unique_ptr<ScalarValue>> values_;  // at addresses that registrations keep
    DriveChangeDoor change_drive_;
    std::uint64_t changes_asked_ = 0;
    Clock::time_point started_at_ = Clock::now();
    Clock::time_point fed_at_ = Clock::now();
};

}  // namespace snmp_mib
