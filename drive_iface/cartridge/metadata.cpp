#include "drive_iface/cartridge/metadata.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using nlohmann::json;
using virtual_library::Bytes;
using virtual_library::MediumAttribute;

constexpr std::uint64_t metadata_version = 1;
constexpr std::size_t attribute_length_max = 65535;  // SPC-4 7.4.1: two bytes

int digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    throw std::invalid_argument("is not lower-case hex digits");
}

Bytes from_hex(const std::string& text) {
    if (text.size() % 2 != 0) throw std::invalid_argument("has half a byte");
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
    }
    return bytes;
}

// Whole numbers only: the library would round and wrap others without a word.
std::uint64_t count_at(const json& all, const char* name) {
    const auto& value = all.at(name);
    if (!value.is_number_unsigned()) {
        throw std::invalid_argument(std::string(name) + " is no count");
    }
    return value.get<std::uint64_t>();
}

std::int64_t time_at(const json& all, const char* name) {
    const auto& value = all.at(name);
    if (!value.is_number_integer()) {
        throw std::invalid_argument(std::string(name) + " is no time");
    }
    return value.get<std::int64_t>();
}

VolumeId volume_from(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
    const auto bytes = from_hex(text);
    VolumeId volume{};
    if (bytes.size() != volume.size()) throw std::invalid_argument("uuid is not 16 bytes");
    std::copy(bytes.begin(), bytes.end(), volume.begin());
    return volume;
}

Placement placement_from(const std::string& text) {
    if (text == to_text(Placement::mirror)) return Placement::mirror;
    if (text == to_text(Placement::single)) return Placement::single;
    throw std::invalid_argument("placement is neither mirror nor single");
}

json attributes_json(const virtual_library::MediumAttributes& attributes) {
    json all = json::array();
    for (const auto& [id, attribute] : attributes) {
        all.push_back(
            {{"id", id}, {"format", attribute.format}, {"value", scsi::to_hex(attribute.value)}});
    }
    return all;
}

virtual_library::MediumAttributes attributes_from(const json& all) {
    virtual_library::MediumAttributes attributes;
    for (const auto& one : all) {
        const auto id = count_at(one, "id");
        const auto format = count_at(one, "format");
        auto value = from_hex(one.at("value").get<std::string>());
        if (id > 0xffff || format > 3 || value.size() > attribute_length_max) {
            throw std::invalid_argument("an attribute is out of range");
        }
        attributes[static_cast<std::uint16_t>(id)] =
            MediumAttribute{static_cast<std::uint8_t>(format), std::move(value)};
    }
    return attributes;
}

json loads_json(const std::vector<CartridgeLoad>& loads) {
    json all = json::array();
    for (const auto& load : loads) {
        json one{{"loaded_at", load.loaded_at}};
        if (load.unloaded_at) one["unloaded_at"] = *load.unloaded_at;
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<CartridgeLoad> loads_from(const json& all) {
    std::vector<CartridgeLoad> loads;
    for (const auto& one : all) {
        if (loads.size() == loads_kept) break;
        CartridgeLoad load{time_at(one, "loaded_at"), std::nullopt};
        if (one.contains("unloaded_at")) load.unloaded_at = time_at(one, "unloaded_at");
        loads.push_back(load);
    }
    return loads;
}

Metadata metadata_from(const json& all) {
    if (count_at(all, "cartridge") != metadata_version) {
        throw std::invalid_argument("is of a version this program does not know");
    }
    Metadata metadata;
    auto& facts = metadata.facts;
    facts.barcode = all.at("barcode").get<std::string>();
    if (const auto good = check_barcode(facts.barcode); !good.ok()) {
        throw std::invalid_argument(good.error().message);
    }
    facts.capacity = count_at(all, "capacity");
    facts.write_protected = all.at("write_protected").get<bool>();
    facts.worm = all.at("worm").get<bool>();
    facts.cleaning = all.at("cleaning").get<bool>();
    metadata.volume = volume_from(all.at("uuid").get<std::string>());
    metadata.placement = placement_from(all.at("placement").get<std::string>());
    metadata.revision = count_at(all, "revision");
    metadata.created_at = time_at(all, "created_at");
    metadata.load_count = count_at(all, "load_count");
    metadata.loads = loads_from(all.at("loads"));
    metadata.attributes = attributes_from(all.at("attributes"));
    return metadata;
}

bool readable(char character) {
    return (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
           character == '_' || character == '-';
}

}  // namespace

std::string to_text(const Metadata& metadata) {
    const auto& facts = metadata.facts;
    const json all{{"cartridge", metadata_version},
                   {"barcode", facts.barcode},
                   {"uuid", to_text(metadata.volume)},
                   {"capacity", facts.capacity},
                   {"write_protected", facts.write_protected},
                   {"worm", facts.worm},
                   {"cleaning", facts.cleaning},
                   {"placement", to_text(metadata.placement)},
                   {"revision", metadata.revision},
                   {"created_at", metadata.created_at},
                   {"load_count", metadata.load_count},
                   {"loads", loads_json(metadata.loads)},
                   {"attributes", attributes_json(metadata.attributes)}};
    return all.dump(2) + "\n";
}

agent::core::Result<Metadata> metadata_from_text(const std::string& text) {
    try {
        return metadata_from(json::parse(text));
    } catch (const json::exception& problem) {
        return Error{std::string("is no cartridge description: ") + problem.what()};
    } catch (const std::invalid_argument& problem) {
        return Error{std::string("is no cartridge description: ") + problem.what()};
    }
}

agent::core::Outcome check_barcode(const std::string& barcode) {
    constexpr std::size_t length_max = 32;
    if (barcode.empty() || barcode.size() > length_max) {
        return Error{"barcode '" + barcode.substr(0, 64) + "' has " +
                     std::to_string(barcode.size()) + " characters; it takes 1 to 32"};
    }
    if (!std::all_of(barcode.begin(), barcode.end(), readable)) {
        return Error{"barcode '" + barcode + "' holds something else than A-Z, 0-9, _ and -"};
    }
    return Nothing{};
}

std::string to_text(const VolumeId& volume) {
    auto text = scsi::to_hex(volume);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) {
        text.insert(dash, 1, '-');
    }
    return text;
}

std::string to_text(Placement placement) {
    return placement == Placement::mirror ? "mirror" : "single";
}

}  // namespace drive_iface::cartridge
