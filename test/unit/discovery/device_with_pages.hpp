#pragma once

// Devices that answer INQUIRY pages and READ ELEMENT STATUS from memory, and a sysfs made of files.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/element_status.hpp"
#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace discovery_test {

using drive_iface::ScsiCommand;
using drive_iface::ScsiReply;
using drive_iface::scsi::Bytes;

struct Pages {
    Bytes standard;
    std::map<std::uint8_t, Bytes> vpd;
    Bytes elements;                // answered to READ ELEMENT STATUS with DVCID
    Bytes elements_without_dvcid;  // and without; or with CURDATA when that leaves names out
    bool refuses_current_data = false;
    bool leaves_out_names_of_current_data = false;
};

inline Pages tape_drive(const std::string& serial) {
    namespace scsi = drive_iface::scsi;
    scsi::StandardInquiry inquiry;
    inquiry.device_type = scsi::device_type::sequential_access;
    inquiry.vendor = "LRA";
    inquiry.product = "TAPE";
    inquiry.revision = "0001";
    Pages pages;
    pages.standard = scsi::encode_standard_inquiry(inquiry);
    pages.vpd[0x80] = scsi::encode_unit_serial_number(1, serial);
    pages.vpd[0x00] = scsi::encode_supported_vpd_pages(1, {0x00, 0x80});
    return pages;
}

class DeviceWithPages : public drive_iface::Transport {
  public:
    explicit DeviceWithPages(Pages pages, std::vector<Bytes>* sent = nullptr)
        : pages_(std::move(pages)), sent_(sent) {}

    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration) override {
        if (sent_ != nullptr) sent_->push_back({command.cdb.begin(), command.cdb.end()});
        const auto answer = answer_to(command);
        if (!answer) return refused();
        ScsiReply reply;
        reply.data_in.assign(answer->begin(),
                             answer->begin() + static_cast<std::ptrdiff_t>(
                                                   std::min(answer->size(), command.data_in_max)));
        return reply;
    }

  private:
    [[nodiscard]] std::optional<Bytes> answer_to(const ScsiCommand& command) const {
        const auto& cdb = command.cdb;
        if (cdb[0] == drive_iface::scsi::opcode::inquiry) {
            if ((cdb[1] & 1) == 0) return pages_.standard;
            const auto page = pages_.vpd.find(cdb[2]);
            return page == pages_.vpd.end() ? std::nullopt : std::optional(page->second);
        }
        if (cdb[0] != drive_iface::scsi::opcode::read_element_status) return std::nullopt;
        const bool current_data = (cdb[6] & 0x02) != 0;
        if (current_data && pages_.refuses_current_data) return std::nullopt;
        const bool names =
            (cdb[6] & 0x01) != 0 && !(current_data && pages_.leaves_out_names_of_current_data);
        return names ? pages_.elements : pages_.elements_without_dvcid;
    }
    [[nodiscard]] static ScsiReply refused() {
        namespace scsi = drive_iface::scsi;
        ScsiReply reply;
        reply.status = scsi::status::check_condition;
        reply.sense =
            scsi::encode_fixed_sense({.key = scsi::SenseKey::illegal_request,
                                      .additional = scsi::additional_sense::invalid_field_in_cdb});
        return reply;
    }

    Pages pages_;
    std::vector<Bytes>* sent_;
};

// A sysfs of its own, gone at the end.
class Sysfs {
  public:
    Sysfs() : root_(std::filesystem::temp_directory_path() / unique_name()) {
        std::filesystem::create_directories(root_ / "class/scsi_generic");
    }
    ~Sysfs() { std::filesystem::remove_all(root_); }
    Sysfs(const Sysfs&) = delete;
    Sysfs& operator=(const Sysfs&) = delete;

    void add(const std::string& name, const std::string& address, const std::string& type) {
        const auto device = root_ / "devices" / address;
        std::filesystem::create_directories(device);
        std::ofstream(device / "type") << type << "\n";
        const auto node = root_ / "class/scsi_generic" / name;
        std::filesystem::create_directories(node);
        std::filesystem::create_symlink("../../../devices/" + address, node / "device");
    }
    void remove(const std::string& name) {
        std::filesystem::remove_all(root_ / "class/scsi_generic" / name);
    }
    [[nodiscard]] std::string path() const { return root_.string(); }

  private:
    static std::string unique_name() {
        static int count = 0;
        return "lra-sysfs-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    }
    std::filesystem::path root_;
};

}  // namespace discovery_test
