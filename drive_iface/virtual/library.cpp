#include "drive_iface/virtual/library.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/changer.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/nonvolatile.hpp"
#include "drive_iface/virtual/replies.hpp"
#include "drive_iface/virtual/stock.hpp"

namespace drive_iface::virtual_library {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

class Library::State {
  public:
    using Target = std::variant<Drive*, Changer*>;

    State(CartridgeShelf& shelf, VirtualVolumes* volumes) : stock(shelf, volumes) {}
    ~State() { stock.on_progress({}); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // Events nobody takes are dropped, oldest first: each carries the whole reservation, so the
    // newest says it all.
    static constexpr std::size_t events_max = 4096;

    Stock stock;
    std::function<void()> progress;
    std::vector<Drive> drives;
    std::optional<Changer> changer;  // always, once constructed
    std::map<NexusId, Target> target_of;
    std::uint64_t last_nexus = 0;
    std::vector<LibraryEvent> events;

    Drive* find(const std::string& serial) {
        const auto found = std::find_if(
            drives.begin(), drives.end(),
            [&serial](const Drive& drive) { return drive.unit().identity.serial == serial; });
        return found == drives.end() ? nullptr : &*found;
    }

    std::optional<Target> target(const std::string& serial) {
        if (Drive* drive = find(serial)) return drive;
        if (changer->unit().identity.serial == serial) return &*changer;
        return std::nullopt;
    }

    std::optional<Target> target(NexusId nexus) {
        const auto found = target_of.find(nexus);
        if (found == target_of.end()) return std::nullopt;
        return found->second;
    }

    static LogicalUnit& unit_of(const Target& target) {
        return std::visit([](auto* device) -> LogicalUnit& { return device->unit(); }, target);
    }

    void settle() {
        for (Drive& drive : drives)
            drive.settle();
    }

    void limit_events() {
        if (events.size() <= events_max) return;
        events.erase(events.begin(), events.end() - events_max);
    }
};

namespace {

Error unknown_drive(const std::string& serial) {
    return Error{"the virtual library has no drive " + serial};
}

std::string word(TapeState::MediumState medium) {
    switch (medium) {
        case TapeState::MediumState::absent:
            return "absent";
        case TapeState::MediumState::opening:
            return "opening";
        case TapeState::MediumState::loaded:
            return "loaded";
        case TapeState::MediumState::unloading:
            return "unloading";
        case TapeState::MediumState::unloaded:
            return "unloaded";
        case TapeState::MediumState::unreadable:
            return "unreadable";
        case TapeState::MediumState::cleaning:
            return "cleaning";
        case TapeState::MediumState::cleaned:
            return "cleaned";
    }
    return {};
}

std::string word(ElementType type) {
    switch (type) {
        case ElementType::transport:
            return "transport";
        case ElementType::storage:
            return "storage";
        case ElementType::import_export:
            return "import_export";
        case ElementType::data_transfer:
            return "data_transfer";
    }
    return {};
}

Library::DriveStatus status_of(const Drive& drive) {
    const LogicalUnit& unit = drive.unit();
    const TapeState& tape = drive.state().tape;
    Library::DriveStatus status{.serial = unit.identity.serial,
                                .vendor = unit.identity.vendor,
                                .product = unit.identity.product,
                                .element_address = drive.state().element_address,
                                .parallel = tape.parallel != nullptr,
                                .reservation = unit.reservations.described(),
                                .forced_offline = unit.forced_offline,
                                .forced_offline_reason = unit.forced_offline_reason,
                                .logged_in = {},
                                .registrations = unit.reservations.registrations().size(),
                                .barcode = tape.barcode,
                                .medium = word(tape.medium),
                                .medium_error = tape.trouble};
    for (const auto& [id, nexus] : unit.nexuses)
        status.logged_in.push_back(nexus.port);
    return status;
}

NonvolatileDrive kept_of(const LogicalUnit& unit) {
    NonvolatileDrive entry;
    if (unit.forced_offline) entry.forced_offline_reason = unit.forced_offline_reason;
    if (unit.reservations.persists_through_power_loss()) {
        entry.registrations = unit.reservations.registrations();
        entry.reservation = unit.reservations.persistent();
    }
    return entry;
}

}  // namespace

Library::Library(LibraryDescription description, CartridgeShelf& shelf,
                 ParallelCartridges* parallel, VirtualVolumes* volumes)
    : state_(std::make_unique<State>(shelf, volumes)) {
    const auto progress = [state = state_.get()] {
        if (state->progress) state->progress();
    };
    state_->stock.on_progress(progress);
    if (parallel != nullptr) parallel->on_progress(progress);
    state_->drives.reserve(description.drives.size());
    std::vector<PlacedCartridge> at_first;
    for (auto& drive : description.drives) {
        AGENT_ASSERT(state_->find(drive.serial) == nullptr && drive.serial != description.serial);
        Drive& added =
            state_->drives.emplace_back(DriveIdentity{.vendor = description.vendor,
                                                      .product = std::move(drive.product),
                                                      .serial = drive.serial,
                                                      .element_address = drive.element_address,
                                                      .library_serial = description.serial},
                                        &state_->stock, drive.parallel ? parallel : nullptr);
        TapeState& tape = added.state().tape;
        tape.progress = progress;
        if (const Personality* chosen = find_personality(drive.personality))
            tape.personality = chosen;
        if (!drive.cartridge.empty()) {
            at_first.push_back(
                {.barcode = drive.cartridge, .place = "drive " + drive.serial, .source = {}});
        }
    }
    state_->changer.emplace(ChangerIdentity{.vendor = description.vendor,
                                            .product = description.product,
                                            .serial = description.serial,
                                            .slots = description.slots,
                                            .import_export = description.import_export},
                            state_->drives, shelf, volumes);
    place_cartridges(state_->changer->state(), at_first);
    // The configuration only says where one goes when it is there.
    state_->changer->state().missing.clear();
}

Library::~Library() = default;
Library::Library(Library&&) noexcept = default;
Library& Library::operator=(Library&&) noexcept = default;

Result<NexusId> Library::nexus_established(const std::string& serial,
                                           const agent::core::InitiatorPort& port) {
    const auto target = state_->target(serial);
    if (!target) return Error{"the virtual library has no drive or changer " + serial};
    state_->settle();  // what was loaded before it came is no news for it
    LogicalUnit& unit = State::unit_of(*target);
    // The same port logs in again without having said goodbye.
    for (const auto& [id, nexus] : unit.nexuses) {
        if (!same_port(nexus.port, port)) continue;
        nexus_lost(NexusId{id});
        break;
    }
    const NexusId nexus{state_->last_nexus + 1};
    const Outcome outcome = virtual_library::nexus_established(unit, nexus, port, state_->events);
    state_->limit_events();
    if (!outcome) return outcome.error();
    state_->last_nexus = nexus.value;
    state_->target_of.emplace(nexus, *target);
    return nexus;
}

void Library::nexus_lost(NexusId nexus) {
    const auto target = state_->target(nexus);
    if (!target) return;
    std::visit([&](auto* device) { device->nexus_lost(nexus, state_->events); }, *target);
    state_->target_of.erase(nexus);
    state_->limit_events();
}

void Library::logged_out(NexusId nexus) {
    const auto target = state_->target(nexus);
    if (!target) return;
    if (Drive* const* drive = std::get_if<Drive*>(&*target)) (*drive)->complete_stream(nexus);
    nexus_lost(nexus);
}

Answer Library::execute(NexusId nexus, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                        Bytes& data_out, CommandNumber number) {
    const auto target = state_->target(nexus);
    if (!target)
        return check_condition(scsi::SenseKey::aborted_command, scsi::additional_sense::nexus_loss);
    Answer answer = std::visit(
        [&](auto* device) {
            return device->execute(nexus, lun, cdb, data_out, state_->events, number);
        },
        *target);
    state_->limit_events();
    return answer;
}

bool Library::uses_medium(NexusId nexus, std::span<const std::uint8_t> cdb) const {
    const auto target = state_->target(nexus);
    if (!target || cdb.empty()) return false;
    const bool is_drive = std::holds_alternative<Drive*>(*target);
    const CommandRow* row =
        find_command(is_drive ? drive_commands() : changer_commands(), padded(cdb));
    return row != nullptr && row->medium == Medium::used;
}

bool Library::keeps_registrations(NexusId nexus) const {
    const auto target = state_->target(nexus);
    return target && State::unit_of(*target).reservations.persists_through_power_loss();
}

std::vector<NexusId> Library::take_aborted() {
    std::vector<NexusId> all;
    const auto take = [&all](LogicalUnit& unit) {
        all.insert(all.end(), unit.aborted.begin(), unit.aborted.end());
        unit.aborted.clear();
    };
    for (Drive& drive : state_->drives)
        take(drive.unit());
    take(state_->changer->unit());
    return all;
}

void Library::abandon(NexusId nexus) {
    if (const auto target = state_->target(nexus))
        virtual_library::abandon(State::unit_of(*target), nexus);
}

void Library::on_progress(std::function<void()> progress) {
    state_->progress = std::move(progress);
}

void Library::proceed() {
    state_->settle();
}

std::size_t Library::data_out_length(NexusId nexus, std::span<const std::uint8_t> cdb) const {
    const auto target = state_->target(nexus);
    if (!target) return 0;
    if (Drive* const* drive = std::get_if<Drive*>(&*target))
        return (*drive)->data_out_length(nexus, cdb);
    return state_->changer->data_out_length(cdb);
}

bool Library::manage(NexusId nexus, std::uint64_t lun, TaskManagement function) {
    const auto target = state_->target(nexus);
    if (!target) return false;
    const bool complete = std::visit(
        [&](auto* device) { return device->manage(nexus, lun, function, state_->events); },
        *target);
    state_->limit_events();
    return complete;
}

Outcome Library::force_offline(const std::string& drive_serial, const std::string& reason) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    virtual_library::force_offline(drive->unit(), reason, state_->events);
    state_->limit_events();
    return Nothing{};
}

Outcome Library::lift_forced_offline(const std::string& drive_serial) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    virtual_library::lift_forced_offline(drive->unit(), state_->events);
    state_->limit_events();
    return Nothing{};
}

