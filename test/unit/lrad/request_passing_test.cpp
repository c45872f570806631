#include "agent/lrad/request_passing.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;
using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

TEST_CASE("an answer that is passed on arrives as it was given") {
    const ControlAnswer mounted = json{{"state", "mounted"}, {"drive", "VT1"}};
    CHECK(answer_from_text(answer_text(mounted)) == mounted);
    CHECK(answer_from_text(answer_text(json())) == ControlAnswer(json()));
    const ControlAnswer refused = ControlError{ControlErrorCode::no_drive_available,
                                               "no drive is free", R"({"reason": "none"})"};
    CHECK(answer_from_text(answer_text(refused)) == refused);
}

TEST_CASE("an answer that is passed on names the node that gave it, where there is room") {
    const auto passed = [](const ControlAnswer& answer) {
        return answer_from_text(answer_text(answer, "lra-a"));
    };
    CHECK(passed(json{{"result", "free"}}) ==
          ControlAnswer(json{{"result", "free"}, {"answered_by", "lra-a"}}));
    CHECK(passed(json::array({1, 2})) == ControlAnswer(json::array({1, 2})));
    const ControlAnswer refused = ControlError{ControlErrorCode::busy, "not now", ""};
    CHECK(passed(refused) == refused);
}

TEST_CASE("an answer that makes no sense is an error, whatever is wrong with it") {
    const auto text = answer_text(ControlError{ControlErrorCode::busy, "not now", ""});
    for (std::size_t length = 0; length < text.size(); ++length) {
        const auto answer = answer_from_text(text.substr(0, length));
        REQUIRE(std::holds_alternative<ControlError>(answer));
        CHECK(std::get<ControlError>(answer).code == ControlErrorCode::failed);
    }
    CHECK(std::holds_alternative<ControlError>(answer_from_text(R"({"error": 3})")));
    CHECK(std::holds_alternative<ControlError>(answer_from_text("[]")));
}

TEST_CASE("an answer that is too long for the table is told to be asked for elsewhere") {
    const auto text = answer_text(json(std::string(std::size_t{5} * 1024 * 1024, 'x')));
    CHECK(text.size() < 1'000);
    const auto answer = answer_from_text(text);
    REQUIRE(std::holds_alternative<ControlError>(answer));
    CHECK_THAT(std::get<ControlError>(answer).message,
               ContainsSubstring("ask the node that serves"));
}

namespace {

// The box of a pair in memory. Its database can be away, or fail at one call; it is used from the
// threads of the nodes.
struct FakeBox {
    enum class Trouble { none, away, put_is_doubtful, put_is_lost, drop_fails, settling_fails };

    struct Row {
        postgres::BoxedRequest request;
        std::string answer;
    };
    mutable std::mutex mutex;  // guards what is below
    std::map<std::string, Row> rows;
    Trouble trouble = Trouble::none;

    void have(Trouble what) {
        const std::lock_guard lock(mutex);
        trouble = what;
    }
    [[nodiscard]] bool has(Trouble what) const {
        const std::lock_guard lock(mutex);
        return trouble == what;
    }
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex);
        return rows.size();
    }
    [[nodiscard]] std::vector<std::string> answers() const {
        const std::lock_guard lock(mutex);
        std::vector<std::string> found;
        for (const auto& [id, row] : rows) {
            if (!row.answer.empty()) found.push_back(row.answer);
        }
        return found;
    }
    void lose_all() {
        const std::lock_guard lock(mutex);
        rows.clear();
    }
    void answer_all(const ControlAnswer& answer) {
        const std::lock_guard lock(mutex);
        for (auto& [id, row] : rows)
            row.answer = answer_text(answer);
    }
};

class FakeBoxDoor final : public RequestBox {
  public:
    explicit FakeBoxDoor(FakeBox& box) : box_(box) {}

