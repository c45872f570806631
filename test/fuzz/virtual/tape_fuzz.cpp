// Commands of two hosts with data on a drive with a moody tape. Whatever they are, the drive
// answers each of them in the end, stands on the tape it says it stands on, and what is recorded
// stays within the cartridge.

#include <algorithm>
#include <array>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"

using namespace drive_iface::virtual_library;

namespace {

constexpr std::size_t hosts = 2;
constexpr std::size_t cdb_size = 16;
constexpr std::uint64_t capacity = std::uint64_t{64} * 1024;

class Rig {
  public:
    // The first byte says what kind of medium it is.
    explicit Rig(std::uint8_t kind)
        : drive_({.vendor = "LRA", .product = "VIRTUAL", .serial = "VT1", .element_address = 1},
                 &shelf_) {
        medium_ = shelf_.add({.barcode = "FUZZ01L8",
                              .capacity = capacity,
                              .write_protected = (kind & 0x01) != 0,
                              .worm = (kind & 0x02) != 0});
        medium_->mood = {.fetches = (kind & 0x04) != 0,
                         .buffers = (kind & 0x08) != 0,
                         .opens_late = (kind & 0x10) != 0,
                         .objects_a_step = 1 + (std::uint64_t{kind} >> 5U),
                         .buffer_bytes = 2048};
        for (std::uint64_t host = 1; host <= hosts; ++host)
            log_in(host);
        drive_.insert("FUZZ01L8");
    }

    void log_in(std::uint64_t host) {
        const agent::core::InitiatorPort port{.transport = agent::core::Transport::iscsi,
                                              .name = "iqn.x:" + std::to_string(host),
                                              .isid = "00023d000001",
                                              .address = {}};
        AGENT_ASSERT(nexus_established(drive_.unit(), NexusId{host}, port, events_).ok());
    }

    void command(std::uint64_t host, std::span<const std::uint8_t> cdb, Bytes data_out) {
        // A medium that has nothing left to do can not be waited for.
        for (;;) {
            const Answer answer = drive_.execute(NexusId{host}, 0, cdb, data_out, events_);
            if (answer) {
                AGENT_ASSERT((answer->status == Status::check_condition) == !answer->sense.empty());
                return;
            }
            AGENT_ASSERT(shelf_.work());
        }
    }

    void happen(std::uint64_t host, std::uint8_t what) {
        switch (what % 8) {
            case 0:
                drive_.nexus_lost(NexusId{host}, events_);
                log_in(host);
                return;
            case 1:
                static_cast<void>(
                    drive_.manage(NexusId{host}, 0, TaskManagement::logical_unit_reset, events_));
                return;
            case 2:
                drive_.power_cycle(Cache::lost, events_);
                return;
            case 3:
                medium_->fail_storing({"the disk is full"});
                return;
            case 4:
                if (!medium_->objects().empty())
                    medium_->damaged.insert(what / 8U % medium_->objects().size());
                return;
            case 5:
                move();
                return;
            default:
                static_cast<void>(shelf_.work());
                drive_.settle();
        }
    }

    void check() const {
        const TapeState& tape = drive_.state().tape;
        AGENT_ASSERT(medium_->used() <= capacity);
        AGENT_ASSERT(medium_->filemarks().size() <= filemarks_max);
        if (!tape.shared.tape.cartridge) return;
        // After a failure of storing the position is behind the end until somebody is told.
        const auto buffered = tape.shared.tape.cartridge->buffered();
        AGENT_ASSERT(buffered.objects <= medium_->objects().size());
    }

  private:
    // Out of the drive, and in again.
    void move() {
        TapeState& tape = drive_.state().tape;
        begin_unload(tape, false);
        do {
            drive_.settle();
        } while (shelf_.work());
        drive_.settle();
        if (can_be_taken(tape)) drive_.insert(take_cartridge(tape));
    }

    MemoryShelf shelf_;
    std::shared_ptr<MemoryMedium> medium_;
    std::vector<LibraryEvent> events_;
    Drive drive_;
};

}  // namespace

namespace {

// They would take the fuzzer's time and show nothing that a thousand do not.
std::array<std::uint8_t, cdb_size> without_millions_of_filemarks(
    std::span<const std::uint8_t> given) {
    constexpr std::uint8_t write_filemarks_6 = 0x10;
    constexpr std::uint8_t write_filemarks_16 = 0x80;
    std::array<std::uint8_t, cdb_size> cdb{};
    std::copy(given.begin(), given.end(), cdb.begin());
    if (cdb[0] == write_filemarks_6) cdb[2] = cdb[3] = 0;
    if (cdb[0] == write_filemarks_16) cdb[12] = cdb[13] = 0;
    return cdb;
}

}  // namespace

// Kind of medium (1 byte), then records: host and what (1), length of data-out in units of 8 (1),
// CDB (16), data-out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Rig rig(data[0]);
    std::span<const std::uint8_t> rest(data + 1, size - 1);
    while (rest.size() >= 2 + cdb_size) {
        const std::uint64_t host = 1 + rest[0] % hosts;
        const bool is_event = (rest[0] >> 4) == 0x0f;
        // Blocks need not be in the input: what is missing is zeros.
        Bytes data_out(std::size_t{rest[1]} * 8, 0);
        const auto cdb = rest.subspan(2, cdb_size);
        const auto given = rest.subspan(2 + cdb_size);
        const std::size_t taken = std::min(given.size(), std::size_t{rest[1]} % 16);
        std::copy_n(given.begin(), taken, data_out.begin());
        rest = given.subspan(taken);
        if (is_event) {
            rig.happen(host, cdb[0]);
        } else {
            rig.command(host, without_millions_of_filemarks(cdb), std::move(data_out));
        }
        rig.check();
    }
    return 0;
}
