#include "agent/postgres/server_process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "agent/host/program_start.hpp"
#include "agent/postgres/control_data.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;

namespace {

constexpr Duration patience_at_once{2'000};
constexpr Duration patience_after_kill{10'000};
constexpr off_t log_bytes_max = off_t{32} * 1024 * 1024;

std::optional<std::string> link_target(const std::string& link) {
    std::array<char, 4096> room{};
    const ssize_t count = ::readlink(link.c_str(), room.data(), room.size());
    if (count <= 0) return std::nullopt;
    return std::string(room.data(), static_cast<std::size_t>(count));
}

// 'T' of a stopped one, 'Z' of one that has ended; 0: there is none.
char state_of_process(pid_t process) {
    const auto stat = ServerFolder::read("/proc/" + std::to_string(process) + "/stat");
    if (!stat) return 0;
    const auto name_end = stat->rfind(')');
    return name_end == std::string::npos || name_end + 2 >= stat->size() ? char{0}
                                                                         : (*stat)[name_end + 2];
}

// For as long as `within`; true as soon as it holds.
template <typename Condition>
bool comes_true(Condition condition, Duration within) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within.ms);
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace

std::vector<std::string> words_before(const ServerOwner& owner, const std::string& signal) {
    std::vector<std::string> words{"/usr/bin/setpriv", "--inh-caps=-all", "--ambient-caps=-all",
                                   "--pdeathsig", signal};
    if (owner.another) {
        for (const auto& word :
             {std::string("--reuid"), std::to_string(owner.uid), std::string("--regid"),
              std::to_string(owner.gid), std::string("--init-groups")})
            words.push_back(word);
    }
    words.emplace_back("--");
    return words;
}

namespace {

// "postgres", also when an upgrade has replaced it since: "postgres (deleted)".
std::string program_of(const std::string& process) {
    const auto path = link_target("/proc/" + process + "/exe").value_or("");
    const auto name = path.substr(path.rfind('/') + 1);
    return name.substr(0, name.find(' '));
}

template <typename Wanted>
std::vector<pid_t> processes_that(Wanted wanted) {
    std::vector<pid_t> found;
    DIR* processes = ::opendir("/proc");
    if (processes == nullptr) return found;
    while (const dirent* entry = ::readdir(processes)) {
        const pid_t process = std::atoi(entry->d_name);
        if (process > 0 && wanted(std::string(entry->d_name))) found.push_back(process);
    }
    ::closedir(processes);
    return found;
}

// The word after -D: ours get it so, and the words of a command line end with zeros.
std::string data_of_program(const std::string& command_line) {
    bool is_next = false;
    for (std::size_t at = 0; at < command_line.size();) {
        const auto end = std::min(command_line.find('\0', at), command_line.size());
        auto word = command_line.substr(at, end - at);
        if (is_next) return word;
        is_next = word == "-D";
        at = end + 1;
    }
    return "";
}

}  // namespace

std::vector<pid_t> processes_in(const std::string& folder) {
    std::error_code error;
    const auto real = std::filesystem::canonical(folder, error);
    if (error) return {};
    return processes_that([&](const std::string& process) {
        const auto cwd = link_target("/proc/" + process + "/cwd");
        return cwd && *cwd == real && program_of(process) == "postgres";
    });
}

bool end_programs_at(const ServerPaths& paths) {
    const auto at_work = [&] {
        return processes_that([&](const std::string& process) {
            const auto program = program_of(process);
            if (program != "pg_basebackup" && program != "pg_rewind" && program != "initdb")
                return false;
            const auto words = ServerFolder::read("/proc/" + process + "/cmdline");
            const auto data = words ? data_of_program(*words) : "";
            return data == paths.data || data == paths.new_data;
        });
    };
    return comes_true(
        [&] {
            const auto programs = at_work();
            for (const pid_t process : programs)
                ::kill(process, SIGKILL);
            return programs.empty();
        },
        patience_after_kill);
}

void remove_false_pid_file(const std::string& data) {
    const std::string name = data + "/postmaster.pid";
    const auto file = ServerFolder::read(name);
    const auto process = file ? process_from_pid_file(*file) : std::nullopt;
    if (!process || !processes_in(data).empty()) return;
    if (::kill(*process, 0) == 0 || errno == EPERM) ServerFolder::remove(name);
}

ProcessEnd::ProcessEnd(pid_t process)
    : descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))) {}
ProcessEnd::~ProcessEnd() {
    if (descriptor_ >= 0) ::close(descriptor_);
}
bool ProcessEnd::has_ended(Duration within) const {
    if (descriptor_ < 0) return true;
    pollfd wait{descriptor_, POLLIN, 0};
    return ::poll(&wait, 1, static_cast<int>(within.ms)) > 0;
}

ServerProcess::ServerProcess(const ServerFolder& folder, std::string programs)
    : folder_(folder), programs_(std::move(programs)) {}

ServerProcess::~ServerProcess() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    reap();
}

