#pragma once

// The real program, run by the tests.

#include <sys/types.h>

#include <string>
#include <vector>

using Words = std::vector<std::string>;

struct Finished {
    int exit_status = -1;  // 128 + signal when it did not exit
    std::string out;
    std::string err;
};

// Runs to its end, at most 20 seconds. `environment` adds "NAME=VALUE".
[[nodiscard]] Finished run_lractl(const Words& words, const std::string& input = {},
                                  const Words& environment = {});

// lractl on a terminal of its own, 80 columns wide.
class LractlOnTerminal {
  public:
    explicit LractlOnTerminal(const Words& words, const Words& environment = {});
    ~LractlOnTerminal();  // ends it when it has not ended
    LractlOnTerminal(const LractlOnTerminal&) = delete;
    LractlOnTerminal& operator=(const LractlOnTerminal&) = delete;

    void type(const std::string& keys) const;
    // Reads until `text` is on the screen; what was read before does not count. False: not within
    // 10 seconds.
    [[nodiscard]] bool shows(const std::string& text);
    [[nodiscard]] int exit_status();  // waits for the end, at most 10 seconds
    [[nodiscard]] const std::string& everything() const { return everything_; }

  private:
    bool read_more();
    int terminal_ = -1;
    pid_t child_ = -1;
    std::string everything_;
    std::size_t seen_ = 0;
};
