#include "drive_iface/scsi/persistent_reserve.hpp"

#include <algorithm>
#include <string>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/transport_id.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::size_t header_size = 8;
constexpr std::size_t pr_out_size = 24;
// A parameter list is read whole before it is decoded; nothing sensible comes near this.
constexpr std::size_t transport_ids_max = 64;

struct Opened {
    PrInHeader header;
    ByteView body;  // what arrived, at most ADDITIONAL LENGTH
};

Result<Opened> open(ByteView data, const char* service_action) {
    ByteReader in(data);
    Opened opened;
    opened.header.generation = in.u32();
    const std::size_t additional = in.u32();
    if (!in.ok()) {
        return Error{std::string("PERSISTENT RESERVE IN, ") + service_action + ": " +
                     std::to_string(data.size()) + " bytes, 8 are needed for the header"};
    }
    opened.header.length_needed = header_size + additional;
    opened.header.complete = data.size() >= opened.header.length_needed;
    opened.body = data.subspan(header_size, std::min(additional, in.remaining()));
    return opened;
}

Error trouble(const char* service_action, std::size_t at, const std::string& what) {
    return Error{std::string("PERSISTENT RESERVE IN, ") + service_action + ": byte " +
                 std::to_string(at) + ": " + what};
}

struct TypeBit {
    PrType type;
    std::uint8_t byte;
    std::uint8_t bit;
};
constexpr TypeBit type_bits[] = {
    {PrType::write_exclusive, 4, 1},
    {PrType::exclusive_access, 4, 3},
    {PrType::write_exclusive_registrants_only, 4, 5},
    {PrType::exclusive_access_registrants_only, 4, 6},
    {PrType::write_exclusive_all_registrants, 4, 7},
    {PrType::exclusive_access_all_registrants, 5, 0},
};

constexpr std::uint8_t set_if(bool condition, unsigned bit) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(condition) << bit);
}

}  // namespace

Result<ReadKeysData> decode_read_keys(ByteView data) {
    const auto opened = open(data, "READ KEYS");
    if (!opened) return opened.error();
    ReadKeysData keys{.header = opened->header, .keys = {}};
    if (keys.header.length_needed % 8 != 0) {
        return trouble("READ KEYS", 4, "ADDITIONAL LENGTH is not a multiple of 8");
    }
    ByteReader in(opened->body);
    while (in.remaining() >= 8)
        keys.keys.push_back(in.u64());
    return keys;
}

Bytes encode_read_keys(std::uint32_t generation, const std::vector<std::uint64_t>& keys) {
    ByteWriter out;
    out.u32(generation).u32(static_cast<std::uint32_t>(keys.size() * 8));
    for (const std::uint64_t key : keys)
        out.u64(key);
    return out.take();
}

Result<ReadReservationData> decode_read_reservation(ByteView data) {
    const auto opened = open(data, "READ RESERVATION");
    if (!opened) return opened.error();
    ReadReservationData reservation{.header = opened->header, .held = {}};
    if (reservation.header.length_needed == header_size) return reservation;
    ByteReader in(opened->body);
    ReadReservationData::Held held;
    held.key = in.u64();
    in.skip(5);
    const std::uint8_t scope_type = in.u8();
    in.skip(2);
    if (!in.ok()) {
        if (!reservation.header.complete) return reservation;
        return trouble("READ RESERVATION", 4, "ADDITIONAL LENGTH is neither 0 nor 16");
    }
    held.scope = static_cast<std::uint8_t>(scope_type >> 4);
    held.type = scope_type & 0x0f;
    reservation.held = held;
    return reservation;
}

Bytes encode_read_reservation(std::uint32_t generation,
                              const std::optional<ReadReservationData::Held>& held) {
    ByteWriter out;
    out.u32(generation).u32(held ? 16 : 0);
    if (held) {
        out.u64(held->key)
            .zeros(5)
            .u8(static_cast<std::uint8_t>(held->scope << 4 | held->type))
            .zeros(2);
    }
    return out.take();
}

