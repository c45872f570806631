// iscsi-test-cu asks every logical unit for its capacity before the first test, and refuses to
// start on a tape drive, which has no READ CAPACITY(10). Preloaded, this answers that one question
// itself; everything else goes over the wire as it is.

#include <dlfcn.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::uint8_t read_capacity_10 = 0x25;
constexpr int capacity_size = 8;
using CommandSync = scsi_task* (*)(iscsi_context*, int, scsi_task*, iscsi_data*);

scsi_task* with_capacity(scsi_task* task) {
    auto* data = static_cast<unsigned char*>(std::calloc(1, capacity_size));
    if (data == nullptr) return nullptr;
    data[1] = 0x0f;  // last block 0fffffh
    data[2] = 0xff;
    data[3] = 0xff;
    data[6] = 0x02;  // of 512 bytes
    task->status = SCSI_STATUS_GOOD;
    task->datain.size = capacity_size;
    task->datain.data = data;
    task->residual_status = SCSI_RESIDUAL_NO_RESIDUAL;
    return task;
}

}  // namespace

extern "C" scsi_task* iscsi_scsi_command_sync(iscsi_context* context, int lun, scsi_task* task,
                                              iscsi_data* data) {
    static const auto real =
        reinterpret_cast<CommandSync>(dlsym(RTLD_NEXT, "iscsi_scsi_command_sync"));
    static bool answered = false;
    if (!answered && task->cdb[0] == read_capacity_10) {
        answered = true;
        return with_capacity(task);
    }
    return real(context, lun, task, data);
}
