#include "drive_iface/discovery/path_asker.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace drive_iface::discovery {

using agent::core::Error;
using agent::core::Outcome;
using Clock = std::chrono::steady_clock;

// Paths that a thread is on now.
struct PathAsker::Busy {
    std::mutex mutex;
    std::set<std::string> paths;

    bool take(const std::string& path) {
        const std::lock_guard lock(mutex);
        return paths.insert(path).second;
    }
    void give_back(const std::string& path) {
        const std::lock_guard lock(mutex);
        paths.erase(path);
    }
};

namespace {

// One ask, shared by the asking thread and those it has started.
struct Asking {
    std::mutex mutex;  // guards what is below
    std::condition_variable changed;
    struct Path {
        std::optional<Clock::time_point> began;
        std::optional<Outcome> outcome;  // set once, by whoever is first
    };
    std::vector<Path> paths;

    void settle(std::size_t path, Outcome outcome) {
        const std::lock_guard lock(mutex);
        if (!paths[path].outcome) paths[path].outcome = std::move(outcome);
        changed.notify_all();
    }
};

std::string milliseconds(agent::core::Duration duration) {
    return std::to_string(duration.ms) + " ms";
}

// Gives up on paths whose time is over; when does that happen next?
Clock::time_point give_up_late_ones(Asking& asking, const AskingLimits& limits,
                                    Clock::time_point end, Clock::time_point now) {
    Clock::time_point next = end;
    for (auto& path : asking.paths) {
        if (!path.began || path.outcome) continue;
        const auto due = std::min(*path.began + std::chrono::milliseconds(limits.each.ms), end);
        if (due <= now) {
            path.outcome =
                Error{"no answer within " + milliseconds(limits.each) + ", a command still hangs"};
        } else {
            next = std::min(next, due);
        }
    }
    return next;
}

}  // namespace

PathAsker::PathAsker(Open open) : open_(std::move(open)), busy_(std::make_shared<Busy>()) {}

std::vector<Outcome> PathAsker::ask(const std::vector<DevicePath>& paths, const Question& question,
                                    const AskingLimits& limits) {
    const auto asking = std::make_shared<Asking>();
    asking->paths.resize(paths.size());
    const auto end = Clock::now() + std::chrono::milliseconds(limits.total.ms);
    const auto begin = [&](std::size_t number) {
        const DevicePath& path = paths[number];
        if (!busy_->take(path.name)) {
            return asking->settle(number, Error{"a command to it still hangs from before"});
        }
        try {
            std::thread([asking, number, path, question, open = open_, busy = busy_] {
                auto device = open(path);
                const Outcome outcome =
                    device ? question(*device.value(), number) : Outcome(device.error());
                if (device) device.value().reset();  // logs out, which may take a moment
                busy->give_back(path.name);
                asking->settle(number, outcome);
            }).detach();
        } catch (const std::system_error& error) {
            busy_->give_back(path.name);
            asking->settle(number, Error{std::string("no thread to ask it with: ") + error.what()});
        }
    };

    std::unique_lock lock(asking->mutex);
    std::size_t begun = 0;
    for (;;) {
        const auto now = Clock::now();
        const auto next = give_up_late_ones(*asking, limits, end, now);
        const auto open_ones = static_cast<std::size_t>(
            std::count_if(asking->paths.begin(), asking->paths.end(),
                          [](const Asking::Path& path) { return path.began && !path.outcome; }));
        const bool late = now >= end;
        if (open_ones == 0 && (begun == paths.size() || late)) break;
        if (begun < paths.size() && open_ones < limits.at_once && !late) {
            asking->paths[begun].began = now;
            lock.unlock();
            begin(begun++);
            lock.lock();
        } else {
            asking->changed.wait_until(lock, next);
        }
    }
    std::vector<Outcome> outcomes;
    for (auto& path : asking->paths) {
        outcomes.push_back(path.outcome.value_or(Outcome(
            Error{"not asked: the others took longer than " + milliseconds(limits.total)})));
    }
    return outcomes;
}

}  // namespace drive_iface::discovery
