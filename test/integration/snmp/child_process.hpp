#pragma once

// A process that a test starts, talks to line by line, and ends by its id.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

class ChildProcess {
  public:
    explicit ChildProcess(const std::vector<std::string>& argv, bool errors_too = true);
    ~ChildProcess();
    ChildProcess(ChildProcess&&) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    void write(const std::string& line);
    void close_input();
    // The next line of its output; nothing when none came in time or the output ended.
    std::optional<std::string> read_line(std::chrono::milliseconds patience);
    // Reads until a line contains `text`; the line, or an empty one.
    std::string wait_for(const std::string& text,
                         std::chrono::milliseconds patience = std::chrono::seconds(10));
    // Exit status after at most `patience`; then it is killed and the result is -1.
    int wait(std::chrono::milliseconds patience = std::chrono::seconds(10));
    void signal(int number);
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    std::string buffered_;
};

struct ProgramResult {
    int status = -1;
    std::string output;
};
// Runs a program to its end.
ProgramResult run_program(const std::vector<std::string>& argv,
                          std::chrono::milliseconds patience = std::chrono::seconds(20));

// A folder below /tmp that goes away with everything in it.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::string path(const std::string& name = "") const;
    // Mode 0600.
    [[nodiscard]] std::string file(const std::string& name, const std::string& content) const;
    [[nodiscard]] std::string folder(const std::string& name) const;

  private:
    std::string path_;
};

// True as soon as `condition` holds; asks again every few milliseconds.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds patience = std::chrono::seconds(10));
