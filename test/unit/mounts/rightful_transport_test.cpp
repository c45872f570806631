#include "agent/mounts/rightful_transport.hpp"

#include <vector>

#include "agent/mounts/changer.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::Whereabouts;
namespace virtual_library = drive_iface::virtual_library;

namespace {

constexpr core::Duration right_timeout{1'000};

// A changer, and a right that may end after so many commands.
struct RightBench : drive_iface::Transport {
    virtual_library::MemoryShelf shelf = one_cartridge_to_move();
    virtual_library::Library library{
        {.vendor = "LRA",
         .product = "CHANGER",
         .serial = "CH00000001",
         .drives = {{.serial = "VT00000001", .product = "VIRTUAL-LTO8", .element_address = 256}},
         .slots = 4},
        shelf};
    std::unique_ptr<drive_iface::Transport> changer = drive_iface::make_virtual_transport(
        library, "CH00000001", {core::Transport::iscsi, "iqn.2026-01.org.example:c", "", ""});
    std::vector<std::uint8_t> sent;
    std::size_t until_sent = SIZE_MAX;
    pair::ActingRight right = pair::right_of_single_controller(7);
    pair::ActingRight later{};
    ActingDoor acting = [this] { return sent.size() < until_sent ? right : later; };

    static virtual_library::MemoryShelf one_cartridge_to_move() {
        virtual_library::MemoryShelf shelf;
        shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000});
        return shelf;
    }
    core::Result<drive_iface::ScsiReply> execute(const drive_iface::ScsiCommand& command,
                                                 core::Duration timeout) override {
        sent.push_back(command.cdb.front());
        return changer->execute(command, timeout);
    }
    MoveEnd move(std::uint64_t epoch, bool& kept_back) {
        RightfulTransport rightful(*this, acting, epoch);
        auto end = move_volume(rightful, {"VT0001L8", 256, std::nullopt, true}, claims::lto_media(),
                               right_timeout, right_timeout);
        kept_back = rightful.kept_back();
        return end;
    }
};

}  // namespace

TEST_CASE("whoever may act moves cartridges") {
    RightBench bench;
    bool kept_back = true;
    CHECK(bench.move(7, kept_back).done);
    CHECK(!kept_back);
}

TEST_CASE("a right that ends between two commands of a move stops the rest") {
    RightBench bench;
    bool kept_back = false;
    REQUIRE(bench.move(7, kept_back).done);
    const auto whole = bench.sent.size();
    for (std::size_t cut = 0; cut < whole; ++cut) {
        INFO(cut);
        RightBench again;
        again.until_sent = cut;
        const auto end = again.move(7, kept_back);
        CHECK(!end.done);
        CHECK(end.medium == Whereabouts::no_answer);
        CHECK(kept_back);
        CHECK(again.sent.size() == cut);
    }
}

TEST_CASE("a right whose time is over, or of another epoch, sends nothing") {
    bool kept_back = false;
    RightBench late;
    late.right.until = runtime::clock_now().monotonic;
    CHECK(!late.move(7, kept_back).done);
    CHECK(kept_back);
    CHECK(late.sent.empty());
    RightBench newer;
    newer.right.epoch = 8;
    CHECK(!newer.move(7, kept_back).done);
    CHECK(kept_back);
    CHECK(newer.sent.empty());
}
