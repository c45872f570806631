#include "drive_iface/iscsi/data_out.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::iscsi {

DataOutCollector::DataOutCollector(const OperationalParameters& parameters,
                                   std::uint32_t expected_length, std::size_t needed)
    : parameters_(parameters),
      expected_length_(expected_length),
      needed_(std::min<std::size_t>(needed, expected_length)) {}

void DataOutCollector::keep(ByteView data) {
    received_ += static_cast<std::uint32_t>(data.size());
    const auto kept = data.first(std::min(data.size(), needed_ - data_.size()));
    data_.reserve(needed_);
    data_.insert(data_.end(), kept.begin(), kept.end());
}

DataOutCollector::Fault DataOutCollector::begin(Bytes immediate, bool final) {
    if (!immediate.empty() && !parameters_.immediate_data)
        return transfer_fault::unexpected_unsolicited_data;
    if (!final && parameters_.initial_r2t) return transfer_fault::unexpected_unsolicited_data;
    if (immediate.size() > std::min(parameters_.first_burst_length, expected_length_)) {
        return transfer_fault::incorrect_amount_of_data;
    }
    received_ = static_cast<std::uint32_t>(immediate.size());
    immediate.resize(std::min(immediate.size(), needed_));
    data_ = std::move(immediate);
    unsolicited_open_ = !final;
    return std::nullopt;
}

std::optional<Bytes> DataOutCollector::lend(std::size_t size) {
    const bool expected = asked_ || unsolicited_open_;
    if (!expected || lent_ || size > needed_ - data_.size()) return std::nullopt;
    lent_ = true;
    data_.reserve(needed_);
    return std::move(data_);
}

DataOutCollector::Fault DataOutCollector::add(const DataOut& pdu, Bytes data, std::size_t from) {
    const auto size = data.size() - from;
    const bool returned = std::exchange(lent_, false);
    const bool solicited = pdu.transfer_tag != no_tag;
    if (solicited ? !asked_ || asked_->transfer_tag != pdu.transfer_tag : !unsolicited_open_) {
        return transfer_fault::unexpected_unsolicited_data;
    }
    if (pdu.data_sn != data_sn_ || pdu.offset != received_)
        return transfer_fault::data_out_of_order;
    const std::uint32_t end = solicited
                                  ? asked_->offset + asked_->length
                                  : std::min(parameters_.first_burst_length, expected_length_);
    if (size > end - received_) return transfer_fault::incorrect_amount_of_data;
    if (returned) {
        data_ = std::move(data);
        received_ += static_cast<std::uint32_t>(size);
    } else {
        keep(ByteView(data).subspan(from));
    }
    ++data_sn_;
    if (!pdu.final) return std::nullopt;
    if (solicited && received_ != end) return transfer_fault::incorrect_amount_of_data;
    asked_.reset();
    unsolicited_open_ = false;
    data_sn_ = 0;
    return std::nullopt;
}

std::uint32_t DataOutCollector::wanted() const {
    if (unsolicited_open_ || asked_ || data_.size() == needed_) return 0;
    // Nothing has been dropped while something is missing: data_ is all that was received.
    return std::min(parameters_.max_burst_length,
                    static_cast<std::uint32_t>(needed_ - data_.size()));
}

DataOutCollector::Request DataOutCollector::ask(std::uint32_t transfer_tag) {
    AGENT_ASSERT(wanted() > 0);
    asked_ = Request{transfer_tag, r2t_sn_++, received_, wanted()};
    data_sn_ = 0;
    return *asked_;
}

}  // namespace drive_iface::iscsi
