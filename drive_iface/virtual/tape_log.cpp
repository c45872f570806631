#include "drive_iface/virtual/tape_log.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/virtual/medium_attributes.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace page_code = tape_log_page;
using scsi::LogPage;
using scsi::LogParameter;

// Control bytes (SPC-4 7.3.2.2): not saved; a counter, a binary list or an ASCII list.
constexpr std::uint8_t counter = 0x20;
constexpr std::uint8_t binary_list = 0x23;
constexpr std::uint8_t ascii_list = 0x21;

constexpr std::uint64_t megabyte = 1'000'000;
constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

Bytes number(std::uint64_t value, std::size_t width) {
    Bytes bytes(width, 0);
    for (std::size_t i = 0; i < width && i < 8; ++i)
        bytes[width - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    return bytes;
}

Bytes text(std::string_view value, std::size_t width) {
    scsi::ByteWriter out;
    out.ascii(value, width);
    return out.take();
}

// The one tape everybody sees; null when there is none, or on a parallel drive none yet.
const Tape* tape_of(const TapeState& drive, NexusId nexus) {
    const Tape* tape = &drive.shared.tape;
    if (drive.parallel != nullptr) {
        const auto own = drive.own.find(nexus);
        tape = own == drive.own.end() ? nullptr : &own->second.tape;
    }
    return tape == nullptr || tape->cartridge == nullptr ? nullptr : tape;
}

// A record of a parameter that tells about each partition (SSC-4, Volume Statistics): the one there
// is.
Bytes of_partition_0(std::uint64_t megabytes) {
    constexpr std::uint8_t length_of_the_rest = 7;
    scsi::ByteWriter out;
    out.u8(length_of_the_rest).u8(0).u16(0);
    out.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(megabytes, 0xffffffff)));
    return out.take();
}

class PageBuilder {
  public:
    explicit PageBuilder(std::uint8_t page) { built_.page = page; }
    PageBuilder& count(std::uint16_t code, std::uint64_t value, std::size_t width = 8) {
        return add(code, counter, number(value, width));
    }
    PageBuilder& list(std::uint16_t code, std::uint64_t value, std::size_t width) {
        return add(code, binary_list, number(value, width));
    }
    PageBuilder& bytes(std::uint16_t code, Bytes value) {
        return add(code, binary_list, std::move(value));
    }
    PageBuilder& ascii(std::uint16_t code, std::string_view value, std::size_t width) {
        return add(code, ascii_list, text(value, width));
    }
    LogPage take() { return std::move(built_); }

  private:
    PageBuilder& add(std::uint16_t code, std::uint8_t control, Bytes value) {
        built_.parameters.push_back(LogParameter{code, control, std::move(value)});
        return *this;
    }
    LogPage built_;
};

// SPC-4 7.3.6 and 7.3.14. Nothing is ever corrected or tried again here.
LogPage error_counters(std::uint8_t page, std::uint64_t bytes, std::uint64_t uncorrected) {
    constexpr std::uint16_t bytes_processed = 5;
    constexpr std::uint16_t total_uncorrected = 6;
    PageBuilder out(page);
    for (std::uint16_t code = 0; code < bytes_processed; ++code)
        out.count(code, 0);
    return out.count(bytes_processed, bytes).count(total_uncorrected, uncorrected).take();
}

// SSC-3 8.2.2. Nothing is compressed, so both sides of the buffer count the same.
LogPage sequential_access(const TapeState& drive, const Tape* tape) {
    const TapeCounters& since = drive.since_load;
    PageBuilder out(page_code::sequential_access);
    out.count(0x0000, since.bytes_written).count(0x0001, since.bytes_written);
    out.count(0x0002, since.bytes_read).count(0x0003, since.bytes_read);
    if (tape != nullptr) {
        const std::uint64_t end = end_of_medium_at(*tape->cartridge);
        const std::uint64_t warning = std::min(early_warning_at(*tape), end);
        out.count(0x0004, tape->cartridge->used() / megabyte).count(0x0005, warning / megabyte);
        out.count(0x0006, (end - warning) / megabyte);
    }
    constexpr std::uint16_t cleaning_required = 0x0100;
    return out.count(cleaning_required, 0, 4).take();
}

// SPC-4 7.3.20: FFh, not known. There is nothing that could get warm.
LogPage temperature() {
    return PageBuilder(page_code::temperature)
        .list(0x0000, 0x00ff, 2)
        .list(0x0001, 0x00ff, 2)
        .take();
}

// SSC-4, Volume Statistics. What is counted over the life of the volume is kept in its memory; this
// load's share is added.
LogPage volume_statistics(const TapeState& drive, const Tape* tape) {
    const TapeCounters& since = drive.since_load;
    PageBuilder out(page_code::volume_statistics);
    out.list(0x0000, tape != nullptr ? 1 : 0, 1);
    if (tape == nullptr) return out.take();
    const Cartridge& cartridge = *tape->cartridge;
    const CartridgeFacts& facts = cartridge.facts();
    const Lifetime life = lifetime_of(cartridge);
    const std::uint64_t capacity = capacity_of(cartridge) / megabyte;
    const std::uint64_t used = cartridge.used() / megabyte;
    const std::uint64_t to_warning =
        early_warning_at(*tape) - std::min(early_warning_at(*tape), cartridge.used());
    std::string personality = "Ultrium-";
    personality += drive.personality->name.back();
    out.count(0x0001, life.loads, 4);
    out.count(0x0003, 0, 4).count(0x0004, since.write_errors, 4);
    out.count(0x0008, 0, 4).count(0x0009, since.read_errors, 4);
    out.count(0x000c, since.write_errors, 2).count(0x000d, since.read_errors, 2);
    out.count(0x000e, since.bytes_written / megabyte, 4);
    out.count(0x000f, since.bytes_read / megabyte, 4);
    out.count(0x0010, life.megabytes_written + since.bytes_written / megabyte, 8);
    out.count(0x0011, life.megabytes_read + since.bytes_read / megabyte, 8);
    out.count(0x0016, capacity, 4).count(0x0017, used, 4);
    out.ascii(0x0040, facts.barcode, 32).ascii(0x0042, facts.barcode, 32);
    out.ascii(0x0043, "LRA", 8).ascii(0x0045, personality, 9);
    out.list(0x0080, facts.write_protected ? 1 : 0, 1).list(0x0081, facts.worm ? 1 : 0, 1);
    return out.bytes(0x0202, of_partition_0(capacity))
        .bytes(0x0203, of_partition_0(used))
        .bytes(0x0204, of_partition_0(to_warning / megabyte))
        .take();
}

