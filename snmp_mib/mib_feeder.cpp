#include "snmp_mib/mib_feeder.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
#include <charconv>
#include <chrono>
#include <istream>
#include <optional>
#include <system_error>
#include <utility>

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
}  // namespace

class MibFeeder::Parts : public std::enable_shared_from_this<Parts> {
  public:
    Parts(asio::io_context& loop, MibFeederConfiguration configuration,
          std::function<MibSnapshot()> take_snapshot,
          std::function<void(const std::string&)> on_trouble)
        : configuration_(std::move(configuration)),
          take_snapshot_(std::move(take_snapshot)),
          on_trouble_(std::move(on_trouble)),
          channel_(loop),
          feed_timer_(loop),
          restart_timer_(loop),
          restart_ms_(configuration_.restart_first_ms) {}

    agent::core::Outcome start();
    void changed();
    void end();
    MibFeederStatus status;

  private:
    agent::core::Outcome spawn();
    void listen();
    void on_line(const std::string& line);
    void write(std::string line);
    void feed();
    void arm_feed();
    void gone(const std::string& why);
    void reap(bool kill_first);

    MibFeederConfiguration configuration_;
    std::function<MibSnapshot()> take_snapshot_;
    std::function<void(const std::string&)> on_trouble_;
    asio::local::stream_protocol::socket
        channel_;  // a socket: writing to a dead helper raises no SIGPIPE
    asio::steady_timer feed_timer_;
    asio::steady_timer restart_timer_;
    asio::streambuf input_;
    std::string outgoing_;
    bool writing_ = false;
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
                                  std::generic_category().message(errno)};
    }
    const std::string folder = configuration_.state_dir + "/mibd";
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return agent::core::Error{"can not create " + folder + ": " +
                                  std::generic_category().message(errno)};
    }
    return spawn();
}

agent::core::Outcome MibFeeder::Parts::spawn() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return agent::core::Error{"can not make a socket pair: " +
                                  std::generic_category().message(errno)};
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
                                  std::generic_category().message(failure)};
    }
    ++life_;
    status.pid = pid;
    status.running = true;
    status.listen_port = 0;
    status.trouble.clear();
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
    write(to_json_line(MibServerConfiguration{
        configuration_.listen, configuration_.state_dir + "/mibd", configuration_.users}));
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
            self->listen();
        });
}

void MibFeeder::Parts::on_line(const std::string& line) {
    constexpr std::string_view ready = "ready ";
    if (!line.starts_with(ready)) return;
    std::from_chars(line.data() + ready.size(), line.data() + line.size(), status.listen_port);
    arm_feed();
}

// One line at a time; a helper that does not read gets no second one.
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
            } else if (self->dirty_) {
                self->arm_feed();
            }
        });
}

void MibFeeder::Parts::changed() {
    dirty_ = true;
    arm_feed();
}

void MibFeeder::Parts::arm_feed() {
    if (ended_ || feed_armed_ || !status.running || status.listen_port == 0) return;
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
    if (!status.running || status.listen_port == 0 || !dirty_) return;
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
    if (Clock::now() - born_at_ > good_life) restart_ms_ = configuration_.restart_first_ms;
    reap(true);
    status.trouble = configuration_.program + ": " + why + "; started again in " +
                     std::to_string(restart_ms_) + " ms";
    if (on_trouble_) on_trouble_(status.trouble);
    restart_timer_.expires_after(milliseconds(restart_ms_));
    restart_ms_ = std::min(restart_ms_ * 2, configuration_.restart_max_ms);
    restart_timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
        if (error || self->ended_) return;
        const agent::core::Outcome spawned = self->spawn();
        if (!spawned) self->gone(spawned.error().message);
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
}

void MibFeeder::Parts::end() {
    ended_ = true;
    feed_timer_.cancel();
    restart_timer_.cancel();
    reap(false);
}

MibFeeder::MibFeeder(asio::io_context& loop, MibFeederConfiguration configuration,
                     std::function<MibSnapshot()> take_snapshot,
                     std::function<void(const std::string&)> on_trouble)
    : parts_(std::make_shared<Parts>(loop, std::move(configuration), std::move(take_snapshot),
                                     std::move(on_trouble))) {}

MibFeeder::~MibFeeder() {
    parts_->end();
}

agent::core::Outcome MibFeeder::start() {
    return parts_->start();
}

void MibFeeder::changed() {
    parts_->changed();
}

MibFeederStatus MibFeeder::status() const {
    return parts_->status;
}

}  // namespace snmp_mib
