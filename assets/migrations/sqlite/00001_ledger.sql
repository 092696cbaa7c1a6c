-- The ledger. What holds for every table, here and in the PostgreSQL twin of this file:
--   ids are UUID text; times are integer microseconds since 1970, UTC; digests are raw SHA-256 (32 bytes);
--   *_fold is the Unicode lower case of the column before it, and carries its uniqueness;
--   NULL means "not known (yet)", an empty text means "known to be none".
-- No private key is ever in any of it.

-- +goose Up

-- One row per attempt: what was asked for, then how it ended. What the device said is in observations.
CREATE TABLE runs (
    run                  TEXT    NOT NULL PRIMARY KEY,
    tenant               TEXT    NOT NULL CHECK (tenant <> ''),
    site                 TEXT    NOT NULL,
    station              TEXT    NOT NULL,
    station_id           TEXT    NOT NULL,
    operator             TEXT    NOT NULL,
    batch                TEXT    NOT NULL,
    profile              TEXT    NOT NULL,
    slot                 TEXT    NOT NULL,
    port                 TEXT    NOT NULL,
    version              TEXT    NOT NULL,
    config_digest        TEXT    NOT NULL,
    started_at           INTEGER NOT NULL,
    utc_offset           INTEGER NOT NULL,
    requested_device_id  TEXT    NOT NULL,
    requested_key_type   TEXT    NOT NULL,
    requested_reenroll   INTEGER NOT NULL CHECK (requested_reenroll IN (0, 1)),
    -- learned on the way
    hardware_serial      TEXT,
    attempt              INTEGER CHECK (attempt > 0),
    device_id            TEXT,
    device_id_fold       TEXT,
    -- the end; NULL while the run is open
    outcome              TEXT    CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'TIMEOUT', 'ABORTED', 'INSTALLED',
                                                    'SKIPPED', 'UNCERTAIN')),
    proof                TEXT    NOT NULL DEFAULT '' CHECK (proof IN ('', 'broker-acked', 'broker-delivered')),
    phase                TEXT    NOT NULL DEFAULT '',
    code                 TEXT    NOT NULL DEFAULT '',
    params               TEXT    NOT NULL DEFAULT '{}',
    warnings             TEXT    NOT NULL DEFAULT '[]',
    spki                 BLOB    CHECK (length(spki) = 32),
    leaf                 BLOB    CHECK (length(leaf) = 32),
    not_after            INTEGER,
    contract             TEXT    NOT NULL DEFAULT '',
    wire_tx              INTEGER NOT NULL DEFAULT 0 CHECK (wire_tx >= 0),
    wire_rx              INTEGER NOT NULL DEFAULT 0 CHECK (wire_rx >= 0),
    elapsed_us           INTEGER NOT NULL DEFAULT 0,
    ended_at             INTEGER,
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (outcome IS NULL OR outcome <> 'PASS' OR (proof <> '' AND spki IS NOT NULL AND leaf IS NOT NULL
           AND hardware_serial IS NOT NULL AND device_id IS NOT NULL)),
    UNIQUE (tenant, hardware_serial, attempt)
) STRICT;
CREATE INDEX runs_by_time ON runs (started_at, run);
CREATE INDEX runs_by_outcome ON runs (outcome, started_at, run);
CREATE INDEX runs_by_code ON runs (code, started_at, run);
CREATE INDEX runs_by_batch ON runs (tenant, batch, started_at, run);
CREATE INDEX runs_by_tenant ON runs (tenant, started_at, run);
CREATE INDEX runs_by_hardware ON runs (tenant, hardware_serial, started_at, run);
CREATE INDEX runs_by_device_id ON runs (tenant, device_id_fold, started_at, run);
CREATE INDEX runs_passed ON runs (leaf) WHERE outcome = 'PASS';
CREATE INDEX runs_open ON runs (started_at, run) WHERE outcome IS NULL;
CREATE INDEX runs_by_time_outcome ON runs (started_at, outcome);

-- What a device said of itself in a run; a device that resets in between may be observed more than once.
CREATE TABLE observations (
    run              TEXT    NOT NULL REFERENCES runs (run),
    n                INTEGER NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    firmware         TEXT    NOT NULL,
    boot_id          TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    clock_offset_us  INTEGER,
    observed_at      INTEGER NOT NULL,
    PRIMARY KEY (run, n)
) STRICT;

