#include "drive_iface/web/loop_questions.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

namespace drive_iface::web {

namespace {

constexpr auto ask_again_after = std::chrono::milliseconds(5);
constexpr std::size_t waiting_questions_max = 64;

}  // namespace

class LoopQuestions::State : public std::enable_shared_from_this<State> {
  public:
    State(asio::io_context& loop, std::chrono::milliseconds patience)
        : loop_(&loop), timer_(loop), patience_(patience) {}

    bool wait_for(Attempt attempt);
    void tell(std::function<void()> message);
    void progress();
    void stop();

  private:
    enum class Fate : std::uint8_t { open, answered, given_up };
    struct Question {
        Attempt attempt;         // the loop's
        Fate fate = Fate::open;  // guarded by mutex_
    };

    void take(const std::shared_ptr<Question>& question);
    bool settle(Question& question);
    void try_all();
    void try_later();

    asio::io_context* loop_;
    asio::steady_timer timer_;
    std::chrono::milliseconds patience_;
    bool progress_posted_ = false;
    std::list<std::shared_ptr<Question>> waiting_;  // the loop's

    std::mutex mutex_;  // guards what follows and each question's fate
    std::condition_variable decided_;
    bool stopped_ = false;
    std::size_t asked_ = 0;
};

bool LoopQuestions::State::wait_for(Attempt attempt) {
    auto question = std::make_shared<Question>();
    question->attempt = std::move(attempt);
    std::unique_lock lock(mutex_);
    if (stopped_ || asked_ >= waiting_questions_max) return false;
    ++asked_;
    asio::post(*loop_, [self = shared_from_this(), question] { self->take(question); });
    decided_.wait_for(lock, patience_,
                      [&] { return stopped_ || question->fate == Fate::answered; });
    --asked_;
    if (question->fate == Fate::answered) return true;
    question->fate = Fate::given_up;
    return false;
}

void LoopQuestions::State::tell(std::function<void()> message) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    asio::post(*loop_, [self = shared_from_this(), message = std::move(message)] {
        {
            const std::lock_guard again(self->mutex_);
            if (self->stopped_) return;
        }
        message();
    });
}

void LoopQuestions::State::take(const std::shared_ptr<Question>& question) {
    if (settle(*question)) return;
    waiting_.push_back(question);
    try_later();
}

// True: it needs no further attempt. What the attempt holds ends here, on the loop.
bool LoopQuestions::State::settle(Question& question) {
    const auto wanted = [&] {
        const std::lock_guard lock(mutex_);
        return !stopped_ && question.fate == Fate::open;
    };
    if (wanted() && !question.attempt()) return false;
    question.attempt = nullptr;
    const std::lock_guard lock(mutex_);
    if (question.fate == Fate::open && !stopped_) question.fate = Fate::answered;
    decided_.notify_all();
    return true;
}

void LoopQuestions::State::try_all() {
    waiting_.remove_if([this](const auto& question) { return settle(*question); });
    if (!waiting_.empty()) try_later();
}

// Not at once: whoever made progress may be what an attempt ends.
void LoopQuestions::State::progress() {
    if (progress_posted_ || waiting_.empty()) return;
    progress_posted_ = true;
    asio::post(*loop_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->progress_posted_ = false;
        self->try_all();
    });
}

void LoopQuestions::State::try_later() {
    timer_.expires_after(ask_again_after);
    timer_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled) self->try_all();
    });
}

void LoopQuestions::State::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        decided_.notify_all();
    }
    timer_.cancel();
    for (const auto& question : waiting_)
        question->attempt = nullptr;
    waiting_.clear();
}

LoopQuestions::LoopQuestions(asio::io_context& loop, std::chrono::milliseconds patience)
    : state_(std::make_shared<State>(loop, patience)) {}
LoopQuestions::~LoopQuestions() {
    state_->stop();
}
bool LoopQuestions::wait_for(Attempt attempt) {
    return state_->wait_for(std::move(attempt));
}
void LoopQuestions::tell(std::function<void()> message) {
    state_->tell(std::move(message));
}
void LoopQuestions::progress() {
    state_->progress();
}
void LoopQuestions::stop() {
    state_->stop();
}

}  // namespace drive_iface::web
