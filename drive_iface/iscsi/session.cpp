#include "drive_iface/iscsi/session.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::uint32_t command_window = 64;
constexpr std::size_t immediate_commands_max = 8;       // beyond the window
constexpr std::size_t solicited_bytes_max = 32U << 20;  // asked for at once in one session
constexpr std::size_t data_out_max = 16U << 20;         // of one command: 24-bit transfer lengths

// RFC 7143 11.5.1.
enum class Function : std::uint8_t {
    abort_task = 1,
    abort_task_set = 2,
    clear_aca = 3,
    clear_task_set = 4,
    logical_unit_reset = 5,
    target_warm_reset = 6,
    target_cold_reset = 7,
    task_reassign = 8,
};

// RFC 7143 11.6.1.
namespace function_response {
constexpr std::uint8_t complete = 0;
constexpr std::uint8_t task_does_not_exist = 1;
constexpr std::uint8_t lun_does_not_exist = 2;
constexpr std::uint8_t reassignment_not_supported = 4;
constexpr std::uint8_t not_supported = 5;
}  // namespace function_response

// RFC 7143 11.15.1.
namespace logout_response {
constexpr std::uint8_t closed = 0;
constexpr std::uint8_t cid_not_found = 1;
constexpr std::uint8_t recovery_not_supported = 2;
}  // namespace logout_response

constexpr std::uint8_t async_logout_request = 1;  // 11.9.1

CommandReply check_condition(scsi::SenseKey key, scsi::AdditionalSense why) {
    return {.status = virtual_library::Status::check_condition,
            .sense = scsi::encode_fixed_sense({.key = key, .additional = why})};
}

}  // namespace

Session::Session(const LoginResult& login, SessionHost& host)
    : host_(&host),
      parameters_(login.parameters),
      discovery_(login.discovery),
      target_name_(login.target_name),
      cid_(login.cid),
      stat_sn_(login.stat_sn),
      exp_cmd_sn_(login.cmd_sn) {}

void Session::receive(const InitiatorPdu& pdu, Frame& frame) {
    if (close_reason_) return;
    if (frame.data_digest_wrong) {
        damaged_data(pdu, frame);
    } else {
        std::visit([&](const auto& request) { on(request, frame); }, pdu);
    }
    advance();
}

void Session::receive_unknown(const Frame& frame) {
    if (close_reason_) return;
    reject(RejectReason::command_not_supported, frame);
}

// RFC 7143 7.8: data is lost; a command that waits for it fails. Anything else has lost its CmdSN
// with its data, and at error recovery level 0 only a new session helps.
void Session::damaged_data(const InitiatorPdu& pdu, const Frame& frame) {
    reject(RejectReason::data_digest_error, frame);
    if (const auto* data_out = std::get_if<DataOut>(&pdu)) {
        const auto task = find_task(data_out->task_tag);
        if (task != tasks_.end() && !task->executing) fail(task, transfer_fault::data_out_of_order);
        return;
    }
    close_reason_ = "data digest error";
}

std::uint32_t Session::commands_in_window() const {
    return static_cast<std::uint32_t>(std::count_if(
        tasks_.begin(), tasks_.end(), [](const Task& task) { return !task.command.immediate; }));
}

std::uint32_t Session::new_transfer_tag() {
    const auto tag = next_transfer_tag_;
    next_transfer_tag_ = tag + 1 == no_tag ? 1 : tag + 1;
    return tag;
}

// 4.2.2.1: what is outside the window is ignored silently. On one connection numbers arrive in
// order; a gap inside the window can never be filled either.
bool Session::admit(bool immediate, std::uint32_t cmd_sn) {
    if (immediate) return true;
    if (cmd_sn != exp_cmd_sn_ || commands_in_window() >= command_window) {
        ++counters_.ignored;
        return false;
    }
    ++exp_cmd_sn_;
    return true;
}

