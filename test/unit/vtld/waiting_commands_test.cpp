#include "drive_iface/vtld/waiting_commands.hpp"

#include <set>

#include "test/support/catch.hpp"

using namespace drive_iface::vtld;
using Answer = std::optional<drive_iface::virtual_library::CommandReply>;
using drive_iface::virtual_library::CommandReply;
using drive_iface::virtual_library::NexusId;

namespace {

// A medium that one nexus at a time can have: the first that asks, until it is answered.
struct Medium {
    std::set<std::uint8_t> ready;  // operation codes that get an answer
    std::vector<std::uint8_t> asked;

    Answer operator()(WaitingCommands::Command& command) {
        asked.push_back(command.cdb[0]);
        if (!ready.contains(command.cdb[0])) return std::nullopt;
        auto taken = std::move(command.data_out);
        return CommandReply{.data_in = std::move(taken)};
    }
};

struct Scene {
    WaitingCommands waiting;
    Medium medium;
    std::vector<std::uint8_t> answered;

    void add(std::uint64_t nexus, std::uint8_t opcode) {
        REQUIRE(
            waiting.add({.nexus = {nexus},
                         .task = opcode,
                         .device = "VT" + std::to_string(nexus),
                         .cdb = {opcode},
                         .data_out = {opcode},
                         .later = [this, opcode](CommandReply) { answered.push_back(opcode); }}));
    }
    void proceed() {
        auto finished = waiting.proceed([this](auto& command) { return medium(command); });
        for (auto& [later, reply] : finished)
            later(std::move(reply));
    }
};

}  // namespace

TEST_CASE("what waits is asked again in the order it came, with its data untouched") {
    Scene scene;
    scene.add(1, 0x0a);
    scene.add(2, 0x0b);
    scene.proceed();
    CHECK(scene.answered.empty());
    CHECK(scene.medium.asked == std::vector<std::uint8_t>{0x0a, 0x0b});
    scene.medium.ready = {0x0a, 0x0b};
    scene.proceed();
    CHECK(scene.answered == std::vector<std::uint8_t>{0x0a, 0x0b});
    CHECK(scene.waiting.size() == 0);
}

TEST_CASE("the end of one lets another go in the same round") {
    Scene scene;
    scene.add(1, 0x0b);
    scene.add(2, 0x0a);
    // 0Bh can go when 0Ah has ended.
    auto finished = scene.waiting.proceed([&](const auto& command) {
        if (command.cdb[0] == 0x0b && !scene.medium.ready.contains(0x0b)) return Answer{};
        scene.medium.ready.insert(0x0b);
        return Answer{CommandReply{}};
    });
    CHECK(finished.size() == 2);
}

TEST_CASE("a nexus has one command with the library at a time") {
    Scene scene;
    scene.add(1, 0x0a);
    scene.add(1, 0x12);
    CHECK(scene.waiting.has({1}));
    CHECK_FALSE(scene.waiting.has({2}));
    scene.medium.ready = {0x12};
    scene.proceed();
    CHECK(scene.medium.asked == std::vector<std::uint8_t>{0x0a});
    scene.medium.ready = {0x0a, 0x12};
    scene.proceed();
    CHECK(scene.answered == std::vector<std::uint8_t>{0x0a, 0x12});
}

TEST_CASE("what is taken away says whether the library knows of it and is not asked again") {
    Scene scene;
    scene.add(1, 0x0a);
    scene.proceed();
    scene.add(1, 0x0b);
    const auto taken =
        scene.waiting.take([](const auto& command) { return command.nexus == NexusId{1}; });
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].begun);
    CHECK_FALSE(taken[1].begun);
    scene.medium.ready = {0x0a, 0x0b};
    scene.proceed();
    CHECK(scene.answered.empty());
}

TEST_CASE("there is an end to what can wait") {
    Scene scene;
    for (std::size_t i = 0; i < WaitingCommands::commands_max; ++i)
        scene.add(i, 0x0a);
    CHECK_FALSE(scene.waiting.add({}));
}
