#include <algorithm>

#include "drive_iface/iscsi/header_fields.hpp"
#include "drive_iface/iscsi/pdu.hpp"

namespace drive_iface::iscsi {

namespace {

// RFC 7143 11.2.1.2, target opcodes.
enum class Opcode : std::uint8_t {
    nop_in = 0x20,
    scsi_response = 0x21,
    task_management = 0x22,
    login = 0x23,
    text = 0x24,
    data_in = 0x25,
    logout = 0x26,
    ready_to_transfer = 0x31,
    async_message = 0x32,
    reject = 0x3f,
};

constexpr std::uint8_t final_flag = 0x80;     // F, or T in Login
constexpr std::uint8_t continue_flag = 0x40;  // C, or A in Data-In
constexpr std::uint8_t overflow_flag = 0x04;
constexpr std::uint8_t underflow_flag = 0x02;
constexpr std::uint8_t status_flag = 0x01;

LoginStage stage(std::uint8_t bits) {
    return static_cast<LoginStage>(bits & 0x03U);
}

SequenceNumbers numbers(const BasicHeader& h) {
    return {.stat_sn = u32(h, 24), .exp_cmd_sn = u32(h, 28), .max_cmd_sn = u32(h, 32)};
}

Residual residual(const BasicHeader& h) {
    return {.overflow = bit(h, 1, overflow_flag),
            .underflow = bit(h, 1, underflow_flag),
            .count = u32(h, 44)};
}

NopIn nop_in(const BasicHeader& h) {
    return {.lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .sequence = numbers(h)};
}

ScsiResponse scsi_response(const BasicHeader& h) {
    return {.residual = residual(h),
            .response = u8(h, 2),
            .status = u8(h, 3),
            .task_tag = u32(h, 16),
            .sequence = numbers(h),
            .exp_data_sn = u32(h, 36)};
}

TaskManagementResponse task_management(const BasicHeader& h) {
    return {.response = u8(h, 2), .task_tag = u32(h, 16), .sequence = numbers(h)};
}

LoginResponse login(const BasicHeader& h) {
    LoginResponse pdu{.transit = bit(h, 1, final_flag),
                      .continues = bit(h, 1, continue_flag),
                      .current = stage(static_cast<std::uint8_t>(u8(h, 1) >> 2)),
                      .next = stage(u8(h, 1)),
                      .version_max = u8(h, 2),
                      .version_active = u8(h, 3),
                      .tsih = u16(h, 14),
                      .task_tag = u32(h, 16),
                      .sequence = numbers(h),
                      .status_class = u8(h, 36),
                      .status_detail = u8(h, 37)};
    std::copy_n(h.begin() + 8, pdu.isid.size(), pdu.isid.begin());
    return pdu;
}

TextResponse text(const BasicHeader& h) {
    return {.final = bit(h, 1, final_flag),
            .continues = bit(h, 1, continue_flag),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .sequence = numbers(h)};
}

DataIn data_in(const BasicHeader& h) {
    return {.final = bit(h, 1, final_flag),
            .acknowledge = bit(h, 1, continue_flag),
            .has_status = bit(h, 1, status_flag),
            .residual = residual(h),
            .status = u8(h, 3),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .sequence = numbers(h),
            .data_sn = u32(h, 36),
            .offset = u32(h, 40)};
}

LogoutResponse logout(const BasicHeader& h) {
    return {.response = u8(h, 2),
            .task_tag = u32(h, 16),
            .sequence = numbers(h),
            .time_to_wait_s = u16(h, 40),
            .time_to_retain_s = u16(h, 42)};
}

ReadyToTransfer ready_to_transfer(const BasicHeader& h) {
    return {.lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .sequence = numbers(h),
            .r2t_sn = u32(h, 36),
            .offset = u32(h, 40),
            .length = u32(h, 44)};
}

AsyncMessage async_message(const BasicHeader& h) {
    return {.lun = u64(h, 8),
            .sequence = numbers(h),
            .event = u8(h, 36),
            .vendor_code = u8(h, 37),
            .parameter_1 = u16(h, 38),
            .parameter_2 = u16(h, 40),
            .parameter_3 = u16(h, 42)};
}

Reject reject(const BasicHeader& h) {
    return {.reason = static_cast<RejectReason>(u8(h, 2)),
            .sequence = numbers(h),
            .data_sn = u32(h, 36)};
}

void put(BasicHeader& h, Opcode opcode, std::uint8_t flags, const SequenceNumbers& sequence) {
    h[0] = static_cast<std::uint8_t>(opcode);
    h[1] = flags;
    write_field(h, 24, 4, sequence.stat_sn);
    write_field(h, 28, 4, sequence.exp_cmd_sn);
    write_field(h, 32, 4, sequence.max_cmd_sn);
}

std::uint8_t flags_of(const Residual& residual) {
    return static_cast<std::uint8_t>(flag(residual.overflow, overflow_flag) |
                                     flag(residual.underflow, underflow_flag));
}

struct Encoder {
    BasicHeader& h;

