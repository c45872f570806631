#include "agent/postgres/record_writer.hpp"

#include <unistd.h>

#include <algorithm>

#include <chrono>
#include <utility>

namespace agent::postgres {

using core::Duration;

RecordWriter::RecordWriter(
    std::string connection,
    std::function<void(std::uint64_t epoch, const std::string& words)> doubted, Duration within)
    : connection_(std::move(connection)),
      doubted_(std::move(doubted)),
      within_(within),
      thread_([this] { work(); }) {}

RecordWriter::~RecordWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        ++newest_;
        changed_.notify_all();
    }
    thread_.join();
}

void RecordWriter::write(const EpochRecord& record, std::string peer, Done done) {
    const std::lock_guard lock(mutex_);
    wanted_.push_back({++newest_, record, std::move(peer), std::move(done)});
    changed_.notify_all();
}

void RecordWriter::give_up() {
    const std::lock_guard lock(mutex_);
    ++newest_;
}

void RecordWriter::work() {
    for (;;) {
        Wanted wanted;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !wanted_.empty(); });
            if (wanted_.empty()) return;
            wanted = std::move(wanted_.front());
            wanted_.pop_front();
        }
        wanted.done(write_now(wanted));
    }
}

// Written again until it comes back without a doubt: that commit stands behind the doubted one, and
// what stands before it is on every disk too.
Written RecordWriter::write_now(const Wanted& wanted) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(within_.ms);
    const Interrupted outdated = [this, &wanted] { return newest_ != wanted.number; };
    Written last{WriteEnd::doubted, "it was given up for a newer order"};
    for (int attempt = 1; !outdated(); ++attempt) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0) break;
        auto session =
            ServerSession::open(connection_, {std::min<std::int64_t>(left, 5'000)}, outdated);
        if (!session) {
            last = {WriteEnd::doubted, session.error().message};
        } else {
            const std::string mark = std::to_string(::getpid()) + "-" +
                                     std::to_string(wanted.number) + "-" + std::to_string(attempt) +
                                     "-" + std::to_string(Clock::now().time_since_epoch().count());
            last = write_record(**session, wanted.record, mark, wanted.peer, {left});
            if (last.end != WriteEnd::doubted) return last;
            if (!outdated()) doubted_(wanted.record.epoch, last.words);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return last;
}

}  // namespace agent::postgres