-- The ends of a run's phases, in the order they were recorded.
CREATE TABLE phases (
    run         TEXT    NOT NULL REFERENCES runs (run),
    n           INTEGER NOT NULL,
    phase       TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('done', 'failed', 'skipped')),
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    code        TEXT    NOT NULL,
    facts       TEXT    NOT NULL,
    PRIMARY KEY (run, n),
    UNIQUE (run, phase, started_at)
) STRICT;

-- Every hardware ever seen, and its current state.
CREATE TABLE devices (
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT    NOT NULL CHECK (hardware_serial <> ''),
    device_id        TEXT    CHECK (device_id <> ''),
    device_id_fold   TEXT,
    id_source        TEXT    NOT NULL DEFAULT '',
    bound_run        TEXT    REFERENCES runs (run),
    bound_at         INTEGER,
    model            TEXT    NOT NULL DEFAULT '',
    firmware         TEXT    NOT NULL DEFAULT '',
    attempts         INTEGER NOT NULL DEFAULT 0,
    -- of the last PASS
    spki             BLOB    CHECK (length(spki) = 32),
    leaf             BLOB    CHECK (length(leaf) = 32),
    pass_run         TEXT    REFERENCES runs (run),
    passed_at        INTEGER,
    -- of the last run that ended
    last_run         TEXT    REFERENCES runs (run),
    last_outcome     TEXT    NOT NULL DEFAULT '',
    first_seen       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, hardware_serial),
    UNIQUE (tenant, device_id_fold),
    CHECK ((device_id IS NULL) = (device_id_fold IS NULL))
) STRICT;
CREATE INDEX devices_by_leaf ON devices (leaf);

-- Device keys. A key belongs to one device, over all tenants.
CREATE TABLE keys (
    spki             BLOB    NOT NULL PRIMARY KEY CHECK (length(spki) = 32),
    tenant           TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    enroll_id        BLOB    CHECK (length(enroll_id) = 8),
    generation       INTEGER NOT NULL,
    key_type         TEXT    NOT NULL,
    key_store        TEXT    NOT NULL,
    csr_digest       BLOB    CHECK (length(csr_digest) = 32),
    wireguard_key    BLOB    CHECK (length(wireguard_key) = 32),
    run              TEXT    NOT NULL REFERENCES runs (run),
    recorded_at      INTEGER NOT NULL,
    FOREIGN KEY (tenant, hardware_serial) REFERENCES devices (tenant, hardware_serial)
) STRICT;
CREATE INDEX keys_by_device ON keys (tenant, hardware_serial);

-- WireGuard public keys. A device may keep one over several generations; no two devices share one.
CREATE TABLE wireguard_keys (
    wireguard_key    BLOB    NOT NULL PRIMARY KEY CHECK (length(wireguard_key) = 32),
    tenant           TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    FOREIGN KEY (tenant, hardware_serial) REFERENCES devices (tenant, hardware_serial)
) STRICT;

-- Every POST to the bridge. open: asked, no answer yet; unknown: the run is over and no answer will come; both may
-- have issued a certificate that nobody received.
CREATE TABLE posts (
    post        TEXT    NOT NULL PRIMARY KEY,
    run         TEXT    NOT NULL REFERENCES runs (run),
    tenant      TEXT    NOT NULL,
    device_id   TEXT    NOT NULL,
    spki        BLOB    NOT NULL CHECK (length(spki) = 32),
    csr_digest  BLOB    CHECK (length(csr_digest) = 32),
    contract    TEXT    NOT NULL,
    begun_at    INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('open', 'issued', 'not-issued', 'unknown')),
    reason      TEXT    NOT NULL DEFAULT '',
    ended_at    INTEGER
) STRICT;
CREATE INDEX posts_by_run ON posts (run);
CREATE INDEX posts_possibly_issued ON posts (begun_at, post) WHERE state IN ('open', 'unknown');

