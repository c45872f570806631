#include "drive_iface/discovery/path_asker.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "test/support/catch.hpp"
#include "test/unit/discovery/device_with_pages.hpp"

using namespace drive_iface::discovery;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using discovery_test::DeviceWithPages;

namespace {

std::vector<DevicePath> numbered_paths(int count) {
    std::vector<DevicePath> paths;
    for (int i = 0; i < count; ++i)
        paths.push_back({DevicePath::Kind::sg, "/dev/sg" + std::to_string(i), {}});
    return paths;
}

Result<std::unique_ptr<drive_iface::Transport>> open_any(const DevicePath& path) {
    return std::unique_ptr<drive_iface::Transport>(
        std::make_unique<DeviceWithPages>(discovery_test::tape_drive(path.name)));
}

}  // namespace

TEST_CASE("all paths are asked, no more at a time than allowed") {
    PathAsker asker(open_any);
    auto now = std::make_shared<std::atomic<int>>(0);
    auto most = std::make_shared<std::atomic<int>>(0);
    auto total = std::make_shared<std::atomic<int>>(0);
    const auto outcomes =
        asker.ask(numbered_paths(40),
                  [=](drive_iface::Transport&, std::size_t) -> Outcome {
                      const int here = ++*now;
                      int seen = *most;
                      while (here > seen && !most->compare_exchange_weak(seen, here)) {
                      }
                      std::this_thread::yield();
                      --*now;
                      ++*total;
                      return Nothing{};
                  },
                  {.at_once = 4, .each = {10'000}, .total = {20'000}});
    REQUIRE(outcomes.size() == 40);
    for (const auto& outcome : outcomes)
        CHECK(outcome.ok());
    CHECK(*total == 40);
    CHECK(*most <= 5);  // one that has answered may still be on its way out
}

TEST_CASE("a device that hangs holds up nobody, and is left alone while it hangs") {
    auto hang = std::make_shared<std::promise<void>>();
    const std::shared_future<void> until = hang->get_future().share();
    PathAsker asker(open_any);
    const auto question = [until](drive_iface::Transport&, std::size_t number) -> Outcome {
        if (number == 1) until.wait();
        return Nothing{};
    };
    const auto begin = std::chrono::steady_clock::now();
    const auto outcomes =
        asker.ask(numbered_paths(3), question, {.at_once = 2, .each = {50}, .total = {20'000}});
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    CHECK(outcomes[0].ok());
    REQUIRE_FALSE(outcomes[1].ok());
    CHECK_THAT(outcomes[1].error().message, ContainsSubstring("no answer within 50 ms"));
    CHECK(outcomes[2].ok());

    const auto again =
        asker.ask(numbered_paths(3), question, {.at_once = 2, .each = {5'000}, .total = {20'000}});
    CHECK(again[0].ok());
    REQUIRE_FALSE(again[1].ok());
    CHECK_THAT(again[1].error().message, ContainsSubstring("still hangs from before"));
    hang->set_value();
    // As soon as the thread that was left behind is done the path can be asked again.
    for (int i = 0; i < 2'000; ++i) {
        if (asker.ask(numbered_paths(3), question, {})[1]) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL("the path was never given back");
}

TEST_CASE("what can not begin in time is not asked") {
    auto hang = std::make_shared<std::promise<void>>();
    const std::shared_future<void> until = hang->get_future().share();
    PathAsker asker(open_any);
    const auto outcomes = asker.ask(numbered_paths(3),
                                    [until](drive_iface::Transport&, std::size_t) -> Outcome {
                                        until.wait();
                                        return Nothing{};
                                    },
                                    {.at_once = 1, .each = {10'000}, .total = {50}});
    CHECK_THAT(outcomes[0].error().message, ContainsSubstring("hangs"));
    CHECK_THAT(outcomes[2].error().message, ContainsSubstring("not asked"));
    hang->set_value();
}

TEST_CASE("a path that can not be opened says why") {
    PathAsker asker([](const DevicePath& path) -> Result<std::unique_ptr<drive_iface::Transport>> {
        return Error{path.name + ": permission denied"};
    });
    const auto outcomes =
        asker.ask(numbered_paths(1),
                  [](drive_iface::Transport&, std::size_t) -> Outcome { return Nothing{}; }, {});
    REQUIRE_FALSE(outcomes[0].ok());
    CHECK(outcomes[0].error().message == "/dev/sg0: permission denied");
}
