-- Records: see each section.

-- +goose Up

-- Journal: what a station is about to do to a device, written before it does it, with what is needed to find out later
-- whether it was done. result is NULL while nobody knows.
CREATE TABLE intents (
    intent           TEXT    NOT NULL PRIMARY KEY,
    run              TEXT    NOT NULL REFERENCES runs (run),
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT    NOT NULL CHECK (hardware_serial <> ''),
    kind             TEXT    NOT NULL CHECK (kind IN ('make-key', 'install', 'seal', 'abandon', 'set-clock', 'revoke')),
    device_id        TEXT    NOT NULL,
    enroll_id        BLOB    CHECK (length(enroll_id) = 8),
    spki             BLOB    CHECK (length(spki) = 32),
    leaf             BLOB    CHECK (length(leaf) = 32),
    begun_at         INTEGER NOT NULL,
    result           TEXT    CHECK (result <> ''),
    ended_at         INTEGER,
    CHECK ((result IS NULL) = (ended_at IS NULL))
) STRICT;
CREATE INDEX intents_open ON intents (tenant, hardware_serial, begun_at) WHERE result IS NULL;
CREATE INDEX intents_by_run ON intents (run);

-- Certificates that are on file and are not to be used: a check or the broker refused them.
CREATE TABLE refused_certificates (
    fingerprint  BLOB    NOT NULL PRIMARY KEY REFERENCES certificates (fingerprint),
    run          TEXT    NOT NULL REFERENCES runs (run),
    code         TEXT    NOT NULL CHECK (code <> ''),
    refused_at   INTEGER NOT NULL
) STRICT;
-- (end of journal)

-- Queue: certificate requests that were collected without a network, until their devices are installed. run is the one that
-- collected the request. next_at: not before. While state is posted, claim is the relay that has it in hand, until then.
CREATE TABLE collected (
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    spki             BLOB    NOT NULL CHECK (length(spki) = 32) REFERENCES keys (spki),
    hardware_serial  TEXT    NOT NULL CHECK (hardware_serial <> ''),
    device_id        TEXT    NOT NULL CHECK (device_id <> ''),
    device_id_fold   TEXT    NOT NULL CHECK (device_id_fold <> ''),
    device_name      TEXT    NOT NULL,
    csr              BLOB    NOT NULL,
    wireguard_key    BLOB    CHECK (length(wireguard_key) = 32),
    enroll_id        BLOB    CHECK (length(enroll_id) = 8),
    generation       INTEGER NOT NULL,
    contract         TEXT    NOT NULL,
    run              TEXT    NOT NULL REFERENCES runs (run),
    collected_at     INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('waiting', 'posted', 'issued', 'parked', 'installed', 'dropped')),
    tries            INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_at          INTEGER NOT NULL,
    code             TEXT    NOT NULL DEFAULT '',
    params           TEXT    NOT NULL DEFAULT '{}',
    reason           TEXT    NOT NULL DEFAULT '',
    leaf             BLOB    CHECK (length(leaf) = 32),
    not_after        INTEGER,
    claim            TEXT    NOT NULL DEFAULT '',
    claimed_by       TEXT    NOT NULL DEFAULT '',
    claimed_until    INTEGER,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, spki),
    CHECK ((state = 'posted') = (claim <> ''))
) STRICT;
CREATE INDEX collected_due ON collected (tenant, state, next_at);
CREATE INDEX collected_by_device ON collected (tenant, device_id_fold, collected_at);
CREATE INDEX collected_by_hardware ON collected (tenant, hardware_serial);

-- A run may end COLLECTED. SQLite changes a CHECK by changing its text, as its manual describes for constraints that do not
-- touch what is stored (ALTER TABLE, "Making Other Kinds Of Table Schema Changes"): the tables above have moved the schema's
-- number on, RESET has this connection read it anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''SKIPPED'', ''UNCERTAIN'')', '''SKIPPED'', ''UNCERTAIN'', ''COLLECTED'')')
    WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;
-- A text that is spaced in another way would have stayed as it was: then all of this is taken back.
CREATE TABLE widened (n INTEGER CONSTRAINT "the CHECK of runs.outcome is not in the words that are looked for" CHECK (n = 1)) STRICT;
INSERT INTO widened SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'runs' AND instr(sql, ', ''COLLECTED'')') > 0;
DROP TABLE widened;
-- (end of queue)

