#include "drive_iface/rmt/remote_tape.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "drive_iface/rmt/device_path.hpp"
#include "drive_iface/rmt/tape_commands.hpp"
#include "drive_iface/scsi/mode.hpp"

namespace drive_iface::rmt {

using scsi::SenseKey;
using virtual_library::Status;

namespace {

constexpr int attentions_in_a_row_max = 8;
constexpr std::uint8_t write_protect_bit = 0x80;  // SSC-3 8.3.1
// What a client wants from a device that must be open first.
constexpr int not_open = EBADF;

bool is_attention(const CommandReply& reply) {
    const auto sense = sense_of(reply);
    return sense && sense->key == SenseKey::unit_attention;
}

// Good for a movement or a write: nothing went wrong, early warning included.
bool did_it(const CommandReply& reply) {
    if (reply.status == Status::good) return true;
    const auto sense = sense_of(reply);
    return sense && !sense->deferred &&
           (sense->key == SenseKey::recovered_error ||
            (sense->key == SenseKey::no_sense && sense->end_of_medium && !sense->filemark &&
             sense->additional != scsi::additional_sense::beginning_of_partition_detected));
}

}  // namespace

RemoteTape::RemoteTape(TapeDrives& drives, agent::core::InitiatorPort port)
    : drives_(&drives), port_(std::move(port)) {}

void RemoteTape::accept(std::int64_t number, Bytes data) {
    if (auto reply = std::exchange(reply_, nullptr)) reply({accepted(number), std::move(data)});
}

void RemoteTape::refuse(const Refusal& refusal) {
    if (auto reply = std::exchange(reply_, nullptr))
        reply({refused(refusal.error, refusal.text), {}});
}

void RemoteTape::execute(const Bytes& cdb, Bytes data_out, Then then) {
    if (!nexus_) return then({.status = Status::task_aborted, .data_in = {}, .sense = {}});
    drives_->execute(*nexus_, cdb, std::move(data_out),
                     [self = shared_from_this(), then = std::move(then)](CommandReply reply) {
                         then(std::move(reply));
                     });
}

void RemoteTape::run(std::deque<Bytes> commands, std::function<void(std::optional<Refusal>)> then) {
    if (commands.empty()) return then(std::nullopt);
    const auto first = std::move(commands.front());
    commands.pop_front();
    execute(
        first, {},
        [this, commands = std::move(commands), then = std::move(then)](const CommandReply& reply) {
            if (!did_it(reply)) return then(refusal_of(reply));
            run(commands, then);
        });
}

// What was written ends with a filemark before the tape is moved away from it.
void RemoteTape::finish_writing_then(std::deque<Bytes> commands,
                                     std::function<void(std::optional<Refusal>)> then) {
    if (wrote_) commands.push_front(write_filemarks(1, false));
    wrote_ = false;
    run(std::move(commands), std::move(then));
}

void RemoteTape::take(Request request, Reply reply) {
    reply_ = std::move(reply);
    if (auto* open_request = std::get_if<OpenRequest>(&request)) return open(*open_request);
    if (auto* bad = std::get_if<BadRequest>(&request)) return refuse({bad->error, bad->what});
    if (std::holds_alternative<VersionRequest>(request)) return accept(1);
    if (auto* operation = std::get_if<OperationRequest>(&request);
        operation != nullptr && operation->code == version_request_code) {
        bsd_numbers_ = true;
        return accept(1);
    }
    if (!nexus_) return refuse({not_open, "no tape is open"});

    if (std::holds_alternative<CloseRequest>(request)) {
        return close_tape([this](std::optional<Refusal> refusal) {
            if (refusal) return refuse(*refusal);
            accept(0);
        });
    }
    if (auto* read_request = std::get_if<ReadRequest>(&request)) return read(*read_request);
    if (auto* write_request = std::get_if<WriteRequest>(&request))
        return write(std::move(*write_request));
    if (auto* seek_request = std::get_if<SeekRequest>(&request)) return seek(*seek_request);
    if (auto* operation = std::get_if<OperationRequest>(&request)) {
        return operate(
            bsd_numbers_ ? bsd_operation(operation->code) : linux_operation(operation->code),
            operation->count);
    }
    if (auto* operation = std::get_if<StarOperationRequest>(&request))
        return operate(star_operation(operation->code), operation->count);
    if (std::holds_alternative<StatusRequest>(request)) {
        return status([this](const MagneticTapeStatus& found) {
            accept(static_cast<std::int64_t>(status_size), encode_status(found));
        });
    }
    const char field = std::get<StatusFieldRequest>(request).field;
    status([this, field](const MagneticTapeStatus& found) {
        const auto value = status_field(found, field);
        if (!value) return refuse({EINVAL, "no such field of the status"});
        accept(*value);
    });
}

// ---- open and close

// A second O closes the first device (rmt(8)).
void RemoteTape::open(const OpenRequest& request) {
    if (nexus_) {
        return close_tape([this, request](std::optional<Refusal> refusal) {
            if (refusal) return refuse(*refusal);
            open(request);
        });
    }
    KnownDevices known{drives_->library_serial(), {}};
    const auto drives = drives_->drives();
    for (const auto& drive : drives)
        known.drives.push_back(drive.serial);
    const auto path = device_path(request.device, known);
    if (const auto* refusal = std::get_if<Refusal>(&path)) return refuse(*refusal);
    const auto& wanted = std::get<DevicePath>(path);
    const bool writes = request.access != Access::read;
    if (wanted.drive.empty() && writes)
        return refuse({EROFS, "an administrative volume can only be read"});
    rewinds_on_close_ = wanted.rewinds_on_close;
    parallel_ = std::any_of(drives.begin(), drives.end(), [&wanted](const auto& drive) {
        return drive.serial == wanted.drive && drive.parallel;
    });
    drives_->open({wanted.drive, wanted.volume, writes}, port_,
                  [self = shared_from_this(), request](std::variant<NexusId, Refusal> outcome) {
                      if (const auto* refusal = std::get_if<Refusal>(&outcome))
                          return self->refuse(*refusal);
                      self->opened(std::get<NexusId>(outcome), request);
                  });
}

void RemoteTape::opened(NexusId nexus, const OpenRequest& request) {
    nexus_ = nexus;
    if (!reply_) return give_up();  // the client has gone meanwhile
    access_ = request.access;
    wrote_ = end_of_data_met_ = behind_filemark_ = false;
    end_of_medium_ = EndOfMedium::far;
    block_number_ = -1;
    become_ready(attentions_in_a_row_max);
}

void RemoteTape::become_ready(int attentions_left) {
    execute(test_unit_ready(), {}, [this, attentions_left](const CommandReply& reply) {
        if (attentions_left > 0 && is_attention(reply)) return become_ready(attentions_left - 1);
        if (!did_it(reply)) {
            give_up();
            return refuse(refusal_of(reply));
        }
        check_protection();
    });
}

void RemoteTape::check_protection() {
    execute(mode_sense_header(), {}, [this](const CommandReply& reply) {
        const auto mode = scsi::decode_mode_parameters_6(reply.data_in);
        write_protected_ = reply.status == Status::good && mode &&
                           (mode->device_specific & write_protect_bit) != 0;
        if (write_protected_ && access_ != Access::read) {
            give_up();
            return refuse({EROFS, "the volume is write protected"});
        }
        accept(access_ == Access::read ? 0 : drives_->write_session(*nexus_).value_or(0));
    });
}

// A parallel drive rewinds whatever the name says: its position ends with the nexus anyway, and
// rewinding is what completes a write session.
void RemoteTape::close_tape(std::function<void(std::optional<Refusal>)> done) {
    std::deque<Bytes> commands;
    if (rewinds_on_close_ || parallel_) commands.push_back(rewind());
    finish_writing_then(std::move(commands),
                        [this, done = std::move(done)](std::optional<Refusal> refusal) {
                            give_up();
                            done(std::move(refusal));
                        });
}

void RemoteTape::give_up() {
    if (nexus_) drives_->close(*std::exchange(nexus_, std::nullopt));
}

void RemoteTape::hang_up(std::function<void()> done) {
    const bool busy = reply_ != nullptr;
    reply_ = nullptr;
    if (!nexus_ || busy || parallel_) {
        give_up();
        return done();
    }
    close_tape([done = std::move(done)](const std::optional<Refusal>&) { done(); });
}

// ---- records

void RemoteTape::read(const ReadRequest& request) {
    if (access_ == Access::write) return refuse({EBADF, "the tape is open for writing only"});
    const auto length =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(request.count, record_length_max));
    if (length == 0) return accept(0);
    execute(read_block(length), {},
            [this, length](CommandReply reply) { take_block(std::move(reply), length); });
}

