#include "drive_iface/iscsi/responses.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::iscsi {

namespace {

// 11.4.7: a two-byte SenseLength, then the sense data.
Bytes sense_segment(const Bytes& sense) {
    if (sense.empty()) return {};
    Bytes segment{static_cast<std::uint8_t>(sense.size() >> 8),
                  static_cast<std::uint8_t>(sense.size())};
    segment.insert(segment.end(), sense.begin(), sense.end());
    return segment;
}

std::vector<OutgoingPdu> data_in_pdus(const ScsiCommand& command, const Slice& data,
                                      const OperationalParameters& parameters) {
    std::vector<OutgoingPdu> pdus;
    std::size_t burst_left = parameters.max_burst_length;
    for (std::size_t offset = 0; offset < data.size();) {
        const auto size = std::min(
            {data.size() - offset, burst_left, std::size_t{parameters.initiator_data_segment_max}});
        burst_left -= size;
        const bool last = offset + size == data.size();
        DataIn pdu{.final = last || burst_left == 0,
                   .lun = command.lun,
                   .task_tag = command.task_tag,
                   .data_sn = static_cast<std::uint32_t>(pdus.size()),
                   .offset = static_cast<std::uint32_t>(offset)};
        pdus.push_back({pdu, data.part(offset, size)});
        if (burst_left == 0) burst_left = parameters.max_burst_length;
        offset += size;
    }
    return pdus;
}

}  // namespace

Residual residual_of(std::size_t transfer_length, std::uint32_t expected_length) {
    if (transfer_length > expected_length) {
        const auto beyond = std::min<std::size_t>(transfer_length - expected_length, 0xffffffffU);
        return {.overflow = true, .count = static_cast<std::uint32_t>(beyond)};
    }
    if (transfer_length < expected_length) {
        return {.underflow = true,
                .count = expected_length - static_cast<std::uint32_t>(transfer_length)};
    }
    return {};
}

std::vector<OutgoingPdu> reply_pdus(const ScsiCommand& command, std::uint32_t r2t_count,
                                    std::size_t data_out_length,
                                    virtual_library::CommandReply reply,
                                    const OperationalParameters& parameters) {
    using virtual_library::Status;
    const std::size_t transfer_length = command.write ? data_out_length : reply.data_in.size();
    const auto residual = residual_of(transfer_length, command.expected_length);

    std::vector<OutgoingPdu> pdus;
    if (command.read) {
        const auto sent = std::min<std::size_t>(reply.data_in.size(), command.expected_length);
        pdus = data_in_pdus(command, Slice(std::move(reply.data_in)).part(0, sent), parameters);
    }
    if (reply.status == Status::good && !pdus.empty()) {
        auto& last = std::get<DataIn>(pdus.back().pdu);
        last.has_status = true;
        last.status = static_cast<std::uint8_t>(reply.status);
        last.residual = residual;
        return pdus;
    }
    const auto data_in_count = static_cast<std::uint32_t>(pdus.size());
    pdus.push_back({ScsiResponse{.residual = residual,
                                 .status = static_cast<std::uint8_t>(reply.status),
                                 .task_tag = command.task_tag,
                                 .exp_data_sn = command.write ? r2t_count : data_in_count},
                    sense_segment(reply.sense)});
    return pdus;
}

}  // namespace drive_iface::iscsi
