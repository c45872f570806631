#pragma once

// What lractl can ask of a voting agent: pair.show, pair.votes, pair.keys, pair.shutdown,
// pair.hold, pair.release.

#include <functional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/runtime/control_server.hpp"
#include "agent/voting/voter.hpp"

namespace agent::voting {

// Notes in the audit trail what a person did; an error refuses it.
using Audit = std::function<core::Outcome(const runtime::Caller& caller, const std::string& action,
                                          const std::string& subject, const std::string& reason)>;

// Before the server listens. `voter` is asked for at each call: null where the agent does not vote.
void serve_voter(runtime::ControlServer& server, const std::function<Voter*()>& voter,
                 const Audit& audit);

}  // namespace agent::voting
