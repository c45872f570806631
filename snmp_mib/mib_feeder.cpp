#include "snmp_mib/mib_feeder.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <deque>
#include <istream>
#include <optional>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "snmp_mib/mib_rows.hpp"
#include "snmp_mib/mib_rows_json.hpp"

namespace snmp_mib {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {
// A helper that lived this long is in order: its next death is answered as quickly as the first.
constexpr std::chrono::minutes good_life{1};
// From closing its input until it is killed.
constexpr milliseconds farewell{500};
// The helper asks, waits for the answer a while, and may ask anew.
constexpr std::size_t answers_unread_max = 4;
}  // namespace

class MibFeeder::Parts : public std::enable_shared_from_this<Parts> {
  public:
    Parts(asio::io_context& loop, MibFeederConfiguration configuration,
          std::function<MibSnapshot()> take_snapshot,
          std::function<void(const std::string&)> on_trouble,
          std::function<agent::core::Outcome(const DriveChange&)> change_drive)
        : configuration_(std::move(configuration)),
          take_snapshot_(std::move(take_snapshot)),
          on_trouble_(std::move(on_trouble)),
          change_drive_(std::move(change_drive)),
          channel_(loop),
          feed_timer_(loop),
          restart_timer_(loop),
          restart_ms_(configuration_.restart_first_ms) {}

    agent::core::Outcome start();
    void gone(const std::string& why);
    void changed();
    void end();
    MibFeederStatus status;
    HelperCounts counted_before;  // by helpers before this one

  private:
    agent::core::Outcome spawn();
    [[nodiscard]] std::string helper_folder() const {
        return configuration_.state_dir +
               (configuration_.agentx.empty() ? "/mibd" : "/mibd-agentx");
    }
    void listen();
    void on_line(const std::string& line);
    void answer(const DriveChangeRequest& request);
    void send_next();
    void write(std::string line);
    void feed();
    void arm_feed();
    void reap(bool kill_first);

    MibFeederConfiguration configuration_;
    std::function<MibSnapshot()> take_snapshot_;
    std::function<void(const std::string&)> on_trouble_;
    std::function<agent::core::Outcome(const DriveChange&)> change_drive_;
    asio::local::stream_protocol::socket
        channel_;  // a socket: writing to a dead helper raises no SIGPIPE
    asio::steady_timer feed_timer_;
    asio::steady_timer restart_timer_;
    asio::streambuf input_{helper_line_length_max};
    std::string outgoing_;
    std::deque<std::string> answers_;  // go before snapshots; the helper waits for them one by one
    bool writing_ = false;
    bool ready_ = false;
    bool dirty_ = true;
    bool feed_armed_ = false;
    bool ended_ = false;
    std::uint32_t restart_ms_;
    unsigned life_ = 0;  // tells handlers of an earlier helper from those of this one
    Clock::time_point fed_at_ = Clock::time_point::min();
    Clock::time_point born_at_ = Clock::time_point::min();
};

agent::core::Outcome MibFeeder::Parts::start() {
    if (::access(configuration_.program.c_str(), X_OK) != 0) {
        return agent::core::Error{"can not start " + configuration_.program + ": " +
                                  agent::core::errno_text(errno)};
    }
    const std::string folder = helper_folder();
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return agent::core::Error{"can not create " + folder + ": " +
                                  agent::core::errno_text(errno)};
    }
    return spawn();
}

agent::core::Outcome MibFeeder::Parts::spawn() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return agent::core::Error{"can not make a socket pair: " + agent::core::errno_text(errno)};
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = configuration_.program;
    std::array<char*, 2> arguments{program.data(), nullptr};
    pid_t pid = 0;
    const int failure =
        ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failure != 0) {
        ::close(ends[0]);
        return agent::core::Error{"can not start " + program + ": " +
                                  agent::core::errno_text(failure)};
    }
    ++life_;
    status.pid = pid;
    status.running = true;
    status.listen_port = 0;
    status.master_connected = false;
    status.trouble.clear();
    ready_ = false;
    answers_.clear();
    ++status.starts;
    born_at_ = Clock::now();
    fed_at_ = Clock::time_point::min();
    writing_ = false;
    dirty_ = true;
    input_.consume(input_.size());
    asio::error_code ignored;
    channel_.assign(asio::local::stream_protocol(), ends[0], ignored);
    channel_.non_blocking(true, ignored);
    listen();
    write(to_json_line(MibServerConfiguration{configuration_.listen, configuration_.agentx,
                                              helper_folder(), configuration_.users,
                                              configuration_.writers}));
    return agent::core::Nothing{};
}

void MibFeeder::Parts::listen() {
    asio::async_read_until(
        channel_, input_, '\n',
        [self = shared_from_this(), life = life_](const asio::error_code& error, std::size_t) {
            if (self->ended_ || life != self->life_) return;
            if (error) {
                self->gone("it ended");
                return;
            }
            std::istream stream(&self->input_);
            std::string line;
            std::getline(stream, line);
            self->on_line(line);
            if (life == self->life_) self->listen();
        });
}