Outcome ServerProcess::start() {
    const ServerPaths& paths = folder_.paths();
    trim_log();
    const int log =
        ::open(paths.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log < 0) return Error{"can not open " + paths.log + ": " + core::errno_text(errno)};
    if (folder_.owner().another && ::fchown(log, folder_.owner().uid, folder_.owner().gid) != 0) {
        ::close(log);
        return Error{"can not give to the server its log " + paths.log};
    }
    struct stat status {};
    log_begin_ = ::fstat(log, &status) == 0 ? status.st_size : 0;

    // With this process it gets SIGINT, an orderly stop: nobody else looks after it.
    auto words = words_before(folder_.owner(), "INT");
    words.push_back(programs_ + "/postgres");
    words.insert(words.end(), {"-D", paths.data, "-c", "config_file=" + paths.configuration});
    const auto started = host::start_program(
        words.front(), words, {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}, {-1, log, log});
    ::close(log);
    if (!started) return Error{words.front() + " can not be run: " + started.error().message};
    process_ = *started;
    end_ = std::make_shared<ProcessEnd>(process_);
    if (end_->is_seen()) return Nothing{};
    // One whose end nobody sees can not be looked after.
    const std::string why = core::errno_text(errno);
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    end_.reset();
    return Error{"there is no descriptor for the process of the server: " + why};
}

bool ServerProcess::is_running() const {
    return process_ > 0 && !end_->has_ended({0});
}

void ServerProcess::reload() const {
    if (process_ > 0) ::kill(process_, SIGHUP);
}

Stopped ServerProcess::stop(StopHow how, Duration within, const std::function<bool()>& hurried) {
    Stopped stopped;
    const std::string& data = folder_.paths().data;
    pid_t leader = is_running() ? process_ : -1;
    if (leader < 0 && !processes_in(data).empty()) {
        const auto file = ServerFolder::read(data + "/postmaster.pid");
        leader = file ? process_from_pid_file(*file).value_or(-1) : -1;
        const auto there = processes_in(data);
        if (std::find(there.begin(), there.end(), leader) == there.end()) leader = -1;
        if (process_ < 0) stopped.stranger = leader > 0 ? leader : there.empty() ? 0 : there[0];
    }
    const auto nothing_runs = [&] {
        if (process_ > 0 && !end_->has_ended({0})) return false;
        return processes_in(data).empty();
    };
    // A suspended one takes no notice of anything but this.
    const bool listens = leader > 0 && state_of_process(leader) != 'T';
    if (listens) {
        bool hurries = false;
        if (how == StopHow::in_order) {
            ::kill(leader, SIGINT);
            static_cast<void>(comes_true(
                [&] {
                    hurries = hurried && hurried();
                    return hurries || nothing_runs();
                },
                within));
        }
        stopped.down = nothing_runs();
        if (!stopped.down && (hurries || how == StopHow::at_once)) {
            ::kill(leader, SIGQUIT);
            stopped.down = comes_true(nothing_runs, patience_at_once);
        }
    } else {
        stopped.down = comes_true(nothing_runs, {leader > 0 ? 0 : 500});
    }
    if (!stopped.down) {
        stopped.killed = true;
        stopped.down = comes_true(
            [&] {
                for (const pid_t process : processes_in(data))
                    ::kill(process, SIGKILL);
                return nothing_runs();
            },
            patience_after_kill);
    }
    reap();
    return stopped;
}

void ServerProcess::reap() {
    if (process_ <= 0) return;
    // It may hang in the kernel and not even die of SIGKILL.
    if (!end_->has_ended(patience_at_once)) return;
    pid_t reaped = 0;
    do {
        reaped = ::waitpid(process_, nullptr, WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return;
    process_ = -1;
    end_.reset();
}

std::string ServerProcess::last_words() const {
    const int log = ::open(folder_.paths().log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (log < 0) return "";
    constexpr off_t tail_bytes = off_t{64} * 1024;
    const off_t size = ::lseek(log, 0, SEEK_END);
    ::lseek(log, std::max(log_begin_, size - tail_bytes), SEEK_SET);
    std::string text(static_cast<std::size_t>(tail_bytes), '\0');
    const ssize_t count = ::read(log, text.data(), text.size());
    ::close(log);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    std::size_t worst = std::string::npos;
    for (const char* word : {" ERROR:  ", " FATAL:  ", " PANIC:  "}) {
        const auto at = text.rfind(word);
        // Of the last kinds, the worst: a PANIC is followed by the FATALs of those it takes along.
        if (at != std::string::npos) worst = at;
    }
    if (worst == std::string::npos) return "";
    auto line = text.substr(worst + 1, text.find('\n', worst) - worst - 1);
    return line.substr(0, 300);
}

void ServerProcess::trim_log() const {
    const std::string& log = folder_.paths().log;
    const int file = ::open(log.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return;
    struct stat status {};
    if (::fstat(file, &status) == 0 && status.st_size >= log_bytes_max) {
        std::error_code error;
        ServerFolder::remove(log + ".1");
        std::filesystem::copy_file(log, log + ".1", error);
        // The server goes on writing behind the end, which is the beginning now. Else the log grows
        // until the next try.
        [[maybe_unused]] const int truncated = ::ftruncate(file, 0);
    }
    ::close(file);
}

}  // namespace agent::postgres
