#pragma once

// Every PDU of RFC 7143 11.3 to 11.19 as a value, both ways. Encoding and decoding exist for both
// directions, so that tests and fuzzers can play the initiator. The data segment travels beside the
// header (frame.hpp).

#include <array>
#include <cstdint>
#include <string>
#include <variant>

#include "drive_iface/iscsi/frame.hpp"

namespace drive_iface::iscsi {

inline constexpr std::uint32_t no_tag = 0xffffffff;  // "reserved" of task tags, RFC 7143 11.2.1.8

using Isid = std::array<std::uint8_t, 6>;

// Initiator to target.

struct NopOut {  // 11.18
    bool immediate = false;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = no_tag;
    std::uint32_t transfer_tag = no_tag;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    bool operator==(const NopOut&) const = default;
};

struct ScsiCommand {  // 11.3
    bool immediate = false;
    bool final = true;
    bool read = false;
    bool write = false;
    std::uint8_t attribute = 0;  // 11.3.1.1
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t expected_length = 0;  // Expected Data Transfer Length
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    std::array<std::uint8_t, 16> cdb{};
    bool operator==(const ScsiCommand&) const = default;
};

struct TaskManagementRequest {  // 11.5
    bool immediate = false;
    std::uint8_t function = 0;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t referenced_task_tag = no_tag;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    std::uint32_t ref_cmd_sn = 0;
    bool operator==(const TaskManagementRequest&) const = default;
};

enum class LoginStage : std::uint8_t {
    security = 0,
    operational = 1,
    reserved = 2,
    full_feature = 3
};

struct LoginRequest {  // 11.12; immediate by definition
    bool transit = false;
    bool continues = false;
    LoginStage current = LoginStage::security;
    LoginStage next = LoginStage::security;  // means something with `transit` only
    std::uint8_t version_max = 0;
    std::uint8_t version_min = 0;
    Isid isid{};
    std::uint16_t tsih = 0;
    std::uint32_t task_tag = 0;
    std::uint16_t cid = 0;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    bool operator==(const LoginRequest&) const = default;
};

struct TextRequest {  // 11.10
    bool immediate = false;
    bool final = true;
    bool continues = false;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t transfer_tag = no_tag;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    bool operator==(const TextRequest&) const = default;
};

struct DataOut {  // 11.7
    bool final = false;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t transfer_tag = no_tag;
    std::uint32_t exp_stat_sn = 0;
    std::uint32_t data_sn = 0;
    std::uint32_t offset = 0;
    bool operator==(const DataOut&) const = default;
};

struct LogoutRequest {  // 11.14
    bool immediate = false;
    std::uint8_t reason = 0;
    std::uint32_t task_tag = 0;
    std::uint16_t cid = 0;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    bool operator==(const LogoutRequest&) const = default;
};

struct SnackRequest {  // 11.16
    std::uint8_t type = 0;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = no_tag;
    std::uint32_t transfer_tag = no_tag;
    std::uint32_t exp_stat_sn = 0;
    std::uint32_t begin = 0;
    std::uint32_t length = 0;
    bool operator==(const SnackRequest&) const = default;
};

using InitiatorPdu = std::variant<NopOut, ScsiCommand, TaskManagementRequest, LoginRequest,
                                  TextRequest, DataOut, LogoutRequest, SnackRequest>;

// A header whose opcode this target does not know.
struct UnknownOpcode {
    std::uint8_t opcode = 0;
};

[[nodiscard]] std::variant<InitiatorPdu, UnknownOpcode> decode_initiator_pdu(
    const BasicHeader& header);
[[nodiscard]] BasicHeader encode(const InitiatorPdu& pdu);

// Target to initiator. Every one carries StatSN, ExpCmdSN and MaxCmdSN; R2T and Data-In without
// status carry a StatSN that means nothing or the next one (11.7.4, 11.8.4).

struct SequenceNumbers {
    std::uint32_t stat_sn = 0;
    std::uint32_t exp_cmd_sn = 0;
    std::uint32_t max_cmd_sn = 0;
    bool operator==(const SequenceNumbers&) const = default;
};

struct Residual {
    bool overflow = false;
    bool underflow = false;
    std::uint32_t count = 0;
    bool operator==(const Residual&) const = default;
};

struct NopIn {  // 11.19
    std::uint64_t lun = 0;
    std::uint32_t task_tag = no_tag;
    std::uint32_t transfer_tag = no_tag;
    SequenceNumbers sequence;
    bool operator==(const NopIn&) const = default;
};

struct ScsiResponse {  // 11.4
    Residual residual;
    std::uint8_t response = 0;  // 0: completed at target, 1: target failure
    std::uint8_t status = 0;
    std::uint32_t task_tag = 0;
    SequenceNumbers sequence;
    std::uint32_t exp_data_sn = 0;
    bool operator==(const ScsiResponse&) const = default;
};

struct TaskManagementResponse {  // 11.6
    std::uint8_t response = 0;
    std::uint32_t task_tag = 0;
    SequenceNumbers sequence;
    bool operator==(const TaskManagementResponse&) const = default;
};

struct LoginResponse {  // 11.13
    bool transit = false;
    bool continues = false;
    LoginStage current = LoginStage::security;
    LoginStage next = LoginStage::security;
    std::uint8_t version_max = 0;
    std::uint8_t version_active = 0;
    Isid isid{};
    std::uint16_t tsih = 0;
    std::uint32_t task_tag = 0;
    SequenceNumbers sequence;
    std::uint8_t status_class = 0;
    std::uint8_t status_detail = 0;
    bool operator==(const LoginResponse&) const = default;
};

struct TextResponse {  // 11.11
    bool final = true;
    bool continues = false;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t transfer_tag = no_tag;
    SequenceNumbers sequence;
    bool operator==(const TextResponse&) const = default;
};

struct DataIn {  // 11.7
    bool final = false;
    bool acknowledge = false;
    bool has_status = false;
    Residual residual;  // with status
    std::uint8_t status = 0;
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t transfer_tag = no_tag;
    SequenceNumbers sequence;
    std::uint32_t data_sn = 0;
    std::uint32_t offset = 0;
    bool operator==(const DataIn&) const = default;
};

struct LogoutResponse {  // 11.15
    std::uint8_t response = 0;
    std::uint32_t task_tag = 0;
    SequenceNumbers sequence;
    std::uint16_t time_to_wait_s = 0;
    std::uint16_t time_to_retain_s = 0;
    bool operator==(const LogoutResponse&) const = default;
};

struct ReadyToTransfer {  // 11.8
    std::uint64_t lun = 0;
    std::uint32_t task_tag = 0;
    std::uint32_t transfer_tag = 0;
    SequenceNumbers sequence;
    std::uint32_t r2t_sn = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    bool operator==(const ReadyToTransfer&) const = default;
};

struct AsyncMessage {  // 11.9
    std::uint64_t lun = 0;
    SequenceNumbers sequence;
    std::uint8_t event = 0;
    std::uint8_t vendor_code = 0;
    std::uint16_t parameter_1 = 0;
    std::uint16_t parameter_2 = 0;
    std::uint16_t parameter_3 = 0;
    bool operator==(const AsyncMessage&) const = default;
};

enum class RejectReason : std::uint8_t {  // 11.17.1
    data_digest_error = 0x02,
    snack_reject = 0x03,
    protocol_error = 0x04,
    command_not_supported = 0x05,
    too_many_immediate_commands = 0x06,
    task_in_progress = 0x07,
    invalid_data_ack = 0x08,
    invalid_pdu_field = 0x09,
    long_operation = 0x0a,
    waiting_for_logout = 0x0c,
};

struct Reject {  // 11.17; its data segment is the header that was refused
    RejectReason reason = RejectReason::protocol_error;
    SequenceNumbers sequence;
    std::uint32_t data_sn = 0;
    bool operator==(const Reject&) const = default;
};

using TargetPdu =
    std::variant<NopIn, ScsiResponse, TaskManagementResponse, LoginResponse, TextResponse, DataIn,
                 LogoutResponse, ReadyToTransfer, AsyncMessage, Reject>;

[[nodiscard]] std::variant<TargetPdu, UnknownOpcode> decode_target_pdu(const BasicHeader& header);
[[nodiscard]] BasicHeader encode(const TargetPdu& pdu);

// The sequence numbers of a target's PDU, to be filled in as it goes out.
[[nodiscard]] SequenceNumbers& sequence_of(TargetPdu& pdu);

// 12 lower-case hex digits, as agent::core::InitiatorPort has it.
[[nodiscard]] std::string to_text(const Isid& isid);

}  // namespace drive_iface::iscsi