void MibFeeder::Parts::on_line(const std::string& line) {
    const std::optional<HelperLine> said = helper_line_from(line);
    if (!said) return;
    if (const auto* ready = std::get_if<HelperReady>(&*said)) {
        status.listen_port = ready->port;
        ready_ = true;
        arm_feed();
    } else if (const auto* master = std::get_if<HelperMaster>(&*said)) {
        status.master_connected = master->connected;
    } else if (const auto* counts = std::get_if<HelperCounts>(&*said)) {
        status.counts = counted_before;
        for (const auto& [what, count] : *counts)
            status.counts[what] += count;
    } else if (const auto* request = std::get_if<DriveChangeRequest>(&*said)) {
        answer(*request);
    }
}

// The helper faces the network and is not believed when it says who may write.
void MibFeeder::Parts::answer(const DriveChangeRequest& request) {
    const auto& writers = configuration_.writers;
    const bool may =
        std::find(writers.begin(), writers.end(), request.change.user) != writers.end();
    agent::core::Outcome outcome = agent::core::Error{request.change.user + " may not write"};
    if (may && change_drive_) outcome = change_drive_(request.change);
    if (answers_.size() >= answers_unread_max) return gone("it asks without listening");
    answers_.push_back(
        to_json_line(DriveChangeAnswer{request.number, outcome ? "" : outcome.error().message}));
    send_next();
}

// One line at a time; a helper that does not read gets no second one.
void MibFeeder::Parts::send_next() {
    if (writing_) return;
    if (!answers_.empty()) {
        std::string answer = std::move(answers_.front());
        answers_.pop_front();
        write(std::move(answer));
    } else if (dirty_) {
        arm_feed();
    }
}

void MibFeeder::Parts::write(std::string line) {
    outgoing_ = std::move(line);
    outgoing_ += '\n';
    writing_ = true;
    asio::async_write(
        channel_, asio::buffer(outgoing_),
        [self = shared_from_this(), life = life_](const asio::error_code& error, std::size_t) {
            if (self->ended_ || life != self->life_) return;
            self->writing_ = false;
            if (error) {
                self->gone("it takes no more snapshots");
            } else {
                self->send_next();
            }
        });
}

void MibFeeder::Parts::changed() {
    dirty_ = true;
    arm_feed();
}

void MibFeeder::Parts::arm_feed() {
    if (ended_ || feed_armed_ || !status.running || !ready_) return;
    feed_armed_ = true;
    const Clock::time_point due = fed_at_ == Clock::time_point::min()
                                      ? Clock::now()
                                      : fed_at_ + milliseconds(configuration_.interval_ms);
    feed_timer_.expires_at(due);
    feed_timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
        self->feed_armed_ = false;
        if (!error && !self->ended_) self->feed();
    });
}

void MibFeeder::Parts::feed() {
    if (!status.running || !ready_ || !dirty_) return;
    if (writing_) {
        ++status.snapshots_skipped;  // it is behind; the newest state follows when it has caught up
        return;
    }
    fed_at_ = Clock::now();
    dirty_ = false;
    ++status.snapshots_sent;
    write(to_json_line(rows_of(take_snapshot_())));
}

void MibFeeder::Parts::gone(const std::string& why) {
    if (status.running && Clock::now() - born_at_ > good_life)
        restart_ms_ = configuration_.restart_first_ms;
    reap(true);
    ++life_;  // what is still under way is not this helper's any more
    counted_before = status.counts;
    status.trouble = configuration_.program + ": " + why + "; started again in " +
                     std::to_string(restart_ms_) + " ms";
    if (on_trouble_) on_trouble_(status.trouble);
    restart_timer_.expires_after(milliseconds(restart_ms_));
    restart_ms_ = std::min(restart_ms_ * 2, configuration_.restart_max_ms);
    restart_timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
        if (error || self->ended_) return;
        const agent::core::Outcome started = self->start();
        if (!started) self->gone(started.error().message);
    });
}

// Closes our end, which ends a helper in good health, and takes its exit status.
void MibFeeder::Parts::reap(bool kill_first) {
    asio::error_code ignored;
    channel_.close(ignored);
    if (status.pid > 0) {
        if (kill_first) ::kill(status.pid, SIGKILL);
        const Clock::time_point until = Clock::now() + farewell;
        while (::waitpid(status.pid, nullptr, WNOHANG) == 0) {
            if (Clock::now() > until) ::kill(status.pid, SIGKILL);
            ::usleep(1'000);
        }
    }
    status.pid = 0;
    status.running = false;
    status.listen_port = 0;
    status.master_connected = false;
}

void MibFeeder::Parts::end() {
    ended_ = true;
    feed_timer_.cancel();
    restart_timer_.cancel();
    reap(!configuration_.agentx.empty());  // one that waits for its master would not hear of it
}

MibFeeder::MibFeeder(asio::io_context& loop, MibFeederConfiguration configuration,
                     std::function<MibSnapshot()> take_snapshot,
                     std::function<void(const std::string&)> on_trouble,
                     std::function<agent::core::Outcome(const DriveChange&)> change_drive)
    : parts_(std::make_shared<Parts>(loop, std::move(configuration), std::move(take_snapshot),
                                     std::move(on_trouble), std::move(change_drive))) {}

MibFeeder::~MibFeeder() {
    parts_->end();
}

agent::core::Outcome MibFeeder::start(HelperCounts counted) {
    parts_->status.counts = counted;
    parts_->counted_before = std::move(counted);
    auto started = parts_->start();
    if (!started) parts_->gone(started.error().message);
    return started;
}

void MibFeeder::changed() {
    parts_->changed();
}

MibFeederStatus MibFeeder::status() const {
    return parts_->status;
}

}  // namespace snmp_mib
