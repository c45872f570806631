#include "agent/shell/interruption.hpp"

#include <csignal>

namespace agent::shell {
namespace {

volatile std::sig_atomic_t noted = 0;

extern "C" void note_interruption(int) {
    noted = 1;
}

}  // namespace

struct InterruptionGuard::Before {
    struct sigaction action {};
};

InterruptionGuard::InterruptionGuard() : before_(std::make_unique<Before>()) {
    noted = 0;
    struct sigaction action {};
    action.sa_handler = note_interruption;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &before_->action);
}

InterruptionGuard::~InterruptionGuard() {
    ::sigaction(SIGINT, &before_->action, nullptr);
}

bool InterruptionGuard::interrupted() {
    return noted != 0;
}
void InterruptionGuard::forget() {
    noted = 0;
}

}  // namespace agent::shell
