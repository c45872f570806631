#include "agent/agentless/ssh_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/configuration.hpp"

namespace agent::agentless {

namespace {

// A Unix socket's name holds 107 bytes, and ssh binds one with 17 more before it gives it the name.
constexpr std::size_t control_path_bytes_max = 107 - 17;

// For the way there and back, and for the far side's own end of a command that hangs.
constexpr core::Duration way_and_back{5'000};

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

std::string hexadecimal(std::uint64_t number) {
    std::string text(16, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
        *digit = "0123456789abcdef"[number & 15U];
        number >>= 4U;
    }
    return text;
}

std::int64_t whole_seconds(core::Duration time) {
    return std::max<std::int64_t>(1, (time.ms + 999) / 1'000);
}

// No SSH_AUTH_SOCK, no DISPLAY, nobody's locale.
std::vector<std::string> ssh_environment() {
    return {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
}

}  // namespace

std::string control_path_in(const std::string& folder, const runtime::SshConfiguration& ssh) {
    const std::string identity = ssh.host + '\n' + std::to_string(ssh.port) + '\n' + ssh.user +
                                 '\n' + ssh.key_file + '\n' + ssh.known_hosts_file;
    std::string path = folder + "/c-" + hexadecimal(fnv1a(identity));
    const bool usable =
        path.size() <= control_path_bytes_max && runtime::unusable_in_ssh_path(path).empty();
    return usable ? path : std::string();
}

std::vector<std::string> ssh_argv(const runtime::SshConfiguration& ssh,
                                  const std::string& control_path) {
    std::vector<std::string> argv{"ssh", "-F", "none"};
    const auto option = [&argv](const std::string& text) {
        argv.emplace_back("-o");
        argv.push_back(text);
    };
    for (const char* text : {"BatchMode=yes",
                             "IdentitiesOnly=yes",
                             "IdentityAgent=none",
                             "PKCS11Provider=none",
                             "PreferredAuthentications=publickey",
                             "PasswordAuthentication=no",
                             "KbdInteractiveAuthentication=no",
                             "GSSAPIAuthentication=no",
                             "HostbasedAuthentication=no",
                             "NumberOfPasswordPrompts=0",
                             "StrictHostKeyChecking=yes",
                             "GlobalKnownHostsFile=none",
                             "UpdateHostKeys=no",
                             "VerifyHostKeyDNS=no",
                             "CheckHostIP=no",
                             "CanonicalizeHostname=no",
                             "ForwardAgent=no",
                             "ForwardX11=no",
                             "ClearAllForwardings=yes",
                             "Tunnel=no",
                             "PermitLocalCommand=no",
                             "ProxyCommand=none",
                             "AddKeysToAgent=no",
                             "RequestTTY=no",
                             "EscapeChar=none",
                             "ServerAliveInterval=5",
                             "ServerAliveCountMax=3",
                             "LogLevel=ERROR"}) {
        option(text);
    }
    option("IdentityFile=" + ssh.key_file);
    option("UserKnownHostsFile=" + ssh.known_hosts_file);
    option("ConnectTimeout=" + std::to_string(whole_seconds(ssh.connect_timeout)));
    if (control_path.empty() || ssh.control_persist.ms == 0) {
        option("ControlMaster=no");
        option("ControlPath=none");
    } else {
        option("ControlMaster=auto");
        option("ControlPath=" + control_path);
        option("ControlPersist=" + std::to_string(whole_seconds(ssh.control_persist)));
    }
    for (const std::string& word :
         {std::string("-l"), ssh.user, std::string("-p"), std::to_string(ssh.port)})
        argv.push_back(word);
    argv.emplace_back("--");
    argv.push_back(ssh.host);
    return argv;
}

host::Command ssh_command(const runtime::SshConfiguration& ssh, const std::string& control_path,
                          const std::string& remote_line, core::Duration limit) {
    host::Command command;
    command.argv = ssh_argv(ssh, control_path);
    command.argv.push_back(remote_line);
    command.environment = ssh_environment();
    command.timeout = {limit.ms + 2 * ssh.connect_timeout.ms + way_and_back.ms};
    return command;
}

host::Command ssh_close_command(const runtime::SshConfiguration& ssh,
                                const std::string& control_path) {
    host::Command command;
    command.argv = {"ssh",   "-F", "none",   "-o", "ControlPath=" + control_path, "-O",
                    "exit",  "-l", ssh.user, "-p", std::to_string(ssh.port),      "--",
                    ssh.host};
    command.environment = ssh_environment();
    command.timeout = {1'000};
    command.kill_grace = {200};
    return command;
}

core::Outcome local_files_will_do(const runtime::SshConfiguration& ssh) {
    // A private key file has the same duties as a secret of SNMP, and a first line that fits.
    if (const auto key = runtime::read_key_file(ssh.key_file); !key) return key.error();
    if (::access(ssh.known_hosts_file.c_str(), R_OK) != 0) {
        return core::Error{"known_hosts_file " + ssh.known_hosts_file + ": " +
                           core::errno_text(errno) + "; `ssh-keyscan -p " +
                           std::to_string(ssh.port) + " " + ssh.host +
                           "` prints the host's key, to be checked on the host"};
    }
    return core::Nothing{};
}

}  // namespace agent::agentless