void Session::send(TargetPdu pdu, Slice data) {
    output_bytes_ += data.size();
    output_.push_back({pdu, std::move(data)});
}

void Session::reject(RejectReason reason, const Frame& frame) {
    ++counters_.rejected;
    send(Reject{.reason = reason}, Bytes(frame.header.begin(), frame.header.end()));
}

std::vector<OutgoingPdu> Session::take_output() {
    for (auto& [pdu, data] : output_) {
        auto& sequence = sequence_of(pdu);
        // R2T, Data-In without status and our own ping take no StatSN; they carry the next one.
        const auto* data_in = std::get_if<DataIn>(&pdu);
        const auto* nop_in = std::get_if<NopIn>(&pdu);
        const bool takes_none = std::holds_alternative<ReadyToTransfer>(pdu) ||
                                (data_in && !data_in->has_status) ||
                                (nop_in && nop_in->task_tag == no_tag);
        sequence = {.stat_sn = stat_sn_,
                    .exp_cmd_sn = exp_cmd_sn_,
                    .max_cmd_sn = exp_cmd_sn_ + (command_window - commands_in_window()) - 1};
        if (!takes_none) ++stat_sn_;
    }
    output_bytes_ = 0;
    return std::exchange(output_, {});
}

void Session::on(const NopOut& pdu, Frame& frame) {
    if (!admit(pdu.immediate, pdu.cmd_sn)) return;
    if (pdu.transfer_tag != no_tag && ping_tag_ == pdu.transfer_tag) ping_tag_.reset();
    if (pdu.task_tag == no_tag) return;
    const auto size =
        std::min<std::size_t>(frame.data.size(), parameters_.initiator_data_segment_max);
    send(NopIn{.lun = pdu.lun, .task_tag = pdu.task_tag},
         Slice(std::move(frame.data)).part(0, size));
}

void Session::on(const ScsiCommand& pdu, Frame& frame) {
    if (discovery_) return reject(RejectReason::protocol_error, frame);
    if (!admit(pdu.immediate, pdu.cmd_sn)) return;
    if (pdu.task_tag == no_tag) return reject(RejectReason::invalid_pdu_field, frame);
    if (find_task(pdu.task_tag) != tasks_.end())
        return reject(RejectReason::task_in_progress, frame);
    if (tasks_.size() >= command_window + immediate_commands_max) {
        return reject(RejectReason::too_many_immediate_commands, frame);
    }
    ++counters_.commands;
    const std::size_t length = pdu.write ? host_->data_out_length(pdu.cdb) : 0;
    Task task{.id = host_->new_task_id(),
              .command = pdu,
              .data_out_length = length,
              .data_out = {parameters_, pdu.write ? pdu.expected_length : 0, length}};
    const auto fault = task.data_out.begin(std::move(frame.data), pdu.final);
    tasks_.push_back(std::move(task));
    const auto added = tasks_.end() - 1;
    // Neither bidirectional commands nor longer transfers exist on a tape drive.
    const bool impossible = (pdu.read && pdu.write) || added->data_out.needed() > data_out_max;
    if (impossible) {
        reply(*added, check_condition(scsi::SenseKey::illegal_request,
                                      scsi::additional_sense::invalid_field_in_cdb));
        tasks_.erase(added);
    } else if (fault) {
        fail(added, *fault);
    }
}

void Session::on(const DataOut& pdu, Frame& frame) {
    const auto task = find_task(pdu.task_tag);
    if (task == tasks_.end() || task->executing) {
        // The rest of a transfer that was given up, most likely.
        ++counters_.ignored;
        return;
    }
    const auto fault = task->data_out.add(pdu, std::move(frame.data), frame.segment_from);
    if (fault) fail(task, *fault);
}

