// What people and programs ask of the drive table, and say of volumes and drives.

#include <algorithm>

#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimState;
using claims::DriveState;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 18 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error changed_since(const std::string& what, std::string_view state, const std::string& reason) {
    return Error{what + " was changed after this was asked: it is " + std::string(state) +
                 (reason.empty() ? "" : ", " + reason) + "; ask again if you still want it"};
}

}  // namespace

// ---- questions

void MountService::find_claim(const std::string& name,
                              std::function<void(const Result<std::optional<Claim>>&)> then) {
    at_desk<Result<std::optional<Claim>>>(
        [name](ClaimTable& table) {
            // A barcode may be digits too, with zeros in front.
            if (is_number(name) && name.front() != '0') {
                auto found = table.claim(std::stoull(name));
                if (!found || *found) return found;
            }
            auto found = table.claim_of_volume(name);
            if (!found || *found) return found;
            return table.claim_of_request(name);
        },
        std::move(then));
}

void MountService::list_claims(bool all, ClaimsCallback callback) {
    constexpr std::size_t claims_shown_max = 1'000;
    using Found = Result<std::vector<ClaimView>>;
    at_desk<Found>(
        [all](ClaimTable& table) -> Found {
            auto found = table.claims(all, claims_shown_max);
            if (!found) return found.error();
            auto line = table.line();
            if (!line) return line.error();
            std::vector<ClaimView> views;
            for (const auto& claim : *found) {
                ClaimView view{claim, 0, ""};
                const auto at = std::find_if(line->begin(), line->end(), [&](const Claim& waiting) {
                    return waiting.id == claim.id;
                });
                if (at != line->end())
                    view.position = static_cast<std::size_t>(at - line->begin()) + 1;
                views.push_back(std::move(view));
            }
            return views;
        },
        [this, callback = std::move(callback)](const Found& found) {
            if (!found) return callback(found);
            auto views = found.value();
            for (auto& view : views) {
                if (const auto run = find_run(view.claim.id)) view.step = run->step;
            }
            callback(Found(std::move(views)));
        });
}

void MountService::show_claim(const std::string& claim, ClaimsCallback callback) {
    using Found = Result<std::vector<ClaimView>>;
    find_claim(claim,
               [this, callback = std::move(callback)](const Result<std::optional<Claim>>& found) {
                   if (!found) return callback(Found(found.error()));
                   if (!*found) return callback(Found(std::vector<ClaimView>{}));
                   const auto id = (*found)->id;
                   if ((*found)->state != ClaimState::queued) {
                       ClaimView view{**found, 0, ""};
                       if (const auto run = find_run(id)) view.step = run->step;
                       return callback(Found(std::vector<ClaimView>{view}));
                   }
                   list_claims(false, [callback, id](const Found& all) {
                       if (!all) return callback(all);
                       std::vector<ClaimView> one;
                       for (const auto& view : *all) {
                           if (view.claim.id == id) one.push_back(view);
                       }
                       callback(Found(std::move(one)));
                   });
               });
}

void MountService::list_volumes(
    std::function<void(const Result<std::vector<claims::Volume>>&)> callback) {
    at_desk<Result<std::vector<claims::Volume>>>([](ClaimTable& table) { return table.volumes(); },
                                                 std::move(callback));
}

void MountService::list_drives(
    std::function<void(const Result<std::vector<claims::DriveRow>>&)> callback) {
    at_desk<Result<std::vector<claims::DriveRow>>>([](ClaimTable& table) { return table.drives(); },
                                                   std::move(callback));
}

// ---- by people

void MountService::set_volume_state(const std::string& barcode, claims::VolumeState state,
                                    const std::string& reason, const std::optional<VolumeWas>& was,
                                    Done done) {
    at_desk<Outcome>(
        [barcode, state, reason, was](ClaimTable& table) -> Outcome {
            const auto volume = table.volume(barcode);
            if (!volume) return volume.error();
            if (was && *volume) {
                const auto& now = **volume;
                if (now.state == state && now.reason == reason) return Nothing{};
                if (now.state != was->state || now.reason != was->reason)
                    return changed_since("volume " + barcode, to_text(now.state), now.reason);
            }
            return table.set_volume_state(barcode, state, reason);
        },
        std::move(done));
}

void MountService::free_drive(const std::string& serial, const std::optional<DriveWas>& was,
                              Done done) {
    at_desk<Outcome>(
        [serial, was](ClaimTable& table) -> Outcome {
            const auto drives = table.drives();
            if (!drives) return drives.error();
            for (const auto& now : *drives) {
                if (!was || now.serial != serial) continue;
                const bool was_quarantined = was->state == DriveState::quarantined;
                if (now.state != DriveState::quarantined) {
                    if (was_quarantined) return Nothing{};
                } else if (!was_quarantined || now.since != was->since) {
                    return changed_since("drive " + serial, to_text(now.state), now.reason);
                }
            }
            return table.free_drive(serial, runtime::clock_now().wall);
        },
        [this, done = std::move(done)](const Outcome& outcome) {
            refresh_drives();
            serve_line();
            done(outcome);
        });
}

}  // namespace agent::mounts