Result<PrCapabilities> decode_report_capabilities(ByteView data) {
    if (data.size() < 6) {
        return Error{"PERSISTENT RESERVE IN, REPORT CAPABILITIES: " + std::to_string(data.size()) +
                     " bytes, 6 are needed"};
    }
    PrCapabilities capabilities{.replace_lost_reservation = (data[2] & 0x80) != 0,
                                .compatible_reservation_handling = (data[2] & 0x10) != 0,
                                .specify_initiator_ports = (data[2] & 0x08) != 0,
                                .all_target_ports = (data[2] & 0x04) != 0,
                                .persist_through_power_loss = (data[2] & 0x01) != 0,
                                .persist_active = (data[3] & 0x01) != 0,
                                .allow_commands = static_cast<std::uint8_t>(data[3] >> 4 & 0x07),
                                .types = {}};
    const bool type_mask_valid = (data[3] & 0x80) != 0;
    if (type_mask_valid) {
        capabilities.types.emplace();
        for (const TypeBit& entry : type_bits) {
            if ((data[entry.byte] >> entry.bit & 1) != 0) capabilities.types->push_back(entry.type);
        }
    }
    return capabilities;
}

Bytes encode_report_capabilities(const PrCapabilities& capabilities) {
    Bytes out(8, 0);
    out[1] = 8;
    out[2] = static_cast<std::uint8_t>(set_if(capabilities.replace_lost_reservation, 7) |
                                       set_if(capabilities.compatible_reservation_handling, 4) |
                                       set_if(capabilities.specify_initiator_ports, 3) |
                                       set_if(capabilities.all_target_ports, 2) |
                                       set_if(capabilities.persist_through_power_loss, 0));
    out[3] = static_cast<std::uint8_t>(set_if(capabilities.types.has_value(), 7) |
                                       (capabilities.allow_commands & 0x07) << 4 |
                                       set_if(capabilities.persist_active, 0));
    if (capabilities.types) {
        for (const TypeBit& entry : type_bits) {
            const bool supported = std::find(capabilities.types->begin(), capabilities.types->end(),
                                             entry.type) != capabilities.types->end();
            out[entry.byte] =
                static_cast<std::uint8_t>(out[entry.byte] | set_if(supported, entry.bit));
        }
    }
    return out;
}

Result<ReadFullStatusData> decode_read_full_status(ByteView data) {
    const auto opened = open(data, "READ FULL STATUS");
    if (!opened) return opened.error();
    ReadFullStatusData status{.header = opened->header, .descriptors = {}};
    ByteReader in(opened->body);
    while (in.remaining() > 0) {
        const std::size_t at = header_size + in.position();
        FullStatusDescriptor descriptor;
        descriptor.key = in.u64();
        in.skip(4);
        const std::uint8_t flags = in.u8();
        const std::uint8_t scope_type = in.u8();
        in.skip(4);
        descriptor.relative_target_port = in.u16();
        const ByteView transport_id = in.take(in.u32());
        if (!in.ok()) {
            if (!status.header.complete) break;
            return trouble("READ FULL STATUS", at, "descriptor ends behind the data");
        }
        descriptor.all_target_ports = (flags & 0x02) != 0;
        descriptor.holder = (flags & 0x01) != 0;
        descriptor.scope = static_cast<std::uint8_t>(scope_type >> 4);
        descriptor.type = scope_type & 0x0f;
        descriptor.transport_id.assign(transport_id.begin(), transport_id.end());
        if (auto port = decode_transport_id(transport_id)) descriptor.port = *std::move(port);
        status.descriptors.push_back(std::move(descriptor));
    }
    return status;
}

Bytes encode_read_full_status(std::uint32_t generation,
                              const std::vector<FullStatusDescriptor>& descriptors) {
    ByteWriter out;
    out.u32(generation).u32(0);
    for (const FullStatusDescriptor& descriptor : descriptors) {
        Bytes transport_id = descriptor.transport_id;
        if (transport_id.empty() && descriptor.port) {
            if (auto encoded = encode_transport_id(*descriptor.port))
                transport_id = *std::move(encoded);
        }
        out.u64(descriptor.key).zeros(4);
        out.u8(static_cast<std::uint8_t>(set_if(descriptor.all_target_ports, 1) |
                                         set_if(descriptor.holder, 0)));
        out.u8(static_cast<std::uint8_t>(descriptor.scope << 4 | descriptor.type)).zeros(4);
        out.u16(descriptor.relative_target_port)
            .u32(static_cast<std::uint32_t>(transport_id.size()));
        out.bytes(transport_id);
    }
    out.set_u32(4, static_cast<std::uint32_t>(out.size() - header_size));
    return out.take();
}

