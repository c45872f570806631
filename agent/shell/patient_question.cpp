#include "agent/shell/patient_question.hpp"

#include <unistd.h>
#include <csignal>

#include <chrono>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "agent/shell/command_output.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/interruption.hpp"
#include "agent/shell/screen.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using namespace std::chrono_literals;

namespace {

constexpr auto look_again = 250ms;

// One line of a terminal that is written over and over, with blanks: not every terminal knows how
// to erase.
class ProgressLine {
  public:
    explicit ProgressLine(std::FILE* stream) : stream_(terminal(stream) ? stream : nullptr) {}
    ~ProgressLine() { show(""); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const std::string& text) {
        if (stream_ == nullptr || (text.empty() && shown_ == 0)) return;
        const auto width = screen_of(::fileno(stream_)).columns;
        const std::string line = elided(text, width - 1);
        const auto columns = columns_of(line);
        const std::string rest(shown_ > columns ? shown_ - columns : 0, ' ');
        print(stream_, "\r" + line + rest + (line.empty() ? "\r" : ""));
        std::fflush(stream_);
        shown_ = columns;
    }
    [[nodiscard]] bool is_seen() const { return stream_ != nullptr; }

  private:
    std::FILE* stream_;
    std::size_t shown_ = 0;  // columns
};

// On a thread of its own, which ends by itself when nobody waits for the answer any more.
std::future<ControlAnswer> begin_asking(const PatientQuestion& question) {
    auto promise = std::make_shared<std::promise<ControlAnswer>>();
    auto answer = promise->get_future();
    std::thread([promise, socket = question.socket, method = question.method,
                 params = question.params, within = question.answered_within] {
        // Ctrl-C belongs to the thread that shows the progress.
        sigset_t interrupt;
        ::sigemptyset(&interrupt);
        ::sigaddset(&interrupt, SIGINT);
        ::pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
        promise->set_value(ask(socket, method, params, within));
    }).detach();
    return answer;
}

}  // namespace

ControlAnswer ask_patiently(const PatientQuestion& question) {
    const InterruptionGuard guard;
    auto answer = begin_asking(question);
    ProgressLine line(question.shown_on);
    bool asked_to_give_up = false;
    std::string trouble;  // with giving it up
    while (answer.wait_for(look_again) != std::future_status::ready) {
        if (InterruptionGuard::interrupted()) {
            InterruptionGuard::forget();
            if (asked_to_give_up || !question.cancel) {
                return ControlError{ControlErrorCode::failed,
                                    "it is no longer waited for; what was asked goes on" +
                                        (trouble.empty() ? "" : " (" + trouble + ")")};
            }
            asked_to_give_up = true;
            line.show("giving it up ...");
            const auto given_up = question.cancel();
            if (const auto* error = std::get_if<ControlError>(&given_up)) {
                trouble = "it could not be given up: " + error->message;
                line.show(trouble + "; Ctrl-C again leaves it alone");
            }
        }
        if (line.is_seen() && !asked_to_give_up) line.show(question.progress());
    }
    return answer.get();
}

}  // namespace agent::shell