    void operator()(const NopIn& pdu) const {
        put(h, Opcode::nop_in, final_flag, pdu.sequence);
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
    }
    void operator()(const ScsiResponse& pdu) const {
        put(h, Opcode::scsi_response,
            static_cast<std::uint8_t>(final_flag | flags_of(pdu.residual)), pdu.sequence);
        h[2] = pdu.response;
        h[3] = pdu.status;
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 36, 4, pdu.exp_data_sn);
        write_field(h, 44, 4, pdu.residual.count);
    }
    void operator()(const TaskManagementResponse& pdu) const {
        put(h, Opcode::task_management, final_flag, pdu.sequence);
        h[2] = pdu.response;
        write_field(h, 16, 4, pdu.task_tag);
    }
    void operator()(const LoginResponse& pdu) const {
        put(h, Opcode::login,
            static_cast<std::uint8_t>(
                flag(pdu.transit, final_flag) | flag(pdu.continues, continue_flag) |
                (static_cast<unsigned>(pdu.current) << 2) | static_cast<unsigned>(pdu.next)),
            pdu.sequence);
        h[2] = pdu.version_max;
        h[3] = pdu.version_active;
        std::copy(pdu.isid.begin(), pdu.isid.end(), h.begin() + 8);
        write_field(h, 14, 2, pdu.tsih);
        write_field(h, 16, 4, pdu.task_tag);
        h[36] = pdu.status_class;
        h[37] = pdu.status_detail;
    }
    void operator()(const TextResponse& pdu) const {
        put(h, Opcode::text,
            static_cast<std::uint8_t>(flag(pdu.final, final_flag) |
                                      flag(pdu.continues, continue_flag)),
            pdu.sequence);
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
    }
    void operator()(const DataIn& pdu) const {
        put(h, Opcode::data_in,
            static_cast<std::uint8_t>(flag(pdu.final, final_flag) |
                                      flag(pdu.acknowledge, continue_flag) |
                                      flags_of(pdu.residual) | flag(pdu.has_status, status_flag)),
            pdu.sequence);
        h[3] = pdu.status;
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        write_field(h, 36, 4, pdu.data_sn);
        write_field(h, 40, 4, pdu.offset);
        write_field(h, 44, 4, pdu.residual.count);
    }
    void operator()(const LogoutResponse& pdu) const {
        put(h, Opcode::logout, final_flag, pdu.sequence);
        h[2] = pdu.response;
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 40, 2, pdu.time_to_wait_s);
        write_field(h, 42, 2, pdu.time_to_retain_s);
    }
    void operator()(const ReadyToTransfer& pdu) const {
        put(h, Opcode::ready_to_transfer, final_flag, pdu.sequence);
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        write_field(h, 36, 4, pdu.r2t_sn);
        write_field(h, 40, 4, pdu.offset);
        write_field(h, 44, 4, pdu.length);
    }
    void operator()(const AsyncMessage& pdu) const {
        put(h, Opcode::async_message, final_flag, pdu.sequence);
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, no_tag);  // 11.9: these four bytes are all ones
        h[36] = pdu.event;
        h[37] = pdu.vendor_code;
        write_field(h, 38, 2, pdu.parameter_1);
        write_field(h, 40, 2, pdu.parameter_2);
        write_field(h, 42, 2, pdu.parameter_3);
    }
    void operator()(const Reject& pdu) const {
        put(h, Opcode::reject, final_flag, pdu.sequence);
        h[2] = static_cast<std::uint8_t>(pdu.reason);
        write_field(h, 16, 4, no_tag);  // 11.17: all ones
        write_field(h, 36, 4, pdu.data_sn);
    }
};

}  // namespace

std::variant<TargetPdu, UnknownOpcode> decode_target_pdu(const BasicHeader& header) {
    const auto opcode = static_cast<std::uint8_t>(header[0] & 0x3fU);
    switch (static_cast<Opcode>(opcode)) {
        case Opcode::nop_in:
            return TargetPdu{nop_in(header)};
        case Opcode::scsi_response:
            return TargetPdu{scsi_response(header)};
        case Opcode::task_management:
            return TargetPdu{task_management(header)};
        case Opcode::login:
            return TargetPdu{login(header)};
        case Opcode::text:
            return TargetPdu{text(header)};
        case Opcode::data_in:
            return TargetPdu{data_in(header)};
        case Opcode::logout:
            return TargetPdu{logout(header)};
        case Opcode::ready_to_transfer:
            return TargetPdu{ready_to_transfer(header)};
        case Opcode::async_message:
            return TargetPdu{async_message(header)};
        case Opcode::reject:
            return TargetPdu{reject(header)};
    }
    return UnknownOpcode{opcode};
}

BasicHeader encode(const TargetPdu& pdu) {
    BasicHeader header{};
    std::visit(Encoder{header}, pdu);
    return header;
}

SequenceNumbers& sequence_of(TargetPdu& pdu) {
    return std::visit([](auto& any) -> SequenceNumbers& { return any.sequence; }, pdu);
}

}  // namespace drive_iface::iscsi
