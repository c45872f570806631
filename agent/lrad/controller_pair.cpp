// The controller as one node of a pair: what the node may do decides who is told about
// reservations, who is fenced and what is mounted.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/mount_setup.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/lrad/pair_setup.hpp"
#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/open_answers.hpp"
#include "agent/mounts/rightful_transport.hpp"
#include "agent/pair_node/node_methods.hpp"
#include "agent/postgres/external_server.hpp"
#include "agent/postgres/libpq.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "drive_iface/device/mount_key.hpp"

namespace agent::lrad {

namespace {

// Drives that do not answer must not keep a node from serving.
constexpr core::Duration old_keys_patience{10'000};
constexpr core::Duration old_key_timeout{5'000};

std::uint64_t unix_seconds() {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(runtime::clock_now().wall.ms, 0)) /
           1'000;
}

// The upper half is the pair's epoch, so that an agent can compare what the two nodes say; the
// lower one rises from life to life, as it does without a pair.
std::uint64_t first_notice_epoch(std::uint64_t pair_epoch) {
    return (pair_epoch << 32U) + unix_seconds();
}

}  // namespace

void Controller::PairPartDeleter::operator()(PairPart* part) const {
    delete part;
}

// ---- opening

core::Outcome Controller::open_pair() {
    if (!configuration_.pair) {
        pair_node::refuse_pair(*control_);
        return core::Nothing{};
    }
    if (const auto loaded = postgres::load_libpq(); !loaded) return loaded.error().within("pair");
    pair_.reset(new PairPart);
    pair_node::NodeOptions options;
    options.pair = *configuration_.pair;
    options.name = configuration_.sharing.controller;
    options.store_file = configuration_.state_dir + "/pair.db";
    std::random_device random;
    options.life = (std::uint64_t{random()} << 32U) | random();
    auto database = postgres::database_of_pair(
        loop_, configuration_.pair->database, configuration_.pair->node.node,
        configuration_.pair->node.cluster,
        [this](core::Message message, const std::vector<std::string>& words) {
            note_pair(message, words);
        });
    auto node =
        pair_node::NodeRunner::open(loop_, std::move(options), std::move(database), node_doors());
    if (!node) return node.error().within("pair");
    pair_->node = std::move(node).value();
    channel_->hear_pair([this](const std::string& peer, const std::string& line) {
        return pair_->node->hear(peer, line);
    });
    pair_->shared =
        std::make_unique<SharedRecords>(loop_, configuration_.pair->database,
                                        configuration_.sharing.controller, shared_records_doors());
    pair_->ledgers =
        std::make_unique<SharedLedgers>(loop_, configuration_.pair->database,
                                        std::string(pair::to_text(configuration_.pair->node.node)));
    open_requests();
    pair_node::NodeMethodDoors doors;
    doors.audit = [this](const runtime::Caller& caller, const std::string& action,
                         const std::string& subject, const std::string& reason) {
        const auto& vote = pair_->node->last_vote();
        if (action == "pair.enrol" && vote) pair_->enrolled[subject] = vote->ballot();
        return store_.append_audit(
            {runtime::clock_now().wall, runtime::to_text(caller), action, subject, reason});
    };
    doors.answers = [this](const std::string& agent) {
        for (const auto& peer : channel_->peers()) {
            if (peer.name == agent) return peer.answering;
        }
        return false;
    };
    pair_node::serve_node(loop_, *control_, *pair_->node, std::move(doors));
    return core::Nothing{};
}

pair_node::NodeDoors Controller::node_doors() {
    pair_node::NodeDoors doors;
    doors.say = [this](const std::string& to, const std::string& replaces, const std::string& line,
                       std::uint32_t attempts) {
        channel_->say_to_pair(to, replaces, line, attempts, nullptr);
    };
    doors.carry_out = [this](const pair::Order& order, std::function<void(bool)> done) {
        if (order.step == pair::Step::fence_old) return fence_old(order, std::move(done));
        // The claims are looked at when this node may send commands; requests wait for that.
        asio::post(loop_, [this, done = std::move(done), lives = std::weak_ptr(pair_->alive)] {
            if (lives.expired()) return;
            done(!configuration_.mounts || mounts_ != nullptr);
        });
    };
    doors.mounts_left = [this] {
        pair::MountsLeft left;
        if (!mounts_) return left;
        const auto load = mounts_->load();
        left.queued = load.queued;
        left.running = load.running;
        left.moving = load.moving;
        return left;
    };
    doors.lower = [board = right_board_](const pair::ActingRight& right) { board->lower(right); };
    doors.changed = [this] { pair_changed(); };
    doors.note = [this](core::Message message, const std::vector<std::string>& words) {
        note_pair(message, words);
    };
    doors.broken = [this](const std::string& why) {
        if (std::exchange(failed_, true)) return;
        runtime::log_critical(why);
        on_failure_(why);
    };
    return doors;
}

void Controller::start_pair() {
    end_alarms_of_no_pair();
    if (!pair_) return;
    std::vector<core::DriveRecord> drives;
    for (const auto& view : rules_.drives())
        drives.push_back(view.record);
    pair_->shared->begin(drives);
    if (pair_->requests) pair_->requests->start();
    pair_->node->start();
}

// The other node serves before this one is gone.
void Controller::leave_pair(std::function<void()> then) {
    if (!pair_ || failed_) return then();
    pair_->node->hand_over(std::move(then));
}

void Controller::stop_pair() {
    if (!pair_) return;
    pair_->node->stop();
    pair_->shared->stop();
    hosts_->rest();
    pair_->ledgers->stop();
    if (pair_->requests) pair_->requests->stop();
    right_board_->set({});
    pair_->end_round();
    pair_->table->stop();
}

// ---- what the node may do

bool Controller::is_active() const {
    return !pair_ || pair_->active;
}

core::SharingConfiguration Controller::sharing_in_force() const {
    if (is_active()) return configuration_.sharing;
    return sharing_of_watcher(configuration_.sharing);
}

// After each step of the node, and at least once a second.
void Controller::pair_changed() {
    if (!pair_ || !pair_->node || failed_) return;
    const auto right = pair_->node->right();
    right_board_->set(right);
    const bool may_send = pair::may_send(right, runtime::clock_now().monotonic);
    if (may_send && !pair_->active) become_active(right);
    if (!right.may_act && pair_->active) become_watcher();
    watch_pair();
    look_for_left_over_hosts();
    if (may_send && pair_->active) {  // what came while the time to act had run out
        for (const auto& [serial, order] : orders_.release_all())
            carry_out_order(order);
    }
    const auto& rules = pair_->node->rules();
    const auto leaves_by = rules.leaves_by();
    if (mounts_ && rules.state() == pair::NodeState::draining && leaves_by &&
        !pair::row_of(*leaves_by).serves_queue) {
        mounts_->hand_back_queue("RETRY_ELSEWHERE: controller " +
                                 configuration_.sharing.controller +
                                 " leaves service; ask the other one");
    }
}

// From now on this node tells the agents, forces drives offline and mounts: as after a start of its
// own, with what it has recorded and under a new epoch of notices. Besides, every drive is looked
// at anew and every agent is told how they all are: what happened between the other node's last
// word and this moment nobody has told them.
void Controller::become_active(const pair::ActingRight& right) {
    auto recorded = store_.load();
    core::Outcome begun = recorded ? store_.begin_new_epoch(first_notice_epoch(right.epoch))
                                   : core::Outcome(recorded.error());
    if (!begun) {
        failed_ = true;
        runtime::log_critical("the state can not be taken up: " + begun.error().message);
        return on_failure_(begun.error().message);
    }
    pair_->active = true;
    pair_->releases_once =
        ReleaseOnce(configuration_.sharing.controller, std::to_string(store_.epoch()));
    rules_ =
        core::ReservationAgent(configuration_.sharing, std::move(recorded).value(), store_.epoch());
    runtime::log_info("this controller serves the library from now on, epoch " +
                      std::to_string(right.epoch));
    pair_->shared->serve();
    announce_what_was_mirrored();
    std::vector<core::DriveSerial> to_be_seen;
    for (const auto& [serial, drive] : drives_) {
        if (drive.watch->is_polled()) to_be_seen.push_back(serial);
    }
    carry_out(rules_.take_over(to_be_seen, runtime::clock_now()));
    take_what_agents_said();
    ++pair_->activations;
    hosts_->start();
    tell_agents_anew();
    for (const auto& [serial, drive] : drives_)
        drive.watch->look_now();
    if (failed_) return;
    if (mounts_ && !std::exchange(pair_->mounting, true))
        mounts_->start_under(right.epoch, configuration_.pair->peer.name);
}

// Late words of this node must not undo what the other one says.
void Controller::become_watcher() {
    pair_->active = false;
    runtime::log_info("this controller only watches the library from now on");
    for (const auto& agent : configuration_.agents) {
        for (const auto& [serial, drive] : drives_)
            hosts_->stop_sending(agent.name, "drive:" + serial.text);
    }
    while (!releases_.empty()) {
        end_release(std::shared_ptr(releases_.begin()->second), false,
                    "the other controller serves the library now; ask it again there");
    }
    hosts_->rest();
    pair_->ledgers->leave();
    end_ledger_questions();
    pair_->left_over = PairPart::LeftOver::to_be_looked_for;
    carry_out(rules_.reconfigure(sharing_in_force(), runtime::clock_now()));
    drop_mounts();
}

void Controller::drop_mounts() {
    pair_->mounting = false;
    if (!mounts_) return;
    if (pair_->requests) pair_->requests->forget();
    end_elsewhere(std::exchange(mounts_, nullptr));
    // Its runs end where they are: what they were for is found in the table by who serves next.
    if (open_mount_answers_ == nullptr) return;
    open_mount_answers_->answer_all(
        {runtime::ControlErrorCode::busy,
         "BUSY: this controller does not serve the library any more. What was asked is done, or "
         "not: ask again, a mount with the same --request",
         R"({"reason": "not_serving"})"});
}

void Controller::end_elsewhere(std::shared_ptr<mounts::MountService> service) {
    std::erase_if(pair_->endings, [](auto& ending) {
        if (!ending.over->load()) return false;
        ending.thread.join();
        return true;
    });
    service->stop();
    const auto over = std::make_shared<std::atomic<bool>>(false);
    pair_->endings.push_back({over, std::thread([over, ended = std::move(service)]() mutable {
                                  ended.reset();
                                  over->store(true);
                              })});
}

std::optional<runtime::ControlError> Controller::not_here() const {
    if (is_active()) return std::nullopt;
    const auto why = why_not_mounting(false);
    return runtime::ControlError{
        runtime::ControlErrorCode::busy,
        why ? why->words : "this controller only watches at this moment",
        R"({"reason": ")" + (why ? why->reason : std::string("not_active")) + "\"}"};
}

std::optional<mounts::MountFault> Controller::why_not_mounting(bool serving) const {
    return lrad::why_not_mounting(*pair_->node, serving);
}

// ---- the drive table and the devices

// A node that is to serve learns first which drives the other one has forced offline.
void Controller::fence_old(const pair::Order& order, std::function<void(bool)> done) {
    drop_mounts();
    pair_->end_round();
    pair_->fence_order = order.number;
    pair_->shared->read_before_serving(
        [this, order, done = std::move(done)](const core::Outcome& read) {
            if (!read) {
                note_pair(core::Message::pair_claims_not_judged, {read.error().message});
                return done(false);
            }
            if (!is_fencing(order) || failed_) return done(false);
            if (!configuration_.mounts) return done(true);
            open_table(order, done);
        });
}

// false: another order has come, or the right to it has gone.
bool Controller::is_fencing(const pair::Order& order) const {
    return order.number == pair_->fence_order &&
           pair_->node->rules().running_step() == pair::Step::fence_old;
}

// Then it opens the table, whose number for it is part of its keys, and takes the other's dead keys
// off the drives before anything else is sent to them.
void Controller::open_table(const pair::Order& order, std::function<void(bool)> done) {
    auto changer = make_changer(configuration_);
    if (!changer) {
        runtime::log_error(changer.error().within("mounts.changer").message);
        return asio::post(loop_, [done = std::move(done)] { done(false); });
    }
    auto section = *configuration_.mounts;
    section.database = table_servers(configuration_);
    const auto posted = pair_->table->post(
        [this, section = std::move(section), state_dir = configuration_.state_dir, order, done,
         device =
             std::make_shared<std::unique_ptr<drive_iface::Transport>>(std::move(changer).value()),
         doors = mount_doors(), lives = std::weak_ptr(pair_->alive)] {
            using Opened = core::Result<std::shared_ptr<mounts::MountService>>;
            auto opened = std::make_shared<Opened>([&]() -> Opened {
                auto table = open_drive_table(section, state_dir);
                if (!table) return table.error();
                return mounts::MountService::open(loop_, mount_options(section),
                                                  std::move(table).value(), std::move(*device),
                                                  doors);
            }());
            asio::post(loop_, [this, opened, order, done, lives] {
                if (lives.expired()) return;
                if (!*opened) {
                    note_pair(core::Message::pair_claims_not_judged, {opened->error().message});
                    return done(false);
                }
                if (!is_fencing(order)) {
                    end_elsewhere(std::move(*opened).value());
                    return done(false);
                }
                drop_mounts();
                mounts_ = std::move(*opened).value();
                preempt_old_keys(order.epoch, done);
            });
        });
    if (!posted) asio::post(loop_, [done = std::move(done)] { done(false); });
}

// Nothing is sent after the patience is over, nor when another order has come: whoever was
// suspended, or waited behind a drive that hangs, would take the key of a node that serves by now.
void Controller::preempt_old_keys(std::uint64_t epoch, std::function<void(bool)> done) {
    const auto family = mount_key_family_of(configuration_);
    const auto own = drive_iface::mount_key(family, mounts_->writer().node_number, epoch);
    struct Round {
        std::set<core::DriveSerial> waits_for;
        std::function<void(bool)> done;
        asio::steady_timer patience;
        std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
        void end() {
            over->store(true);
            patience.cancel();
            if (done) std::exchange(done, nullptr)(true);
        }
    };
    const auto round =
        std::make_shared<Round>(Round{{}, std::move(done), asio::steady_timer(loop_)});
    pair_->round_over = round->over;
    const auto until = runtime::clock_now().monotonic + old_keys_patience;
    const mounts::ActingDoor acting = [over = round->over, until, epoch] {
        return pair::ActingRight{epoch, false, !over->load(), until};
    };
    round->patience.expires_after(std::chrono::milliseconds(old_keys_patience.ms));
    round->patience.async_wait(
        [this, round, lives = std::weak_ptr(pair_->alive)](const std::error_code& error) {
            if (error || lives.expired()) return;
            for (const auto& serial : round->waits_for) {
                note_pair(core::Message::pair_old_key_stands,
                          {serial.text, "it has not answered in time"});
            }
            round->end();
        });
    for (const auto& [serial, drive] : drives_) {
        if (!drive.watch->is_polled()) continue;
        round->waits_for.insert(serial);
        drive.watch->run({[family, own, acting, epoch](drive_iface::Transport& raw,
                                                       core::Duration) -> core::Outcome {
                              mounts::RightfulTransport device(raw, acting, epoch);
                              const auto holder =
                                  mounts::look_at_holder(device, family, own, old_key_timeout);
                              if (holder.held == claims::HeldBy::no_answer)
                                  return core::Error{holder.words};
                              const bool dead = holder.held == claims::HeldBy::dead_key &&
                                                !drive_iface::is_newer_mount_key(holder.key, own);
                              if (!dead) return core::Nothing{};
                              const auto held =
                                  mounts::hold_drive(device, family, own, old_key_timeout);
                              if (!held) return held.error();
                              return core::Nothing{};
                          },
                          [this, round, serial = serial](const core::Outcome& outcome) {
                              if (round->waits_for.erase(serial) == 0 || round->over->load())
                                  return;
                              if (!outcome) {
                                  note_pair(core::Message::pair_old_key_stands,
                                            {serial.text, outcome.error().message});
                              }
                              if (round->waits_for.empty()) round->end();
                          }});
    }
    if (round->waits_for.empty()) asio::post(loop_, [round] { round->end(); });
}

}  // namespace agent::lrad
