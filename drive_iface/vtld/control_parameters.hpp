#pragma once

// Parameters of vtld's control methods, read strictly: every error names the parameter and says
// what would be right.

#include <map>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/runtime/control_protocol.hpp"
#include "drive_iface/iscsi/frame.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::vtld {

using agent::core::Result;
using NamedPorts = std::map<std::string, agent::core::InitiatorPort>;

// The answer to a request with a wrong parameter.
[[nodiscard]] agent::runtime::ControlError invalid(const agent::core::Error& error);
// The answer to a request that was understood and could not be done.
[[nodiscard]] agent::runtime::ControlError failed(const agent::core::Error& error);

// Error when there is a parameter that is not among `known`.
[[nodiscard]] agent::core::Outcome check_known(const nlohmann::json& params,
                                               const std::set<std::string>& known);

[[nodiscard]] Result<std::optional<std::string>> optional_text(const nlohmann::json& params,
                                                               const std::string& name);
[[nodiscard]] Result<std::optional<std::int64_t>> optional_number(const nlohmann::json& params,
                                                                  const std::string& name,
                                                                  std::int64_t minimum,
                                                                  std::int64_t maximum);

// false when it is not there; a text like "yes" is an error and never taken for no.
[[nodiscard]] Result<bool> optional_flag(const nlohmann::json& params, const std::string& name);

// "drive" or "serial": the serial number of a drive that is among `serials`.
[[nodiscard]] Result<std::string> drive_parameter(const nlohmann::json& params,
                                                  const std::set<std::string>& serials);

// "port": {"transport":"fc","name":"2100000e1e09a1b0"}, "fc:2100000e1e09a1b0", or a name from
// virtual_ports.
[[nodiscard]] Result<agent::core::InitiatorPort> port_parameter(const nlohmann::json& params,
                                                                const NamedPorts& named);

// Hexadecimal digits, two a byte; blanks between bytes are fine.
[[nodiscard]] Result<iscsi::Bytes> bytes_from_hex_text(const std::string& text, std::size_t minimum,
                                                       std::size_t maximum);

// "KEY/ASC/ASCQ" in hexadecimal: "03/11/00".
[[nodiscard]] Result<scsi::SenseData> sense_from_text(const std::string& text);

}  // namespace drive_iface::vtld
