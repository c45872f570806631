#pragma once

// A backup host: an initiator made by somebody else (libiscsi).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct iscsi_context;

namespace vtld_test {

struct HostOptions {
    bool digests = false;
    std::string user;  // CHAP when not empty
    std::string secret;
};

class LibiscsiHost {
  public:
    using Options = HostOptions;
    LibiscsiHost(const std::string& name, const Options& options = {});
    ~LibiscsiHost();  // closes the socket without logout
    LibiscsiHost(const LibiscsiHost&) = delete;
    LibiscsiHost& operator=(const LibiscsiHost&) = delete;

    [[nodiscard]] bool log_in(const std::string& portal, const std::string& target);
    [[nodiscard]] std::string error() const;
    void log_out();
    void break_connection();  // the socket closes, nothing is said

    struct Reply {
        int status = -1;
        int sense_key = 0;
        int asc_ascq = 0;
        std::vector<std::uint8_t> data;
    };
    // One command without or with data-in of at most `data_in_max` bytes.
    [[nodiscard]] Reply run(std::vector<std::uint8_t> cdb, int data_in_max = 0);
    // One command with data-out.
    [[nodiscard]] Reply send(std::vector<std::uint8_t> cdb, std::vector<std::uint8_t> data_out);
    // TEST UNIT READY until no unit attention is left.
    void settle();

  private:
    iscsi_context* context_;
    bool logged_in_ = false;
};

}  // namespace vtld_test
