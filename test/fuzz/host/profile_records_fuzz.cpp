// Whatever an application prints is read without harm, and "offline" needs a record of the drive.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/host/profile_records.hpp"

namespace {

using namespace agent;

host::RecordReader fuzzed_reader(bool json) {
    host::RecordRules rules;
    rules.form = json ? host::RecordRules::Form::json : host::RecordRules::Form::text;
    if (json) {
        rules.list = "/drives";
        rules.match = {{"name", "{drive}"}};
    } else {
        rules.begin = "^Device .*\"{drive}\"";
        rules.end = "^==";
        rules.find = {};
    }
    rules.failed = {"^error"};
    rules.rules = {{core::ApplicationDriveState::draining, {"closing"}, {"idle"}, false, true, ""},
                   {core::ApplicationDriveState::offline, {"disabled|DOWN"}, {}, true, false, ""},
                   {core::ApplicationDriveState::online, {}, {}, false, false, ""}};
    auto reader = host::RecordReader::compile(rules, {"one", "VT1", "", {}, {}});
    if (!reader) std::abort();
    return std::move(reader).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const host::RecordReader text = fuzzed_reader(false);
    static const host::RecordReader json = fuzzed_reader(true);
    host::CommandOutcome outcome;
    outcome.end = host::CommandOutcome::End::exited;
    outcome.output.assign(reinterpret_cast<const char*>(data), size);
    for (const auto* reader : {&text, &json}) {
        const auto read = reader->read(outcome);
        if (read.state != core::ApplicationDriveState::offline) continue;
        if (outcome.output.find("one") == std::string::npos) std::abort();
    }
    return 0;
}
