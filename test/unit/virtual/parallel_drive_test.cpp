// A parallel drive: each nexus has a position, mode parameters and a cartridge view of its own.

#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/parallel.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;
namespace code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

namespace {

// What is on the cartridge, and what happened to the views of it.
struct Committed {
    std::vector<MemoryMedium::Object> objects;
    std::uint32_t last_session = 0;
    int completed = 0;
    int left_incomplete = 0;
    bool opens = true;  // else the view is still being opened
};

// A view in memory that passes everything on to a MemoryCartridge of its own.
class View final : public ParallelCartridge {
  public:
    explicit View(Committed& committed)
        : committed_(&committed),
          medium_(std::make_shared<MemoryMedium>(blank_tape())),
          inner_(medium_) {
        for (const auto& object : committed.objects) {
            object.kind == LogicalObject::Kind::filemark ? medium_->append_filemark()
                                                         : medium_->append_block(object.data);
        }
    }
    ~View() override {
        if (session_) ++committed_->left_incomplete;
    }

    const CartridgeFacts& facts() const override { return inner_.facts(); }
    std::uint64_t end_of_data() const override { return inner_.end_of_data(); }
    LogicalObject object(std::uint64_t number) const override { return inner_.object(number); }
    std::uint64_t filemarks_before(std::uint64_t number) const override {
        return inner_.filemarks_before(number);
    }
    std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const override {
        return inner_.nth_filemark(ordinal);
    }
    std::uint64_t used() const override { return inner_.used(); }
    bool at_hand(std::uint64_t first, std::uint64_t count) override {
        return inner_.at_hand(first, count);
    }
    agent::core::Outcome read(std::uint64_t number, Bytes& into) override {
        return inner_.read(number, into);
    }
    Room room_for(std::uint64_t bytes) override { return inner_.room_for(bytes); }
    void append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) override {
        begin(at);
        inner_.append_blocks(at, std::move(data), block_length);
    }
    void append_filemarks(std::uint64_t at, std::uint32_t count) override {
        begin(at);
        inner_.append_filemarks(at, count);
    }
    void erase(std::uint64_t at) override { inner_.erase(at); }
    std::uint64_t early_warning_at() const override { return inner_.early_warning_at(); }
    std::uint64_t end_of_medium_at() const override { return inner_.end_of_medium_at(); }
    void synchronise() override { inner_.synchronise(); }
    bool synchronised() const override { return inner_.synchronised(); }
    Buffered buffered() const override { return inner_.buffered(); }
    std::optional<agent::core::Error> take_fault() override { return inner_.take_fault(); }
    const MediumAttributes& attributes() const override { return inner_.attributes(); }
    void set_attributes(MediumAttributes attributes) override {
        inner_.set_attributes(std::move(attributes));
    }
    void on_progress(std::function<void()> progress) override {
        inner_.on_progress(std::move(progress));
    }

    std::optional<WriteSession> session() const override {
        if (!session_) return std::nullopt;
        return WriteSession{.identifier = *session_,
                            .objects = end_of_data() - began_at_,
                            .state = WriteSession::State::writing};
    }
    void complete() override {
        if (!session_) return;
        const auto& all = medium_->objects();
        committed_->objects.insert(committed_->objects.end(),
                                   all.begin() + static_cast<std::ptrdiff_t>(began_at_), all.end());
        ++committed_->completed;
        session_.reset();
    }

  private:
    void begin(std::uint64_t at) {
        if (session_) return;
        session_ = ++committed_->last_session;
        began_at_ = at;
    }

    Committed* committed_;
    std::shared_ptr<MemoryMedium> medium_;
    MemoryCartridge inner_;
    std::optional<std::uint32_t> session_;
    std::uint64_t began_at_ = 0;
};

class Views final : public ParallelCartridges {
  public:
    explicit Views(Committed& committed) : committed_(&committed) {}
    std::optional<agent::core::Result<std::unique_ptr<ParallelCartridge>>> open(
        const std::string&, const std::string& barcode,
        const agent::core::InitiatorPort&) override {
        using Opened = agent::core::Result<std::unique_ptr<ParallelCartridge>>;
        if (!committed_->opens) return std::nullopt;
        if (barcode != "TAPE01L8") return Opened(agent::core::Error{"no cartridge " + barcode});
        return Opened(std::make_unique<View>(*committed_));
    }
    void on_progress(std::function<void()>) override {}

