// lra-pair-explore [--question NAME] [--depth N] [--states N] [--threads N] [--bug NAME]
// [--to-the-end]
// --to-the-end: only questions whose every order was seen, and again all of them.
// Exit status: 0 nothing is wrong, 1 a promise can be broken (the way to it follows), or the end
// was not reached, 2 usage.

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "test/sim/pair/explorations.hpp"

using namespace pair_sim;

namespace {

struct Wanted {
    Bounds bounds{60, 20'000'000, std::max(1U, std::thread::hardware_concurrency())};
    Bug bug = Bug::none;
    std::string_view question;  // empty: all of them
    bool to_the_end = false;
};

bool read_number(std::string_view text, std::size_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && number > 0;
}

bool read_bug(std::string_view text, Bug& bug) {
    const auto planted =
        std::find_if(std::begin(planted_bugs), std::end(planted_bugs),
                     [text](const Bug candidate) { return to_text(candidate) == text; });
    if (planted == std::end(planted_bugs)) return false;
    bug = *planted;
    return true;
}

bool is_asked(std::string_view name) {
    const auto all = questions();
    return std::any_of(all.begin(), all.end(),
                       [name](const Question& question) { return question.name == name; });
}

std::optional<Wanted> read_arguments(const std::vector<std::string_view>& words) {
    Wanted wanted;
    for (std::size_t at = 0; at < words.size();) {
        const auto name = words[at++];
        if (name == "--to-the-end") {
            wanted.to_the_end = true;
            continue;
        }
        if (at == words.size()) return std::nullopt;
        const auto value = words[at++];
        const bool understood =
            (name == "--depth" && read_number(value, wanted.bounds.depth)) ||
            (name == "--states" && read_number(value, wanted.bounds.states)) ||
            (name == "--threads" && read_number(value, wanted.bounds.threads)) ||
            (name == "--bug" && read_bug(value, wanted.bug)) ||
            (name == "--question" && is_asked(value));
        if (!understood) return std::nullopt;
        if (name == "--question") wanted.question = value;
    }
    return wanted;
}

int usage() {
    std::fputs(
        "usage: lra-pair-explore [--question NAME] [--depth N] [--states N] [--threads N]\n"
        "                        [--bug NAME] [--to-the-end]\n"
        "questions:\n",
        stderr);
    for (const auto& question : questions()) {
        std::fprintf(stderr, "  %s\n", std::string(question.name).c_str());
    }
    std::fputs("planted bugs:\n", stderr);
    for (const auto bug : planted_bugs) {
        std::fprintf(stderr, "  %s\n", std::string(to_text(bug)).c_str());
    }
    return 2;
}

void show_progress(std::size_t depth, std::size_t states, std::size_t newest) {
    std::fprintf(stderr, "\r%3zu events: %zu states, %zu of them new ", depth, states, newest);
}

// False: something is wrong.
bool answer(Question question, const Wanted& wanted) {
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const auto begin = std::chrono::steady_clock::now();
    question.options.bug = wanted.bug;
    const auto result = explore(question.options, question.budget, wanted.bounds,
                                terminal ? Progress(show_progress) : Progress());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (terminal) std::fputs("\r", stderr);
    std::printf("%s: %zu states, every order of %zu events%s, %.1f s%s%s\n",
                std::string(question.name).c_str(), result.states, result.depth,
                result.exhausted ? " (all there are)" : "", took.count(),
                result.violation ? ": " : "", result.violation ? result.violation->c_str() : "");
    for (const auto& step : result.path) {
        std::printf("  %s\n", step.c_str());
    }
    return !result.violation && (result.exhausted || !wanted.to_the_end);
}

}  // namespace

int main(int argc, char* argv[]) {
    const auto wanted = read_arguments({argv + 1, argv + argc});
    if (!wanted) return usage();
    bool good = true;
    for (auto& question : questions()) {
        const bool asked = wanted->question.empty() || wanted->question == question.name;
        const bool ends = question.has_end || !wanted->to_the_end;
        if (asked && ends) good = answer(std::move(question), *wanted) && good;
    }
    return good ? 0 : 1;
}
