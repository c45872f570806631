// What is asked at the node of a pair that stands by and done by the one that serves.

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::lrad {

using nlohmann::json;
using Answerer = runtime::ControlServer::Answerer;

namespace {

// So long requests from the other node wait for a node that is about to mount.
constexpr core::Duration mounting_patience{60'000};

}  // namespace

// ---- where it is asked

void Controller::on_either_node(const std::string& method,
                                runtime::ControlServer::AsyncHandler handler) {
    control_->on_async(
        method, [this, method](const json& params, const runtime::Caller& caller, Answerer answer) {
            if (pass_on(method, params, caller, answer)) return;
            either_node_.at(method)(params, caller, std::move(answer));
        });
    either_node_[method] = std::move(handler);
}

bool Controller::pass_on(const std::string& method, const json& params,
                         const runtime::Caller& caller, const Answerer& answer) {
    if (!pair_ || !pair_->requests || !pair_->node->started()) return false;
    if (pair_->node->rules().state() != pair::NodeState::standby) return false;
    if (method == "drive.release") {
        const auto serial = runtime::text_parameter(params, "serial");
        const auto view = serial ? view_of(core::DriveSerial{*serial}) : std::nullopt;
        const auto meant = view ? with_reservation_seen(params, view->record.reservation) : params;
        pair_->requests->pass(method, meant, caller, answer);
        return true;
    }
    pair_->requests->pass(method, params, caller, answer);
    return true;
}

// ---- where it is done

void Controller::open_requests() {
    RequestPassingDoors doors;
    doors.serves = [this] { return is_active(); };
    doors.is_ready = [this](const std::string& method) {
        return either_node_.contains(method) || is_ready_to_mount();
    };
    doors.settle_meaning = [this](const std::string& method, const json& params,
                                  std::function<void(const core::Result<json>&)> then) {
        if (method == "drive.clear") return settle_clear(params, then);
        if (method == "drive.release") return settle_release(params, then);
        if (method == "agent.retire") return settle_retirement(params, then);
        const auto& settle = pair_->mounts.settle_meaning;
        return settle && settle(method, params, std::move(then));
    };
    doors.serve = [this](const std::string& method, const json& params,
                         const runtime::Caller& caller, Answerer answer) {
        if (const auto own = either_node_.find(method); own != either_node_.end()) {
            own->second(params, caller, std::move(answer));
            return true;
        }
        const auto& serve = pair_->mounts.serve;
        return serve && serve(method, params, caller, std::move(answer));
    };
    doors.note = [this](core::Message message, const std::vector<std::string>& words) {
        note_pair(message, words);
    };
    pair_->requests = std::make_unique<RequestPassing>(
        loop_, database_request_box(configuration_.pair->database),
        configuration_.sharing.controller, configuration_.pair->peer.name, std::move(doors));
}

void Controller::take_requests_by(mounts::MountDispatch dispatch) {
    if (pair_) pair_->mounts = std::move(dispatch);
}

// A node that takes over begins to mount within moments; one that can not, its changer being off
// perhaps, says so to who asks at the other node too.
bool Controller::is_ready_to_mount() {
    if (!pair_->mounts.serve) return true;  // no changer: it is told at once that nothing does this
    auto& since = pair_->mounting_awaited_since;
    if (!mounts_ || mounts_->serving()) {
        since.reset();
        return mounts_ != nullptr;
    }
    const auto now = runtime::clock_now().monotonic;
    if (!since) since = now;
    return now - *since >= mounting_patience;
}

// It ends what the drive was forced offline for when it was asked, and nothing that has come since:
// another node may have to do it, later.
bool Controller::settle_clear(const json& params,
                              const std::function<void(const core::Result<json>&)>& then) {
    const auto serial = runtime::text_parameter(params, "serial");
    if (!serial) return false;
    json settled = params;
    settled["marks"] = pair_->shared->open_marks(core::DriveSerial{*serial});
    then(settled);
    return true;
}

// Its steps can not be taken back: whoever finds it begun does not begin it again.
bool Controller::settle_release(const json& params,
                                const std::function<void(const core::Result<json>&)>& then) {
    const auto plan = params.find("plan");
    if (plan != params.end() && *plan == json(true)) return false;  // changes nothing
    then(pair_->releases_once.to_begin(params));
    return true;
}

// It retires the life that was there when it was asked, and none that has started since.
bool Controller::settle_retirement(const json& params,
                                   const std::function<void(const core::Result<json>&)>& then) {
    const auto name = runtime::text_parameter(params, "name");
    if (!name) return false;
    for (const auto& agent : rules_.agents()) {
        if (agent.record.agent != *name) continue;
        json settled = params;
        settled["incarnation"] = agent.record.incarnation;
        then(settled);
        return true;
    }
    return false;
}

bool Controller::has_started_since(const json& params) const {
    if (!pair_ || !params.contains("incarnation") || !params["incarnation"].is_number_unsigned())
        return false;
    const auto said = pair_->shared->roster().started(params["name"].get<std::string>());
    return said && *said != params["incarnation"].get<std::uint64_t>();
}

std::optional<runtime::ControlError> Controller::forced_anew_since(const json& params) const {
    if (!pair_ || !params.contains("marks") || !params["marks"].is_array()) return std::nullopt;
    const core::DriveSerial drive{params["serial"].get<std::string>()};
    const auto& marks = params["marks"];
    for (const auto& mark : pair_->shared->open_marks(drive)) {
        if (std::find(marks.begin(), marks.end(), json(mark)) != marks.end()) continue;
        return runtime::ControlError{
            runtime::ControlErrorCode::state_differs,
            "drive " + drive.text + " was forced offline anew, or is kept offline by controller " +
                configuration_.sharing.controller +
                ", which serves since this was asked: look at it with `lractl drive why " +
                drive.text + "`, and clear it again"};
    }
    return std::nullopt;
}

}  // namespace agent::lrad
