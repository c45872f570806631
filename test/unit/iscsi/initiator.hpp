#pragma once

// The other end of a connection: an initiator that builds PDUs, and a host with scripted drives.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/iscsi/connection.hpp"
#include "test/support/catch.hpp"

namespace iscsi_test {

using namespace drive_iface::iscsi;
using drive_iface::virtual_library::Status;

inline const std::string target = "iqn.2026-01.example:drive-VT00000001";
inline const std::string initiator = "iqn.2026-01.example:host1";

class ScriptedHost final : public SessionHost {
  public:
    agent::core::Outcome session_opened(const LoginResult&) override {
        if (refuses) return agent::core::Error{"no more nexuses"};
        ++opened;
        return agent::core::Nothing{};
    }
    void session_ended() override { ++ended; }
    void session_logged_out() override {
        ++ended;
        ++logged_out;
    }
    TaskId new_task_id() override { return ++last_task; }
    std::size_t data_out_length(ByteView) override { return takes; }
    std::optional<CommandReply> execute(TaskId task, std::uint64_t, ByteView cdb,
                                        Bytes& data) override {
        executed.push_back(task);
        opcodes.push_back(cdb[0]);
        data_out = std::move(data);
        if (stalls) return std::nullopt;
        return reply;
    }
    void abandon(TaskId task) override { abandoned.push_back(task); }
    bool manage(std::uint64_t, TaskManagement function) override {
        managed.push_back(function);
        return manages;
    }
    void target_was_reset_cold() override { ++cold_resets; }
    std::vector<std::string> targets() override { return {target, target + "b"}; }
    std::string portal() override { return "192.0.2.7:3260"; }

    CommandReply reply;
    std::size_t takes = 0;
    bool stalls = false;
    bool refuses = false;
    bool manages = true;
    int opened = 0;
    int ended = 0;  // logged_out among them
    int logged_out = 0;
    int cold_resets = 0;
    TaskId last_task = 0;
    std::vector<TaskId> executed;
    std::vector<TaskId> abandoned;
    std::vector<std::uint8_t> opcodes;
    Bytes data_out;
    std::vector<TaskManagement> managed;
};

struct Answer {
    TargetPdu pdu;
    Bytes data;
};

inline Bytes text(const TextKeys& keys) {
    Bytes bytes;
    for (const auto& [name, value] : keys)
        append_text(bytes, name, value);
    return bytes;
}

class Initiator {
  public:
    explicit Initiator(LoginRules login_rules = {{target}, std::nullopt})
        : rules(std::move(login_rules)), connection(rules, 7, {}, host) {}

    // Sends one PDU; every answer that comes back.
    std::vector<Answer> send(const InitiatorPdu& pdu, const Bytes& data = {}) {
        Bytes stream;
        append_frame(stream, encode(pdu), data, digests);
        connection.receive(stream);
        return answers();
    }

    std::vector<Answer> answers() {
        FrameReader reader(1U << 24);
        reader.set_digests(digests);
        reader.append(connection.take_output());
        std::vector<Answer> all;
        while (true) {
            const auto next = reader.next();
            REQUIRE_FALSE(std::holds_alternative<StreamBroken>(next));
            const auto* frame = std::get_if<Frame>(&next);
            if (!frame) return all;
            REQUIRE_FALSE(frame->data_digest_wrong);
            const auto pdu = decode_target_pdu(frame->header);
            all.push_back({std::get<TargetPdu>(pdu), frame->data});
        }
    }

    template <typename Pdu>
    Pdu one(const InitiatorPdu& pdu, const Bytes& data = {}) {
        const auto all = send(pdu, data);
        REQUIRE(all.size() == 1);
        REQUIRE(std::holds_alternative<Pdu>(all.front().pdu));
        last_data = all.front().data;
        return std::get<Pdu>(all.front().pdu);
    }

    LoginRequest login_request() const {
        return {.transit = true,
                .current = LoginStage::operational,
                .next = LoginStage::full_feature,
                .isid = {0x00, 0x02, 0x3d, 0, 0, 1},
                .task_tag = 1,
                .cmd_sn = cmd_sn,
                .exp_stat_sn = 0};
    }
    TextKeys identity() const { return {{"InitiatorName", initiator}, {"TargetName", target}}; }

    // One round to full feature phase with these operational keys.
    LoginResponse log_in(TextKeys operational = {}) {
        auto keys = identity();
        keys.insert(keys.end(), operational.begin(), operational.end());
        auto response = one<LoginResponse>(login_request(), text(keys));
        if (connection.login()) digests = connection.login()->parameters.digests;
        return response;
    }

    ScsiCommand command(std::uint8_t opcode, std::uint32_t expected = 0) {
        ScsiCommand pdu{.task_tag = ++task_tag, .expected_length = expected, .cmd_sn = cmd_sn++};
        pdu.cdb[0] = opcode;
        return pdu;
    }
    ScsiCommand read_command(std::uint32_t expected) {
        auto pdu = command(0x12, expected);
        pdu.read = true;
        return pdu;
    }
    ScsiCommand write_command(std::uint32_t expected) {
        auto pdu = command(0x5f, expected);
        pdu.write = true;
        return pdu;
    }

    LoginRules rules;
    ScriptedHost host;
    Connection connection;
    Digests digests;
    std::uint32_t cmd_sn = 100;
    std::uint32_t task_tag = 1000;
    Bytes last_data;
};

}  // namespace iscsi_test
