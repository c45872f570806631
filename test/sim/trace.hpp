#pragma once

// A canonical text of everything that goes into the rules and comes out of them, hashed as it is
// written (FNV-1a). Two builds of the same seed must give the same hash, whatever the compiler and
// its optimisation.

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace sim {

class Trace {
  public:
    explicit Trace(bool printing) : printing_(printing) {}

    void begin(std::int64_t now_ms, std::string_view who);
    void add(std::string_view text);
    void add(std::uint64_t number);
    void end();

    void add(const agent::core::NoticeId& id);
    void add(const agent::core::Reservation& reservation);
    void add(const agent::core::Notice& notice);
    void add(const agent::core::Confirmation& confirmation);
    void add(const agent::core::EventRecord& record);
    void add(const agent::core::ReservationAgentInput& input);
    void add(const agent::core::ReservationAgentEffect& effect);
    void add(const agent::core::DriveSharingAgentInput& input);
    void add(const agent::core::DriveSharingAgentEffect& effect);

    [[nodiscard]] std::uint64_t hash() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    bool printing_;
    std::string line_;
};

}  // namespace sim
