#pragma once

// TLS on the drive event channel, for drives on other machines (RFC 8446, RFC 5246: 1.2 and 1.3).
// Both ends show a certificate: who has none of the library's own authority is not heard.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/events/channel_stream.hpp"

namespace drive_iface::events {

// Files in PEM. They are read again when they have changed, so that renewed ones need no restart.
struct ChannelTls {
    std::string certificate_file;      // this end's, with what is between it and the authority
    std::string certificate_key_file;  // its key, unencrypted, for its owner alone (0600)
    std::string authority_file;        // whose certificates are believed
    // Who may be at the other end, as its certificate names it (subjectAltName: DNS or IP address,
    // RFC 6125). Empty: at the end that listens whoever the authority has signed; at the end that
    // connects whoever has the address that was connected to.
    std::vector<std::string> peers;
    bool operator==(const ChannelTls&) const = default;
};

enum class ChannelEnd : std::uint8_t { listens, connects };

// Can these files be used? Errors name the file: missing, not PEM, a key that others may read or
// that is another certificate's, a certificate that is not valid now.
[[nodiscard]] agent::core::Outcome tls_is_usable(const ChannelTls& tls);

// Who this end is, for any number of connections. From one thread only.
class TlsIdentity {
  public:
    using Secured = std::function<void(agent::core::Result<std::unique_ptr<ChannelStream>> stream)>;
    using GiveUp = std::function<void()>;

    explicit TlsIdentity(ChannelTls tls);
    ~TlsIdentity();

    TlsIdentity(const TlsIdentity&) = delete;
    TlsIdentity& operator=(const TlsIdentity&) = delete;

    // The handshake on a connected socket. `host`: the address that was connected to, of the other
    // end. `done` is called once, from the socket's loop, never before this returns. Errors: why
    // this end or the other one refuses, it took longer than `within`, or the function that is
    // returned was called. An end that connects may be refused by the other one only after this
    // (TLS 1.3): it reads the end of the stream then.
    GiveUp secure(ChannelStream::Socket socket, ChannelEnd end, const std::string& host,
                  agent::core::Duration within, Secured done);

  private:
    class Files;
    std::unique_ptr<Files> files_;
};

}  // namespace drive_iface::events
