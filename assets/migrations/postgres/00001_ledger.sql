-- The ledger on PostgreSQL: the twin of the file of this number for SQLite, table by table, column by column. What holds
-- for every table of both:
--   ids are UUID text; times are integer microseconds since 1970, UTC; digests are raw SHA-256 (32 bytes);
--   *_fold is the Unicode lower case of the column before it, and carries its uniqueness;
--   NULL means "not known (yet)", an empty text means "known to be none".
-- No private key is ever in any of it.
--
-- What differs here. Text is compared by its bytes whatever the database's locale (COLLATE "C"), as SQLite does. An index
-- entry may hold about 2700 bytes, so that no text without a bound is in a B-tree: there a hash takes its place.

-- +goose Up

-- One row per attempt: what was asked for, then how it ended. What the device said is in observations.
CREATE TABLE runs (
    run                  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant               TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    site                 TEXT COLLATE "C" NOT NULL,
    station              TEXT COLLATE "C" NOT NULL,
    station_id           TEXT COLLATE "C" NOT NULL,
    operator             TEXT COLLATE "C" NOT NULL,
    batch                TEXT COLLATE "C" NOT NULL,
    profile              TEXT COLLATE "C" NOT NULL,
    slot                 TEXT COLLATE "C" NOT NULL,
    port                 TEXT COLLATE "C" NOT NULL,
    version              TEXT COLLATE "C" NOT NULL,
    config_digest        TEXT COLLATE "C" NOT NULL,
    started_at           BIGINT           NOT NULL,
    utc_offset           BIGINT           NOT NULL,
    requested_device_id  TEXT COLLATE "C" NOT NULL,
    requested_key_type   TEXT COLLATE "C" NOT NULL,
    requested_reenroll   BIGINT           NOT NULL CHECK (requested_reenroll IN (0, 1)),
    -- learned on the way
    hardware_serial      TEXT COLLATE "C",
    attempt              BIGINT           CHECK (attempt > 0),
    device_id            TEXT COLLATE "C",
    device_id_fold       TEXT COLLATE "C",
    -- the end; NULL while the run is open
    outcome              TEXT COLLATE "C" CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'TIMEOUT', 'ABORTED', 'INSTALLED',
                                                    'SKIPPED', 'UNCERTAIN')),
    proof                TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (proof IN ('', 'broker-acked', 'broker-delivered')),
    phase                TEXT COLLATE "C" NOT NULL DEFAULT '',
    code                 TEXT COLLATE "C" NOT NULL DEFAULT '',
    params               TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    warnings             TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    spki                 BYTEA            CHECK (length(spki) = 32),
    leaf                 BYTEA            CHECK (length(leaf) = 32),
    not_after            BIGINT,
    contract             TEXT COLLATE "C" NOT NULL DEFAULT '',
    wire_tx              BIGINT           NOT NULL DEFAULT 0 CHECK (wire_tx >= 0),
    wire_rx              BIGINT           NOT NULL DEFAULT 0 CHECK (wire_rx >= 0),
    elapsed_us           BIGINT           NOT NULL DEFAULT 0,
    ended_at             BIGINT,
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (outcome IS NULL OR outcome <> 'PASS' OR (proof <> '' AND spki IS NOT NULL AND leaf IS NOT NULL
           AND hardware_serial IS NOT NULL AND device_id IS NOT NULL)),
    UNIQUE (tenant, hardware_serial, attempt)
);
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
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    n                BIGINT           NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    model            TEXT COLLATE "C" NOT NULL,
    firmware         TEXT COLLATE "C" NOT NULL,
    boot_id          TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    clock_offset_us  BIGINT,
    observed_at      BIGINT           NOT NULL,
    PRIMARY KEY (run, n)
);

-- The ends of a run's phases, in the order they were recorded.
CREATE TABLE phases (
    run         TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    n           BIGINT           NOT NULL,
    phase       TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL CHECK (status IN ('done', 'failed', 'skipped')),
    started_at  BIGINT           NOT NULL,
    ended_at    BIGINT           NOT NULL,
    tries       BIGINT           NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    facts       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run, n),
    UNIQUE (run, phase, started_at)
);

