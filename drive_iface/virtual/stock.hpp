#pragma once

// All that a drive can be given: the cartridges of the shelf, and the virtual volumes that are made
// when they are opened.

#include <algorithm>
#include <string>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace drive_iface::virtual_library {

class Stock final : public CartridgeShelf {
  public:
    // Borrowed for good; `volumes` may be null.
    Stock(CartridgeShelf& shelf, VirtualVolumes* volumes) : shelf_(&shelf), volumes_(volumes) {}

    [[nodiscard]] std::vector<Entry> list() const override { return shelf_->list(); }

    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> open(
        const std::string& barcode) override {
        return is_virtual(barcode) ? volumes_->build(barcode) : shelf_->open(barcode);
    }

    void on_progress(std::function<void()> progress) override {
        if (volumes_ != nullptr) volumes_->on_progress(progress);
        shelf_->on_progress(std::move(progress));
    }

  private:
    [[nodiscard]] bool is_virtual(const std::string& barcode) const {
        if (volumes_ == nullptr) return false;
        const auto names = volumes_->names();
        return std::find(names.begin(), names.end(), barcode) != names.end();
    }

    CartridgeShelf* shelf_;
    VirtualVolumes* volumes_;
};

}  // namespace drive_iface::virtual_library
