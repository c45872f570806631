#include "drive_iface/cartridge/accepted_tail.hpp"

#include <vector>

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;
using drive_iface::virtual_library::LogicalObject;

namespace {

// The same, object by object.
class NaiveTail {
  public:
    explicit NaiveTail(const RecordedEnd& stored) : borders_{stored} {}

    void append(const LogicalObject& object, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            objects_.push_back(object);
            borders_.push_back(borders_.back());
            borders_.back().add(object);
        }
    }
    void cut(std::uint64_t at) {
        objects_.resize(at - borders_.front().objects);
        borders_.resize(objects_.size() + 1);
    }
    void stored(std::uint64_t count) {
        objects_.erase(objects_.begin(), objects_.begin() + static_cast<std::ptrdiff_t>(count));
        borders_.erase(borders_.begin(), borders_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    void check_same(const AcceptedTail& tail) const {
        REQUIRE(tail.stored() == borders_.front());
        REQUIRE(tail.end() == borders_.back());
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            const auto number = borders_.front().objects + i;
            REQUIRE(tail.before(number) == borders_[i]);
            REQUIRE(tail.object(number).length == objects_[i].length);
            if (objects_[i].kind == LogicalObject::Kind::filemark) {
                REQUIRE(tail.nth_filemark(borders_[i].filemarks) == number);
            }
        }
        REQUIRE(tail.before(tail.end().objects) == borders_.back());
    }
    [[nodiscard]] const std::vector<RecordedEnd>& borders() const { return borders_; }

  private:
    std::vector<LogicalObject> objects_;
    std::vector<RecordedEnd> borders_;
};

}  // namespace

TEST_CASE("runs of like objects tell the same as a list of all of them") {
    const RecordedEnd begin{.objects = 5, .offset = 1000, .filemarks = 2, .bytes = 900};
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        AcceptedTail tail(begin);
        NaiveTail naive(begin);
        auto state = seed;
        const auto random = [&](std::uint32_t below) {
            state = state * 1664525U + 1013904223U;
            return (state >> 16) % below;
        };
        for (int step = 0; step < 60; ++step) {
            const auto what = random(6);
            const auto count = random(5);
            if (what < 3) {
                const auto length = 1 + random(3);
                tail.append_blocks(count, length);
                naive.append({LogicalObject::Kind::block, length}, count);
            } else if (what == 3) {
                tail.append_filemarks(count);
                naive.append({LogicalObject::Kind::filemark, 0}, count);
            } else {
                const auto& borders = naive.borders();
                const auto at = random(static_cast<std::uint32_t>(borders.size()));
                const auto border = borders[at];
                if (what == 4) {
                    tail.cut(border);
                    naive.cut(border.objects);
                } else {
                    tail.set_stored(border);
                    naive.stored(at);
                }
            }
            naive.check_same(tail);
        }
    }
}

TEST_CASE("a cut below what is stored moves the border between index and tail") {
    AcceptedTail tail({.objects = 10, .offset = 100, .filemarks = 1, .bytes = 60});
    tail.append_blocks(3, 5);
    const RecordedEnd below{.objects = 4, .offset = 40, .filemarks = 0, .bytes = 20};
    tail.cut(below);
    CHECK(tail.end() == below);
    CHECK(tail.stored() == below);
    tail.append_filemarks(1);
    CHECK(tail.nth_filemark(0) == 4);
}
