#pragma once

// A host made by somebody else (libiscsi).

#include <cstdint>
#include <string>
#include <vector>

struct iscsi_context;

namespace iscsi_server_test {

struct HostOptions {
    std::string name = "iqn.2026-01.example:host";
    bool header_digest = false;
    bool only_solicited = false;  // InitialR2T=Yes, ImmediateData=No
    std::uint32_t isid = 0;       // 0: random
    std::string user;             // CHAP when not empty
    std::string secret;
    std::string target_user;  // mutual CHAP when not empty
    std::string target_secret;
};

class TapeHost {
  public:
    explicit TapeHost(const HostOptions& options = {});
    ~TapeHost();  // closes the socket without logout
    TapeHost(const TapeHost&) = delete;
    TapeHost& operator=(const TapeHost&) = delete;

    [[nodiscard]] bool log_in(const std::string& portal, const std::string& target);
    void log_out();
    struct Discovered {
        std::string target;
        std::vector<std::string> portals;
    };
    [[nodiscard]] std::vector<Discovered> discover(const std::string& portal);

    // GOOD and no residual.
    [[nodiscard]] bool write(const std::vector<std::uint8_t>& block);
    [[nodiscard]] std::vector<std::uint8_t> read(std::size_t length);
    [[nodiscard]] bool test_unit_ready();

  private:
    iscsi_context* context_;
};

}  // namespace iscsi_server_test
