#include "agent/shell/gathering_place.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "agent/core/errno_text.hpp"

namespace agent::shell {

using core::Error;
using core::Nothing;
using core::Outcome;
namespace fs = std::filesystem;

namespace {

constexpr const char* bundle_folder = "lra-support";
constexpr std::size_t words_max = 400;  // of a program that failed

// Runs a program to its end with its output in a file.
Outcome run_with_output_in(const std::string& file, const std::vector<std::string>& argv) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, file.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t child = 0;
    const int failed =
        ::posix_spawnp(&child, words.front(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return Error{argv.front() + " can not be started: " + core::errno_text(failed)};
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Nothing{};
    std::string said(words_max, '\0');
    std::ifstream in(file, std::ios::binary);
    in.read(said.data(), static_cast<std::streamsize>(said.size()));
    said.resize(static_cast<std::size_t>(in.gcount()));
    while (!said.empty() && said.back() == '\n')
        said.pop_back();
    return Error{argv.front() + " failed" + (said.empty() ? "" : ": " + said)};
}

}  // namespace

core::Result<GatheringPlace> GatheringPlace::make() {
    const char* wanted = std::getenv("TMPDIR");
    std::string path = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
    path += "/lra-support-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
        return Error{path + ": this folder can not be made: " + core::errno_text(errno)};
    return GatheringPlace(std::move(path));
}

GatheringPlace::GatheringPlace(GatheringPlace&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

GatheringPlace::~GatheringPlace() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

Outcome GatheringPlace::make_folder_of(const std::string& file) const {
    std::error_code error;
    const fs::path folder = fs::path(file).parent_path();
    fs::create_directories(folder, error);
    if (error) return Error{folder.string() + ": " + error.message()};
    return Nothing{};
}

Outcome GatheringPlace::put(const std::string& name, std::string_view text) const {
    const std::string file = path_ + "/" + bundle_folder + "/" + name;
    if (auto made = make_folder_of(file); !made) return made;
    std::ofstream out(file, std::ios::binary);
    out << text << std::flush;
    if (!out) return Error{file + ": can not be written: " + core::errno_text(errno)};
    return Nothing{};
}

Outcome GatheringPlace::put_output_of(const std::string& name,
                                      const std::vector<std::string>& argv) const {
    const std::string file = path_ + "/" + bundle_folder + "/" + name;
    if (auto made = make_folder_of(file); !made) return made;
    auto done = run_with_output_in(file, argv);
    if (!done) ::unlink(file.c_str());
    return done;
}

Outcome GatheringPlace::pack(const std::string& path) const {
    const std::string target = fs::path(path).is_absolute() ? path : "./" + path;
    return run_with_output_in(path_ + "/tar.txt",
                              {"tar", "--create", "--force-local", "--file", target, "--directory",
                               path_, "--owner=0", "--group=0", bundle_folder});
}

}  // namespace agent::shell