  private:
    Committed* committed_;
};

// Two hosts on a parallel drive with a cartridge.
class Rig {
  public:
    Rig()
        : views(committed),
          drive({.vendor = "LRA", .product = "VIRTUAL ULTRIUM", .serial = "VT1"}, nullptr, &views) {
        for (const std::uint64_t host : {1U, 2U}) {
            REQUIRE(nexus_established(drive.unit(), NexusId{host},
                                      {.transport = agent::core::Transport::iscsi,
                                       .name = "iqn.2026-01.org.example:" + std::to_string(host),
                                       .isid = "00023d000001",
                                       .address = {}},
                                      events)
                        .ok());
        }
        drive.insert("TAPE01L8");
        for (const std::uint64_t host : {1U, 2U}) {
            while (!good(send(host, {0, 0, 0, 0, 0, 0}))) {
            }
        }
    }

    Answer try_send(std::uint64_t host, const Bytes& cdb, Bytes data = {}) {
        return drive.execute(NexusId{host}, 0, cdb, data, events);
    }
    CommandReply send(std::uint64_t host, const Bytes& cdb, Bytes data = {}) {
        const auto answer = try_send(host, cdb, std::move(data));
        REQUIRE(answer);
        return *answer;
    }
    CommandReply write(std::uint64_t host, const Bytes& block) {
        return send(host, TapeRig::with_length(0x0a, block.size()), block);
    }
    CommandReply read(std::uint64_t host, std::size_t length) {
        return send(host, TapeRig::with_length(0x08, length));
    }
    CommandReply rewind(std::uint64_t host) { return send(host, {0x01, 0, 0, 0, 0, 0}); }

    Committed committed;
    Views views;
    std::vector<LibraryEvent> events;
    Drive drive;
};

}  // namespace

TEST_CASE("two hosts write at once and neither sees the other's stream") {
    Rig rig;
    CHECK(good(rig.write(1, {1, 1})));
    CHECK(good(rig.write(2, {2})));
    CHECK(good(rig.write(1, {1, 1, 1})));
    CHECK(good(rig.write(2, {2, 2})));
    CHECK(good(rig.send(2, {0x11, 0, 0xff, 0xff, 0xfe, 0})));  // back over both of its own
    CHECK(rig.read(2, 1).data_in == Bytes{2});
    CHECK(rig.committed.completed == 1);
    CHECK(good(rig.rewind(1)));
    CHECK(rig.committed.completed == 2);
    // From now on host 1 sees both streams, whole, in the order they were finished in.
    REQUIRE(rig.committed.objects.size() == 4);
    CHECK(rig.read(1, 1).data_in == Bytes{2});
    CHECK(rig.read(1, 2).data_in == Bytes{2, 2});
    CHECK(rig.read(1, 2).data_in == Bytes{1, 1});
    CHECK(rig.read(1, 3).data_in == Bytes{1, 1, 1});
}

TEST_CASE("each host is told its own write session") {
    Rig rig;
    const Bytes sense{0x4d, 0, 0x7a, 0, 0, 0, 0, 1, 0, 0};
    CHECK(rig.send(1, sense).data_in.size() == 4);  // it has none yet
    REQUIRE(good(rig.write(1, {1})));
    REQUIRE(good(rig.write(2, {1})));
    REQUIRE(good(rig.write(2, {1})));
    const auto of = [&](std::uint64_t host) {
        const auto page = scsi::decode_log_page(rig.send(host, sense).data_in);
        REQUIRE(page.ok());
        REQUIRE(page->parameters.size() == 3);
        return std::pair(page->parameters[0].value.back(), page->parameters[1].value.back());
    };
    CHECK(of(1) == std::pair<std::uint8_t, std::uint8_t>(1, 1));
    CHECK(of(2) == std::pair<std::uint8_t, std::uint8_t>(2, 2));
}

