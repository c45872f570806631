#include "agent/postgres/server_watch.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "agent/postgres/epoch_record.hpp"

namespace agent::postgres {

ServerWatch::ServerWatch(WatchOptions options, std::function<void(const pair::DataSeen&)> seen,
                         std::function<void(const std::string&)> lost)
    : options_(std::move(options)),
      seen_(std::move(seen)),
      lost_(std::move(lost)),
      thread_([this] { work(); }) {}

ServerWatch::~ServerWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        watched_.reset();
        changed_.notify_all();
    }
    thread_.join();
}

void ServerWatch::begin(std::shared_ptr<ProcessEnd> end) {
    const std::lock_guard lock(mutex_);
    watched_ = std::move(end);
    changed_.notify_all();
}

void ServerWatch::end() {
    const std::lock_guard lock(mutex_);
    watched_.reset();
    changed_.notify_all();
}

void ServerWatch::work() {
    for (;;) {
        std::shared_ptr<ProcessEnd> end;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || watched_ != nullptr; });
            if (stopping_) return;
            end = watched_;
        }
        watch_one(end);
    }
}

bool ServerWatch::is_watched(const std::shared_ptr<ProcessEnd>& end) {
    const std::lock_guard lock(mutex_);
    return watched_ == end;
}

void ServerWatch::tell_seen(const std::shared_ptr<ProcessEnd>& of, const pair::DataSeen& data) {
    const std::lock_guard lock(mutex_);
    if (watched_ == of) seen_(data);
}

void ServerWatch::tell_lost(const std::shared_ptr<ProcessEnd>& of, const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (watched_ != of) return;
    watched_.reset();
    lost_(why);
}

void ServerWatch::watch_one(const std::shared_ptr<ProcessEnd>& end) {
    using Clock = std::chrono::steady_clock;
    const auto unwanted = [&] { return !is_watched(end) || end->has_ended({0}); };
    std::unique_ptr<ServerSession> session;
    auto answered = Clock::now();
    std::string words = "nothing";
    while (is_watched(end)) {
        if (end->has_ended({0})) {
            tell_lost(end, "has ended by itself");
            return;
        }
        if (!session) {
            auto opened =
                ServerSession::open(options_.connection, options_.answer_within, unwanted);
            if (opened) {
                session = std::move(opened).value();
            } else {
                words = opened.error().message;
            }
        }
        if (session) {
            const auto seen = look_at_server(*session, options_.peer, options_.answer_within);
            if (seen) {
                answered = Clock::now();
                tell_seen(end, seen->data);
            } else {
                words = seen.error().message;
                session.reset();
            }
        }
        if (Clock::now() - answered > std::chrono::milliseconds(options_.answer_within.ms)) {
            tell_lost(end, "does not answer: " + words);
            return;
        }
        static_cast<void>(end->has_ended(options_.every));
    }
}

}  // namespace agent::postgres
