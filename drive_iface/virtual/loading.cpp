#include "drive_iface/virtual/loading.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/cleaning.hpp"
#include "drive_iface/virtual/medium_attributes.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::InitiatorPort;
using agent::core::same_host_port;
using MediumState = TapeState::MediumState;

bool is_among(const std::vector<InitiatorPort>& ports, const InitiatorPort& port) {
    return std::any_of(ports.begin(), ports.end(),
                       [&](const InitiatorPort& one) { return same_host_port(one, port); });
}

void fail_to_load(TapeState& drive, std::string trouble) {
    drive.medium = MediumState::unreadable;
    drive.trouble = std::move(trouble);
    drive.alerts.raise(TapeAlert::loading_failure);
}

void unthread(TapeUser& user) {
    user.tape = {};
    user.stream = nullptr;
    user.writers.clear();
    user.given_up = false;
}

void start_over(TapeState& drive) {
    unthread(drive.shared);
    for (auto& [nexus, user] : drive.own)
        unthread(user);
    drive.since_load = {};
    drive.alerts.new_cartridge();
    drive.trouble.clear();
    drive.unloaded_by_host = false;
    drive.cleaner.reset();
    drive.cleaner_used_up = drive.cleaned_before = false;
}

// What the cartridge before it lost is none of the next one's business.
void forget_losses(TapeState& drive) {
    const auto forget = [](TapeUser& user) {
        user.owed.clear();
        user.owed_to_anybody = false;
    };
    forget(drive.shared);
    for (auto& [nexus, user] : drive.own)
        forget(user);
    drive.lost_at_unload = false;
}

// The auxiliary memory tells where the cartridge was and what was done to it.
void note(Cartridge& cartridge, const std::function<void(MediumAttributes&)>& what) {
    if (cartridge.facts().write_protected) return;
    MediumAttributes attributes = cartridge.attributes();
    what(attributes);
    if (attributes != cartridge.attributes()) cartridge.set_attributes(std::move(attributes));
}

void become_ready(TapeState& drive) {
    drive.medium = MediumState::loaded;
    ++drive.since_power_on.loads;
    ++drive.since_load.loads;
}

// A parallel drive is ready at once: each nexus opens a view of its own when it needs it.
Settled go_on_opening(TapeState& drive) {
    if (drive.parallel != nullptr) {
        become_ready(drive);
        return Settled::became_ready;
    }
    if (drive.shelf == nullptr) {
        fail_to_load(drive, "cartridge " + drive.barcode + ": this drive has no shelf");
        return Settled::not_loaded;
    }
    auto opened = drive.shelf->open(drive.barcode);
    if (!opened) return Settled::nothing;
    if (!opened->ok()) {
        fail_to_load(drive, opened->error().message);
        return Settled::not_loaded;
    }
    auto cartridge = std::move(*opened).value();
    if (cartridge->facts().cleaning) {
        begin_cleaning(drive, std::move(cartridge));
        return Settled::not_loaded;
    }
    if (drive.progress) cartridge->on_progress(drive.progress);
    note(*cartridge, [&drive](MediumAttributes& attributes) {
        note_load(attributes, drive.vendor, drive.serial);
    });
    drive.shared.tape = Tape{.cartridge = std::move(cartridge)};
    suffer(drive.shared.tape, drive.faults);
    become_ready(drive);
    return Settled::became_ready;
}

// A parallel cartridge's stream is finished by its host's UNLOAD, or by the robot.
void finish(TapeUser& user) {
    if (user.stream != nullptr) user.stream->complete();
}

void lose_power(TapeUser& user) {
    if (user.tape.cartridge) user.tape.cartridge->lose_power();
}

// A failure ends the wait as well, and is looked for first: storage that stays broken would be
// asked to synchronise for ever.
bool is_stored(TapeState& drive, TapeUser& user) {
    if (take_lost_writes(drive, user)) user.given_up = drive.lost_at_unload = true;
    return !user.tape.cartridge || user.given_up || synchronise(user.tape);
}

Settled go_on_unloading(TapeState& drive) {
    bool stored = is_stored(drive, drive.shared);
    for (auto& [nexus, user] : drive.own)
        stored = is_stored(drive, user) && stored;
    if (!stored) return Settled::nothing;
    unthread(drive.shared);
    for (auto& [nexus, user] : drive.own)
        unthread(user);
    drive.medium = MediumState::unloaded;
    if (std::exchange(drive.threads_again, false)) {
        start_over(drive);
        drive.medium = MediumState::opening;
    }
    return Settled::unloaded;
}

}  // namespace

void insert_cartridge(TapeState& drive, const std::string& barcode) {
    AGENT_ASSERT(drive.medium == MediumState::absent && !barcode.empty());
    start_over(drive);
    forget_losses(drive);
    drive.barcode = barcode;
    drive.medium = MediumState::opening;
    drive.loaded_by.reset();
}

bool can_be_taken(const TapeState& drive) {
    return drive.medium == MediumState::unloaded || drive.medium == MediumState::unreadable ||
           drive.medium == MediumState::cleaned;
}

