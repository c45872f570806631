#include "test/integration/lractl/spawned_lractl.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "agent/runtime/descriptor.hpp"
#include "test/support/catch.hpp"

namespace {

using agent::runtime::Descriptor;
using Clock = std::chrono::steady_clock;

// After fork, in the child.
[[noreturn]] void become_lractl(const Words& words, const Words& environment) {
    ::unsetenv("LRACTL_SOCKET");
    ::unsetenv("NO_COLOR");
    ::setenv("TZ", "UTC", 1);
    for (const std::string& variable : environment) {
        const std::size_t equals = variable.find('=');
        ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
    }
    const std::string program = LRA_BIN_DIR "/lractl";
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
}

int status_of(int wait_status) {
    if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);
    return 128 + WTERMSIG(wait_status);
}

// Reads both pipes to their ends; ends the child when that takes too long.
void collect(pid_t child, int out, int err, Finished& finished) {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    pollfd wanted[2]{{out, POLLIN, 0}, {err, POLLIN, 0}};
    std::string* texts[2]{&finished.out, &finished.err};
    while (wanted[0].fd >= 0 || wanted[1].fd >= 0) {
        if (Clock::now() > deadline) ::kill(child, SIGKILL);
        if (::poll(wanted, 2, 200) <= 0) continue;
        for (int i = 0; i < 2; ++i) {
            if (wanted[i].fd < 0 || wanted[i].revents == 0) continue;
            char bytes[4096];
            const ssize_t count = ::read(wanted[i].fd, bytes, sizeof bytes);
            if (count <= 0) wanted[i].fd = -1;
            if (count > 0) texts[i]->append(bytes, static_cast<std::size_t>(count));
        }
    }
}

struct Pipe {
    Descriptor read;
    Descriptor write;
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read = Descriptor(ends[0]);
        write = Descriptor(ends[1]);
    }
};

}  // namespace

Finished run_lractl(const Words& words, const std::string& input, const Words& environment) {
    Pipe in;
    Pipe out;
    Pipe err;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(in.read.get(), 0);
        ::dup2(out.write.get(), 1);
        ::dup2(err.write.get(), 2);
        become_lractl(words, environment);
    }
    in.read.close();
    out.write.close();
    err.write.close();
    REQUIRE(::write(in.write.get(), input.data(), input.size()) ==
            static_cast<ssize_t>(input.size()));
    in.write.close();
    Finished finished;
    collect(child, out.read.get(), err.read.get(), finished);
    int status = 0;
    ::waitpid(child, &status, 0);
    finished.exit_status = status_of(status);
    return finished;
}

LractlOnTerminal::LractlOnTerminal(const Words& words, const Words& environment) {
    const winsize size{24, 80, 0, 0};
    child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    REQUIRE(child_ >= 0);
    if (child_ == 0) become_lractl(words, environment);
}

LractlOnTerminal::~LractlOnTerminal() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    ::close(terminal_);
}

void LractlOnTerminal::type(const std::string& keys) const {
    REQUIRE(::write(terminal_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

bool LractlOnTerminal::read_more() {
    pollfd wanted{terminal_, POLLIN, 0};
    if (::poll(&wanted, 1, 100) <= 0) return true;
    char bytes[4096];
    const ssize_t count = ::read(terminal_, bytes, sizeof bytes);
    if (count <= 0) return false;
    everything_.append(bytes, static_cast<std::size_t>(count));
    return true;
}

bool LractlOnTerminal::shows(const std::string& text) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    bool open = true;
    while (true) {
        const std::size_t found = everything_.find(text, seen_);
        if (found != std::string::npos) {
            seen_ = found + text.size();
            return true;
        }
        if (!open || Clock::now() > deadline) return false;
        open = read_more();
    }
}

int LractlOnTerminal::exit_status() {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    int status = 0;
    while (::waitpid(child_, &status, WNOHANG) == 0) {
        if (Clock::now() > deadline) return -1;
        read_more();
    }
    child_ = -1;
    return status_of(status);
}
