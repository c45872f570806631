#include "drive_iface/vtld/waiting_commands.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace drive_iface::vtld {

using virtual_library::NexusId;

bool WaitingCommands::has(NexusId nexus) const {
    return std::any_of(commands_.begin(), commands_.end(),
                       [nexus](const auto& entry) { return entry.second.nexus == nexus; });
}

bool WaitingCommands::add(Command command) {
    if (commands_.size() >= commands_max) return false;
    commands_.emplace(++arrivals_, std::move(command));
    return true;
}

std::vector<WaitingCommands::Finished> WaitingCommands::proceed(const Execute& execute) {
    std::vector<Finished> finished;
    // What one of them was waiting for may have been the end of another: once more after each
    // round that ended some.
    for (bool again = true; again;) {
        again = false;
        std::set<NexusId> behind;
        for (auto at = commands_.begin(); at != commands_.end();) {
            auto& command = at->second;
            if (behind.contains(command.nexus)) {
                ++at;
                continue;
            }
            command.begun = true;
            auto answer = execute(command);
            if (!answer) {
                behind.insert(command.nexus);
                ++at;
                continue;
            }
            finished.push_back({std::move(command.later), std::move(*answer)});
            at = commands_.erase(at);
            again = true;
        }
    }
    return finished;
}

std::vector<WaitingCommands::Command> WaitingCommands::take(
    const std::function<bool(const Command&)>& which) {
    std::vector<Command> taken;
    for (auto at = commands_.begin(); at != commands_.end();) {
        if (!which(at->second)) {
            ++at;
            continue;
        }
        taken.push_back(std::move(at->second));
        at = commands_.erase(at);
    }
    return taken;
}

}  // namespace drive_iface::vtld
