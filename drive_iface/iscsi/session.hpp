#pragma once

// The full feature phase of one session on its one connection (RFC 7143 sections 4 and 11), error
// recovery level 0. Requests go in, PDUs come out; commands go to the host.
//
// Commands of a nexus run one after the other for each logical unit, in CmdSN order: the order
// attributes of SAM matter nothing then, and a tape could not do better.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/iscsi/data_out.hpp"
#include "drive_iface/iscsi/responses.hpp"
#include "drive_iface/iscsi/session_host.hpp"

namespace drive_iface::iscsi {

// Beyond this an initiator has to read before it is served again.
inline constexpr std::size_t output_max = std::size_t{4} * 1024 * 1024;

struct SessionCounters {
    std::uint64_t commands = 0;
    std::uint64_t task_management = 0;
    std::uint64_t rejected = 0;
    std::uint64_t ignored = 0;  // outside the command window, or data that nobody waits for
    std::uint64_t transfer_faults = 0;
};

class Session {
  public:
    // `host` outlives the session.
    Session(const LoginResult& login, SessionHost& host);

    void receive(const InitiatorPdu& pdu, Frame& frame);  // its data is moved from
    void receive_unknown(const Frame& frame);

    // The reply to a command that execute() did not answer at once; one that was aborted meanwhile
    // is dropped.
    void complete(TaskId task, CommandReply reply);
    // Somebody else reset the logical unit or cleared its task set: every task ends with status
    // TASK ABORTED, as the TAS bit of the drives' control mode page promises. Data that is still on
    // its way for one of them is ignored.
    void tasks_aborted();
    // The connection is gone or is about to be: no more tasks, no more nexus. Once is enough; only
    // how it ended first counts.
    enum class End : std::uint8_t { logout, lost };
    void end(End how);

    void ping();
    [[nodiscard]] bool ping_outstanding() const { return ping_tag_.has_value(); }
    // Async Message event 1: asks the initiator to log out within `seconds` (11.9.1).
    void ask_for_logout(std::uint16_t seconds);

    // Where a data segment of `size` bytes is to be put; an empty buffer of its own for most.
    [[nodiscard]] Bytes lend(const BasicHeader& header, std::size_t size);

    [[nodiscard]] std::vector<OutgoingPdu> take_output();
    // While more than output_max bytes wait to be sent, what take_output() has included, no command
    // is begun.
    void waiting_to_be_sent(std::size_t bytes);
    // Close when everything has been sent; why.
    [[nodiscard]] const std::optional<std::string>& close_reason() const { return close_reason_; }
    [[nodiscard]] const SessionCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t tasks() const { return tasks_.size(); }

  private:
    struct Task {
        TaskId id = 0;
        ScsiCommand command;
        std::size_t data_out_length = 0;
        DataOutCollector data_out;
        bool executing = false;
    };

    void on(const NopOut& pdu, Frame& frame);
    void on(const ScsiCommand& pdu, Frame& frame);
    void on(const TaskManagementRequest& pdu, Frame& frame);
    void on(const LoginRequest& pdu, Frame& frame);
    void on(const TextRequest& pdu, Frame& frame);
    void on(const DataOut& pdu, Frame& frame);
    void on(const LogoutRequest& pdu, Frame& frame);
    void on(const SnackRequest& pdu, Frame& frame);

    [[nodiscard]] std::uint32_t commands_in_window() const;
    [[nodiscard]] std::uint32_t new_transfer_tag();
    [[nodiscard]] bool admit(bool immediate, std::uint32_t cmd_sn);
    void send(TargetPdu pdu, Slice data = {});
    void reject(RejectReason reason, const Frame& frame);
    void damaged_data(const InitiatorPdu& pdu, const Frame& frame);

    void advance();  // runs what can run, asks for what can be asked
    void run_commands();
    void ask_for_data();
    void reply(const Task& task, CommandReply reply);
    void fail(std::deque<Task>::iterator task, scsi::AdditionalSense why);
    void drop_tasks();
    [[nodiscard]] std::uint8_t manage(const TaskManagementRequest& pdu);
    [[nodiscard]] std::uint8_t abort_task(const TaskManagementRequest& pdu);
    [[nodiscard]] std::deque<Task>::iterator find_task(std::uint32_t task_tag);

    [[nodiscard]] Bytes answer_text(const TextKeys& keys);
    void send_text_answer(const TextRequest& pdu);

    SessionHost* host_;
    OperationalParameters parameters_;
    bool discovery_;
    std::string target_name_;
    std::uint16_t cid_;
    std::uint32_t stat_sn_;
    std::uint32_t exp_cmd_sn_;
    std::deque<Task> tasks_;
    std::uint32_t next_transfer_tag_ = 1;
    std::optional<std::uint32_t> ping_tag_;
    TextCollector text_request_;
    Bytes text_answer_;  // what is left of an answer that did not fit into one PDU
    std::optional<std::uint32_t> text_tag_;
    std::vector<OutgoingPdu> output_;
    std::size_t output_bytes_ = 0;   // of data in output_
    std::size_t bytes_waiting_ = 0;  // taken and not yet sent
    std::vector<std::uint64_t> occupied_;
    std::optional<std::string> close_reason_;
    bool ended_ = false;
    bool asked_for_logout_ = false;
    SessionCounters counters_;
};

}  // namespace drive_iface::iscsi
