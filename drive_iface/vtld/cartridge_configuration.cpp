#include "drive_iface/vtld/cartridge_configuration.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "drive_iface/admin_volumes/data_set.hpp"

namespace drive_iface::vtld {

using namespace agent::runtime;
using nlohmann::json;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

std::optional<std::string> wrong_with_barcode(std::string_view text) {
    if (admin_volumes::is_reserved_barcode(text))
        return "is reserved: barcodes that begin with ADM are those of administrative volumes";
    const auto checked = cartridge::check_barcode(std::string(text));
    if (checked) return std::nullopt;
    return checked.error().message;
}

// "VT0001L8" and so on.
std::string barcode_of(std::size_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, 4 - std::min<std::size_t>(4, digits.size()), '0');
    return "VT" + digits + "L8";
}

}  // namespace

ValueShape cartridges_shape() {
    return object_shape({
        optional_key("folders", list_shape(text_shape(4'096), 1, 16),
                     "Two or more storage folders, best on different disks.",
                     "[\"/srv/tape-a\", \"/srv/tape-b\"]"),
        default_key("capacity_mb", integer_shape(1, capacity_mib_max), "10000",
                    "Capacity in MiB of cartridges made from now on; a cartridge takes only what "
                    "is written to it."),
        default_key(
            "barcodes", list_shape(text_shape("barcode", wrong_with_barcode, 32), 0, 30'000), "[]",
            "Cartridges that are made at the first start that names them, and after cartridge "
            "remove; one that was there and is away is told in the log and not made anew. Those "
            "that begin with CLN are cleaning cartridges."),
        optional_key("placement", choice_shape({"mirror", "single"}),
                     "How cartridges made from now on are kept: in two folders, or in one. Without "
                     "it two when the folders are on different devices.",
                     "\"mirror\""),
    });
}

CartridgeConfiguration cartridge_configuration(const Configuration& configuration,
                                               const std::string& state_dir, std::size_t drives,
                                               ConfigurationErrors& errors) {
    const json& values = configuration.values();
    CartridgeConfiguration result;
    result.configured = values.contains("cartridges");
    if (!result.configured) {
        constexpr std::uint64_t capacity_mib = 10'000;
        result.capacity = capacity_mib * mebibyte;
        result.folders = {state_dir + "/cartridges-1", state_dir + "/cartridges-2"};
        for (std::size_t i = 1; i <= drives; ++i)
            result.barcodes.push_back(barcode_of(i));
        return result;
    }
    const json& section = values["cartridges"];
    result.capacity = section["capacity_mb"].get<std::uint64_t>() * mebibyte;
    std::set<std::string> different;
    if (section.contains("folders")) {
        for (const auto& folder : section["folders"]) {
            result.folders.push_back(configuration.file_beside(folder.get<std::string>()));
            different.insert(result.folders.back());
        }
    }
    if (different.size() < 2) {
        errors.push_back(configuration.error_at(
            section.contains("folders") ? "cartridges.folders" : "cartridges",
            "needs two or more different storage folders, so that a write always has a second "
            "place to go, for example \"folders\": [\"/srv/tape-a\", \"/srv/tape-b\"]"));
    }
    std::set<std::string> seen;
    for (const auto& barcode : section["barcodes"]) {
        result.barcodes.push_back(barcode.get<std::string>());
        if (!seen.insert(result.barcodes.back()).second) {
            errors.push_back(configuration.error_at(
                "cartridges.barcodes",
                "\"" + result.barcodes.back() + "\" stands twice; each cartridge needs its own"));
        }
    }
    if (section.contains("placement")) {
        result.placement = section["placement"].get<std::string>() == "mirror"
                               ? cartridge::Placement::mirror
                               : cartridge::Placement::single;
    }
    return result;
}

}  // namespace drive_iface::vtld
