#include "test/integration/iscsi/tape_host.hpp"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <memory>

#include "test/support/catch.hpp"

namespace iscsi_server_test {

namespace {

using Task = std::unique_ptr<scsi_task, decltype(&scsi_free_scsi_task)>;

Task transfer(std::uint8_t opcode, std::size_t length, int direction) {
    std::uint8_t cdb[6]{opcode,
                        0,
                        static_cast<std::uint8_t>(length >> 16),
                        static_cast<std::uint8_t>(length >> 8),
                        static_cast<std::uint8_t>(length),
                        0};
    return {scsi_create_task(6, cdb, direction, static_cast<int>(length)), &scsi_free_scsi_task};
}

}  // namespace

TapeHost::TapeHost(const HostOptions& options)
    : context_(iscsi_create_context(options.name.c_str())) {
    REQUIRE(context_ != nullptr);
    iscsi_set_session_type(context_, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(
        context_, options.header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_noautoreconnect(context_, 1);
    iscsi_set_timeout(context_, 20);
    if (options.isid != 0) iscsi_set_isid_en(context_, options.isid, 1);
    if (options.only_solicited) {
        iscsi_set_immediate_data(context_, ISCSI_IMMEDIATE_DATA_NO);
        iscsi_set_initial_r2t(context_, ISCSI_INITIAL_R2T_YES);
    }
    if (!options.user.empty()) {
        iscsi_set_initiator_username_pwd(context_, options.user.c_str(), options.secret.c_str());
    }
    if (!options.target_user.empty()) {
        iscsi_set_target_username_pwd(context_, options.target_user.c_str(),
                                      options.target_secret.c_str());
    }
}

TapeHost::~TapeHost() {
    iscsi_destroy_context(context_);
}

bool TapeHost::log_in(const std::string& portal, const std::string& target) {
    iscsi_set_targetname(context_, target.c_str());
    return iscsi_connect_sync(context_, portal.c_str()) == 0 && iscsi_login_sync(context_) == 0;
}

void TapeHost::log_out() {
    REQUIRE(iscsi_logout_sync(context_) == 0);
}

std::vector<TapeHost::Discovered> TapeHost::discover(const std::string& portal) {
    iscsi_set_session_type(context_, ISCSI_SESSION_DISCOVERY);
    std::vector<Discovered> found;
    if (iscsi_connect_sync(context_, portal.c_str()) != 0 || iscsi_login_sync(context_) != 0)
        return found;
    auto* all = iscsi_discovery_sync(context_);
    for (const auto* one = all; one != nullptr; one = one->next) {
        found.push_back({one->target_name, {}});
        for (const auto* at = one->portals; at != nullptr; at = at->next)
            found.back().portals.emplace_back(at->portal);
    }
    iscsi_free_discovery_data(context_, all);
    return found;
}

bool TapeHost::write(const std::vector<std::uint8_t>& block) {
    auto copy = block;
    const auto task = transfer(0x0a, copy.size(), SCSI_XFER_WRITE);
    scsi_iovec piece{copy.data(), copy.size()};
    scsi_task_set_iov_out(task.get(), &piece, 1);
    return iscsi_scsi_command_sync(context_, 0, task.get(), nullptr) != nullptr &&
           task->status == SCSI_STATUS_GOOD && task->residual == 0;
}

std::vector<std::uint8_t> TapeHost::read(std::size_t length) {
    const auto task = transfer(0x08, length, SCSI_XFER_READ);
    if (iscsi_scsi_command_sync(context_, 0, task.get(), nullptr) == nullptr ||
        task->status != SCSI_STATUS_GOOD || task->datain.data == nullptr)
        return {};
    return {task->datain.data, task->datain.data + task->datain.size};
}

bool TapeHost::test_unit_ready() {
    std::uint8_t cdb[6]{};
    const Task task(scsi_create_task(6, cdb, SCSI_XFER_NONE, 0), &scsi_free_scsi_task);
    return iscsi_scsi_command_sync(context_, 0, task.get(), nullptr) != nullptr &&
           task->status == SCSI_STATUS_GOOD;
}

}  // namespace iscsi_server_test
