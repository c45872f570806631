#pragma once

// The life of a daemon in the foreground: signals, and the conversation with the service manager
// (sd_notify(3)).

#include <functional>
#include <memory>
#include <string>

#include "agent/core/result.hpp"

namespace asio {
class io_context;
}

namespace agent::runtime {

struct ServiceHandlers {
    // SIGTERM or SIGINT, once: begin an orderly stop; when all is said, call Service::finish(). A
    // second signal ends the process at once with status 1.
    std::function<void()> stop;
    // SIGHUP: read the configuration again. An error means the old configuration stays; it is
    // logged.
    std::function<core::Outcome()> reload;
};

// All functions and handlers run on the event loop's thread. Without a service manager the
// notifications go nowhere.
class Service {
  public:
    Service(asio::io_context& loop, ServiceHandlers handlers);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    void ready(const std::string&
                   status);  // READY=1; also starts answering the watchdog when one is asked for
    void status(const std::string& status);  // STATUS=
    void finish();  // lets go of signals and timers and stops the event loop

  private:
    class Signals;
    std::shared_ptr<Signals>
        signals_;  // shared with the handlers that are still queued in the loop
};

}  // namespace agent::runtime
