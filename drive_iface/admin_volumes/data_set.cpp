#include "drive_iface/admin_volumes/data_set.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace drive_iface::admin_volumes {

namespace {

constexpr std::string_view reserved_prefix = "ADM";
constexpr std::size_t name_length = 6;

constexpr std::array types{
    DataSetType::configuration, DataSetType::drives,    DataSetType::volumes,
    DataSetType::sessions,      DataSetType::snapshots, DataSetType::reservations,
    DataSetType::events,        DataSetType::all,
};

}  // namespace

std::span<const DataSetType> data_set_types() {
    return types;
}

std::string_view name_of(DataSetType type) {
    switch (type) {
        case DataSetType::configuration:
            return "ADMCFG";
        case DataSetType::drives:
            return "ADMDRV";
        case DataSetType::volumes:
            return "ADMVOL";
        case DataSetType::sessions:
            return "ADMSES";
        case DataSetType::snapshots:
            return "ADMSNP";
        case DataSetType::reservations:
            return "ADMRSV";
        case DataSetType::events:
            return "ADMLOG";
        case DataSetType::all:
            return "ADMALL";
    }
    return "";
}

std::optional<DataSetType> data_set_type_of(std::string_view barcode) {
    const auto name = barcode.substr(0, name_length);
    const auto* found = std::find_if(types.begin(), types.end(),
                                     [name](auto type) { return name_of(type) == name; });
    if (found == types.end()) return std::nullopt;
    return *found;
}

bool is_reserved_barcode(std::string_view barcode) {
    return barcode.starts_with(reserved_prefix);
}

Value text_or_nothing(std::string text) {
    if (text.empty()) return std::monostate{};
    return text;
}

Value number(std::uint64_t value) {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, largest));
}

}  // namespace drive_iface::admin_volumes