-- Every hardware ever seen, and its current state.
CREATE TABLE devices (
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL CHECK (hardware_serial <> ''),
    device_id        TEXT COLLATE "C" CHECK (device_id <> ''),
    device_id_fold   TEXT COLLATE "C",
    id_source        TEXT COLLATE "C" NOT NULL DEFAULT '',
    bound_run        TEXT COLLATE "C" REFERENCES runs (run),
    bound_at         BIGINT,
    model            TEXT COLLATE "C" NOT NULL DEFAULT '',
    firmware         TEXT COLLATE "C" NOT NULL DEFAULT '',
    attempts         BIGINT           NOT NULL DEFAULT 0,
    -- of the last PASS
    spki             BYTEA            CHECK (length(spki) = 32),
    leaf             BYTEA            CHECK (length(leaf) = 32),
    pass_run         TEXT COLLATE "C" REFERENCES runs (run),
    passed_at        BIGINT,
    -- of the last run that ended
    last_run         TEXT COLLATE "C" REFERENCES runs (run),
    last_outcome     TEXT COLLATE "C" NOT NULL DEFAULT '',
    first_seen       BIGINT           NOT NULL,
    updated_at       BIGINT           NOT NULL,
    PRIMARY KEY (tenant, hardware_serial),
    UNIQUE (tenant, device_id_fold),
    CHECK ((device_id IS NULL) = (device_id_fold IS NULL))
);
CREATE INDEX devices_by_leaf ON devices (leaf);

-- Device keys. A key belongs to one device, over all tenants.
CREATE TABLE keys (
    spki             BYTEA            NOT NULL PRIMARY KEY CHECK (length(spki) = 32),
    tenant           TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    device_id        TEXT COLLATE "C" NOT NULL,
    enroll_id        BYTEA            CHECK (length(enroll_id) = 8),
    generation       BIGINT           NOT NULL,
    key_type         TEXT COLLATE "C" NOT NULL,
    key_store        TEXT COLLATE "C" NOT NULL,
    csr_digest       BYTEA            CHECK (length(csr_digest) = 32),
    wireguard_key    BYTEA            CHECK (length(wireguard_key) = 32),
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    recorded_at      BIGINT           NOT NULL,
    FOREIGN KEY (tenant, hardware_serial) REFERENCES devices (tenant, hardware_serial)
);
CREATE INDEX keys_by_device ON keys (tenant, hardware_serial);

-- WireGuard public keys. A device may keep one over several generations; no two devices share one.
CREATE TABLE wireguard_keys (
    wireguard_key    BYTEA            NOT NULL PRIMARY KEY CHECK (length(wireguard_key) = 32),
    tenant           TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY (tenant, hardware_serial) REFERENCES devices (tenant, hardware_serial)
);

-- Every POST to the bridge. open: asked, no answer yet; unknown: the run is over and no answer will come; both may
-- have issued a certificate that nobody received.
CREATE TABLE posts (
    post        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    run         TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    tenant      TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    spki        BYTEA            NOT NULL CHECK (length(spki) = 32),
    csr_digest  BYTEA            CHECK (length(csr_digest) = 32),
    contract    TEXT COLLATE "C" NOT NULL,
    begun_at    BIGINT           NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'issued', 'not-issued', 'unknown')),
    reason      TEXT COLLATE "C" NOT NULL DEFAULT '',
    ended_at    BIGINT
);
CREATE INDEX posts_by_run ON posts (run);
CREATE INDEX posts_possibly_issued ON posts (begun_at, post) WHERE state IN ('open', 'unknown');

