#include "agent/core/notice.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

using enum ConfirmationResult;
constexpr EnumeratorName<ConfirmationResult> confirmation_results[] = {
    {set_offline, "set_offline"},
    {set_online, "set_online"},
    {already_offline, "already_offline"},
    {already_online, "already_online"},
    {holder_is_mine, "holder_is_mine"},
    {left_to_operator, "left_to_operator"},
    {not_connected, "not_connected"},
    {observed_only, "observed_only"},
    {failed, "failed"},
    {draining, "draining"},
};

}  // namespace

std::string_view to_text(ConfirmationResult result) {
    return name_of(confirmation_results, result);
}

std::optional<ConfirmationResult> confirmation_result_from_text(std::string_view text) {
    return value_of(confirmation_results, text);
}

}  // namespace agent::core