-- Every certificate ever received. The key it is for need not be one of ours: what a bridge answers is recorded first
-- and judged after.
CREATE TABLE certificates (
    fingerprint              BLOB    NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    tenant                   TEXT    NOT NULL,
    device_id                TEXT    NOT NULL,
    device_id_fold           TEXT    NOT NULL,
    hardware_serial          TEXT    NOT NULL,
    run                      TEXT    NOT NULL REFERENCES runs (run),
    post                     TEXT    REFERENCES posts (post),
    spki                     BLOB    NOT NULL CHECK (length(spki) = 32),
    cert_serial              TEXT    NOT NULL,
    subject                  TEXT    NOT NULL,
    issuer                   TEXT    NOT NULL,
    aki                      TEXT    NOT NULL,
    issuer_fingerprint       TEXT    NOT NULL,
    not_before               INTEGER,
    not_after                INTEGER,
    der                      BLOB    NOT NULL,
    wg_conf                  TEXT    NOT NULL,
    wireguard_key_by_bridge  INTEGER NOT NULL CHECK (wireguard_key_by_bridge IN (0, 1)),
    contract                 TEXT    NOT NULL,
    received_at              INTEGER NOT NULL,
    revoked_at               INTEGER,
    revoke_reason            TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX certificates_by_key ON certificates (tenant, spki, received_at);
CREATE INDEX certificates_by_device_id ON certificates (tenant, device_id_fold, received_at);
CREATE INDEX certificates_by_post ON certificates (post);
CREATE INDEX certificates_by_run ON certificates (run);
CREATE INDEX certificates_by_serial ON certificates (cert_serial);
CREATE INDEX certificates_by_aki ON certificates (aki, received_at);
CREATE INDEX certificates_by_issuer ON certificates (issuer_fingerprint, received_at);

-- CA certificates, each once, and the chains that were received with leaves (position 0 is the leaf's issuer).
CREATE TABLE ca_certificates (
    fingerprint  BLOB NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    der          BLOB NOT NULL
) STRICT;
CREATE TABLE chains (
    leaf      BLOB    NOT NULL REFERENCES certificates (fingerprint),
    position  INTEGER NOT NULL,
    ca        BLOB    NOT NULL REFERENCES ca_certificates (fingerprint),
    PRIMARY KEY (leaf, position)
) STRICT;

-- The tunnel addresses that came with a certificate, without prefix length, whoever holds them.
CREATE TABLE certificate_addresses (
    leaf      BLOB    NOT NULL REFERENCES certificates (fingerprint),
    position  INTEGER NOT NULL,
    address   TEXT    NOT NULL,
    PRIMARY KEY (leaf, position)
) STRICT;

-- Who holds a tunnel address. An address belongs to one device of the tenant.
CREATE TABLE tunnel_addresses (
    tenant           TEXT    NOT NULL,
    address          TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    run              TEXT    NOT NULL REFERENCES runs (run),
    claimed_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, address)
) STRICT;

-- What a broker has shown, durable before the device is sealed: the provisional record of a PASS.
CREATE TABLE proofs (
    run              TEXT    NOT NULL REFERENCES runs (run),
    n                INTEGER NOT NULL,
    tenant           TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    spki             BLOB    NOT NULL CHECK (length(spki) = 32),
    leaf             BLOB    NOT NULL CHECK (length(leaf) = 32),
    proof            TEXT    NOT NULL CHECK (proof IN ('broker-acked', 'broker-delivered')),
    broker           TEXT    NOT NULL,
    tls              TEXT    NOT NULL,
    mqtt             TEXT    NOT NULL,
    readback         TEXT    NOT NULL,
    proven_at        INTEGER NOT NULL,
    PRIMARY KEY (run, n)
) STRICT;
CREATE INDEX proofs_by_leaf ON proofs (leaf, proven_at);

-- One row that the doctor writes to prove that writing works.
CREATE TABLE write_check (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checked_at  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE write_check;
DROP TABLE proofs;
DROP TABLE tunnel_addresses;
DROP TABLE certificate_addresses;
DROP TABLE chains;
DROP TABLE ca_certificates;
DROP TABLE certificates;
DROP TABLE posts;
DROP TABLE wireguard_keys;
DROP TABLE keys;
DROP TABLE devices;
DROP TABLE phases;
DROP TABLE observations;
DROP TABLE runs;