void RemoteTape::take_block(CommandReply reply, std::uint64_t wanted) {
    const auto sense = sense_of(reply);
    const bool whole = reply.status == Status::good;
    const bool plain = sense && sense->key == SenseKey::no_sense && !sense->deferred;
    if (plain && sense->filemark) {
        behind_filemark_ = true;
        end_of_data_met_ = false;
        block_number_ = 0;
        return accept(0);
    }
    if (sense && sense->key == SenseKey::blank_check) {
        // The first time it reads like an end of file, then it is an error.
        if (std::exchange(end_of_data_met_, true)) return refuse(refusal_of(reply));
        return accept(0);
    }
    if (!whole && !(plain && sense->incorrect_length)) return refuse(refusal_of(reply));
    behind_filemark_ = end_of_data_met_ = false;
    if (block_number_ >= 0) ++block_number_;
    if (!whole && sense->information) {
        // Requested minus actual length, in 32 bits; negative: the block is longer.
        const auto residual =
            static_cast<std::int32_t>(static_cast<std::uint32_t>(*sense->information & 0xffffffff));
        if (residual < 0) {
            return refuse(
                {ENOMEM, "the record is " +
                             std::to_string(static_cast<std::int64_t>(wanted) - residual) +
                             " bytes long; read with the block size it was written with"});
        }
    }
    const auto size = static_cast<std::int64_t>(reply.data_in.size());
    accept(size, std::move(reply.data_in));
}

