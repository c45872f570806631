#include "test/integration/snmp/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

using Clock = std::chrono::steady_clock;

ChildProcess::ChildProcess(const std::vector<std::string>& argv, bool errors_too) {
    std::array<int, 2> to_child{};
    std::array<int, 2> from_child{};
    if (::pipe2(to_child.data(), O_CLOEXEC) != 0 || ::pipe2(from_child.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe");
    }
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::dup2(to_child[0], 0);
        ::dup2(from_child[1], 1);
        if (errors_too) ::dup2(from_child[1], 2);
        std::vector<char*> arguments;
        for (const std::string& argument : argv)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    output_ = from_child[0];
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_),
      input_(other.input_),
      output_(other.output_),
      buffered_(std::move(other.buffered_)) {
    other.pid_ = -1;
    other.input_ = other.output_ = -1;
}

ChildProcess::~ChildProcess() {
    close_input();
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (output_ >= 0) ::close(output_);
}

void ChildProcess::write(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("the process reads no more");
    }
}

void ChildProcess::close_input() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
}

std::optional<std::string> ChildProcess::read_line(std::chrono::milliseconds patience) {
    const Clock::time_point until = Clock::now() + patience;
    for (;;) {
        if (const std::size_t end = buffered_.find('\n'); end != std::string::npos) {
            std::string line = buffered_.substr(0, end);
            buffered_.erase(0, end + 1);
            return line;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd ready{output_, POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return std::nullopt;
        std::array<char, 4096> piece{};
        const ssize_t length = ::read(output_, piece.data(), piece.size());
        if (length <= 0) return std::nullopt;
        buffered_.append(piece.data(), static_cast<std::size_t>(length));
    }
}

std::string ChildProcess::wait_for(const std::string& text, std::chrono::milliseconds patience) {
    const Clock::time_point until = Clock::now() + patience;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
        const std::optional<std::string> line = read_line(left);
        if (!line) return {};
        if (line->find(text) != std::string::npos) return *line;
    }
}

int ChildProcess::wait(std::chrono::milliseconds patience) {
    const Clock::time_point until = Clock::now() + patience;
    int status = 0;
    while (pid_ > 0) {
        const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
        if (ended == pid_) {
            pid_ = -1;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (Clock::now() > until) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, &status, 0);
            pid_ = -1;
            return -1;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return -1;
}

void ChildProcess::signal(int number) {
    if (pid_ > 0) ::kill(pid_, number);
}

ProgramResult run_program(const std::vector<std::string>& argv,
                          std::chrono::milliseconds patience) {
    ChildProcess program(argv);
    program.close_input();
    ProgramResult result;
    const Clock::time_point until = Clock::now() + patience;
    while (const auto line = program.read_line(
               std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()))) {
        result.output += *line + "\n";
    }
    result.status = program.wait(std::chrono::seconds(5));
    return result;
}

TemporaryFolder::TemporaryFolder() {
    std::string pattern = "/tmp/lra-snmp-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::path(const std::string& name) const {
    return name.empty() ? path_ : path_ + "/" + name;
}

std::string TemporaryFolder::file(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    ::chmod(path(name).c_str(), 0600);
    return path(name);
}

std::string TemporaryFolder::folder(const std::string& name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    const Clock::time_point until = Clock::now() + patience;
    while (!condition()) {
        if (Clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}