Bytes Session::lend(const BasicHeader& header, std::size_t size) {
    if (close_reason_) return {};
    const auto pdu = decode_initiator_pdu(header);
    const auto* known = std::get_if<InitiatorPdu>(&pdu);
    const auto* data_out = known ? std::get_if<DataOut>(known) : nullptr;
    if (!data_out) return {};
    const auto task = find_task(data_out->task_tag);
    if (task == tasks_.end() || task->executing) return {};
    return task->data_out.lend(size).value_or(Bytes{});
}

void Session::waiting_to_be_sent(std::size_t bytes) {
    const bool was_full = bytes_waiting_ > output_max;
    bytes_waiting_ = bytes;
    if (was_full && bytes <= output_max) advance();
}

void Session::on(const TaskManagementRequest& pdu, Frame& frame) {
    if (discovery_) return reject(RejectReason::protocol_error, frame);
    if (!admit(pdu.immediate, pdu.cmd_sn)) return;
    ++counters_.task_management;
    const auto response = manage(pdu);
    send(TaskManagementResponse{.response = response, .task_tag = pdu.task_tag});
    if (pdu.function == static_cast<std::uint8_t>(Function::target_cold_reset) &&
        response == function_response::complete) {
        close_reason_ = "target cold reset";
        host_->target_was_reset_cold();
    }
}

std::uint8_t Session::manage(const TaskManagementRequest& pdu) {
    const auto run = [&](TaskManagement function, bool whole_target) {
        if (!whole_target && pdu.lun != 0) return function_response::lun_does_not_exist;
        if (!host_->manage(pdu.lun, function)) return function_response::not_supported;
        // One logical unit behind this target: whatever reaches further than one task reaches all
        // of ours.
        if (function != TaskManagement::clear_aca) drop_tasks();
        return function_response::complete;
    };
    switch (static_cast<Function>(pdu.function)) {
        case Function::abort_task:
            return abort_task(pdu);
        case Function::abort_task_set:
            return run(TaskManagement::abort_task_set, false);
        case Function::clear_aca:
            return run(TaskManagement::clear_aca, false);
        case Function::clear_task_set:
            return run(TaskManagement::clear_task_set, false);
        case Function::logical_unit_reset:
            return run(TaskManagement::logical_unit_reset, false);
        case Function::target_warm_reset:
            return run(TaskManagement::target_warm_reset, true);
        case Function::target_cold_reset:
            return run(TaskManagement::target_cold_reset, true);
        case Function::task_reassign:
            return function_response::reassignment_not_supported;
    }
    return function_response::not_supported;
}

std::uint8_t Session::abort_task(const TaskManagementRequest& pdu) {
    const auto task = find_task(pdu.referenced_task_tag);
    if (task == tasks_.end()) return function_response::task_does_not_exist;
    if (task->command.lun != pdu.lun) return function_response::task_does_not_exist;
    if (task->executing) host_->abandon(task->id);
    tasks_.erase(task);
    return function_response::complete;
}

// 6.3: a connection that is in full feature phase can not log in again.
void Session::on(const LoginRequest&, Frame& frame) {
    reject(RejectReason::protocol_error, frame);
    close_reason_ = "Login request in full feature phase";
}

void Session::on(const LogoutRequest& pdu, Frame& frame) {
    if (!admit(pdu.immediate, pdu.cmd_sn)) return;
    const auto answer = [&](std::uint8_t response) {
        send(LogoutResponse{.response = response, .task_tag = pdu.task_tag});
    };
    constexpr std::uint8_t close_session = 0;
    constexpr std::uint8_t close_connection = 1;
    constexpr std::uint8_t remove_for_recovery = 2;
    if (pdu.reason == close_session || (pdu.reason == close_connection && pdu.cid == cid_)) {
        // The nexus ends before the initiator can hear of it: whoever it tells finds the drive
        // released. The only connection of a session is the session: both reasons close it. Who
        // leaves because it was asked to is not done.
        end(asked_for_logout_ ? End::lost : End::logout);
        answer(logout_response::closed);
        close_reason_ = "logout";
        return;
    }
    if (pdu.reason == close_connection) return answer(logout_response::cid_not_found);
    if (pdu.reason == remove_for_recovery) return answer(logout_response::recovery_not_supported);
    reject(RejectReason::invalid_pdu_field, frame);
}

