#include "agent/mounts/claim_schema.hpp"

namespace agent::mounts {

namespace {

constexpr std::string_view indexes = R"sql(
CREATE UNIQUE INDEX a_volume_is_in_one_drive ON drive (volume, library) WHERE volume IS NOT NULL;
CREATE UNIQUE INDEX a_request_is_one_claim ON claim (request, library);
CREATE UNIQUE INDEX a_volume_has_one_claim ON claim (volume, library) WHERE is_open = 1;
)sql";

constexpr std::string_view tables = R"sql(
CREATE TABLE library_state (
    library TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    epoch BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    commit_mark TEXT NOT NULL DEFAULT ''
);
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    commit_mark TEXT NOT NULL
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
    is_open BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (library, id)
);
CREATE TABLE failure (
    library TEXT NOT NULL,
    volume TEXT NOT NULL,
    drive TEXT NOT NULL,
    at BIGINT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (library, volume, drive)
);
)sql";

// The indexes of the first tables began with the library.
constexpr std::string_view changes_from_1 = R"sql(
ALTER TABLE node RENAME COLUMN mark TO commit_mark;
ALTER TABLE library_state ADD COLUMN commit_mark TEXT NOT NULL DEFAULT '';
ALTER TABLE claim ADD COLUMN is_open BIGINT NOT NULL DEFAULT 1;
UPDATE claim SET is_open = 0 WHERE state = 'ended';
DROP INDEX IF EXISTS a_volume_is_in_one_drive;
DROP INDEX IF EXISTS a_request_is_one_claim;
DROP INDEX IF EXISTS a_volume_has_one_claim;
)sql";

}  // namespace

std::string claim_schema() {
    return std::string(tables) + std::string(indexes);
}

std::string claim_schema_from_1() {
    return std::string(changes_from_1) + std::string(indexes);
}

}  // namespace agent::mounts
