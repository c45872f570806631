#pragma once

// One open cartridge with several readers: views of it, the worker that copies into it.

#include <functional>
#include <memory>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::sessions {

using virtual_library::Cartridge;
// Has a function called on the event loop's thread, soon, in order; from any thread.
using RunOnLoop = std::function<void(std::function<void()>)>;

class SharedCartridge : public std::enable_shared_from_this<SharedCartridge> {
  public:
    [[nodiscard]] static std::shared_ptr<SharedCartridge> of(std::unique_ptr<Cartridge> cartridge,
                                                             RunOnLoop run_on_loop);

    Cartridge* operator->() const { return cartridge_.get(); }
    // Told of progress as long as the token lives.
    [[nodiscard]] std::shared_ptr<void> listen(std::function<void()> progress);

  private:
    SharedCartridge(std::unique_ptr<Cartridge> cartridge, RunOnLoop run_on_loop);
    void tell();

    std::unique_ptr<Cartridge> cartridge_;
    RunOnLoop run_on_loop_;
    std::vector<std::weak_ptr<std::function<void()>>> listeners_;
};

}  // namespace drive_iface::sessions
