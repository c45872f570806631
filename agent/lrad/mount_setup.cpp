#include "agent/lrad/mount_setup.hpp"

#include <utility>

#include "agent/lrad/iscsi_chap.hpp"
#include "agent/mounts/postgres_session.hpp"
#include "agent/mounts/sqlite_session.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/mount_key.hpp"
#include "drive_iface/device/sg_transport.hpp"

namespace agent::lrad {

namespace {

claims::MediaTable media_of(const runtime::MountsConfiguration& mounts) {
    claims::MediaTable media = claims::lto_media();
    media.cleaning_prefixes = mounts.cleaning_prefixes;
    if (!mounts.media.empty()) {
        media.suffixes.clear();
        for (const auto& medium : mounts.media) {
            media.suffixes.push_back(
                {medium.suffix, medium.generation,
                 claims::medium_kind_from_text(medium.kind).value_or(claims::MediumKind::data)});
        }
    }
    if (!mounts.reach.empty()) {
        media.reach.clear();
        for (const auto& reach : mounts.reach)
            media.reach.push_back({reach.drive, reach.write, reach.read});
    }
    return media;
}

}  // namespace

core::Result<std::unique_ptr<drive_iface::Transport>> make_changer(
    const runtime::LradConfiguration& configuration) {
    const auto& changer = configuration.mounts->changer;
    if (!changer.iscsi) return drive_iface::make_sg_transport(changer.device);
    drive_iface::IscsiTransportOptions iscsi;
    iscsi.url = changer.url;
    iscsi.initiator_name = changer.initiator_name;
    iscsi.isid = drive_iface::isid_number(configuration.sharing.controller);
    iscsi.credentials = credentials_door(chap_for_changer(configuration));
    return drive_iface::make_iscsi_transport(std::move(iscsi));
}

core::Outcome changer_secret_is_readable(const runtime::LradConfiguration& configuration) {
    if (auto readable = credentials_door(chap_for_changer(configuration))(); !readable)
        return readable.error();
    return core::Nothing{};
}

mounts::MountServiceOptions mount_options(const runtime::MountsConfiguration& mounts) {
    mounts::MountServiceOptions options;
    options.table.library = mounts.library;
    options.table.node = mounts.node;
    options.table.media = media_of(mounts);
    options.table.queue_max = mounts.queue_max;
    options.table.queue_per_host_max = mounts.queue_per_host_max;
    options.move_timeout = mounts.move_timeout;
    options.ready_timeout = mounts.ready_timeout;
    options.reserve_timeout = mounts.reserve_timeout;
    options.deadline = mounts.deadline;
    return options;
}

core::Result<std::unique_ptr<mounts::SqlSession>> open_drive_table(
    const runtime::MountsConfiguration& mounts, const std::string& state_dir) {
    if (!mounts.database.empty()) {
        return mounts::open_postgres_session(
            {.servers = mounts.database, .library = mounts.library, .node = mounts.node});
    }
    return mounts::open_sqlite_session(state_dir + "/mounts.db");
}

std::uint64_t mount_key_family_of(const runtime::LradConfiguration& configuration) {
    if (!configuration.mounts) return 0;
    return drive_iface::mount_key_family(configuration.mounts->library);
}

core::EventRecord mount_event(core::Message message, const std::string& drive,
                              const std::vector<std::string>& words) {
    core::EventRecord record;
    record.at = runtime::clock_now().wall;
    record.severity = core::description_of(message).severity;
    record.message = core::identifier_of(message);
    record.drive = {drive};
    record.text = core::text_of(message, words);
    return record;
}

}  // namespace agent::lrad
