#pragma once

// Registers, votes and shutdown keys as JSON: what the control sockets answer. Stable:
// docs/CONTROL.md.

#include <array>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "agent/pair/ballot.hpp"
#include "agent/pair/node_watch.hpp"
#include "agent/pair/shutdown_key.hpp"

namespace agent::voting {

// {"cluster","epoch","relation","primary","voters","threshold"}
[[nodiscard]] nlohmann::json value_json(const pair::RegisterValue& value);
// {"ballot","by"}: who asked under it; null for none.
[[nodiscard]] nlohmann::json ballot_json(const pair::Ballot& ballot);
// {"agent","round","granted","objection","meaning","promised","accepted","value"|null}
[[nodiscard]] nlohmann::json answer_json(const pair::BallotAnswer& answer);
// {"key","subject","mode","actor","reason","at","remaining","epoch","relation","nodes":[...],
//  "stored_at"}
[[nodiscard]] nlohmann::json key_json(const pair::ShutdownKey& key);
// "EPOCH.COUNTER.ISSUER"
[[nodiscard]] std::string key_name(const pair::KeyId& id);

// What an operator says about a shutdown: {"node","mode","reason"}. `node`: first, second, both, or
// one of `names`. Errors name the parameter.
struct ShutdownWish {
    pair::Subject subject = pair::Subject::first;
    pair::ShutdownMode mode = pair::ShutdownMode::normal;
    std::string reason;
};
[[nodiscard]] core::Result<ShutdownWish> shutdown_wish(const nlohmann::json& params,
                                                       const std::array<std::string, 2>& names);

}  // namespace agent::voting
