#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/time.hpp"

namespace agent::host {

// One program to run, exactly as execve(2) gets it: no shell, nothing split, nothing expanded.
struct Command {
    std::vector<std::string> argv;  // argv[0]: an absolute path, or a name looked up in the PATH of
                                    // `environment`
    std::vector<std::string> environment;  // "NAME=value"; the program gets these and no others
    std::string input;                     // its standard input, at most 64 KiB; then end of file
    std::vector<std::string> secrets;      // never to be shown, wherever they stand
    core::Duration timeout{30'000};        // then SIGTERM to its process group
    core::Duration kill_grace{2'000};      // then SIGKILL to its process group
    bool only_asks = false;                // it is to change nothing
    // Kept of stdout and of stderr, each; the rest is read and dropped.
    std::size_t output_max = std::size_t{64} * 1024;
    std::size_t output_tail_max = 0;  // kept of the end of stdout, besides
};

// How a program call ended.
struct CommandOutcome {
    enum class End : std::uint8_t {
        exited,       // by itself; see exit_status
        signalled,    // killed by a signal that was not ours; see signal
        timed_out,    // killed by us
        not_started,  // see why
        not_ending,   // timed out, and did not even die of SIGKILL (hangs in the kernel)
        cancelled,    // the runner was destroyed
        cut_off,      // it was sent to where it runs, and nobody saw it end; see why
    };
    End end = End::not_started;
    int exit_status = 0;
    int signal = 0;
    std::string why;           // not_started, cut_off: what the operating system or ssh said
    std::string output;        // stdout
    std::string error_output;  // stderr
    bool output_cut = false;   // more than output_max came
    std::string output_tail;   // its end, whether it was cut or not
    core::Duration took;
    // So long, counted from this answer, the command may still run and take effect; 0: it has
    // ended.
    core::Duration may_run_for{0};
};

// "exit status 3", "killed by signal 11", "not ended after 30000 ms: killed".
[[nodiscard]] std::string describe(const CommandOutcome& outcome);

// First line of `text` that is not blank, printable, at most `bytes_max` long.
[[nodiscard]] std::string first_line(const std::string& text, std::size_t bytes_max);

}  // namespace agent::host
