// Any bytes after a login, with drives that answer at once, later, or never: nothing breaks, what
// goes out can be read, and the nexus ends once.

#include <algorithm>
#include <deque>

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/connection.hpp"

using namespace drive_iface::iscsi;

namespace {

class Host final : public SessionHost {
  public:
    agent::core::Outcome session_opened(const LoginResult&) override {
        ++opened;
        return agent::core::Nothing{};
    }
    void session_ended() override { ++ended; }
    TaskId new_task_id() override { return ++last_task; }
    std::size_t data_out_length(ByteView cdb) override {
        return std::size_t{cdb[1]} << (cdb[2] & 0x0fU);
    }
    std::optional<CommandReply> execute(TaskId task, std::uint64_t, ByteView cdb,
                                        Bytes& data_out) override {
        AGENT_ASSERT(data_out.size() <= data_out_length(cdb));
        if ((cdb[0] & 3U) == 1) {
            running.push_back(task);
            return std::nullopt;
        }
        CommandReply reply;
        reply.data_in.resize(std::size_t{cdb[3]} * 64);
        if ((cdb[0] & 3U) == 2) {
            reply = {.status = drive_iface::virtual_library::Status::check_condition,
                     .sense = {0x70}};
        }
        return reply;
    }
    void abandon(TaskId) override {}
    bool manage(std::uint64_t, TaskManagement function) override {
        return function != TaskManagement::clear_aca;
    }
    void target_was_reset_cold() override {}
    std::vector<std::string> targets() override { return {"iqn.2026-01.example:drive-VT1"}; }
    std::string portal() override { return "127.0.0.1:3260"; }

    int opened = 0;
    int ended = 0;
    TaskId last_task = 0;
    std::deque<TaskId> running;
};

void read_back(const Bytes& stream) {
    FrameReader reader(1U << 24);
    reader.append(stream);
    while (true) {
        const auto next = reader.next();
        AGENT_ASSERT(!std::holds_alternative<StreamBroken>(next));
        const auto* frame = std::get_if<Frame>(&next);
        if (!frame) return;
        AGENT_ASSERT(std::holds_alternative<TargetPdu>(decode_target_pdu(frame->header)));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const LoginRules rules{{"iqn.2026-01.example:drive-VT1"}, std::nullopt};
    Host host;
    Connection connection(rules, 1, {}, host);
    Bytes text;
    append_text(text, "InitiatorName", "iqn.2026-01.example:fuzz");
    append_text(text, "TargetName", rules.target_names.front());
    Bytes login;
    append_frame(login,
                 encode(InitiatorPdu{LoginRequest{.transit = true,
                                                  .current = LoginStage::operational,
                                                  .next = LoginStage::full_feature}}),
                 text, {});
    connection.receive(login);
    AGENT_ASSERT(connection.login() != nullptr);
    read_back(connection.take_output());

    // CmdSN is set right in every second PDU, or hardly any command would be admitted.
    std::uint32_t cmd_sn = 0;
    ByteView rest(data, size);
    while (rest.size() > basic_header_size && !connection.close_reason()) {
        BasicHeader header{};
        std::copy_n(rest.begin(), basic_header_size, header.begin());
        const auto length =
            std::min<std::size_t>(rest[basic_header_size], rest.size() - basic_header_size - 1);
        if ((header[5] & 1U) == 0) {
            for (unsigned i = 0; i < 4; ++i)
                header[24 + i] = static_cast<std::uint8_t>(cmd_sn >> (8 * (3 - i)));
        }
        Bytes stream;
        append_frame(stream, header, rest.subspan(basic_header_size + 1, length), {});
        rest = rest.subspan(basic_header_size + 1 + length);
        connection.receive(stream);
        const auto output = connection.take_output();
        read_back(output);
        if (output.size() >= basic_header_size) {
            cmd_sn = 0;
            for (std::size_t i = 0; i < 4; ++i)
                cmd_sn = cmd_sn << 8 | output[28 + i];
        }
        if (host.running.size() > 3) {
            connection.complete(host.running.front(), {});
            host.running.pop_front();
            read_back(connection.take_output());
        }
        AGENT_ASSERT(connection.session()->tasks() <= 72);
    }
    connection.closed();
    connection.closed();
    AGENT_ASSERT(host.opened == 1 && host.ended == 1);
    return 0;
}
