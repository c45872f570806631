#include "drive_iface/device/iscsi_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "agent/core/errno_text.hpp"
#include "drive_iface/device/iscsi_target_proof.hpp"

namespace drive_iface::iscsi_client {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

// Ends the context while the completions of what is still under way are there: it calls them.
Outcome login_refused(Context& context, const std::string& what, bool answered, Duration timeout) {
    const std::string reason = answered ? last_error(context.get())
                                        : "no answer within " + std::to_string(timeout.ms) + " ms";
    const Error why{what + ": " + reason};
    context.reset();
    return why;
}

// Of a descriptor that poll() says is broken. Asked once: that clears it.
int error_of_socket(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

// Yes: the target has to prove itself.
Result<bool> use_credentials(iscsi_context* context, const IscsiCredentialsDoor& credentials) {
    if (!credentials) return false;
    const auto known = credentials();
    if (!known) return known.error();
    if (known->user.empty()) return false;
    const auto fits = [](const std::string& text) { return text.size() <= MAX_STRING_SIZE; };
    const Error too_long{"CHAP: a name or secret of more than 255 bytes"};
    if (!fits(known->user) || !fits(known->secret) || !fits(known->target_user) ||
        !fits(known->target_secret)) {
        return too_long;
    }
    if (iscsi_set_initiator_username_pwd(context, known->user.c_str(), known->secret.c_str()) != 0)
        return Error{"CHAP: " + last_error(context)};
    if (known->target_user.empty()) return false;
    if (iscsi_set_target_username_pwd(context, known->target_user.c_str(),
                                      known->target_secret.c_str()) != 0) {
        return Error{"mutual CHAP: " + last_error(context)};
    }
    return true;
}

bool logs_in(iscsi_context* session, Completion& logged_in, Duration timeout) {
    {
        const auto turn = TargetProof::turn();
        if (iscsi_login_async(session, completed, &logged_in) != 0) return false;
    }
    return serve(session, logged_in, timeout) && logged_in.status == SCSI_STATUS_GOOD;
}

}  // namespace

void completed(iscsi_context*, int status, void*, void* completion) noexcept {
    auto* result = static_cast<Completion*>(completion);
    result->done = true;
    result->status = status;
}

bool serve(iscsi_context* context, const Completion& completion, Duration timeout,
           int* socket_error) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout.ms);
    while (!completion.done) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waiting{iscsi_get_fd(context), static_cast<short>(iscsi_which_events(context)), 0};
        const int ready =
            ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000)));
        if (ready < 0 && errno != EINTR) return false;
        const bool broken = ready > 0 && (waiting.revents & (POLLERR | POLLHUP)) != 0;
        if (broken && socket_error != nullptr) {
            *socket_error = error_of_socket(waiting.fd);
            if (*socket_error != 0) return false;
        }
        const auto turn = TargetProof::turn();
        if (iscsi_service(context, ready > 0 ? waiting.revents : 0) != 0) return completion.done;
    }
    return true;
}

std::string last_error(iscsi_context* context) {
    const char* text = iscsi_get_error(context);
    std::string words = text == nullptr ? "" : text;
    while (!words.empty() && (words.back() == '\n' || words.back() == ' '))
        words.pop_back();
    return words.empty() ? "no reason given" : words;
}

Outcome log_in(Context& context, const std::string& portal, Duration timeout,
               const IscsiCredentialsDoor& credentials) {
    iscsi_context* session = context.get();
    // Its environment may have given it one: the text for log lines belongs to TargetProof.
    iscsi_set_log_fn(session, nullptr);
    iscsi_set_noautoreconnect(session, 1);
    const auto mutual = use_credentials(session, credentials);
    if (!mutual) {
        context.reset();
        return mutual.error();
    }
    Completion connected;
    int refusal = 0;
    if (iscsi_connect_async(session, portal.c_str(), completed, &connected) != 0 ||
        !serve(session, connected, timeout, &refusal) || connected.status != SCSI_STATUS_GOOD) {
        if (refusal == 0) return login_refused(context, "can not connect", connected.done, timeout);
        context.reset();
        return Error{"can not connect: " + agent::core::errno_text(refusal)};
    }
    Completion logged_in;
    bool good = false;
    bool proven = true;
    if (*mutual) {
        const TargetProof proof(session);
        good = logs_in(session, logged_in, timeout);
        proven = proof.is_given();
    } else {
        good = logs_in(session, logged_in, timeout);
    }
    if (!good) return login_refused(context, "login failed", logged_in.done, timeout);
    if (proven) return Nothing{};
    context.reset();
    return Error{
        "it lets everybody in and has not proven who it is (mutual CHAP): either CHAP is switched "
        "off there, or somebody else answers at that address"};
}

void log_out(Context& context) {
    if (context == nullptr) return;
    Completion logged_out;
    if (iscsi_is_logged_in(context.get()) != 0 &&
        iscsi_logout_async(context.get(), completed, &logged_out) == 0)
        static_cast<void>(serve(context.get(), logged_out, Duration{1'000}));
    context.reset();
}

}  // namespace drive_iface::iscsi_client
