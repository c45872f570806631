#include "agent/host/running_command.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/post.hpp>

#include "agent/core/errno_text.hpp"
#include "agent/host/program_start.hpp"

namespace agent::host {

namespace {

// A program that has ended may have left its pipes to a child; that one's last words are waited for
// this long.
constexpr core::Duration linger{250};
// A process that hangs in the kernel does not die of SIGKILL; after this long nobody waits for it
// any more.
constexpr core::Duration patience_after_kill{2'000};

std::int64_t monotonic_ms() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// Where a name without a slash leads to in the PATH the program itself will see; nothing when
// nowhere.
std::optional<std::string> look_up(const std::string& name,
                                   const std::vector<std::string>& environment) {
    if (name.find('/') != std::string::npos) return name;
    constexpr std::string_view prefix = "PATH=";
    for (const auto& variable : environment) {
        if (!variable.starts_with(prefix)) continue;
        std::size_t from = prefix.size();
        while (from <= variable.size()) {
            const std::size_t to = std::min(variable.find(':', from), variable.size());
            const std::string candidate = variable.substr(from, to - from) + "/" + name;
            if (candidate.front() == '/' && access(candidate.c_str(), X_OK) == 0) return candidate;
            from = to + 1;
        }
    }
    return std::nullopt;
}

// A pipe whose both ends close on exec; `write` belongs to the caller.
struct PipeEnds {
    int read = -1;
    int write = -1;
};
std::optional<PipeEnds> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return PipeEnds{ends[0], ends[1]};
}

// A file without a name that holds the text: the program reads it at its own pace and nobody has to
// feed it; -1: it can not be made.
int file_of(const std::string& text) {
    const int file = ::memfd_create("input", MFD_CLOEXEC);
    if (file < 0) return -1;
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(file, text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            ::close(file);
            return -1;
        }
        written += static_cast<std::size_t>(count);
    }
    ::lseek(file, 0, SEEK_SET);
    return file;
}

std::string words_of(int error) {
    return core::errno_text(error);
}

}  // namespace

RunningCommand::RunningCommand(asio::io_context& loop, Command command, Done done)
    : loop_(loop),
      command_(std::move(command)),
      done_(std::move(done)),
      exit_(loop),
      output_{asio::posix::stream_descriptor(loop), {}, {}},
      error_output_{asio::posix::stream_descriptor(loop), {}, {}},
      timer_(loop) {}

RunningCommand::~RunningCommand() {
    // The loop is gone with the program still there: end it and leave the reaping to init.
    if (pid_ > 0) signal_group(SIGKILL);
}

void RunningCommand::start() {
    started_ms_ = monotonic_ms();
    std::string why = spawn();
    if (!why.empty()) {
        fail_to_start(std::move(why));
        return;
    }
    read(output_);
    read(error_output_);
    wait_for_exit();
    arm(command_.timeout, &RunningCommand::timed_out);
}

