#include "scene.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "agent/host/application_profile.hpp"
#include "agent/host/command_runner.hpp"
#include "agent/runtime/control_client.hpp"

namespace test_dsad {

using nlohmann::json;

namespace {

constexpr const char* sample = LRA_BIN_DIR "/sample-backup-application";

void write_key(const std::string& path, const std::string& passphrase) {
    std::ofstream(path) << "passphrase " << passphrase << "\n";
    ::chmod(path.c_str(), 0600);
}

}  // namespace

std::string make_folder(const std::string& what) {
    std::string name = "/tmp/lra-dsad-test-" + what + "-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder below /tmp");
    return name;
}

agent::host::CommandOutcome run_program(std::vector<std::string> argv) {
    asio::io_context loop;
    agent::host::CommandRunner runner(loop);
    agent::host::CommandOutcome ended;
    runner.run({std::move(argv), agent::host::default_environment()},
               [&](agent::host::CommandOutcome outcome) { ended = std::move(outcome); });
    loop.run_for(patience * 2);
    return ended;
}

Scene::Scene() {
    static int number = 0;
    agent_ = "host-" + std::to_string(++number);
    folder_ = make_folder(agent_);
    user_.name = agent_;
    user_.authentication_key_file = folder_ + "/auth";
    user_.privacy_key_file = folder_ + "/priv";
    write_key(user_.authentication_key_file, "authentication of " + agent_);
    write_key(user_.privacy_key_file, "privacy of " + agent_);
    application({"drive", "add", "LTO 1"});
    const std::string state = folder_ + "/application.json";
    configuration = {
        {"agent",
         {{"name", agent_},
          {"state_dir", folder_ + "/state"},
          {"domain", "ours"},
          {"stop_timeout_ms", 3000}}},
        {"control", {{"socket", folder_ + "/dsad.sock"}}},
        {"metrics", {{"listen", "off"}}},
        {"controllers",
         {{{"name", "lra"},
           {"address", "udp:127.0.0.1:" + std::to_string(Controller::instance().port())},
           {"user", agent_}}}},
        {"drives", {{{"serial", serial}, {"application_name", "LTO 1"}}}},
        {"ports", {"iscsi:" + std::string(own_port)}},
        {"application",
         {{"observe_only", false},
          {"timeout_ms", 10000},
          {"offline", {sample, "--state", state, "drive", "offline", "{drive}"}},
          {"online", {sample, "--state", state, "drive", "online", "{drive}"}},
          {"query", {sample, "--state", state, "drive", "status", "{drive}"}},
          {"states",
           {{"online", {"^drive {drive} is online$"}},
            {"offline", {"^drive {drive} is offline$"}},
            {"draining", {"^drive {drive} is draining"}}}}}},
        {"snmp",
         {{"listen", "udp:127.0.0.1:0"},
          {"users",
           {{{"name", agent_},
             {"auth", {{"key_file", "auth"}}},
             {"priv", {{"key_file", "priv"}}}}}}}}};
}

Scene::~Scene() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        wait_for_end();
    }
    std::filesystem::remove_all(folder_);
}

void Scene::write_configuration() const {
    std::ofstream(configuration_file()) << configuration.dump(2) << "\n";
}

void Scene::start() {
    write_configuration();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, (folder_ + "/log").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    std::string program = LRA_BIN_DIR "/dsad";
    std::string option = "--config";
    std::string file = configuration_file();
    char* argv[] = {program.data(), option.data(), file.data(), nullptr};
    const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("can not start " + program);

    // It can be asked as soon as its control socket is there.
    const auto until = std::chrono::steady_clock::now() + patience;
    json status;
    while (status.is_null()) {
        if (std::chrono::steady_clock::now() >= until)
            throw std::runtime_error("dsad does not start: " + log());
        const auto answered = ask("agent.show");
        if (const auto* found = std::get_if<json>(&answered)) status = *found;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto& controller = Controller::instance();
    controller.talk_to(agent_, status["listen_port"].get<std::uint16_t>(), user_);
    if (!controller.says_started(agent_))
        throw std::runtime_error("dsad does not say it has started: " + log());
}

void Scene::signal(int number) const {
    ::kill(pid_, number);
}

int Scene::wait_for_end() {
    return wait_for_end_while([] { Controller::instance().run_for(std::chrono::milliseconds(5)); });
}

int Scene::wait_for_end_without_controller() {
    return wait_for_end_while([] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
}

int Scene::wait_for_end_while(void (*meanwhile)()) {
    const auto until = std::chrono::steady_clock::now() + patience;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() >= until) ::kill(pid_, SIGKILL);
        meanwhile();
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

agent::runtime::ControlAnswer Scene::ask(const std::string& method, const json& params) {
    auto client = agent::runtime::ControlClient::connect(folder_ + "/dsad.sock", {1'000});
    if (!client) {
        return agent::runtime::ControlError{agent::runtime::ControlErrorCode::no_connection,
                                            client.error().message};
    }
    return client.value().call(method, params, {20'000});
}

json Scene::answer(const std::string& method, const json& params) {
    auto answered = ask(method, params);
    if (const auto* error = std::get_if<agent::runtime::ControlError>(&answered)) {
        throw std::runtime_error(method + ": " + error->message);
    }
    return std::get<json>(answered);
}

agent::host::CommandOutcome Scene::application(std::vector<std::string> words) const {
    std::vector<std::string> argv{sample, "--state", folder_ + "/application.json"};
    argv.insert(argv.end(), words.begin(), words.end());
    return run_program(std::move(argv));
}

std::string Scene::drive_state() const {
    return application({"drive", "status", "LTO 1"}).output;
}

std::string Scene::history() const {
    return application({"history"}).output;
}

std::string Scene::log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace test_dsad
