#include "drive_iface/virtual/nonvolatile.hpp"

#include <charconv>
#include <string_view>

#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::string_view first_line = "virtual library state\t1";

std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// False: not a record we know.
bool take(const std::vector<std::string_view>& fields, NonvolatileDrives& drives) {
    if (fields.size() < 3 || fields[0].empty()) return false;
    NonvolatileDrive& drive = drives[std::string(fields[0])];
    if (fields[1] == "offline" && fields.size() == 3) {
        drive.forced_offline_reason = std::string(fields[2]);
        return true;
    }
    if (fields[1] == "cartridge" && fields.size() == 5) {
        drive.cartridges.push_back({.barcode = std::string(fields[2]),
                                    .place = std::string(fields[3]),
                                    .source = std::string(fields[4])});
        return true;
    }
    if (fields.size() != 4) return false;
    auto port = agent::core::initiator_port_from_text(fields[3]);
    if (!port) return false;
    if (fields[1] == "registration") {
        const auto key = number<std::uint64_t>(fields[2], 16);
        if (!key) return false;
        drive.registrations.push_back({.port = *std::move(port), .key = *key});
        return true;
    }
    if (fields[1] != "reservation" || drive.reservation) return false;
    const auto code = number<std::uint8_t>(fields[2], 10);
    const auto type = code ? scsi::pr_type_from_code(*code) : std::nullopt;
    if (!type) return false;
    drive.reservation = Reservations::Persistent{.type = *type, .holder = *std::move(port)};
    return true;
}

}  // namespace

std::string to_text(const NonvolatileDrives& drives) {
    std::string text(first_line);
    text += '\n';
    for (const auto& [serial, drive] : drives) {
        if (drive.forced_offline_reason) {
            text += serial + "\toffline\t" + printable(*drive.forced_offline_reason) + "\n";
        }
        for (const auto& entry : drive.registrations) {
            text += serial + "\tregistration\t" + agent::core::reservation_key_text(entry.key) +
                    "\t" + to_text(entry.port) + "\n";
        }
        for (const auto& cartridge : drive.cartridges) {
            text += serial + "\tcartridge\t" + printable(cartridge.barcode) + "\t" +
                    printable(cartridge.place) + "\t" + printable(cartridge.source) + "\n";
        }
        if (drive.reservation) {
            text += serial + "\treservation\t" +
                    std::to_string(static_cast<unsigned>(drive.reservation->type)) + "\t" +
                    to_text(drive.reservation->holder) + "\n";
        }
    }
    return text;
}

Result<NonvolatileDrives> nonvolatile_from_text(std::string_view text) {
    NonvolatileDrives drives;
    std::size_t line_number = 0;
    for (const std::string_view line : split(text, '\n')) {
        ++line_number;
        const bool fine =
            line_number == 1 ? line == first_line : line.empty() || take(split(line, '\t'), drives);
        if (!fine) {
            return Error{"state of the virtual library: line " + std::to_string(line_number) +
                         " is not understood: " + printable(std::string(line.substr(0, 120)))};
        }
    }
    return drives;
}

}  // namespace drive_iface::virtual_library
