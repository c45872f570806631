#include <algorithm>

#include "drive_iface/iscsi/header_fields.hpp"
#include "drive_iface/iscsi/pdu.hpp"

namespace drive_iface::iscsi {

namespace {

// RFC 7143 11.2.1.2, initiator opcodes.
enum class Opcode : std::uint8_t {
    nop_out = 0x00,
    scsi_command = 0x01,
    task_management = 0x02,
    login = 0x03,
    text = 0x04,
    data_out = 0x05,
    logout = 0x06,
    snack = 0x10,
};

constexpr std::uint8_t opcode_mask = 0x3f;
constexpr std::uint8_t immediate_bit = 0x40;
constexpr std::uint8_t first_flag = 0x80;   // F, or T in Login
constexpr std::uint8_t second_flag = 0x40;  // C, or R in SCSI Command
constexpr std::uint8_t write_flag = 0x20;

LoginStage stage(std::uint8_t bits) {
    return static_cast<LoginStage>(bits & 0x03U);
}

NopOut nop_out(const BasicHeader& h) {
    return {.immediate = bit(h, 0, immediate_bit),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .cmd_sn = u32(h, 24),
            .exp_stat_sn = u32(h, 28)};
}

ScsiCommand scsi_command(const BasicHeader& h) {
    ScsiCommand pdu{.immediate = bit(h, 0, immediate_bit),
                    .final = bit(h, 1, first_flag),
                    .read = bit(h, 1, second_flag),
                    .write = bit(h, 1, write_flag),
                    .attribute = static_cast<std::uint8_t>(u8(h, 1) & 0x07U),
                    .lun = u64(h, 8),
                    .task_tag = u32(h, 16),
                    .expected_length = u32(h, 20),
                    .cmd_sn = u32(h, 24),
                    .exp_stat_sn = u32(h, 28)};
    std::copy_n(h.begin() + 32, pdu.cdb.size(), pdu.cdb.begin());
    return pdu;
}

TaskManagementRequest task_management(const BasicHeader& h) {
    return {.immediate = bit(h, 0, immediate_bit),
            .function = static_cast<std::uint8_t>(u8(h, 1) & 0x7fU),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .referenced_task_tag = u32(h, 20),
            .cmd_sn = u32(h, 24),
            .exp_stat_sn = u32(h, 28),
            .ref_cmd_sn = u32(h, 32)};
}

LoginRequest login(const BasicHeader& h) {
    LoginRequest pdu{.transit = bit(h, 1, first_flag),
                     .continues = bit(h, 1, second_flag),
                     .current = stage(static_cast<std::uint8_t>(u8(h, 1) >> 2)),
                     .next = stage(u8(h, 1)),
                     .version_max = u8(h, 2),
                     .version_min = u8(h, 3),
                     .tsih = u16(h, 14),
                     .task_tag = u32(h, 16),
                     .cid = u16(h, 20),
                     .cmd_sn = u32(h, 24),
                     .exp_stat_sn = u32(h, 28)};
    std::copy_n(h.begin() + 8, pdu.isid.size(), pdu.isid.begin());
    return pdu;
}

TextRequest text(const BasicHeader& h) {
    return {.immediate = bit(h, 0, immediate_bit),
            .final = bit(h, 1, first_flag),
            .continues = bit(h, 1, second_flag),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .cmd_sn = u32(h, 24),
            .exp_stat_sn = u32(h, 28)};
}

DataOut data_out(const BasicHeader& h) {
    return {.final = bit(h, 1, first_flag),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .exp_stat_sn = u32(h, 28),
            .data_sn = u32(h, 36),
            .offset = u32(h, 40)};
}

LogoutRequest logout(const BasicHeader& h) {
    return {.immediate = bit(h, 0, immediate_bit),
            .reason = static_cast<std::uint8_t>(u8(h, 1) & 0x7fU),
            .task_tag = u32(h, 16),
            .cid = u16(h, 20),
            .cmd_sn = u32(h, 24),
            .exp_stat_sn = u32(h, 28)};
}

SnackRequest snack(const BasicHeader& h) {
    return {.type = static_cast<std::uint8_t>(u8(h, 1) & 0x0fU),
            .lun = u64(h, 8),
            .task_tag = u32(h, 16),
            .transfer_tag = u32(h, 20),
            .exp_stat_sn = u32(h, 28),
            .begin = u32(h, 40),
            .length = u32(h, 44)};
}

void put(BasicHeader& h, Opcode opcode, bool immediate, std::uint8_t flags) {
    h[0] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(opcode) |
                                     flag(immediate, immediate_bit));
    h[1] = flags;
}

void put_numbers(BasicHeader& h, std::uint32_t cmd_sn, std::uint32_t exp_stat_sn) {
    write_field(h, 24, 4, cmd_sn);
    write_field(h, 28, 4, exp_stat_sn);
}

struct Encoder {
    BasicHeader& h;

