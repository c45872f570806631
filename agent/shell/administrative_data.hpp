#pragma once

#include <string>

#include "agent/runtime/control_protocol.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/tape_reader.hpp"

namespace agent::shell {

// library.fetch: mounts an administrative volume, reads it as any host would, and unmounts it.
// {"header": ..., "records": [...]}; an error when what was read is not what the header says.
[[nodiscard]] runtime::ControlAnswer fetch_administrative_data(const Request& request,
                                                               const std::string& socket);

// What is on such a volume: the header, a filemark, the records as JSON lines, a filemark.
[[nodiscard]] core::Result<nlohmann::json> read_data_set(TapeReader& tape);

}  // namespace agent::shell
