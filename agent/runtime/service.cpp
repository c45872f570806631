#include "agent/runtime/service.hpp"

#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <utility>

#include "agent/runtime/exit_code.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/service_manager.hpp"

namespace agent::runtime {

namespace {

// A line end would begin another assignment of the protocol.
std::string status_line(const std::string& status) {
    std::string line = "STATUS=" + status;
    for (char& c : line) {
        if (c == '\n') c = ' ';
    }
    return line;
}

// RELOADING=1 carries the time for Type=notify-reload units (sd_notify(3)).
void notify_reloading() {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    const auto us = std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1'000;
    tell_service_manager("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

}  // namespace

class Service::Signals : public std::enable_shared_from_this<Service::Signals> {
  public:
    Signals(asio::io_context& loop, ServiceHandlers handlers)
        : loop_(loop),
          handlers_(std::move(handlers)),
          signals_(loop, SIGTERM, SIGINT, SIGHUP),
          watchdog_(loop) {
        // A peer that closes its end is an error of that write, not the end of the process.
        std::signal(SIGPIPE, SIG_IGN);
    }

    void wait() {
        signals_.async_wait([self = shared_from_this()](const std::error_code& error, int signal) {
            if (error || self->released_) return;
            self->wait();
            self->take(signal);
        });
    }

    // Half the interval, as sd_watchdog_enabled(3) recommends. Runs on the loop: a loop that hangs
    // does not answer.
    void begin_watchdog() {
        const auto limit = watchdog_limit();
        if (!limit || limit->count() < 2) return;
        watchdog_interval_ = *limit / 2;
        answer_watchdog();
    }

    void release() {
        released_ = true;
        signals_.cancel();
        watchdog_.cancel();
    }

    asio::io_context& loop() { return loop_; }

  private:
    void take(int signal) {
        if (signal == SIGHUP) {
            reload();
            return;
        }
        if (stopping_) {
            log_warning("stopped at once by a second signal");
            ::_exit(number(ExitCode::failure));
        }
        stopping_ = true;
        log_info(signal == SIGTERM ? "asked to stop (SIGTERM)" : "asked to stop (SIGINT)");
        tell_service_manager("STOPPING=1\nSTATUS=stopping");
        if (handlers_.stop) handlers_.stop();
    }

    void reload() {
        if (stopping_ || !handlers_.reload) return;
        notify_reloading();
        const core::Outcome outcome = handlers_.reload();
        if (outcome.ok()) {
            log_info("configuration read again");
        } else {
            log_error("configuration not changed, the old one stays in force: " +
                      outcome.error().message);
        }
        tell_service_manager("READY=1");
    }

    void answer_watchdog() {
        tell_service_manager("WATCHDOG=1");
        watchdog_.expires_after(watchdog_interval_);
        watchdog_.async_wait([self = shared_from_this()](const std::error_code& error) {
            if (!error && !self->released_) self->answer_watchdog();
        });
    }

    asio::io_context& loop_;
    ServiceHandlers handlers_;
    asio::signal_set signals_;
    asio::steady_timer watchdog_;
    std::chrono::microseconds watchdog_interval_{0};
    bool stopping_ = false;
    bool released_ = false;
};

Service::Service(asio::io_context& loop, ServiceHandlers handlers)
    : signals_(std::make_shared<Signals>(loop, std::move(handlers))) {
    signals_->wait();
}

Service::~Service() {
    signals_->release();
}

void Service::ready(const std::string& status) {
    tell_service_manager("READY=1\n" + status_line(status));
    signals_->begin_watchdog();
}

void Service::status(const std::string& status) {
    tell_service_manager(status_line(status));
}

void Service::finish() {
    signals_->release();
    signals_->loop().stop();
}

}  // namespace agent::runtime