-- Resolve, prune: what a person decided about a run that was held as UNCERTAIN. spki: the key that stays, of a keep.
CREATE TABLE resolutions (
    run              TEXT    NOT NULL PRIMARY KEY REFERENCES runs (run),
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT    NOT NULL CHECK (hardware_serial <> ''),
    decision         TEXT    NOT NULL CHECK (decision IN ('keep', 're-enroll', 'decommissioned', 'ignore')),
    spki             BLOB    CHECK (length(spki) = 32),
    reason           TEXT    NOT NULL CHECK (reason <> ''),
    decided_by       TEXT    NOT NULL CHECK (decided_by <> ''),
    decided_at       INTEGER NOT NULL,
    CHECK ((decision = 'keep') = (spki IS NOT NULL))
) STRICT;
CREATE INDEX resolutions_by_hardware ON resolutions (tenant, hardware_serial, decided_at);

-- Certificates that a CA would still have to revoke.
CREATE INDEX certificates_live ON certificates (tenant, not_after) WHERE revoked_at IS NULL;

-- What was deleted to make room: how much, and a digest over the deleted rows in their order.
CREATE TABLE pruned (
    prune         TEXT    NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL CHECK (tenant <> ''),
    before        INTEGER NOT NULL,
    pruned_by     TEXT    NOT NULL,
    pruned_at     INTEGER NOT NULL,
    runs          INTEGER NOT NULL,
    phases        INTEGER NOT NULL,
    observations  INTEGER NOT NULL,
    label_prints  INTEGER NOT NULL,
    digest        BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT;
-- (end of resolve, prune)

-- Audit: a hash chain per station. body is what a row says (deterministic CBOR), digest = SHA-256(prev, body), prev the
-- digest of row n-1. Rows may be missing at the beginning only, up to a checkpoint of purpose 2.
CREATE TABLE audit (
    station_id  TEXT    NOT NULL CHECK (station_id <> ''),
    n           INTEGER NOT NULL CHECK (n > 0),
    prev        BLOB    NOT NULL CHECK (length(prev) = 32),
    digest      BLOB    NOT NULL CHECK (length(digest) = 32),
    body        BLOB    NOT NULL,
    PRIMARY KEY (station_id, n)
) STRICT;

-- Where each chain has got to. tenant is the one it was begun under.
CREATE TABLE audit_chains (
    station_id  TEXT    NOT NULL PRIMARY KEY CHECK (station_id <> ''),
    tenant      TEXT    NOT NULL,
    n           INTEGER NOT NULL CHECK (n >= 0),
    digest      BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- Signed heads: 1 after a run, 2 before rows up to n were deleted. line is the checkpoint as in a heads file.
CREATE TABLE audit_checkpoints (
    station_id  TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    purpose     INTEGER NOT NULL CHECK (purpose IN (1, 2)),
    line        TEXT    NOT NULL,
    PRIMARY KEY (station_id, n, purpose)
) STRICT;

-- Who stands behind a pseudonym of the chain. Deleting a row forgets the person; the chain stays as it is.
CREATE TABLE people_names (
    pseudonym  TEXT NOT NULL PRIMARY KEY CHECK (pseudonym <> ''),
    name       TEXT NOT NULL CHECK (name <> ''),
    salt       BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;
CREATE INDEX people_names_by_name ON people_names (name);
-- (end of audit)

-- Leases: which station works on a device. expires_at is NULL once it was given back; the row stays, so that fence never
-- comes twice.
CREATE TABLE leases (
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT    NOT NULL CHECK (hardware_serial <> ''),
    station_id       TEXT    NOT NULL CHECK (station_id <> ''),
    fence            INTEGER NOT NULL CHECK (fence > 0),
    expires_at       INTEGER,
    PRIMARY KEY (tenant, hardware_serial)
) STRICT;
-- (end of leases)

-- +goose Down
-- Leases
DROP TABLE leases;
-- Audit
DROP TABLE people_names;
DROP TABLE audit_checkpoints;
DROP TABLE audit_chains;
DROP TABLE audit;
-- Resolve, prune
DROP TABLE pruned;
DROP INDEX certificates_live;
DROP TABLE resolutions;
-- Queue
DROP TABLE collected;
CREATE TABLE narrowed (n INTEGER CONSTRAINT "there are runs that ended COLLECTED" CHECK (n = 0)) STRICT;
INSERT INTO narrowed SELECT count(*) FROM runs WHERE outcome = 'COLLECTED';
DROP TABLE narrowed;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ', ''COLLECTED'')', ')') WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;
-- Journal
DROP TABLE refused_certificates;
DROP TABLE intents;
