#include "drive_iface/device/sg_transport.hpp"

#include <fcntl.h>
#include <scsi/sg.h>
#include <scsi/sg_pt.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/core/errno_text.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::uint8_t reservation_conflict = 0x18;
// DID_NEXUS_FAILURE: how some kernels report a reservation conflict, instead of the status.
constexpr int host_nexus_failure = 0x11;
constexpr std::size_t sense_size_max = 64;
// SG_SCSI_RESET_NO_ESCALATE of the kernel's scsi/sg.h, which the library's header does not have: a
// device reset that does not help is an error, and never becomes a reset of the bus or the host.
constexpr int no_escalate = 0x100;

// Owns an open device and the pass-through object for it.
class SgDevice {
  public:
    SgDevice() = default;
    ~SgDevice() { close(); }
    SgDevice(const SgDevice&) = delete;
    SgDevice& operator=(const SgDevice&) = delete;

    Outcome open(const std::string& path) {
        descriptor_ = scsi_pt_open_flags(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
        if (descriptor_ < 0) return Error{"open " + path + ": " + errno_text(-descriptor_)};
        object_ = construct_scsi_pt_obj_with_fd(descriptor_, 0);
        if (object_ != nullptr && get_scsi_pt_os_err(object_) == 0) return Nothing{};
        close();
        return Error{path + " is not a device that takes SCSI commands"};
    }
    void close() {
        if (object_ != nullptr) destruct_scsi_pt_obj(object_);
        if (descriptor_ >= 0) scsi_pt_close_device(descriptor_);
        object_ = nullptr;
        descriptor_ = -1;
    }
    [[nodiscard]] bool is_open() const { return object_ != nullptr; }
    [[nodiscard]] sg_pt_base* object() { return object_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_ = -1;
    sg_pt_base* object_ = nullptr;
};

class SgTransport : public drive_iface::Transport {
  public:
    explicit SgTransport(std::string path) : path_(std::move(path)) {}

    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        if (!device_.is_open()) {
            if (auto opened = device_.open(path_); !opened) return opened.error();
        }
        auto reply = send(command, timeout);
        if (!reply) device_.close();
        return reply;
    }
    Outcome reset_logical_unit(Duration timeout) override;

  private:
    Result<ScsiReply> send(const ScsiCommand& command, Duration timeout);

    std::string path_;
    SgDevice device_;
};

Result<ScsiReply> SgTransport::send(const ScsiCommand& command, Duration timeout) {
    sg_pt_base* object = device_.object();
    std::array<std::uint8_t, sense_size_max> sense{};
    ScsiReply reply;
    reply.data_in.resize(command.data_in_max);
    clear_scsi_pt_obj(object);
    // The library keeps these pointers until the command has ended, which is before they go out of
    // scope.
    set_scsi_pt_cdb(object, command.cdb.data(), static_cast<int>(command.cdb.size()));
    set_scsi_pt_sense(object, sense.data(), static_cast<int>(sense.size()));
    if (!command.data_out.empty()) {
        set_scsi_pt_data_out(object, command.data_out.data(),
                             static_cast<int>(command.data_out.size()));
    } else if (command.data_in_max > 0) {
        set_scsi_pt_data_in(object, reply.data_in.data(), static_cast<int>(reply.data_in.size()));
    }
    const int seconds =
        static_cast<int>(std::clamp<std::int64_t>((timeout.ms + 999) / 1'000, 1, 3'600));
    const int sent = do_scsi_pt(object, -1, seconds, 0);
    if (sent < 0) return Error{path_ + ": " + errno_text(-sent)};
    if (sent > 0) {
        return Error{path_ + ": the pass-through library refused the command (" +
                     std::to_string(sent) + ")"};
    }

    // Before the category: the library calls a nexus failure a transport error.
    const bool conflict = get_scsi_pt_status_response(object) == reservation_conflict ||
                          get_scsi_pt_transport_err(object) == host_nexus_failure;
    if (conflict) return ScsiReply{reservation_conflict, {}, {}};
    switch (get_scsi_pt_result_category(object)) {
        case SCSI_PT_RESULT_OS_ERR:
            return Error{path_ + ": " + errno_text(get_scsi_pt_os_err(object))};
        case SCSI_PT_RESULT_TRANSPORT_ERR:
            return Error{path_ + ": transport error, host status " +
                         std::to_string(get_scsi_pt_transport_err(object))};
        case SCSI_PT_RESULT_GOOD:
        case SCSI_PT_RESULT_STATUS:
        case SCSI_PT_RESULT_SENSE:
            break;
        default:
            return Error{path_ + ": the pass-through library gave an unknown result"};
    }
    reply.status = static_cast<std::uint8_t>(get_scsi_pt_status_response(object));
    const auto residual = static_cast<std::size_t>(std::max(get_scsi_pt_resid(object), 0));
    reply.data_in.resize(reply.data_in.size() - std::min(residual, reply.data_in.size()));
    const auto sense_size = static_cast<std::size_t>(std::max(get_scsi_pt_sense_len(object), 0));
    reply.sense.assign(sense.begin(), sense.begin() + static_cast<std::ptrdiff_t>(
                                                          std::min(sense_size, sense.size())));
    // RECOVERED ERROR and some drivers deliver sense with GOOD; the device's answer stands.
    return reply;
}

// The kernel has its own patience for it; `timeout` is not asked for.
Outcome SgTransport::reset_logical_unit(Duration) {
    if (!device_.is_open()) {
        if (auto opened = device_.open(path_); !opened) return opened;
    }
    int what = SG_SCSI_RESET_DEVICE | no_escalate;
    if (::ioctl(device_.descriptor(), SG_SCSI_RESET, &what) == 0) return Nothing{};
    const int error = errno;
    device_.close();
    const std::string hint = error == EACCES || error == EPERM
                                 ? "; it asks for the capabilities CAP_SYS_ADMIN and CAP_SYS_RAWIO"
                                 : "";
    return Error{path_ + ": LOGICAL UNIT RESET (SG_SCSI_RESET): " + errno_text(error) + hint};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_sg_transport(const std::string& device) {
    const auto name = device.substr(device.rfind('/') + 1);
    if (name.rfind("st", 0) == 0 || name.rfind("nst", 0) == 0) {
        return Error{device +
                     " is a tape node: opening it sends commands to the drive; name its sg node "
                     "(lsscsi -g)"};
    }
    if (device.empty() || device.front() != '/') {
        return Error{"\"" + device + "\" is not the path of an sg node, such as /dev/sg3"};
    }
    return std::unique_ptr<Transport>(std::make_unique<SgTransport>(device));
}

}  // namespace drive_iface
