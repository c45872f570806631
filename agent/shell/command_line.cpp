#include "agent/shell/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <optional>

#include "agent/shell/argument_value.hpp"
#include "agent/shell/command_manual.hpp"
#include "agent/shell/command_reference.hpp"
#include "agent/shell/shell_completion.hpp"

namespace agent::shell {
namespace {

constexpr double timeout_s_max = 600;

// A parameter of one command and what the command line says for it.
struct Slot {
    const Parameter* parameter = nullptr;
    const CLI::Option* option = nullptr;
    std::string text;
    bool flag = false;
};

struct Verb {
    const Command* command = nullptr;
    const CLI::App* app = nullptr;
    std::deque<Slot> slots;  // deque: CLI11 keeps pointers to the texts
};

// The command table as a CLI11 parser.
class Parser {
  public:
    Parser(GlobalOptions defaults, WordSource source) : options_(std::move(defaults)) {
        app_.require_subcommand(0, 1);
        app_.add_option("--socket", options_.socket);
        app_.add_flag("--json", options_.json);
        timeout_option_ = app_.add_option("--timeout", timeout_s_);
        if (source == WordSource::program_arguments) {
            app_.add_option("-f,--file", file_);
            app_.add_flag("--version", version_);
            app_.add_flag("--print-manual", manual_);
            app_.add_option("--completion", completion_)->check(CLI::IsMember({"bash", "zsh"}));
            complete_option_ = app_.add_option("--complete", line_to_complete_);
        }
        help_ = app_.add_subcommand("help");
        help_->add_option("topic", topic_)->expected(0, 2);
        for (const Noun& noun : nouns())
            add_noun(noun);
    }

    CommandLine parse(std::vector<std::string> words, core::WallTime now) {
        std::ranges::reverse(words);  // as CLI11 wants them
        try {
            app_.parse(words);
        } catch (const CLI::CallForHelp&) {
            return help_asked();
        } catch (const CLI::ParseError& error) {
            return misuse(error);
        }
        if (version_) return TextWanted{"lractl " LRA_VERSION "\n"};
        if (manual_) return TextWanted{command_manual()};
        if (!completion_.empty()) return TextWanted{completion_script(completion_)};
        if (complete_option_ != nullptr && complete_option_->count() != 0)
            return CompletionWanted{line_to_complete_, options_};
        if (help_->parsed()) return help_on(topic_);
        if (auto wrong = wrong_with_timeout()) return UsageError{*wrong};
        const Verb* verb = parsed_verb();
        if (!file_.empty()) {
            if (verb != nullptr) return UsageError{"-f FILE and a command exclude each other"};
            return ScriptWanted{file_, options_};
        }
        if (verb == nullptr) return ShellWanted{options_};
        return request_of(*verb, now);
    }

  private:
    void add_noun(const Noun& noun) {
        CLI::App* app = app_.add_subcommand(std::string{noun.name});
        app->fallthrough();
        app->require_subcommand(1, 1);
        for (const Command& command : commands()) {
            if (command.noun == noun.name) add_verb(*app, command);
        }
    }

    void add_verb(CLI::App& noun, const Command& command) {
        CLI::App* app = noun.add_subcommand(std::string{command.verb});
        app->fallthrough();
        Verb& verb = verbs_.emplace_back(Verb{&command, app, {}});
        for (const Parameter& positional : command.positionals) {
            if (!positional.name.empty()) {
                add_slot(*app, verb, positional, std::string{positional.placeholder});
            }
        }
        for (const Parameter& option : command.options) {
            if (!option.name.empty()) add_slot(*app, verb, option, option_of(option));
        }
    }

    static void add_slot(CLI::App& app, Verb& verb, const Parameter& parameter,
                         const std::string& written) {
        Slot& slot = verb.slots.emplace_back(Slot{&parameter, nullptr, {}, false});
        CLI::Option* option = parameter.kind == ValueKind::flag
                                  ? app.add_flag(written, slot.flag)
                                  : app.add_option(written, slot.text);
        option->required(parameter.presence == Presence::required);
        slot.option = option;
    }

    [[nodiscard]] const Verb* parsed_verb() const {
        const auto found =
            std::ranges::find_if(verbs_, [](const Verb& verb) { return verb.app->parsed(); });
        return found == verbs_.end() ? nullptr : &*found;
    }

    [[nodiscard]] std::string parsed_noun() const {
        const auto parsed = app_.get_subcommands();
        return parsed.empty() ? "" : parsed.front()->get_name();
    }

