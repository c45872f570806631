#include "drive_iface/device/reservation_reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/reserve.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::uint16_t read_reservation_size = 24;
constexpr std::uint16_t capabilities_size = 8;
constexpr std::size_t full_status_size = 8'192;
constexpr std::size_t full_status_size_max = 65'535;  // what the CDB can ask for
constexpr int agreement_attempts_max = 3;
constexpr Duration probe_again_after{60 * 60 * 1'000};

Reservation legacy_reservation() {
    Reservation reservation;
    reservation.state = ReservationState::reserved;
    reservation.kind = ReservationKind::legacy;
    return reservation;
}

Reservation free_reservation() {
    Reservation reservation;
    reservation.state = ReservationState::free;
    return reservation;
}

bool agrees(const scsi::ReadFullStatusData& full, const scsi::ReadReservationData& short_answer) {
    if (full.header.generation != short_answer.header.generation) return false;
    return std::all_of(
        full.descriptors.begin(), full.descriptors.end(), [&](const auto& descriptor) {
            if (!descriptor.holder) return true;
            if (descriptor.type != short_answer.held->type) return false;
            // The all-registrants types are held by nobody's key (SPC-4 6.15.3.2).
            return short_answer.held->key == 0 || descriptor.key == short_answer.held->key;
        });
}

// Ports of the holders. Without any descriptor flagged (istgt after PREEMPT) the one that has the
// reservation's key, if it is the only one.
std::vector<InitiatorPort> holder_ports(const scsi::ReadFullStatusData& full, std::uint64_t key) {
    std::vector<const scsi::FullStatusDescriptor*> holders;
    for (const auto& descriptor : full.descriptors) {
        if (descriptor.holder) holders.push_back(&descriptor);
    }
    if (holders.empty()) {
        for (const auto& descriptor : full.descriptors) {
            if (descriptor.key == key) holders.push_back(&descriptor);
        }
        if (holders.size() != 1) return {};
    }
    std::vector<InitiatorPort> ports;
    for (const auto* holder : holders) {
        // A holder that can not be named leaves the list wrong: better say that it is not known.
        if (!holder->port) return {};
        ports.push_back(*holder->port);
    }
    std::sort(ports.begin(), ports.end());
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    return ports;
}

}  // namespace

// One look: sends commands and counts them.
class ReservationReader::Look {
  public:
    Look(Transport& drive, Duration timeout) : counted_{drive, 0}, timeout_(timeout) {}

    template <std::size_t size>
    Result<ScsiReply> execute(const std::array<std::uint8_t, size>& cdb, std::size_t data_in_max) {
        return execute_patiently(counted_, {cdb, {}, data_in_max}, timeout_, &unit_attentions_);
    }

    ReservationReading reading(Reservation reservation, HolderEvidence evidence,
                               std::uint32_t generation) {
        return {std::move(reservation), evidence,          generation,
                unit_attentions_,       counted_.commands, std::nullopt};
    }

    // After PREEMPT, CLEAR, a reset or power cycle what was remembered may be another drive's, or
    // gone.
    [[nodiscard]] bool had_unit_attention() const { return !unit_attentions_.empty(); }

  private:
    struct Counted : Transport {
        Counted(Transport& under, std::uint32_t count) : inner(under), commands(count) {}
        Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
            ++commands;
            return inner.execute(command, timeout);
        }
        Transport& inner;
        std::uint32_t commands;
    };
    Counted counted_;
    Duration timeout_;
    std::vector<scsi::AdditionalSense> unit_attentions_;
};

std::optional<LegacyProbe> legacy_probe_from_text(std::string_view text) {
    if (text == "auto") return LegacyProbe::automatic;
    if (text == "tur") return LegacyProbe::test_unit_ready;
    if (text == "never") return LegacyProbe::never;
    return std::nullopt;
}

ScsiCommand first_command_of_look() {
    static const auto cdb =
        scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation, read_reservation_size);
    return {cdb, {}, read_reservation_size};
}

Result<ReservationReading> ReservationReader::read(Transport& drive, Instant now,
                                                   Duration timeout) {
    Look look(drive, timeout);
    if (capabilities_.persistent_reserve_in == Ability::no) {
        if (!not_supported_since_) not_supported_since_ = now;
        if (now - *not_supported_since_ < probe_again_after) return probe_legacy(look, 0);
    }
    auto reading = read_persistent(look, now);
    if (!reading || reading->reservation.kind == ReservationKind::legacy) return reading;
    const bool as_read = registrations_ && registrations_->generation == reading->generation &&
                         capabilities_.persistent_reserve_in == Ability::yes;
    if (as_read) reading.value().registrations = registrations_->all;
    return reading;
}

