#include "drive_iface/virtual/tape_mode.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/virtual/loading.hpp"

namespace drive_iface::virtual_library {
namespace {

using MediumState = TapeState::MediumState;

// Byte 2 of the header, SSC-3 8.3.1.
constexpr std::uint8_t write_protected = 0x80;
constexpr std::uint8_t buffered_mode_1 = 0x10;
constexpr std::uint8_t buffered_mode_bits = 0x70;

constexpr std::uint8_t default_density = 0x00;
constexpr std::uint8_t unchanged_density = 0x7f;

// Null: nobody has the cartridge threaded, and nothing is known about it.
const CartridgeFacts* facts_of(const TapeState& drive, NexusId nexus) {
    const Cartridge* cartridge = drive.shared.tape.cartridge.get();
    if (const auto own = drive.own.find(nexus); own != drive.own.end())
        cartridge = own->second.tape.cartridge.get();
    return cartridge == nullptr ? nullptr : &cartridge->facts();
}

// Medium configuration, SSC-3 8.3.8: WORM behaviour is the cartridge's, and no host changes it.
Bytes medium_configuration(bool worm) {
    constexpr std::uint8_t worm_mode = 0x01;  // WORMM
    Bytes value(30, 0);
    if (worm) value[0] = worm_mode;
    return value;
}

constexpr std::uint8_t device_configuration = 0x10;
constexpr std::uint8_t extension = 0x01;
constexpr std::uint8_t append_only_write_mode = 0x10;  // WRITE MODE 01h in the high half of byte 5
constexpr std::uint8_t write_mode_bits = 0xf0;

std::vector<scsi::ModePage> pages(bool worm, const TapeMode& mode) {
    const auto page = [](std::uint8_t code, Bytes value, std::uint8_t subpage = 0) {
        return scsi::ModePage{
            .page = code, .subpage = subpage, .savable = false, .value = std::move(value)};
    };
    // Device configuration extension, SSC-4: a short erase makes end of data, too; PEWS.
    constexpr std::uint8_t short_erase_ends_data = 0x02;
    Bytes configuration_extension(28, 0);
    configuration_extension[1] = static_cast<std::uint8_t>(
        short_erase_ends_data | (mode.append_only ? append_only_write_mode : 0));
    configuration_extension[2] = static_cast<std::uint8_t>(mode.programmable_warning_mb >> 8);
    configuration_extension[3] = static_cast<std::uint8_t>(mode.programmable_warning_mb & 0xff);
    // Control extension, SPC-4 7.5.9: TCMOS and SCSIP, hosts may set the timestamp.
    Bytes control_extension(28, 0);
    control_extension[0] = 0x06;
    return {
        page(0x01, Bytes(10, 0)),  // read-write error recovery, SSC-3 8.3.5
        page(0x02, Bytes(14, 0)),  // disconnect-reconnect, SPC-4 7.5.10
        page(0x0a, {0, 0x10, 0, 0x40, 0, 0, 0xff, 0xff, 0,
                    0}),  // control, SPC-4 7.5.8: TAS, unlimited busy timeout
        page(0x0a, std::move(control_extension), 0x01),
        page(0x0f, Bytes(14, 0)),  // data compression, SSC-3 8.3.2: there is none
        page(0x10, {0, 0, 0, 0, 0, 0, 0x40, 0, 0x10, 0, 0, 0, 0,
                    0}),  // device configuration, SSC-3 8.3.3: BIS, EEG
        page(0x10, std::move(configuration_extension), 0x01),
        page(0x11, {0, 0, 0, 0x03, 0, 0}),              // medium partition, SSC-3 8.3.4: one
        page(0x1a, Bytes(10, 0)),                       // power condition, SPC-4 7.5.13
        page(0x1c, {0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0}),  // informational exceptions: disabled
        page(0x1d, medium_configuration(worm)),
    };
}

bool is_configuration_extension(const scsi::ModePage& page) {
    return page.page == device_configuration && page.subpage == extension;
}

bool differs_only_in(const Bytes& mask, const Bytes& ours, const Bytes& theirs) {
    if (ours.size() != theirs.size()) return false;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (((ours[i] ^ theirs[i]) & ~mask[i]) != 0) return false;
    }
    return true;
}

TapeMode with_pages(TapeMode mode, const scsi::ModeParameters& wanted) {
    for (const scsi::ModePage& page : wanted.pages) {
        if (!is_configuration_extension(page)) continue;
        mode.append_only = (page.value[1] & write_mode_bits) == append_only_write_mode;
        mode.programmable_warning_mb =
            static_cast<std::uint16_t>(page.value[2] << 8 | page.value[3]);
    }
    return mode;
}

}  // namespace

