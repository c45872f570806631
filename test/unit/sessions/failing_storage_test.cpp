// Storage that fails again and again, under a session and under the volume it is copied into.

#include <deque>
#include <map>

#include "drive_iface/sessions/volume.hpp"
#include "drive_iface/sessions/write_stream.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::sessions;
using namespace drive_iface::virtual_library;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

MemoryMood buffering() {
    MemoryMood mood;
    mood.buffers = true;
    mood.buffer_bytes = 3000;
    return mood;
}

std::shared_ptr<MemoryMedium> buffering_medium(const std::string& barcode) {
    auto medium =
        std::make_shared<MemoryMedium>(CartridgeFacts{.barcode = barcode, .capacity = 1'000'000});
    medium->mood = buffering();
    return medium;
}

// A volume in memory and the session that is copied into it.
class VolumeRig {
  public:
    explicit VolumeRig(int blocks) : volume_(std::make_shared<Volume>("VOL001L8", doors())) {
        base->append_block(Bytes(1000, 'o'));
        base->append_filemark();
        while (base->work()) {
        }
        segment_ = std::make_shared<MemoryMedium>(
            CartridgeFacts{.barcode = "SEGMENT", .capacity = 1'000'000});
        for (int i = 0; i < blocks; ++i)
            segment_->append_block(Bytes(1000, static_cast<std::uint8_t>('a' + i)));
        segment_->append_filemark();
        REQUIRE(volume_->open());
    }

    void commit() {
        const auto objects = segment_->objects().size();
        volume_->commit({.identifier = 7,
                         .segment = SharedCartridge::of(std::make_unique<MemoryCartridge>(segment_),
                                                        run_on_loop()),
                         .objects = objects,
                         .bytes = segment_->used(),
                         .merge_start = {}});
    }
    // All that happens by itself; it comes to an end.
    void settle() {
        for (int round = 0; round < 10000; ++round) {
            bool any = !loop_.empty();
            while (!loop_.empty()) {
                const auto next = std::move(loop_.front());
                loop_.pop_front();
                next();
            }
            any = base->work() || any;
            if (!any) return;
        }
        FAIL("it never comes to rest");
    }
    void retry_later(std::int64_t ms = 300'000) {
        now_ms_ += ms;
        volume_->retry();
        settle();
    }
    Volume& volume() { return *volume_; }

    std::shared_ptr<MemoryMedium> base = buffering_medium("VOL001L8");
    std::vector<std::uint32_t> merged;
    std::vector<std::string> log;
    bool hosts_write = false;

  private:
    RunOnLoop run_on_loop() {
        return [this](std::function<void()> what) { loop_.push_back(std::move(what)); };
    }
    Volume::Doors doors() {
        Volume::Doors doors;
        doors.open_base = [this] {
            return std::optional(
                Result<std::unique_ptr<Cartridge>>(std::make_unique<MemoryCartridge>(base)));
        };
        doors.run_on_loop = run_on_loop();
        doors.merge_begins = [](std::uint32_t, std::uint64_t) { return Outcome(Nothing{}); };
        doors.merged = [this](std::uint32_t identifier, std::uint64_t) {
            merged.push_back(identifier);
            return Outcome(Nothing{});
        };
        doors.merge_stopped = [](std::uint32_t, const std::string&) {};
        doors.log = [this](const std::string& line) { log.push_back(line); };
        doors.now_ms = [this] { return now_ms_; };
        doors.hosts_write = [this] { return hosts_write; };
        return doors;
    }

    std::deque<std::function<void()>> loop_;
    std::shared_ptr<MemoryMedium> segment_;
    std::int64_t now_ms_ = 0;
    std::shared_ptr<Volume> volume_;
};

// Segments in memory.
class MemorySegments final : public SegmentShelf {
  public:
    Outcome create(std::uint32_t, std::uint64_t) override { return Nothing{}; }
    std::optional<Result<std::unique_ptr<Cartridge>>> open(std::uint32_t) override {
        return Result<std::unique_ptr<Cartridge>>(std::make_unique<MemoryCartridge>(medium));
    }
    Outcome remove(std::uint32_t) override { return Nothing{}; }
    Outcome remove_unmade(std::uint32_t) override { return Nothing{}; }
    Contents contents(std::uint32_t) const override { return {}; }
    std::vector<std::string> files(std::uint32_t) const override { return {}; }
    Result<std::vector<SessionRecord>> records(std::uint32_t, std::uint64_t,
                                               std::uint64_t) const override {
        return std::vector<SessionRecord>{};
    }
    void on_progress(std::function<void()>) override {}