void ReservationReader::set_capabilities(DriveCapabilities known) {
    capabilities_ = std::move(known);
    if (capabilities_.persistent_reserve_in != Ability::no) not_supported_since_.reset();
}

Result<ReservationReading> ReservationReader::read_persistent(Look& look, Instant now) {
    const auto reply = look.execute(
        scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation, read_reservation_size),
        read_reservation_size);
    if (!reply) return reply.error();
    if (reply->status == scsi::status::reservation_conflict) {
        legacy_shown_by_ = LegacyShownBy::persistent_reserve_in;
        return look.reading(legacy_reservation(), HolderEvidence::none, 0);
    }
    if (says_not_supported(*reply)) {
        capabilities_.persistent_reserve_in = Ability::no;
        not_supported_since_ = now;
        return probe_legacy(look, 0);
    }
    if (reply->status != scsi::status::good) return Error{"READ RESERVATION: " + in_words(*reply)};
    capabilities_.persistent_reserve_in = Ability::yes;
    not_supported_since_.reset();
    auto data = scsi::decode_read_reservation(reply->data_in);
    if (!data) return data.error().within("READ RESERVATION");
    if (data->held) return held(look, std::move(data).value());
    if (!data->header.complete) return Error{"READ RESERVATION: the answer is cut short"};

    last_.reset();
    learn_capabilities(look);
    learn_registrations(look, data->header.generation);
    if (needs_test_unit_ready()) return probe_legacy(look, data->header.generation);
    return look.reading(free_reservation(), HolderEvidence::none, data->header.generation);
}

Result<ReservationReading> ReservationReader::held(Look& look, scsi::ReadReservationData data) {
    const auto reading = [&](const Holders& holders) {
        Reservation reservation;
        reservation.state = ReservationState::reserved;
        reservation.kind = ReservationKind::persistent;
        reservation.persistent = holders.reservation;
        reservation.holders = holders.ports;
        return look.reading(std::move(reservation), holders.evidence, holders.generation);
    };
    for (int attempt = 1;; ++attempt) {
        Holders holders{
            data.header.generation, {data.held->type, data.held->key}, {}, HolderEvidence::none};
        const bool known = last_ && !last_->ports.empty() &&
                           last_->generation == holders.generation &&
                           last_->reservation == holders.reservation && !look.had_unit_attention();
        if (known) return reading(*last_);
        if (capabilities_.full_status != Ability::no) {
            registrations_.reset();
        } else {
            learn_registrations(look, holders.generation);
            return reading(holders);
        }

        const auto full = read_full_status(look);
        if (!full) return full.error();
        if (capabilities_.full_status == Ability::no) {
            learn_registrations(look, holders.generation);
            return reading(holders);
        }
        if (agrees(*full, data)) {
            registrations_ = {full->header.generation, full->descriptors};
            holders.ports = holder_ports(*full, data.held->key);
            if (!holders.ports.empty()) holders.evidence = HolderEvidence::full_status;
            last_ = holders;
            return reading(holders);
        }
        if (attempt == agreement_attempts_max)
            return reading(holders);  // changes faster than it can be read

        const auto reply =
            look.execute(scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation,
                                                         read_reservation_size),
                         read_reservation_size);
        if (!reply) return reply.error();
        if (reply->status == scsi::status::reservation_conflict) {
            return look.reading(legacy_reservation(), HolderEvidence::none, 0);
        }
        if (reply->status != scsi::status::good)
            return Error{"READ RESERVATION: " + in_words(*reply)};
        auto again = scsi::decode_read_reservation(reply->data_in);
        if (!again) return again.error().within("READ RESERVATION");
        if (!again->held)
            return look.reading(free_reservation(), HolderEvidence::none, again->header.generation);
        data = std::move(again).value();
    }
}

