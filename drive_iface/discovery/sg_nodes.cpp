#include "drive_iface/discovery/sg_nodes.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "drive_iface/scsi/inquiry.hpp"

namespace drive_iface::discovery {

using agent::core::Error;
using agent::core::Result;
namespace fs = std::filesystem;

namespace {

template <typename Number>
std::optional<Number> decimal(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional(value) : std::nullopt;
}

// The number of "sg12".
std::optional<unsigned> node_number(const std::string& name) {
    if (name.rfind("sg", 0) != 0) return std::nullopt;
    return decimal<unsigned>(std::string_view(name).substr(2));
}

std::optional<unsigned> device_type_in(const fs::path& file) {
    std::ifstream in(file);
    std::string text;
    if (!(in >> text)) return std::nullopt;
    return decimal<unsigned>(text);
}

// The name of the folder that the link "device" leads to.
std::string scsi_address_of(const fs::path& device) {
    std::error_code trouble;
    const fs::path target = fs::read_symlink(device, trouble);
    return trouble ? "" : target.filename().string();
}

}  // namespace

Result<std::vector<SgNode>> tape_library_nodes(const std::string& sysfs) {
    const fs::path folder = fs::path(sysfs) / "class/scsi_generic";
    std::error_code trouble;
    fs::directory_iterator entries(folder, trouble);
    if (trouble) {
        return Error{folder.string() + ": " + trouble.message() +
                     ": the kernel has no sg nodes; `modprobe sg` makes them"};
    }
    std::vector<std::pair<unsigned, SgNode>> found;
    for (; entries != fs::directory_iterator(); entries.increment(trouble)) {
        if (trouble) break;  // a device that goes away meanwhile
        const std::string name = entries->path().filename().string();
        const auto number = node_number(name);
        const auto type = device_type_in(entries->path() / "device/type");
        if (!number || !type) continue;
        if (*type != scsi::device_type::sequential_access &&
            *type != scsi::device_type::medium_changer)
            continue;
        found.push_back({*number,
                         {"/dev/" + name, scsi_address_of(entries->path() / "device"),
                          static_cast<std::uint8_t>(*type)}});
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    found.resize(std::min(found.size(), sg_nodes_max));
    std::vector<SgNode> nodes;
    nodes.reserve(found.size());
    for (auto& [number, node] : found)
        nodes.push_back(std::move(node));
    return nodes;
}

}  // namespace drive_iface::discovery
