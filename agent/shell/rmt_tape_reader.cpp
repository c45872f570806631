#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "agent/core/errno_text.hpp"
#include "agent/shell/tape_reader.hpp"

namespace agent::shell {

using core::Error;
using core::Result;

namespace {

// More than an administrative volume's blocks.
constexpr std::size_t block_max = std::size_t{64} * 1024;
constexpr std::size_t status_line_max = 1024;

// Beside lractl, where both are installed, or wherever the shell finds it.
std::string path_of_vtl_rsh() {
    std::error_code ignored;
    const auto beside =
        std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "vtl-rsh";
    return ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "vtl-rsh";
}

std::vector<std::string> environment_with(const std::string& setting) {
    std::vector<std::string> all{setting};
    const auto name = setting.substr(0, setting.find('=') + 1);
    for (char** at = environ; *at != nullptr; ++at) {
        if (std::strncmp(*at, name.c_str(), name.size()) != 0) all.emplace_back(*at);
    }
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

class RmtTapeReader final : public TapeReader {
  public:
    explicit RmtTapeReader(core::Duration timeout) : timeout_(timeout) {}
    ~RmtTapeReader() override {
        // vtl-rsh ends when its input does. Until then what it still says is taken.
        if (opened_) static_cast<void>(request("C\n"));
        close_end(to_);
        close_end(from_);
        if (child_ > 0) ::waitpid(child_, nullptr, 0);
    }
    RmtTapeReader(const RmtTapeReader&) = delete;
    RmtTapeReader& operator=(const RmtTapeReader&) = delete;

    core::Outcome open(const std::string& name, const std::string& address) {
        if (auto begun = start(address); !begun) return begun;
        const auto answer = request("Oadm/" + name + "\n0\n");
        if (!answer) return answer.error().within("mounting " + name + " over rmt at " + address);
        opened_ = true;
        return core::Nothing{};
    }

    Result<std::optional<std::string>> next() override {
        const auto size = request("R" + std::to_string(block_max) + "\n");
        if (!size) return size.error();
        if (*size == 0) return std::optional<std::string>();
        std::string block;
        while (block.size() < *size) {
            if (received_.empty()) {
                if (auto more = fill(); !more) return more.error();
            }
            const auto count = std::min(*size - block.size(), received_.size());
            block.append(received_, 0, count);
            received_.erase(0, count);
        }
        return std::optional(std::move(block));
    }

  private:
    static void close_end(int& end) {
        if (end >= 0) ::close(end);
        end = -1;
    }

    core::Outcome start(const std::string& address) {
        std::array<int, 2> in{}, out{};
        if (::pipe2(in.data(), O_CLOEXEC) != 0) return Error{core::errno_text(errno)};
        if (::pipe2(out.data(), O_CLOEXEC) != 0) {
            ::close(in[0]);
            ::close(in[1]);
            return Error{core::errno_text(errno)};
        }
        to_ = in[1];
        from_ = out[0];
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        std::vector<std::string> words{path_of_vtl_rsh(), "vtld", "rmt"};
        auto settings = environment_with("VTL_RMT=" + address);
        const int trouble = ::posix_spawnp(&child_, words.front().c_str(), &actions, nullptr,
                                           pointers_to(words).data(), pointers_to(settings).data());
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        if (trouble == 0) return core::Nothing{};
        child_ = -1;
        return Error{"can not run " + words.front() + ": " + core::errno_text(trouble) +
                     "; it comes with lractl"};
    }

    core::Outcome fill() {
        pollfd waiting{from_, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(timeout_.ms));
        if (ready < 0 && errno == EINTR) return Error{"interrupted"};
        if (ready == 0) {
            return Error{"vtld did not answer over rmt within " + std::to_string(timeout_.ms) +
                         " ms"};
        }
        std::array<char, std::size_t{16} * 1024> buffer{};
        const auto count = ::read(from_, buffer.data(), buffer.size());
        if (count <= 0) return Error{"vtld closed the rmt connection"};
        received_.append(buffer.data(), static_cast<std::size_t>(count));
        return core::Nothing{};
    }

    Result<std::string> line() {
        for (;;) {
            const auto end = received_.find('\n');
            if (end != std::string::npos) {
                auto text = received_.substr(0, end);
                received_.erase(0, end + 1);
                return text;
            }
            if (received_.size() > status_line_max) return Error{"that is not the rmt protocol"};
            if (auto more = fill(); !more) return more.error();
        }
    }

    // "A5" is 5; "E2" and a line of text is an error.
    Result<std::size_t> request(const std::string& text) {
        if (::write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            return Error{"vtld closed the rmt connection"};
        const auto answer = line();
        if (!answer) return answer.error();
        std::size_t value = 0;
        const char* end = answer->data() + answer->size();
        const bool known =
            answer->size() > 1 && std::from_chars(answer->data() + 1, end, value).ptr == end;
        if (!known) return Error{"that is not the rmt protocol: " + *answer};
        if (answer->front() == 'A' && value <= block_max) return value;
        const auto why = line();
        return Error{why ? *why : core::errno_text(static_cast<int>(value))};
    }

    core::Duration timeout_;
    pid_t child_ = -1;
    int to_ = -1;
    int from_ = -1;
    bool opened_ = false;
    std::string received_;
};

}  // namespace

Result<std::unique_ptr<TapeReader>> read_over_rmt(const std::string& name,
                                                  const std::string& address,
                                                  core::Duration timeout) {
    ::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is told of by write()
    auto reader = std::make_unique<RmtTapeReader>(timeout);
    if (auto opened = reader->open(name, address); !opened) return opened.error();
    return std::unique_ptr<TapeReader>(std::move(reader));
}

}  // namespace agent::shell
