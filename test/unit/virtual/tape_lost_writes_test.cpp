// Random commands of two hosts on storage that fails now and then, once or until it is mended.
// Every command ends, and what a host was told is stored is there: no other host's command takes
// the news of a loss away from it.

#include <algorithm>
#include <array>
#include <random>

#include "drive_iface/virtual/loading.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;

namespace {

class FailingTape {
  public:
    explicit FailingTape(std::uint32_t seed) : dice_(seed), rig_(blank_tape(), buffering()) {}

    void step() {
        const auto who = dice_() % 2;
        const auto what = dice_() % 20;
        if (what < 9) {
            write(who);
        } else if (what < 11) {
            flush(who, {0x10, 0, 0, 0, 0, 0});
        } else if (what < 12) {
            flush(who, {0x1b, 0, 0, 0, 0, 0});
            load(who);
        } else if (what < 13) {
            begin_unload(rig_.drive().state().tape, false);
            rig_.settle();
            load(who);
        } else if (what < 16) {
            ask(who, {0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0});
        } else if (what < 17) {
            rig_.medium().fail_storing({"a bad sector"});
        } else if (what < 18) {
            rig_.medium().break_storage({"read-only file system"});
        } else if (what < 19) {
            rig_.medium().mend_storage();
        } else {
            static_cast<void>(rig_.shelf().work());
        }
    }

  private:
    static MemoryMood buffering() {
        MemoryMood mood;
        mood.buffers = true;
        mood.buffer_bytes = 40;
        return mood;
    }

    // Whether it was GOOD. An error of storing is news of everything the host has written.
    bool ask(std::size_t who, const Bytes& cdb, Bytes data = {}) {
        const auto reply = rig_.send_as(hosts_[who], cdb, std::move(data));
        if (good(reply)) return true;
        const auto sense = sense_of(reply);
        if (sense.additional == scsi::additional_sense::write_error) promised_[who].clear();
        return false;
    }
    void write(std::size_t who) {
        const auto number = ++blocks_;
        const Bytes block{static_cast<std::uint8_t>(number >> 16),
                          static_cast<std::uint8_t>(number >> 8),
                          static_cast<std::uint8_t>(number)};
        if (ask(who, TapeRig::with_length(0x0a, block.size()), block))
            promised_[who].push_back(block);
    }
    void flush(std::size_t who, const Bytes& cdb) {
        if (!ask(who, cdb)) return;
        for (const auto& block : promised_[who]) {
            const auto& objects = rig_.medium().objects();
            CHECK(std::any_of(objects.begin(), objects.end(),
                              [&](const auto& object) { return object.data == block; }));
        }
        promised_[who].clear();
    }
    // And to where writing goes on.
    void load(std::size_t who) {
        for (int attempt = 0; attempt < 3 && !ask(who, {0x1b, 0, 0, 0, 1, 0}); ++attempt) {
        }
        for (const auto host : hosts_)
            rig_.take_attentions(host);
        for (int attempt = 0; attempt < 3 && !ask(who, {0x11, 3, 0, 0, 0, 0}); ++attempt) {
        }
    }

    static constexpr std::array hosts_{TapeRig::host, TapeRig::other_host};
    std::mt19937 dice_;
    TapeRig rig_;
    std::uint32_t blocks_ = 0;
    std::array<std::vector<Bytes>, 2> promised_;
};

}  // namespace

TEST_CASE("on storage that fails every command ends, and no host misses that it lost writes") {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        FailingTape tape(seed);
        for (int i = 0; i < 300; ++i)
            tape.step();
    }
}
