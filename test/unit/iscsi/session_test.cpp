#include "drive_iface/iscsi/session.hpp"

#include "test/unit/iscsi/initiator.hpp"

using namespace iscsi_test;

namespace {

constexpr Status check_condition = Status::check_condition;

Bytes sense_of(const Bytes& segment) {
    REQUIRE(segment.size() > 2);
    CHECK(segment.size() == 2U + (segment[0] * 256U + segment[1]));
    return {segment.begin() + 2, segment.end()};
}

void check_sense(const Bytes& segment, std::uint8_t key, std::uint8_t asc, std::uint8_t ascq) {
    const auto sense = sense_of(segment);
    REQUIRE(sense.size() >= 14);
    CHECK(sense[2] == key);
    CHECK(sense[12] == asc);
    CHECK(sense[13] == ascq);
}

TaskManagementRequest function(std::uint8_t code, std::uint32_t referenced = no_tag) {
    return {.immediate = true, .function = code, .task_tag = 77, .referenced_task_tag = referenced};
}

}  // namespace

TEST_CASE("a command without data is answered with its status") {
    Initiator one;
    one.log_in();
    const auto response = one.one<ScsiResponse>(one.command(0x00));
    CHECK(response.status == 0);
    CHECK(response.response == 0);
    CHECK(response.task_tag == one.task_tag);
    CHECK_FALSE(response.residual.underflow);
    CHECK(response.sequence.exp_cmd_sn == one.cmd_sn);
    CHECK(response.sequence.max_cmd_sn == one.cmd_sn + 63);
    const auto next = one.one<ScsiResponse>(one.command(0x00));
    CHECK(next.sequence.stat_sn == response.sequence.stat_sn + 1);
}

TEST_CASE("data-in comes in segments the initiator can take, status with the last") {
    Initiator one;
    one.log_in({{"MaxRecvDataSegmentLength", "512"}, {"MaxBurstLength", "1024"}});
    one.host.reply.data_in = Bytes(1500, 7);
    const auto all = one.send(one.read_command(1500));
    REQUIRE(all.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto& pdu = std::get<DataIn>(all[i].pdu);
        CHECK(pdu.data_sn == i);
        CHECK(pdu.offset == 512 * i);
        CHECK(pdu.has_status == (i == 2));
        CHECK(pdu.final == (i >= 1));  // at 1024, where a burst ends, and at the end
    }
    CHECK(all[2].data.size() == 476);
}

TEST_CASE("residuals say how much more or less there was") {
    Initiator one;
    one.log_in();
    one.host.reply.data_in = Bytes(100, 7);
    SECTION("underflow") {
        const auto pdu = one.one<DataIn>(one.read_command(300));
        CHECK(pdu.residual == Residual{false, true, 200});
        CHECK(one.last_data.size() == 100);
    }
    SECTION("overflow") {
        const auto pdu = one.one<DataIn>(one.read_command(60));
        CHECK(pdu.residual == Residual{true, false, 40});
        CHECK(one.last_data.size() == 60);
    }
    SECTION("nothing expected: all of it is overflow and nothing is sent") {
        const auto pdu = one.one<ScsiResponse>(one.read_command(0));
        CHECK(pdu.status == 0);
        CHECK(pdu.residual == Residual{true, false, 100});
    }
    SECTION("no data at all") {
        one.host.reply.data_in.clear();
        const auto pdu = one.one<ScsiResponse>(one.read_command(36));
        CHECK(pdu.residual == Residual{false, true, 36});
    }
    SECTION("a write that expects more than the command takes") {
        one.host.takes = 24;
        one.host.reply.data_in.clear();
        const auto pdu = one.one<ScsiResponse>(one.write_command(40), Bytes(40, 1));
        CHECK(pdu.residual == Residual{false, true, 16});
        CHECK(one.host.data_out.size() == 24);
    }
    SECTION("a write that expects less") {
        one.host.takes = 24;
        one.host.reply.data_in.clear();
        const auto pdu = one.one<ScsiResponse>(one.write_command(0));
        CHECK(pdu.residual == Residual{true, false, 24});
        CHECK(one.host.data_out.empty());
    }
}

