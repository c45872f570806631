// Six tests of iscsi-test-cu ask what a reservation lets other hosts do, and mean every kind of
// device, but they ask with READ(10) and WRITE(10) of one block, which a tape drive does not have.
// Preloaded, this says the same in the words of a tape: READ(6) and WRITE(6) of one block as long.
//
// The question is only whether the drive lets the command through: where a tape has nothing to read
// it says so (BLANK CHECK, or a filemark), and that is an answer to a command that was let through.

#include <dlfcn.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <cstdint>
#include <cstring>

namespace {

constexpr std::uint8_t read_10 = 0x28;
constexpr std::uint8_t write_10 = 0x2a;
constexpr std::uint8_t read_6 = 0x08;
constexpr std::uint8_t write_6 = 0x0a;
constexpr int cdb_6_size = 6;
constexpr int block_length = 512;
using CommandSync = scsi_task* (*)(iscsi_context*, int, scsi_task*, iscsi_data*);

bool is_access_to_one_block(const scsi_task& task) {
    return (task.cdb[0] == read_10 || task.cdb[0] == write_10) && task.expxferlen == block_length;
}

void say_it_as_tape(scsi_task& task) {
    const bool reads = task.cdb[0] == read_10;
    std::memset(task.cdb, 0, sizeof task.cdb);
    task.cdb[0] = reads ? read_6 : write_6;
    task.cdb[3] = static_cast<unsigned char>(block_length >> 8);
    task.cdb[4] = static_cast<unsigned char>(block_length & 0xff);
    task.cdb_size = cdb_6_size;
}

bool was_let_through(const scsi_task& task) {
    return task.status == SCSI_STATUS_CHECK_CONDITION && task.cdb[0] == read_6 &&
           (task.sense.key == SCSI_SENSE_BLANK_CHECK || task.sense.key == SCSI_SENSE_NO_SENSE);
}

}  // namespace

extern "C" scsi_task* iscsi_scsi_command_sync(iscsi_context* context, int lun, scsi_task* task,
                                              iscsi_data* data) {
    static const auto real =
        reinterpret_cast<CommandSync>(dlsym(RTLD_NEXT, "iscsi_scsi_command_sync"));
    const bool translated = is_access_to_one_block(*task);
    if (translated) say_it_as_tape(*task);
    scsi_task* done = real(context, lun, task, data);
    if (translated && done != nullptr && was_let_through(*done)) done->status = SCSI_STATUS_GOOD;
    return done;
}
