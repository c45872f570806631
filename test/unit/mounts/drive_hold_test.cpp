#include "agent/mounts/drive_hold.hpp"

#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/mount_key.hpp"
#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::HeldBy;
using drive_iface::mount_key;
namespace virtual_library = drive_iface::virtual_library;

namespace {

constexpr core::Duration hold_timeout{1'000};
const std::uint64_t hold_family = drive_iface::mount_key_family("lib");

struct HoldBench {
    virtual_library::MemoryShelf shelf = one_cartridge_to_hold();
    virtual_library::Library library{{.vendor = "LRA",
                                      .product = "CHANGER",
                                      .serial = "CH00000001",
                                      .drives = {{.serial = "VT00000001",
                                                  .product = "VIRTUAL-LTO8",
                                                  .element_address = 256,
                                                  .cartridge = "VT0001L8"}}},
                                     shelf};
    std::unique_ptr<drive_iface::Transport> a = path("a");
    std::unique_ptr<drive_iface::Transport> b = path("b");
    std::uint64_t key_a = mount_key(hold_family, 1, 5);
    std::uint64_t key_b = mount_key(hold_family, 2, 6);

    static virtual_library::MemoryShelf one_cartridge_to_hold() {
        virtual_library::MemoryShelf shelf;
        shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000});
        return shelf;
    }
    std::unique_ptr<drive_iface::Transport> path(const std::string& name) {
        return drive_iface::make_virtual_transport(
            library, "VT00000001",
            {core::Transport::iscsi, "iqn.2026-01.org.example:" + name, "00023d000001", ""});
    }
    HeldBy held(std::uint64_t own) {
        return look_at_holder(*a, hold_family, own, hold_timeout).held;
    }
};

}  // namespace

TEST_CASE("keys of one library tell node and epoch, and are no fence's") {
    CHECK(mount_key(hold_family, 1, 5) != mount_key(hold_family, 2, 5));
    CHECK(mount_key(hold_family, 1, 5) != mount_key(hold_family, 1, 6));
    CHECK(drive_iface::is_mount_key(hold_family, mount_key(hold_family, 15, 0xfffff)));
    CHECK(!drive_iface::is_mount_key(drive_iface::mount_key_family("other"),
                                     mount_key(hold_family, 1, 5)));
    CHECK(!drive_iface::is_mount_key(0, 0));
    CHECK(!drive_iface::is_fence_key(mount_key(hold_family, 1, 5)));
}

TEST_CASE("a free drive is held, held again, and let go") {
    HoldBench bench;
    CHECK(bench.held(bench.key_a) == HeldBy::nobody);
    const auto hold = hold_drive(*bench.a, hold_family, bench.key_a, hold_timeout);
    REQUIRE(hold);
    CHECK(!hold->refused);
    CHECK(!hold_drive(*bench.a, hold_family, bench.key_a, hold_timeout)->refused);
    CHECK(bench.held(bench.key_a) == HeldBy::own_key);
    CHECK(bench.held(bench.key_b) == HeldBy::dead_key);
    REQUIRE(let_go_of_drive(*bench.a, hold_family, bench.key_a, hold_timeout));
    CHECK(bench.held(bench.key_a) == HeldBy::nobody);
    CHECK(let_go_of_drive(*bench.a, hold_family, bench.key_a, hold_timeout));
}

TEST_CASE("a dead key is preempted by another node, and by the same one in a new epoch") {
    HoldBench bench;
    REQUIRE(hold_drive(*bench.a, hold_family, bench.key_a, hold_timeout));
    const auto taken = hold_drive(*bench.b, hold_family, bench.key_b, hold_timeout);
    INFO((taken ? taken->words : taken.error().message));
    REQUIRE(taken);
    CHECK(bench.held(bench.key_b) == HeldBy::own_key);
    const auto newer = mount_key(hold_family, 2, 7);
    REQUIRE(hold_drive(*bench.b, hold_family, newer, hold_timeout));
    CHECK(bench.held(newer) == HeldBy::own_key);
    REQUIRE(let_go_of_drive(*bench.a, hold_family, mount_key(hold_family, 1, 8), hold_timeout));
    CHECK(bench.held(newer) == HeldBy::nobody);
}

TEST_CASE("a host's reservation is never touched") {
    HoldBench bench;
    constexpr std::uint64_t host_key = 0xabcdef;
    REQUIRE(hold_drive(*bench.b, hold_family, host_key, hold_timeout));
    const auto hold = hold_drive(*bench.a, hold_family, bench.key_a, hold_timeout);
    REQUIRE(hold);
    CHECK(hold->refused);
    CHECK(hold->words.find("0000000000abcdef") != std::string::npos);
    REQUIRE(let_go_of_drive(*bench.a, hold_family, bench.key_a, hold_timeout));
    CHECK(bench.held(bench.key_a) == HeldBy::other);
}

TEST_CASE("a drive is ready, and empty when it was unloaded") {
    HoldBench bench;
    CHECK(look_at_readiness(*bench.a, hold_timeout)->readiness == Readiness::ready);
    REQUIRE(unload_drive(*bench.a, hold_timeout));
    CHECK(look_at_readiness(*bench.a, hold_timeout)->readiness == Readiness::empty);
    CHECK(unload_drive(*bench.a, hold_timeout));
}