Bytes changeable_bits(const scsi::ModePage& page) {
    Bytes mask(page.value.size(), 0);
    if (!is_configuration_extension(page)) return mask;
    mask[1] = write_mode_bits;
    mask[2] = mask[3] = 0xff;
    return mask;
}

TapeMode mode_of(const TapeState& drive, NexusId nexus) {
    if (drive.parallel == nullptr) return drive.shared.mode;
    const auto own = drive.own.find(nexus);
    return own == drive.own.end() ? TapeMode{} : own->second.mode;
}

scsi::ModeParameters tape_mode_parameters(const TapeState& drive, NexusId nexus,
                                          const TapeMode& mode) {
    const CartridgeFacts* facts = facts_of(drive, nexus);
    const bool loaded = drive.medium == MediumState::loaded;
    const bool worm = facts != nullptr && facts->worm;
    const bool protects = facts != nullptr && facts->write_protected;
    const Personality& personality = *drive.personality;
    scsi::ModeParameters parameters;
    if (loaded)
        parameters.medium_type = worm ? personality.worm_medium_type : personality.medium_type;
    parameters.device_specific = static_cast<std::uint8_t>((mode.buffered ? buffered_mode_1 : 0) |
                                                           (protects ? write_protected : 0));
    parameters.block_descriptor =
        scsi::BlockDescriptor{.density_code = loaded ? personality.density_code : default_density,
                              .block_count = 0,
                              .block_length = mode.block_length};
    parameters.pages = pages(worm, mode);
    return parameters;
}

std::optional<ModeFault> fault_of(const TapeState& drive, NexusId nexus,
                                  const scsi::ModeParameters& wanted) {
    const TapeMode mode = mode_of(drive, nexus);
    const auto now = tape_mode_parameters(drive, nexus, mode);
    if (const auto& block = wanted.block_descriptor) {
        const bool density_stays = block->density_code == drive.personality->density_code ||
                                   block->density_code == default_density ||
                                   block->density_code == unchanged_density;
        if (!density_stays) return ModeFault::density;
        if (block->block_length > block_length_max) return ModeFault::block_length;
    }
    const std::uint8_t buffered_mode = wanted.device_specific & buffered_mode_bits;
    if (buffered_mode > buffered_mode_1) return ModeFault::buffered_mode;
    // Pages may be sent back as they were read; PS is reserved then.
    const bool may_be =
        std::all_of(wanted.pages.begin(), wanted.pages.end(), [&](const scsi::ModePage& page) {
            return std::any_of(now.pages.begin(), now.pages.end(), [&](const auto& ours) {
                return ours.page == page.page && ours.subpage == page.subpage &&
                       differs_only_in(changeable_bits(ours), ours.value, page.value);
            });
        });
    if (!may_be) return ModeFault::page;
    const TapeMode after = with_pages(mode, wanted);
    // WRITE MODE 0 or 1; what a tape is protected by is not lifted while it is there (SSC-4, Device
    // Configuration Extension).
    for (const scsi::ModePage& page : wanted.pages) {
        if (is_configuration_extension(page) && (page.value[1] >> 4) > 1) return ModeFault::page;
    }
    const bool loaded = drive.medium == MediumState::loaded;
    if (mode.append_only && !after.append_only && loaded) return ModeFault::page;
    return std::nullopt;
}

bool change_mode(TapeState& drive, NexusId nexus, const scsi::ModeParameters& wanted) {
    TapeMode& mode = user_of(drive, nexus).mode;
    const TapeMode before = mode;
    mode.buffered = (wanted.device_specific & buffered_mode_bits) == buffered_mode_1;
    if (wanted.block_descriptor) mode.block_length = wanted.block_descriptor->block_length;
    mode = with_pages(mode, wanted);
    return mode != before;
}

}  // namespace drive_iface::virtual_library