void Library::power_cycle(Cache cache) {
    for (Drive& drive : state_->drives)
        drive.power_cycle(cache, state_->events);
    state_->changer->power_cycle(state_->events);
    state_->limit_events();
}

Outcome Library::lose_reservation(const std::string& serial) {
    const auto target = state_->target(serial);
    if (!target) return unknown_drive(serial);
    virtual_library::lose_reservation(State::unit_of(*target), state_->events);
    state_->limit_events();
    return Nothing{};
}

Outcome Library::set_tape_faults(const std::string& drive_serial, TapeFaults faults) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    set_faults(drive->state().tape, std::move(faults));
    return Nothing{};
}

void Library::set_clock(const std::function<std::uint64_t()>& now_ms) {
    for (Drive& drive : state_->drives)
        drive.unit().clock.now_ms = now_ms;
    state_->changer->unit().clock.now_ms = now_ms;
}

std::vector<LibraryEvent> Library::take_events() {
    return std::exchange(state_->events, {});
}

std::vector<Library::DriveStatus> Library::drives() const {
    std::vector<DriveStatus> all;
    for (const Drive& drive : state_->drives)
        all.push_back(status_of(drive));
    return all;
}

std::string Library::changer_serial() const {
    return state_->changer->unit().identity.serial;
}