    core::Outcome reach(bool, bool) override {
        return good_but(FakeBox::Trouble::away, "nobody takes writes");
    }
    core::Outcome put(const postgres::BoxedRequest& request) override {
        const bool lost = box_.has(FakeBox::Trouble::put_is_lost);
        if (!lost) {
            const std::lock_guard lock(box_.mutex);
            box_.rows.emplace(request.id, FakeBox::Row{request, ""});
        }
        if (lost) return core::Error{"the connection ended"};
        return good_but(FakeBox::Trouble::put_is_doubtful, "the connection ended");
    }
    core::Result<std::string> settle_meaning(const std::string& id,
                                             const std::string& means) override {
        if (auto well = good_but(FakeBox::Trouble::settling_fails, "disk full"); !well)
            return well.error();
        const std::lock_guard lock(box_.mutex);
        const auto found = box_.rows.find(id);
        if (found == box_.rows.end() || !found->second.answer.empty()) return std::string();
        auto& row = found->second.request;
        if (row.means.empty()) row.means = means;
        return row.means;
    }
    core::Outcome put_answer(const postgres::BoxedAnswer& answer) override {
        const std::lock_guard lock(box_.mutex);
        const auto found = box_.rows.find(answer.id);
        if (found != box_.rows.end() && found->second.answer.empty())
            found->second.answer = answer.answer;
        return core::Nothing{};
    }
    core::Outcome still_want(const std::vector<std::string>&) override { return core::Nothing{}; }
    core::Result<std::vector<postgres::BoxedAnswer>> answers(
        const std::vector<std::string>& ids) override {
        const std::lock_guard lock(box_.mutex);
        std::vector<postgres::BoxedAnswer> found;
        for (const auto& id : ids) {
            const auto row = box_.rows.find(id);
            if (row != box_.rows.end()) found.push_back({id, row->second.answer});
        }
        return found;
    }
    core::Outcome drop(const std::vector<std::string>& ids) override {
        if (auto well = good_but(FakeBox::Trouble::drop_fails, "disk full"); !well) return well;
        const std::lock_guard lock(box_.mutex);
        for (const auto& id : ids)
            box_.rows.erase(id);
        return core::Nothing{};
    }
    core::Result<std::vector<postgres::BoxedRequest>> requests(
        const std::vector<std::string>& without) override {
        const std::lock_guard lock(box_.mutex);
        std::vector<postgres::BoxedRequest> found;
        for (const auto& [id, row] : box_.rows) {
            const bool known = std::find(without.begin(), without.end(), id) != without.end();
            if (row.answer.empty() && !known) found.push_back(row.request);
        }
        return found;
    }
    core::Outcome clean() override { return core::Nothing{}; }
    void give_up() noexcept override {}

  private:
    [[nodiscard]] core::Outcome good_but(FakeBox::Trouble trouble, const std::string& words) const {
        if (box_.has(trouble)) return core::Error{words};
        return core::Nothing{};
    }

    FakeBox& box_;
};

// A node of a pair, as far as requests go.
struct Node {
    struct Served {
        std::string method;
        json params;
        runtime::ControlServer::Answerer answer;
    };
    asio::io_context loop;
    bool serves = false;
    bool mounts_are_ready = true;
    std::optional<json> means;  // what a cancel means here and now; none: the table is away
    core::Now now{{1'000'000}, {2'000'000}};
    std::vector<ControlAnswer> answers;
    std::vector<Served> served;
    RequestPassing passing;