// As st does it (st.rst): the write that meets early warning succeeds, the next one is refused with
// ENOSPC, and the one after that may write a trailer.
void RemoteTape::write(WriteRequest request) {
    if (access_ == Access::read) return refuse({EBADF, "the tape is open for reading only"});
    if (request.record.empty()) return accept(0);
    if (end_of_medium_ == EndOfMedium::warned) {
        end_of_medium_ = EndOfMedium::told;
        return refuse({ENOSPC, "the end of the medium is near"});
    }
    const auto length = request.record.size();
    execute(write_block(static_cast<std::uint32_t>(length)), std::move(request.record),
            [this, length](const CommandReply& reply) { take_written(reply, length); });
}

void RemoteTape::take_written(const CommandReply& reply, std::uint64_t length) {
    if (!did_it(reply)) return refuse(refusal_of(reply));
    wrote_ = true;
    behind_filemark_ = end_of_data_met_ = false;
    if (block_number_ >= 0) ++block_number_;
    end_of_medium_ = reply.status == Status::good ? EndOfMedium::far : EndOfMedium::warned;
    accept(static_cast<std::int64_t>(length));
}

// ---- everything else

// A tape has no byte offsets (st refuses lseek() too), but both its ends can be found.
void RemoteTape::seek(const SeekRequest& request) {
    using enum SeekRequest::Whence;
    if (request.offset != 0) return refuse({ESPIPE, "a tape has no byte offsets; use I"});
    if (request.whence == current) return accept(0);
    operate(request.whence == set ? TapeOperation::rewind : TapeOperation::end_of_data, 1);
}

void RemoteTape::status(std::function<void(const MagneticTapeStatus&)> then) {
    execute(mode_sense_header(), {}, [this, then = std::move(then)](CommandReply mode_reply) {
        MagneticTapeStatus found;
        const auto mode = scsi::decode_mode_parameters_6(mode_reply.data_in);
        if (mode_reply.status == Status::good && mode) {
            found.write_protected = (mode->device_specific & write_protect_bit) != 0;
            if (mode->block_descriptor) found.density = mode->block_descriptor->density_code;
        }
        execute(read_position_long(), {}, [this, then, found](CommandReply reply) mutable {
            scsi::ByteReader bytes(reply.data_in);
            const std::uint8_t flags = bytes.u8();
            bytes.skip(15);
            const std::uint64_t file = bytes.u64();
            found.loaded = reply.status == Status::good && bytes.ok();
            if (found.loaded) {
                constexpr std::uint8_t beginning = 0x80, file_unknown = 0x08;
                found.at_beginning = (flags & beginning) != 0;
                if ((flags & file_unknown) == 0)
                    found.file_number = static_cast<std::int32_t>(file);
                found.at_filemark = behind_filemark_;
                found.at_end_of_data = end_of_data_met_;
                found.block_number = found.at_beginning ? 0 : block_number_;
            }
            then(found);
        });
    });
}

void RemoteTape::operate(std::optional<TapeOperation> operation, std::int64_t count) {
    if (!operation) return refuse({EINVAL, "no such tape operation"});
    if (count < 0 || count > space_count_max)
        return refuse({EINVAL, "the count must be 0 to " + std::to_string(space_count_max)});
    operate_in_steps(*operation, count);
}

}  // namespace drive_iface::rmt
