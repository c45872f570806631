#include "snmp_mib/helper_line.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace snmp_mib {

namespace {

using nlohmann::json;

constexpr std::string_view ready_word = "ready ";
constexpr std::string_view master_word = "master ";
constexpr std::string_view counts_word = "counts ";
constexpr std::string_view set_word = "set ";
// A word of its own: a controller of an earlier version, which does not know it, must not do it.
constexpr std::string_view may_word = "may ";

struct HelperWords {
    std::string operator()(const HelperReady& said) const {
        return std::string(ready_word) + std::to_string(said.port);
    }
    std::string operator()(const HelperMaster& said) const {
        return std::string(master_word) + (said.connected ? "connected" : "gone");
    }
    std::string operator()(const HelperCounts& said) const {
        return std::string(counts_word) + json(said).dump();
    }
    std::string operator()(const DriveChangeRequest& said) const {
        const DriveChange& change = said.change;
        const json object{{"number", said.number},     {"drive", change.drive},
                          {"offline", change.offline}, {"reason", change.reason},
                          {"user", change.user},       {"address", change.address}};
        return std::string(change.only_ask ? may_word : set_word) +
               object.dump(-1, ' ', false, json::error_handler_t::replace);
    }
};

std::optional<HelperLine> ready_from(std::string_view rest) {
    HelperReady ready;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), ready.port);
    if (problem != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    return ready;
}

std::optional<HelperLine> master_from(std::string_view rest) {
    if (rest == "connected") return HelperMaster{true};
    if (rest == "gone") return HelperMaster{false};
    return std::nullopt;
}

std::optional<HelperLine> change_from(const json& object, bool only_ask) {
    DriveChangeRequest request;
    request.number = object.at("number").get<std::uint64_t>();
    request.change = {object.at("drive").get<std::string>(),   object.at("offline").get<bool>(),
                      object.at("reason").get<std::string>(),  object.at("user").get<std::string>(),
                      object.at("address").get<std::string>(), only_ask};
    const std::size_t length = request.change.reason.size();
    if (length == 0 || length > change_reason_max) return std::nullopt;
    return request;
}

}  // namespace

std::string to_line(const HelperLine& said) {
    return std::visit(HelperWords{}, said);
}

std::optional<HelperLine> helper_line_from(std::string_view line) {
    const auto rest = [&](std::string_view word) { return line.substr(word.size()); };
    if (line.starts_with(ready_word)) return ready_from(rest(ready_word));
    if (line.starts_with(master_word)) return master_from(rest(master_word));
    try {
        if (line.starts_with(counts_word)) {
            const json object = json::parse(rest(counts_word));
            HelperCounts counts;
            for (const auto& [name, count] : object.items()) {
                if (!count.is_number_unsigned()) return std::nullopt;
                counts.emplace(name, count.get<std::uint64_t>());
            }
            if (!object.is_object()) return std::nullopt;
            return counts;
        }
        if (line.starts_with(set_word)) return change_from(json::parse(rest(set_word)), false);
        if (line.starts_with(may_word)) return change_from(json::parse(rest(may_word)), true);
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return std::nullopt;
}

std::string to_json_line(const DriveChangeAnswer& answer) {
    return json{{"answer", answer.number}, {"refusal", answer.refusal}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

std::optional<DriveChangeAnswer> change_answer_from(std::string_view line) {
    if (!line.starts_with("{\"answer\"")) return std::nullopt;  // snapshots are long
    try {
        const json object = json::parse(line);
        return DriveChangeAnswer{object.at("answer").get<std::uint64_t>(),
                                 object.at("refusal").get<std::string>()};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace snmp_mib