// SSC-3 8.2.8, and the vendor specific page of older LTO drives: one to one.
LogPage data_compression(std::uint8_t page, const TapeCounters& since) {
    constexpr std::uint64_t one_to_one = 100;
    PageBuilder out(page);
    out.count(0x0000, one_to_one, 2).count(0x0001, one_to_one, 2);
    std::uint16_t code = 0x0002;
    for (const std::uint64_t bytes :
         {since.bytes_read, since.bytes_read, since.bytes_written, since.bytes_written}) {
        out.count(code, bytes / megabyte, 4)
            .count(static_cast<std::uint16_t>(code + 1), bytes % megabyte, 4);
        code = static_cast<std::uint16_t>(code + 2);
    }
    return out.take();
}

LogPage tape_alert(TapeState& drive, NexusId nexus, TapeAlerts::Range reply) {
    const TapeAlerts::Set told = drive.alerts.tell(nexus, reply);
    PageBuilder out(page_code::tape_alert);
    for (std::uint16_t flag = 1; flag <= TapeAlerts::flags; ++flag)
        out.list(flag, told.test(flag) ? 1 : 0, 1);
    return out.take();
}

// ADC-3, TapeAlert Response: what is raised, and nobody is told by it.
LogPage tape_alert_response(const TapeState& drive) {
    return PageBuilder(page_code::tape_alert_response).bytes(0x0000, drive.alerts.as_bits()).take();
}

LogPage tape_usage(const TapeState& drive) {
    return PageBuilder(page_code::tape_usage)
        .count(0x0001, drive.since_power_on.loads, 4)
        .count(0x0004, drive.since_load.write_errors, 2)
        .count(0x0009, drive.since_load.read_errors, 2)
        .take();
}

// Remaining and maximum capacity of the two partitions an LTO drive may have, in MiB.
LogPage tape_capacity(const Tape* tape) {
    const Cartridge* cartridge = tape == nullptr ? nullptr : tape->cartridge.get();
    std::uint64_t remaining = 0;
    std::uint64_t maximum = 0;
    if (cartridge != nullptr) {
        const std::uint64_t end = end_of_medium_at(*cartridge);
        remaining = (end - std::min(end, cartridge->used())) / mebibyte;
        maximum = capacity_of(*cartridge) / mebibyte;
    }
    return PageBuilder(page_code::tape_capacity)
        .count(0x0001, remaining, 4)
        .count(0x0002, 0, 4)
        .count(0x0003, maximum, 4)
        .count(0x0004, 0, 4)
        .take();
}

LogPage write_session(const TapeState& drive, NexusId nexus) {
    PageBuilder out(page_code::write_session);
    const auto own = drive.own.find(nexus);
    if (own == drive.own.end() || own->second.stream == nullptr) return out.take();
    const auto session = own->second.stream->session();
    if (!session) return out.take();
    return out.list(0x0001, session->identifier, 4)
        .count(0x0002, session->objects)
        .list(0x0003, static_cast<std::uint64_t>(session->state), 1)
        .take();
}

}  // namespace

std::vector<std::uint8_t> tape_log_pages(const TapeState& drive) {
    std::vector<std::uint8_t> pages{page_code::write_errors,
                                    page_code::read_errors,
                                    page_code::sequential_access,
                                    page_code::temperature,
                                    page_code::tape_alert_response,
                                    page_code::volume_statistics,
                                    page_code::data_compression,
                                    page_code::tape_alert,
                                    page_code::tape_usage,
                                    page_code::tape_capacity,
                                    page_code::vendor_data_compression};
    if (drive.parallel != nullptr) pages.push_back(page_code::write_session);
    return pages;
}

std::optional<LogPage> tape_log(TapeState& drive, NexusId nexus, std::uint8_t page,
                                TapeAlerts::Range reply) {
    const TapeCounters& since = drive.since_load;
    const Tape* tape = tape_of(drive, nexus);
    switch (page) {
        case page_code::write_errors:
            return error_counters(page, since.bytes_written, since.write_errors);
        case page_code::read_errors:
            return error_counters(page, since.bytes_read, since.read_errors);
        case page_code::sequential_access:
            return sequential_access(drive, tape);
        case page_code::temperature:
            return temperature();
        case page_code::tape_alert_response:
            return tape_alert_response(drive);
        case page_code::volume_statistics:
            return volume_statistics(drive, tape);
        case page_code::data_compression:
        case page_code::vendor_data_compression:
            return data_compression(page, since);
        case page_code::tape_alert:
            return tape_alert(drive, nexus, reply);
        case page_code::tape_usage:
            return tape_usage(drive);
        case page_code::tape_capacity:
            return tape_capacity(tape);
        case page_code::write_session:
            if (drive.parallel == nullptr) return std::nullopt;
            return write_session(drive, nexus);
        default:
            return std::nullopt;
    }
}

}  // namespace drive_iface::virtual_library
