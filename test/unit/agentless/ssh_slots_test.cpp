#include "agent/agentless/ssh_slots.hpp"

#include <vector>

#include "test/support/catch.hpp"

using namespace agent::agentless;

TEST_CASE("no more than so many run, the others in turn") {
    SshSlots slots(2, 2);
    const auto alive = std::make_shared<int>(0);
    std::vector<std::shared_ptr<SshSlots::Slot>> held;
    for (int i = 0; i < 4; ++i)
        CHECK(slots.enter(alive, "h", [&](auto slot) { held.push_back(std::move(slot)); }));
    CHECK(held.size() == 2);
    CHECK(slots.waiting() == 2);
    held[0].reset();
    CHECK(held.size() == 3);
    held.clear();
    CHECK(slots.running() <= 2);
}

TEST_CASE("whoever is gone gives up its turn") {
    SshSlots slots(1, 1);
    const auto alive = std::make_shared<int>(0);
    auto gone = std::make_shared<int>(0);
    std::shared_ptr<SshSlots::Slot> first;
    bool begun = false;
    bool other_begun = false;
    CHECK(slots.enter(alive, "h", [&](auto slot) { first = std::move(slot); }));
    CHECK(slots.enter(gone, "h", [&](auto) { begun = true; }));
    CHECK(slots.enter(alive, "h", [&](auto) { other_begun = true; }));
    gone.reset();
    first.reset();
    CHECK_FALSE(begun);
    CHECK(other_begun);
    CHECK(slots.running() == 0);
}

TEST_CASE("the queue has an end") {
    SshSlots slots(0, 1);
    const auto alive = std::make_shared<int>(0);
    for (int i = 0; i < 1'024; ++i)
        REQUIRE(slots.enter(alive, "h", [](auto) {}));
    CHECK_FALSE(slots.enter(alive, "h", [](auto) {}));
}

TEST_CASE("one host does not take the turns of the others") {
    SshSlots slots(8, 2);
    const auto alive = std::make_shared<int>(0);
    std::vector<std::shared_ptr<SshSlots::Slot>> busy;
    std::vector<std::string> begun;
    for (int i = 0; i < 4; ++i) {
        CHECK(slots.enter(alive, "slow", [&](auto slot) {
            begun.emplace_back("slow");
            busy.push_back(std::move(slot));
        }));
    }
    CHECK(begun.size() == 2);
    std::shared_ptr<SshSlots::Slot> other;
    CHECK(slots.enter(alive, "other", [&](auto slot) {
        begun.emplace_back("other");
        other = std::move(slot);
    }));
    CHECK(begun.back() == "other");
    CHECK(slots.waiting() == 2);
    busy.front().reset();
    CHECK(begun.size() == 4);
    CHECK(slots.waiting() == 1);
    busy.clear();
    CHECK(slots.waiting() == 0);
}
