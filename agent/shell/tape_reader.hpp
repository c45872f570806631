#pragma once

// A volume of the library, read as a host reads it: block after block.

#include <memory>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::shell {

// Mounted as long as it lives.
class TapeReader {
  public:
    virtual ~TapeReader() = default;
    // The next block; nothing: a filemark, or the end. Errors in an operator's words.
    [[nodiscard]] virtual core::Result<std::optional<std::string>> next() = 0;
};

// Over rmt, through `vtl-rsh` as tar does it. `name` is "ADMDRV" or a whole barcode; `address` is
// where vtld listens: "unix:PATH" or "tcp:HOST:PORT".
[[nodiscard]] core::Result<std::unique_ptr<TapeReader>> read_over_rmt(const std::string& name,
                                                                      const std::string& address,
                                                                      core::Duration timeout);

// Over the control socket: the robot moves the volume to a drive that is free, and a virtual host
// port reads it there.
[[nodiscard]] core::Result<std::unique_ptr<TapeReader>> read_over_control(const std::string& name,
                                                                          const std::string& socket,
                                                                          core::Duration timeout);

}  // namespace agent::shell
