-- Records: see each section. The twin of the file of this number for SQLite.

-- +goose Up

-- Journal: what a station is about to do to a device, written before it does it, with what is needed to find out later
-- whether it was done. result is NULL while nobody knows.
CREATE TABLE intents (
    intent           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL CHECK (hardware_serial <> ''),
    kind             TEXT COLLATE "C" NOT NULL CHECK (kind IN ('make-key', 'install', 'seal', 'abandon', 'set-clock', 'revoke')),
    device_id        TEXT COLLATE "C" NOT NULL,
    enroll_id        BYTEA            CHECK (length(enroll_id) = 8),
    spki             BYTEA            CHECK (length(spki) = 32),
    leaf             BYTEA            CHECK (length(leaf) = 32),
    begun_at         BIGINT           NOT NULL,
    result           TEXT COLLATE "C" CHECK (result <> ''),
    ended_at         BIGINT,
    CHECK ((result IS NULL) = (ended_at IS NULL))
);
CREATE INDEX intents_open ON intents (tenant, hardware_serial, begun_at) WHERE result IS NULL;
CREATE INDEX intents_by_run ON intents (run);

-- Certificates that are on file and are not to be used: a check or the broker refused them.
CREATE TABLE refused_certificates (
    fingerprint  BYTEA            NOT NULL PRIMARY KEY REFERENCES certificates (fingerprint),
    run          TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    code         TEXT COLLATE "C" NOT NULL CHECK (code <> ''),
    refused_at   BIGINT           NOT NULL
);
-- (end of journal)

-- Queue: certificate requests that were collected without a network, until their devices are installed. run is the one that
-- collected the request. next_at: not before. While state is posted, claim is the relay that has it in hand, until then.
CREATE TABLE collected (
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    spki             BYTEA            NOT NULL CHECK (length(spki) = 32) REFERENCES keys (spki),
    hardware_serial  TEXT COLLATE "C" NOT NULL CHECK (hardware_serial <> ''),
    device_id        TEXT COLLATE "C" NOT NULL CHECK (device_id <> ''),
    device_id_fold   TEXT COLLATE "C" NOT NULL CHECK (device_id_fold <> ''),
    device_name      TEXT COLLATE "C" NOT NULL,
    csr              BYTEA            NOT NULL,
    wireguard_key    BYTEA            CHECK (length(wireguard_key) = 32),
    enroll_id        BYTEA            CHECK (length(enroll_id) = 8),
    generation       BIGINT           NOT NULL,
    contract         TEXT COLLATE "C" NOT NULL,
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    collected_at     BIGINT           NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'posted', 'issued', 'parked', 'installed', 'dropped')),
    tries            BIGINT           NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_at          BIGINT           NOT NULL,
    code             TEXT COLLATE "C" NOT NULL DEFAULT '',
    params           TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    reason           TEXT COLLATE "C" NOT NULL DEFAULT '',
    leaf             BYTEA            CHECK (length(leaf) = 32),
    not_after        BIGINT,
    claim            TEXT COLLATE "C" NOT NULL DEFAULT '',
    claimed_by       TEXT COLLATE "C" NOT NULL DEFAULT '',
    claimed_until    BIGINT,
    updated_at       BIGINT           NOT NULL,
    PRIMARY KEY (tenant, spki),
    CHECK ((state = 'posted') = (claim <> ''))
);
CREATE INDEX collected_due ON collected (tenant, state, next_at);
CREATE INDEX collected_by_device ON collected (tenant, device_id_fold, collected_at);
CREATE INDEX collected_by_hardware ON collected (tenant, hardware_serial);

-- A run may end COLLECTED.
ALTER TABLE runs DROP CONSTRAINT runs_outcome_check;
ALTER TABLE runs ADD CONSTRAINT runs_outcome_check CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'TIMEOUT', 'ABORTED',
    'INSTALLED', 'SKIPPED', 'UNCERTAIN', 'COLLECTED'));
-- (end of queue)

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

-- Audit: a hash chain per station. body is what a row says (deterministic CBOR), digest = SHA-256(prev, body), prev the
-- digest of row n-1. Rows may be missing at the beginning only, up to a checkpoint of purpose 2.
CREATE TABLE audit (
    station_id  TEXT COLLATE "C" NOT NULL CHECK (station_id <> ''),
    n           BIGINT           NOT NULL CHECK (n > 0),
    prev        BYTEA            NOT NULL CHECK (length(prev) = 32),
    digest      BYTEA            NOT NULL CHECK (length(digest) = 32),
    body        BYTEA            NOT NULL,
    PRIMARY KEY (station_id, n)
);

-- Where each chain has got to. tenant is the one it was begun under.
CREATE TABLE audit_chains (
    station_id  TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (station_id <> ''),
    tenant      TEXT COLLATE "C" NOT NULL,
    n           BIGINT           NOT NULL CHECK (n >= 0),
    digest      BYTEA            NOT NULL CHECK (length(digest) = 32)
);

-- Signed heads: 1 after a run, 2 before rows up to n were deleted. line is the checkpoint as in a heads file.
CREATE TABLE audit_checkpoints (
    station_id  TEXT COLLATE "C" NOT NULL,
    n           BIGINT           NOT NULL,
    purpose     BIGINT           NOT NULL CHECK (purpose IN (1, 2)),
    line        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (station_id, n, purpose)
);

-- Who stands behind a pseudonym of the chain. Deleting a row forgets the person; the chain stays as it is.
CREATE TABLE people_names (
    pseudonym  TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (pseudonym <> ''),
    name       TEXT COLLATE "C" NOT NULL CHECK (name <> ''),
    salt       BYTEA            NOT NULL CHECK (length(salt) = 32)
);
CREATE INDEX people_names_by_name ON people_names (name);
-- (end of audit)

-- Leases: which station works on a device. expires_at is NULL once it was given back; the row stays, so that fence never
-- comes twice.
CREATE TABLE leases (
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL CHECK (hardware_serial <> ''),
    station_id       TEXT COLLATE "C" NOT NULL CHECK (station_id <> ''),
    fence            BIGINT           NOT NULL CHECK (fence > 0),
    expires_at       BIGINT,
    PRIMARY KEY (tenant, hardware_serial)
);
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
ALTER TABLE runs DROP CONSTRAINT runs_outcome_check;
ALTER TABLE runs ADD CONSTRAINT runs_outcome_check CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'TIMEOUT', 'ABORTED',
    'INSTALLED', 'SKIPPED', 'UNCERTAIN'));
-- Journal
DROP TABLE refused_certificates;
DROP TABLE intents;