-- Every certificate ever received. The key it is for need not be one of ours: what a bridge answers is recorded first
-- and judged after.
CREATE TABLE certificates (
    fingerprint              BYTEA            NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    tenant                   TEXT COLLATE "C" NOT NULL,
    device_id                TEXT COLLATE "C" NOT NULL,
    device_id_fold           TEXT COLLATE "C" NOT NULL,
    hardware_serial          TEXT COLLATE "C" NOT NULL,
    run                      TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    post                     TEXT COLLATE "C" REFERENCES posts (post),
    spki                     BYTEA            NOT NULL CHECK (length(spki) = 32),
    cert_serial              TEXT COLLATE "C" NOT NULL,
    subject                  TEXT COLLATE "C" NOT NULL,
    issuer                   TEXT COLLATE "C" NOT NULL,
    aki                      TEXT COLLATE "C" NOT NULL,
    issuer_fingerprint       TEXT COLLATE "C" NOT NULL,
    not_before               BIGINT,
    not_after                BIGINT,
    der                      BYTEA            NOT NULL,
    wg_conf                  TEXT COLLATE "C" NOT NULL,
    wireguard_key_by_bridge  BIGINT           NOT NULL CHECK (wireguard_key_by_bridge IN (0, 1)),
    contract                 TEXT COLLATE "C" NOT NULL,
    received_at              BIGINT           NOT NULL,
    revoked_at               BIGINT,
    revoke_reason            TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX certificates_by_key ON certificates (tenant, spki, received_at);
CREATE INDEX certificates_by_device_id ON certificates (tenant, device_id_fold, received_at);
CREATE INDEX certificates_by_post ON certificates (post);
CREATE INDEX certificates_by_run ON certificates (run);
CREATE INDEX certificates_by_serial ON certificates (cert_serial);
CREATE INDEX certificates_by_aki ON certificates USING hash (aki);
CREATE INDEX certificates_by_issuer ON certificates USING hash (issuer_fingerprint);

-- CA certificates, each once, and the chains that were received with leaves (position 0 is the leaf's issuer).
CREATE TABLE ca_certificates (
    fingerprint  BYTEA            NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    der          BYTEA            NOT NULL
);
CREATE TABLE chains (
    leaf      BYTEA            NOT NULL REFERENCES certificates (fingerprint),
    position  BIGINT           NOT NULL,
    ca        BYTEA            NOT NULL REFERENCES ca_certificates (fingerprint),
    PRIMARY KEY (leaf, position)
);

-- The tunnel addresses that came with a certificate, without prefix length, whoever holds them.
CREATE TABLE certificate_addresses (
    leaf      BYTEA            NOT NULL REFERENCES certificates (fingerprint),
    position  BIGINT           NOT NULL,
    address   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (leaf, position)
);

-- Who holds a tunnel address. An address belongs to one device of the tenant.
CREATE TABLE tunnel_addresses (
    tenant           TEXT COLLATE "C" NOT NULL,
    address          TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    device_id        TEXT COLLATE "C" NOT NULL,
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    claimed_at       BIGINT           NOT NULL,
    PRIMARY KEY (tenant, address)
);

-- What a broker has shown, durable before the device is sealed: the provisional record of a PASS.
CREATE TABLE proofs (
    run              TEXT COLLATE "C" NOT NULL REFERENCES runs (run),
    n                BIGINT           NOT NULL,
    tenant           TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    device_id        TEXT COLLATE "C" NOT NULL,
    spki             BYTEA            NOT NULL CHECK (length(spki) = 32),
    leaf             BYTEA            NOT NULL CHECK (length(leaf) = 32),
    proof            TEXT COLLATE "C" NOT NULL CHECK (proof IN ('broker-acked', 'broker-delivered')),
    broker           TEXT COLLATE "C" NOT NULL,
    tls              TEXT COLLATE "C" NOT NULL,
    mqtt             TEXT COLLATE "C" NOT NULL,
    readback         TEXT COLLATE "C" NOT NULL,
    proven_at        BIGINT           NOT NULL,
    PRIMARY KEY (run, n)
);
CREATE INDEX proofs_by_leaf ON proofs (leaf, proven_at);

-- One row that the doctor writes to prove that writing works.
CREATE TABLE write_check (
    id          BIGINT           NOT NULL PRIMARY KEY CHECK (id = 1),
    checked_at  BIGINT           NOT NULL
);

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
