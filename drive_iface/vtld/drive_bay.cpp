#include "drive_iface/vtld/drive_bay.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>

namespace drive_iface::vtld {

using agent::core::Outcome;
using virtual_library::Status;

namespace {

constexpr std::size_t delayed_max = 4096;

}  // namespace

struct DriveBay::Delayed {
    std::string drive;
    std::uint64_t lun = 0;
    iscsi::Bytes cdb;
    iscsi::Bytes data_out;
    Later later;
    std::unique_ptr<asio::steady_timer> timer;  // none: never answered
};

DriveBay::DriveBay(asio::io_context& loop, virtual_library::Library library, StateFile state,
                   Handlers handlers)
    : loop_(&loop),
      library_(std::move(library)),
      state_(std::move(state)),
      handlers_(std::move(handlers)) {}

DriveBay::~DriveBay() = default;

std::vector<std::string> DriveBay::drive_serials() const {
    std::vector<std::string> serials;
    for (const auto& drive : library_.drives())
        serials.push_back(drive.serial);
    return serials;
}

std::vector<iscsi::ServedTarget> DriveBay::targets() const {
    std::vector<iscsi::ServedTarget> targets;
    for (const auto& drive : library_.drives())
        targets.push_back(iscsi::drive_target(drive.serial));
    return targets;
}

agent::core::Result<NexusId> DriveBay::nexus_established(const std::string& device,
                                                         const agent::core::InitiatorPort& port) {
    auto nexus = library_.nexus_established(device, port);
    if (nexus) drive_of_nexus_[nexus->value] = device;
    static_cast<void>(settle());
    return nexus;
}

void DriveBay::nexus_lost(NexusId nexus) {
    drop_delayed([&](const DelayedKey& key, const Delayed&) { return key.first == nexus.value; });
    library_.nexus_lost(nexus);
    drive_of_nexus_.erase(nexus.value);
    static_cast<void>(settle());
}

std::size_t DriveBay::data_out_length(NexusId nexus, iscsi::ByteView cdb) {
    return library_.data_out_length(nexus, cdb);
}

std::optional<CommandReply> DriveBay::execute(NexusId nexus, TaskId task, std::uint64_t lun,
                                              iscsi::ByteView cdb, iscsi::Bytes& data_out,
                                              Later later) {
    const auto drive = drive_of_nexus_.find(nexus.value);
    if (drive != drive_of_nexus_.end() && !cdb.empty()) {
        if (const auto fault = faults_.meet(drive->second, cdb[0])) {
            switch (fault->kind) {
                case FaultKind::busy:
                    return CommandReply{.status = Status::busy, .data_in = {}, .sense = {}};
                case FaultKind::sense:
                    return CommandReply{.status = Status::check_condition,
                                        .data_in = {},
                                        .sense = scsi::encode_fixed_sense(fault->sense)};
                case FaultKind::slow:
                case FaultKind::silent:
                    if (delayed_.size() >= delayed_max) {
                        return CommandReply{
                            .status = Status::task_set_full, .data_in = {}, .sense = {}};
                    }
                    delay(nexus, task, *fault,
                          {drive->second,
                           lun,
                           {cdb.begin(), cdb.end()},
                           std::move(data_out),
                           std::move(later),
                           nullptr});
                    return std::nullopt;
            }
        }
    }
    auto reply = library_.execute(nexus, lun, cdb, data_out);
    static_cast<void>(settle());
    return reply;
}

void DriveBay::delay(NexusId nexus, TaskId task, const Fault& fault, Delayed command) {
    const DelayedKey key{nexus.value, task};
    auto& delayed = delayed_[key];
    delayed = std::make_unique<Delayed>(std::move(command));
    if (fault.kind == FaultKind::silent) return;
    delayed->timer =
        std::make_unique<asio::steady_timer>(*loop_, std::chrono::milliseconds(fault.delay.ms));
    delayed->timer->async_wait([this, key](const asio::error_code& cancelled) {
        if (!cancelled) run_delayed(key);
    });
}

void DriveBay::run_delayed(const DelayedKey& key) {
    const auto found = delayed_.find(key);
    if (found == delayed_.end()) return;
    const auto command = std::move(found->second);
    delayed_.erase(found);
    auto reply =
        library_.execute(NexusId{key.first}, command->lun, command->cdb, command->data_out);
    static_cast<void>(settle());
    command->later(std::move(reply));
}

void DriveBay::abandon(NexusId nexus, TaskId task) {
    delayed_.erase({nexus.value, task});
}

// Who waits for an answer is told later, so that a session which asked for the abort has forgotten
// its tasks by then and only a virtual port's caller hears of it.
void DriveBay::drop_delayed(const std::function<bool(const DelayedKey&, const Delayed&)>& which) {
    for (auto at = delayed_.begin(); at != delayed_.end();) {
        if (!which(at->first, *at->second)) {
            ++at;
            continue;
        }
        asio::post(*loop_, [later = std::move(at->second->later)] {
            later(CommandReply{.status = Status::task_aborted, .data_in = {}, .sense = {}});
        });
        at = delayed_.erase(at);
    }
}

bool DriveBay::manage(NexusId nexus, std::uint64_t lun, TaskManagement function) {
    const auto found = drive_of_nexus_.find(nexus.value);
    if (found == drive_of_nexus_.end()) return false;
    const auto drive = found->second;
    switch (function) {
        case TaskManagement::abort_task:
        case TaskManagement::clear_aca:
            break;
        case TaskManagement::abort_task_set:
            drop_delayed(
                [&](const DelayedKey& key, const Delayed&) { return key.first == nexus.value; });
            break;
        case TaskManagement::clear_task_set:
        case TaskManagement::logical_unit_reset:
        case TaskManagement::target_warm_reset:
        case TaskManagement::target_cold_reset:
            drop_delayed(
                [&](const DelayedKey&, const Delayed& command) { return command.drive == drive; });
            break;
    }
    const bool done = library_.manage(nexus, lun, function);
    static_cast<void>(settle());
    return done;
}

Outcome DriveBay::force_offline(const std::string& drive_serial, const std::string& reason) {
    if (auto forced = library_.force_offline(drive_serial, reason); !forced) return forced;
    return settle();
}

Outcome DriveBay::lift_forced_offline(const std::string& drive_serial) {
    if (auto lifted = library_.lift_forced_offline(drive_serial); !lifted) return lifted;
    return settle();
}

void DriveBay::power_cycle() {
    drop_delayed([](const DelayedKey&, const Delayed&) { return true; });
    library_.power_cycle();
    static_cast<void>(settle());
}

Outcome DriveBay::settle() {
    const auto events = library_.take_events();
    if (events.empty()) return agent::core::Nothing{};
    auto saved = state_.save(library_.nonvolatile_state());
    if (!saved && handlers_.save_failed) handlers_.save_failed(saved.error().message);
    if (handlers_.event) {
        for (const auto& event : events)
            handlers_.event(event);
    }
    return saved;
}

}  // namespace drive_iface::vtld