std::string take_cartridge(TapeState& drive) {
    AGENT_ASSERT(can_be_taken(drive));
    drive.medium = MediumState::absent;
    drive.held = false;
    drive.cleaner.reset();
    return std::exchange(drive.barcode, {});
}

void begin_load(TapeState& drive, std::optional<NexusId> by) {
    if (drive.medium != MediumState::unloaded && drive.medium != MediumState::unreadable) return;
    start_over(drive);
    drive.medium = MediumState::opening;
    drive.held = false;
    drive.loaded_by = by;
}

void begin_unload(TapeState& drive, bool hold) {
    if (drive.medium == MediumState::cleaned) {
        drive.cleaner.reset();
        drive.medium = MediumState::unloaded;
        drive.held = hold;
        return;
    }
    if (drive.medium != MediumState::loaded && drive.medium != MediumState::unloading) {
        drive.held = drive.held && hold;
        return;
    }
    drive.held = hold;
    if (drive.medium == MediumState::unloading) return;
    drive.medium = MediumState::unloading;
    // What failed before leaves something to be stored all the same.
    drive.lost_at_unload = take_lost_writes(drive, drive.shared);
    if (drive.shared.tape.cartridge) {
        note(*drive.shared.tape.cartridge, [&drive](MediumAttributes& attributes) {
            note_written(attributes, drive.since_load);
        });
    }
    finish(drive.shared);
    for (auto& [nexus, user] : drive.own)
        finish(user);
}

Settled settle(TapeState& drive) {
    switch (drive.medium) {
        case MediumState::opening:
            return go_on_opening(drive);
        case MediumState::unloading:
            return go_on_unloading(drive);
        case MediumState::cleaning:
            go_on_cleaning(drive);
            return Settled::nothing;
        case MediumState::absent:
        case MediumState::loaded:
        case MediumState::unloaded:
        case MediumState::unreadable:
        case MediumState::cleaned:
            return Settled::nothing;
    }
    return Settled::nothing;
}

void reset(TapeState& drive) {
    drive.shared.mode = {};
    if (drive.shared.tape.cartridge) drive.shared.tape.cartridge->synchronise();
    drive.own.clear();
    drive.echo_buffers.clear();
}

void power_cycle(TapeState& drive, Cache cache) {
    const bool stores = cache == Cache::kept && (drive.medium == MediumState::loaded ||
                                                 drive.medium == MediumState::unloading);
    if (stores) {
        drive.medium = MediumState::unloading;
        drive.threads_again = true;
        drive.since_power_on = {};
        drive.held = false;
        drive.loaded_by.reset();
        drive.shared.mode = {};
        return;
    }
    lose_power(drive.shared);
    // A cleaning that had begun begins again; what stood there otherwise has been loaded before.
    const bool begins = drive.medium == MediumState::opening && !drive.cleaned_before;
    const bool cleaned_before = drive.medium != MediumState::cleaning && !begins;
    if (drive.medium == MediumState::cleaning) drive.cleaner->lose_power();
    for (auto& [nexus, user] : drive.own)
        lose_power(user);
    start_over(drive);
    drive.cleaned_before = cleaned_before;
    drive.shared.mode = {};
    drive.own.clear();
    drive.since_power_on = {};
    drive.held = false;
    drive.loaded_by.reset();
    drive.medium = drive.barcode.empty() ? MediumState::absent : MediumState::opening;
}

void finish_stream(TapeState& drive, NexusId nexus) {
    const auto user = drive.own.find(nexus);
    if (user != drive.own.end()) finish(user->second);
}

void set_faults(TapeState& drive, TapeFaults faults) {
    drive.faults = std::move(faults);
    suffer(drive.shared.tape, drive.faults);
    for (auto& [nexus, user] : drive.own)
        suffer(user.tape, drive.faults);
}

void forget_nexus(TapeState& drive, NexusId nexus) {
    drive.alerts.forget(nexus);
    drive.own.erase(nexus);
    drive.echo_buffers.erase(nexus);
}

bool take_lost_writes(TapeState& drive, TapeUser& user) {
    if (!user.tape.cartridge) return false;
    auto fault = take_fault(user.tape);
    if (!fault) return false;
    drive.trouble = std::move(fault->message);
    ++drive.since_power_on.write_errors;
    ++drive.since_load.write_errors;
    for (const auto flag : {TapeAlert::hard_error, TapeAlert::media, TapeAlert::write_failure})
        drive.alerts.raise(flag);
    user.owed_to_anybody = user.writers.empty();
    for (auto& writer : user.writers) {
        if (!is_among(user.owed, writer)) user.owed.push_back(std::move(writer));
    }
    user.writers.clear();
    return true;
}

void note_writer(TapeUser& user, const InitiatorPort& port) {
    if (!is_among(user.writers, port)) user.writers.push_back(port);
}

bool take_owed(TapeUser& user, const InitiatorPort& port) {
    const bool anybody = std::exchange(user.owed_to_anybody, false);
    return std::erase_if(user.owed,
                         [&](const InitiatorPort& owed) { return same_host_port(owed, port); }) >
               0 ||
           anybody;
}

TapeUser& user_of(TapeState& drive, NexusId nexus) {
    return drive.parallel == nullptr ? drive.shared : drive.own[nexus];
}

}  // namespace drive_iface::virtual_library
