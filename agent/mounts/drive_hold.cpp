#include "agent/mounts/drive_hold.hpp"

#include <array>

#include "drive_iface/device/fence.hpp"
#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/mount_key.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/device/persistent_reserve_out.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/reserve.hpp"

namespace agent::mounts {

using claims::HeldBy;
using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using drive_iface::PersistentReserveOut;
using drive_iface::ScsiReply;
using drive_iface::Transport;
namespace scsi = drive_iface::scsi;

namespace {

constexpr std::uint16_t reservation_size = 24;
constexpr int hold_rounds_max = 8;
constexpr std::uint8_t exclusive = static_cast<std::uint8_t>(scsi::PrType::exclusive_access);

Outcome order(Transport& drive, const PersistentReserveOut& command, Duration timeout) {
    const auto reply = drive_iface::send(drive, command, timeout);
    if (!reply) return reply.error();
    const bool settled = reply->status == scsi::status::good ||
                         reply->status == scsi::status::reservation_conflict ||
                         drive_iface::is_unit_attention(*reply);
    // Whatever stood against it is seen by the next look.
    if (settled) return Nothing{};
    return Error{std::string(scsi::name(command.action)) + ": " + drive_iface::in_words(*reply)};
}

Outcome register_own(Transport& drive, std::uint64_t own, Duration timeout) {
    return order(
        drive,
        {.action = scsi::PrOutAction::register_and_ignore_existing_key, .service_action_key = own},
        timeout);
}

Outcome preempt(Transport& drive, std::uint64_t own, std::uint64_t dead, Duration timeout) {
    PersistentReserveOut command{.action = scsi::PrOutAction::preempt_and_abort,
                                 .type = exclusive,
                                 .key = own,
                                 .service_action_key = dead};
    const auto reply = drive_iface::send(drive, command, timeout);
    if (!reply) return reply.error();
    if (!drive_iface::says_not_supported(*reply)) return Nothing{};
    command.action = scsi::PrOutAction::preempt;
    return order(drive, command, timeout);
}

}  // namespace

DriveHolder look_at_holder(Transport& drive, std::uint64_t family, std::uint64_t own,
                           Duration timeout) {
    const auto reply = drive_iface::execute_patiently(
        drive,
        {scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation, reservation_size),
         {},
         reservation_size},
        timeout, nullptr);
    if (!reply) return {HeldBy::no_answer, 0, reply.error().message};
    if (reply->status == scsi::status::reservation_conflict)
        return {HeldBy::legacy, 0, "a host holds it by RESERVE"};
    if (reply->status != scsi::status::good)
        return {HeldBy::no_answer, 0, "READ RESERVATION: " + drive_iface::in_words(*reply)};
    const auto data = scsi::decode_read_reservation(reply->data_in);
    if (!data) return {HeldBy::no_answer, 0, data.error().message};
    if (!data->held) return {HeldBy::nobody, 0, "nobody holds it"};
    const auto key = data->held->key;
    const std::string words = "key " + core::reservation_key_text(key);
    if (key == own && data->held->type == exclusive)
        return {HeldBy::own_key, key, words + " of this controller"};
    if (drive_iface::is_mount_key(family, key))
        return {HeldBy::dead_key, key, words + " of a controller that is gone"};
    if (drive_iface::is_fence_key(key))
        return {HeldBy::other, key, words + ", the fence of a controller"};
    return {HeldBy::other, key, words + " of a host"};
}

