#include "test/integration/parallel/daemon_site.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "test/support/catch.hpp"

namespace library_test {

namespace fs = std::filesystem;

namespace {

constexpr auto patience = std::chrono::seconds(20);
constexpr auto look_again = std::chrono::milliseconds(10);

ProgramRun run_shell(const std::string& line) {
    FILE* pipe = ::popen(line.c_str(), "r");
    REQUIRE(pipe != nullptr);
    ProgramRun result;
    std::array<char, 4096> buffer{};
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.output.append(buffer.data(), count);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

}  // namespace

DaemonSite::DaemonSite(const Wanted& wanted) : wanted_(wanted) {
    std::string pattern = (fs::temp_directory_path() / "lra-library-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    for (const auto& one : wanted_.folders)
        fs::create_directories(folder_ + "/" + one);
    const json configuration = {
        {"slots", 8},
        {"drives",
         {{{"serial", parallel_drive}, {"parallel", true}, {"cartridge", "VOL001L8"}},
          {{"serial", ordinary_drive}}}},
        {"cartridges",
         {{"folders", wanted_.folders},
          {"capacity_mb", 200},
          {"placement", "single"},  // the volume itself is in one folder, not the small one
          {"barcodes", {"VOL001L8", "VOL002L8"}}}},
        {"iscsi", {{"listen", "127.0.0.1:0"}, {"target_prefix", "iqn.2026-01.example.test"}}},
        {"rmt", {{"listen", "unix:" + folder_ + "/rmt.sock"}}},
        {"control", {{"socket", folder_ + "/control.sock"}}},
        {"metrics", {{"listen", "off"}}},
        {"state_dir", folder_ + "/state"}};
    std::ofstream(folder_ + "/vtld.json") << configuration.dump(2);
    start();
}

DaemonSite::~DaemonSite() {
    kill();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

bool DaemonSite::small_folder_possible() {
    return run_shell("unshare -rm mount -t tmpfs none /mnt 2>&1").status == 0;
}

void DaemonSite::start() {
    const std::string configuration = folder_ + "/vtld.json";
    const std::string log = folder_ + "/vtld.log";
    // Only vtld sees the small file system: it ends with it.
    const std::string mounted =
        "mount -t tmpfs -o size=" + wanted_.small_size + " none " + folder_ + "/" +
        wanted_.small_folder + " && exec " VTLD_PROGRAM " --config " + configuration + " 2>>" + log;
    const std::string plain = "exec " VTLD_PROGRAM " --config " + configuration + " 2>>" + log;
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        if (wanted_.small_folder.empty()) {
            ::execlp("sh", "sh", "-c", plain.c_str(), nullptr);
        } else {
            ::execlp("unshare", "unshare", "-rm", "sh", "-c", mounted.c_str(), nullptr);
        }
        ::_exit(127);
    }
    INFO(good("cat vtld.log 2>/dev/null || true"));
    REQUIRE(becomes([this] { return run("$LRACTL status show").status == 0; }));
}

void DaemonSite::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

std::string DaemonSite::lractl_words() const {
    return LRACTL_PROGRAM " --socket " + folder_ + "/control.sock";
}

ProgramRun DaemonSite::run(const std::string& command) const {
    return run_shell("cd " + folder_ + " && export VTL_RMT=unix:" + folder_ +
                     "/rmt.sock RSH=" VTL_RSH_PROGRAM " RMT=rmt LC_ALL=C LRACTL=\"" +
                     lractl_words() + "\" && timeout 100 sh -c '" + command + "' 2>&1");
}

std::string DaemonSite::good(const std::string& command) const {
    const auto result = run(command);
    INFO(command << "\n" << result.output);
    CHECK(result.status == 0);
    return result.output;
}

json DaemonSite::lractl(const std::string& words) const {
    const auto result = run("$LRACTL --json " + words);
    INFO(words << "\n" << result.output);
    REQUIRE(result.status == 0);
    return json::parse(result.output);
}

json DaemonSite::write_session(int identifier) const {
    return lractl("session write " + std::to_string(identifier));
}

bool DaemonSite::becomes(const std::function<bool()>& condition) const {
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > latest) return false;
        std::this_thread::sleep_for(look_again);
    }
    return true;
}

std::string DaemonSite::portal() const {
    return lractl("library status")["iscsi"]["address"];
}

std::string DaemonSite::target(const std::string& serial) const {
    return lractl("drive show " + serial)["target"];
}

}  // namespace library_test
