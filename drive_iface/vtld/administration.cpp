#include "drive_iface/vtld/administration.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <exception>
#include <set>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "drive_iface/admin_volumes/administrative_volume.hpp"
#include "drive_iface/virtual/personality.hpp"
#include "drive_iface/vtld/lrad_records.hpp"

namespace drive_iface::vtld {

using admin_volumes::DataSet;
using admin_volumes::DataSetType;
using admin_volumes::Occasion;
using agent::core::Error;
using agent::core::Result;
using Volume = Result<std::unique_ptr<virtual_library::Cartridge>>;

class Administration::Workshop : public std::enable_shared_from_this<Workshop> {
  public:
    Workshop(asio::io_context& loop, Options options)
        : loop_(&loop), options_(std::move(options)), bench_(1) {}

    void tell(DataSetType type, Source source) { sources_[type] = std::move(source); }
    void on_progress(std::function<void()> progress) { progress_ = std::move(progress); }

    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto type : admin_volumes::data_set_types())
            all.push_back(std::string(admin_volumes::name_of(type)) + options_.media_identifier);
        return all;
    }

    std::optional<Volume> build(const std::string& name) {
        if (const auto found = ready_.find(name); found != ready_.end()) {
            Volume volume = std::move(found->second);
            ready_.erase(found);
            return volume;
        }
        if (!begun_.insert(name).second) return std::nullopt;
        begin(name);
        return std::nullopt;
    }

    void close() {
        progress_ = {};
        closed_ = true;
        bench_.join();
    }

  private:
    void begin(const std::string& name) {
        auto data = collect(admin_volumes::data_set_type_of(name));
        auto occasion = this_moment();
        // The bench is joined before this is gone.
        asio::post(bench_, [this, name, data = std::move(data), occasion]() mutable {
            auto volume = std::make_shared<Volume>(made(name, std::move(data), occasion));
            asio::post(*loop_, [self = shared_from_this(), name, volume] {
                if (!self->closed_) self->finish(name, std::move(*volume));
            });
        });
    }

    std::vector<DataSet> collect(std::optional<DataSetType> wanted) const {
        std::vector<DataSet> data;
        for (const auto type : admin_volumes::data_set_types()) {
            if (type == DataSetType::all) continue;
            if (wanted != type && wanted != DataSetType::all) continue;
            const auto source = sources_.find(type);
            data.push_back({type, source == sources_.end() ? std::vector<admin_volumes::Record>{}
                                                           : source->second()});
        }
        return data;
    }

    Occasion this_moment() {
        const auto now = agent::runtime::clock_now().wall;
        // Rises over restarts too, as long as the clock does.
        generation_ = std::max(generation_ + 1, static_cast<std::uint64_t>(now.ms));
        constexpr std::int64_t ms_in_s = 1'000;
        return {.library = options_.library,
                .drive = {},
                .time = agent::runtime::to_text(now),
                .time_s = now.ms / ms_in_s,
                .generation = generation_};
    }

    // On the bench.
    Volume made(const std::string& name, std::vector<DataSet> data,
                const Occasion& occasion) const {
        try {
            for (auto& one : data) {
                if (one.type == DataSetType::reservations)
                    append_lrad_records(one.records, options_.lrad_socket);
            }
            return admin_volumes::administrative_volume(name, data, occasion);
        } catch (const std::exception& trouble) {  // no memory
            return Error{name + " could not be built: " + trouble.what()};
        }
    }

    // Who waits takes it in progress(). If nobody does the mount was given up, and the next one is
    // owed data of its own moment.
    void finish(const std::string& name, Volume volume) {
        begun_.erase(name);
        ready_.emplace(name, std::move(volume));
        if (progress_) progress_();
        ready_.erase(name);
    }

    asio::io_context* loop_;
    Options options_;
    std::map<DataSetType, Source> sources_;
    std::function<void()> progress_;
    std::uint64_t generation_ = 0;
    std::set<std::string> begun_;
    std::map<std::string, Volume> ready_;
    bool closed_ = false;
    asio::thread_pool bench_;  // one thread
};

Administration::Administration(asio::io_context& loop, Options options)
    : workshop_(std::make_shared<Workshop>(loop, std::move(options))) {}

Administration::~Administration() {
    workshop_->close();
}

void Administration::tell(DataSetType type, Source source) {
    workshop_->tell(type, std::move(source));
}

std::vector<std::string> Administration::names() const {
    return workshop_->names();
}

std::optional<Volume> Administration::build(const std::string& name) {
    return workshop_->build(name);
}

void Administration::on_progress(std::function<void()> progress) {
    workshop_->on_progress(std::move(progress));
}

std::string media_identifier(const std::string& personality, const std::string& product) {
    const auto* named = virtual_library::find_personality(personality);
    const auto& chosen =
        named != nullptr ? *named : virtual_library::personality_of_product(product);
    return std::string("L") + chosen.name.back();
}

}  // namespace drive_iface::vtld
