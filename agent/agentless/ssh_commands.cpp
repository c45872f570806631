#include "agent/agentless/ssh_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/agentless/shell_words.hpp"
#include "agent/agentless/ssh_command.hpp"
#include "agent/host/program_call.hpp"

namespace agent::agentless {

namespace {

std::uint64_t unguessable_number() {
    std::random_device device;
    const std::uint64_t high = device();
    return (high << 32U) ^ device();
}

bool holds_a_secret(const std::string& text, const std::vector<std::string>& secrets) {
    return std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) {
        return !secret.empty() && text.find(secret) != std::string::npos;
    });
}

// Line feeds, the status, and that the limit struck.
constexpr std::size_t marker_line_extra = 32;

std::int64_t seconds_of(core::Duration limit) {
    return std::max<std::int64_t>(1, (limit.ms + 999) / 1'000);
}

}  // namespace

struct SshCommands::Call {
    host::Command command;
    Done done;
    std::string marker;
};

SshCommands::SshCommands(asio::io_context& loop, runtime::SshConfiguration ssh,
                         std::string control_path, SshSlots& slots, Heard heard, MayRun may_run)
    : loop_(loop),
      ssh_(std::move(ssh)),
      control_path_(std::move(control_path)),
      slots_(slots),
      heard_(std::move(heard)),
      may_run_(std::move(may_run)),
      markers_(unguessable_number()),
      clients_(loop) {}

SshCommands::~SshCommands() = default;

void SshCommands::run(host::Command command, Done done) {
    auto call = std::make_shared<Call>();  // shared with the callbacks to come
    call->command = std::move(command);
    call->done = std::move(done);
    call->marker = "lra-end-" + std::to_string(++markers_);
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_), call] {
        if (!alive.expired()) begin(call);
    });
}

void SshCommands::begin(const std::shared_ptr<Call>& call) {
    using State = core::HostContact::State;
    const auto refuse = [&](State state, const std::string& why) {
        SshAnswer answer;
        answer.contact = state;
        answer.words = why;
        answer.outcome.why = "over ssh: " + why;
        finish(call, std::move(answer));
    };
    if (const auto files = local_files_will_do(ssh_); !files)
        return refuse(State::login_refused, files.error().message);
    auto client = wrapped(call->command, call->marker);
    if (!client) return refuse(State::not_understood, client.error().message);
    const core::Duration limit = call->command.timeout;
    const auto run = [this, call, limit,
                      command = std::move(client).value()](std::shared_ptr<SshSlots::Slot> slot) {
        if (may_run_ && !may_run_()) {
            slot.reset();
            host::CommandOutcome outcome;
            outcome.why = "this controller does not serve the library at this moment";
            return call->done(std::move(outcome));
        }
        // clients_ calls nobody back once it is gone, so `this` is there.
        clients_.run(command, [this, call, limit, slot](host::CommandOutcome outcome) mutable {
            slot.reset();
            finish(call, read_ssh_answer(std::move(outcome), call->marker, limit));
        });
    };
    const bool entered = slots_.enter(alive_, ssh_.host + ":" + std::to_string(ssh_.port), run);
    if (!entered) refuse(State::unreachable, "too many commands wait for their turn already");
}

void SshCommands::finish(const std::shared_ptr<Call>& call, SshAnswer answer) {
    // Killed from this side: perhaps it is the kept connection that hangs. The next command makes
    // one of its own; the old one ends by itself.
    if (answer.contact == core::HostContact::State::command_hung && !answer.told_by_far_side &&
        !control_path_.empty())
        ::unlink(control_path_.c_str());
    answer.only_asked = call->command.only_asks;
    answer.words = host::without_secrets(std::move(answer.words), call->command.secrets);
    answer.outcome.why =
        host::without_secrets(std::move(answer.outcome.why), call->command.secrets);
    const std::weak_ptr<int> alive = alive_;
    heard_(answer);
    if (!alive.expired()) call->done(std::move(answer.outcome));
}

core::Result<host::Command> SshCommands::wrapped(const host::Command& command,
                                                 const std::string& marker) const {
    RemoteWrapping wrapping{marker, seconds_of(command.timeout), {}, 0};
    std::string hidden;
    for (const auto& variable : command.environment) {
        if (!holds_a_secret(variable, command.secrets)) {
            wrapping.environment.push_back(variable);
            continue;
        }
        if (variable.find('\n') != std::string::npos)
            return core::Error{"a secret of the application has a line feed"};
        hidden += variable + '\n';
        ++wrapping.variables_on_input;
    }
    const bool windows = ssh_.shell == runtime::RemoteShell::powershell;
    const bool secrets =
        wrapping.variables_on_input > 0 || holds_a_secret(command.input, command.secrets);
    if (windows && secrets)
        return core::Error{"secrets in the environment or input do not reach a PowerShell host"};
    const auto line = windows ? remote_line_for_powershell(command.argv, command.input, wrapping)
                              : remote_line_for_sh(command.argv, wrapping);
    if (!line) return line.error();
    host::Command client = ssh_command(ssh_, control_path_, *line, command.timeout);
    if (!windows) client.input = hidden + command.input;
    client.secrets = command.secrets;
    client.output_max = command.output_max;
    client.output_tail_max = marker.size() + marker_line_extra;
    return client;
}

}  // namespace agent::agentless
