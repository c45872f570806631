#include "snmp_mib/message_seal.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace snmp_mib {

namespace {

constexpr std::size_t salt_length = 8;
constexpr std::size_t digest_length_max = 64;

struct Authentication {
    const char* digest;
    std::size_t key_length;
    std::size_t signature_length;  // RFC 7860 4.1
};
Authentication authentication_of(AuthenticationProtocol protocol) {
    switch (protocol) {
        case AuthenticationProtocol::sha256:
            return {"SHA256", 32, 24};
        case AuthenticationProtocol::sha384:
            return {"SHA384", 48, 32};
        case AuthenticationProtocol::sha512:
            return {"SHA512", 64, 48};
    }
    return {};
}

struct Encryption {
    const char* cipher;
    std::size_t key_length;
};
Encryption encryption_of(PrivacyProtocol protocol) {
    switch (protocol) {
        case PrivacyProtocol::aes128:
            return {"AES-128-CFB", 16};
        case PrivacyProtocol::aes256:
            return {"AES-256-CFB", 32};
    }
    return {};
}

// Fetched once: finding an algorithm by its name costs more than a message.
EVP_MAC* hmac() {
    static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return fetched;
}
EVP_CIPHER* cipher_of(PrivacyProtocol protocol) {
    static EVP_CIPHER* const aes128 =
        EVP_CIPHER_fetch(nullptr, encryption_of(PrivacyProtocol::aes128).cipher, nullptr);
    static EVP_CIPHER* const aes256 =
        EVP_CIPHER_fetch(nullptr, encryption_of(PrivacyProtocol::aes256).cipher, nullptr);
    return protocol == PrivacyProtocol::aes128 ? aes128 : aes256;
}

// Never the same twice with the same key, boots and time (RFC 3826 3.1.4.1): it begins at random in
// each process and counts. Nothing when there is no randomness to begin with.
std::optional<std::uint64_t> next_salt() {
    static std::optional<std::uint64_t> salt = [] {
        std::uint64_t start = 0;
        const bool random = RAND_bytes(reinterpret_cast<unsigned char*>(&start), sizeof start) == 1;
        return random ? std::optional(start) : std::nullopt;
    }();
    if (salt) ++*salt;
    return salt;
}

void put_big_endian(std::uint8_t* where, std::uint64_t value, unsigned octets) {
    for (unsigned i = octets; i-- > 0; value >>= 8U)
        where[i] = static_cast<std::uint8_t>(value & 0xffU);
}

}  // namespace

std::size_t signature_length(AuthenticationProtocol protocol) {
    return authentication_of(protocol).signature_length;
}

void MessageSeal::MacEnd::operator()(evp_mac_ctx_st* context) const {
    EVP_MAC_CTX_free(context);
}
void MessageSeal::CipherEnd::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

std::unique_ptr<MessageSeal> MessageSeal::with(AuthenticationProtocol authentication,
                                               ber::Bytes authentication_key,
                                               PrivacyProtocol privacy, ber::Bytes privacy_key) {
    const Authentication signing = authentication_of(authentication);
    const Encryption encryption = encryption_of(privacy);
    EVP_CIPHER* const cipher = cipher_of(privacy);
    if (hmac() == nullptr || cipher == nullptr || authentication_key.size() != signing.key_length ||
        privacy_key.size() < encryption.key_length) {
        return nullptr;
    }
    std::unique_ptr<MessageSeal> seal(new MessageSeal);
    seal->signature_length_ = signing.signature_length;
    std::array<char, 8> digest{};
    std::strncpy(digest.data(), signing.digest, digest.size() - 1);
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    seal->mac_.reset(EVP_MAC_CTX_new(hmac()));
    seal->cipher_.reset(EVP_CIPHER_CTX_new());
    if (seal->mac_ == nullptr || seal->cipher_ == nullptr ||
        EVP_MAC_init(seal->mac_.get(), authentication_key.data(), authentication_key.size(),
                     parameters.data()) != 1 ||
        EVP_CipherInit_ex2(seal->cipher_.get(), cipher, privacy_key.data(), nullptr, 1, nullptr) !=
            1) {
        return nullptr;
    }
    return seal;
}

bool MessageSeal::close(const V3Plain& message, std::uint32_t boots, std::uint32_t time) {
    const std::optional<std::uint64_t> salt = next_salt();
    if (!salt) return false;
    const V3Places& places = message.places;
    const auto salt_place = message.datagram.subspan(places.salt, salt_length);
    put_big_endian(salt_place.data(), *salt, salt_length);
    const auto text = message.datagram.subspan(places.scoped_pdu, places.scoped_pdu_length);
    if (!crypt(true, salt_place, boots, time, text, text.data())) return false;
    std::array<std::uint8_t, digest_length_max> signature{};
    if (!sign(message.datagram, places, signature)) return false;
    std::copy_n(signature.begin(), places.signature_length,
                message.datagram.subspan(places.signature).begin());
    return true;
}

bool MessageSeal::is_authentic(ber::Bytes datagram, const V3Places& places) {
    if (places.signature_length != signature_length_) return false;
    std::array<std::uint8_t, digest_length_max> signature{};
    return sign(datagram, places, signature) &&
           CRYPTO_memcmp(signature.data(), datagram.data() + places.signature,
                         places.signature_length) == 0;
}

bool MessageSeal::decrypt(ber::Bytes datagram, const V3Places& places, std::uint32_t boots,
                          std::uint32_t time, std::span<std::uint8_t> plain) {
    return plain.size() == places.scoped_pdu_length &&
           crypt(false, datagram.subspan(places.salt, salt_length), boots, time,
                 datagram.subspan(places.scoped_pdu, places.scoped_pdu_length), plain.data());
}

// Of the message with zeros in the signature's place (RFC 3414 6.3.1).
bool MessageSeal::sign(ber::Bytes datagram, const V3Places& places,
                       std::span<std::uint8_t> signature) {
    static constexpr std::array<std::uint8_t, digest_length_max> zeros{};
    const ber::Bytes before = datagram.first(places.signature);
    const ber::Bytes behind = datagram.subspan(places.signature + places.signature_length);
    std::size_t length = 0;
    return EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1 &&
           EVP_MAC_update(mac_.get(), before.data(), before.size()) == 1 &&
           EVP_MAC_update(mac_.get(), zeros.data(), places.signature_length) == 1 &&
           EVP_MAC_update(mac_.get(), behind.data(), behind.size()) == 1 &&
           EVP_MAC_final(mac_.get(), signature.data(), &length, signature.size()) == 1 &&
           length >= places.signature_length;
}

// Boots, time and salt are the first vector (RFC 3826 3.1.2.1).
bool MessageSeal::crypt(bool encrypts, ber::Bytes salt, std::uint32_t boots, std::uint32_t time,
                        ber::Bytes from, std::uint8_t* to) {
    std::array<std::uint8_t, 16> vector{};
    put_big_endian(vector.data(), boots, 4);
    put_big_endian(vector.data() + 4, time, 4);
    std::copy(salt.begin(), salt.end(), vector.begin() + 8);
    int length = 0;
    return EVP_CipherInit_ex2(cipher_.get(), nullptr, nullptr, vector.data(), encrypts ? 1 : 0,
                              nullptr) == 1 &&
           EVP_CipherUpdate(cipher_.get(), to, &length, from.data(),
                            static_cast<int>(from.size())) == 1 &&
           static_cast<std::size_t>(length) == from.size();
}

}  // namespace snmp_mib
