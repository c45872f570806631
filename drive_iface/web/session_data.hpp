#pragma once

// The data of sessions for who looks at it or takes it home: never more than a piece in memory.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/web/exchange_words.hpp"
#include "drive_iface/web/loop_questions.hpp"
#include "drive_iface/web/shown.hpp"

namespace drive_iface::web {

// A session as it is, a session as of a snapshot, or all of a snapshot one behind the other.
struct DataName {
    std::optional<std::uint32_t> snapshot;
    std::optional<std::uint32_t> session;
};

// On the loop. Nothing: being opened, ask again. Errors in an operator's words.
[[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
open_data(const Shown& shown, const DataName& name);

enum class DataForm : std::uint8_t {
    tap,     // SIMH .tap with an end marker
    blocks,  // the data of the blocks, joined
};

// A recording in pieces of about 256 KiB, or one block when that is longer.
class RecordingPieces {
  public:
    RecordingPieces(std::unique_ptr<virtual_library::Cartridge> cartridge, DataForm form);

    // Nothing: being fetched, ask again. Empty: that was all. Errors: a block is damaged.
    [[nodiscard]] std::optional<agent::core::Result<virtual_library::Bytes>> next();
    // Bytes of all pieces together, when it is known without reading.
    [[nodiscard]] std::optional<std::uint64_t> length() const;

  private:
    void put_word(std::uint32_t word);

    std::unique_ptr<virtual_library::Cartridge> cartridge_;
    DataForm form_;
    std::uint64_t next_ = 0;  // object
    bool ended_ = false;
    virtual_library::Bytes piece_;
};

// What is being taken home. On the loop, all of it.
class Downloads {
  public:
    explicit Downloads(std::size_t at_once_max) : at_once_max_(at_once_max) {}

    [[nodiscard]] bool full() const { return open_.size() >= at_once_max_; }
    [[nodiscard]] std::uint64_t begin(RecordingPieces pieces);
    [[nodiscard]] std::optional<agent::core::Result<virtual_library::Bytes>> next(
        std::uint64_t number);
    void end(std::uint64_t number) { open_.erase(number); }
    void end_all() { open_.clear(); }

  private:
    std::size_t at_once_max_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, RecordingPieces> open_;
};

// A begun download as the body of an answer; ends it when it is destroyed, on any thread.
// `questions` outlives it.
[[nodiscard]] std::unique_ptr<Body> download_body(LoopQuestions& questions,
                                                  std::shared_ptr<Downloads> downloads,
                                                  std::uint64_t number);

}  // namespace drive_iface::web
