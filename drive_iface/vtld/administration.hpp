#pragma once

// The administrative volumes of a running library (docs/ADMIN_VOLUMES.md): collects what they tell
// on the event loop when one is mounted, asks lrad and writes the tape on a thread of its own.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::vtld {

class Administration final : public virtual_library::VirtualVolumes {
  public:
    struct Options {
        std::string library;           // serial
        std::string media_identifier;  // "L8": behind the six characters of each name
        std::string lrad_socket;       // empty: lrad is not asked
    };
    Administration(asio::io_context& loop, Options options);
    ~Administration() override;  // waits for a volume that is being built, two seconds at most
    Administration(const Administration&) = delete;
    Administration& operator=(const Administration&) = delete;

    // Called on the event loop each time a volume of this type, or of all, is mounted. Without a
    // source a type has no records.
    using Source = std::function<std::vector<admin_volumes::Record>()>;
    void tell(admin_volumes::DataSetType type, Source source);

    // VirtualVolumes
    [[nodiscard]] std::vector<std::string> names() const override;
    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
    build(const std::string& name) override;
    void on_progress(std::function<void()> progress) override;

  private:
    class Workshop;
    std::shared_ptr<Workshop> workshop_;  // shared with what is posted to the loop
};

// The media identifier of the drives of this INQUIRY product: "L5" to "L9".
[[nodiscard]] std::string media_identifier(const std::string& personality,
                                           const std::string& product);

}  // namespace drive_iface::vtld
