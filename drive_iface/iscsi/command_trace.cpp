#include "drive_iface/iscsi/command_trace.hpp"

#include <algorithm>

namespace drive_iface::iscsi {

void CommandTrace::begin(TracedCommand command) {
    if (commands_.size() == commands_max) commands_.pop_front();
    commands_.push_back(command);
}

void CommandTrace::end(TaskId task, std::int64_t took_us, const CommandReply& reply) {
    auto* command = find(task);
    if (command == nullptr) return;
    TracedCommand::End end{.took_us = took_us,
                           .status = static_cast<std::uint8_t>(reply.status),
                           .data_in = reply.data_in.size()};
    if (reply.sense.empty()) {
        command->end = end;
        return;
    }
    if (const auto sense = scsi::decode_sense(reply.sense)) {
        end.sense_key = sense->key;
        end.additional_sense = sense->additional;
    }
    command->end = end;
}

void CommandTrace::aborted(TaskId task) {
    if (auto* command = find(task)) command->aborted = true;
}

// Newest first: most commands end before the next one begins.
TracedCommand* CommandTrace::find(TaskId task) {
    const auto found =
        std::find_if(commands_.rbegin(), commands_.rend(),
                     [task](const TracedCommand& command) { return command.task == task; });
    return found == commands_.rend() ? nullptr : &*found;
}

}  // namespace drive_iface::iscsi
