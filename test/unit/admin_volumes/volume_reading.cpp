#include "test/unit/admin_volumes/volume_reading.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::virtual_library;

std::vector<TapeFile> tape_files(Cartridge& cartridge) {
    std::vector<TapeFile> files{{}};
    for (std::uint64_t number = 0; number < cartridge.end_of_data(); ++number) {
        const auto object = cartridge.object(number);
        if (object.kind == LogicalObject::Kind::filemark) {
            files.emplace_back();
            continue;
        }
        Bytes block;
        REQUIRE(cartridge.read(number, block));
        files.back().emplace_back(block.begin(), block.end());
    }
    return files;
}

std::string joined(const TapeFile& file) {
    std::string text;
    for (const auto& block : file)
        text += block;
    return text;
}
