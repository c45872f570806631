#include "drive_iface/rmt/device_path.hpp"

#include <algorithm>
#include <cerrno>

namespace drive_iface::rmt {

namespace {

constexpr std::string_view administrative = "adm";

std::string upper_case(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return upper;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const auto slash = text.find('/');
        parts.emplace_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        text.remove_prefix(slash + 1);
    }
}

std::optional<std::string> drive_of(std::string_view name, const KnownDevices& known) {
    const auto folded = upper_case(name);
    for (std::size_t number = 0; number < known.drives.size(); ++number) {
        if (upper_case(known.drives[number]) == folded || std::to_string(number) == name)
            return known.drives[number];
    }
    return std::nullopt;
}

}  // namespace

std::variant<DevicePath, Refusal> device_path(std::string_view text, const KnownDevices& known) {
    auto parts = split(text);
    if (parts.front().empty()) {
        parts.erase(parts.begin());
        if (parts.size() < 2 || upper_case(parts.front()) != upper_case(known.library))
            return Refusal{ENODEV, "this library is /" + known.library + "/"};
        parts.erase(parts.begin());
    }
    if (parts.size() > 2 || parts.front().empty() || parts.back().empty())
        return Refusal{EINVAL, "not of the form [n]DRIVE[/VOLUME]: " + std::string(text)};

    DevicePath path;
    if (parts.size() == 2) path.volume = parts.back();
    std::string_view name = parts.front();
    if (name == administrative && path.volume) return path;
    auto drive = drive_of(name, known);
    if (!drive && name.starts_with('n')) {
        path.rewinds_on_close = false;
        drive = drive_of(name.substr(1), known);
    }
    if (!drive) return Refusal{ENODEV, "the library has no drive " + std::string(name)};
    path.drive = *drive;
    return path;
}

}  // namespace drive_iface::rmt
