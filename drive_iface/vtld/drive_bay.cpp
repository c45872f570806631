#include "drive_iface/vtld/drive_bay.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::vtld {

using agent::core::Outcome;
using virtual_library::Status;

namespace {

constexpr std::size_t delayed_max = 4096;

CommandReply with_status(Status status) {
    return {.status = status, .data_in = {}, .sense = {}};
}

}  // namespace

struct DriveBay::Delayed {
    Command command;
    std::unique_ptr<asio::steady_timer> timer;  // none: never answered
};

DriveBay::DriveBay(asio::io_context& loop, virtual_library::Library library, StateFile state,
                   Handlers handlers, std::string changer_serial)
    : loop_(&loop),
      library_(std::move(library)),
      state_(std::move(state)),
      handlers_(std::move(handlers)),
      changer_serial_(std::move(changer_serial)) {
    library_.on_progress([this] { progressed(); });
    library_.set_clock([] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    });
}

DriveBay::~DriveBay() {
    library_.on_progress({});
    *alive_ = false;
}

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
    if (!changer_serial_.empty()) targets.push_back(iscsi::changer_target(changer_serial_));
    return targets;
}

agent::core::Result<NexusId> DriveBay::nexus_established(const std::string& device,
                                                         const agent::core::InitiatorPort& port) {
    auto nexus = library_.nexus_established(device, port);
    if (nexus) device_of_nexus_[nexus->value] = device;
    static_cast<void>(changed());
    return nexus;
}

void DriveBay::nexus_lost(NexusId nexus) {
    drop([&](const Command& command) { return command.nexus == nexus; });
    library_.nexus_lost(nexus);
    device_of_nexus_.erase(nexus.value);
    static_cast<void>(changed());
}

void DriveBay::logged_out(NexusId nexus) {
    drop([&](const Command& command) { return command.nexus == nexus; });
    library_.logged_out(nexus);
    device_of_nexus_.erase(nexus.value);
    static_cast<void>(changed());
}

std::size_t DriveBay::data_out_length(NexusId nexus, iscsi::ByteView cdb) {
    return library_.data_out_length(nexus, cdb);
}

std::optional<CommandReply> DriveBay::execute(NexusId nexus, TaskId task, std::uint64_t lun,
                                              iscsi::ByteView cdb, iscsi::Bytes& data_out,
                                              Later later) {
    const bool usual = faults_.all().empty() && waiting_.size() == 0;
    const virtual_library::CommandNumber number{++last_command_};
    if (usual) {  // without a copy of anything
        auto answer = library_.execute(nexus, lun, cdb, data_out, number);
        settle_before(nexus, cdb, answer);
        if (answer) return answer;
    }
    const auto device = device_of_nexus_.find(nexus.value);
    Command command{.nexus = nexus,
                    .task = task,
                    .device = device == device_of_nexus_.end() ? std::string{} : device->second,
                    .lun = lun,
                    .cdb = {cdb.begin(), cdb.end()},
                    .data_out = std::move(data_out),
                    .later = std::move(later),
                    .number = number,
                    .begun = usual};
    if (usual) return keep_waiting(command);
    if (!command.device.empty() && !cdb.empty()) {
        if (const auto fault = faults_.meet(command.device, cdb[0]))
            return meet_fault(*fault, command);
    }
    return begin(command);
}

std::optional<CommandReply> DriveBay::meet_fault(const Fault& fault, Command& command) {
    switch (fault.kind) {
        case FaultKind::busy:
            return with_status(Status::busy);
        case FaultKind::sense:
        case FaultKind::write_error:
        case FaultKind::read_error:
            return CommandReply{.status = Status::check_condition,
                                .data_in = {},
                                .sense = scsi::encode_fixed_sense(fault.sense)};
        case FaultKind::media_error:
        case FaultKind::early_warning:
        case FaultKind::storage_error:
            break;  // the tape's, not the command's
        case FaultKind::slow:
        case FaultKind::silent:
            if (delayed_.size() >= delayed_max) return with_status(Status::task_set_full);
            delay(fault, command);
            return std::nullopt;
    }
    return std::nullopt;
}

// Commands of a nexus that need the medium stay in order. Others pass: who wants a wedged drive for
// itself must get through to it with its own commands waiting there.
std::optional<CommandReply> DriveBay::begin(Command& command) {
    const bool behind =
        waiting_.has(command.nexus) && library_.uses_medium(command.nexus, command.cdb);
    if (!behind) {
        auto answer = ask(command);
        settle_before(command.nexus, command.cdb, answer);
        if (answer) return answer;
    }
    return keep_waiting(command);
}

std::optional<CommandReply> DriveBay::ask(Command& command) {
    command.begun = true;
    return library_.execute(command.nexus, command.lun, command.cdb, command.data_out,
                            command.number);
}

std::optional<CommandReply> DriveBay::keep_waiting(Command& command) {
    const auto nexus = command.nexus;
    const bool begun = command.begun;
    if (waiting_.add(std::move(command))) return std::nullopt;
    if (begun) library_.abandon(nexus);
    return with_status(Status::task_set_full);
}