Result<PrOutParameters> decode_pr_out_parameters(ByteView data) {
    const auto wrong = [](std::size_t at, const std::string& what) {
        return Error{"PERSISTENT RESERVE OUT parameter list: byte " + std::to_string(at) + ": " +
                     what};
    };
    ByteReader in(data);
    PrOutParameters parameters;
    parameters.reservation_key = in.u64();
    parameters.service_action_reservation_key = in.u64();
    in.skip(4);
    const std::uint8_t flags = in.u8();
    in.skip(3);
    if (!in.ok()) return wrong(data.size(), "ends here, 24 bytes are needed");
    parameters.specify_initiator_ports = (flags & 0x08) != 0;
    parameters.all_target_ports = (flags & 0x04) != 0;
    parameters.persist = (flags & 0x01) != 0;
    if (!parameters.specify_initiator_ports) {
        if (in.remaining() > 0) return wrong(pr_out_size, "more than 24 bytes without SPEC_I_PT");
        return parameters;
    }
    const std::size_t list_length = in.u32();
    if (!in.ok() || list_length != in.remaining()) {
        return wrong(pr_out_size, "TRANSPORTID PARAMETER DATA LENGTH does not match the list");
    }
    while (in.remaining() > 0) {
        const std::size_t at = in.position();
        const std::size_t length = transport_id_length(data.subspan(at));
        const ByteView field = in.take(length);
        if (length == 0 || !in.ok()) return wrong(at, "TransportID ends behind the list");
        auto port = decode_transport_id(field);
        if (!port) return wrong(at, port.error().message);
        if (parameters.transport_ids.size() == transport_ids_max)
            return wrong(at, "too many TransportIDs");
        parameters.transport_ids.push_back(*std::move(port));
    }
    return parameters;
}

Result<Bytes> encode_pr_out_parameters(const PrOutParameters& parameters) {
    ByteWriter out;
    out.u64(parameters.reservation_key).u64(parameters.service_action_reservation_key).zeros(4);
    out.u8(static_cast<std::uint8_t>(set_if(parameters.specify_initiator_ports, 3) |
                                     set_if(parameters.all_target_ports, 2) |
                                     set_if(parameters.persist, 0)));
    out.zeros(3);
    if (parameters.specify_initiator_ports) {
        out.u32(0);
        for (const auto& port : parameters.transport_ids) {
            const auto transport_id = encode_transport_id(port);
            if (!transport_id) return transport_id.error();
            out.bytes(*transport_id);
        }
        out.set_u32(pr_out_size, static_cast<std::uint32_t>(out.size() - pr_out_size - 4));
    }
    return out.take();
}

Result<RegisterAndMoveParameters> decode_register_and_move_parameters(ByteView data) {
    const auto wrong = [](std::size_t at, const std::string& what) {
        return Error{"REGISTER AND MOVE parameter list: byte " + std::to_string(at) + ": " + what};
    };
    ByteReader in(data);
    RegisterAndMoveParameters parameters;
    parameters.reservation_key = in.u64();
    parameters.service_action_reservation_key = in.u64();
    in.skip(1);
    const std::uint8_t flags = in.u8();
    parameters.relative_target_port = in.u16();
    const std::size_t length = in.u32();
    if (!in.ok()) return wrong(data.size(), "ends here, 24 bytes are needed");
    if (length != in.remaining()) return wrong(20, "TRANSPORTID LENGTH does not match the list");
    parameters.unregister = (flags & 0x02) != 0;
    parameters.persist = (flags & 0x01) != 0;
    const ByteView field = in.take(length);
    auto destination = decode_transport_id(field);
    if (!destination) return wrong(pr_out_size, destination.error().message);
    parameters.destination = *std::move(destination);
    return parameters;
}

Result<Bytes> encode_register_and_move_parameters(const RegisterAndMoveParameters& parameters) {
    const auto transport_id = encode_transport_id(parameters.destination);
    if (!transport_id) return transport_id.error();
    ByteWriter out;
    out.u64(parameters.reservation_key).u64(parameters.service_action_reservation_key).u8(0);
    out.u8(static_cast<std::uint8_t>(set_if(parameters.unregister, 1) |
                                     set_if(parameters.persist, 0)));
    out.u16(parameters.relative_target_port).u32(static_cast<std::uint32_t>(transport_id->size()));
    out.bytes(*transport_id);
    return out.take();
}

}  // namespace drive_iface::scsi
