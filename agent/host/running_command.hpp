#pragma once

// One program call from start to reaping; used by command_runner.cpp only.

#include <array>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "agent/host/command.hpp"

namespace agent::host {

//            start()                 exit seen              pipes closed, or linger over
//   created ---------> running ---------------> draining ------------------------------> reaped
//                         | timeout                                                         ^
//                         v                                                                 |
//                     terminating --grace--> killing --exit seen----------------------------+
//                                               | still there
//                                               v
//                                           abandoned (answered; reaped whenever it ends)
class RunningCommand : public std::enable_shared_from_this<RunningCommand> {
  public:
    using Done = std::function<void(CommandOutcome)>;

    RunningCommand(asio::io_context& loop, Command command, Done done);
    ~RunningCommand();
    RunningCommand(const RunningCommand&) = delete;
    RunningCommand& operator=(const RunningCommand&) = delete;

    void start();
    void cancel();  // SIGKILL to the group; `done` is not called

  private:
    // One of the two pipes from the program.
    struct Pipe {
        asio::posix::stream_descriptor end;
        std::string kept;
        std::array<char, 4096> buffer;
        bool open = false;
    };

    [[nodiscard]] std::string spawn();  // empty: it runs; otherwise why not
    void fail_to_start(std::string why);
    void read(Pipe& pipe);
    void keep(Pipe& pipe, std::size_t bytes);
    void keep_tail(const char* bytes, std::size_t count);
    void wait_for_exit();
    void exit_seen();
    void arm(core::Duration after, void (RunningCommand::*then)());
    void timed_out();
    void grace_over();
    void give_up();
    void linger_over();
    void finish_when_drained();
    void reap();
    void answer();
    void signal_group(int number) const;

    asio::io_context& loop_;
    Command command_;
    Done done_;
    CommandOutcome outcome_;
    std::int64_t started_ms_ = 0;
    pid_t pid_ = -1;  // leader of the group; not reaped as long as this is positive
    bool ended_ = false;
    bool killed_by_us_ = false;
    asio::posix::stream_descriptor exit_;  // pidfd: readable when the leader has ended
    Pipe output_;
    Pipe error_output_;
    asio::steady_timer timer_;
};

}  // namespace agent::host