void DriveBay::delay(const Fault& fault, Command& command) {
    const DelayedKey key{command.nexus.value, command.task};
    auto& delayed = delayed_[key];
    delayed = std::make_unique<Delayed>();
    delayed->command = std::move(command);
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
    const auto delayed = std::move(found->second);
    delayed_.erase(found);
    const auto later = delayed->command.later;
    if (auto reply = begin(delayed->command)) later(std::move(*reply));
}

void DriveBay::progressed() {
    library_.proceed();
    auto finished = waiting_.proceed([this](Command& command) { return ask(command); });
    static_cast<void>(settle());
    // Each may bring new commands.
    for (auto& [later, reply] : finished)
        later(std::move(reply));
}

// From the loop, so that whoever changed something has returned by then.
void DriveBay::progress_soon() {
    if (waiting_.size() == 0 || progress_posted_) return;
    progress_posted_ = true;
    asio::post(*loop_, [this, alive = alive_] {
        if (!*alive) return;
        progress_posted_ = false;
        progressed();
    });
}

void DriveBay::abandon(NexusId nexus, TaskId task) {
    delayed_.erase({nexus.value, task});
    const auto taken = waiting_.take(
        [&](const Command& command) { return command.nexus == nexus && command.task == task; });
    for (const auto& command : taken) {
        if (command.begun) library_.abandon(nexus);
    }
    progress_soon();
}

// Who waits for an answer is told later, so that a session which asked for the abort has forgotten
// its tasks by then and only a virtual port's caller hears of it.
void DriveBay::drop(const std::function<bool(const Command&)>& which) {
    auto dropped = waiting_.take(which);
    for (const auto& command : dropped) {
        if (command.begun) library_.abandon(command.nexus);
    }
    for (auto at = delayed_.begin(); at != delayed_.end();) {
        if (!which(at->second->command)) {
            ++at;
            continue;
        }
        dropped.push_back(std::move(at->second->command));
        at = delayed_.erase(at);
    }
    for (auto& command : dropped) {
        asio::post(*loop_, [later = std::move(command.later)] {
            later(with_status(Status::task_aborted));
        });
    }
}

bool DriveBay::manage(NexusId nexus, std::uint64_t lun, TaskManagement function) {
    const auto found = device_of_nexus_.find(nexus.value);
    if (found == device_of_nexus_.end()) return false;
    const auto device = found->second;
    switch (function) {
        case TaskManagement::abort_task:
        case TaskManagement::clear_aca:
            break;
        case TaskManagement::abort_task_set:
            drop([&](const Command& command) { return command.nexus == nexus; });
            break;
        case TaskManagement::clear_task_set:
        case TaskManagement::logical_unit_reset:
        case TaskManagement::target_warm_reset:
        case TaskManagement::target_cold_reset:
            drop([&](const Command& command) { return command.device == device; });
            break;
    }
    const bool done = library_.manage(nexus, lun, function);
    static_cast<void>(changed());
    return done;
}

Outcome DriveBay::force_offline(const std::string& drive_serial, const std::string& reason) {
    if (auto forced = library_.force_offline(drive_serial, reason); !forced) return forced;
    return changed_for_good();
}

Outcome DriveBay::lift_forced_offline(const std::string& drive_serial) {
    if (auto lifted = library_.lift_forced_offline(drive_serial); !lifted) return lifted;
    return changed_for_good();
}

// Also when it was so before and nothing has changed: that may not have been saved.
Outcome DriveBay::changed_for_good() {
    if (auto settled = changed(); !settled) return settled;
    return save();
}

void DriveBay::power_cycle(virtual_library::Cache cache) {
    drop([](const Command&) { return true; });
    library_.power_cycle(cache);
    static_cast<void>(changed());
}

Outcome DriveBay::changed() {
    progress_soon();
    return settle();
}

Outcome DriveBay::settle() {
    for (const NexusId victim : library_.take_aborted()) {
        drop([&](const Command& command) { return command.nexus == victim; });
        progress_soon();
    }
    const auto events = library_.take_events();
    if (events.empty()) return agent::core::Nothing{};
    auto saved = save();
    if (handlers_.event) {
        for (const auto& event : events)
            handlers_.event(event);
    }
    return saved;
}

// Registrations that are to survive the loss of power are not GOOD before they are on disk (SPC-4
// 5.13.5). They are in force all the same: the host may ask again, which saves them again.
void DriveBay::settle_before(NexusId nexus, iscsi::ByteView cdb,
                             std::optional<CommandReply>& answer) {
    auto saved = settle();
    const bool promises = answer && answer->status == Status::good && !cdb.empty() &&
                          cdb[0] == scsi::opcode::persistent_reserve_out &&
                          library_.keeps_registrations(nexus);
    if (!promises) return;
    if (saved) saved = save();
    if (saved) return;
    answer = CommandReply{.status = Status::check_condition,
                          .data_in = {},
                          .sense = scsi::encode_fixed_sense(
                              {.key = scsi::SenseKey::hardware_error,
                               .additional = scsi::additional_sense::internal_target_failure})};
}

Outcome DriveBay::save() {
    auto saved = state_.save(library_.nonvolatile_state());
    if (!saved && handlers_.save_failed) handlers_.save_failed(saved.error().message);
    return saved;
}

}  // namespace drive_iface::vtld
