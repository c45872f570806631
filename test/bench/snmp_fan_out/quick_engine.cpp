#include "test/bench/snmp_fan_out/quick_engine.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <variant>

#include "snmp_mib/ber_reader.hpp"
#include "snmp_mib/datagram.hpp"

namespace fan_out {

namespace {

using snmp_mib::ber::BerReader;
using snmp_mib::ber::Bytes;
using Digest = std::array<std::uint8_t, 32>;

constexpr std::size_t authentication_length = 24;  // RFC 7860 4.1: usmHMAC192SHA256
constexpr std::size_t salt_length = 8;
// Context engine ID and name, and the PDU's tag, stand in it.
constexpr std::size_t front_length = 64;
constexpr std::uint8_t reportable = 0x04;

[[noreturn]] void end_without(const char* what) {
    std::fprintf(stderr, "quick engine: no %s\n", what);
    std::exit(1);
}

Digest localized(const std::string& master_key, const std::string& engine_id) {
    const std::string text = master_key + engine_id + master_key;
    Digest key{};
    if (EVP_Digest(text.data(), text.size(), key.data(), nullptr, EVP_sha256(), nullptr) != 1)
        end_without("SHA-256");
    return key;
}

std::size_t place_of(Bytes piece, std::span<const std::uint8_t> datagram) {
    return static_cast<std::size_t>(piece.data() - datagram.data());
}

}  // namespace

void QuickEngine::MacEnd::operator()(evp_mac_ctx_st* context) const {
    EVP_MAC_CTX_free(context);
}
void QuickEngine::CipherEnd::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

QuickEngine::QuickEngine(const std::string& master_key, const std::string& engine_id) {
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    static EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-128-CFB", nullptr);
    const Digest key = localized(master_key, engine_id);
    char digest[] = "SHA256";
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    mac_.reset(EVP_MAC_CTX_new(hmac));
    if (!mac_ || EVP_MAC_init(mac_.get(), key.data(), key.size(), parameters.data()) != 1)
        end_without("HMAC");
    cipher_.reset(EVP_CIPHER_CTX_new());
    if (!cipher_ || EVP_CipherInit_ex2(cipher_.get(), aes, key.data(), nullptr, 1, nullptr) != 1)
        end_without("AES");
}

PduType QuickEngine::open(std::span<std::uint8_t> datagram) {
    const auto envelope = snmp_mib::envelope_of(datagram);
    const auto* v3 = std::get_if<snmp_mib::V3Envelope>(&envelope);
    if (v3 == nullptr || !v3->encrypted || v3->authentication_length != authentication_length)
        return PduType::none;
    BerReader whole(datagram);
    BerReader message(whole.element(snmp_mib::ber::tag_sequence));
    message.natural();
    BerReader header(message.element(snmp_mib::ber::tag_sequence));
    header.natural();
    header.natural();
    places_.flags = place_of(header.element(snmp_mib::ber::tag_octet_string), datagram);
    message.element(snmp_mib::ber::tag_octet_string);  // security parameters
    places_.scoped_pdu = place_of(message.element(snmp_mib::ber::tag_octet_string), datagram);
    places_.authentication = v3->authentication_at;
    places_.salt = v3->authentication_at + authentication_length + 2;
    places_.boots = v3->engine_boots;
    places_.time = v3->engine_time;
    if (!header.good() || !message.good()) return PduType::none;
    const auto text = datagram.subspan(places_.scoped_pdu);
    const std::size_t front = std::min(text.size(), front_length);
    begin(datagram, false);
    crypt(text.first(front));
    BerReader plain(text);
    BerReader scoped(plain.element(snmp_mib::ber::tag_sequence));
    scoped.element(snmp_mib::ber::tag_octet_string);
    const Bytes context_name = scoped.element(snmp_mib::ber::tag_octet_string);
    if (!scoped.good() || scoped.empty()) return PduType::none;
    places_.pdu = place_of(context_name, datagram) + context_name.size();
    const PduType type{datagram[places_.pdu]};
    if (type == PduType::inform) crypt(text.subspan(front));
    return type;
}

void QuickEngine::answer(std::span<std::uint8_t> datagram) {
    datagram[places_.pdu] = static_cast<std::uint8_t>(PduType::response);
    datagram[places_.flags] &= static_cast<std::uint8_t>(~reportable);
    begin(datagram, true);
    crypt(datagram.subspan(places_.scoped_pdu));
    const auto signature = datagram.subspan(places_.authentication, authentication_length);
    std::fill(signature.begin(), signature.end(), std::uint8_t{0});
    Digest digest{};
    std::size_t length = 0;
    if (EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 ||
        EVP_MAC_update(mac_.get(), datagram.data(), datagram.size()) != 1 ||
        EVP_MAC_final(mac_.get(), digest.data(), &length, digest.size()) != 1)
        end_without("HMAC");
    std::copy_n(digest.begin(), authentication_length, signature.begin());
}

// RFC 3826 3.1.2: boots, time and salt are the first vector.
void QuickEngine::begin(std::span<const std::uint8_t> datagram, bool encrypts) {
    std::array<std::uint8_t, 16> vector{};
    for (std::size_t i = 0; i < 4; ++i) {
        vector[i] = static_cast<std::uint8_t>(places_.boots >> (24 - 8 * i));
        vector[4 + i] = static_cast<std::uint8_t>(places_.time >> (24 - 8 * i));
    }
    std::copy_n(datagram.begin() + static_cast<std::ptrdiff_t>(places_.salt), salt_length,
                vector.begin() + 8);
    if (EVP_CipherInit_ex2(cipher_.get(), nullptr, nullptr, vector.data(), encrypts ? 1 : 0,
                           nullptr) != 1)
        end_without("AES");
}

// Goes on where the last piece ended.
void QuickEngine::crypt(std::span<std::uint8_t> text) {
    int length = 0;
    if (EVP_CipherUpdate(cipher_.get(), text.data(), &length, text.data(),
                         static_cast<int>(text.size())) != 1)
        end_without("AES");
}

}  // namespace fan_out
