#include "agent/postgres/order_line.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <utility>

namespace agent::postgres {

using pair::Order;
using pair::OrderAnswered;
using pair::Step;

namespace {

constexpr std::size_t orders_max = 64;

}  // namespace

bool stops(Step step) {
    return step == Step::stop_database || step == Step::stop_database_at_once;
}

bool stops_at_once(const Order& order) {
    return order.step == Step::stop_database_at_once || (stops(order.step) && order.at_once);
}

void OrderLine::put(const Order& order, Answered answered) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= orders_max) {
        OrderAnswered no;
        no.number = order.number;
        return answer(std::move(answered), no);
    }
    newest_ = order.number;
    if (stops(order.step)) newest_stop_ = order.number;
    if (stops_at_once(order)) newest_stop_at_once_ = order.number;
    jobs_.push_back({order, std::move(answered)});
    changed_.notify_all();
}

void OrderLine::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
    changed_.notify_all();
}

std::optional<OrderLine::Job> OrderLine::take(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, within, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_ || jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

void OrderLine::post(std::function<void()> what) {
    asio::post(loop_, [alive = std::weak_ptr<int>(alive_), what = std::move(what)] {
        if (!alive.expired()) what();
    });
}

void OrderLine::answer(Answered answered, const OrderAnswered& with) {
    post([answered = std::move(answered), with] { answered(with); });
}

void OrderLine::tell(core::Message message, std::vector<std::string> arguments) {
    post([this, message, arguments = std::move(arguments)] { tell_(message, arguments); });
}

}  // namespace agent::postgres
