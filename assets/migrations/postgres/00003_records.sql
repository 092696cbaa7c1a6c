-- Records: see each section. The twin of the file of this number for SQLite.

-- +goose Up

-- Resolve, prune: what a person decided about a run that was held as UNCERTAIN. spki: the key that stays, of a keep.
CREATE TABLE resolutions (
    run              TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES runs (run),
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL CHECK (hardware_serial <> ''),
    decision         TEXT COLLATE "C" NOT NULL CHECK (decision IN ('keep', 're-enroll', 'decommissioned', 'ignore')),
    spki             BYTEA            CHECK (length(spki) = 32),
    reason           TEXT COLLATE "C" NOT NULL CHECK (reason <> ''),
    decided_by       TEXT COLLATE "C" NOT NULL CHECK (decided_by <> ''),
    decided_at       BIGINT           NOT NULL,
    CHECK ((decision = 'keep') = (spki IS NOT NULL))
);
CREATE INDEX resolutions_by_hardware ON resolutions (tenant, hardware_serial, decided_at);

-- Certificates that a CA would still have to revoke.
CREATE INDEX certificates_live ON certificates (tenant, not_after) WHERE revoked_at IS NULL;

-- What was deleted to make room: how much, and a digest over the deleted rows in their order.
CREATE TABLE pruned (
    prune         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant        TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    before        BIGINT           NOT NULL,
    pruned_by     TEXT COLLATE "C" NOT NULL,
    pruned_at     BIGINT           NOT NULL,
    runs          BIGINT           NOT NULL,
    phases        BIGINT           NOT NULL,
    observations  BIGINT           NOT NULL,
    label_prints  BIGINT           NOT NULL,
    digest        BYTEA            NOT NULL CHECK (length(digest) = 32)
);
-- (end of resolve, prune)

-- +goose Down
-- Resolve, prune
DROP TABLE pruned;
DROP INDEX certificates_live;
DROP TABLE resolutions;
