#include "agent/runtime/control_request.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

RefusedRequest refusal(const std::string& line) {
    auto parsed = parse_control_request(line);
    INFO(line.substr(0, 200));
    REQUIRE(std::holds_alternative<RefusedRequest>(parsed));
    return std::get<RefusedRequest>(parsed);
}

const std::string good =
    R"({"jsonrpc":"2.0","id":7,"method":"drive.why","params":{"serial":"VT00000001"}})";

}  // namespace

TEST_CASE("a request is read") {
    const auto request = std::get<ControlRequest>(parse_control_request(good));
    CHECK(request.id == 7);
    CHECK(request.method == "drive.why");
    CHECK(request.params == json{{"serial", "VT00000001"}});
    CHECK_FALSE(request.notification);
    const auto notification =
        std::get<ControlRequest>(parse_control_request(R"({"jsonrpc":"2.0","method":"a.b"})"));
    CHECK(notification.notification);
    CHECK(notification.params == json::object());
}

TEST_CASE("a request that is not quite one is refused with JSON-RPC's code") {
    using enum ControlErrorCode;
    CHECK(refusal("nonsense").error.code == parse_error);
    CHECK(refusal("{\"jsonrpc\":\"2.0\"").error.code == parse_error);
    CHECK(refusal("\xff\xfe").error.code == parse_error);
    CHECK(refusal(std::string(60'000, '[')).error.code == parse_error);
    CHECK(refusal("[" + good + "]").error.code == invalid_request);
    CHECK(refusal("7").error.code == invalid_request);
    CHECK(refusal("{}").error.code == invalid_request);
    CHECK(refusal(R"({"jsonrpc":"1.0","id":1,"method":"a.b"})").error.code == invalid_request);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":1})").error.code == invalid_request);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":{},"method":"a.b"})").error.code == invalid_request);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":1.5,"method":"a.b"})").error.code == invalid_request);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":1,"method":7})").error.code == invalid_request);
    for (const char* method : {"", "drive", ".list", "drive.", "a.b.c", "Drive.list", "drive list",
                               "drive.li\\u0000st"}) {
        CHECK(refusal(std::string(R"({"jsonrpc":"2.0","id":1,"method":")") + method + "\"}")
                  .error.code == invalid_request);
    }
    CHECK(refusal(R"({"jsonrpc":"2.0","id":1,"method":"a.b","params":[1]})").error.code ==
          invalid_params);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":"x","method":"a.b","params":null})").id == "x");
    CHECK(refusal(good + std::string(control_line_max, ' ')).error.code == invalid_request);
}

TEST_CASE("brackets inside texts are not depth") {
    const std::string many(40, '[');
    CHECK(std::holds_alternative<ControlRequest>(parse_control_request(
        R"({"jsonrpc":"2.0","id":1,"method":"a.b","params":{"t":"\")" + many + "\"}}")));
}

TEST_CASE("a request cut off at any length is refused") {
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK(std::holds_alternative<RefusedRequest>(parse_control_request(good.substr(0, size))));
    }
}

TEST_CASE("a request with any one byte changed is read or refused, never worse") {
    std::mt19937_64 random(5);
    for (int i = 0; i < 20'000; ++i) {
        std::string line = good;
        line[random() % line.size()] = static_cast<char>(random() % 256);
        const auto parsed = parse_control_request(line);
        CHECK((parsed.index() == 0 || !std::get<RefusedRequest>(parsed).error.message.empty()));
    }
}

TEST_CASE("answers are one line each, whatever is in them") {
    CHECK(control_answer_line(7, json{{"a", "line\nend"}}) ==
          "{\"id\":7,\"jsonrpc\":\"2.0\",\"result\":{\"a\":\"line\\nend\"}}\n");
    CHECK(json::parse(control_answer_line("x", ControlError{ControlErrorCode::busy, "later"})) ==
          json::parse(R"({"jsonrpc":"2.0","id":"x","error":{"code":5,"message":"later"}})"));
    CHECK_NOTHROW(control_answer_line(nullptr, json("\xff")));
    const ControlError told{ControlErrorCode::no_drive_available, "none", R"({"busy":2})"};
    CHECK(
        json::parse(control_answer_line(1, told)) ==
        json::parse(
            R"({"jsonrpc":"2.0","id":1,"error":{"code":11,"message":"none","data":{"busy":2}}})"));
}

TEST_CASE("an error's code tells how lractl ends") {
    CHECK(exit_code(ControlErrorCode::busy) == ExitCode::busy);
    CHECK(exit_code(ControlErrorCode::state_differs) == ExitCode::state_differs);
    CHECK(exit_code(ControlErrorCode::partly_done) == ExitCode::partly_done);
    CHECK(exit_code(ControlErrorCode::failed) == ExitCode::failure);
    CHECK(exit_code(ControlErrorCode::volume_not_mountable) == ExitCode::volume_not_mountable);
    CHECK(exit_code(ControlErrorCode::no_drive_available) == ExitCode::no_drive_available);
    CHECK(exit_code(ControlErrorCode::drive_failed) == ExitCode::drive_failed);
    CHECK(exit_code(ControlErrorCode::withdrawn) == ExitCode::withdrawn);
    CHECK(exit_code(ControlErrorCode::method_not_found) == ExitCode::usage);
    CHECK(exit_code(ControlErrorCode::no_connection) == ExitCode::failure);
    CHECK(exit_code(static_cast<ControlErrorCode>(77)) == ExitCode::failure);
}