    std::shared_ptr<MemoryMedium> medium = buffering_medium("SEGMENT");
};

}  // namespace

TEST_CASE("a copy into a volume whose storage fails stops, and goes on when it is mended") {
    // Fewer blocks than its buffer holds fail when they are synchronised, more of them before.
    const int blocks = GENERATE(2, 20);
    const bool viewed = GENERATE(false, true);
    VolumeRig rig(blocks);
    std::shared_ptr<SharedCartridge> view;
    if (viewed) view = rig.volume().shared_base();
    rig.base->break_storage({"VOL001L8.tap: Input/output error"});
    rig.commit();
    rig.settle();
    CHECK_THAT(rig.volume().stopped(), ContainsSubstring("VOL001L8.tap: Input/output error"));
    CHECK(rig.merged.empty());
    for (int again = 0; again < 3; ++again)
        rig.retry_later();
    CHECK(rig.merged.empty());
    CHECK(rig.log.size() == 1);

    rig.base->mend_storage();
    for (int again = 0; again < 3 && rig.merged.empty(); ++again)
        rig.retry_later();
    CHECK(rig.merged == std::vector<std::uint32_t>{7});
    CHECK(rig.volume().stopped().empty());
    REQUIRE(rig.base->objects().size() == 2 + static_cast<std::size_t>(blocks) + 1);
    CHECK(rig.base->objects()[2].data == Bytes(1000, 'a'));
}

TEST_CASE("a copy into a volume whose folders are full leaves the room to others, and waits") {
    VolumeRig rig(20);
    rig.base->end_of_medium_at = 6000;
    rig.commit();
    rig.settle();
    CHECK_THAT(rig.volume().stopped(), ContainsSubstring("its storage folders are full"));
    CHECK(rig.merged.empty());
    CHECK(rig.base->used() == 1000);
    rig.base->end_of_medium_at = 1'000'000;
    rig.retry_later();
    CHECK(rig.merged == std::vector<std::uint32_t>{7});
    CHECK(rig.base->used() == 21'000);
}

TEST_CASE("a session whose storage stays broken ends, and is not complete") {
    std::deque<std::function<void()>> loop;
    MemorySegments segments;
    std::vector<WriteStream::Ending> endings;
    const auto stream = std::make_shared<WriteStream>(
        7, segments, [&](std::function<void()> what) { loop.push_back(std::move(what)); },
        [&](WriteStream&, WriteStream::Ending ending, const std::string&) {
            endings.push_back(ending);
            return Outcome(Nothing{});
        });
    REQUIRE(stream->open());
    stream->segment().append_blocks(0, Bytes(100, 'a'), 100);
    segments.medium->break_storage({"SEGMENT.tap: Read-only file system"});
    stream->finish(WriteStream::Ending::complete, "");
    for (int round = 0; round < 100 && endings.empty(); ++round) {
        static_cast<void>(segments.medium->work());
        while (!loop.empty()) {
            const auto next = std::move(loop.front());
            loop.pop_front();
            next();
        }
    }
    REQUIRE(stream->ended());
    CHECK(endings == std::vector{WriteStream::Ending::incomplete});
    const auto fault = stream->take_fault();
    REQUIRE(fault);
    CHECK_THAT(fault->message, ContainsSubstring("Read-only file system"));
}

TEST_CASE("a copy waits for hosts that write, and for nobody when somebody waits for it") {
    VolumeRig rig(3);
    rig.hosts_write = true;
    rig.commit();
    rig.settle();
    rig.retry_later(29'000);
    CHECK(rig.merged.empty());
    SECTION("until they rest") {
        rig.hosts_write = false;
        rig.retry_later(1);
    }
    SECTION("or write on and on") {
        rig.retry_later(1'000);
    }
    SECTION("or a drive asks for the volume") {
        rig.volume().hurry();
        rig.settle();
    }
    CHECK(rig.merged == std::vector<std::uint32_t>{7});
    // The next one waits anew.
    rig.hosts_write = true;
    rig.commit();
    rig.settle();
    rig.retry_later(29'000);
    CHECK(rig.merged.size() == 1);
    rig.retry_later(1'000);
    CHECK(rig.merged.size() == 2);
    CHECK(rig.log.empty());
}

// Each that waits has its files open and a thread.
TEST_CASE("copies that wait for hosts are sixteen at most") {
    VolumeRig rig(3);
    rig.hosts_write = true;
    for (int session = 0; session < 16; ++session)
        rig.commit();
    rig.settle();
    CHECK(rig.merged.empty());
    rig.commit();
    rig.settle();
    CHECK(rig.merged.size() == 1);
}
