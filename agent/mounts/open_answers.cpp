#include "agent/mounts/open_answers.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace agent::mounts {

std::shared_ptr<OpenAnswers> OpenAnswers::make() {
    return std::make_shared<OpenAnswers>();
}

OpenAnswers::OpenAnswers() = default;
OpenAnswers::~OpenAnswers() = default;

OpenAnswers::Answerer OpenAnswers::keep(Answerer answer) {
    std::erase_if(open_, [](const auto& one) { return !*one; });
    const auto kept = std::make_shared<Answerer>(std::move(answer));
    open_.push_back(kept);
    return [kept](runtime::ControlAnswer said) {
        if (*kept) std::exchange(*kept, nullptr)(std::move(said));
    };
}

void OpenAnswers::answer_all(const runtime::ControlError& error) {
    for (const auto& one : std::exchange(open_, {})) {
        if (*one) std::exchange(*one, nullptr)(error);
    }
}

}  // namespace agent::mounts
