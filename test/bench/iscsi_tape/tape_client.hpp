#pragma once

// A host that streams to a tape over iSCSI (libiscsi), with several commands under way at a time.

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

struct iscsi_context;

namespace iscsi_tape {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class TapeClient {
  public:
    // Throws Failure when it can not log in.
    TapeClient(const std::string& portal, const std::string& target, int lun,
               const std::string& initiator);
    ~TapeClient();
    TapeClient(const TapeClient&) = delete;
    TapeClient& operator=(const TapeClient&) = delete;

    struct Load {
        std::uint32_t block_length = 0;
        std::uint64_t blocks = 0;
        int depth = 1;
    };
    // Variable blocks from where the tape stands; seconds until the last one was answered. Throws
    // Failure at the first error.
    double write(const Load& load);
    double read(const Load& load);
    // The same of several clients at once, all served by the caller's thread.
    static double write_together(std::span<TapeClient* const> clients, const Load& load);
    static double read_together(std::span<TapeClient* const> clients, const Load& load);

    // TEST UNIT READY until it is GOOD.
    void wait_until_ready();
    void rewind();
    void write_filemark();  // IMMED=0: answered when everything before it is synchronised
    // The status, 0 for GOOD.
    int command(const std::vector<std::uint8_t>& cdb);
    std::vector<std::uint8_t> query(const std::vector<std::uint8_t>& cdb, int data_in_max);

  private:
    struct Stream;
    static double stream(std::span<TapeClient* const> clients, const Load& load, bool writes);
    // As many commands as may be under way.
    void issue(Stream& stream, const Load& load);
    void serve(short events);

    iscsi_context* context_;
    int lun_;
    std::vector<std::uint8_t> buffer_;
};

}  // namespace iscsi_tape
