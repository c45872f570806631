#pragma once

// The files of drive_iface/web/page, which the build puts into the program.

#include <optional>
#include <string_view>

namespace drive_iface::web {

struct PageFile {
    std::string_view type;
    std::string_view text;
};

// "/" is the page itself. Nothing: there is no such file.
[[nodiscard]] std::optional<PageFile> page_file(std::string_view path);

}  // namespace drive_iface::web
