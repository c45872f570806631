#include "agent/host/program_start.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <csignal>

#include "agent/core/errno_text.hpp"

namespace agent::host {

namespace {

// Closed by a null pointer, as execve(2) wants them.
std::vector<char*> pointers_into(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (auto& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

struct SpawnSettings {
    SpawnSettings() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

int prepare(SpawnSettings& settings, const ProgramStreams& streams) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    constexpr auto flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    for (const int error : {
             posix_spawnattr_setflags(&settings.attributes, static_cast<short>(flags)),
             posix_spawnattr_setpgroup(&settings.attributes, 0),
             posix_spawnattr_setsigmask(&settings.attributes, &none),
             posix_spawnattr_setsigdefault(&settings.attributes, &all),
             streams.input < 0
                 ? posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0)
                 : posix_spawn_file_actions_adddup2(&settings.actions, streams.input, 0),
             posix_spawn_file_actions_adddup2(&settings.actions, streams.output, 1),
             posix_spawn_file_actions_adddup2(&settings.actions, streams.error_output, 2),
             posix_spawn_file_actions_addclosefrom_np(&settings.actions, 3),
             posix_spawn_file_actions_addchdir_np(&settings.actions, "/"),
         }) {
        if (error != 0) return error;
    }
    return 0;
}

}  // namespace

core::Result<pid_t> start_program(const std::string& path, std::vector<std::string> argv,
                                  std::vector<std::string> environment,
                                  const ProgramStreams& streams) {
    SpawnSettings settings;
    const auto words = pointers_into(argv);
    const auto variables = pointers_into(environment);
    pid_t process = -1;
    int error = prepare(settings, streams);
    if (error == 0) {
        error = posix_spawn(&process, path.c_str(), &settings.actions, &settings.attributes,
                            words.data(), variables.data());
    }
    if (error != 0) return core::Error{core::errno_text(error)};
    return process;
}

}  // namespace agent::host
