#pragma once

// Where a support bundle is put together: a folder nobody else may look into, gone in the end.

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::shell {

class GatheringPlace {
  public:
    // In $TMPDIR or /tmp. Errors name the folder.
    [[nodiscard]] static core::Result<GatheringPlace> make();
    GatheringPlace(GatheringPlace&& other) noexcept;
    GatheringPlace& operator=(GatheringPlace&&) = delete;
    ~GatheringPlace();

    // `name` is relative, its folders are made.
    [[nodiscard]] core::Outcome put(const std::string& name, std::string_view text) const;
    // The same with what a program prints on both its outputs; no shell. Errors end with its words.
    [[nodiscard]] core::Outcome put_output_of(const std::string& name,
                                              const std::vector<std::string>& argv) const;
    // One tar file of everything, owned by nobody in particular. `path` exists already and is
    // overwritten.
    [[nodiscard]] core::Outcome pack(const std::string& path) const;

  private:
    explicit GatheringPlace(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] core::Outcome make_folder_of(const std::string& file) const;
    std::string path_;
};

}  // namespace agent::shell
