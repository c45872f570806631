// Two controllers that serve one library: what each is, and how the agents vote.

#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

Tone tone_of_node(const std::string& state) {
    if (state == "offline" || state == "fenced") return tone_of_severity("major");
    if (state == "primary_alone" || state == "waiting_peer" || state == "not_heard" ||
        state == "shut_down")
        return tone_of_severity("warning");
    return Tone::plain;
}

Row node_row(const json& one, const std::string& who, const json& last, const Screen& screen) {
    const std::string state = text_at(one, {"state"});
    return {{text_at(one, {"node"})},
            {text_at(one, {"name"})},
            {state, tone_of_node(state)},
            {who},
            {aged(last, screen)}};
}

std::string nodes_table(const std::vector<Row>& rows, const Screen& screen) {
    const std::vector<Column> columns{
        {"NODE"}, {"NAME", Fit::elide, 8}, {"STATE"}, {"EPOCH"}, {"LAST", Fit::elide, 6}};
    return screen_table(columns, rows, screen);
}

// What a voting agent shows of itself.
std::string agents_own_view(const json& pair, const Screen& screen) {
    std::vector<Row> rows;
    for (const json* node : elements(at(pair, {"nodes"}))) {
        rows.push_back(
            node_row(*node, text_at(*node, {"epoch"}), at(*node, {"last_heard"}), screen));
    }
    std::string text = nodes_table(rows, screen) + "\n";
    const std::string enrolled = text_at(pair, {"enrolled"});
    text += "pair " + text_at(pair, {"cluster"}) + ": as this agent counts " +
            text_at(pair, {"view"}) + "\n";
    if (enrolled != "true" && enrolled != "yes") {
        return text +
               "not enrolled: this agent has no vote; on a node, `lractl pair enrol "
               "--agent NAME --reason TEXT`\n";
    }
    text += "register: epoch " + text_at(pair, {"register", "epoch"}) + ", " +
            text_at(pair, {"register", "relation"}) + ", primary " +
            text_at(pair, {"register", "primary"}) + ", threshold " +
            text_at(pair, {"register", "threshold"}) + "\n";
    const std::string hold = text_at(pair, {"hold"});
    if (hold == "true" || hold == "yes") text += "on hold: it agrees to nobody\n";
    return text;
}

}  // namespace

std::string pair_view(const json& pair, const Screen& screen) {
    if (!at(pair, {"key"}).is_null()) return pair_keys_view(json::array({pair}), screen);
    if (at(pair, {"peer"}).is_null()) return agents_own_view(pair, screen);
    const json& peer = at(pair, {"peer"});
    std::string text =
        nodes_table(
            {node_row(pair, text_at(pair, {"data", "epoch"}), at(pair, {"since"}), screen),
             node_row(peer, text_at(peer, {"data", "epoch"}), at(peer, {"last_heard"}), screen)},
            screen) +
        "\n";
    text += "pair " + text_at(pair, {"cluster"}) + ": " + text_at(pair, {"why"}) + "\n";
    const std::string step = text_at(pair, {"step"});
    if (!step.empty()) text += "under way: " + text_at(pair, {"procedure"}) + ", " + step + "\n";
    const json& waits = at(pair, {"waiting_command"});
    if (!waits.is_null()) {
        text += "a shutdown command waits until that is done: mode " + text_at(waits, {"mode"}) +
                ", given by " + text_at(waits, {"actor"}) + ": " + text_at(waits, {"reason"}) +
                "\n";
    }
    const bool stands_by = text_at(pair, {"state"}) == "standby";
    const std::string copy =
        stands_by ? "follows the other's copy of the table: " + text_at(pair, {"data", "receives"})
                  : "the other's copy of the table: " + text_at(pair, {"data", "standby"});
    const std::string lag = text_at(pair, {"replication", "lag_bytes"});
    text += copy + (lag.empty() ? "" : ", " + lag + " bytes apart") + "; requests " +
            text_at(pair, {"takes_requests"}) + ", commands devices " + text_at(pair, {"acts"}) +
            "\n\n";
    const std::vector<Column> columns{{"AGENT", Fit::elide, 8}, {"ANSWERS"}, {"LAST HEARD"}};
    std::vector<Row> rows;
    for (const json* agent : elements(at(pair, {"agents"}))) {
        rows.push_back({{text_at(*agent, {"name"})},
                        {text_at(*agent, {"answers"})},
                        {aged(at(*agent, {"last_heard"}), screen)}});
    }
    text += screen_table(columns, rows, screen);
    const json& consent = at(pair, {"agents_consent"});
    const bool refused = consent.is_boolean() && !consent.get<bool>();
    return text + "more than " + text_at(pair, {"threshold"}) + " of them decide" +
           (refused ? "; not so many let this node go on if the other one fails now" : "") + "\n" +
           "events of node " + text_at(peer, {"name"}) +
           " are in its own log: `lractl event list` there\n";
}

