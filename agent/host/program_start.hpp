#pragma once

// A program is started with nothing of ours but what it is given: no descriptor, so that sockets
// and locks stay ours, no signal mask or disposition; in a process group of its own, so that what a
// terminal sends to us is not for it, and in the folder "/".

#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/core/result.hpp"

namespace agent::host {

struct ProgramStreams {
    int input = -1;  // -1: /dev/null
    int output = -1;
    int error_output = -1;
};

// Borrows the streams. `path` is the program's file, `environment` has NAME=VALUE. The error is the
// system's.
[[nodiscard]] core::Result<pid_t> start_program(const std::string& path,
                                                std::vector<std::string> argv,
                                                std::vector<std::string> environment,
                                                const ProgramStreams& streams);

}  // namespace agent::host
