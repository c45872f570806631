// Commands and parameter lists of two hosts on a changer with moody cartridges. Whatever they are,
// every cartridge of the shelf is in exactly one place or outside, what a drive has is what its
// element says, and each command is answered in the end.

#include <algorithm>
#include <array>
#include <set>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"

using namespace drive_iface::virtual_library;

namespace {

constexpr std::size_t hosts = 2;
constexpr std::size_t cdb_size = 16;
constexpr const char* changer = "VL1";
constexpr const char* drives[] = {"VT1", "VT2"};

class Robot {
  public:
    // The first byte says what kind of media they are.
    explicit Robot(std::uint8_t kind) {
        for (const char* barcode : {"F1", "F2", "F3", "CLN1"}) {
            const bool cleaning = barcode[0] == 'C';
            shelf_.add({.barcode = barcode, .capacity = 4096, .cleaning = cleaning})->mood = {
                .buffers = (kind & 0x01) != 0, .opens_late = (kind & 0x02) != 0};
        }
        library_.emplace(
            LibraryDescription{
                .vendor = "LRA",
                .product = "VL",
                .serial = changer,
                .drives = {{.serial = drives[0], .product = "V", .element_address = 256},
                           {.serial = drives[1], .product = "V", .element_address = 257}},
                .slots = 3,
                .import_export = 1},
            shelf_);
        library_->take_inventory();
        for (std::size_t host = 0; host < hosts; ++host) {
            robots_[host] = log_in(host, changer);
            users_[host] = log_in(host, drives[host]);
        }
    }

    void command(std::size_t host, bool of_drive, std::span<const std::uint8_t> cdb,
                 const Bytes& data_out) {
        const NexusId nexus = of_drive ? users_[host] : robots_[host];
        for (;;) {
            Bytes sent = data_out;
            const Answer answer = library_->execute(nexus, 0, cdb, sent);
            static_cast<void>(library_->data_out_length(nexus, cdb));
            if (answer) {
                AGENT_ASSERT((answer->status == Status::check_condition) == !answer->sense.empty());
                return;
            }
            // A medium that has nothing left to do can not be waited for.
            AGENT_ASSERT(shelf_.work());
            library_->proceed();
        }
    }

    void happen(std::size_t host, std::uint8_t what) {
        switch (what % 8) {
            case 0:
                library_->nexus_lost(robots_[host]);
                robots_[host] = log_in(host, changer);
                return;
            case 1:
                static_cast<void>(
                    library_->manage(robots_[host], 0, TaskManagement::logical_unit_reset));
                return;
            case 2:
                library_->power_cycle();
                return;
            case 3:
                AGENT_ASSERT(library_->force_offline(drives[host], "fuzz").ok());
                return;
            case 4:
                AGENT_ASSERT(library_->lift_forced_offline(drives[host]).ok());
                return;
            case 5:
                move("F2", what / 8U % 2 == 0 ? "drive VT2" : "port 1");
                return;
            default:
                if (const auto name = "NEW" + std::to_string(what / 8U); !shelf_.find(name))
                    shelf_.add({.barcode = name, .capacity = 4096});
                library_->take_inventory();
        }
    }

    void check() const {
        std::set<std::string> placed;
        for (const auto& element : library_->elements()) {
            if (element.barcode.empty()) continue;
            AGENT_ASSERT(placed.insert(element.barcode).second);
            for (const auto& drive : library_->drives()) {
                if (element.place == "drive " + drive.serial)
                    AGENT_ASSERT(drive.barcode == element.barcode);
            }
        }
        for (const auto& barcode : library_->outside())
            AGENT_ASSERT(placed.insert(barcode).second);
        AGENT_ASSERT(placed.size() == shelf_.list().size());
    }

  private:
    NexusId log_in(std::size_t host, const char* serial) {
        auto nexus =
            library_->nexus_established(serial, {.transport = agent::core::Transport::iscsi,
                                                 .name = "iqn.x:" + std::to_string(host),
                                                 .isid = "00023d000001",
                                                 .address = {}});
        AGENT_ASSERT(nexus.ok());
        return *nexus;
    }
    void move(const std::string& barcode, const std::string& place) {
        while (!library_->move_cartridge(barcode, place)) {
            AGENT_ASSERT(shelf_.work());
            library_->proceed();
        }
    }

    MemoryShelf shelf_;
    std::optional<Library> library_;
    std::array<NexusId, hosts> robots_, users_;
};

}  // namespace

// Kind of media (1 byte), then records: host, whose device and what (1), length of data-out (1),
// CDB (16), data-out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Robot robot(data[0]);
    std::span<const std::uint8_t> rest(data + 1, size - 1);
    while (rest.size() >= 2 + cdb_size) {
        const std::size_t host = rest[0] % hosts;
        const bool is_event = (rest[0] >> 4) == 0x0f;
        const bool of_drive = (rest[0] & 0x0e) == 0x0e;
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2 - cdb_size);
        const auto cdb = rest.subspan(2, cdb_size);
        const auto data_out = rest.subspan(2 + cdb_size, length);
        rest = rest.subspan(2 + cdb_size + length);
        if (is_event) {
            robot.happen(host, cdb[0]);
        } else {
            robot.command(host, of_drive, cdb, {data_out.begin(), data_out.end()});
        }
        robot.check();
    }
    return 0;
}
