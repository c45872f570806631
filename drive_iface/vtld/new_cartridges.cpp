#include "drive_iface/vtld/new_cartridges.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"
#include "drive_iface/virtual/cleaning_cartridge.hpp"
#include "drive_iface/vtld/cartridge_configuration.hpp"
#include "drive_iface/vtld/control_parameters.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using cartridge::NewCartridge;
using nlohmann::json;

namespace {

constexpr std::int64_t bytes_in_mib = std::int64_t{1024} * 1024;

Outcome check_name(const std::string& barcode) {
    if (auto checked = cartridge::check_barcode(barcode); !checked) return checked;
    if (barcode.rfind("ADM", 0) == 0)
        return Error{"barcode: names that begin with ADM are the library's own"};
    if (snapshots::is_snapshot_barcode(barcode))
        return Error{"barcode: names that begin with SN and a digit are those of snapshots"};
    return Nothing{};
}

struct NewCartridgeWords {
    std::optional<std::int64_t> capacity_mb;
    bool worm = false;
    bool cleaning = false;
    std::optional<std::int64_t> cleanings;
};

agent::core::Result<NewCartridgeWords> words_of(const json& params) {
    const auto capacity = optional_number(params, "capacity_mb", 1, capacity_mib_max);
    if (!capacity) return capacity.error();
    const auto worm = optional_flag(params, "worm");
    if (!worm) return worm.error();
    const auto cleaning = optional_flag(params, "cleaning");
    if (!cleaning) return cleaning.error();
    const auto cleanings =
        optional_number(params, "cleanings", 1, std::numeric_limits<std::uint16_t>::max());
    if (!cleanings) return cleanings.error();
    return NewCartridgeWords{*capacity, *worm, *cleaning, *cleanings};
}

// By its barcode, and by what is said about it.
Outcome check_kind(bool is_cleaner, const NewCartridgeWords& words) {
    if (is_cleaner && (words.worm || words.capacity_mb)) {
        return Error{
            "capacity_mb, worm: barcodes that begin with CLN are those of cleaning cartridges, "
            "which hold no data"};
    }
    if (!is_cleaner && words.cleaning) {
        return Error{
            "cleaning: libraries and backup software know a cleaning cartridge by a barcode that "
            "begins with CLN, such as CLN001L8"};
    }
    if (!is_cleaner && words.cleanings) return Error{"cleanings: goes with cleaning cartridges"};
    return Nothing{};
}

}  // namespace

agent::core::Result<NewCartridge> new_cartridge(const std::string& barcode, const json& params,
                                                std::uint64_t capacity) {
    const auto words = words_of(params);
    if (!words) return words.error();
    if (auto fine = check_name(barcode); !fine) return fine.error();
    NewCartridge wanted = configured_cartridge(barcode, capacity);
    if (auto fine = check_kind(wanted.cleaning, *words); !fine) return fine.error();
    if (words->capacity_mb)
        wanted.capacity = static_cast<std::uint64_t>(*words->capacity_mb * bytes_in_mib);
    wanted.worm = words->worm;
    if (words->cleanings) wanted.cleanings = static_cast<std::uint16_t>(*words->cleanings);
    return wanted;
}

NewCartridge configured_cartridge(const std::string& barcode, std::uint64_t capacity) {
    const bool cleaning = virtual_library::is_cleaning_barcode(barcode);
    return {.barcode = barcode, .capacity = cleaning ? 0 : capacity, .cleaning = cleaning};
}

}  // namespace drive_iface::vtld
