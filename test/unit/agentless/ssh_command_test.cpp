#include "agent/agentless/ssh_command.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;

namespace {

runtime::SshConfiguration backup3() {
    runtime::SshConfiguration ssh;
    ssh.host = "backup3";
    ssh.port = 2222;
    ssh.user = "lra";
    ssh.key_file = "/etc/lra/keys/backup3";
    ssh.known_hosts_file = "/etc/lra/known_hosts";
    return ssh;
}

bool has_option(const std::vector<std::string>& argv, const std::string& option) {
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] == "-o" && argv[i + 1] == option) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("nothing but the configuration decides what ssh does") {
    const auto argv = ssh_argv(backup3(), "/var/lib/lra/ssh/c-1");
    CHECK(std::vector(argv.begin(), argv.begin() + 3) ==
          std::vector<std::string>{"ssh", "-F", "none"});
    for (const char* option :
         {"BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes",
          "GlobalKnownHostsFile=none", "UpdateHostKeys=no", "ForwardAgent=no", "ForwardX11=no",
          "ClearAllForwardings=yes", "PermitLocalCommand=no", "RequestTTY=no",
          "PasswordAuthentication=no", "IdentityFile=/etc/lra/keys/backup3",
          "UserKnownHostsFile=/etc/lra/known_hosts", "ConnectTimeout=5", "ControlMaster=auto",
          "ControlPath=/var/lib/lra/ssh/c-1", "ControlPersist=300"}) {
        INFO(option);
        CHECK(has_option(argv, option));
    }
    const auto end = std::find(argv.begin(), argv.end(), "--");
    REQUIRE(end != argv.end());
    CHECK(std::vector(end, argv.end()) == std::vector<std::string>{"--", "backup3"});
    const auto command = ssh_command(backup3(), "", "true", {1'000});
    CHECK(command.argv.back() == "true");
    CHECK(std::none_of(command.environment.begin(), command.environment.end(),
                       [](const auto& one) { return one.rfind("SSH_AUTH_SOCK", 0) == 0; }));
    CHECK(has_option(command.argv, "ControlMaster=no"));
}

TEST_CASE("a kept connection is named after everything that makes it, within a socket's length") {
    const auto path = control_path_in("/var/lib/lra/ssh", backup3());
    CHECK(path.rfind("/var/lib/lra/ssh/c-", 0) == 0);
    auto other_key = backup3();
    other_key.key_file += "2";
    CHECK(control_path_in("/var/lib/lra/ssh", other_key) != path);
    CHECK(control_path_in("/var/lib/" + std::string(80, 'x'), backup3()).empty());
    CHECK(control_path_in("/var/lib/a b", backup3()).empty());
    CHECK(control_path_in("/var/lib/%h", backup3()).empty());
}

TEST_CASE("a key that others may read is refused, and a missing known_hosts file says what helps") {
    const auto folder =
        std::filesystem::temp_directory_path() / ("agentless-files-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    auto ssh = backup3();
    ssh.key_file = folder / "key";
    ssh.known_hosts_file = folder / "known_hosts";
    std::ofstream(ssh.key_file) << "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    ::chmod(ssh.key_file.c_str(), 0644);
    using Catch::Matchers::Contains;
    CHECK_THAT(local_files_will_do(ssh).error().message, Contains("chmod 600"));
    ::chmod(ssh.key_file.c_str(), 0600);
    CHECK_THAT(local_files_will_do(ssh).error().message, Contains("ssh-keyscan -p 2222 backup3"));
    std::ofstream(ssh.known_hosts_file) << "";
    CHECK(local_files_will_do(ssh).ok());
    std::filesystem::remove_all(folder);
}
