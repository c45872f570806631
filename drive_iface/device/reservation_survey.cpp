#include "drive_iface/device/reservation_survey.hpp"

#include <utility>

#include "drive_iface/device/fence.hpp"
#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/device/persistent_reserve_out.hpp"
#include "drive_iface/device/reservation_reader.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;
using scsi::PrInAction;
using scsi::PrOutAction;

namespace {

constexpr std::uint16_t survey_list_size = 8'192;
constexpr std::uint16_t survey_reservation_size = 24;
constexpr std::uint16_t status_page_size = 1'024;
constexpr int preempt_attempts_max = 8;

// GOOD, or why not.
Result<scsi::Bytes> survey_answer(Transport& drive, std::span<const std::uint8_t> cdb,
                                  std::size_t size, Duration timeout, const std::string& what) {
    auto reply = execute_patiently(drive, {cdb, {}, size}, timeout, nullptr);
    if (!reply) return reply.error().within(what);
    if (reply->status != scsi::status::good) return Error{what + ": " + in_words(*reply)};
    return std::move(reply.value().data_in);
}

Result<scsi::Bytes> read_in(Transport& drive, PrInAction action, std::uint16_t size,
                            Duration timeout, const std::string& what) {
    return survey_answer(drive, scsi::persistent_reserve_in_cdb(action, size), size, timeout, what);
}

void add_registrants(ReservationSurvey& survey, Transport& drive, Duration timeout) {
    const auto full =
        read_in(drive, PrInAction::read_full_status, survey_list_size, timeout, "READ FULL STATUS");
    if (full) {
        if (const auto data = scsi::decode_read_full_status(*full)) {
            for (const auto& entry : data->descriptors)
                survey.registrants.push_back({entry.key, entry.port, entry.holder});
            return;
        }
    }
    const auto keys = read_in(drive, PrInAction::read_keys, survey_list_size, timeout, "READ KEYS");
    if (!keys) return;
    const auto data = scsi::decode_read_keys(*keys);
    if (!data) return;
    const auto& held = survey.reservation.persistent;
    for (const auto key : data->keys)
        survey.registrants.push_back({key, std::nullopt, held && held->key == key});
}

void add_status(ReservationSurvey& survey, Transport& drive, Duration timeout) {
    const auto page = survey_answer(
        drive, scsi::log_sense_cdb(scsi::log_page_code::dt_device_status, 0, status_page_size),
        status_page_size, timeout, "LOG SENSE page 11h");
    if (!page) {
        survey.no_status = page.error().message;
        return;
    }
    const auto data = scsi::decode_dt_device_status(*page);
    if (data) survey.status = data->very_high_frequency;
    if (!survey.status) {
        survey.no_status =
            data ? "log page 11h has no very high frequency data" : data.error().message;
    }
}

Result<std::optional<PersistentReservation>> held_now(Transport& drive, Duration timeout) {
    const auto answer = read_in(drive, PrInAction::read_reservation, survey_reservation_size,
                                timeout, "READ RESERVATION");
    if (!answer) return answer.error();
    const auto data = scsi::decode_read_reservation(*answer);
    if (!data) return data.error();
    if (!data->held) return std::optional<PersistentReservation>();
    return std::optional(PersistentReservation{data->held->type, data->held->key});
}

Outcome preempt_exactly(Transport& drive, std::uint64_t key, const PersistentReservation& expected,
                        Duration timeout) {
    const auto type = scsi::pr_type_from_code(expected.type);
    const bool everybody = type && scsi::is_all_registrants(*type);
    const std::uint64_t victim = everybody ? 0 : expected.key;
    // Of a type that shows whose it is: an all-registrants reservation has the key 0 again.
    const auto taken_as = everybody ? static_cast<std::uint8_t>(fence_type) : expected.type;
    std::string last;
    for (int attempt = 0; attempt < preempt_attempts_max; ++attempt) {
        const auto held = held_now(drive, timeout);
        if (!held) return held.error();
        if (!*held || **held != expected) {
            if (*held && (*held)->key == key) return Nothing{};  // ours: that was the preemption
            if (attempt > 0 && !*held) return Nothing{};
            return Error{"the drive's reservation is another one by now, nothing was done to it"};
        }
        auto registered =
            send(drive, {PrOutAction::register_and_ignore_existing_key, 0, 0, key, false}, timeout);
        if (!registered) return registered.error();
        if (registered->status == scsi::status::good) {
            auto preempted =
                send(drive, {PrOutAction::preempt, taken_as, key, victim, false}, timeout);
            if (!preempted) return preempted.error();
            last = "PREEMPT: " + in_words(*preempted);
            if (preempted->status == scsi::status::good || is_unit_attention(*preempted)) continue;
            if (preempted->status == scsi::status::reservation_conflict) continue;
            return Error{last};
        }
        last = "REGISTER AND IGNORE EXISTING KEY: " + in_words(*registered);
        if (!is_unit_attention(*registered)) return Error{last};
    }
    return Error{"PREEMPT did not work in " + std::to_string(preempt_attempts_max) +
                 " attempts, last answer " + last};
}

}  // namespace

Result<ReservationSurvey> survey_reservations(Transport& drive, Duration timeout) {
    ReservationReader reader;
    auto reading = reader.read(drive, Instant{0}, timeout);
    if (!reading) return reading.error();
    ReservationSurvey survey;
    survey.reservation = std::move(reading.value().reservation);
    survey.evidence = reading->evidence;
    if (survey.reservation.kind != ReservationKind::legacy) add_registrants(survey, drive, timeout);
    add_status(survey, drive, timeout);
    return survey;
}

Outcome end_persistent_reservation(Transport& drive, std::uint64_t key,
                                   const PersistentReservation& expected, Duration timeout) {
    const auto ended = preempt_exactly(drive, key, expected, timeout);
    const auto lifted = lift_fence(drive, key, timeout);
    if (!ended) return ended.error();
    if (!lifted) return lifted.error();
    return Nothing{};
}

}  // namespace drive_iface