TEST_CASE("each host has mode parameters of its own") {
    Rig rig;
    REQUIRE(good(rig.send(1, {0x15, 0x10, 0, 0, 12, 0}, {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 4})));
    CHECK(rig.send(2, {0x1a, 0, 0, 0, 12, 0}).data_in[11] == 0);  // and no unit attention
    CHECK(good(rig.send(1, {0x0a, 1, 0, 0, 2, 0}, Bytes(8, 1))));
    CHECK(rig.drive.data_out_length(NexusId{1}, Bytes{0x0a, 1, 0, 0, 2, 0}) == 8);
    CHECK(rig.drive.data_out_length(NexusId{2}, Bytes{0x0a, 1, 0, 0, 2, 0}) == 0);
    CHECK(fails_with(rig.send(2, {0x0a, 1, 0, 0, 2, 0}, Bytes(8, 1)), SenseKey::illegal_request,
                     code::invalid_field_in_cdb));
}

TEST_CASE("a host that vanishes leaves its session incomplete and harms nobody") {
    Rig rig;
    REQUIRE(good(rig.write(1, {1})));
    REQUIRE(good(rig.write(2, {2})));
    rig.drive.nexus_lost(NexusId{1}, rig.events);
    CHECK(rig.committed.left_incomplete == 1);
    CHECK(good(rig.write(2, {2})));
    CHECK(good(rig.rewind(2)));
    CHECK(rig.committed.completed == 1);
    CHECK(rig.committed.objects.size() == 2);
}

TEST_CASE("UNLOAD ends the host's own writing while others still work") {
    Rig rig;
    REQUIRE(good(rig.write(1, {1})));
    REQUIRE(good(rig.write(2, {2})));
    CHECK(good(rig.send(1, {0x1b, 0, 0, 0, 0, 0})));
    CHECK(rig.committed.completed == 1);
    CHECK(good(rig.send(2, {0, 0, 0, 0, 0, 0})));
    CHECK(good(rig.write(2, {2})));
    CHECK(good(rig.send(2, {0x1b, 0, 0, 0, 0, 0})));
    CHECK(rig.committed.completed == 2);
    CHECK(can_be_taken(rig.drive.state().tape));
    CHECK(rig.committed.left_incomplete == 0);
}

TEST_CASE("the robot completes what hosts have written before it takes the cartridge") {
    Rig rig;
    REQUIRE(good(rig.write(1, {1})));
    begin_unload(rig.drive.state().tape, false);
    rig.drive.settle();
    CHECK(can_be_taken(rig.drive.state().tape));
    CHECK(rig.committed.completed == 1);
}

TEST_CASE("a reservation beats parallel writing") {
    Rig rig;
    REQUIRE(good(rig.send(1, {0x16, 0, 0, 0, 0, 0})));
    CHECK(rig.write(2, {2}).status == Status::reservation_conflict);
    CHECK(good(rig.write(1, {1})));
}

TEST_CASE("a command waits while the view of its host is opened, and only that one") {
    Rig rig;
    REQUIRE(good(rig.write(1, {1})));
    rig.committed.opens = false;
    CHECK_FALSE(rig.try_send(2, TapeRig::with_length(0x08, 1)));
    CHECK(good(rig.write(1, {1})));
    rig.committed.opens = true;
    CHECK(fails_with(rig.read(2, 1), SenseKey::blank_check, code::end_of_data_detected));
}

TEST_CASE("a cartridge that has no view is a medium error, and the drive goes on") {
    Rig rig;
    begin_unload(rig.drive.state().tape, false);
    rig.drive.settle();
    static_cast<void>(take_cartridge(rig.drive.state().tape));
    rig.drive.insert("NOBODY");
    rig.drive.settle();
    static_cast<void>(rig.send(1, {0, 0, 0, 0, 0, 0}));  // unit attention
    CHECK(fails_with(rig.read(1, 1), SenseKey::medium_error, code::medium_format_corrupted));
}

TEST_CASE("a reset leaves all sessions of a parallel drive incomplete, and everybody begins anew") {
    Rig rig;
    REQUIRE(good(rig.write(1, {1})));
    REQUIRE(rig.drive.manage(NexusId{2}, 0, TaskManagement::logical_unit_reset, rig.events));
    CHECK(rig.committed.left_incomplete == 1);
    static_cast<void>(rig.send(1, {0, 0, 0, 0, 0, 0}));  // unit attention
    CHECK(fails_with(rig.read(1, 1), SenseKey::blank_check, code::end_of_data_detected));
}
