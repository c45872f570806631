#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drive_iface::admin_volumes {

struct ArchivedFile {
    std::string path;  // at most 100 bytes
    std::string content;
};

// A "ustar" archive (IEEE Std 1003.1, pax, ustar Interchange Format) of regular files that anyone
// may read, filled up to whole tape records of tar's usual 20 x 512 bytes.
constexpr std::size_t tar_record = 10'240;
[[nodiscard]] std::string tar_archive(const std::vector<ArchivedFile>& files,
                                      std::int64_t modified_s);

}  // namespace drive_iface::admin_volumes
