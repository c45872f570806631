// Takes a drive offline by a program of the site. The program's end is seen through a pidfd, so
// that neither SIGCHLD nor a thread is needed.

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "drive_iface/device/offline_actuator.hpp"

extern char** environ;

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::size_t running_max = 32;
constexpr std::size_t waiting_max = 1024;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

// A process group of its own, so that what it starts can be ended with it; no input, output to our
// stderr.
Result<pid_t> spawn(const std::vector<std::string>& arguments) {
    std::vector<std::string> texts = arguments;
    std::vector<char*> argv;
    argv.reserve(texts.size() + 1);
    for (auto& text : texts)
        argv.push_back(text.data());
    argv.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files,
                                             STDERR_FILENO + 1);  // our sockets are not for it
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t process = 0;
    const int error =
        ::posix_spawnp(&process, argv.front(), &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        return Error{"program " + texts.front() + " can not be started: " + errno_text(error)};
    }
    return process;
}

class CommandActuator : public OfflineActuator {
  public:
    CommandActuator(asio::io_context& loop, std::vector<std::string> argv, Duration timeout)
        : loop_(loop), argv_(std::move(argv)), timeout_(timeout) {}
    ~CommandActuator() override;

    void force(const DriveSerial& drive, const std::string& reason, Done done) override {
        request({drive.text, "offline", reason, std::move(done)});
    }
    void lift(const DriveSerial& drive, Done done) override {
        request({drive.text, "online", "", std::move(done)});
    }

  private:
    struct Request {
        std::string serial;
        std::string action;
        std::string reason;
        Done done;
    };
    struct Running {
        pid_t process = 0;
        Done done;
        bool timed_out = false;
        std::unique_ptr<asio::posix::stream_descriptor> ending;
        std::unique_ptr<asio::steady_timer> deadline;
    };

    void request(Request request);
    void start_next();
    void start(Request request);
    void ended(std::uint64_t number);
    void out_of_time(std::uint64_t number);
    void answer(Done done, Outcome outcome) {
        asio::post(loop_, [alive = std::weak_ptr<bool>(alive_), done = std::move(done),
                           outcome = std::move(outcome)] {
            if (!alive.expired()) done(outcome);
        });
    }
    [[nodiscard]] std::string program() const { return "program " + argv_.front(); }

    asio::io_context& loop_;
    std::vector<std::string> argv_;
    Duration timeout_;
    std::deque<Request> waiting_;
    std::map<std::uint64_t, Running> running_;
    std::uint64_t last_number_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

CommandActuator::~CommandActuator() {
    for (const auto& [number, running] : running_) {
        ::kill(-running.process, SIGKILL);
        while (::waitpid(running.process, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

void CommandActuator::request(Request request) {
    if (waiting_.size() >= waiting_max) {
        return answer(std::move(request.done), Error{program() + ": too many drives wait for it"});
    }
    waiting_.push_back(std::move(request));
    start_next();
}

void CommandActuator::start_next() {
    while (!waiting_.empty() && running_.size() < running_max) {
        Request request = std::move(waiting_.front());
        waiting_.pop_front();
        start(std::move(request));
    }
}

void CommandActuator::start(Request request) {
    std::vector<std::string> arguments;
    for (const auto& argument : argv_) {
        // The reason last: it is free text and may contain a placeholder.
        arguments.push_back(replaced(
            replaced(replaced(argument, "{serial}", request.serial), "{action}", request.action),
            "{reason}", request.reason));
    }
    const auto process = spawn(arguments);
    if (!process) return answer(std::move(request.done), process.error());
    const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, *process, 0));
    if (pidfd < 0) {
        const int error = errno;
        ::kill(-*process, SIGKILL);
        ::waitpid(*process, nullptr, 0);
        return answer(std::move(request.done), Error{program() + ": " + errno_text(error)});
    }
    ::fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    const auto number = ++last_number_;
    auto& running = running_[number];
    running.process = *process;
    running.done = std::move(request.done);
    running.ending = std::make_unique<asio::posix::stream_descriptor>(loop_, pidfd);
    running.ending->async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr<bool>(alive_), number](const std::error_code& error) {
            if (!error && !alive.expired()) ended(number);
        });
    running.deadline =
        std::make_unique<asio::steady_timer>(loop_, std::chrono::milliseconds(timeout_.ms));
    running.deadline->async_wait(
        [this, alive = std::weak_ptr<bool>(alive_), number](const std::error_code& error) {
            if (!error && !alive.expired()) out_of_time(number);
        });
}

void CommandActuator::out_of_time(std::uint64_t number) {
    const auto found = running_.find(number);
    if (found == running_.end()) return;
    found->second.timed_out = true;
    ::kill(-found->second.process, SIGKILL);  // its end is seen like any other
}

void CommandActuator::ended(std::uint64_t number) {
    const auto found = running_.find(number);
    if (found == running_.end()) return;
    Running running = std::move(found->second);
    running_.erase(found);
    int status = 0;
    while (::waitpid(running.process, &status, 0) < 0 && errno == EINTR) {
    }
    Outcome outcome = Nothing{};
    if (running.timed_out) {
        outcome = Error{program() + " did not end within " + std::to_string(timeout_.ms) +
                        " ms and was killed"};
    } else if (WIFSIGNALED(status)) {
        outcome = Error{program() + " was ended by signal " + std::to_string(WTERMSIG(status))};
    } else if (WEXITSTATUS(status) != 0) {
        outcome = Error{program() + " ended with exit code " + std::to_string(WEXITSTATUS(status))};
    }
    start_next();
    running.done(std::move(outcome));
}

}  // namespace

Result<std::unique_ptr<OfflineActuator>> make_command_actuator(asio::io_context& loop,
                                                               std::vector<std::string> argv,
                                                               Duration timeout) {
    if (argv.empty() || argv.front().empty())
        return Error{"actuator \"command\": argv names no program"};
    return std::unique_ptr<OfflineActuator>(
        std::make_unique<CommandActuator>(loop, std::move(argv), timeout));
}

}  // namespace drive_iface
