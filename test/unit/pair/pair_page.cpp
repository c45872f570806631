#include "test/unit/pair/pair_page.hpp"

#include "agent/pair/controller_node_io.hpp"

namespace pair_test {
namespace {

using namespace agent::pair;

std::string cell(std::string_view text) {
    return " | " + std::string(text);
}

std::string state_rows() {
    std::string text = "| state | event | next state | action | why |\n|---|---|---|---|---|\n";
    for (const auto& row : node_table) {
        // Where nothing follows there is nothing to look up.
        if (row.from == row.to && row.action == NodeAction::nothing) continue;
        text += "| " + std::string(to_text(row.from)) + cell(to_text(row.event)) +
                cell(to_text(row.to)) + cell(to_text(row.action)) + cell(row.why) + " |\n";
    }
    return text;
}

std::string procedure_rows() {
    std::string text = "| procedure | steps, in this order | then |\n|---|---|---|\n";
    for (const auto& procedure : procedures()) {
        std::string steps;
        for (const auto step : procedure.steps) {
            steps += (steps.empty() ? "" : ", ") + std::string(to_text(step));
        }
        const bool reads = procedure.action == NodeAction::recover;
        text += "| " + std::string(to_text(procedure.action)) + cell(steps) +
                cell(reads ? "what the register names" : to_text(procedure.ends_with)) + " |\n";
    }
    return text;
}

std::string objection_rows() {
    std::string text = "| code | the agent |\n|---|---|\n";
    for (std::size_t value = 1; value < objection_count; ++value) {
        const auto objection = static_cast<Objection>(value);
        text +=
            "| `" + std::string(to_text(objection)) + "`" + cell(meaning_of(objection)) + " |\n";
    }
    return text;
}

std::string_view words_for(WaitFor wait) {
    switch (wait) {
        case WaitFor::all:
            return "waited for, without limit";
        case WaitFor::until_timeout:
            return "waited for until `expedite_timeout`, then left as they are";
        case WaitFor::nobody:
            return "left as they are";
    }
    return "";
}

std::string_view words_for(KeysNeeded keys) {
    switch (keys) {
        case KeysNeeded::all_voters:
            return "every agent's, else the command is refused";
        case KeysNeeded::more_than_threshold:
            return "more than the threshold, else the command is refused";
        case KeysNeeded::whoever_answers:
            return "of whoever answers in time, of nobody too";
    }
    return "";
}

std::string mode_rows() {
    std::string text =
        "| mode | new mounts | queued mounts | running mounts | a move in flight | keys | the key "
        "may "
        "say clean |\n|---|---|---|---|---|---|---|\n";
    for (const auto& row : shutdown_modes) {
        text += "| " + std::string(to_text(row.mode)) + cell(row.new_mounts) +
                cell(row.queued_mounts) + cell(words_for(row.running_mounts)) +
                cell(row.waits_for_move ? "waited for" : "not waited for") +
                cell(words_for(row.keys)) + cell(row.may_be_clean ? "yes" : "never") + " |\n";
    }
    return text;
}

}  // namespace

std::string pair_page() {
    return "\n### Modes of a shutdown\n\n" + mode_rows() + "\n### What agents object\n\n" +
           objection_rows() + "\n### Procedures\n\n" + procedure_rows() +
           "\n### States of a node\n\nEvents that change nothing in a state are left out.\n\n" +
           state_rows() + "\n";
}

}  // namespace pair_test
