#include "drive_iface/sessions/shared_cartridge.hpp"

#include <utility>

namespace drive_iface::sessions {

SharedCartridge::SharedCartridge(std::unique_ptr<Cartridge> cartridge, RunOnLoop run_on_loop)
    : cartridge_(std::move(cartridge)), run_on_loop_(std::move(run_on_loop)) {}

std::shared_ptr<SharedCartridge> SharedCartridge::of(std::unique_ptr<Cartridge> cartridge,
                                                     RunOnLoop run_on_loop) {
    std::shared_ptr<SharedCartridge> shared(
        new SharedCartridge(std::move(cartridge), std::move(run_on_loop)));
    shared->cartridge_->on_progress([weak = shared->weak_from_this()] {
        if (const auto self = weak.lock()) self->tell();
    });
    return shared;
}

std::shared_ptr<void> SharedCartridge::listen(std::function<void()> progress) {
    auto listener = std::make_shared<std::function<void()>>(std::move(progress));
    std::erase_if(listeners_, [](const auto& old) { return old.expired(); });
    listeners_.push_back(listener);
    return listener;
}

// A listener may be the last to let go of this cartridge, which is calling just now: it is kept
// until the call is over.
void SharedCartridge::tell() {
    const auto self = shared_from_this();
    for (const auto& listener : std::vector(listeners_)) {
        if (const auto call = listener.lock()) (*call)();
    }
    if (self.use_count() <= 2) run_on_loop_([self] {});
}

}  // namespace drive_iface::sessions