std::string RunningCommand::spawn() {
    if (command_.argv.empty() || command_.argv.front().empty()) return "no program is named";
    const auto program = look_up(command_.argv.front(), command_.environment);
    if (!program) return command_.argv.front() + ": no such program in the PATH it is given";

    const auto output = make_pipe();
    if (!output) return "pipe: " + words_of(errno);
    output_.end.assign(output->read);
    const auto error_output = make_pipe();
    if (!error_output) {
        const int error = errno;
        ::close(output->write);
        return "pipe: " + words_of(error);
    }
    error_output_.end.assign(error_output->read);

    const int input = command_.input.empty() ? -1 : file_of(command_.input);
    const bool no_input = input < 0 && !command_.input.empty();
    core::Result<pid_t> started = no_input
                                      ? core::Result<pid_t>(core::Error{words_of(errno)})
                                      : start_program(*program, command_.argv, command_.environment,
                                                      {input, output->write, error_output->write});
    if (input >= 0) ::close(input);
    ::close(output->write);
    ::close(error_output->write);
    if (!started) return *program + ": " + started.error().message;
    pid_ = *started;
    output_.open = error_output_.open = true;

    // By the system call: Debian 12's <sys/pidfd.h> declares it without C linkage.
    const long descriptor = syscall(SYS_pidfd_open, pid_, 0);
    if (descriptor < 0) {
        const int reason = errno;
        signal_group(SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
        return "pidfd_open: " + words_of(reason);
    }
    exit_.assign(static_cast<int>(descriptor));
    return {};
}

void RunningCommand::fail_to_start(std::string why) {
    outcome_.end = CommandOutcome::End::not_started;
    outcome_.why = std::move(why);
    asio::post(loop_, [self = shared_from_this()] { self->answer(); });
}

void RunningCommand::read(Pipe& pipe) {
    pipe.end.async_read_some(
        asio::buffer(pipe.buffer),
        [self = shared_from_this(), &pipe](asio::error_code error, std::size_t bytes) {
            if (error == asio::error::operation_aborted) return;
            if (error) {
                pipe.open = false;
                self->finish_when_drained();
                return;
            }
            self->keep(pipe, bytes);
            self->read(pipe);
        });
}

void RunningCommand::keep(Pipe& pipe, std::size_t bytes) {
    const std::size_t room = command_.output_max - pipe.kept.size();
    if (bytes > room) outcome_.output_cut = true;
    pipe.kept.append(pipe.buffer.data(), std::min(bytes, room));
    if (&pipe == &output_) keep_tail(pipe.buffer.data(), bytes);
}

void RunningCommand::keep_tail(const char* bytes, std::size_t count) {
    std::string& tail = outcome_.output_tail;
    tail.append(bytes, count);
    if (tail.size() > command_.output_tail_max)
        tail.erase(0, tail.size() - command_.output_tail_max);
}

void RunningCommand::wait_for_exit() {
    exit_.async_wait(asio::posix::descriptor_base::wait_read,
                     [self = shared_from_this()](asio::error_code error) {
                         if (!error) self->exit_seen();
                     });
}

void RunningCommand::exit_seen() {
    ended_ = true;
    arm(linger, &RunningCommand::linger_over);
    finish_when_drained();
}

void RunningCommand::arm(core::Duration after, void (RunningCommand::*then)()) {
    timer_.expires_after(std::chrono::milliseconds(after.ms));
    timer_.async_wait([self = shared_from_this(), then](asio::error_code error) {
        if (!error) (self.get()->*then)();
    });
}

void RunningCommand::timed_out() {
    if (ended_) return;
    killed_by_us_ = true;
    signal_group(SIGTERM);
    arm(command_.kill_grace, &RunningCommand::grace_over);
}

void RunningCommand::grace_over() {
    if (ended_) return;
    signal_group(SIGKILL);
    arm(patience_after_kill, &RunningCommand::give_up);
}

// Answers, and stays around only to reap the process if it ever ends.
void RunningCommand::give_up() {
    if (ended_) return;
    outcome_.end = CommandOutcome::End::not_ending;
    output_.end.close();
    error_output_.end.close();
    answer();
}

void RunningCommand::linger_over() {
    output_.end.close();
    error_output_.end.close();
    output_.open = error_output_.open = false;
    finish_when_drained();
}

void RunningCommand::finish_when_drained() {
    if (!ended_ || pid_ <= 0 || output_.open || error_output_.open) return;
    reap();
    answer();
}

// The group is killed before its leader is reaped: until then its number can not belong to anybody
// else.
void RunningCommand::reap() {
    signal_group(SIGKILL);
    int status = 0;
    pid_t reaped = -1;
    do {
        reaped = waitpid(pid_, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    pid_ = -1;
    exit_.close();
    timer_.cancel();
    if (killed_by_us_) {
        outcome_.end = CommandOutcome::End::timed_out;
    } else if (reaped < 0) {
        outcome_.end = CommandOutcome::End::not_started;
        outcome_.why = "it has ended, but how can not be read: waitpid: " + words_of(errno);
    } else if (WIFSIGNALED(status)) {
        outcome_.end = CommandOutcome::End::signalled;
        outcome_.signal = WTERMSIG(status);
    } else {
        outcome_.end = CommandOutcome::End::exited;
        outcome_.exit_status = WEXITSTATUS(status);
    }
}

void RunningCommand::answer() {
    if (!done_) return;
    outcome_.output = std::move(output_.kept);
    outcome_.error_output = std::move(error_output_.kept);
    outcome_.took = {monotonic_ms() - started_ms_};
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome_));
}

void RunningCommand::cancel() {
    done_ = nullptr;
    if (pid_ > 0) signal_group(SIGKILL);
}

void RunningCommand::signal_group(int number) const {
    ::kill(-pid_, number);
}

}  // namespace agent::host
