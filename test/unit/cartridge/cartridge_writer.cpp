// Writes to a cartridge until it is killed, and tells on its standard output up to which step
// everything is synchronised. Arguments: the two folders.

#include <unistd.h>

#include <cstdio>
#include <string>

#include "test/unit/cartridge/endless_writing.hpp"
#include "test/unit/cartridge/test_loop.hpp"

using drive_iface::cartridge::FileShelf;
using drive_iface::cartridge::ShelfConfiguration;
using drive_iface::virtual_library::Cartridge;

int main(int count, char** arguments) {
    if (count != 3) return 2;
    TestLoop loop;
    ShelfConfiguration configuration;
    configuration.folders = {arguments[1], arguments[2]};
    configuration.buffer_bytes = 1 << 20;
    auto shelf = FileShelf::start(configuration, loop.door());
    if (!shelf.ok()) return 1;
    std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> opened;
    const auto is_open = [&] {
        return (opened = shelf.value()->open(endless_barcode)).has_value();
    };
    if (!loop.run_until(is_open) || !opened->ok()) return 1;
    const auto cartridge = std::move(*opened).value();
    for (std::uint32_t step = 0;; ++step) {
        const auto action = endless_action(step, cartridge->end_of_data());
        if (!loop.run_until(
                [&] { return cartridge->room_for(action.data.size()) == Cartridge::Room::now; })) {
            return 1;
        }
        if (action.data.empty()) {
            cartridge->append_filemarks(action.at, 1);
        } else {
            cartridge->append_blocks(action.at, action.data,
                                     static_cast<std::uint32_t>(action.data.size()));
        }
        if (!action.synchronise) continue;
        cartridge->synchronise();
        if (!loop.run_until([&] { return cartridge->synchronised(); })) return 1;
        std::printf("%u\n", step);
        std::fflush(stdout);
    }
}
