#include "agent/mounts/mount_methods.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/mounts/mount_json.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using core::Error;
using core::Outcome;
using core::Result;
using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using Answerer = runtime::ControlServer::Answerer;

namespace {

constexpr std::size_t volume_name_max = 32;
constexpr std::size_t request_name_max = 128;
constexpr std::int64_t deadline_s_max = 604'800;

constexpr const char* mount_methods[] = {"volume.mount",  "volume.unmount", "volume.list",
                                         "volume.show",   "volume.scan",    "volume.disable",
                                         "volume.enable", "claim.list",     "claim.show",
                                         "claim.cancel",  "claim.drives",   "claim.free"};

ControlError wrong_request(const std::string& words) {
    return {ControlErrorCode::invalid_params, words};
}

bool is_plain_word(const std::string& text, std::size_t size_max) {
    return !text.empty() && text.size() <= size_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<std::string> word_parameter(const json& params, const char* name, std::size_t size_max) {
    auto text = runtime::text_parameter(params, name);
    if (!text || is_plain_word(*text, size_max)) return text;
    return Error{std::string(name) + " must be 1 to " + std::to_string(size_max) +
                 " printable characters without blanks"};
}

ControlErrorCode code_of(MountFault::Kind kind) {
    switch (kind) {
        case MountFault::Kind::not_mountable:
            return ControlErrorCode::volume_not_mountable;
        case MountFault::Kind::no_drive:
            return ControlErrorCode::no_drive_available;
        case MountFault::Kind::drive_failed:
            return ControlErrorCode::drive_failed;
        case MountFault::Kind::withdrawn:
            return ControlErrorCode::withdrawn;
        case MountFault::Kind::busy:
            return ControlErrorCode::busy;
        case MountFault::Kind::differs:
            return ControlErrorCode::state_differs;
        case MountFault::Kind::unknown_claim:
        case MountFault::Kind::failed:
            break;
    }
    return ControlErrorCode::failed;
}

ControlError error_of(const MountFault& fault) {
    json data = {{"reason", fault.reason}};
    if (fault.counts) data["drives"] = counts_json(*fault.counts);
    return {code_of(fault.kind), fault.words, data.dump()};
}

ControlAnswer answer_of(const MountAnswer& answer) {
    if (const auto* fault = std::get_if<MountFault>(&answer)) return error_of(*fault);
    return claim_json({std::get<claims::Claim>(answer), 0, ""});
}

MountCallback answering(const Answerer& answer) {
    return [answer](const MountAnswer& result) { answer(answer_of(result)); };
}

template <typename Value, typename ToJson>
auto answering_list(const Answerer& answer, ToJson to_json) {
    return [answer, to_json](const Result<std::vector<Value>>& found) {
        if (!found) return answer(ControlError{ControlErrorCode::failed, found.error().message});
        json list = json::array();
        for (const auto& value : *found)
            list.push_back(to_json(value));
        answer(std::move(list));
    };
}

class MountMethods : public std::enable_shared_from_this<MountMethods> {
  public:
    MountMethods(MountServiceSource service, MountMethodDoors doors)
        : service_(std::move(service)), doors_(std::move(doors)) {}

    // Null: `answer` has been given the reason.
    std::shared_ptr<MountService> service_for(const Answerer& answer) {
        auto service = service_();
        if (service) return service;
        const auto why = doors_.not_now();
        answer(error_of(why ? *why
                            : MountFault{MountFault::Kind::busy,
                                         "the drive table is not open yet; try again",
                                         "not_serving",
                                         {}}));
        return nullptr;
    }

    void mount(const json& params, const Answerer& answer) {
        if (const auto why = doors_.not_now()) return answer(error_of(*why));
        const auto service = service_for(answer);
        if (!service) return;
        auto request = request_from(params, service->writer().node);
        if (!request) return answer(wrong_request(request.error().message));
        service->mount(*request, answering(answer));
    }

    void set_volume(const std::string& method, claims::VolumeState state, const json& params,
                    const Caller& caller, const Answerer& answer) {
        const auto service = service_for(answer);
        if (!service) return;
        const auto volume = word_parameter(params, "volume", volume_name_max);
        if (!volume) return answer(wrong_request(volume.error().message));
        const auto reason = runtime::text_parameter(params, "reason");
        if (!reason) return answer(wrong_request(reason.error().message));
        if (auto noted = doors_.audit(caller, method, *volume, *reason); !noted)
            return answer(ControlError{ControlErrorCode::failed, noted.error().message});
        const std::string kept = state == claims::VolumeState::usable ? "" : *reason;
        service->set_volume_state(
            *volume, state, kept, volume_meant(params),
            [self = shared_from_this(), volume = *volume, answer](const Outcome& done) {
                if (!done)
                    return answer(ControlError{ControlErrorCode::failed, done.error().message});
                self->show_volume(volume, answer);
            });
    }

    void free_drive(const json& params, const Caller& caller, const Answerer& answer) {
        const auto service = service_for(answer);
        if (!service) return;
        const auto serial = word_parameter(params, "serial", 64);
        if (!serial) return answer(wrong_request(serial.error().message));
        const auto reason = runtime::text_parameter(params, "reason");
        if (!reason) return answer(wrong_request(reason.error().message));
        if (auto noted = doors_.audit(caller, "claim.free", *serial, *reason); !noted)
            return answer(ControlError{ControlErrorCode::failed, noted.error().message});
        const auto freed = [service, serial = *serial, answer](const Outcome& done) {
            if (!done)
                return answer(ControlError{ControlErrorCode::state_differs, done.error().message});
            service->list_drives([serial, answer](const auto& rows) {
                if (!rows)
                    return answer(ControlError{ControlErrorCode::failed, rows.error().message});
                for (const auto& row : *rows) {
                    if (row.serial == serial) return answer(drive_row_json(row));
                }
                answer(json());
            });
        };
        service->free_drive(*serial, drive_meant(params), freed);
    }

    void show_volume(const std::string& barcode, const Answerer& answer) {
        const auto service = service_for(answer);
        if (!service) return;
        service->list_volumes(
            [barcode, answer](const Result<std::vector<claims::Volume>>& volumes) {
                if (!volumes)
                    return answer(ControlError{ControlErrorCode::failed, volumes.error().message});
                for (const auto& volume : *volumes) {
                    if (volume.barcode == barcode) return answer(volume_json(volume));
                }
                answer(ControlError{ControlErrorCode::failed,
                                    "volume " + barcode +
                                        " is unknown; `lractl volume list` shows those there are, "
                                        "`lractl volume scan` asks the changer again"});
            });
    }

    void show_claim(const std::string& name, const Answerer& answer) {
        const auto service = service_for(answer);
        if (!service) return;
        service->show_claim(name, [name, answer](const Result<std::vector<ClaimView>>& found) {
            if (!found)
                return answer(ControlError{ControlErrorCode::failed, found.error().message});
            if (found->empty()) {
                return answer(ControlError{ControlErrorCode::failed,
                                           "nothing is claimed as " + name +
                                               "; `lractl claim list --all` shows what was"});
            }
            answer(claim_json(found->front()));
        });
    }

    void scan(const json& params, const Answerer& answer) {
        const auto service = service_for(answer);
        if (!service) return;
        const auto stock = params.find("take_stock");
        if (stock != params.end() && !stock->is_boolean())
            return answer(wrong_request("take_stock must be true or false"));
        service->scan(
            stock != params.end() && stock->get<bool>(), [service, answer](const Outcome& done) {
                if (!done)
                    return answer(ControlError{ControlErrorCode::failed, done.error().message});
                service->list_volumes(answering_list<claims::Volume>(answer, volume_json));
            });
    }

  private:
    Result<MountRequest> request_from(const json& params, const std::string& node) {
        MountRequest request;
        auto volume = word_parameter(params, "volume", volume_name_max);
        if (!volume) return volume.error();
        request.volume = *volume;
        if (params.contains("host")) {
            auto host = word_parameter(params, "host", 64);
            if (!host) return host.error();
            const auto hosts = doors_.hosts();
            if (std::find(hosts.begin(), hosts.end(), *host) == hosts.end()) {
                return Error{"host " + *host +
                             " is none of agents[].name; `lractl agent list` shows those there "
                             "are"};
            }
            request.host = *host;
        }
        if (params.contains("access")) {
            const auto access =
                params["access"].is_string()
                    ? claims::access_from_text(params["access"].get_ref<const std::string&>())
                    : std::nullopt;
            if (!access) return Error{"access must be read or write"};
            request.access = *access;
        }
        if (params.contains("wait")) {
            if (!params["wait"].is_boolean()) return Error{"wait must be true or false"};
            request.wait = params["wait"].get<bool>();
        }
        core::Duration deadline = doors_.deadline;
        if (params.contains("deadline")) {
            const auto& seconds = params["deadline"];
            const bool usable = seconds.is_number_integer() && seconds.get<std::int64_t>() >= 1 &&
                                seconds.get<std::int64_t>() <= deadline_s_max;
            if (!usable) return Error{"deadline must be seconds, 1 to 604800"};
            deadline = {seconds.get<std::int64_t>() * 1'000};
        }
        const auto now = runtime::clock_now().wall;
        request.deadline = {now.ms + deadline.ms};
        if (!params.contains("request")) {
            request.request =
                node + "-" + std::to_string(now.ms) + "-" + std::to_string(++requests_named_);
            return request;
        }
        auto name = word_parameter(params, "request", request_name_max);
        if (!name) return name.error();
        request.request = *name;
        return request;
    }

    MountServiceSource service_;
    MountMethodDoors doors_;
    std::uint64_t requests_named_ = 0;
};

using MountHandlers = std::map<std::string, runtime::ControlServer::AsyncHandler>;

}  // namespace

MountDispatch serve_mounts(runtime::ControlServer& server, MountServiceSource source,
                           MountMethodDoors doors) {
    const auto pass_on = doors.pass_on;
    const auto open = doors.open_answers;
    const auto methods = std::make_shared<MountMethods>(source, std::move(doors));
    const auto handlers = std::make_shared<MountHandlers>();
    const auto serve = [&](const std::string& method, runtime::ControlServer::AsyncHandler plain) {
        const runtime::ControlServer::AsyncHandler work =
            [open, plain = std::move(plain)](const json& params, const Caller& caller,
                                             Answerer answer) {
                plain(params, caller, open->keep(std::move(answer)));
            };
        handlers->emplace(method, work);
        server.on_async(method, [pass_on, method, work](const json& params, const Caller& caller,
                                                        Answerer answer) {
            if (pass_on && pass_on(method, params, caller, answer)) return;
            work(params, caller, std::move(answer));
        });
    };
    const auto about = [&](const char* method, const char* parameter, auto work) {
        serve(method, [methods, parameter, work](const json& params, const Caller&,
                                                 const Answerer& answer) {
            const auto name = word_parameter(params, parameter, request_name_max);
            if (!name) return answer(wrong_request(name.error().message));
            work(*methods, *name, answer);
        });
    };
    serve("volume.mount", [methods](const json& params, const Caller&, const Answerer& answer) {
        methods->mount(params, answer);
    });
    const auto end = [&](const char* method, const char* parameter, auto work) {
        serve(method, [methods, parameter, work](const json& params, const Caller&,
                                                 const Answerer& answer) {
            const auto name = word_parameter(params, parameter, request_name_max);
            if (!name) return answer(wrong_request(name.error().message));
            const auto meant = claim_meant(params);
            if (meant == 0) {
                return answer(error_of({MountFault::Kind::unknown_claim,
                                        "nothing was claimed as " + *name + " when it was asked",
                                        "unknown_claim",
                                        {}}));
            }
            const auto service = methods->service_for(answer);
            if (service)
                (service.get()->*work)(meant ? std::to_string(*meant) : *name, answering(answer));
        });
    };
    end("volume.unmount", "volume", &MountService::unmount);
    end("claim.cancel", "claim", &MountService::cancel);
    about("volume.show", "volume",
          [](MountMethods& m, const std::string& name, const Answerer& answer) {
              m.show_volume(name, answer);
          });
    about("claim.show", "claim",
          [](MountMethods& m, const std::string& name, const Answerer& answer) {
              m.show_claim(name, answer);
          });
    serve("volume.list", [methods](const json&, const Caller&, const Answerer& answer) {
        if (const auto service = methods->service_for(answer))
            service->list_volumes(answering_list<claims::Volume>(answer, volume_json));
    });
    serve("volume.scan", [methods](const json& params, const Caller&, const Answerer& answer) {
        methods->scan(params, answer);
    });
    for (const auto& [method, state] : {std::pair{"volume.disable", claims::VolumeState::disabled},
                                        std::pair{"volume.enable", claims::VolumeState::usable}}) {
        serve(method, [methods, method = std::string(method), state = state](
                          const json& params, const Caller& caller, const Answerer& answer) {
            methods->set_volume(method, state, params, caller, answer);
        });
    }
    serve("claim.list", [methods](const json& params, const Caller&, const Answerer& answer) {
        const auto all = params.find("all");
        if (all != params.end() && !all->is_boolean())
            return answer(wrong_request("all must be true or false"));
        if (const auto service = methods->service_for(answer)) {
            service->list_claims(all != params.end() && all->get<bool>(),
                                 answering_list<ClaimView>(answer, claim_json));
        }
    });
    serve("claim.drives", [methods](const json&, const Caller&, const Answerer& answer) {
        if (const auto service = methods->service_for(answer))
            service->list_drives(answering_list<claims::DriveRow>(answer, drive_row_json));
    });
    serve("claim.free",
          [methods](const json& params, const Caller& caller, const Answerer& answer) {
              methods->free_drive(params, caller, answer);
          });
    MountDispatch dispatch;
    dispatch.serve = [handlers](const std::string& method, const json& params, const Caller& caller,
                                Answerer answer) {
        const auto found = handlers->find(method);
        if (found == handlers->end()) return false;
        found->second(params, caller, std::move(answer));
        return true;
    };
    dispatch.settle_meaning = [source = std::move(source)](
                                  const std::string& method, const json& params,
                                  std::function<void(const Result<json>&)> then) {
        const auto service = source();
        return service && settle_meaning(*service, method, params, std::move(then));
    };
    return dispatch;
}

void refuse_mounts(runtime::ControlServer& server) {
    for (const char* method : mount_methods) {
        server.on(method, [](const json&, const Caller&) -> ControlAnswer {
            return ControlError{ControlErrorCode::failed,
                                "this controller has no changer: give it the section \"mounts\" in "
                                "lrad.json (docs/MOUNTS.md)"};
        });
    }
}

}  // namespace agent::mounts
