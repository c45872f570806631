#pragma once

// Whole SNMP messages as values, and the one place that turns them into datagrams and back:
// the quick way (quick_message.hpp) where it goes, and else Net-SNMP's encoder, decoder and
// user-based security model, without its sessions, sockets and timers.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/datagram.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind.hpp"
#include "snmp_mib/varbind_ber.hpp"

namespace snmp_mib {

// Always authPriv.
struct V3Notification {
    bool inform = true;
    std::int32_t message_id = 0;
    std::int32_t request_id = 0;
    std::string engine_id;  // the authoritative one: the receiver's for an inform, ours for a trap
    std::string user;
};
[[nodiscard]] agent::core::Result<std::string> encode_message(const V3Notification& header,
                                                              const NotificationBody& body);
// The library's way.
[[nodiscard]] agent::core::Result<std::string> encode_message(const V3Notification& header,
                                                              std::span<const Varbind> varbinds);

struct V2cNotification {
    bool inform = true;
    std::int32_t request_id = 0;
    std::string community;
};
[[nodiscard]] agent::core::Result<std::string> encode_message(const V2cNotification& header,
                                                              std::span<const Varbind> varbinds);

// Asks an engine for its ID (RFC 3414 4): no user, no security, no variables.
[[nodiscard]] agent::core::Result<std::string> encode_discovery(std::int32_t message_id);

// An unauthenticated Report of ours.
[[nodiscard]] agent::core::Result<std::string> encode_report(oids::UsmReport reason,
                                                             std::int32_t message_id);

// A decoded SNMPv3 message. `verdict` comes first: with any other than accepted the rest is
// somebody's claim.
class ReceivedMessage {
  public:
    enum class Verdict : std::uint8_t {
        accepted,
        unknown_user,
        wrong_key,
        not_in_time_window,
        unsupported_level,
        unknown_engine,
        decryption_failed,
        not_parsed,
    };
    enum class Command : std::uint8_t { inform, trap, response, report, other };

    // `envelope` is the datagram's own.
    static ReceivedMessage decode(const V3Envelope& envelope,
                                  std::span<const std::uint8_t> datagram);
    // The library's way.
    static ReceivedMessage decode(std::span<const std::uint8_t> datagram);
    ReceivedMessage(ReceivedMessage&&) noexcept;
    ReceivedMessage& operator=(ReceivedMessage&&) noexcept;
    ~ReceivedMessage();

    [[nodiscard]] Verdict verdict() const { return verdict_; }
    [[nodiscard]] Command command() const;
    [[nodiscard]] bool authenticated_and_encrypted() const;
    [[nodiscard]] bool authenticated() const;
    [[nodiscard]] std::int32_t request_id() const;
    [[nodiscard]] std::int32_t error_status() const;
    [[nodiscard]] const std::string& user() const;
    [[nodiscard]] const std::string& engine_id() const;  // authoritative
    // Of a notification.
    [[nodiscard]] const std::vector<Varbind>& varbinds() const;
    [[nodiscard]] std::optional<oids::UsmReport> report_reason() const;

    // The Response to an accepted inform.
    [[nodiscard]] agent::core::Result<std::string> response();
    // The Report that tells the sender why it was refused; authenticated where the standard wants
    // it.
    [[nodiscard]] agent::core::Result<std::string> report();

  private:
    struct Content;
    explicit ReceivedMessage(std::unique_ptr<Content> content);
    std::unique_ptr<Content> content_;
    Verdict verdict_ = Verdict::not_parsed;
    int library_error_ = 0;
};

// What we believe about another engine's clock; without it the first message would be refused once.
void set_engine_clock(const std::string& engine_id, std::uint32_t boots, std::uint32_t time,
                      bool authenticated);
// Our own snmpEngineTime in seconds.
[[nodiscard]] std::uint32_t own_engine_time();

}  // namespace snmp_mib
