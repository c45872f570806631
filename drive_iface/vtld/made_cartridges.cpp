#include "drive_iface/vtld/made_cartridges.hpp"

#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include "drive_iface/cartridge/storage_file.hpp"
#include "drive_iface/virtual/nonvolatile.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

// A state that is not understood is told of by whoever restores it.
std::vector<std::string> cartridges_in(const std::string& library_state) {
    std::vector<std::string> barcodes;
    const auto kept = virtual_library::nonvolatile_from_text(library_state);
    if (!kept) return barcodes;
    for (const auto& [serial, device] : *kept) {
        for (const auto& cartridge : device.cartridges)
            barcodes.push_back(cartridge.barcode);
    }
    return barcodes;
}

}  // namespace

Result<MadeCartridges> MadeCartridges::load(const std::string& state_dir,
                                            const std::string& library_state) {
    constexpr std::size_t size_max = std::size_t{4} * 1024 * 1024;
    MadeCartridges made(state_dir + "/cartridges.made");
    std::error_code problem;
    if (!std::filesystem::exists(made.file_, problem)) {
        if (problem) return Error{made.file_ + " can not be read: " + problem.message()};
        for (const std::string& barcode : cartridges_in(library_state))
            made.add(barcode);
        return made;
    }
    const auto text = cartridge::read_text(made.file_, size_max);
    if (!text) return text.error();
    std::istringstream lines(*text);
    for (std::string barcode; std::getline(lines, barcode);) {
        if (!barcode.empty()) made.barcodes_.insert(barcode);
    }
    return made;
}

Outcome MadeCartridges::save() {
    if (!changed_) return Nothing{};
    std::string text;
    for (const std::string& barcode : barcodes_)
        text += barcode + "\n";
    if (auto stored = cartridge::replace_text(file_, text); !stored) return stored;
    changed_ = false;
    return Nothing{};
}

}  // namespace drive_iface::vtld
