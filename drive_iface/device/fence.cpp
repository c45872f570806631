#include "drive_iface/device/fence.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/device/persistent_reserve_out.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;
using scsi::PrInAction;
using scsi::PrOutAction;

namespace {

// Enough for each command once, each fallback once, and a host or two that are quicker.
constexpr int fence_rounds_max = 16;
constexpr std::uint16_t fence_capabilities_size = 8;
constexpr std::uint16_t fence_reservation_size = 24;
constexpr std::uint16_t fence_keys_size = 8'192;

bool holds_for_all_registrants(const scsi::ReadReservationData::Held& held) {
    const auto type = scsi::pr_type_from_code(held.type);
    return type && scsi::is_all_registrants(*type);
}

std::string type_in_words(std::uint8_t code) {
    const auto type = scsi::pr_type_from_code(code);
    return type ? std::string(scsi::name(*type)) : "type " + std::to_string(code);
}

std::string state_in_words(const FenceView& view) {
    if (view.reserved_by_reserve) return "a host holds it by RESERVE(6) or RESERVE(10)";
    if (!view.held) return "nobody holds a persistent reservation of it";
    const std::string key =
        is_fence_key(view.held->key)
            ? "a controller's key " + agent::core::reservation_key_text(view.held->key)
            : "key " + agent::core::reservation_key_text(view.held->key);
    return "it is reserved with " + key + " (" + type_in_words(view.held->type) + ")";
}

Error blocked_by_reserve() {
    return Error{
        "a host holds the drive by RESERVE(6) or RESERVE(10), and until that ends PERSISTENT "
        "RESERVE OUT conflicts (SPC-2 5.5.1): the drive is not fenced. `lractl drive release "
        "SERIAL --plan` shows how to end it"};
}

}  // namespace

FenceMove next_move_to_raise(const FenceView& view, std::uint64_t key) {
    if (view.reserved_by_reserve) return FenceMove::blocked;
    const bool stands = view.held && view.held->key == key &&
                        view.held->type == static_cast<std::uint8_t>(fence_type);
    if (stands) return FenceMove::done;
    if (!view.registered) return FenceMove::register_key;
    return view.held ? FenceMove::preempt : FenceMove::reserve;
}

FenceMove next_move_to_lift(const FenceView& view, std::uint64_t key) {
    // While anybody is registered RESERVE conflicts (SPC-2 5.5.1): nothing of ours is here.
    if (view.reserved_by_reserve) return FenceMove::done;
    if (!view.held || view.held->key != key) return FenceMove::done;
    return FenceMove::release;
}

std::string to_text(const FenceReport& report) {
    std::string text;
    for (const auto& step : report.steps)
        text += (text.empty() ? "" : ", ") + step;
    if (report.not_aborted)
        text += " (the drive does not know PREEMPT AND ABORT: commands under way go on)";
    return text.empty() ? "nothing to do" : text;
}

// How the drive took a PERSISTENT RESERVE OUT, as far as it matters what to do next.
enum class FenceAnswer : std::uint8_t {
    good,
    again,      // not carried out, for a reason that passes: look and decide anew
    conflict,   // not registered (any more), another holder by now, or a RESERVE
    not_known,  // the service action
    refused,
};

// One call of raise_fence() or lift_fence().
class FenceWork {
  public:
    FenceWork(Transport& drive, std::uint64_t key, Duration timeout)
        : drive_(drive), key_(key), timeout_(timeout) {}

    Result<FenceReport> raise();
    Result<FenceReport> lift();

  private:
    Outcome learn_capabilities();
    Outcome look();
    Outcome make(FenceMove move);
    Outcome register_key();
    Outcome reserve();
    Outcome take_over();
    Outcome give_back();
    Outcome unregister();
    Outcome take_from_earlier_path();
    Result<ScsiReply> ask(PrInAction action, std::uint16_t size);
    Result<std::vector<std::uint64_t>> read_keys();
    Result<bool> persistence_is_active();
    Result<FenceAnswer> out(const PersistentReserveOut& command, const std::string& words);
    // After anything but `refused` the next look decides; no attempt can go on for ever.
    Outcome look_again_unless_refused(const Result<FenceAnswer>& answer, const std::string& words);
    [[nodiscard]] Error trouble(const std::string& what) const {
        const std::string last = refused_ ? ", last answer " + in_words(*refused_) : "";
        return Error{what + last + "; " + state_in_words(view_)};
    }

    Transport& drive_;
    std::uint64_t key_;
    Duration timeout_;
    FenceView view_;
    FenceReport report_;
    bool supported_ = true;        // persistent reservations at all
    bool persist_ = false;         // APTPL may be asked for
    bool ignore_existing_ = true;  // REGISTER AND IGNORE EXISTING KEY is known
    bool abort_ = true;            // PREEMPT AND ABORT is known
    bool released_ = false;
    std::optional<ScsiReply> refused_;  // the last answer that was not GOOD
};

