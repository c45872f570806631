#include "agent/mounts/changer.hpp"

#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::Whereabouts;
namespace virtual_library = drive_iface::virtual_library;

namespace {

constexpr core::Duration changer_timeout{1'000};

struct ChangerBench {
    virtual_library::MemoryShelf shelf = three_cartridges();
    virtual_library::Library library{
        {.vendor = "LRA",
         .product = "CHANGER",
         .serial = "CH00000001",
         .drives = {{.serial = "VT00000001", .product = "VIRTUAL-LTO8", .element_address = 256},
                    {.serial = "VT00000002", .product = "VIRTUAL-LTO8", .element_address = 257}},
         .slots = 4},
        shelf};
    std::unique_ptr<drive_iface::Transport> changer = drive_iface::make_virtual_transport(
        library, "CH00000001", {core::Transport::iscsi, "iqn.2026-01.org.example:c", "", ""});

    static virtual_library::MemoryShelf three_cartridges() {
        virtual_library::MemoryShelf shelf;
        for (const char* barcode : {"VT0001L8", "VT0002L8", "CLN001L1"})
            shelf.add({.barcode = barcode, .capacity = 1'000'000});
        return shelf;
    }
    MoveEnd move(const std::string& volume, bool into_drive,
                 std::optional<std::uint16_t> home = std::nullopt) {
        return move_volume(*changer, {volume, 256, home, into_drive}, claims::lto_media(),
                           changer_timeout, changer_timeout);
    }
};

}  // namespace

TEST_CASE("the inventory shows drives by serial number, volumes and empty slots") {
    ChangerBench bench;
    const auto seen = read_inventory(*bench.changer, claims::lto_media(), changer_timeout);
    REQUIRE(seen);
    REQUIRE(seen->drives.size() == 2);
    CHECK(means_drive(seen->drives.front(), "VT00000001"));
    CHECK(!means_drive(seen->drives.front(), "VT00000002"));
    CHECK(seen->volumes.size() == 3);
    CHECK(seen->empty_slots.size() == 1);
    CHECK(whereabouts_of(*seen, "VT0001L8", 256) == Whereabouts::slot);
    CHECK(whereabouts_of(*seen, "NOBODY", 256) == Whereabouts::missing);
}

TEST_CASE("a volume goes into the drive and back to its home, and twice is once") {
    ChangerBench bench;
    const auto in = bench.move("VT0001L8", true);
    INFO(in.words);
    CHECK(in.done);
    CHECK(bench.move("VT0001L8", true).done);
    const auto seen = read_inventory(*bench.changer, claims::lto_media(), changer_timeout);
    CHECK(whereabouts_of(*seen, "VT0001L8", 256) == Whereabouts::its_drive);
    CHECK(whereabouts_of(*seen, "VT0001L8", 257) == Whereabouts::elsewhere);
    const auto out = bench.move("VT0001L8", false, std::uint16_t{1'001});
    INFO(out.words);
    CHECK(out.done);
    CHECK(out.slot == std::uint16_t{1'001});
    CHECK(bench.move("VT0001L8", false).done);
}

TEST_CASE("a home that is taken sends the volume to an empty slot") {
    ChangerBench bench;
    REQUIRE(bench.move("VT0001L8", true).done);
    const auto out = bench.move("VT0001L8", false, std::uint16_t{1'002});
    CHECK(out.done);
    CHECK(out.slot != std::uint16_t{1'002});
}

TEST_CASE("what can not be moved is told with where it is") {
    ChangerBench bench;
    CHECK(bench.move("NOBODY", true).medium == Whereabouts::missing);
    REQUIRE(bench.move("VT0001L8", true).done);
    const auto second = bench.move("VT0002L8", true);
    CHECK(!second.done);
    CHECK(second.medium == Whereabouts::slot);
    CHECK(second.words.find("MOVE MEDIUM") != std::string::npos);
}

TEST_CASE("another cartridge in a drive is told from the claim's own") {
    Inventory seen;
    seen.drives = {{.element = 256, .volume = "VT0001L8", .full = true}, {.element = 257}};
    seen.volumes = {{.barcode = "VT0001L8", .place = claims::Place::drive, .element = 256},
                    {.barcode = "VT0002L8", .place = claims::Place::slot, .element = 1'000}};
    CHECK(other_cartridge(seen, "VT0001L8", 256).empty());
    CHECK(other_cartridge(seen, "VT0002L8", 256) == "volume VT0001L8");
    CHECK(other_cartridge(seen, "NOBODY", 256) == "volume VT0001L8");
    CHECK(other_cartridge(seen, "VT0001L8", 257).empty());
    CHECK(other_cartridge(seen, "VT0001L8", 999).empty());
    seen.drives[0].volume.clear();  // the changer reads no label there
    CHECK(other_cartridge(seen, "NOBODY", 256).empty());
    CHECK(other_cartridge(seen, "VT0002L8", 256) == "a cartridge without a label");
}

TEST_CASE("a volume is not taken out of a drive that is not its own") {
    ChangerBench bench;
    REQUIRE(bench.move("VT0001L8", true).done);
    const auto out = move_volume(*bench.changer, {"VT0001L8", 257, std::nullopt, false},
                                 claims::lto_media(), changer_timeout, changer_timeout);
    CHECK(!out.done);
    CHECK(out.gone);
    CHECK(out.words == "volume VT0001L8 is no more in its drive but in drive element 256");
    const auto seen = read_inventory(*bench.changer, claims::lto_media(), changer_timeout);
    REQUIRE(seen);
    CHECK(whereabouts_of(*seen, "VT0001L8", 256) == Whereabouts::its_drive);
}

namespace {

// Answers INITIALIZE ELEMENT STATUS with this alone.
class NoStock final : public drive_iface::Transport {
  public:
    NoStock(drive_iface::Transport& inner, std::optional<std::uint16_t> sense)
        : inner_(inner), sense_(sense) {}
    core::Result<drive_iface::ScsiReply> execute(const drive_iface::ScsiCommand& request,
                                                 core::Duration timeout) override {
        if (request.cdb.front() != 0x07) return inner_.execute(request, timeout);
        if (!sense_) return core::Error{"the connection was lost"};
        drive_iface::ScsiReply reply;
        reply.status = 0x02;
        reply.sense = {0x70,
                       0,
                       static_cast<std::uint8_t>(*sense_ == 0x2000 ? 5 : 2),
                       0,
                       0,
                       0,
                       0,
                       10,
                       0,
                       0,
                       0,
                       0,
                       static_cast<std::uint8_t>(*sense_ >> 8U),
                       static_cast<std::uint8_t>(*sense_),
                       0,
                       0,
                       0,
                       0};
        return reply;
    }

  private:
    drive_iface::Transport& inner_;
    std::optional<std::uint16_t> sense_;
};

}  // namespace

TEST_CASE("a volume is gone when the changer has looked again, or can not") {
    ChangerBench bench;
    struct Case {
        std::optional<std::uint16_t> sense;  // additional sense code and qualifier
        bool gone;
    };
    for (const auto& [sense, gone] : {Case{std::nullopt, false}, Case{0x0403, false},
                                      Case{0x2000, true}}) {  // INVALID COMMAND OPERATION CODE
        NoStock changer(*bench.changer, sense);
        const auto out = move_volume(changer, {"NOBODY", 257, std::nullopt, false},
                                     claims::lto_media(), changer_timeout, changer_timeout);
        INFO(out.words);
        CHECK(!out.done);
        CHECK(out.gone == gone);
        CHECK((out.medium == Whereabouts::no_answer) == !gone);
    }
}
