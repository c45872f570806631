#include "agent/lrad/request_passing.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/mounts/worker.hpp"

namespace agent::lrad {

using core::Message;
using nlohmann::json;
using postgres::BoxedAnswer;
using postgres::BoxedRequest;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using Answerer = runtime::ControlServer::Answerer;

namespace {

constexpr std::size_t passing_jobs_max = 4;
// That wait for an answer. Mounts may wait for hours; the others have places of their own, so that
// a line that is full can be looked at and shortened.
constexpr std::size_t passed_mounts_max = 256;
constexpr std::size_t passed_others_max = 64;
constexpr std::size_t to_drop_max = 4'096;  // of more the box is cleaned by and by
constexpr std::size_t passed_text_max = std::size_t{60} * 1024;
constexpr std::size_t passed_answer_max = std::size_t{4} * 1024 * 1024;
// A request that may have been taken is asked about for so long while no server takes writes: a
// take-over is long over by then.
constexpr core::Duration no_server_patience{60'000};
constexpr core::Duration said_to_be_wanted_every{60'000};
constexpr core::Duration box_cleaned_every{60'000};

Caller caller_from(const std::string& text, const std::string& node) {
    Caller caller;
    const json asker = json::parse(text, nullptr, false);
    caller.user = "somebody at node " + node;
    if (!asker.is_object()) return caller;
    if (asker.contains("user") && asker["user"].is_string())
        caller.user = asker["user"].get<std::string>() + " at node " + node;
    if (asker.contains("uid") && asker["uid"].is_number_unsigned())
        caller.uid = asker["uid"].get<uid_t>();
    if (asker.contains("pid") && asker["pid"].is_number_integer())
        caller.pid = asker["pid"].get<pid_t>();
    return caller;
}

std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Changes nothing, and is not worth an event.
bool is_question(std::string_view method) {
    return method.ends_with(".list") || method.ends_with(".show") || method == "claim.drives" ||
           method == "agent.check";
}

bool is_mount(std::string_view method) {
    return method == "volume.mount";
}

}  // namespace

class RequestPassing::Work : public std::enable_shared_from_this<RequestPassing::Work> {
  public:
    Work(asio::io_context& event_loop, std::unique_ptr<RequestBox> table, std::string own,
         std::string peer, RequestPassingDoors outside)
        : loop(event_loop),
          node(std::move(own)),
          other(std::move(peer)),
          doors(std::move(outside)),
          tick(event_loop),
          box(std::move(table)),
          worker(std::make_unique<mounts::Worker>(passing_jobs_max)) {}

    void look();
    void look_again(std::chrono::milliseconds delay);
    void take(const BoxSeen& seen);
    void lost(const std::string& id);
    void give_up(const BoxSeen& seen);
    void forget();
    void take_on(const BoxedRequest& request);
    void serve(const BoxedRequest& request);
    void answer(const std::string& id, std::uint64_t attempt, const ControlAnswer& given);
    [[nodiscard]] bool is_under_way(const std::string& id, std::uint64_t attempt) const;
    void end_of(const std::string& id, ControlAnswer answer);
    void drop(const std::string& id);

    asio::io_context& loop;
    std::string node;
    std::string other;
    RequestPassingDoors doors;
    asio::steady_timer tick;
    bool over = false;
    bool looking = false;  // a job is under way
    Counts counts;
    std::uint64_t named = 0;
    std::string told_trouble;

    // Made here.
    struct Passed {
        BoxedRequest request;
        bool put = false;       // it is in the box
        bool doubtful = false;  // it may be
        core::Instant reached_at;
        Answerer answer;
    };
    std::map<std::string, Passed> passed;
    std::vector<std::string> to_drop;
    std::optional<core::Instant> said_wanted_at;  // none: to be said at the next look
    std::optional<core::Instant> cleaned_at;

    // Made elsewhere, and served here.
    std::map<std::string, std::uint64_t> under_way;  // and the number of the attempt
    std::map<std::string, BoxedRequest> to_settle;   // with what it means here
    std::map<std::string, BoxedAnswer> to_answer;

    std::unique_ptr<RequestBox> box;         // the worker's
    std::unique_ptr<mounts::Worker> worker;  // last: it uses the others
};

void RequestPassing::Work::look_again(std::chrono::milliseconds delay) {
    if (over || looking) return;
    tick.expires_after(delay);
    tick.async_wait([weak = weak_from_this()](const std::error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->look();
    });
}

void RequestPassing::Work::look() {
    if (over || looking) return;
    BoxErrand errand;
    errand.serves = doors.serves();
    if (!errand.serves) forget();
    const auto now = doors.now().monotonic;
    errand.say_wanted = !said_wanted_at || now - *said_wanted_at >= said_to_be_wanted_every;
    errand.clean = !cleaned_at || now - *cleaned_at >= box_cleaned_every;
    for (const auto& [id, attempt] : under_way)
        errand.taken_on.push_back(id);
    for (auto& [id, one] : passed) {
        if (!one.put) errand.to_put.push_back(one.request);
        errand.waited_for.push_back(id);
    }
    for (const auto& [id, request] : to_settle)
        errand.to_settle.push_back({id, request.means});
    for (const auto& [id, answer] : to_answer)
        errand.to_answer.push_back(answer);
    errand.to_drop = to_drop;
    const bool nothing = !errand.serves && errand.waited_for.empty() && errand.to_drop.empty();
    if (nothing) return look_again(doors.look_seldom);
    looking = worker->post([weak = weak_from_this(), errand = std::move(errand), &box = *box,
                            &loop = loop] {
        asio::post(loop, [weak, seen = run_errand(box, errand), dropped = errand.to_drop.size()] {
            const auto self = weak.lock();
            if (!self || self->over) return;
            self->looking = false;
            if (seen.trouble.empty()) {
                self->to_drop.erase(self->to_drop.begin(),
                                    self->to_drop.begin() + static_cast<std::ptrdiff_t>(dropped));
            }
            self->take(seen);
            self->look_again(seen.trouble.empty()   ? self->doors.look_every
                             : self->passed.empty() ? self->doors.look_seldom
                                                    : 2 * self->doors.look_every);
        });
    });
    if (!looking) look_again(doors.look_seldom);
}

void RequestPassing::Work::take(const BoxSeen& seen) {
    const auto now = doors.now().monotonic;
    for (const auto& id : seen.put) {
        const auto found = passed.find(id);
        if (found == passed.end()) continue;
        found->second.put = true;
        ++counts.passed;
    }
    if (const auto found = passed.find(seen.doubtful); found != passed.end())
        found->second.doubtful = true;
    for (const auto& id : seen.gone)
        lost(id);
    if (seen.trouble.empty()) {
        for (auto& [id, one] : passed)
            one.reached_at = now;
        told_trouble.clear();
    } else {
        said_wanted_at.reset();  // to whoever serves next
    }
    if (seen.said_wanted && seen.trouble.empty()) said_wanted_at = now;
    if (seen.cleaned) cleaned_at = now;
    for (const auto& answer : seen.answers) {
        drop(answer.id);
        end_of(answer.id, answer_from_text(answer.answer));
    }
    for (const auto& id : seen.answered) {
        to_answer.erase(id);
        under_way.erase(id);
    }
    for (const auto& [id, means] : seen.settled) {
        auto request = to_settle.extract(id);
        if (!request || !under_way.contains(id)) continue;
        request.mapped().means = means;
        if (means.empty()) {
            under_way.erase(id);
        } else {
            serve(request.mapped());
        }
    }
    for (const auto& request : seen.requests)
        take_on(request);
    if (!seen.trouble.empty()) give_up(seen);
}

// Its row was cleaned away, or lost with a server. It may have been done. A mount is put again:
// what is done twice is the same mount. What else it meant was in the row.
void RequestPassing::Work::lost(const std::string& id) {
    const auto found = passed.find(id);
    if (found == passed.end()) return;
    const auto& method = found->second.request.method;
    if (is_mount(method) || is_question(method)) {
        found->second.put = false;
        found->second.doubtful = true;
        return;
    }
    ++counts.not_passed;
    end_of(id, ControlError{ControlErrorCode::busy,
                            "BUSY: the request was passed on to controller " + other +
                                " and is not in the database any more; whether it was done is not "
                                "known here: look, and make it again",
                            R"({"reason": "outcome_unknown"})"});
}

// What was certainly not taken is told at once; what may have been is asked about for a while.
void RequestPassing::Work::give_up(const BoxSeen& seen) {
    const auto now = doors.now().monotonic;
    std::map<std::string, ControlError> ended;
    for (const auto& [id, one] : passed) {
        const json params = json::parse(one.request.parameters, nullptr, false);
        const std::string again =
            params.is_object() && params.contains("request") && params["request"].is_string()
                ? " with --request " + params["request"].get<std::string>()
                : "";
        if (!one.put && !one.doubtful && !seen.reached) {
            ended[id] = {ControlErrorCode::busy,
                         "RETRY_ELSEWHERE: controller " + other +
                             " serves the library, and its database can not be reached from here "
                             "(" +
                             seen.trouble + "): ask there" + again,
                         R"({"reason": "retry_elsewhere"})"};
        } else if (now - one.reached_at >= no_server_patience) {
            ended[id] = {
                ControlErrorCode::busy,
                "BUSY: nobody has answered since the request was passed on to controller " + other +
                    " (" + seen.trouble +
                    "); whether it was done is not known here: make it again" + again,
                R"({"reason": "outcome_unknown"})"};
        }
    }
    if (!ended.empty() && std::exchange(told_trouble, seen.trouble) != seen.trouble)
        doors.note(Message::requests_not_passed, {other, seen.trouble});
    for (auto& [id, error] : ended) {
        ++counts.not_passed;
        const auto& one = passed.at(id);
        if (one.put || one.doubtful) drop(id);  // nobody waits for it any more
        end_of(id, std::move(error));
    }
}

// Not more than as many as are in one errand, so that what was dropped stands in front.
void RequestPassing::Work::drop(const std::string& id) {
    if (to_drop.size() < to_drop_max) to_drop.push_back(id);
}

void RequestPassing::Work::end_of(const std::string& id, ControlAnswer answer) {
    auto entry = passed.extract(id);
    if (entry) entry.mapped().answer(std::move(answer));
}

// ---- at the node that serves

// Whoever serves next begins with them anew.
void RequestPassing::Work::forget() {
    under_way.clear();
    to_settle.clear();
    to_answer.clear();
}

// What a name means is in the box before anything is done about it.
void RequestPassing::Work::take_on(const BoxedRequest& request) {
    if (!doors.serves() || !doors.is_ready(request.method)) return;
    if (!under_way.emplace(request.id, counts.served + 1).second) return;
    const auto attempt = ++counts.served;
    if (!is_question(request.method))
        doors.note(Message::request_taken_on, {request.id, request.method, request.node});
    const auto settled = [weak = weak_from_this(), request,
                          attempt](const core::Result<json>& params) {
        const auto self = weak.lock();
        if (!self || self->over || !self->is_under_way(request.id, attempt)) return;
        if (!params) {
            return self->answer(request.id, attempt,
                                ControlError{ControlErrorCode::failed, params.error().message});
        }
        auto meant = request;
        meant.means = text_of(*params);
        self->to_settle[request.id] = std::move(meant);
        self->look_again(std::chrono::milliseconds(0));
    };
    const json params = json::parse(request.parameters, nullptr, false);
    if (request.means.empty() && doors.settle_meaning(request.method, params, settled)) return;
    serve(request);
}

void RequestPassing::Work::serve(const BoxedRequest& request) {
    const auto attempt = under_way.at(request.id);
    const json params =
        json::parse(request.means.empty() ? request.parameters : request.means, nullptr, false);
    const auto answered = [weak = weak_from_this(), id = request.id,
                           attempt](const ControlAnswer& given) {
        if (const auto self = weak.lock()) self->answer(id, attempt, given);
    };
    const auto asker = caller_from(request.asker, request.node);
    bool known = false;
    try {
        known = params.is_object() && doors.serve(request.method, params, asker, answered);
    } catch (const json::exception& error) {  // as the control server does
        return answered(ControlError{ControlErrorCode::invalid_params, error.what()});
    }
    if (!known) {
        answered(ControlError{ControlErrorCode::method_not_found,
                              "node " + node + " serves no " + request.method +
                                  "; both nodes need the same version of lrad"});
    }
}

bool RequestPassing::Work::is_under_way(const std::string& id, std::uint64_t attempt) const {
    const auto found = under_way.find(id);
    return found != under_way.end() && found->second == attempt;
}

void RequestPassing::Work::answer(const std::string& id, std::uint64_t attempt,
                                  const ControlAnswer& given) {
    if (over || !is_under_way(id, attempt)) return;
    to_answer[id] = {id, answer_text(given, node)};
    look_again(std::chrono::milliseconds(0));
}

// ---- the class

RequestPassing::RequestPassing(asio::io_context& loop, std::unique_ptr<RequestBox> box,
                               std::string node, std::string other, RequestPassingDoors doors)
    : work_(std::make_shared<Work>(loop, std::move(box), std::move(node), std::move(other),
                                   std::move(doors))) {}

RequestPassing::~RequestPassing() {
    stop();
    work_->worker.reset();  // its thread uses the rest
}

void RequestPassing::start() {
    work_->look_again(work_->doors.look_every);
}

void RequestPassing::stop() {
    work_->over = true;
    work_->box->give_up();
    work_->tick.cancel();
    work_->passed.clear();
    if (work_->worker) work_->worker->stop();
}

void RequestPassing::pass(const std::string& method, json params, const Caller& caller,
                          Answerer answer) {
    auto& work = *work_;
    if (work.over) return;
    const bool mounts = is_mount(method);
    const auto same = static_cast<std::size_t>(std::count_if(
        work.passed.begin(), work.passed.end(),
        [mounts](const auto& entry) { return is_mount(entry.second.request.method) == mounts; }));
    if (same >= (mounts ? passed_mounts_max : passed_others_max)) {
        return answer(ControlError{ControlErrorCode::busy,
                                   "BUSY: " + std::to_string(same) +
                                       (mounts ? " mounts" : " requests") +
                                       " that were passed on to controller " + work.other +
                                       " wait for their answers already; ask there",
                                   R"({"reason": "retry_elsewhere"})"});
    }
    const auto now = work.doors.now();
    const std::string id =
        work.node + ":" + std::to_string(now.wall.ms) + ":" + std::to_string(++work.named);
    // Served twice, by one node and then by the other, it has to be the same mount.
    if (mounts && !params.contains("request")) params["request"] = id;
    BoxedRequest request;
    request.id = id;
    request.node = work.node;
    request.method = method;
    request.parameters = text_of(params);
    request.asker = json{{"user", caller.user}, {"uid", caller.uid}, {"pid", caller.pid}}.dump();
    request.asked_at = now.wall;
    if (request.parameters.size() > passed_text_max)
        return answer(ControlError{ControlErrorCode::invalid_params, "the request is too long"});
    work.passed.emplace(id, Work::Passed{request, false, false, now.monotonic, std::move(answer)});
    if (!is_question(method)) work.doors.note(Message::request_passed_on, {id, method, work.other});
    work.look_again(std::chrono::milliseconds(0));
}

void RequestPassing::forget() {
    work_->forget();
}

RequestPassing::Counts RequestPassing::counts() const {
    auto counts = work_->counts;
    counts.to_take_back = work_->to_drop.size();
    return counts;
}

// ---- answers as text

std::string answer_text(const ControlAnswer& answer, const std::string& node) {
    json text = json::object();
    if (!node.empty()) text["node"] = node;
    if (const auto* error = std::get_if<ControlError>(&answer)) {
        text["error"] = {{"code", static_cast<int>(error->code)},
                         {"message", error->message},
                         {"data", error->data}};
    } else {
        text["result"] = std::get<json>(answer);
    }
    auto line = text_of(text);
    if (line.size() <= passed_answer_max) return line;
    return answer_text(ControlError{ControlErrorCode::failed,
                                    "the answer is too long to be passed on: ask the node that "
                                    "serves"});
}

ControlAnswer answer_from_text(const std::string& text) {
    json answer = json::parse(text, nullptr, false);
    if (answer.is_object() && answer.contains("result")) {
        json& result = answer["result"];
        if (result.is_object() && answer.contains("node")) result["answered_by"] = answer["node"];
        return result;
    }
    try {
        const auto& error = answer.at("error");
        return ControlError{static_cast<ControlErrorCode>(error.at("code").get<int>()),
                            error.at("message").get<std::string>(),
                            error.at("data").get<std::string>()};
    } catch (const json::exception&) {
        return ControlError{ControlErrorCode::failed,
                            "the answer that was passed on makes no sense: both nodes need the "
                            "same version of lrad"};
    }
}

}  // namespace agent::lrad
