#pragma once

// Signs, checks, encrypts and decrypts messages of one user at one engine, with OpenSSL's contexts
// kept ready: HMAC-SHA-2 (RFC 7860), AES in CFB mode (RFC 3826; AES-256 as Net-SNMP has it).

#include <cstdint>
#include <memory>
#include <span>

#include "snmp_mib/ber_reader.hpp"
#include "snmp_mib/snmp_configuration.hpp"
#include "snmp_mib/v3_layout.hpp"

struct evp_mac_ctx_st;
struct evp_cipher_ctx_st;

namespace snmp_mib {

[[nodiscard]] std::size_t signature_length(AuthenticationProtocol protocol);

class MessageSeal {
  public:
    // Keys localized to the engine (RFC 3414 2.6), of the length that the protocol wants or longer.
    // Null: OpenSSL does not know a protocol, or a key is too short.
    static std::unique_ptr<MessageSeal> with(AuthenticationProtocol authentication,
                                             ber::Bytes authentication_key, PrivacyProtocol privacy,
                                             ber::Bytes privacy_key);

    [[nodiscard]] std::size_t signature_length() const { return signature_length_; }

    // Salt, encryption, signature. False: OpenSSL failed, nothing may be sent.
    [[nodiscard]] bool close(const V3Plain& message, std::uint32_t boots, std::uint32_t time);
    // Did somebody who knows the key write this? Takes as long whatever is wrong with it.
    [[nodiscard]] bool is_authentic(ber::Bytes datagram, const V3Places& places);
    // The scoped PDU, to `plain`, which is as long.
    [[nodiscard]] bool decrypt(ber::Bytes datagram, const V3Places& places, std::uint32_t boots,
                               std::uint32_t time, std::span<std::uint8_t> plain);

  private:
    struct MacEnd {
        void operator()(evp_mac_ctx_st* context) const;
    };
    struct CipherEnd {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    MessageSeal() = default;
    bool sign(ber::Bytes datagram, const V3Places& places, std::span<std::uint8_t> signature);
    bool crypt(bool encrypts, ber::Bytes salt, std::uint32_t boots, std::uint32_t time,
               ber::Bytes from, std::uint8_t* to);

    std::unique_ptr<evp_mac_ctx_st, MacEnd> mac_;
    std::unique_ptr<evp_cipher_ctx_st, CipherEnd> cipher_;
    std::size_t signature_length_ = 0;
};

}  // namespace snmp_mib
