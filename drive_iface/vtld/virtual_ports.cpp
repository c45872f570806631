#include "drive_iface/vtld/virtual_ports.hpp"

#include <utility>

namespace drive_iface::vtld {

namespace {

constexpr int attentions_in_a_row_max = 4;

bool is_unit_attention(const CommandReply& reply) {
    if (reply.status != virtual_library::Status::check_condition) return false;
    const auto sense = scsi::decode_sense(reply.sense);
    return sense && sense->key == scsi::SenseKey::unit_attention;
}

}  // namespace

void VirtualPorts::command(const agent::core::InitiatorPort& port, const std::string& drive,
                           const iscsi::Bytes& cdb, const iscsi::Bytes& data_out,
                           const Done& done) {
    attempt({port, drive}, cdb, data_out, 0, done);
}

void VirtualPorts::command_past_attentions(const agent::core::InitiatorPort& port,
                                           const std::string& drive, const iscsi::Bytes& cdb,
                                           const iscsi::Bytes& data_out, const Done& done) {
    attempt({port, drive}, cdb, data_out, attentions_in_a_row_max, done);
}

void VirtualPorts::attempt(const Key& key, const iscsi::Bytes& cdb, const iscsi::Bytes& data_out,
                           int attempts_left, const Done& done) {
    auto login = nexuses_.find(key);
    if (login == nexuses_.end()) {
        if (nexuses_.size() >= logins_max) {
            return done(agent::core::Error{
                "too many virtual ports are logged in; log some out with port.logout"});
        }
        const auto nexus = bay_->nexus_established(key.second, key.first);
        if (!nexus) return done(nexus.error());
        login = nexuses_.emplace(key, nexus.value()).first;
    }
    auto judge = [this, key, cdb, data_out, attempts_left, done](CommandReply reply) {
        if (attempts_left > 0 && is_unit_attention(reply)) {
            return attempt(key, cdb, data_out, attempts_left - 1, done);
        }
        done(std::move(reply));
    };
    auto taken = data_out;
    auto reply = bay_->execute(login->second, ++last_task_, 0, cdb, taken, judge);
    if (reply) judge(std::move(*reply));
}

bool VirtualPorts::log_out(const agent::core::InitiatorPort& port, const std::string& drive) {
    const auto login = nexuses_.find({port, drive});
    if (login == nexuses_.end()) return false;
    const auto nexus = login->second;
    nexuses_.erase(login);
    bay_->nexus_lost(nexus);
    return true;
}

void VirtualPorts::forget_all() {
    for (const auto& [key, nexus] : std::exchange(nexuses_, {}))
        bay_->nexus_lost(nexus);
}

std::vector<VirtualPorts::Login> VirtualPorts::logins() const {
    std::vector<Login> logins;
    for (const auto& [key, nexus] : nexuses_)
        logins.push_back({key.first, key.second});
    return logins;
}

}  // namespace drive_iface::vtld
