#include "agent/mounts/claim_rows.hpp"

#include <charconv>

namespace agent::mounts {

namespace {

template <typename Value>
std::optional<Value> maybe_number(const SqlCell& cell) {
    if (!cell) return std::nullopt;
    return static_cast<Value>(number_in(cell));
}

core::Error no_row(const char* what, const SqlCell& name) {
    return {std::string("the drive table holds a ") + what + " \"" + name.value_or("") +
            "\" that this version does not understand; install the version that wrote it"};
}

}  // namespace

std::int64_t number_in(const SqlCell& cell) {
    std::int64_t value = 0;
    if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
    return value;
}

SqlValue number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

SqlValue text(std::string_view value) {
    return std::string(value);
}

core::Result<claims::DriveRow> drive_from(const SqlRow& row) {
    const auto state = claims::drive_state_from_text(row[3].value_or(""));
    if (!state) return no_row("drive", row[0]);
    claims::DriveRow drive;
    drive.serial = row[0].value_or("");
    drive.element = static_cast<std::uint16_t>(number_in(row[1]));
    drive.generation = row[2].value_or("");
    drive.state = *state;
    drive.node = row[4].value_or("");
    drive.epoch = static_cast<std::uint64_t>(number_in(row[5]));
    drive.claim = maybe_number<std::uint64_t>(row[6]);
    drive.volume = row[7];
    drive.home = maybe_number<std::uint16_t>(row[8]);
    drive.key = static_cast<std::uint64_t>(number_in(row[9]));
    drive.last_used = static_cast<std::uint64_t>(number_in(row[10]));
    drive.mounts = static_cast<std::uint64_t>(number_in(row[11]));
    drive.errors = static_cast<std::uint64_t>(number_in(row[12]));
    drive.reason = row[13].value_or("");
    drive.since = {number_in(row[14])};
    return drive;
}

core::Result<claims::Volume> volume_from(const SqlRow& row) {
    const auto kind = claims::medium_kind_from_text(row[2].value_or(""));
    const auto state = claims::volume_state_from_text(row[3].value_or(""));
    const auto place = claims::place_from_text(row[5].value_or(""));
    if (!kind || !state || !place) return no_row("volume", row[0]);
    claims::Volume volume;
    volume.barcode = row[0].value_or("");
    volume.generation = row[1].value_or("");
    volume.kind = *kind;
    volume.state = *state;
    volume.reason = row[4].value_or("");
    volume.place = *place;
    volume.element = static_cast<std::uint16_t>(number_in(row[6]));
    volume.home = maybe_number<std::uint16_t>(row[7]);
    volume.drive = row[8];
    volume.since = {number_in(row[9])};
    return volume;
}

core::Result<claims::Claim> claim_from(const SqlRow& row) {
    const auto access = claims::access_from_text(row[4].value_or(""));
    const auto state = claims::claim_state_from_text(row[6].value_or(""));
    const auto ending = claims::claim_ending_from_text(row[7].value_or(""));
    if (!access || !state || !ending) return no_row("claim", row[0]);
    claims::Claim claim;
    claim.id = static_cast<std::uint64_t>(number_in(row[0]));
    claim.request = row[1].value_or("");
    claim.host = row[2].value_or("");
    claim.volume = row[3].value_or("");
    claim.access = *access;
    claim.wait = number_in(row[5]) != 0;
    claim.state = *state;
    claim.ending = *ending;
    claim.reason = row[8].value_or("");
    claim.node = row[9].value_or("");
    claim.epoch = static_cast<std::uint64_t>(number_in(row[10]));
    claim.drive = row[11];
    claim.home = maybe_number<std::uint16_t>(row[12]);
    claim.failed_drive = row[13];
    claim.asked_at = {number_in(row[14])};
    claim.changed_at = {number_in(row[15])};
    claim.deadline = {number_in(row[16])};
    return claim;
}

}  // namespace agent::mounts
