#include "drive_iface/web/session_data.hpp"

#include <array>
#include <utility>

#include "drive_iface/cartridge/tap_format.hpp"

namespace drive_iface::web {

using agent::core::Error;
using agent::core::Result;
using virtual_library::Bytes;
using virtual_library::Cartridge;
using virtual_library::LogicalObject;

namespace {

constexpr std::size_t piece_size = std::size_t{256} * 1024;
constexpr std::size_t objects_at_once = 4096;  // so that the event loop gets on with other things

class DownloadBody final : public Body {
  public:
    DownloadBody(LoopQuestions& questions, std::shared_ptr<Downloads> downloads,
                 std::uint64_t number)
        : questions_(&questions), downloads_(std::move(downloads)), number_(number) {}
    ~DownloadBody() override {
        questions_->tell([downloads = downloads_, number = number_] { downloads->end(number); });
    }
    DownloadBody(const DownloadBody&) = delete;
    DownloadBody& operator=(const DownloadBody&) = delete;

    Result<Bytes> next() override {
        auto piece = questions_->ask<Result<Bytes>>(
            [downloads = downloads_, number = number_] { return downloads->next(number); });
        if (!piece) return Error{"the library did not deliver in time"};
        return std::move(*piece);
    }

  private:
    LoopQuestions* questions_;
    std::shared_ptr<Downloads> downloads_;
    std::uint64_t number_;
};

}  // namespace

std::optional<Result<std::unique_ptr<Cartridge>>> open_data(const Shown& shown,
                                                            const DataName& name) {
    using Opened = Result<std::unique_ptr<Cartridge>>;
    if (name.snapshot) {
        if (shown.snapshots == nullptr) return Opened(Error{"this library takes no snapshots"});
        return shown.snapshots->open(*name.snapshot, name.session);
    }
    if (shown.tracking == nullptr || !name.session)
        return Opened(Error{"no drive of this library is parallel"});
    return shown.tracking->open(*name.session);
}

RecordingPieces::RecordingPieces(std::unique_ptr<Cartridge> cartridge, DataForm form)
    : cartridge_(std::move(cartridge)), form_(form) {}

std::optional<std::uint64_t> RecordingPieces::length() const {
    if (form_ == DataForm::tap) return std::nullopt;  // blocks of odd length are padded
    return cartridge_->used();
}

void RecordingPieces::put_word(std::uint32_t word) {
    if (form_ == DataForm::blocks) return;
    for (int shift = 0; shift < 32; shift += 8)
        piece_.push_back(static_cast<std::uint8_t>(word >> shift));
}

std::optional<Result<Bytes>> RecordingPieces::next() {
    for (std::size_t done = 0; next_ < cartridge_->end_of_data() && piece_.size() < piece_size;
         ++done) {
        if (done == objects_at_once) {
            if (piece_.empty()) return std::nullopt;
            return Result<Bytes>(std::exchange(piece_, {}));
        }
        const LogicalObject object = cartridge_->object(next_);
        if (object.kind == LogicalObject::Kind::filemark) {
            put_word(cartridge::tap_filemark);
            ++next_;
            continue;
        }
        if (!cartridge_->at_hand(next_, 1)) {
            if (piece_.empty()) return std::nullopt;
            return Result<Bytes>(std::exchange(piece_, {}));
        }
        put_word(object.length);
        if (auto read = cartridge_->read(next_, piece_); !read)
            return Result<Bytes>(read.error().within("record " + std::to_string(next_)));
        if (form_ == DataForm::tap && object.length % 2 == 1) piece_.push_back(0);
        put_word(object.length);
        ++next_;
    }
    if (next_ == cartridge_->end_of_data() && !std::exchange(ended_, true))
        put_word(cartridge::tap_end_of_medium);
    return Result<Bytes>(std::exchange(piece_, {}));
}

std::uint64_t Downloads::begin(RecordingPieces pieces) {
    open_.emplace(++last_, std::move(pieces));
    return last_;
}

std::optional<Result<Bytes>> Downloads::next(std::uint64_t number) {
    const auto found = open_.find(number);
    if (found == open_.end()) return Result<Bytes>(Error{"the download has ended"});
    return found->second.next();
}

std::unique_ptr<Body> download_body(LoopQuestions& questions, std::shared_ptr<Downloads> downloads,
                                    std::uint64_t number) {
    return std::make_unique<DownloadBody>(questions, std::move(downloads), number);
}

}  // namespace drive_iface::web
