#pragma once

// An SNMPv3 engine (authPriv, SHA-256 and AES-128) that answers at next to no cost, with keys and
// contexts kept ready: a thousand of them on one machine leave its processors to the controller,
// as a thousand machines would. It verifies nothing; what it says is verified by the other side.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct evp_mac_ctx_st;
struct evp_cipher_ctx_st;

namespace fan_out {

enum class PduType : std::uint8_t { none = 0, response = 0xa2, inform = 0xa6, trap = 0xa7 };

class QuickEngine {
  public:
    // The keys of a user with this master key at the engine; RFC 3414 2.6, RFC 7860 9.3.
    QuickEngine(const std::string& master_key, const std::string& engine_id);

    // Decrypts `datagram` in place, of anything but an inform the front only; none: it is no SNMPv3
    // message with encryption.
    [[nodiscard]] PduType open(std::span<std::uint8_t> datagram);
    // Makes what open() has found to be an inform its Response, encrypted and signed.
    void answer(std::span<std::uint8_t> datagram);

  private:
    struct Places {  // in the datagram
        std::size_t flags = 0;
        std::size_t authentication = 0;
        std::size_t salt = 0;
        std::size_t scoped_pdu = 0;
        std::size_t pdu = 0;
        std::uint32_t boots = 0;
        std::uint32_t time = 0;
    };
    void begin(std::span<const std::uint8_t> datagram, bool encrypts);
    void crypt(std::span<std::uint8_t> text);

    struct MacEnd {
        void operator()(evp_mac_ctx_st* context) const;
    };
    struct CipherEnd {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    std::unique_ptr<evp_mac_ctx_st, MacEnd> mac_;
    std::unique_ptr<evp_cipher_ctx_st, CipherEnd> cipher_;
    Places places_;
};

}  // namespace fan_out
