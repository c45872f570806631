#include "agent/shell/job_progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/shell/daemon_link.hpp"
#include "agent/shell/patient_question.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;

namespace {

constexpr core::Duration a_day{24 * 3'600'000};
constexpr core::Duration answer_within{5'000};

// What a daemon calls its work, and what tells one piece of it from another.
struct LongJob {
    std::string_view method;
    std::string_view jobs;
    std::string_view cancel;
    std::array<std::string_view, 2> told_by;
};

constexpr LongJob long_jobs[] = {
    {"cartridge.check", "cartridge.jobs", "cartridge.cancel", {"barcode", ""}},
    {"cartridge.import", "cartridge.jobs", "cartridge.cancel", {"barcode", ""}},
    {"cartridge.export", "cartridge.jobs", "cartridge.cancel", {"barcode", ""}},
    {"snapshot.export", "snapshot.jobs", "snapshot.cancel", {"number", "session"}},
};

const LongJob* long_job(std::string_view method) {
    for (const LongJob& job : long_jobs) {
        if (job.method == method) return &job;
    }
    return nullptr;
}

// Of the request's parameters those that tell the work.
json telling_parameters(const LongJob& job, const json& params) {
    json telling = json::object();
    for (const auto key : job.told_by) {
        const auto found = params.find(std::string(key));
        if (found != params.end()) telling[std::string(key)] = *found;
    }
    return telling;
}

// "cartridge check VT0001L8: 42 %, 1.2 GiB of 2.9 GiB"
std::string progress_line(const Request& request, const json& telling, const json& job) {
    const json& done = at(job, {"bytes_done"});
    const json& total = at(job, {"bytes_total"});
    if (!done.is_number() || !total.is_number() || total.get<double>() <= 0) return {};
    std::array<char, 16> percent{};
    std::snprintf(percent.data(), percent.size(), "%.0f",
                  100.0 * std::min(1.0, done.get<double>() / total.get<double>()));
    std::string line =
        std::string(request.command->noun) + " " + std::string(request.command->verb);
    for (const auto& [key, value] : telling.items())
        line += " " + text_of(value);
    return line + ": " + percent.data() + " %, " + size_text(done) + " of " + size_text(total);
}

json job_under_way(const std::string& socket, const LongJob& job, const json& telling) {
    const auto answer = ask(socket, std::string(job.jobs), json::object(), answer_within);
    const auto* all = std::get_if<json>(&answer);
    if (all == nullptr) return nullptr;
    for (const json* one : elements(*all)) {
        const bool is_it =
            std::all_of(job.told_by.begin(), job.told_by.end(), [&](std::string_view key) {
                return key.empty() || at(*one, {key}) == at(telling, {key});
            });
        if (is_it) return *one;
    }
    return nullptr;
}

}  // namespace

bool is_long_job(std::string_view method) {
    return long_job(method) != nullptr;
}

ControlAnswer ask_with_progress(const Request& request, const std::string& socket,
                                const Output& output) {
    const json params = params_of(request);
    const LongJob& job = *long_job(method_of(*request.command));
    const json telling = telling_parameters(job, params);
    return ask_patiently(
        {.socket = socket,
         .method = std::string(job.method),
         .params = params,
         .answered_within = a_day,
         .progress =
             [&] { return progress_line(request, telling, job_under_way(socket, job, telling)); },
         .cancel = [&] { return ask(socket, std::string(job.cancel), telling, answer_within); },
         .shown_on = output.errors});
}

}  // namespace agent::shell
