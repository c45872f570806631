#include "drive_iface/device/iscsi_discovery.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/iscsi_client.hpp"

namespace drive_iface {

using agent::core::Error;
using agent::core::Result;

namespace {

constexpr const char* default_port = ":3260";  // RFC 7143 13.1

// "host", "host:3260", "[2001:db8::1]" or "[2001:db8::1]:3260".
bool names_a_port(const std::string& portal) {
    const auto behind_address = portal.find(']');
    return portal.find(':', behind_address == std::string::npos ? 0 : behind_address) !=
           std::string::npos;
}

std::string with_port(const std::string& portal) {
    return names_a_port(portal) ? portal : portal + default_port;
}

// "192.0.2.7:3260,1": the portal group tag is of no use here.
std::string without_group_tag(const std::string& portal) {
    return portal.substr(0, portal.find(','));
}

bool is_wildcard(const std::string& portal) {
    return portal.rfind("0.0.0.0:", 0) == 0 || portal.rfind("[::]:", 0) == 0;
}

struct Answer {
    iscsi_client::Completion completion;  // first: the callback gets a pointer to the whole
    std::vector<IscsiTarget> targets;
};

// The list belongs to libiscsi and ends with the callback.
void targets_arrived(iscsi_context*, int status, void* list, void* answer_given) noexcept {
    auto* answer = static_cast<Answer*>(answer_given);
    answer->completion = {true, status};
    if (status != SCSI_STATUS_GOOD) return;
    const auto* address = static_cast<const iscsi_discovery_address*>(list);
    for (; address != nullptr && answer->targets.size() < iscsi_targets_max;
         address = address->next) {
        IscsiTarget target{address->target_name, {}};
        const auto* portal = address->portals;
        for (; portal != nullptr && target.portals.size() < iscsi_target_portals_max;
             portal = portal->next)
            target.portals.push_back(without_group_tag(portal->portal));
        answer->targets.push_back(std::move(target));
    }
}

}  // namespace

Result<std::vector<IscsiTarget>> discover_iscsi_targets(const IscsiDiscoveryOptions& options) {
    const std::string portal = with_port(options.portal);
    const std::string where = "iSCSI portal " + portal;
    iscsi_client::Context context(iscsi_create_context(options.initiator_name.c_str()));
    if (context == nullptr) return Error{where + ": no memory for a session"};
    iscsi_set_isid_random(context.get(), options.isid, options.isid_qualifier);
    iscsi_set_session_type(context.get(), ISCSI_SESSION_DISCOVERY);
    iscsi_set_header_digest(context.get(), ISCSI_HEADER_DIGEST_NONE_CRC32C);
    auto logged_in = iscsi_client::log_in(context, portal, options.timeout, options.credentials);
    if (!logged_in) return logged_in.error().within(where);

    Answer answer;
    if (iscsi_discovery_async(context.get(), targets_arrived, &answer) != 0 ||
        !iscsi_client::serve(context.get(), answer.completion, options.timeout) ||
        answer.completion.status != SCSI_STATUS_GOOD) {
        const Error why{
            where + ": it does not list its targets: " + iscsi_client::last_error(context.get())};
        context.reset();  // while `answer` is there: its callback may still run
        return why;
    }
    iscsi_client::log_out(context);
    for (IscsiTarget& target : answer.targets) {
        for (std::string& named : target.portals)
            named = is_wildcard(named) ? portal : with_port(named);
        if (target.portals.empty()) target.portals.push_back(portal);
    }
    return std::move(answer.targets);
}

std::string iscsi_portal(const std::string& portal) {
    return with_port(portal);
}

std::string iscsi_url(const std::string& portal, const std::string& target, std::uint64_t lun) {
    return "iscsi://" + with_port(portal) + "/" + target + "/" + std::to_string(lun);
}

}  // namespace drive_iface
