#pragma once

// A tape drive with a cartridge in memory and one host, so that a test shows only what matters.
// What the medium's mood makes wait, the rig waits for.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

namespace tape_test {

namespace scsi = drive_iface::scsi;
using namespace drive_iface::virtual_library;

inline bool good(const CommandReply& reply) {
    return reply.status == Status::good;
}

// Of a command that ended with CHECK CONDITION.
inline scsi::SenseData sense_of(const CommandReply& reply) {
    REQUIRE(reply.status == Status::check_condition);
    const auto sense = scsi::decode_sense(reply.sense);
    REQUIRE(sense.ok());
    return *sense;
}

inline bool fails_with(const CommandReply& reply, scsi::SenseKey key,
                       scsi::AdditionalSense additional) {
    if (reply.status != Status::check_condition) return false;
    const auto sense = sense_of(reply);
    return sense.key == key && sense.additional == additional;
}

inline CartridgeFacts blank_tape(std::uint64_t capacity = 1'000'000) {
    return {.barcode = "TAPE01L8", .capacity = capacity};
}

class TapeRig {
  public:
    static constexpr NexusId host{1};
    static constexpr NexusId other_host{2};

    // The cartridge is loaded and all unit attentions are taken off.
    explicit TapeRig(CartridgeFacts facts = blank_tape(), MemoryMood mood = {})
        : shelf_(std::make_unique<MemoryShelf>()),
          drive_(std::make_unique<Drive>(DriveIdentity{.vendor = "LRA",
                                                       .product = "VIRTUAL ULTRIUM",
                                                       .serial = "VT00000001",
                                                       .element_address = 256},
                                         shelf_.get())) {
        medium_ = shelf_->add(std::move(facts));
        medium_->mood = mood;
        log_in(host, "a");
        log_in(other_host, "b");
        drive_->insert(medium_->facts.barcode);
        settle();
        for (const NexusId nexus : {host, other_host})
            take_attentions(nexus);
    }

    // Takes the unit attentions off; their codes, oldest first.
    std::vector<scsi::AdditionalSense> take_attentions(NexusId nexus) {
        std::vector<scsi::AdditionalSense> taken;
        while (!drive_->unit().nexuses.at(nexus).attentions.pending().empty())
            taken.push_back(sense_of(send_as(nexus, {0x00, 0, 0, 0, 0, 0})).additional);
        return taken;
    }

    void log_in(NexusId nexus, const std::string& name) {
        const agent::core::InitiatorPort port{.transport = agent::core::Transport::iscsi,
                                              .name = "iqn.2026-01.org.example:" + name,
                                              .isid = "00023d000001",
                                              .address = "192.0.2.17"};
        REQUIRE(nexus_established(drive_->unit(), nexus, port, events_).ok());
    }

    // One call, which may have to wait.
    Answer try_as(NexusId nexus, const Bytes& cdb, Bytes& data_out) {
        return drive_->execute(nexus, 0, cdb, data_out, events_);
    }
    Answer try_send(const Bytes& cdb, Bytes data_out = {}) { return try_as(host, cdb, data_out); }
    // To the end, while the medium works.
    CommandReply send_as(NexusId nexus, const Bytes& cdb, Bytes data_out = {}) {
        for (int rounds = 0; rounds < 100000; ++rounds) {
            if (auto answer = try_as(nexus, cdb, data_out)) return *answer;
            REQUIRE(shelf_->work());
        }
        FAIL("a command waits for ever");
        return {};
    }
    CommandReply send(const Bytes& cdb, Bytes data_out = {}) {
        return send_as(host, cdb, std::move(data_out));
    }

    // Everything the drive and the medium have to do by themselves.
    void settle() {
        drive_->settle();
        while (shelf_->work())
            drive_->settle();
    }

    CommandReply write(const Bytes& block) { return send(with_length(0x0a, block.size()), block); }
    CommandReply write_filemarks(std::uint8_t count) { return send({0x10, 0, 0, 0, count, 0}); }
    CommandReply read(std::size_t length) { return send(with_length(0x08, length)); }
    CommandReply rewind() { return send({0x01, 0, 0, 0, 0, 0}); }
    CommandReply locate(std::uint8_t number) {
        return send({0x2b, 0, 0, 0, 0, 0, number, 0, 0, 0});
    }
    CommandReply set_block_length(std::uint16_t length) {
        return send({0x15, 0x10, 0, 0, 12, 0},
                    {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(length >> 8),
                     static_cast<std::uint8_t>(length)});
    }
    std::uint64_t position() {
        const auto reply = send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0});
        REQUIRE(reply.data_in.size() == 32);
        scsi::ByteReader in(reply.data_in);
        in.skip(8);
        return in.u64();
    }

    static Bytes with_length(std::uint8_t opcode, std::size_t length, std::uint8_t byte_1 = 0) {
        return {opcode,
                byte_1,
                static_cast<std::uint8_t>(length >> 16),
                static_cast<std::uint8_t>(length >> 8),
                static_cast<std::uint8_t>(length),
                0};
    }

    MemoryMedium& medium() { return *medium_; }
    MemoryShelf& shelf() { return *shelf_; }
    Drive& drive() { return *drive_; }
    const TapeState& tape() { return drive_->state().tape; }
    std::vector<LibraryEvent>& events() { return events_; }

  private:
    std::unique_ptr<MemoryShelf> shelf_;
    std::shared_ptr<MemoryMedium> medium_;
    std::unique_ptr<Drive> drive_;
    std::vector<LibraryEvent> events_;
};

}  // namespace tape_test
