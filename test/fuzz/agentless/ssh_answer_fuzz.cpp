// Any bytes as what ssh printed, with any end: never believed without the marker, never unprintable
// to an operator.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/agentless/ssh_answer.hpp"

using namespace agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    host::CommandOutcome outcome;
    outcome.end = static_cast<host::CommandOutcome::End>(data[0] % 6);
    outcome.exit_status = data[1];
    const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
    outcome.output = text.substr(0, text.find('\x01'));
    if (outcome.output.size() < text.size())
        outcome.error_output = text.substr(outcome.output.size() + 1);
    const bool marked = outcome.output.find("\nlra-end-7 ") != std::string::npos;
    const auto answer = agentless::read_ssh_answer(outcome, "lra-end-7", {1'000});
    const bool ended = answer.outcome.end == host::CommandOutcome::End::exited;
    if (ended && !marked) std::abort();
    if (answer.outcome.output.size() > outcome.output.size()) std::abort();
    for (const char c : answer.words) {
        if (c < 0x20 || c > 0x7e) std::abort();
    }
    return 0;
}