std::string pair_votes_view(const json& votes, const Screen& screen) {
    std::string text;
    if (!at(votes, {"wish"}).is_null()) {
        text = "asked for " + text_at(votes, {"wish"}) + ": " + text_at(votes, {"state"}) + ", " +
               text_at(votes, {"yes"}) + " agree, " + text_at(votes, {"no"}) + " object, " +
               text_at(votes, {"silent"}) + " silent; more than " + text_at(votes, {"threshold"}) +
               " needed\n";
    } else if (!at(votes, {"view"}).is_null()) {
        text = "as this agent counts: " + text_at(votes, {"view"}) + "\n";
    }
    const std::vector<Column> columns{
        {"AGENT", Fit::elide, 8}, {"ROUND"}, {"ANSWER"}, {"MEANING", Fit::elide, 10}};
    std::vector<Row> rows;
    for (const json* answer : elements(at(votes, {"answers"}))) {
        const std::string objection = text_at(*answer, {"objection"});
        const bool agrees = objection.empty() || objection == "none";
        rows.push_back(
            {{text_at(*answer, {"agent"})},
             {text_at(*answer, {"round"})},
             {agrees ? "agrees" : objection, agrees ? Tone::plain : tone_of_severity("warning")},
             {agrees ? "" : text_at(*answer, {"meaning"})}});
    }
    if (rows.empty()) return text + "no vote was seen since the start\n";
    return text + screen_table(columns, rows, screen);
}

std::string pair_keys_view(const json& keys, const Screen& screen) {
    const std::vector<Column> columns{{"KEY", Fit::elide, 16},
                                      {"NODE"},
                                      {"MODE"},
                                      {"WHEN"},
                                      {"LEFT", Fit::elide, 14},
                                      {"AGENTS", Fit::elide, 6},
                                      {"REASON", Fit::elide, 6}};
    std::vector<Row> rows;
    for (const json* key : elements(keys)) {
        std::string left;
        for (const json* node : elements(at(*key, {"nodes"}))) {
            if (!at(*node, {"out"}).is_boolean() || !at(*node, {"out"}).get<bool>()) continue;
            const bool clean = at(*node, {"clean"}).get<bool>();
            left += (left.empty() ? "" : ", ") + text_at(*node, {"node"}) +
                    (clean ? " clean" : " not clean");
        }
        rows.push_back({{text_at(*key, {"key"})},
                        {text_at(*key, {"subject"})},
                        {text_at(*key, {"mode"})},
                        {aged(at(*key, {"at"}), screen)},
                        {left.empty() ? "not yet" : left},
                        {std::to_string(elements(at(*key, {"stored_at"})).size())},
                        {text_at(*key, {"reason"})}});
    }
    if (rows.empty()) return "no shutdown key is known here\n";
    return screen_table(columns, rows, screen);
}

}  // namespace agent::shell
