#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/shell/command_table.hpp"
#include "agent/shell/screen.hpp"

namespace agent::shell {

// A daemon's answer for people. Takes any JSON: what is missing or of another type is shown as "-",
// what is not known is shown by its name, so that an lractl meets older and newer daemons.
[[nodiscard]] std::string rendered(View view, const nlohmann::json& result, const Screen& screen);

// One event, for event follow.
[[nodiscard]] std::string rendered_event(const nlohmann::json& event, const Screen& screen);

// For --json: one line, or indented for people at a terminal. Bytes that are not UTF-8 are
// replaced.
// One write session in one line, as it comes by in `session follow`.
[[nodiscard]] std::string rendered_write_session(const nlohmann::json& session,
                                                 const Screen& screen);

[[nodiscard]] std::string rendered_json(const nlohmann::json& result, bool indented);

}  // namespace agent::shell
