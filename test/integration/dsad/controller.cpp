#include "controller.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "scene.hpp"

namespace test_dsad {

namespace core = agent::core;

Controller& Controller::instance() {
    static Controller controller;
    return controller;
}

Controller::Controller() : folder_(make_folder("controller")) {
    snmp_mib::SnmpChannelConfiguration configuration;
    configuration.role = snmp_mib::ChannelRole::controller;
    configuration.own_name = "lra";
    configuration.listen = "udp:127.0.0.1:0";
    configuration.state_dir = folder_;
    auto channel = snmp_mib::SnmpNoticeChannel::open(
        loop_, configuration,
        [this](const std::string& peer, const snmp_mib::AgentMessage& message) {
            if (const auto* confirmed = std::get_if<snmp_mib::NoticeConfirmation>(&message)) {
                confirmations_.push_back(confirmed->confirmation);
            }
            if (std::holds_alternative<snmp_mib::AgentStartedMessage>(message))
                started_.push_back(peer);
            if (std::holds_alternative<snmp_mib::AgentStoppingMessage>(message))
                stopping_.push_back(peer);
        },
        [](const snmp_mib::SnmpEvent&) {});
    if (!channel) throw std::runtime_error(channel.error().message);
    channel_ = std::move(channel).value();
}

Controller::~Controller() {
    channel_.reset();
    std::filesystem::remove_all(folder_);
}

void Controller::talk_to(const std::string& agent, std::uint16_t port,
                         const snmp_mib::UsmUserConfiguration& user) {
    started_.clear();
    stopping_.clear();
    const auto exchanged = channel_->reconfigure(
        {{agent, "udp:127.0.0.1:" + std::to_string(port), user.name, ""}}, {user});
    if (!exchanged) throw std::runtime_error(exchanged.error().message);
}

core::NoticeId Controller::tell(const std::string& agent, const std::string& drive,
                                const core::Reservation& reservation,
                                const std::string& holder_domain) {
    newest_ = {};
    newest_.id = {1, ++sequence_};
    newest_.controller = "lra";
    newest_.drive = {drive};
    newest_.reservation = reservation;
    newest_.evidence = core::HolderEvidence::drive_event;
    newest_.holder_domain = holder_domain;
    send_notice(agent);
    return newest_.id;
}

void Controller::repeat(const std::string& agent) {
    send_notice(agent);
}

void Controller::send_notice(const std::string& agent) {
    channel_->send(agent, "notice " + newest_.drive.text, snmp_mib::ReservationNotice{newest_},
                   [] {});
}

std::optional<core::Confirmation> Controller::next_confirmation(core::NoticeId id,
                                                                std::chrono::milliseconds within) {
    const auto of_notice = [&](const core::Confirmation& one) { return one.id == id; };
    const auto find = [&] {
        return std::find_if(confirmations_.begin(), confirmations_.end(), of_notice);
    };
    if (!run_until([&] { return find() != confirmations_.end(); }, within)) return std::nullopt;
    const auto found = find();
    core::Confirmation confirmation = *found;
    confirmations_.erase(found);
    return confirmation;
}

bool Controller::says_started(const std::string& agent) {
    return run_until([&] { return std::count(started_.begin(), started_.end(), agent) > 0; },
                     patience);
}

bool Controller::says_stopping(const std::string& agent, std::chrono::milliseconds within) {
    return run_until([&] { return std::count(stopping_.begin(), stopping_.end(), agent) > 0; },
                     within);
}

void Controller::run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
}

bool Controller::run_until(const std::function<bool()>& reached, std::chrono::milliseconds within) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (!reached()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        loop_.restart();
        loop_.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

core::Reservation reserved_by(const std::string& iscsi_name) {
    core::Reservation reservation;
    reservation.state = core::ReservationState::reserved;
    reservation.kind = core::ReservationKind::reserve6;
    reservation.holders = {{core::Transport::iscsi, iscsi_name, "00023d000001", "192.0.2.17"}};
    return reservation;
}

core::Reservation nobody() {
    core::Reservation reservation;
    reservation.state = core::ReservationState::free;
    return reservation;
}

}  // namespace test_dsad