Result<FenceReport> FenceWork::raise() {
    if (auto known = learn_capabilities(); !known) return known.error();
    for (int round = 0; round < fence_rounds_max; ++round) {
        if (auto looked = look(); !looked) return looked.error();
        if (!supported_) {
            return Error{
                "the drive knows no persistent reservations, so it can not be fenced: choose "
                "another offline.actuator"};
        }
        const auto move = next_move_to_raise(view_, key_);
        if (move == FenceMove::done) return report_;
        if (move == FenceMove::blocked) return blocked_by_reserve();
        if (auto made = make(move); !made) return made.error();
    }
    return trouble("the fence did not come to stand in " + std::to_string(fence_rounds_max) +
                   " attempts");
}

Result<FenceReport> FenceWork::lift() {
    for (int round = 0; round < fence_rounds_max; ++round) {
        if (auto looked = look(); !looked) return looked.error();
        if (!supported_ || view_.reserved_by_reserve) return report_;
        const auto move = next_move_to_lift(view_, key_);
        const auto made = move == FenceMove::done ? unregister() : make(move);
        if (!made) return made.error();
        if (move == FenceMove::done) return report_;
    }
    return trouble("the fence could not be lifted in " + std::to_string(fence_rounds_max) +
                   " attempts");
}

// ---- asking

Result<ScsiReply> FenceWork::ask(PrInAction action, std::uint16_t size) {
    return execute_patiently(drive_, {scsi::persistent_reserve_in_cdb(action, size), {}, size},
                             timeout_, nullptr);
}

// What the drive does not say is tried and found out.
Outcome FenceWork::learn_capabilities() {
    const auto reply = ask(PrInAction::report_capabilities, fence_capabilities_size);
    if (!reply) return reply.error().within("REPORT CAPABILITIES");
    if (reply->status != scsi::status::good) return Nothing{};
    const auto capabilities = scsi::decode_report_capabilities(reply->data_in);
    if (!capabilities) return Nothing{};
    persist_ = capabilities->persist_through_power_loss;
    const auto& types = capabilities->types;
    const bool has_type =
        !types || std::find(types->begin(), types->end(), fence_type) != types->end();
    if (has_type) return Nothing{};
    return Error{
        "the drive supports no persistent reservation of type Exclusive Access, so it can not be "
        "fenced: choose another offline.actuator"};
}

Outcome FenceWork::look() {
    view_.held.reset();
    view_.reserved_by_reserve = false;
    const auto reply = ask(PrInAction::read_reservation, fence_reservation_size);
    if (!reply) return reply.error().within("READ RESERVATION");
    if (reply->status == scsi::status::reservation_conflict) {
        view_.reserved_by_reserve = true;
        return Nothing{};
    }
    if (says_not_supported(*reply)) {
        supported_ = false;
        return Nothing{};
    }
    if (reply->status != scsi::status::good) return Error{"READ RESERVATION: " + in_words(*reply)};
    const auto data = scsi::decode_read_reservation(reply->data_in);
    if (!data) return data.error();
    view_.held = data->held;
    return Nothing{};
}

Result<std::vector<std::uint64_t>> FenceWork::read_keys() {
    const auto reply = ask(PrInAction::read_keys, fence_keys_size);
    if (!reply) return reply.error().within("READ KEYS");
    if (reply->status != scsi::status::good) return Error{"READ KEYS: " + in_words(*reply)};
    auto data = scsi::decode_read_keys(reply->data_in);
    if (!data) return data.error();
    return std::move(data).value().keys;
}

Result<bool> FenceWork::persistence_is_active() {
    const auto reply = ask(PrInAction::report_capabilities, fence_capabilities_size);
    if (!reply) return reply.error().within("REPORT CAPABILITIES");
    const auto capabilities = scsi::decode_report_capabilities(reply->data_in);
    return capabilities && capabilities->persist_active;
}

// ---- moving

Outcome FenceWork::make(FenceMove move) {
    switch (move) {
        case FenceMove::register_key:
            return register_key();
        case FenceMove::reserve:
            return reserve();
        case FenceMove::preempt:
            return take_over();
        case FenceMove::release:
            return give_back();
        case FenceMove::done:
        case FenceMove::blocked:
            break;
    }
    return Nothing{};
}

Result<FenceAnswer> FenceWork::out(const PersistentReserveOut& command, const std::string& words) {
    auto reply = send(drive_, command, timeout_);
    if (!reply) return reply.error();
    if (reply->status == scsi::status::good) {
        report_.steps.push_back(words);
        return FenceAnswer::good;
    }
    refused_ = *reply;
    if (reply->status == scsi::status::reservation_conflict) {
        view_.registered = false;  // or somebody was quicker: begin with the key
        return FenceAnswer::conflict;
    }
    const bool passes = is_unit_attention(*reply) || reply->status == scsi::status::busy ||
                        reply->status == scsi::status::task_set_full ||
                        reply->status == scsi::status::task_aborted;
    if (passes) return FenceAnswer::again;
    return says_not_supported(*reply) ? FenceAnswer::not_known : FenceAnswer::refused;
}

