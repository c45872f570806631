#pragma once

#include <string>

#include "agent/core/result.hpp"

namespace drive_iface::vtld {

// What survives power loss, in one file that is whole at every moment: written beside the old one,
// synced, renamed, and the folder synced.
class StateFile {
  public:
    // Makes the folder (mode 0750) when it is not there, and keeps others from using it while this
    // object lives.
    [[nodiscard]] static agent::core::Result<StateFile> open(const std::string& folder);
    ~StateFile();
    StateFile(StateFile&& other) noexcept;
    StateFile& operator=(StateFile&&) = delete;

    // Empty when nothing was ever saved.
    [[nodiscard]] agent::core::Result<std::string> load() const;
    // When it returns well the state is on disk. Does nothing when `state` is what was saved last.
    [[nodiscard]] agent::core::Outcome save(const std::string& state);

  private:
    StateFile(std::string folder, int lock);

    std::string folder_;
    int lock_;
    std::string saved_;
};

}  // namespace drive_iface::vtld
