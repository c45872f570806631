#pragma once

// What an administrative volume carries (US 2003/0120476): flat records of one type, taken at one
// moment. Who knows the library fills them in, field by field, so that nothing gets on a tape
// because it happened to be part of some bigger structure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drive_iface::admin_volumes {

enum class DataSetType : std::uint8_t {
    configuration,
    drives,
    volumes,
    sessions,
    snapshots,
    reservations,
    events,
    all,  // an archive of the others
};

// In the order of their slots.
[[nodiscard]] std::span<const DataSetType> data_set_types();
// "ADMCFG" and so on: the first six characters of the barcode.
[[nodiscard]] std::string_view name_of(DataSetType type);
// By a whole barcode, whatever its media identifier. Nothing: no such type.
[[nodiscard]] std::optional<DataSetType> data_set_type_of(std::string_view barcode);
// Barcodes that nobody may give to a cartridge: all that begin with "ADM".
[[nodiscard]] bool is_reserved_barcode(std::string_view barcode);

using Value =
    std::variant<std::monostate, bool, std::int64_t, std::string, std::vector<std::string>>;

struct Field {
    std::string name;
    Value value;  // monostate: not known
};
using Record = std::vector<Field>;

struct DataSet {
    DataSetType type = DataSetType::configuration;  // not `all`
    std::vector<Record> records;
};

// Text that may be missing.
[[nodiscard]] Value text_or_nothing(std::string text);
// Beyond what a signed number holds: the largest there is.
[[nodiscard]] Value number(std::uint64_t value);

}  // namespace drive_iface::admin_volumes