    void operator()(const NopOut& pdu) const {
        put(h, Opcode::nop_out, pdu.immediate, first_flag);
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
    }
    void operator()(const ScsiCommand& pdu) const {
        put(h, Opcode::scsi_command, pdu.immediate,
            static_cast<std::uint8_t>(flag(pdu.final, first_flag) | flag(pdu.read, second_flag) |
                                      flag(pdu.write, write_flag) | (pdu.attribute & 0x07U)));
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.expected_length);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
        std::copy(pdu.cdb.begin(), pdu.cdb.end(), h.begin() + 32);
    }
    void operator()(const TaskManagementRequest& pdu) const {
        put(h, Opcode::task_management, pdu.immediate,
            static_cast<std::uint8_t>(first_flag | (pdu.function & 0x7fU)));
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.referenced_task_tag);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
        write_field(h, 32, 4, pdu.ref_cmd_sn);
    }
    void operator()(const LoginRequest& pdu) const {
        put(h, Opcode::login, true,
            static_cast<std::uint8_t>(
                flag(pdu.transit, first_flag) | flag(pdu.continues, second_flag) |
                (static_cast<unsigned>(pdu.current) << 2) | static_cast<unsigned>(pdu.next)));
        h[2] = pdu.version_max;
        h[3] = pdu.version_min;
        std::copy(pdu.isid.begin(), pdu.isid.end(), h.begin() + 8);
        write_field(h, 14, 2, pdu.tsih);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 2, pdu.cid);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
    }
    void operator()(const TextRequest& pdu) const {
        put(h, Opcode::text, pdu.immediate,
            static_cast<std::uint8_t>(flag(pdu.final, first_flag) |
                                      flag(pdu.continues, second_flag)));
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
    }
    void operator()(const DataOut& pdu) const {
        put(h, Opcode::data_out, false, flag(pdu.final, first_flag));
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        write_field(h, 28, 4, pdu.exp_stat_sn);
        write_field(h, 36, 4, pdu.data_sn);
        write_field(h, 40, 4, pdu.offset);
    }
    void operator()(const LogoutRequest& pdu) const {
        put(h, Opcode::logout, pdu.immediate,
            static_cast<std::uint8_t>(first_flag | (pdu.reason & 0x7fU)));
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 2, pdu.cid);
        put_numbers(h, pdu.cmd_sn, pdu.exp_stat_sn);
    }
    void operator()(const SnackRequest& pdu) const {
        put(h, Opcode::snack, false, static_cast<std::uint8_t>(first_flag | (pdu.type & 0x0fU)));
        write_field(h, 8, 8, pdu.lun);
        write_field(h, 16, 4, pdu.task_tag);
        write_field(h, 20, 4, pdu.transfer_tag);
        write_field(h, 28, 4, pdu.exp_stat_sn);
        write_field(h, 40, 4, pdu.begin);
        write_field(h, 44, 4, pdu.length);
    }
};

}  // namespace

std::variant<InitiatorPdu, UnknownOpcode> decode_initiator_pdu(const BasicHeader& header) {
    const auto opcode = static_cast<std::uint8_t>(header[0] & opcode_mask);
    switch (static_cast<Opcode>(opcode)) {
        case Opcode::nop_out:
            return InitiatorPdu{nop_out(header)};
        case Opcode::scsi_command:
            return InitiatorPdu{scsi_command(header)};
        case Opcode::task_management:
            return InitiatorPdu{task_management(header)};
        case Opcode::login:
            return InitiatorPdu{login(header)};
        case Opcode::text:
            return InitiatorPdu{text(header)};
        case Opcode::data_out:
            return InitiatorPdu{data_out(header)};
        case Opcode::logout:
            return InitiatorPdu{logout(header)};
        case Opcode::snack:
            return InitiatorPdu{snack(header)};
    }
    return UnknownOpcode{opcode};
}

BasicHeader encode(const InitiatorPdu& pdu) {
    BasicHeader header{};
    std::visit(Encoder{header}, pdu);
    return header;
}

std::string to_text(const Isid& isid) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const auto byte : isid) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0fU];
    }
    return text;
}

}  // namespace drive_iface::iscsi
