#include "agent/claims/claim.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::claims {

namespace {

constexpr core::EnumeratorName<ClaimState> claim_state_names[] = {
    {ClaimState::queued, "queued"},     {ClaimState::claimed, "claimed"},
    {ClaimState::reserved, "reserved"}, {ClaimState::loading, "loading"},
    {ClaimState::mounted, "mounted"},   {ClaimState::unloading, "unloading"},
    {ClaimState::ended, "ended"},
};
constexpr core::EnumeratorName<ClaimEnding> claim_ending_names[] = {
    {ClaimEnding::none, "none"},
    {ClaimEnding::unmounted, "unmounted"},
    {ClaimEnding::cancelled, "cancelled"},
    {ClaimEnding::deadline_passed, "deadline_passed"},
    {ClaimEnding::drive_failed, "drive_failed"},
    {ClaimEnding::volume_failed, "volume_failed"},
    {ClaimEnding::undone, "undone"},
};
constexpr core::EnumeratorName<DriveState> drive_state_names[] = {
    {DriveState::free, "free"},
    {DriveState::claimed, "claimed"},
    {DriveState::reserved, "reserved"},
    {DriveState::loading, "loading"},
    {DriveState::mounted, "mounted"},
    {DriveState::unloading, "unloading"},
    {DriveState::quarantined, "quarantined"},
};
constexpr core::EnumeratorName<Access> access_names[] = {{Access::read, "read"},
                                                         {Access::write, "write"}};
constexpr core::EnumeratorName<MediumKind> medium_kind_names[] = {
    {MediumKind::data, "data"}, {MediumKind::worm, "worm"}, {MediumKind::cleaning, "cleaning"}};
constexpr core::EnumeratorName<Place> place_names[] = {{Place::slot, "slot"},
                                                       {Place::drive, "drive"},
                                                       {Place::import_export, "import_export"},
                                                       {Place::picker, "picker"},
                                                       {Place::missing, "missing"}};
constexpr core::EnumeratorName<VolumeState> volume_state_names[] = {
    {VolumeState::usable, "usable"},
    {VolumeState::disabled, "disabled"},
    {VolumeState::quarantined, "quarantined"}};

}  // namespace

std::string_view to_text(ClaimState value) {
    return core::name_of(claim_state_names, value);
}
std::string_view to_text(ClaimEnding value) {
    return core::name_of(claim_ending_names, value);
}
std::string_view to_text(DriveState value) {
    return core::name_of(drive_state_names, value);
}
std::string_view to_text(Access value) {
    return core::name_of(access_names, value);
}
std::string_view to_text(MediumKind value) {
    return core::name_of(medium_kind_names, value);
}
std::string_view to_text(Place value) {
    return core::name_of(place_names, value);
}
std::string_view to_text(VolumeState value) {
    return core::name_of(volume_state_names, value);
}
std::optional<ClaimState> claim_state_from_text(std::string_view text) {
    return core::value_of(claim_state_names, text);
}
std::optional<ClaimEnding> claim_ending_from_text(std::string_view text) {
    return core::value_of(claim_ending_names, text);
}
std::optional<DriveState> drive_state_from_text(std::string_view text) {
    return core::value_of(drive_state_names, text);
}
std::optional<Access> access_from_text(std::string_view text) {
    return core::value_of(access_names, text);
}
std::optional<MediumKind> medium_kind_from_text(std::string_view text) {
    return core::value_of(medium_kind_names, text);
}
std::optional<Place> place_from_text(std::string_view text) {
    return core::value_of(place_names, text);
}
std::optional<VolumeState> volume_state_from_text(std::string_view text) {
    return core::value_of(volume_state_names, text);
}

DriveState drive_state_of(ClaimState state) {
    switch (state) {
        case ClaimState::claimed:
            return DriveState::claimed;
        case ClaimState::reserved:
            return DriveState::reserved;
        case ClaimState::loading:
            return DriveState::loading;
        case ClaimState::mounted:
            return DriveState::mounted;
        case ClaimState::unloading:
            return DriveState::unloading;
        case ClaimState::queued:
        case ClaimState::ended:
            break;
    }
    return DriveState::free;
}

}  // namespace agent::claims
