#include "agent/core/holder_question.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<HolderRequest> holder_requests[] = {
    {HolderRequest::tell, "tell"},
    {HolderRequest::release, "release"},
};
constexpr EnumeratorName<HolderAnswer> holder_answers[] = {
    {HolderAnswer::mine, "mine"},
    {HolderAnswer::not_mine, "not_mine"},
    {HolderAnswer::can_not_tell, "can_not_tell"},
};
constexpr EnumeratorName<ReleaseResult> release_results[] = {
    {ReleaseResult::not_asked, "not_asked"},
    {ReleaseResult::released, "released"},
    {ReleaseResult::failed, "failed"},
    {ReleaseResult::not_configured, "not_configured"},
};

}  // namespace

std::string_view to_text(HolderRequest value) {
    return name_of(holder_requests, value);
}
std::string_view to_text(HolderAnswer value) {
    return name_of(holder_answers, value);
}
std::string_view to_text(ReleaseResult value) {
    return name_of(release_results, value);
}

}  // namespace agent::core
