#include "drive_iface/iscsi/pdu.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::iscsi;

namespace {

void same_after_round_trip(const InitiatorPdu& pdu) {
    const auto decoded = decode_initiator_pdu(encode(pdu));
    REQUIRE(std::holds_alternative<InitiatorPdu>(decoded));
    CHECK(std::get<InitiatorPdu>(decoded) == pdu);
}

void same_after_round_trip(const TargetPdu& pdu) {
    const auto decoded = decode_target_pdu(encode(pdu));
    REQUIRE(std::holds_alternative<TargetPdu>(decoded));
    CHECK(std::get<TargetPdu>(decoded) == pdu);
}

constexpr SequenceNumbers numbers{
    .stat_sn = 0x01020304, .exp_cmd_sn = 0x05060708, .max_cmd_sn = 0x090a0b0c};
constexpr std::uint64_t lun = 0x0001020304050607;

}  // namespace

TEST_CASE("every PDU of the initiator is itself after encoding and decoding") {
    same_after_round_trip(InitiatorPdu{NopOut{true, lun, 2, 3, 4, 5}});
    same_after_round_trip(
        InitiatorPdu{ScsiCommand{true, false, true, true, 5, lun, 2, 3, 4, 5, {1, 2, 3, 16}}});
    same_after_round_trip(InitiatorPdu{TaskManagementRequest{true, 5, lun, 2, 3, 4, 5, 6}});
    same_after_round_trip(InitiatorPdu{LoginRequest{true,
                                                    true,
                                                    LoginStage::operational,
                                                    LoginStage::full_feature,
                                                    1,
                                                    0,
                                                    {1, 2, 3, 4, 5, 6},
                                                    7,
                                                    8,
                                                    9,
                                                    10,
                                                    11}});
    same_after_round_trip(InitiatorPdu{TextRequest{true, true, true, lun, 2, 3, 4, 5}});
    same_after_round_trip(InitiatorPdu{DataOut{true, lun, 2, 3, 4, 5, 6}});
    same_after_round_trip(InitiatorPdu{LogoutRequest{true, 2, 3, 4, 5, 6}});
    same_after_round_trip(InitiatorPdu{SnackRequest{3, lun, 2, 3, 4, 5, 6}});
}

TEST_CASE("every PDU of the target is itself after encoding and decoding") {
    same_after_round_trip(TargetPdu{NopIn{lun, 2, 3, numbers}});
    same_after_round_trip(TargetPdu{ScsiResponse{{true, false, 9}, 1, 2, 3, numbers, 4}});
    same_after_round_trip(TargetPdu{TaskManagementResponse{5, 6, numbers}});
    same_after_round_trip(TargetPdu{LoginResponse{true,
                                                  true,
                                                  LoginStage::security,
                                                  LoginStage::operational,
                                                  0,
                                                  0,
                                                  {1, 2, 3, 4, 5, 6},
                                                  7,
                                                  8,
                                                  numbers,
                                                  2,
                                                  3}});
    same_after_round_trip(TargetPdu{TextResponse{false, true, lun, 2, 3, numbers}});
    same_after_round_trip(
        TargetPdu{DataIn{true, true, true, {false, true, 7}, 2, lun, 3, 4, numbers, 5, 6}});
    same_after_round_trip(TargetPdu{LogoutResponse{2, 3, numbers, 4, 5}});
    same_after_round_trip(TargetPdu{ReadyToTransfer{lun, 2, 3, numbers, 4, 5, 6}});
    same_after_round_trip(TargetPdu{AsyncMessage{lun, numbers, 1, 2, 3, 4, 5}});
    same_after_round_trip(TargetPdu{Reject{RejectReason::snack_reject, numbers, 4}});
}

TEST_CASE("a SCSI Command of libiscsi is read as it was meant") {
    // INQUIRY for 36 bytes, F and R set, ITT 2, EDTL 36, CmdSN 1, ExpStatSN 3.
    BasicHeader header{};
    header[0] = 0x01;
    header[1] = 0xc1;
    header[19] = 0x02;
    header[23] = 0x24;
    header[27] = 0x01;
    header[31] = 0x03;
    header[32] = 0x12;
    header[36] = 0x24;
    const auto decoded = decode_initiator_pdu(header);
    const auto& command = std::get<ScsiCommand>(std::get<InitiatorPdu>(decoded));
    CHECK(command.final);
    CHECK(command.read);
    CHECK_FALSE(command.write);
    CHECK_FALSE(command.immediate);
    CHECK(command.attribute == 1);
    CHECK(command.task_tag == 2);
    CHECK(command.expected_length == 36);
    CHECK(command.cmd_sn == 1);
    CHECK(command.exp_stat_sn == 3);
    CHECK(command.cdb[0] == 0x12);
    CHECK(command.cdb[4] == 0x24);
}

TEST_CASE("an opcode nobody knows is said so") {
    BasicHeader header{};
    header[0] = 0x1c;
    CHECK(std::get<UnknownOpcode>(decode_initiator_pdu(header)).opcode == 0x1c);
    CHECK(std::get<UnknownOpcode>(decode_target_pdu(header)).opcode == 0x1c);
}
