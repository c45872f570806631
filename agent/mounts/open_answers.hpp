#pragma once

// Requests that were not answered yet. A service that is given up because its node may not act any
// more answers nobody: whoever waits for it is told so here.

#include <memory>
#include <vector>

#include "agent/runtime/control_server.hpp"

namespace agent::mounts {

// On the event loop's thread.
class OpenAnswers {
  public:
    using Answerer = runtime::ControlServer::Answerer;

    [[nodiscard]] static std::shared_ptr<OpenAnswers> make();
    OpenAnswers();
    ~OpenAnswers();
    OpenAnswers(const OpenAnswers&) = delete;
    OpenAnswers& operator=(const OpenAnswers&) = delete;

    // Answers once, whoever answers first.
    [[nodiscard]] Answerer keep(Answerer answer);
    void answer_all(const runtime::ControlError& error);

  private:
    // Of whoever was answered nothing is left in it.
    std::vector<std::shared_ptr<Answerer>> open_;
};

}  // namespace agent::mounts
