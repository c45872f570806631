#include "drive_iface/web/loop_questions.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <future>
#include <thread>

#include "test/support/catch.hpp"

using drive_iface::web::LoopQuestions;
using namespace std::chrono_literals;

namespace {

struct Loop {
    Loop() : work(context.get_executor()), thread([this] { context.run(); }) {}
    ~Loop() {
        work.reset();
        context.stop();
        thread.join();
    }
    void run_there(const std::function<void()>& f) {
        std::promise<void> done;
        asio::post(context, [&] {
            f();
            done.set_value();
        });
        done.get_future().get();
    }
    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::thread thread;
};

}  // namespace

TEST_CASE("a question is answered on the loop's thread") {
    Loop loop;
    LoopQuestions questions(loop.context, 10s);
    const auto where =
        questions.ask<std::thread::id>([] { return std::optional(std::this_thread::get_id()); });
    CHECK(where == loop.thread.get_id());
    loop.run_there([&] { questions.stop(); });
}

TEST_CASE("what is not there yet is asked for again until it is") {
    Loop loop;
    LoopQuestions questions(loop.context, 10s);
    int asked = 0;
    const auto answer = questions.ask<int>(
        [&]() -> std::optional<int> { return ++asked < 4 ? std::nullopt : std::optional(asked); });
    CHECK(answer == 4);
    loop.run_there([&] { questions.stop(); });
}

TEST_CASE("nobody waits longer than the patience, and what an attempt held ends on the loop") {
    Loop loop;
    LoopQuestions questions(loop.context, 20ms);
    std::promise<std::thread::id> ended;
    {
        const std::shared_ptr<int> held(new int, [&](int* number) {
            delete number;
            ended.set_value(std::this_thread::get_id());
        });
        const auto answer =
            questions.ask<int>([held]() -> std::optional<int> { return std::nullopt; });
        CHECK(!answer);
        loop.run_there([] {});
    }
    CHECK(ended.get_future().get() != std::thread::id());
    loop.run_there([&] { questions.stop(); });
}

TEST_CASE("the end frees who waits, at once, and answers nobody any more") {
    Loop loop;
    LoopQuestions questions(loop.context, 1h);
    std::promise<void> asked;
    bool told = false;
    auto waiting = std::async(std::launch::async, [&] {
        return questions.ask<int>([&]() -> std::optional<int> {
            if (!std::exchange(told, true)) asked.set_value();
            return std::nullopt;
        });
    });
    asked.get_future().get();
    loop.run_there([&] { questions.stop(); });
    CHECK(!waiting.get());
    CHECK(!questions.ask<int>([] { return std::optional(1); }));
}

TEST_CASE("a stuck loop has a bounded number of questions waiting for it") {
    asio::io_context loop;  // nobody runs it
    LoopQuestions questions(loop, 50ms);
    std::vector<std::future<bool>> waiting;
    for (int i = 0; i < 80; ++i) {
        waiting.push_back(std::async(std::launch::async, [&] {
            return questions.ask<int>([] { return std::optional(1); }).has_value();
        }));
    }
    for (auto& one : waiting)
        CHECK(!one.get());
}
