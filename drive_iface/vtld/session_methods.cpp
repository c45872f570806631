#include <nlohmann/json.hpp>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"

namespace drive_iface::vtld {

using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

// The operation code's group tells the length (SPC-4 4.2.5.1).
std::size_t cdb_length(std::uint8_t operation_code) {
    switch (operation_code >> 5) {
        case 0:
            return 6;
        case 1:
        case 2:
            return 10;
        case 5:
            return 12;
        default:
            return 16;
    }
}

json command_json(const iscsi::TracedCommand& command) {
    const auto length = cdb_length(command.cdb[0]);
    json result{{"at_ms", command.began_ms},
                {"command", scsi::opcode_name(command.cdb[0])},
                {"cdb", scsi::to_hex(scsi::ByteView(command.cdb).first(length))},
                {"lun", command.lun},
                {"data_out", command.data_out},
                {"state", command.end       ? "answered"
                          : command.aborted ? "aborted"
                                            : "running"}};
    if (!command.end) return result;
    result["status"] = command.end->status;
    result["status_text"] = status_text(static_cast<virtual_library::Status>(command.end->status));
    result["data_in"] = command.end->data_in;
    result["took_us"] = command.end->took_us;
    constexpr std::uint8_t check_condition = 0x02;
    if (command.end->status == check_condition) {
        result["sense"] = scsi::to_text(scsi::SenseData{
            .key = command.end->sense_key, .additional = command.end->additional_sense});
    }
    return result;
}

ControlAnswer trace(const json& params, const Running& running) {
    const auto invalid = [](const agent::core::Error& error) {
        return ControlError{ControlErrorCode::invalid_params, error.message};
    };
    if (auto known = check_known(params, {"id"}); !known) return invalid(known.error());
    const auto id = optional_number(params, "id", 1, INT64_MAX);
    if (!id) return invalid(id.error());
    if (!id->has_value()) return invalid({"id: is missing; session.list has it"});
    const auto commands = running.server->trace(static_cast<std::uint64_t>(**id));
    if (!commands) {
        return ControlError{ControlErrorCode::failed,
                            "there is no session " + std::to_string(**id)};
    }
    json result = json::array();
    for (const auto& command : *commands)
        result.push_back(command_json(command));
    return result;
}

}  // namespace

void add_session_methods(agent::runtime::ControlServer& control, const Running& running) {
    control.on("session.trace",
               [running](const json& params, const Caller&) { return trace(params, running); });
}

}  // namespace drive_iface::vtld
