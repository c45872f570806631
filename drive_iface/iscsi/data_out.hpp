#pragma once

// Collects the data-out of one SCSI command: immediate data, unsolicited Data-Out, and Data-Out
// that was asked for by R2T (RFC 7143 4.2.5.2, 11.7, 11.8).

#include <optional>

#include "drive_iface/iscsi/negotiation.hpp"
#include "drive_iface/iscsi/pdu.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::iscsi {

// Why a command ends with CHECK CONDITION, ABORTED COMMAND instead of being executed (RFC
// 7143 11.4.7.2).
namespace transfer_fault {
inline constexpr scsi::AdditionalSense data_out_of_order{0x47, 0x05};  // protocol service CRC error
inline constexpr scsi::AdditionalSense unexpected_unsolicited_data{0x0c, 0x0c};
inline constexpr scsi::AdditionalSense incorrect_amount_of_data{0x0c, 0x0d};
}  // namespace transfer_fault

class DataOutCollector {
  public:
    using Fault = std::optional<scsi::AdditionalSense>;

    // The initiator means to send `expected_length`; of these the command takes `needed` (not
    // more), which are kept. More than that is asked for by nobody and dropped when it comes
    // unsolicited.
    DataOutCollector(const OperationalParameters& parameters, std::uint32_t expected_length,
                     std::size_t needed);

    // What came with the command; `final`: no unsolicited Data-Out follows.
    [[nodiscard]] Fault begin(Bytes immediate, bool final);

    // The buffer a Data-Out's segment of `size` bytes may be appended to at once; nothing when it
    // has to be looked at first. It comes back with the next add().
    [[nodiscard]] std::optional<Bytes> lend(std::size_t size);
    // The segment stands in `data` from `from` on. After a fault there is no use for this object.
    [[nodiscard]] Fault add(const DataOut& pdu, Bytes data, std::size_t from = 0);

    struct Request {
        std::uint32_t transfer_tag = 0;
        std::uint32_t r2t_sn = 0;
        std::uint32_t offset = 0;
        std::uint32_t length = 0;
    };
    // How many bytes the next R2T would ask for; 0 when none is due.
    [[nodiscard]] std::uint32_t wanted() const;
    [[nodiscard]] Request ask(std::uint32_t transfer_tag);

    [[nodiscard]] bool complete() const {
        return !unsolicited_open_ && !asked_ && data_.size() == needed_;
    }
    [[nodiscard]] Bytes& data() { return data_; }
    [[nodiscard]] std::size_t needed() const { return needed_; }
    [[nodiscard]] std::uint32_t requests() const { return r2t_sn_; }

  private:
    void keep(ByteView data);

    OperationalParameters parameters_;
    std::uint32_t expected_length_;
    std::size_t needed_;
    Bytes data_;
    std::uint32_t received_ = 0;  // bytes so far, dropped ones included
    bool unsolicited_open_ = false;
    bool lent_ = false;
    std::uint32_t data_sn_ = 0;  // next one of the sequence under way
    std::optional<Request> asked_;
    std::uint32_t r2t_sn_ = 0;
};

}  // namespace drive_iface::iscsi
