#pragma once

// A tape as one client uses it: requests become commands to a drive, with the semantics that
// Linux's st driver gives a tape device, since clients were written for one.

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "drive_iface/rmt/magnetic_tape_status.hpp"
#include "drive_iface/rmt/rmt_codec.hpp"
#include "drive_iface/rmt/tape_drives.hpp"
#include "drive_iface/rmt/tape_operation.hpp"

namespace drive_iface::rmt {

struct TapeReply {
    std::string head;
    Bytes data;  // sent behind it
};

// Shared: commands on their way hold it. One request at a time.
class RemoteTape : public std::enable_shared_from_this<RemoteTape> {
  public:
    // `drives` outlives it. `port` names the client as an initiator.
    RemoteTape(TapeDrives& drives, agent::core::InitiatorPort port);

    using Reply = std::function<void(TapeReply)>;
    // `reply` is called once, at once or later, unless hang_up() comes first.
    void take(Request request, Reply reply);

    // The connection ended without C. An ordinary drive gets what closing a tape device would do;
    // the write session of a parallel one is left incomplete.
    void hang_up(std::function<void()> done);

    [[nodiscard]] bool is_open() const { return nexus_.has_value(); }

  private:
    using Then = std::function<void(CommandReply)>;

    void open(const OpenRequest& request);
    void opened(NexusId nexus, const OpenRequest& request);
    void become_ready(int attentions_left);
    void check_protection();
    void close_tape(std::function<void(std::optional<Refusal>)> done);
    void read(const ReadRequest& request);
    void take_block(CommandReply reply, std::uint64_t wanted);
    void write(WriteRequest request);
    void take_written(const CommandReply& reply, std::uint64_t length);
    void seek(const SeekRequest& request);
    void operate(std::optional<TapeOperation> operation, std::int64_t count);
    void operate_in_steps(TapeOperation operation, std::int64_t count);
    void status(std::function<void(const MagneticTapeStatus&)> then);

    // Executes the commands in order; the first that fails ends it with its refusal.
    void run(std::deque<Bytes> commands, std::function<void(std::optional<Refusal>)> then);
    void execute(const Bytes& cdb, Bytes data_out, Then then);
    void finish_writing_then(std::deque<Bytes> commands,
                             std::function<void(std::optional<Refusal>)> then);

    void accept(std::int64_t number, Bytes data = {});
    void refuse(const Refusal& refusal);
    void give_up();

    TapeDrives* drives_;
    agent::core::InitiatorPort port_;
    Reply reply_;  // of the request being worked on

    std::optional<NexusId> nexus_;
    Access access_ = Access::read;
    bool rewinds_on_close_ = true;
    bool parallel_ = false;
    bool bsd_numbers_ = false;
    bool write_protected_ = false;

    bool wrote_ = false;            // since the last filemark
    bool end_of_data_met_ = false;  // told once as an end of file; next time it is an error
    enum class EndOfMedium : std::uint8_t { far, warned, told } end_of_medium_ = EndOfMedium::far;
    bool behind_filemark_ = false;
    std::int32_t block_number_ = -1;
};

}  // namespace drive_iface::rmt
