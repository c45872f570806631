#include "test/integration/vtld/libiscsi_host.hpp"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "test/support/catch.hpp"

namespace vtld_test {

LibiscsiHost::LibiscsiHost(const std::string& name, const Options& options)
    : context_(iscsi_create_context(name.c_str())) {
    REQUIRE(context_ != nullptr);
    iscsi_set_session_type(context_, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(
        context_, options.digests ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_noautoreconnect(context_, 1);
    iscsi_set_timeout(context_, 10);
    if (!options.user.empty()) {
        iscsi_set_initiator_username_pwd(context_, options.user.c_str(), options.secret.c_str());
    }
}

LibiscsiHost::~LibiscsiHost() {
    iscsi_destroy_context(context_);
}

bool LibiscsiHost::log_in(const std::string& portal, const std::string& target) {
    iscsi_set_targetname(context_, target.c_str());
    logged_in_ =
        iscsi_connect_sync(context_, portal.c_str()) == 0 && iscsi_login_sync(context_) == 0;
    return logged_in_;
}

std::string LibiscsiHost::error() const {
    return iscsi_get_error(context_);
}

void LibiscsiHost::log_out() {
    REQUIRE(iscsi_logout_sync(context_) == 0);
}

void LibiscsiHost::break_connection() {
    REQUIRE(iscsi_disconnect(context_) == 0);
}

LibiscsiHost::Reply LibiscsiHost::run(std::vector<std::uint8_t> cdb, int data_in_max) {
    auto* task = scsi_create_task(static_cast<int>(cdb.size()), cdb.data(),
                                  data_in_max > 0 ? SCSI_XFER_READ : SCSI_XFER_NONE, data_in_max);
    REQUIRE(task != nullptr);
    Reply reply;
    if (auto* done = iscsi_scsi_command_sync(context_, 0, task, nullptr)) {
        reply.status = done->status;
        reply.sense_key = static_cast<int>(done->sense.key);
        reply.asc_ascq = done->sense.ascq;
        if (done->datain.data != nullptr) {
            reply.data.assign(done->datain.data, done->datain.data + done->datain.size);
        }
    }
    scsi_free_scsi_task(task);
    return reply;
}

LibiscsiHost::Reply LibiscsiHost::send(std::vector<std::uint8_t> cdb,
                                       std::vector<std::uint8_t> data_out) {
    auto* task = scsi_create_task(static_cast<int>(cdb.size()), cdb.data(), SCSI_XFER_WRITE,
                                  static_cast<int>(data_out.size()));
    REQUIRE(task != nullptr);
    iscsi_data data{data_out.size(), data_out.data()};
    Reply reply;
    if (auto* done = iscsi_scsi_command_sync(context_, 0, task, &data)) {
        reply.status = done->status;
        reply.sense_key = static_cast<int>(done->sense.key);
        reply.asc_ascq = done->sense.ascq;
    }
    scsi_free_scsi_task(task);
    return reply;
}

void LibiscsiHost::settle() {
    constexpr int becoming_ready =
        0x0401;  // NOT READY, a cartridge is being loaded; 28h/00h follows
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
        const auto reply = run({0, 0, 0, 0, 0, 0});
        if (reply.sense_key == SCSI_SENSE_UNIT_ATTENTION) continue;
        if (reply.sense_key != SCSI_SENSE_NOT_READY || reply.asc_ascq != becoming_ready) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL("unit attentions do not end, or the drive does not get ready");
}

}  // namespace vtld_test
