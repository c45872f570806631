#include "drive_iface/cartridge/file_shelf.hpp"

#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

TEST_CASE("an unknown cartridge is an error in words") {
    ShelfStand stand;
    CHECK(stand.open_error("LRA404L8") == "there is no cartridge LRA404L8");
}