TEST_CASE("sense data travels in a response of its own, behind its length") {
    Initiator one;
    one.log_in();
    one.host.reply = {.status = check_condition, .data_in = Bytes(4, 1), .sense = {0x70, 0, 5}};
    const auto all = one.send(one.read_command(4));
    REQUIRE(all.size() == 2);
    CHECK_FALSE(std::get<DataIn>(all[0].pdu).has_status);
    const auto& response = std::get<ScsiResponse>(all[1].pdu);
    CHECK(response.status == 2);
    CHECK(response.exp_data_sn == 1);
    CHECK(sense_of(all[1].data) == Bytes{0x70, 0, 5});
}

TEST_CASE("data-out is asked for by R2T and reaches the drive whole") {
    Initiator one;
    one.log_in({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
    one.host.takes = 24;
    const auto r2t = one.one<ReadyToTransfer>(one.write_command(24));
    CHECK(r2t.length == 24);
    CHECK(r2t.task_tag == one.task_tag);
    CHECK(one.host.executed.empty());
    const auto done = one.one<ScsiResponse>(
        DataOut{.final = true, .task_tag = one.task_tag, .transfer_tag = r2t.transfer_tag},
        Bytes(24, 3));
    CHECK(done.status == 0);
    CHECK(done.exp_data_sn == 1);
    CHECK(one.host.data_out == Bytes(24, 3));
}

TEST_CASE("a wrong DataSN ends the command with 0Bh 47h/05h and the session goes on") {
    Initiator one;
    one.log_in({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
    one.host.takes = 24;
    const auto r2t = one.one<ReadyToTransfer>(one.write_command(24));
    DataOut data{
        .final = true, .task_tag = one.task_tag, .transfer_tag = r2t.transfer_tag, .data_sn = 27};
    const auto failed = one.one<ScsiResponse>(data, Bytes(24, 3));
    CHECK(failed.status == 2);
    check_sense(one.last_data, 0x0b, 0x47, 0x05);
    CHECK(one.host.executed.empty());
    data.data_sn = 0;
    CHECK(one.send(data, Bytes(24, 3)).empty());  // the rest of what was given up
    CHECK_FALSE(one.connection.close_reason());
    CHECK(one.one<ScsiResponse>(one.command(0x00)).status == 0);
}

TEST_CASE("commands outside the window are ignored") {
    Initiator one;
    one.log_in();
    for (const auto off : {-1, 1, 64, 1000}) {
        auto pdu = one.command(0x00);
        --one.cmd_sn;
        pdu.cmd_sn = one.cmd_sn + static_cast<std::uint32_t>(off);
        CHECK(one.send(pdu).empty());
    }
    CHECK(one.one<ScsiResponse>(one.command(0x00)).status == 0);
    CHECK(one.host.executed.size() == 1);
}

TEST_CASE("the window shuts when it is full and a stalled command stalls nothing but commands") {
    Initiator one;
    one.log_in();
    one.host.stalls = true;
    for (int i = 0; i < 64; ++i)
        CHECK(one.send(one.command(0x00)).empty());
    CHECK(one.host.executed.size() == 1);  // one after the other
    const auto pong = one.one<NopIn>(NopOut{.immediate = true, .task_tag = 5}, Bytes{1, 2, 3});
    CHECK(one.last_data == Bytes{1, 2, 3});
    CHECK(pong.sequence.max_cmd_sn + 1 == pong.sequence.exp_cmd_sn);
    CHECK(one.send(one.command(0x00)).empty());
    --one.cmd_sn;
    one.host.stalls = false;
    one.connection.complete(one.host.executed.front(), {});
    CHECK(one.answers().size() == 64);
    CHECK(one.one<ScsiResponse>(one.command(0x00)).status == 0);
}

TEST_CASE("an initiator that does not read is not served on") {
    Initiator one;
    one.log_in({{"MaxRecvDataSegmentLength", "262144"}});
    one.host.reply.data_in = Bytes(output_max, 1);
    Bytes stream;
    for (int i = 0; i < 3; ++i)
        append_frame(stream, encode(InitiatorPdu{one.read_command(output_max)}), {}, {});
    one.connection.receive(stream);
    CHECK(one.host.executed.size() == 1);
    CHECK(one.connection.output().size() > output_max);
    one.connection.sent(one.connection.output().size() - output_max);
    CHECK(one.host.executed.size() == 2);
    one.connection.sent(one.connection.output().size());
    CHECK(one.host.executed.size() == 3);
}

TEST_CASE("data-out by R2T goes straight into the command's buffer") {
    Initiator one;
    one.log_in({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
    one.host.takes = 300'000;
    const auto first = one.one<ReadyToTransfer>(one.write_command(300'000));
    REQUIRE(first.length == 262'144);
    const auto second = one.one<ReadyToTransfer>(
        DataOut{.final = true, .task_tag = one.task_tag, .transfer_tag = first.transfer_tag},
        Bytes(262'144, 3));
    CHECK(second.offset == 262'144);
    CHECK(one.one<ScsiResponse>(DataOut{.final = true,
                                        .task_tag = one.task_tag,
                                        .transfer_tag = second.transfer_tag,
                                        .offset = second.offset},
                                Bytes(37'856, 4))
              .status == 0);
    REQUIRE(one.host.data_out.size() == 300'000);
    CHECK(one.host.data_out[262'143] == 3);
    CHECK(one.host.data_out[262'144] == 4);
}

TEST_CASE("a write that waits for its medium is not asked for its data again") {
    Initiator one;
    one.log_in();
    one.host.takes = 24;
    one.host.stalls = true;
    CHECK(one.send(one.write_command(24), Bytes(24, 3)).empty());
    CHECK(one.host.data_out == Bytes(24, 3));
    one.one<NopIn>(NopOut{.immediate = true, .task_tag = 5});  // and nothing else
    one.connection.complete(one.host.executed.front(), {});
    CHECK(one.answers().size() == 1);
}

TEST_CASE("an immediate command takes no CmdSN") {
    Initiator one;
    one.log_in();
    auto pdu = one.command(0x00);
    --one.cmd_sn;
    pdu.immediate = true;
    CHECK(one.one<ScsiResponse>(pdu).sequence.exp_cmd_sn == one.cmd_sn);
}

TEST_CASE("a task tag in use is refused") {
    Initiator one;
    one.log_in();
    one.host.stalls = true;
    CHECK(one.send(one.command(0x00)).empty());
    auto again = one.command(0x00);
    again.task_tag = one.task_tag - 1;
    CHECK(one.one<Reject>(again).reason == RejectReason::task_in_progress);
}

TEST_CASE("a bidirectional command is refused as the drive would") {
    Initiator one;
    one.log_in();
    auto pdu = one.command(0x00, 4);
    pdu.read = true;
    pdu.write = true;
    CHECK(one.one<ScsiResponse>(pdu).status == 2);
    check_sense(one.last_data, 0x05, 0x24, 0x00);
}

TEST_CASE("task management functions") {
    Initiator one;
    one.log_in();
    SECTION("ABORT TASK of one that runs: no response to the task, and the host knows") {
        one.host.stalls = true;
        CHECK(one.send(one.command(0x00)).empty());
        CHECK(one.one<TaskManagementResponse>(function(1, one.task_tag)).response == 0);
        CHECK(one.host.abandoned == one.host.executed);
        one.connection.complete(one.host.executed.front(), {});
        CHECK(one.answers().empty());
    }
    SECTION("ABORT TASK of one that is not there") {
        CHECK(one.one<TaskManagementResponse>(function(1, 4711)).response == 1);
    }
    SECTION("LOGICAL UNIT RESET") {
        one.host.stalls = true;
        CHECK(one.send(one.command(0x00)).empty());
        CHECK(one.one<TaskManagementResponse>(function(5)).response == 0);
        CHECK(one.host.managed == std::vector{TaskManagement::logical_unit_reset});
        CHECK(one.host.abandoned.size() == 1);
    }
    SECTION("a logical unit that is not there") {
        auto pdu = function(5);
        pdu.lun = 0x0001000000000000;
        CHECK(one.one<TaskManagementResponse>(pdu).response == 2);
        CHECK(one.host.managed.empty());
    }
    SECTION("one that the drive does not support") {
        one.host.manages = false;
        CHECK(one.one<TaskManagementResponse>(function(3)).response == 5);
    }
    SECTION("TASK REASSIGN and what RFC 7144 added") {
        CHECK(one.one<TaskManagementResponse>(function(8)).response == 4);
        CHECK(one.one<TaskManagementResponse>(function(9)).response == 5);
    }
    SECTION("TARGET COLD RESET is answered before the sessions close") {
        CHECK(one.one<TaskManagementResponse>(function(7)).response == 0);
        CHECK(one.host.cold_resets == 1);
        CHECK(one.connection.close_reason());
    }
}

TEST_CASE("what another host clears ends with TASK ABORTED, whether it runs or waits for data") {
    Initiator one;
    one.log_in({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
    one.host.takes = 24;
    one.host.stalls = true;
    CHECK(one.send(one.command(0x00)).empty());
    const auto running_tag = one.task_tag;
    const auto r2t = one.one<ReadyToTransfer>(one.write_command(24));
    const auto write_tag = one.task_tag;
    REQUIRE(one.host.executed.size() == 1);
    one.connection.tasks_aborted();
    const auto ended = one.answers();
    REQUIRE(ended.size() == 2);
    for (const auto& answer : ended) {
        const auto& response = std::get<ScsiResponse>(answer.pdu);
        CHECK(response.response == 0);
        CHECK(response.status == 0x40);
    }
    CHECK(std::get<ScsiResponse>(ended[0].pdu).task_tag == running_tag);
    CHECK(std::get<ScsiResponse>(ended[1].pdu).task_tag == write_tag);
    CHECK(one.host.abandoned == one.host.executed);
    // Data that was asked for before, and a late answer of the drive.
    CHECK(one.send(DataOut{.final = true, .task_tag = write_tag, .transfer_tag = r2t.transfer_tag},
                   Bytes(24, 3))
              .empty());
    one.connection.complete(one.host.executed.front(), {});
    CHECK(one.answers().empty());
    one.host.stalls = false;
    CHECK(one.one<ScsiResponse>(one.command(0x00)).status == 0);
}

TEST_CASE("logout ends the nexus before it is answered") {
    Initiator one;
    one.log_in();
    SECTION("session") {
        CHECK(one.one<LogoutResponse>(LogoutRequest{.immediate = true, .reason = 0}).response == 0);
        CHECK(one.host.ended == 1);
        CHECK(one.host.logged_out == 1);
        CHECK(one.connection.close_reason());
        one.connection.closed();
        CHECK(one.host.ended == 1);
    }
    SECTION("a connection that breaks is no logout") {
        one.connection.closed();
        CHECK(one.host.ended == 1);
        CHECK(one.host.logged_out == 0);
    }
    SECTION("who was asked to leave is not done") {
        one.connection.ask_for_logout(3);
        static_cast<void>(one.answers());
        CHECK(one.one<LogoutResponse>(LogoutRequest{.immediate = true, .reason = 0}).response == 0);
        CHECK(one.host.ended == 1);
        CHECK(one.host.logged_out == 0);
    }
    SECTION("another connection") {
        CHECK(one.one<LogoutResponse>(LogoutRequest{.immediate = true, .reason = 1, .cid = 9})
                  .response == 1);
        CHECK(one.host.ended == 0);
    }
    SECTION("for recovery") {
        CHECK(one.one<LogoutResponse>(LogoutRequest{.immediate = true, .reason = 2}).response == 2);
    }
    one.connection.closed();
    CHECK(one.host.ended == 1);
}

TEST_CASE("what can not be at this point is rejected with its header") {
    Initiator one;
    one.log_in();
    const SnackRequest snack{.type = 0};
    CHECK(one.one<Reject>(snack).reason == RejectReason::snack_reject);
    const auto header = encode(InitiatorPdu{snack});
    CHECK(one.last_data == Bytes(header.begin(), header.end()));
    const auto rejected = one.one<Reject>(one.login_request());
    CHECK(rejected.reason == RejectReason::protocol_error);
    CHECK(one.connection.close_reason());
}

TEST_CASE("digests protect everything after the login") {
    Initiator one;
    one.log_in({{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C,None"}});
    REQUIRE(one.digests == Digests{true, true});
    one.host.reply.data_in = Bytes(10, 7);
    CHECK(one.one<DataIn>(one.read_command(10)).has_status);
    one.host.takes = 24;
    one.host.reply.data_in.clear();
    Bytes stream;
    append_frame(stream, encode(InitiatorPdu{one.write_command(24)}), Bytes(24, 1), one.digests);
    stream.back() ^= 1;
    one.connection.receive(stream);
    const auto answers = one.answers();
    REQUIRE(answers.size() == 1);
    CHECK(std::get<Reject>(answers[0].pdu).reason == RejectReason::data_digest_error);
    CHECK(one.connection.close_reason());
}

TEST_CASE("a ping is outstanding until it is answered") {
    Initiator one;
    one.log_in();
    one.connection.ping();
    const auto pings = one.answers();
    REQUIRE(pings.size() == 1);
    const auto& ping = std::get<NopIn>(pings[0].pdu);
    CHECK(ping.task_tag == no_tag);
    CHECK(one.connection.session()->ping_outstanding());
    CHECK(one.send(NopOut{.immediate = true, .transfer_tag = ping.transfer_tag}).empty());
    CHECK_FALSE(one.connection.session()->ping_outstanding());
}

TEST_CASE("a planned stop asks for logout") {
    Initiator one;
    one.log_in();
    one.connection.ask_for_logout(3);
    const auto messages = one.answers();
    REQUIRE(messages.size() == 1);
    CHECK(std::get<AsyncMessage>(messages[0].pdu).event == 1);
    CHECK(std::get<AsyncMessage>(messages[0].pdu).parameter_3 == 3);
}

TEST_CASE("a long answer to SendTargets comes in pieces") {
    Initiator one;
    one.log_in({{"MaxRecvDataSegmentLength", "512"}});
    const std::string padding(400, 'k');
    TextKeys keys;
    for (int i = 0; i < 10; ++i)
        keys.push_back({"X-" + std::to_string(i) + std::string(50, 'k'), "1"});
    TextRequest request{.task_tag = 9, .cmd_sn = one.cmd_sn++};
    auto answer = one.one<TextResponse>(request, text(keys));
    Bytes all = one.last_data;
    int pieces = 1;
    while (!answer.final) {
        CHECK(answer.continues);
        request = {.task_tag = 9, .transfer_tag = answer.transfer_tag, .cmd_sn = one.cmd_sn++};
        answer = one.one<TextResponse>(request);
        all.insert(all.end(), one.last_data.begin(), one.last_data.end());
        REQUIRE(++pieces < 10);
    }
    CHECK(pieces == 2);
    CHECK(std::get<TextKeys>(parse_text(all)).size() == 10);
}
