// How long it takes to build the volume that tells of 10,000 cartridges.

#include <chrono>
#include <cstdio>

#include "drive_iface/admin_volumes/administrative_volume.hpp"

using namespace drive_iface::admin_volumes;

int main() {
    constexpr std::int64_t cartridges = 10'000;
    DataSet data{DataSetType::volumes, {}};
    for (std::int64_t i = 0; i < cartridges; ++i) {
        data.records.push_back({{"barcode", "A" + std::to_string(100'000 + i) + "L8"},
                                {"place", "slot " + std::to_string(i)},
                                {"capacity", number(12'000'000'000'000)},
                                {"used", number(static_cast<std::uint64_t>(i) * 1'000'000)},
                                {"write_protected", false},
                                {"worm", false},
                                {"cleaning", false}});
    }
    const auto began = std::chrono::steady_clock::now();
    const auto volume = administrative_volume("ADMVOLL8", {data}, {.library = "VTL0000001"});
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    if (!volume) return 1;
    std::printf("%lld cartridges: %.1f ms, %llu bytes\n", static_cast<long long>(cartridges),
                took.count(), static_cast<unsigned long long>((*volume)->used()));
    return 0;
}