Outcome FenceWork::look_again_unless_refused(const Result<FenceAnswer>& answer,
                                             const std::string& words) {
    if (!answer) return answer.error();
    switch (*answer) {
        case FenceAnswer::good:
        case FenceAnswer::again:
        case FenceAnswer::conflict:
            return Nothing{};
        case FenceAnswer::not_known:
        case FenceAnswer::refused:
            break;
    }
    return trouble(words);
}

Outcome FenceWork::register_key() {
    const auto action = ignore_existing_ ? PrOutAction::register_and_ignore_existing_key
                                         : PrOutAction::register_key;
    const std::string words(scsi::name(action));
    auto answer = out({action, 0, 0, key_, persist_}, words);
    if (answer && *answer == FenceAnswer::conflict && !ignore_existing_) {
        // Registered already; with another key than this one only that key's owner could change it.
        answer = out({action, 0, key_, key_, persist_}, words);
    }
    if (!answer) return answer.error();
    switch (*answer) {
        case FenceAnswer::good:
            view_.registered = true;
            return Nothing{};
        case FenceAnswer::again:
            return Nothing{};
        case FenceAnswer::conflict:
            // REGISTER conflicts under a RESERVE only; some drives answer PERSISTENT RESERVE IN
            // then.
            return blocked_by_reserve();
        case FenceAnswer::not_known:
            if (!ignore_existing_) break;
            ignore_existing_ = false;
            return Nothing{};
        case FenceAnswer::refused:
            if (!persist_) break;
            persist_ = false;  // offered by some targets without a place to write it to
            return Nothing{};
    }
    return trouble(words);
}

Outcome FenceWork::reserve() {
    const auto type = static_cast<std::uint8_t>(fence_type);
    return look_again_unless_refused(out({PrOutAction::reserve, type, key_, 0, false}, "RESERVE"),
                                     "RESERVE");
}

Outcome FenceWork::take_over() {
    const auto& held = *view_.held;
    // SPC-4 5.13.11.4: a zero key preempts the all-registrants types, and nothing else.
    const bool everybody = holds_for_all_registrants(held);
    const std::uint64_t victim = everybody ? 0 : held.key;
    if (victim == 0 && !everybody)
        return trouble("the reservation has no key that could be preempted");
    const auto action = abort_ ? PrOutAction::preempt_and_abort : PrOutAction::preempt;
    const auto words =
        std::string(scsi::name(action)) + " of " +
        (everybody ? "all registrants" : "key " + agent::core::reservation_key_text(victim));
    const auto type = static_cast<std::uint8_t>(fence_type);
    const auto answer = out({action, type, key_, victim, false}, words);
    if (answer && *answer == FenceAnswer::not_known && abort_) {
        abort_ = false;
        return Nothing{};
    }
    if (answer && *answer == FenceAnswer::good && !abort_) report_.not_aborted = true;
    return look_again_unless_refused(answer, words);
}

// RELEASE asks for a registration, and releases nothing when the holder is another nexus with the
// same key: an earlier path of this controller.
Outcome FenceWork::give_back() {
    if (std::exchange(released_, false)) return take_from_earlier_path();
    const auto answer = out({PrOutAction::release, view_.held->type, key_, 0, false}, "RELEASE");
    if (answer && *answer == FenceAnswer::conflict) return register_key();
    released_ = answer && *answer == FenceAnswer::good;
    return look_again_unless_refused(answer, "RELEASE");
}

// PREEMPT of the own key: a reservation moves to this path, registrations elsewhere are removed.
Outcome FenceWork::take_from_earlier_path() {
    const std::string words = "PREEMPT of what an earlier path of this controller left";
    if (auto registered = register_key(); !registered) return registered;
    const auto type = view_.held ? view_.held->type : static_cast<std::uint8_t>(fence_type);
    return look_again_unless_refused(out({PrOutAction::preempt, type, key_, key_, false}, words),
                                     words);
}

// The last REGISTER says for the whole logical unit whether registrations survive power loss: those
// of hosts keep what they have now.
Outcome FenceWork::unregister() {
    bool on_this_path = true;
    for (int round = 0; round < fence_rounds_max; ++round) {
        const auto keys = read_keys();
        if (!keys) return keys.error();
        const auto ours = static_cast<std::size_t>(std::count(keys->begin(), keys->end(), key_));
        if (ours == 0) return Nothing{};
        if (!on_this_path) {
            if (auto taken = take_from_earlier_path(); !taken) return taken;
            on_this_path = true;
            continue;
        }
        Result<bool> persists = false;
        if (ours < keys->size()) persists = persistence_is_active();
        if (!persists) return persists.error();
        const auto gone =
            out({PrOutAction::register_key, 0, key_, 0, *persists}, "REGISTER of no key");
        if (auto fine = look_again_unless_refused(gone, "REGISTER of no key"); !fine) return fine;
        on_this_path = *gone == FenceAnswer::again;
    }
    return trouble("the controller's registration could not be removed");
}

Result<FenceReport> raise_fence(Transport& drive, std::uint64_t key, Duration timeout) {
    return FenceWork(drive, key, timeout).raise();
}

Result<FenceReport> lift_fence(Transport& drive, std::uint64_t key, Duration timeout) {
    return FenceWork(drive, key, timeout).lift();
}

}  // namespace drive_iface
