#pragma once

namespace agent::runtime {

// How every program of the project ends. Scripts and units rely on the numbers: never renumber.
enum class ExitCode : int {
    ok = 0,
    failure = 1,        // something went wrong while running; said in words on stderr
    usage = 2,          // the command line is wrong
    state_differs = 3,  // the command ran, and the state is not what was asked for
    partly_done = 4,    // some of several things were done
    busy = 5,           // somebody else is at it; try again later
    volume_not_mountable = 10,
    no_drive_available = 11,
    drive_failed = 12,   // during a mount, and so did the other drive that was tried
    withdrawn = 13,      // a request was cancelled, or its deadline has passed
    configuration = 42,  // units list it in RestartPreventExitStatus
};

[[nodiscard]] constexpr int number(ExitCode code) {
    return static_cast<int>(code);
}

}  // namespace agent::runtime
