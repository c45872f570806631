#pragma once

// The records of a data set as text: JSON lines, CSV and the header record (docs/ADMIN_VOLUMES.md).

#include <cstdint>
#include <string>
#include <vector>

#include "drive_iface/admin_volumes/data_set.hpp"

namespace drive_iface::admin_volumes {

constexpr std::size_t block_max = std::size_t{32} * 1024;
// A record longer than this is cut in its longest fields and says so: "cut":true.
constexpr std::size_t record_max = std::size_t{16} * 1024;

struct Occasion {
    std::string library;           // serial
    std::string drive;             // serial; empty: not known
    std::string time;              // RFC 3339, UTC
    std::int64_t time_s = 0;       // the same, seconds since 1970
    std::uint64_t generation = 0;  // rises with each volume that is built
};

// Each line is one record with its line feed; no line is longer than a block. Text that is not
// UTF-8 gets U+FFFD in its place.
[[nodiscard]] std::vector<std::string> json_lines(const DataSet& data);
// RFC 4180: a line of column names, then one for each record. Lists are joined with "; ".
[[nodiscard]] std::vector<std::string> csv_lines(const DataSet& data);
// One line. `records` are what json_lines() returned, joined: the SHA-256 is theirs.
[[nodiscard]] std::string header_line(const DataSet& data, const Occasion& occasion,
                                      const std::string& records);

}  // namespace drive_iface::admin_volumes
