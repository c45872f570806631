#include "drive_iface/web/routes.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "drive_iface/web/guard.hpp"
#include "drive_iface/web/json_forms.hpp"
#include "drive_iface/web/page_files.hpp"
#include "drive_iface/web/request_values.hpp"
#include "drive_iface/web/session_data.hpp"

namespace drive_iface::web {

using agent::core::Result;
using sessions::Session;
using virtual_library::Bytes;
using virtual_library::Cartridge;

namespace {

constexpr std::uint64_t identifier_max = 2'147'483'647;
constexpr std::uint64_t object_max = 9'000'000'000'000'000;  // what JavaScript counts exactly
constexpr std::uint64_t rows_otherwise = 100;
constexpr std::uint64_t rows_max = 500;
constexpr std::uint64_t look_otherwise = 4096;
constexpr std::uint64_t look_max = 65'536;

using Parts = std::vector<std::string>;
using Found = std::variant<Json, Answer>;
using Attempt = std::function<std::optional<Found>()>;

Answer not_found(std::string_view words) {
    return refusal(404, words);
}

std::string hex_text(const Bytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string name_of_data(const DataName& name, DataForm form) {
    std::string text;
    if (name.snapshot) text += "snapshot-" + std::to_string(*name.snapshot);
    if (name.session)
        text += (text.empty() ? "session-" : "-session-") + std::to_string(*name.session);
    return text + (form == DataForm::tap ? ".tap" : ".bin");
}

// `limit` rows behind number `after`, in the order of their numbers, and where the next ones begin.
template <typename Row, typename Number, typename Form>
Json rows_json(const std::vector<Row>& rows, Number number, std::uint64_t after,
               std::uint64_t limit, Form form) {
    Json some = Json::array();
    auto at = std::partition_point(rows.begin(), rows.end(),
                                   [&](const Row& row) { return number(row) <= after; });
    for (; at != rows.end() && some.size() < limit; ++at)
        some.push_back(form(*at));
    const bool more = at != rows.end() && at != rows.begin();
    return {{"count", rows.size()},
            {"rows", std::move(some)},
            {"next", more ? Json(number(*std::prev(at))) : Json()}};
}

// `limit` rows before number `before`, the newest first.
template <typename Row, typename Number, typename Form>
Json newest_json(const std::vector<Row>& rows, Number number, std::uint64_t before,
                 std::uint64_t limit, Form form) {
    Json some = Json::array();
    auto at = std::partition_point(rows.begin(), rows.end(),
                                   [&](const Row& row) { return number(row) < before; });
    for (; at != rows.begin() && some.size() < limit; --at)
        some.push_back(form(*std::prev(at)));
    const bool more = at != rows.begin() && at != rows.end();
    return {{"count", rows.size()},
            {"rows", std::move(some)},
            {"next", more ? Json(number(*at)) : Json()}};
}

}  // namespace

class Routes::State {
  public:
    State(LoopQuestions& questions, Shown shown, RouteLimits limits)
        : questions_(&questions),
          shown_(std::move(shown)),
          limits_(limits),
          downloads_(std::make_shared<Downloads>(limits.downloads_max)) {}

    Answer answer(const Request& request);
    void close_all() { downloads_->end_all(); }

  private:
    Answer looked_up(Attempt attempt);
    Answer live(const Parameters& parameters);
    Answer cartridges(const Parameters& parameters);
    Answer below_sessions(const Parts& parts, const Parameters& parameters);
    Answer below_snapshots(const Parts& parts, const Parameters& parameters);
    Answer session_list(const Parameters& parameters);
    Answer snapshot_list(const Parameters& parameters);
    Answer snapshot_sessions(std::uint32_t number, const Parameters& parameters);
    Answer snapshot_difference(std::uint32_t from, std::uint32_t to, const Parameters& parameters);
    Answer one_session(const DataName& name, const Parts& rest, const Parameters& parameters);
    Answer records(const DataName& name, const Parameters& parameters);
    Answer record(const DataName& name, std::uint64_t number, const Parameters& parameters);
    Answer download(const DataName& name, DataForm form, const Parameters& parameters);

    // On the loop.
    std::variant<Session, Answer> find_session(const DataName& name) const;
    Result<std::vector<sessions::SessionRecord>> find_records(const DataName& name,
                                                              std::uint64_t first,
                                                              std::uint64_t count) const;
    std::optional<std::variant<std::unique_ptr<Cartridge>, Answer>> opened(
        const DataName& name) const;