    explicit Node(FakeBox& box)
        : passing(loop, std::make_unique<FakeBoxDoor>(box), "lra-b", "lra-a", doors()) {
        passing.start();
    }
    RequestPassingDoors doors() {
        RequestPassingDoors doors;
        doors.serve = [this](const std::string& method, const json& params, const runtime::Caller&,
                             runtime::ControlServer::Answerer answer) {
            served.push_back({method, params, std::move(answer)});
            return true;
        };
        doors.serves = [this] { return serves; };
        doors.is_ready = [this](const std::string& method) {
            return mounts_are_ready || method != "volume.mount";
        };
        doors.settle_meaning = [this](const std::string& method, const json&, const auto& then) {
            if (method != "claim.cancel") return false;
            then(means ? core::Result<json>(*means) : core::Error{"no table"});
            return true;
        };
        doors.note = [](core::Message, const std::vector<std::string>&) {};
        doors.now = [this] { return now; };
        doors.look_every = doors.look_seldom = std::chrono::milliseconds(1);
        return doors;
    }
    void pass(const std::string& method, json params = json::object()) {
        passing.pass(method, std::move(params), runtime::Caller{},
                     [this](const ControlAnswer& answer) { answers.push_back(answer); });
    }
    // The node looks into the box until this is so.
    template <typename Condition>
    [[nodiscard]] bool until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_for(std::chrono::milliseconds(2));
        }
        return condition();
    }
    // What has begun is seen, and some looks more.
    void look_on() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
        static_cast<void>(until([end] { return std::chrono::steady_clock::now() >= end; }));
    }
    [[nodiscard]] std::string words_of_answer() const {
        REQUIRE(answers.size() == 1);
        const auto* error = std::get_if<ControlError>(&answers.front());
        return error == nullptr ? std::get<json>(answers.front()).dump()
                                : error->message + " " + error->data;
    }
};

constexpr core::Duration nearly_a_minute{59'000};

}  // namespace

TEST_CASE("a full line of mounts that were passed on can still be looked at and shortened") {
    FakeBox box;
    Node node(box);
    for (int i = 0; i < 256; ++i)
        node.pass("volume.mount");
    CHECK(node.answers.empty());
    node.pass("volume.mount");
    REQUIRE(node.answers.size() == 1);
    CHECK(std::get<ControlError>(node.answers.front()).code == ControlErrorCode::busy);
    for (int i = 0; i < 64; ++i)
        node.pass("claim.cancel");
    CHECK(node.answers.size() == 1);
    node.pass("claim.list");
    CHECK(node.answers.size() == 2);
}

TEST_CASE("a request that was certainly not taken leaves nothing to be taken back") {
    FakeBox box;
    box.have(FakeBox::Trouble::away);
    Node node(box);
    for (int i = 0; i < 10; ++i)
        node.pass("volume.list");
    REQUIRE(node.until([&] { return node.answers.size() == 10; }));
    CHECK_THAT(std::get<ControlError>(node.answers.front()).message,
               ContainsSubstring("RETRY_ELSEWHERE"));
    CHECK(node.passing.counts().not_passed == 10);
    CHECK(node.passing.counts().to_take_back == 0);
}

TEST_CASE("no server at all is certainly not taken") {
    runtime::PairDatabaseConfiguration nowhere;
    nowhere.folder = "/nonexistent/lra";
    nowhere.port = 1;
    nowhere.peer_address = "127.0.0.1";
    nowhere.peer_port = 1;
    nowhere.sslmode = "disable";
    const auto box = database_request_box(nowhere);
    const auto seen =
        run_errand(*box, {.to_put = {{"b:1", "lra-b", "volume.list", "{}", "{}", {}}}});
    CHECK_FALSE(seen.reached);
    CHECK(seen.doubtful.empty());
    CHECK_FALSE(seen.trouble.empty());
}

TEST_CASE("a request that may have been taken is asked about, and its answer is given") {
    FakeBox box;
    box.have(FakeBox::Trouble::put_is_doubtful);
    Node node(box);
    node.pass("volume.mount");
    REQUIRE(node.until([&] { return box.size() == 1; }));
    node.look_on();
    CHECK(node.answers.empty());
    box.answer_all(json("mounted"));
    box.have(FakeBox::Trouble::none);
    REQUIRE(node.until([&] { return !node.answers.empty() && box.size() == 0; }));
    CHECK(node.answers == std::vector<ControlAnswer>{json("mounted")});
    CHECK(node.until([&] { return node.passing.counts().to_take_back == 0; }));
}

