#include "agent/shell/interactive_shell.hpp"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "agent/runtime/clock.hpp"
#include "agent/shell/command_words.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/daemon_names.hpp"
#include "agent/shell/interruption.hpp"
#include "agent/shell/line_editor.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using runtime::ExitCode;

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view shell_help =
    "\nin this shell also:\n"
    "  use DAEMON|SOCKET  talk to lrad, dsad, vtld or the socket of that path\n"
    "  quit               as Ctrl-D; Ctrl-C forgets the line or ends event follow\n"
    "  Tab completes nouns, verbs, serials and agents\n";

Daemon daemon_named(std::string_view name) {
    for (const Daemon daemon : {Daemon::lrad, Daemon::dsad, Daemon::vtld}) {
        if (to_text(daemon) == name) return daemon;
    }
    return Daemon::none;
}

Daemon daemon_on_this_host() {
    for (const Daemon daemon : {Daemon::lrad, Daemon::dsad, Daemon::vtld}) {
        if (::access(default_socket(daemon).c_str(), F_OK) == 0) return daemon;
    }
    return Daemon::lrad;
}

class Shell {
  public:
    Shell(const GlobalOptions& options, const Output& output)
        : options_(options), output_(output), daemon_(daemon_on_this_host()) {}

    [[nodiscard]] std::string prompt() const {
        const std::string name = options_.socket.empty()
                                     ? std::string{to_text(daemon_)}
                                     : std::filesystem::path{options_.socket}.stem().string();
        return printable(name) + "> ";
    }

    // false: the session is over.
    bool run(const std::string& line) {
        const auto words = command_words(line);
        if (!words) {
            note(report_usage({words.error().message}, options_.json, output_));
        } else if (!words->empty()) {
            const std::string& first = words->front();
            if (first == "quit" || first == "exit") return false;
            first == "use" ? use(*words) : run_command(*words);
        }
        std::fflush(output_.results);
        return true;
    }

    [[nodiscard]] Words names(ValueKind kind) const {
        return names_at_once(kind, options_, daemon_);
    }

    [[nodiscard]] ExitCode last_failure() const { return last_failure_; }

  private:
    void note(ExitCode code) {
        if (code != ExitCode::ok) last_failure_ = code;
    }

    void use(const Words& words) {
        const std::string target = words.size() == 2 ? words[1] : "";
        const Daemon daemon = daemon_named(target);
        if (daemon == Daemon::none && target.find('/') == std::string::npos) {
            note(report_usage({"use takes lrad, dsad, vtld, or the path of a control socket"},
                              options_.json, output_));
            return;
        }
        options_.socket = daemon == Daemon::none ? target : "";
        if (daemon != Daemon::none) daemon_ = daemon;
    }

    void run_command(const Words& words) {
        const CommandLine line =
            parse_command_line(words, options_, WordSource::line, runtime::clock_now().wall);
        if (const auto* request = std::get_if<Request>(&line)) {
            note(run_request(*request, daemon_, output_));
        } else if (const auto* text = std::get_if<TextWanted>(&line)) {
            print(output_.results, text->text);
            if (words.size() == 1) print(output_.results, shell_help);
        } else if (const auto* error = std::get_if<UsageError>(&line)) {
            note(report_usage(*error, options_.json, output_));
        } else if (const auto* wanted = std::get_if<ShellWanted>(&line)) {
            options_ = wanted->options;  // only global options: they hold from here on
        }
    }

    GlobalOptions options_;
    Output output_;
    Daemon daemon_;
    ExitCode last_failure_ = ExitCode::ok;
};

void run_at_terminal(Shell& shell, const Output& output) {
    const InterruptionGuard guard;
    LineEditor editor(history_file(), [&shell](std::string_view line) {
        return complete(line, [&shell](ValueKind kind) { return shell.names(kind); });
    });
    print(output.results, "lractl " LRA_VERSION "; help lists the commands, quit ends\n");
    while (true) {
        std::fflush(output.results);
        const LineEditor::Line line = editor.read(shell.prompt());
        if (line.kind == LineEditor::Line::Kind::cancelled) continue;
        if (line.kind == LineEditor::Line::Kind::ended) {
            if (InterruptionGuard::interrupted()) {
                InterruptionGuard::forget();
                continue;
            }
            print(output.results, "\n");
            return;
        }
        if (line.text.find_first_not_of(" \t") != std::string::npos) editor.remember(line.text);
        if (!shell.run(line.text)) return;
        InterruptionGuard::forget();
    }
}

}  // namespace

ExitCode run_shell(const GlobalOptions& options, const Output& output) {
    Shell shell(options, output);
    if (::isatty(STDIN_FILENO) != 0) {
        run_at_terminal(shell, output);
    } else {
        std::string line;
        while (std::getline(std::cin, line) && shell.run(line))
            continue;
    }
    return shell.last_failure();
}

}  // namespace agent::shell
