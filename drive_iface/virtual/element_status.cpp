#include "drive_iface/virtual/element_status.hpp"

#include <algorithm>

#include "drive_iface/scsi/bytes.hpp"
#include "drive_iface/scsi/element_status.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/loading.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace flag = scsi::element_flag;

const Drive& drive_of(const ChangerState& changer, const Element& element) {
    return (*changer.drives)[element.drive];
}

// The same as the T10 designator in the drive's VPD page 83h, so that a host finds its device.
Bytes device_identifier(const ChangerState& changer, const Element& element) {
    const LogicalUnitIdentity& identity = drive_of(changer, element).unit().identity;
    scsi::ByteWriter out;
    out.ascii(identity.vendor, 8).ascii(identity.product, 16);
    out.ascii(identity.serial, identity.serial.size());
    return out.take();
}

std::uint8_t flags_of(const ChangerState& changer, const Element& element) {
    std::uint8_t flags = element.barcode.empty() ? 0 : flag::full;
    switch (element.type) {
        case ElementType::transport:
            break;
        case ElementType::storage:
            flags |= flag::access;
            break;
        case ElementType::import_export:
            flags |= flag::access | flag::export_enabled | flag::import_enabled;
            if (element.by_operator) flags |= flag::by_operator;
            break;
        case ElementType::data_transfer: {
            const Drive& drive = drive_of(changer, element);
            // A cartridge that is threaded can not be gripped.
            const bool in_reach = element.barcode.empty() || can_be_taken(drive.state().tape);
            if (in_reach) flags |= flag::access;
            if (drive.unit().forced_offline) flags |= flag::exception;
            break;
        }
    }
    return flags;
}

void append_descriptor(scsi::ByteWriter& out, const ChangerState& changer, const Element& element,
                       const ElementStatusForm& form, std::size_t identifier_size) {
    constexpr std::uint8_t source_valid = 0x80;
    constexpr std::uint8_t data_medium = 1;
    constexpr std::uint8_t cleaning_medium = 2;
    const std::uint8_t flags = flags_of(changer, element);
    out.u16(element.address).u8(flags).u8(0);
    if ((flags & flag::exception) != 0) {
        out.u8(scsi::additional_sense::logical_unit_offline.asc)
            .u8(scsi::additional_sense::logical_unit_offline.ascq);
    } else {
        out.u16(0);
    }
    out.zeros(3);
    std::uint8_t medium = 0;
    if (!element.barcode.empty()) medium = element.cleaning ? cleaning_medium : data_medium;
    const bool has_source = !element.barcode.empty() && element.source.has_value();
    out.u8(static_cast<std::uint8_t>(medium | (has_source ? source_valid : 0)));
    out.u16(has_source ? *element.source : std::uint16_t{0});
    if (form.volume_tags) {
        if (element.barcode.empty()) {
            out.zeros(scsi::volume_tag_size);
        } else {
            out.ascii(element.barcode, scsi::volume_identifier_size);
            out.zeros(scsi::volume_tag_size - scsi::volume_identifier_size);
        }
    }
    constexpr std::uint8_t ascii = 2;
    constexpr std::uint8_t t10_vendor = 1;
    const bool identified = form.device_identifiers && element.type == ElementType::data_transfer;
    const Bytes identifier = identified ? device_identifier(changer, element) : Bytes{};
    out.u8(identified ? ascii : 0).u8(identified ? t10_vendor : 0).u8(0);
    out.u8(static_cast<std::uint8_t>(identifier.size())).bytes(identifier);
    out.zeros(identifier_size - identifier.size());
}

}  // namespace

Bytes encode_element_status(const ChangerState& changer, std::span<const Element* const> elements,
                            const ElementStatusForm& form, std::uint8_t action) {
    constexpr std::uint8_t primary_volume_tags = 0x80;
    constexpr std::size_t fixed_part = 16;
    scsi::ByteWriter out;
    out.u16(elements.empty() ? std::uint16_t{0} : elements.front()->address);
    out.u16(static_cast<std::uint16_t>(elements.size())).u8(action).u24(0);
    for (const ElementType type : {ElementType::transport, ElementType::storage,
                                   ElementType::import_export, ElementType::data_transfer}) {
        std::vector<const Element*> page;
        std::copy_if(elements.begin(), elements.end(), std::back_inserter(page),
                     [type](const Element* element) { return element->type == type; });
        if (page.empty()) continue;
        std::size_t identifier_size = 0;
        for (const Element* element : page) {
            if (form.device_identifiers && type == ElementType::data_transfer) {
                identifier_size =
                    std::max(identifier_size, device_identifier(changer, *element).size());
            }
        }
        const std::size_t length =
            fixed_part + (form.volume_tags ? scsi::volume_tag_size : 0) + identifier_size;
        out.u8(static_cast<std::uint8_t>(type)).u8(form.volume_tags ? primary_volume_tags : 0);
        out.u16(static_cast<std::uint16_t>(length)).u8(0);
        out.u24(static_cast<std::uint32_t>(length * page.size()));
        for (const Element* element : page)
            append_descriptor(out, changer, *element, form, identifier_size);
    }
    Bytes status = out.take();
    const std::size_t behind_header = status.size() - 8;
    status[5] = static_cast<std::uint8_t>(behind_header >> 16);
    status[6] = static_cast<std::uint8_t>(behind_header >> 8);
    status[7] = static_cast<std::uint8_t>(behind_header);
    return status;
}

std::vector<const Element*> elements_from(const ChangerState& changer, std::uint8_t type,
                                          std::uint16_t first, std::size_t number) {
    std::vector<const Element*> wanted;
    for (const Element& element : changer.elements) {
        const bool right_type = type == 0 || static_cast<std::uint8_t>(element.type) == type;
        if (right_type && element.address >= first) wanted.push_back(&element);
    }
    std::sort(wanted.begin(), wanted.end(),
              [](const Element* a, const Element* b) { return a->address < b->address; });
    wanted.resize(std::min(wanted.size(), number));
    return wanted;
}

}  // namespace drive_iface::virtual_library
