#pragma once

// Which cartridges were there once. One of the configuration that is in none of the storage folders
// now is most likely on a disk that is not mounted: a blank one in its place would be written to
// under its name. The others are among them, since the configuration may name them later.

#include <set>
#include <string>

#include "agent/core/result.hpp"

namespace drive_iface::vtld {

// Kept in state_dir/cartridges.made, a barcode a line. Not thread-safe.
class MadeCartridges {
  public:
    // Without the file, as at the first start after an update, those that the library's saved state
    // (Library::nonvolatile_state(), empty: none) knows. Error: it can not be read.
    [[nodiscard]] static agent::core::Result<MadeCartridges> load(const std::string& state_dir,
                                                                  const std::string& library_state);

    [[nodiscard]] bool contains(const std::string& barcode) const {
        return barcodes_.contains(barcode);
    }
    void add(const std::string& barcode) {
        changed_ = barcodes_.insert(barcode).second || changed_;
    }
    void remove(const std::string& barcode) { changed_ = barcodes_.erase(barcode) > 0 || changed_; }
    // Synced, when there is anything new. The folder has to be there. After an error the next call
    // tries again.
    [[nodiscard]] agent::core::Outcome save();

  private:
    explicit MadeCartridges(std::string file) : file_(std::move(file)) {}

    std::string file_;
    std::set<std::string> barcodes_;
    bool changed_ = false;
};

}  // namespace drive_iface::vtld
