#include "test/integration/vtld/vtld_process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/runtime/control_client.hpp"
#include "test/support/catch.hpp"

namespace vtld_test {

using namespace std::chrono_literals;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlClient;
using agent::runtime::ControlError;

namespace {

constexpr agent::core::Duration call_timeout{10'000};
constexpr auto patience = 10s;
constexpr auto look_again = 5ms;

}  // namespace

VtldProcess::VtldProcess(const json& iscsi, const json& more) {
    std::string pattern =
        std::filesystem::temp_directory_path() / ("vtld-test-" + std::string(6, 'X'));
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    socket_ = folder_ + "/vtld.sock";
    configuration_file_ = folder_ + "/vtld.json";
    json configuration = {
        {"drives", {{{"serial", "VT00000001"}}, {{"serial", "VT00000002"}}}},
        {"iscsi", {{"listen", "127.0.0.1:0"}, {"target_prefix", "iqn.2026-01.example.test"}}},
        {"control", {{"socket", socket_}}},
        {"metrics", {{"listen", "off"}}},
        {"state_dir", folder_ + "/state"},
        {"virtual_ports", {{"host1", "fc:2100000e1e09a1b0"}}}};
    configuration["iscsi"].update(iscsi);
    configuration.update(more);
    std::ofstream(configuration_file_) << configuration.dump(2);
    start();
}

VtldProcess::~VtldProcess() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void VtldProcess::start() {
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        const int log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (log >= 0) ::dup2(log, STDERR_FILENO);
        ::execl(VTLD_PROGRAM, VTLD_PROGRAM, "--config", configuration_file_.c_str(), nullptr);
        ::_exit(127);
    }
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < latest) {
        if (ControlClient::connect(socket_, call_timeout)) return;
        std::this_thread::sleep_for(look_again);
    }
    FAIL("vtld did not start");
}

void VtldProcess::signal(int number) const {
    REQUIRE(::kill(pid_, number) == 0);
}

int VtldProcess::stop() {
    signal(SIGTERM);
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void VtldProcess::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

ControlAnswer VtldProcess::ask(const std::string& method, const json& params) const {
    auto client = ControlClient::connect(socket_, call_timeout);
    REQUIRE(client);
    return client.value().call(method, params, call_timeout);
}

std::string VtldProcess::log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
}

json VtldProcess::call(const std::string& method, const json& params) const {
    auto answer = ask(method, params);
    if (const auto* error = std::get_if<ControlError>(&answer))
        FAIL(method + ": " + error->message);
    return std::get<json>(answer);
}

std::string VtldProcess::portal() const {
    return call("library.status")["iscsi"]["address"];
}

int VtldProcess::port() const {
    return call("library.status")["iscsi"]["port"];
}

std::string VtldProcess::target(const std::string& serial) const {
    return call("drive.show", {{"serial", serial}})["target"];
}

std::string VtldProcess::reservation_state(const std::string& serial) const {
    return call("drive.show", {{"serial", serial}})["reservation"]["state"];
}

bool VtldProcess::becomes(const std::string& serial, const std::string& state) const {
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < latest) {
        if (reservation_state(serial) == state) return true;
        std::this_thread::sleep_for(look_again);
    }
    return false;
}

ProgramRun run_program(const std::string& command_line) {
    ProgramRun run;
    FILE* pipe = ::popen((command_line + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    char buffer[4096];
    while (const auto size = std::fread(buffer, 1, sizeof buffer, pipe))
        run.output.append(buffer, size);
    const int status = ::pclose(pipe);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return run;
}

}  // namespace vtld_test