std::vector<Library::ElementStatus> Library::elements() const {
    const ChangerState& changer = state_->changer->state();
    std::vector<ElementStatus> all;
    for (const Element& element : changer.elements) {
        const Element* source = element.source ? element_at(changer, *element.source) : nullptr;
        all.push_back({.type = word(element.type),
                       .address = element.address,
                       .place = place_name(changer, element),
                       .barcode = element.barcode,
                       .source = source == nullptr ? std::string{} : place_name(changer, *source),
                       .virtual_volume = element.of_virtual_volume,
                       .cleaning = !element.barcode.empty() && element.cleaning});
    }
    return all;
}

std::vector<std::string> Library::outside() const {
    return state_->changer->state().outside;
}

std::vector<Library::Missing> Library::missing() const {
    std::vector<Missing> all;
    for (const PlacedCartridge& cartridge : state_->changer->state().missing)
        all.push_back({.barcode = cartridge.barcode, .place = cartridge.place});
    return all;
}

bool Library::forget_missing(const std::string& barcode) {
    if (!virtual_library::forget_missing(state_->changer->state(), barcode)) return false;
    state_->events.push_back({.drive = {changer_serial()},
                              .change = LibraryEvent::Change::inventory,
                              .reservation = {},
                              .port = {}});
    state_->limit_events();
    return true;
}

std::string Library::way_back(const std::string& barcode) const {
    const ChangerState& changer = state_->changer->state();
    const Element* slot = virtual_library::way_back(changer, barcode);
    return slot == nullptr ? std::string{} : place_name(changer, *slot);
}

void Library::take_inventory() {
    state_->changer->take_inventory(state_->events);
    state_->limit_events();
}

std::optional<Outcome> Library::move_cartridge(const std::string& barcode,
                                               const std::string& place) {
    auto outcome = state_->changer->move(barcode, place, state_->events);
    state_->limit_events();
    return outcome;
}

std::string Library::nonvolatile_state() const {
    NonvolatileDrives kept;
    for (const Drive& drive : state_->drives)
        kept.emplace(drive.unit().identity.serial, kept_of(drive.unit()));
    NonvolatileDrive changer = kept_of(state_->changer->unit());
    changer.cartridges = placed_cartridges(state_->changer->state());
    for (const PlacedCartridge& missing : state_->changer->state().missing)
        changer.cartridges.push_back(missing);
    kept.emplace(changer_serial(), std::move(changer));
    return to_text(kept);
}

Outcome Library::restore(const std::string& nonvolatile_state) {
    auto kept = nonvolatile_from_text(nonvolatile_state);
    if (!kept) return kept.error();
    // All or nothing: look first, then change.
    for (const auto& [serial, entry] : *kept) {
        Reservations trial;
        if (!trial.restore(entry.registrations, entry.reservation)) {
            return Error{"state of the virtual library: drive " + serial +
                         ": the reservation and the registrations contradict each other"};
        }
    }
    for (auto& [serial, entry] : kept.value()) {
        const auto target = state_->target(serial);
        if (!target) continue;  // taken out of the configuration
        LogicalUnit& unit = State::unit_of(*target);
        static_cast<void>(unit.reservations.restore(std::move(entry.registrations),
                                                    std::move(entry.reservation)));
        unit.forced_offline = entry.forced_offline_reason.has_value();
        unit.forced_offline_reason = entry.forced_offline_reason.value_or("");
        if (entry.cartridges.empty()) continue;
        ChangerState& changer = state_->changer->state();
        place_cartridges(changer, entry.cartridges);
        changer.alerts.set(ChangerAlert::inventory, !changer.missing.empty());
    }
    return Nothing{};
}

}  // namespace drive_iface::virtual_library