TEST_CASE("a request whose fate nobody can tell for a minute ends, and is taken back later") {
    const bool came_through = GENERATE(true, false);
    FakeBox box;
    box.have(came_through ? FakeBox::Trouble::put_is_doubtful : FakeBox::Trouble::put_is_lost);
    Node node(box);
    node.pass("volume.mount", {{"request", "night-7"}});
    node.look_on();
    box.have(FakeBox::Trouble::away);
    node.look_on();
    node.now.wall.ms += 24LL * 3'600'000;  // a clock that steps decides nothing
    node.now.monotonic = node.now.monotonic + nearly_a_minute;
    node.look_on();
    REQUIRE(node.answers.empty());
    node.now.monotonic = node.now.monotonic + core::Duration{2'000};
    REQUIRE(node.until([&] { return !node.answers.empty(); }));
    CHECK_THAT(node.words_of_answer(), ContainsSubstring("outcome_unknown"));
    CHECK_THAT(node.words_of_answer(), ContainsSubstring("--request night-7"));
    CHECK(node.passing.counts().to_take_back == 1);
    box.have(FakeBox::Trouble::none);
    REQUIRE(node.until([&] { return node.passing.counts().to_take_back == 0; }));
    CHECK(box.size() == 0);
}

TEST_CASE("a request whose row is gone is put again, and answered") {
    FakeBox box;
    Node asks(box);
    asks.pass("volume.mount");
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    asks.look_on();
    box.lose_all();
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    Node serves(box);
    serves.serves = true;
    REQUIRE(serves.until([&] { return serves.served.size() == 1; }));
    box.lose_all();  // and then once more, before it is answered
    serves.served.front().answer(json("into nothing"));
    serves.look_on();
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    REQUIRE(serves.until([&] { return serves.served.size() == 2; }));
    CHECK(serves.served.back().params == serves.served.front().params);
    serves.served.back().answer(json("mounted"));
    REQUIRE(serves.until([&] { return !box.answers().empty(); }));
    REQUIRE(asks.until([&] { return !asks.answers.empty(); }));
    CHECK(asks.answers == std::vector<ControlAnswer>{json("mounted")});
}

TEST_CASE("what can not be done yet waits in the box, and nothing else waits behind it") {
    FakeBox box;
    Node asks(box);
    asks.pass("volume.mount");
    asks.pass("drive.offline");
    REQUIRE(asks.until([&] { return box.size() == 2; }));
    Node serves(box);
    serves.mounts_are_ready = false;
    serves.serves = true;
    REQUIRE(serves.until([&] { return serves.served.size() == 1; }));
    serves.look_on();
    REQUIRE(serves.served.size() == 1);
    CHECK(serves.served.front().method == "drive.offline");
    serves.mounts_are_ready = true;
    REQUIRE(serves.until([&] { return serves.served.size() == 2; }));
    CHECK(serves.served.back().method == "volume.mount");
}

TEST_CASE("of a request whose row is gone nobody says that nothing was done") {
    FakeBox box;
    Node node(box);
    node.pass("volume.mount");
    REQUIRE(node.until([&] { return box.size() == 1; }));
    node.look_on();
    box.have(FakeBox::Trouble::put_is_lost);
    box.lose_all();
    node.look_on();
    box.have(FakeBox::Trouble::away);
    node.look_on();
    CHECK(node.answers.empty());
    node.now.monotonic = node.now.monotonic + core::Duration{61'000};
    REQUIRE(node.until([&] { return !node.answers.empty(); }));
    CHECK_THAT(node.words_of_answer(), ContainsSubstring("outcome_unknown"));
}

TEST_CASE("what its row said of a request is lost with it: it is not made again by itself") {
    FakeBox box;
    Node node(box);
    node.pass("drive.clear", {{"serial", "VT1"}});
    REQUIRE(node.until([&] { return box.size() == 1; }));
    node.look_on();
    box.lose_all();
    REQUIRE(node.until([&] { return !node.answers.empty(); }));
    CHECK_THAT(node.words_of_answer(), ContainsSubstring("outcome_unknown"));
    node.look_on();
    CHECK(box.size() == 0);
}

TEST_CASE("a node that takes over serves what it had passed on itself") {
    FakeBox box;
    Node node(box);
    node.pass("volume.mount");
    REQUIRE(node.until([&] { return box.size() == 1; }));
    node.serves = true;
    REQUIRE(node.until([&] { return node.served.size() == 1; }));
    CHECK(node.served.front().method == "volume.mount");
    CHECK(node.served.front().params.contains("request"));
    node.look_on();
    CHECK(node.served.size() == 1);
    node.served.front().answer(json("mounted"));
    REQUIRE(node.until([&] { return !node.answers.empty() && box.size() == 0; }));
    CHECK(node.answers == std::vector<ControlAnswer>{json("mounted")});
}

TEST_CASE("what a service that was given up says answers no request") {
    FakeBox box;
    Node asks(box);
    asks.pass("volume.mount");
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    Node serves(box);
    serves.serves = true;
    REQUIRE(serves.until([&] { return serves.served.size() == 1; }));
    serves.passing.forget();
    serves.served.front().answer(json("by the old one"));
    REQUIRE(serves.until([&] { return serves.served.size() == 2; }));
    serves.served.front().answer(json("by the old one, later"));
    serves.look_on();
    CHECK(box.answers().empty());
    serves.served.back().answer(json("by the new one"));
    REQUIRE(serves.until([&] { return !box.answers().empty(); }));
    REQUIRE(asks.until([&] { return !asks.answers.empty(); }));
    CHECK(asks.answers == std::vector<ControlAnswer>{json("by the new one")});
    CHECK(serves.served.size() == 2);
}

TEST_CASE("what a name means is settled by whoever serves it first") {
    FakeBox box;
    Node asks(box);
    asks.pass("claim.cancel", {{"claim", "V1"}});
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    {
        Node first(box);
        first.serves = true;
        first.means = {{"claim", "V1"}, {"meant", 5}};
        box.have(FakeBox::Trouble::settling_fails);
        first.look_on();
        CHECK(first.served.empty());  // not before it is in the box
        box.have(FakeBox::Trouble::none);
        REQUIRE(first.until([&] { return first.served.size() == 1; }));
        CHECK(first.served.front().params == *first.means);
    }
    Node second(box);
    second.serves = true;
    second.means = {{"claim", "V1"}, {"meant", 6}};
    REQUIRE(second.until([&] { return second.served.size() == 1; }));
    CHECK(second.served.front().params["meant"] == 5);
    second.served.front().answer(json("cancelled"));
    REQUIRE(second.until([&] { return !box.answers().empty(); }));
    REQUIRE(asks.until([&] { return !asks.answers.empty(); }));
    CHECK(second.served.size() == 1);
}

TEST_CASE("a request whose meaning can not be found out is refused, one that is gone is left") {
    FakeBox box;
    Node node(box);
    node.serves = true;
    node.pass("claim.cancel", {{"claim", "V1"}});
    REQUIRE(node.until([&] { return !node.answers.empty(); }));
    CHECK_THAT(node.words_of_answer(), ContainsSubstring("no table"));
    CHECK(node.served.empty());

    Node asks(box);
    node.means = {{"claim", "V1"}, {"meant", 5}};
    asks.pass("claim.cancel", {{"claim", "V1"}});
    REQUIRE(asks.until([&] { return box.size() == 1; }));
    box.have(FakeBox::Trouble::settling_fails);
    node.look_on();
    box.lose_all();
    box.have(FakeBox::Trouble::none);
    node.look_on();
    CHECK(node.served.empty());
}

TEST_CASE("an answered request that can not be taken back now is taken back later") {
    FakeBox box;
    box.have(FakeBox::Trouble::drop_fails);
    Node node(box);
    node.pass("volume.list");
    REQUIRE(node.until([&] { return box.size() == 1; }));
    box.answer_all(json::array());
    REQUIRE(node.until([&] { return !node.answers.empty(); }));
    node.look_on();
    CHECK(node.passing.counts().to_take_back == 1);
    CHECK(node.answers.size() == 1);
    box.have(FakeBox::Trouble::none);
    REQUIRE(node.until([&] { return node.passing.counts().to_take_back == 0; }));
    CHECK(box.size() == 0);
}