Result<Hold> hold_drive(Transport& drive, std::uint64_t family, std::uint64_t own,
                        Duration timeout) {
    std::string last;
    for (int round = 0; round < hold_rounds_max; ++round) {
        const auto holder = look_at_holder(drive, family, own, timeout);
        last = holder.words;
        switch (holder.held) {
            case HeldBy::own_key:
                return Hold{};
            case HeldBy::other:
            case HeldBy::legacy:
                return Hold{true, holder.words};
            case HeldBy::no_answer:
                return Error{holder.words};
            case HeldBy::dead_key:
                if (auto done = register_own(drive, own, timeout); !done) return done.error();
                // Registering anew may have changed the key of our own old reservation.
                if (look_at_holder(drive, family, own, timeout).held != HeldBy::dead_key) continue;
                if (auto done = preempt(drive, own, holder.key, timeout); !done)
                    return done.error();
                continue;
            case HeldBy::nobody:
                if (auto done = register_own(drive, own, timeout); !done) return done.error();
                if (auto done =
                        order(drive,
                              {.action = scsi::PrOutAction::reserve, .type = exclusive, .key = own},
                              timeout);
                    !done)
                    return done.error();
                continue;
        }
    }
    return Error{"the reservation did not come to stand in " + std::to_string(hold_rounds_max) +
                 " attempts; " + last};
}

Outcome let_go_of_drive(Transport& drive, std::uint64_t family, std::uint64_t own,
                        Duration timeout) {
    const auto holder = look_at_holder(drive, family, own, timeout);
    if (holder.held == HeldBy::no_answer) return Error{holder.words};
    if (holder.held == HeldBy::dead_key) {
        if (auto held = hold_drive(drive, family, own, timeout); !held) return held.error();
    }
    const auto lifted = drive_iface::lift_fence(drive, own, timeout);
    if (!lifted) return lifted.error();
    return Nothing{};
}

Result<bool> let_go_of_left_key(Transport& drive, std::uint64_t family, std::uint64_t own,
                                Duration timeout) {
    const auto holder = look_at_holder(drive, family, own, timeout);
    if (holder.held == HeldBy::no_answer) return Error{holder.words};
    // A key of this epoch may be of a controller that serves beside this one.
    const bool left =
        holder.held == HeldBy::own_key ||
        (holder.held == HeldBy::dead_key && drive_iface::is_newer_mount_key(own, holder.key));
    if (!left) return false;
    if (auto gone = let_go_of_drive(drive, family, own, timeout); !gone) return gone.error();
    return true;
}

Result<DriveReadiness> look_at_readiness(Transport& drive, Duration timeout) {
    const auto cdb = scsi::test_unit_ready_cdb();
    const auto reply = drive_iface::execute_patiently(drive, {cdb, {}, 0}, timeout, nullptr);
    if (!reply) return reply.error();
    if (reply->status == scsi::status::good) return DriveReadiness{Readiness::ready, false, ""};
    const std::string words = "TEST UNIT READY: " + drive_iface::in_words(*reply);
    const auto sense = drive_iface::sense_of(*reply);
    if (reply->status == scsi::status::busy || reply->status == scsi::status::task_set_full)
        return DriveReadiness{Readiness::becoming_ready, false, words};
    if (!sense) return DriveReadiness{Readiness::failed, false, words};
    const auto code = sense->additional;
    if (sense->key == scsi::SenseKey::unit_attention ||
        code == scsi::additional_sense::becoming_ready)
        return DriveReadiness{Readiness::becoming_ready, false, words};
    if (code.asc == scsi::additional_sense::medium_not_present.asc)
        return DriveReadiness{Readiness::empty, false, words};
    return DriveReadiness{Readiness::failed, sense->key == scsi::SenseKey::hardware_error, words};
}

Outcome unload_drive(Transport& drive, Duration timeout) {
    const std::array<std::uint8_t, 6> allow{
        scsi::opcode::prevent_allow_medium_removal, 0, 0, 0, 0, 0};
    const auto allowed = drive_iface::execute_patiently(drive, {allow, {}, 0}, timeout, nullptr);
    if (!allowed) return allowed.error();
    const std::array<std::uint8_t, 6> unload{scsi::opcode::load_unload, 0, 0, 0, 0, 0};
    const auto reply = drive_iface::execute_patiently(drive, {unload, {}, 0}, timeout, nullptr);
    if (!reply) return reply.error();
    if (reply->status == scsi::status::good) return Nothing{};
    const auto sense = drive_iface::sense_of(*reply);
    if (sense && sense->additional.asc == scsi::additional_sense::medium_not_present.asc)
        return Nothing{};
    return Error{"LOAD UNLOAD: " + drive_iface::in_words(*reply)};
}

}  // namespace agent::mounts
