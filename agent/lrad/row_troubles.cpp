#include "agent/lrad/row_troubles.hpp"

#include <utility>

namespace agent::lrad {

RowTroubles::Word RowTroubles::failed(const std::string& row, core::Instant now) {
    Row& trouble = rows_.try_emplace(row, Row{now}).first->second;
    if (!trouble.others_work) return database_.is_there(now) ? Word::all_fail : Word::nothing;
    const bool lasts = now - trouble.since >= patience_;
    return lasts && !std::exchange(trouble.told, true) ? Word::this_one : Word::nothing;
}

RowTroubles::Word RowTroubles::worked(const std::string& row) {
    const bool all_work = database_.is_over();
    const auto found = rows_.find(row);
    const bool told = found != rows_.end() && found->second.told;
    if (found != rows_.end()) rows_.erase(found);
    for (auto& [name, trouble] : rows_)
        trouble.others_work = true;
    if (all_work) return Word::all_work;
    return told ? Word::works : Word::nothing;
}

void RowTroubles::forget() {
    rows_.clear();
    static_cast<void>(database_.is_over());
}

}  // namespace agent::lrad