    [[nodiscard]] CommandLine help_asked() const {
        if (const Verb* verb = parsed_verb()) return TextWanted{help_of(*verb->command)};
        return help_on({parsed_noun()});
    }

    static CommandLine help_on(const std::vector<std::string>& topic) {
        const std::string noun = topic.empty() ? "" : topic[0];
        if (noun.empty()) return TextWanted{help_text()};
        if (find_noun(noun) == nullptr) return no_such_noun(noun);
        if (topic.size() < 2) return TextWanted{help_of(*find_noun(noun))};
        const Command* command = find_command(noun, topic[1]);
        if (command == nullptr) return no_such_verb(noun, topic[1]);
        return TextWanted{help_of(*command)};
    }

    static UsageError no_such_noun(const std::string& word) {
        return {"there is no noun '" + word + "'\n" + noun_summary()};
    }

    static UsageError no_such_verb(const std::string& noun, const std::string& word) {
        return {noun + " has no verb '" + word + "'\n" + verb_summary(noun)};
    }

    // CLI11 knows what is wrong; the command table knows what would be right.
    [[nodiscard]] UsageError misuse(const CLI::ParseError& error) const {
        const std::string noun = parsed_noun();
        const std::vector<std::string> unknown = app_.remaining(true);
        if (const Verb* verb = parsed_verb()) {
            const std::string name =
                std::string{verb->command->noun} + " " + std::string{verb->command->verb};
            return {name + ": " + error.what() + "\nusage: lractl " + usage_of(*verb->command) +
                    "\nexample: lractl " + std::string{verb->command->example}};
        }
        const bool option = !unknown.empty() && unknown.front().starts_with("-");
        if (!noun.empty() && find_noun(noun) != nullptr && !option) {
            if (!unknown.empty()) return no_such_verb(noun, unknown.front());
            return {noun + " needs a verb\n" + verb_summary(noun)};
        }
        if (!unknown.empty() && !option) return no_such_noun(unknown.front());
        return {std::string{error.what()} + "\nsee: lractl --help"};
    }

    [[nodiscard]] std::optional<std::string> wrong_with_timeout() {
        if (timeout_option_->count() == 0) return std::nullopt;
        if (!(timeout_s_ >= 0.001 && timeout_s_ <= timeout_s_max)) {
            return "--timeout takes seconds, 0.001 to 600";
        }
        options_.timeout = {static_cast<std::int64_t>(timeout_s_ * 1000)};
        return std::nullopt;
    }

    [[nodiscard]] CommandLine request_of(const Verb& verb, core::WallTime now) const {
        Request request{verb.command, {}, options_};
        for (const Slot& slot : verb.slots) {
            if (slot.option->count() == 0) continue;
            auto value = slot.parameter->kind == ValueKind::flag
                             ? core::Result<ArgumentValue>{slot.flag}
                             : argument_value(*slot.parameter, slot.text, now);
            if (!value) {
                return UsageError{std::string{verb.command->noun} + " " +
                                  std::string{verb.command->verb} + ": " + value.error().message +
                                  "\nexample: lractl " + std::string{verb.command->example}};
            }
            request.arguments.push_back({slot.parameter->name, std::move(value.value())});
        }
        return request;
    }

    GlobalOptions options_;
    double timeout_s_ = 0;
    std::string file_;
    bool version_ = false;
    bool manual_ = false;
    std::string completion_;
    std::string line_to_complete_;
    const CLI::Option* complete_option_ = nullptr;  // of a program's arguments only
    std::vector<std::string> topic_;
    std::deque<Verb> verbs_;
    CLI::App app_{"", "lractl"};
    CLI::App* help_ = nullptr;
    const CLI::Option* timeout_option_ = nullptr;
};

// What is done most has words of its own: `mount VOLUME` is `volume mount VOLUME`.
std::vector<std::string> with_short_verbs_spelt_out(std::vector<std::string> words) {
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word == "--socket" || word == "--timeout" || word == "-f" || word == "--file") ++at;
        if (word.starts_with("-")) continue;
        if (word == "mount" || word == "unmount")
            words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), "volume");
        break;
    }
    return words;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& words, const GlobalOptions& defaults,
                               WordSource source, core::WallTime now) {
    return Parser{defaults, source}.parse(with_short_verbs_spelt_out(words), now);
}

}  // namespace agent::shell
