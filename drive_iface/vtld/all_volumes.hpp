#pragma once

// Several kinds of virtual volumes as one: their slots stand behind each other.

#include <algorithm>
#include <utility>
#include <vector>

#include "drive_iface/virtual/virtual_volumes.hpp"

namespace drive_iface::vtld {

class AllVolumes final : public virtual_library::VirtualVolumes {
  public:
    // Borrowed for good; at least one.
    explicit AllVolumes(std::vector<virtual_library::VirtualVolumes*> kinds)
        : kinds_(std::move(kinds)) {}

    std::vector<std::string> names() const override {
        std::vector<std::string> all;
        for (const auto* kind : kinds_) {
            for (auto& name : kind->names())
                all.push_back(std::move(name));
        }
        return all;
    }
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> build(
        const std::string& name) override {
        for (auto* kind : kinds_) {
            const auto names = kind->names();
            if (std::find(names.begin(), names.end(), name) != names.end())
                return kind->build(name);
        }
        return kinds_.front()->build(name);
    }
    void on_progress(std::function<void()> progress) override {
        for (auto* kind : kinds_)
            kind->on_progress(progress);
    }

  private:
    std::vector<virtual_library::VirtualVolumes*> kinds_;
};

}  // namespace drive_iface::vtld