// Asks again with a larger allocation length when the answer did not fit. Learns and returns
// nothing of worth when the drive does not know the service action, which is optional.
Result<scsi::ReadFullStatusData> ReservationReader::read_full_status(Look& look) {
    std::size_t size = full_status_size;
    for (;;) {
        const auto reply =
            look.execute(scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_full_status,
                                                         static_cast<std::uint16_t>(size)),
                         size);
        if (!reply) return reply.error();
        if (says_not_supported(*reply)) {
            capabilities_.full_status = Ability::no;
            return scsi::ReadFullStatusData{{~0U, 8, true}, {}};
        }
        // A RESERVE in between: whatever this look says next is read from the answer to READ
        // RESERVATION.
        if (reply->status == scsi::status::reservation_conflict)
            return scsi::ReadFullStatusData{{~0U, 8, true}, {}};
        if (reply->status != scsi::status::good)
            return Error{"READ FULL STATUS: " + in_words(*reply)};
        capabilities_.full_status = Ability::yes;
        auto data = scsi::decode_read_full_status(reply->data_in);
        if (!data) return data.error().within("READ FULL STATUS");
        const bool larger_helps = data->header.length_needed > size && size < full_status_size_max;
        if (!larger_helps) return data;
        size = std::min(data->header.length_needed, full_status_size_max);
    }
}

// Once: a drive with CRH keeps to SPC-3 and later, where PERSISTENT RESERVE IN conflicts with a
// RESERVE.
void ReservationReader::learn_capabilities(Look& look) {
    if (probe_ != LegacyProbe::automatic || legacy_shown_by_ != LegacyShownBy::not_known) return;
    if (capabilities_.report_capabilities == Ability::unknown) {
        const auto reply =
            look.execute(scsi::persistent_reserve_in_cdb(scsi::PrInAction::report_capabilities,
                                                         capabilities_size),
                         capabilities_size);
        if (!reply) return;
        note_report_capabilities(*reply, capabilities_);
    }
    if (capabilities_.compatible_reservation_handling == Ability::yes)
        legacy_shown_by_ = LegacyShownBy::persistent_reserve_in;
}

// While nobody holds the drive, or nobody says who: read when the generation says that they
// changed. A trouble here spoils no look; the next one tries again.
void ReservationReader::learn_registrations(Look& look, std::uint32_t generation) {
    const bool known = registrations_ && registrations_->generation == generation;
    if (known && !look.had_unit_attention()) return;
    registrations_.reset();
    if (registrations_generation_ != generation || look.had_unit_attention())
        registrations_attempts_ = 0;
    registrations_generation_ = generation;
    if (registrations_attempts_++ >= agreement_attempts_max) return;
    if (capabilities_.full_status != Ability::no) {
        auto full = read_full_status(look);
        if (!full) return;
        if (full->header.generation == generation)
            registrations_ = {generation, std::move(full).value().descriptors};
        if (capabilities_.full_status != Ability::no) return;
    }
    if (!read_keys_supported_) return;
    const auto reply =
        look.execute(scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_keys, full_status_size),
                     full_status_size);
    if (!reply) return;
    read_keys_supported_ = !says_not_supported(*reply);
    if (reply->status != scsi::status::good) return;
    const auto keys = scsi::decode_read_keys(reply->data_in);
    if (!keys || keys->header.generation != generation) return;
    registrations_ = {generation, {}};
    for (const auto key : keys->keys) {
        scsi::FullStatusDescriptor descriptor;
        descriptor.key = key;
        registrations_->all.push_back(std::move(descriptor));
    }
}

bool ReservationReader::needs_test_unit_ready() const {
    switch (probe_) {
        case LegacyProbe::test_unit_ready:
            return true;
        case LegacyProbe::never:
            return false;
        case LegacyProbe::automatic:
            return legacy_shown_by_ != LegacyShownBy::persistent_reserve_in;
    }
    return false;
}

// RESERVATION CONFLICT: another nexus holds it by RESERVE. Anything else, not ready included:
// nobody else does.
Result<ReservationReading> ReservationReader::probe_legacy(Look& look, std::uint32_t generation) {
    if (probe_ == LegacyProbe::never) {
        Reservation unknown;  // neither command may tell: it is not known
        const bool pr_missing = capabilities_.persistent_reserve_in == Ability::no;
        return look.reading(pr_missing ? unknown : free_reservation(), HolderEvidence::none,
                            generation);
    }
    const auto reply = look.execute(scsi::test_unit_ready_cdb(), 0);
    if (!reply) return reply.error();
    if (reply->status == scsi::status::busy || reply->status == scsi::status::task_set_full) {
        return Error{"TEST UNIT READY: " + in_words(*reply)};
    }
    if (reply->status != scsi::status::reservation_conflict) {
        return look.reading(free_reservation(), HolderEvidence::none, generation);
    }
    legacy_shown_by_ = LegacyShownBy::test_unit_ready;
    return look.reading(legacy_reservation(), HolderEvidence::none, generation);
}

}  // namespace drive_iface