    LoopQuestions* questions_;
    Shown shown_;
    RouteLimits limits_;
    std::shared_ptr<Downloads> downloads_;  // shared with messages to the loop
    // The loop's: what was told last of the library as it is.
    Json live_;
    std::optional<std::chrono::steady_clock::time_point> live_at_;
};

// ---- addresses

Answer Routes::State::answer(const Request& request) {
    if (auto no = refused(request)) return std::move(*no);
    if (const auto file = page_file(request.path))
        return {.type = std::string(file->type), .text = std::string(file->text), .file_name = {}};
    const auto parts = path_parts(request.path);
    if (!parts || parts->size() < 2 || parts->front() != "api")
        return not_found("there is nothing at this address; the page is at /");
    const std::string& noun = (*parts)[1];
    const Parts rest(parts->begin() + 2, parts->end());
    if (noun == "live" && rest.empty()) return live(request.parameters);
    if (noun == "cartridges" && rest.empty()) return cartridges(request.parameters);
    if (noun == "sessions") return below_sessions(rest, request.parameters);
    if (noun == "snapshots") return below_snapshots(rest, request.parameters);
    return not_found("the API has live, cartridges, sessions and snapshots");
}

Answer Routes::State::below_sessions(const Parts& parts, const Parameters& parameters) {
    if (parts.empty()) return session_list(parameters);
    const auto identifier = decimal_number(parts[0], 1, identifier_max);
    if (!identifier) return refusal(400, "a session's identifier is a number from 1 to 2147483647");
    return one_session({std::nullopt, static_cast<std::uint32_t>(*identifier)},
                       Parts(parts.begin() + 1, parts.end()), parameters);
}

Answer Routes::State::below_snapshots(const Parts& parts, const Parameters& parameters) {
    if (parts.empty()) return snapshot_list(parameters);
    const auto wrong_number = [] {
        return refusal(400, "a snapshot's number is a number from 1 to 4294967295");
    };
    const auto wide = decimal_number(parts[0], 1, UINT32_MAX);
    if (!wide) return wrong_number();
    const auto number = static_cast<std::uint32_t>(*wide);
    if (parts.size() == 1) return snapshot_sessions(number, parameters);
    if (parts.size() == 2 && parts[1] == "data.tap")
        return download({number, std::nullopt}, DataForm::tap, parameters);
    if (parts.size() == 2 && parts[1] == "data.bin")
        return download({number, std::nullopt}, DataForm::blocks, parameters);
    if (parts.size() == 3 && parts[1] == "diff") {
        const auto other = decimal_number(parts[2], 1, UINT32_MAX);
        if (!other) return wrong_number();
        return snapshot_difference(number, static_cast<std::uint32_t>(*other), parameters);
    }
    if (parts.size() < 3 || parts[1] != "sessions")
        return not_found("a snapshot has sessions/ID, diff/NUMBER, data.tap and data.bin");
    const auto identifier = decimal_number(parts[2], 1, identifier_max);
    if (!identifier) return refusal(400, "a session's identifier is a number from 1 to 2147483647");
    return one_session({number, static_cast<std::uint32_t>(*identifier)},
                       Parts(parts.begin() + 3, parts.end()), parameters);
}

Answer Routes::State::one_session(const DataName& name, const Parts& rest,
                                  const Parameters& parameters) {
    if (rest.empty()) {
        if (const auto none = parameter_values(parameters, {}); !none)
            return refusal(400, none.error().message);
        return looked_up([this, name]() -> Found {
            auto found = find_session(name);
            if (auto* no = std::get_if<Answer>(&found)) return std::move(*no);
            return session_json(std::get<Session>(found));
        });
    }
    if (rest.size() == 1 && rest[0] == "data.tap") return download(name, DataForm::tap, parameters);
    if (rest.size() == 1 && rest[0] == "data.bin")
        return download(name, DataForm::blocks, parameters);
    if (rest.size() > 2 || rest[0] != "records")
        return not_found("a session has records, records/NUMBER, data.tap and data.bin");
    if (rest.size() == 1) return records(name, parameters);
    const auto number = decimal_number(rest[1], 0, object_max);
    if (!number) return refusal(400, "a record's number is a number from 0 on");
    return record(name, *number, parameters);
}

// ---- lists

Answer Routes::State::looked_up(Attempt attempt) {
    auto found = questions_->ask<Found>(std::move(attempt));
    if (!found) return refusal(504, "the library is busy and did not answer in time; ask again");
    if (auto* answer = std::get_if<Answer>(&*found)) return std::move(*answer);
    return {.text = dumped(std::get<Json>(*found)), .file_name = {}};
}

Answer Routes::State::live(const Parameters& parameters) {
    if (const auto none = parameter_values(parameters, {}); !none)
        return refusal(400, none.error().message);
    return looked_up([this]() -> Found {
        const auto now = std::chrono::steady_clock::now();
        if (!live_at_ || now - *live_at_ >= limits_.live_every) {
            live_ = live_json(shown_);
            live_at_ = now;
        }
        return live_;
    });
}

Answer Routes::State::cartridges(const Parameters& parameters) {
    const auto values = parameter_values(
        parameters, {{"first", 0, object_max, 0}, {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up([this, first = values.value()[0], limit = values.value()[1]]() -> Found {
        return cartridges_json(shown_, first, limit);
    });
}

Answer Routes::State::session_list(const Parameters& parameters) {
    const auto values =
        parameter_values(parameters, {{"before", 1, identifier_max, identifier_max + 1},
                                      {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up([this, before = values.value()[0], limit = values.value()[1]]() -> Found {
        const auto all = shown_.tracking ? shown_.tracking->list() : std::vector<Session>();
        return newest_json(
            all, [](const Session& session) { return session.identifier; }, before, limit,
            session_json);
    });
}

Answer Routes::State::snapshot_list(const Parameters& parameters) {
    const auto values = parameter_values(parameters, {{"before", 1, UINT32_MAX, 1ULL << 32},
                                                      {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up([this, before = values.value()[0], limit = values.value()[1]]() -> Found {
        const auto all =
            shown_.snapshots ? shown_.snapshots->list() : std::vector<snapshots::Snapshot>();
        return newest_json(
            all, [](const auto& snapshot) { return snapshot.number; }, before, limit,
            snapshot_json);
    });
}

Answer Routes::State::snapshot_sessions(std::uint32_t number, const Parameters& parameters) {
    const auto values = parameter_values(
        parameters, {{"after", 0, identifier_max, 0}, {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up([this, number, after = values.value()[0],
                      limit = values.value()[1]]() -> Found {
        const auto snapshot = shown_.snapshots ? shown_.snapshots->show(number) : std::nullopt;
        if (!snapshot) return not_found("there is no snapshot " + std::to_string(number));
        const auto sessions = shown_.snapshots->sessions(number);
        if (!sessions) return refusal(500, sessions.error().message);
        return Json{
            {"snapshot", snapshot_json(*snapshot)},
            {"sessions", rows_json(
                             *sessions, [](const Session& session) { return session.identifier; },
                             after, limit, session_json)}};
    });
}

Answer Routes::State::snapshot_difference(std::uint32_t from, std::uint32_t to,
                                          const Parameters& parameters) {
    const auto values = parameter_values(
        parameters, {{"after", 0, identifier_max, 0}, {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up(
        [this, from, to, after = values.value()[0], limit = values.value()[1]]() -> Found {
            for (const auto number : {from, to}) {
                if (!shown_.snapshots || !shown_.snapshots->show(number))
                    return not_found("there is no snapshot " + std::to_string(number));
            }
            const auto difference = shown_.snapshots->diff(from, to);
            if (!difference) return refusal(500, difference.error().message);
            return Json{{"from", snapshot_json(difference->from)},
                        {"to", snapshot_json(difference->to)},
                        {"sessions", rows_json(
                                         difference->sessions,
                                         [](const auto& session) { return session.identifier; },
                                         after, limit, difference_json)}};
        });
}

// ---- one session

std::variant<Session, Answer> Routes::State::find_session(const DataName& name) const {
    const auto no_session = [&] {
        return not_found("there is no write session " + std::to_string(*name.session) +
                         (name.snapshot ? " in this snapshot" : ""));
    };
    if (!name.snapshot) {
        auto found = shown_.tracking ? shown_.tracking->show(*name.session) : std::nullopt;
        if (!found) return no_session();
        return std::move(*found);
    }
    if (!shown_.snapshots || !shown_.snapshots->show(*name.snapshot))
        return not_found("there is no snapshot " + std::to_string(*name.snapshot));
    const auto all = shown_.snapshots->sessions(*name.snapshot);
    if (!all) return refusal(500, all.error().message);
    const auto found = std::find_if(all->begin(), all->end(), [&](const Session& session) {
        return session.identifier == *name.session;
    });
    if (found == all->end()) return no_session();
    return *found;
}

Result<std::vector<sessions::SessionRecord>> Routes::State::find_records(
    const DataName& name, std::uint64_t first, std::uint64_t count) const {
    if (name.snapshot)
        return shown_.snapshots->records(*name.snapshot, *name.session, first, count);
    return shown_.tracking->records(*name.session, first, count);
}

Answer Routes::State::records(const DataName& name, const Parameters& parameters) {
    const auto values = parameter_values(
        parameters, {{"first", 0, object_max, 0}, {"limit", 1, rows_max, rows_otherwise}});
    if (!values) return refusal(400, values.error().message);
    return looked_up([this, name, first = values.value()[0], limit = values.value()[1]]() -> Found {
        auto session = find_session(name);
        if (auto* no = std::get_if<Answer>(&session)) return std::move(*no);
        const auto found = find_records(name, first, limit);
        if (!found) return refusal(409, found.error().message);
        Json rows = Json::array();
        for (const auto& record : *found)
            rows.push_back(record_json(record));
        return Json{{"session", session_json(std::get<Session>(session))},
                    {"first", first},
                    {"rows", std::move(rows)}};
    });
}

// ---- data

// The cartridge with the data, or why there is none.
std::optional<std::variant<std::unique_ptr<Cartridge>, Answer>> Routes::State::opened(
    const DataName& name) const {
    using Opened = std::variant<std::unique_ptr<Cartridge>, Answer>;
    if (name.session) {
        auto session = find_session(name);
        if (auto* no = std::get_if<Answer>(&session)) return Opened(std::move(*no));
    } else if (!shown_.snapshots || !shown_.snapshots->show(*name.snapshot)) {
        return Opened(not_found("there is no snapshot " + std::to_string(*name.snapshot)));
    }
    auto data = open_data(shown_, name);
    if (!data) return std::nullopt;
    if (!data->ok()) return Opened(refusal(409, data->error().message));
    auto cartridge = std::move(*data).value();
    cartridge->on_progress([questions = questions_] { questions->progress(); });
    return Opened(std::move(cartridge));
}

Answer Routes::State::record(const DataName& name, std::uint64_t number,
                             const Parameters& parameters) {
    const auto values = parameter_values(
        parameters, {{"offset", 0, object_max, 0}, {"length", 1, look_max, look_otherwise}});
    if (!values) return refusal(400, values.error().message);
    using virtual_library::LogicalObject;
    return looked_up([this, name, number, offset = values.value()[0], length = values.value()[1],
                      data = std::shared_ptr<Cartridge>()]() mutable -> std::optional<Found> {
        if (!data) {
            auto open = opened(name);
            if (!open) return std::nullopt;
            if (auto* no = std::get_if<Answer>(&*open)) return std::move(*no);
            data = std::move(std::get<std::unique_ptr<Cartridge>>(*open));
        }
        if (number >= data->end_of_data()) {
            return not_found("there are " + std::to_string(data->end_of_data()) +
                             " records, numbered from 0");
        }
        if (!data->at_hand(number, 1)) return std::nullopt;
        Json result{{"number", number}, {"offset", offset}, {"hex", ""}};
        const auto rows = find_records(name, number, 1);
        if (rows && !rows->empty()) result["record"] = record_json(rows->front());
        if (data->object(number).kind == LogicalObject::Kind::filemark) return result;
        Bytes block;
        if (auto read = data->read(number, block); !read) return refusal(500, read.error().message);
        const auto begin = std::min<std::uint64_t>(offset, block.size());
        const auto end = std::min<std::uint64_t>(begin + length, block.size());
        result["hex"] = hex_text(Bytes(block.begin() + static_cast<std::ptrdiff_t>(begin),
                                       block.begin() + static_cast<std::ptrdiff_t>(end)));
        return result;
    });
}

Answer Routes::State::download(const DataName& name, DataForm form, const Parameters& parameters) {
    if (const auto none = parameter_values(parameters, {}); !none)
        return refusal(400, none.error().message);
    return looked_up([this, name, form]() -> std::optional<Found> {
        if (downloads_->full()) {
            return refusal(503,
                           "as many downloads as may be are under way; try again when one of "
                           "them has ended");
        }
        auto open = opened(name);
        if (!open) return std::nullopt;
        if (auto* no = std::get_if<Answer>(&*open)) return std::move(*no);
        RecordingPieces pieces(std::move(std::get<std::unique_ptr<Cartridge>>(*open)), form);
        Answer answer{
            .type = "application/octet-stream", .text = {}, .file_name = name_of_data(name, form)};
        answer.length = pieces.length();
        answer.body = download_body(*questions_, downloads_, downloads_->begin(std::move(pieces)));
        return answer;
    });
}

Routes::Routes(LoopQuestions& questions, Shown shown, RouteLimits limits)
    : state_(std::make_unique<State>(questions, std::move(shown), limits)) {}
Routes::~Routes() = default;
Answer Routes::answer(const Request& request) {
    return state_->answer(request);
}
void Routes::close_all() {
    state_->close_all();
}

}  // namespace drive_iface::web
