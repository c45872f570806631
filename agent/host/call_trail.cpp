#include "agent/host/call_trail.hpp"

#include <utility>

namespace agent::host {

namespace {

constexpr core::Duration same_again_after{3'600'000};
// More are forgotten all, and begin anew: at worst a row that was there already.
constexpr std::size_t drives_max = 1'024;

std::string line_without_time(ProgramCall call) {
    call.outcome.took = {};
    return audit_line(call);
}

}  // namespace

std::optional<std::string> CallTrail::take(const ProgramCall& call, core::Instant now) {
    if (call.action == core::ApplicationAction::query) return std::nullopt;
    if (attempts_.size() >= drives_max && !attempts_.contains(call.drive)) attempts_.clear();
    Attempt& attempt = attempts_[call.drive];
    if (attempt.action != call.action) {
        attempt.action = call.action;
        attempt.steps.clear();
    }
    const bool all_done = call.succeeded && call.step + 1 >= call.steps;
    Row& row = attempt.steps[call.step];
    std::string line = line_without_time(call);
    if (!all_done && row.line == line && now - row.at < same_again_after) {
        ++attempt.not_written;
        return std::nullopt;
    }
    row = {std::move(line), now};
    std::string text = audit_line(call);
    if (const auto calls = std::exchange(attempt.not_written, 0); calls > 0)
        text += "; calls before it that ended as written already: " + std::to_string(calls);
    if (all_done) attempts_.erase(call.drive);
    return text;
}

}  // namespace agent::host
