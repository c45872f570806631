#pragma once

// A snapshot as the rows and columns of TAPE-LIBRARY-RESERVATION-MIB. Pure. The controller makes
// the rows, so that the helper, which faces the network, only has to look them up.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "snmp_mib/mib_snapshot.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

// `index` as it stands in the OID behind the column (RFC 2578 7.7); `columns` from the first that
// can be read.
struct MibRow {
    Oid index;
    std::vector<VarbindValue> columns;
    bool operator==(const MibRow&) const = default;
};

struct MibTableShape {
    oids::Table table;
    const char* name;
    std::uint32_t first_column;  // smaller ones are the index
    std::uint32_t last_column;
    std::vector<bool> text_index;  // one per index object: text, or a number
};
inline constexpr std::size_t mib_table_count = 7;
[[nodiscard]] const std::array<MibTableShape, mib_table_count>& mib_tables();

// Every scalar but those that the helper knows itself.
[[nodiscard]] std::span<const oids::Scalar> fed_scalars();

struct MibRows {
    std::vector<VarbindValue> scalars;                        // in the order of fed_scalars()
    std::array<std::vector<MibRow>, mib_table_count> tables;  // in the order of mib_tables()
    bool operator==(const MibRows&) const = default;
};

// Rows whose index is longer than the module allows are left out.
[[nodiscard]] MibRows rows_of(const MibSnapshot& snapshot);

}  // namespace snmp_mib
