#pragma once

// What lrad says to its helper, by lines: read when it comes, taken in order. Private to lra-mibd.

#include <deque>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/helper_line.hpp"

namespace snmp_mib {

class FeederInput {
  public:
    explicit FeederInput(int descriptor) : descriptor_(descriptor) {}

    // One read; blocks when nothing is there. False: the feeder has ended. Errors: it can not be
    // read, or says more in a line than a snapshot can be.
    [[nodiscard]] agent::core::Result<bool> read();
    // The next whole line, if there is one.
    [[nodiscard]] std::optional<std::string> next();

    // Reads until the answer to question `number` has come, and leaves every other line for
    // next(). Errors: it was refused, with the reason; none came within `patience_ms`.
    [[nodiscard]] agent::core::Outcome wait_for_answer(std::uint64_t number, int patience_ms);

  private:
    int descriptor_;
    bool ended_ = false;
    std::string buffered_;
    std::deque<std::string> lines_;
};

}  // namespace snmp_mib
