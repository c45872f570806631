#include <chrono>
#include <optional>
#include <utility>

#include "drive_iface/device/holder_resolvers.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::uint16_t conflict_page_size = 4'096;
constexpr auto ask_again_after_refusal = std::chrono::hours(1);

class ConflictListResolver final : public HolderResolver {
  public:
    [[nodiscard]] std::string_view rung() const override {
        return to_text(HolderEvidence::conflict_list);
    }
    [[nodiscard]] bool asks_drive() const override { return true; }
    [[nodiscard]] Result<HolderFinding> resolve(const HolderCase& known, Transport* drive,
                                                Duration timeout) override;

  private:
    using Clock = std::chrono::steady_clock;
    std::optional<Clock::time_point> refused_at_;
    std::string refusal_;
};

HolderFinding pointed_at(const scsi::DtDeviceStatus& status, const HolderCase& known) {
    HolderFinding finding;
    for (const scsi::PotentialConflict& conflict : status.potential_conflicts) {
        if (!conflict.port) continue;
        if (known.own_port && same_host_port(*conflict.port, *known.own_port)) continue;
        finding.candidates.push_back(
            {HolderEvidence::conflict_list, Sureness::probable, conflict.port,
             "its last command was " + scsi::opcode_name(conflict.operation_code)});
    }
    if (!status.potential_conflict_count) {
        finding.said = "the drive has no potential conflict list";
    } else if (finding.candidates.empty()) {
        finding.said = "the drive's potential conflict list names nobody else";
    } else {
        finding.said = "the drive lists " + to_text(*finding.candidates.front().port);
    }
    return finding;
}

Result<HolderFinding> ConflictListResolver::resolve(const HolderCase& known, Transport* drive,
                                                    Duration timeout) {
    HolderFinding finding;
    const auto now = Clock::now();
    if (refused_at_ && now - *refused_at_ < ask_again_after_refusal) {
        finding.said = refusal_;
        return finding;
    }
    const auto cdb =
        scsi::log_sense_cdb(scsi::log_page_code::dt_device_status, 0, conflict_page_size);
    const auto reply = execute_patiently(*drive, {cdb, {}, conflict_page_size}, timeout, nullptr);
    if (!reply) return reply.error().within("LOG SENSE page 11h");
    if (reply->status != scsi::status::good) {
        finding.said = "LOG SENSE page 11h: " + in_words(*reply);
        const bool for_good =
            says_not_supported(*reply) || reply->status == scsi::status::reservation_conflict;
        if (for_good) {
            refused_at_ = now;
            refusal_ = finding.said;
        }
        return finding;
    }
    const auto status = scsi::decode_dt_device_status(reply->data_in);
    if (!status) {
        finding.said = status.error().message;
        return finding;
    }
    return pointed_at(*status, known);
}

}  // namespace

std::unique_ptr<HolderResolver> make_conflict_list_resolver() {
    return std::make_unique<ConflictListResolver>();
}

}  // namespace drive_iface
