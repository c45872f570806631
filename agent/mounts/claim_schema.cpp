#include "agent/mounts/claim_schema.hpp"

namespace agent::mounts {

std::string_view claim_schema() {
    return R"sql(
CREATE TABLE library_state (
    library TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    epoch BIGINT NOT NULL,
    uses BIGINT NOT NULL
);
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    mark TEXT NOT NULL
);
CREATE TABLE drive (
    library TEXT NOT NULL,
    serial TEXT NOT NULL,
    element BIGINT NOT NULL,
    generation TEXT NOT NULL,
    state TEXT NOT NULL,
    node TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    claim BIGINT,
    volume TEXT,
    home BIGINT,
    pr_key BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    mounts BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    reason TEXT NOT NULL,
    step_at BIGINT NOT NULL,
    PRIMARY KEY (library, serial)
);
CREATE UNIQUE INDEX a_volume_is_in_one_drive ON drive (volume, library) WHERE volume IS NOT NULL;
CREATE TABLE volume (
    library TEXT NOT NULL,
    barcode TEXT NOT NULL,
    generation TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    place TEXT NOT NULL,
    element BIGINT NOT NULL,
    home BIGINT,
    drive TEXT,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (library, barcode)
);
CREATE TABLE claim (
    library TEXT NOT NULL,
    id BIGINT NOT NULL,
    request TEXT NOT NULL,
    host TEXT NOT NULL,
    volume TEXT NOT NULL,
    access TEXT NOT NULL,
    wait BIGINT NOT NULL,
    state TEXT NOT NULL,
    ending TEXT NOT NULL,
    reason TEXT NOT NULL,
    node TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    drive TEXT,
    home BIGINT,
    failed_drive TEXT,
    asked_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    PRIMARY KEY (library, id)
);
CREATE UNIQUE INDEX a_request_is_one_claim ON claim (request, library);
CREATE UNIQUE INDEX a_volume_has_one_claim ON claim (volume, library) WHERE state <> 'ended';
CREATE TABLE failure (
    library TEXT NOT NULL,
    volume TEXT NOT NULL,
    drive TEXT NOT NULL,
    at BIGINT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (library, volume, drive)
);
)sql";
}

}  // namespace agent::mounts