void Session::on(const SnackRequest&, Frame& frame) {
    reject(RejectReason::snack_reject, frame);
}

void Session::complete(TaskId id, CommandReply command_reply) {
    const auto task =
        std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& one) { return one.id == id; });
    if (task == tasks_.end()) return;
    reply(*task, std::move(command_reply));
    tasks_.erase(task);
    advance();
}

void Session::tasks_aborted() {
    for (const auto& task : std::exchange(tasks_, {})) {
        if (task.executing) host_->abandon(task.id);
        reply(task, {.status = virtual_library::Status::task_aborted});
    }
}

void Session::end(End how) {
    if (std::exchange(ended_, true)) return;
    drop_tasks();
    if (discovery_) return;
    if (how == End::logout) {
        host_->session_logged_out();
    } else {
        host_->session_ended();
    }
}

void Session::drop_tasks() {
    for (const auto& task : tasks_) {
        if (task.executing) host_->abandon(task.id);
    }
    tasks_.clear();
}

void Session::reply(const Task& task, CommandReply command_reply) {
    auto pdus = reply_pdus(task.command, task.data_out.requests(), task.data_out_length,
                           std::move(command_reply), parameters_);
    for (auto& [pdu, data] : pdus)
        send(pdu, std::move(data));
}

void Session::fail(std::deque<Task>::iterator task, scsi::AdditionalSense why) {
    ++counters_.transfer_faults;
    reply(*task, check_condition(scsi::SenseKey::aborted_command, why));
    tasks_.erase(task);
}

std::deque<Session::Task>::iterator Session::find_task(std::uint32_t task_tag) {
    return std::find_if(tasks_.begin(), tasks_.end(),
                        [&](const Task& task) { return task.command.task_tag == task_tag; });
}

void Session::advance() {
    if (close_reason_) return;
    run_commands();
    ask_for_data();
}

void Session::run_commands() {
    auto& occupied = occupied_;  // logical units whose first command is not done
    occupied.clear();
    for (auto task = tasks_.begin(); task != tasks_.end();) {
        const bool behind =
            std::find(occupied.begin(), occupied.end(), task->command.lun) != occupied.end();
        if (behind || task->executing || !task->data_out.complete()) {
            if (!behind) occupied.push_back(task->command.lun);
            ++task;
            continue;
        }
        if (bytes_waiting_ + output_bytes_ > output_max) return;
        auto done =
            host_->execute(task->id, task->command.lun, task->command.cdb, task->data_out.data());
        if (!done) {
            task->executing = true;
            continue;
        }
        reply(*task, std::move(*done));
        task = tasks_.erase(task);
    }
}

void Session::ask_for_data() {
    std::size_t promised = 0;
    for (auto& task : tasks_) {
        promised += task.data_out.needed();
        const bool first = &task == &tasks_.front();
        if (!first && promised > solicited_bytes_max) return;
        // A command that executes has its data already: the device took it.
        if (task.executing || task.data_out.wanted() == 0) continue;
        const auto request = task.data_out.ask(new_transfer_tag());
        send(ReadyToTransfer{.lun = task.command.lun,
                             .task_tag = task.command.task_tag,
                             .transfer_tag = request.transfer_tag,
                             .r2t_sn = request.r2t_sn,
                             .offset = request.offset,
                             .length = request.length});
    }
}

void Session::ping() {
    if (close_reason_ || ping_tag_) return;
    ping_tag_ = new_transfer_tag();
    send(NopIn{.transfer_tag = *ping_tag_});
}

void Session::ask_for_logout(std::uint16_t seconds) {
    if (close_reason_) return;
    asked_for_logout_ = true;
    send(AsyncMessage{.event = async_logout_request, .parameter_3 = seconds});
}

}  // namespace drive_iface::iscsi
