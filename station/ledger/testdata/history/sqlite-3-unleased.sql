-- sqlite-3-unleased: see fixtures() in station/ledger/history_test.go. Made, not written.
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
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
                                                    'SKIPPED', 'UNCERTAIN', 'COLLECTED')),
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
    ended_at             INTEGER, search TEXT NOT NULL DEFAULT '',
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (outcome IS NULL OR outcome <> 'PASS' OR (proof <> '' AND spki IS NOT NULL AND leaf IS NOT NULL
           AND hardware_serial IS NOT NULL AND device_id IS NOT NULL)),
    UNIQUE (tenant, hardware_serial, attempt)
) STRICT;
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
CREATE TABLE wireguard_keys (
    wireguard_key    BLOB    NOT NULL PRIMARY KEY CHECK (length(wireguard_key) = 32),
    tenant           TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    FOREIGN KEY (tenant, hardware_serial) REFERENCES devices (tenant, hardware_serial)
) STRICT;
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
CREATE TABLE certificate_addresses (
    leaf      BLOB    NOT NULL REFERENCES certificates (fingerprint),
    position  INTEGER NOT NULL,
    address   TEXT    NOT NULL,
    PRIMARY KEY (leaf, position)
) STRICT;
CREATE TABLE tunnel_addresses (
    tenant           TEXT    NOT NULL,
    address          TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    run              TEXT    NOT NULL REFERENCES runs (run),
    claimed_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, address)
) STRICT;
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
CREATE TABLE write_check (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checked_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE batches (
    tenant     TEXT    NOT NULL CHECK (tenant <> ''),
    batch      TEXT    NOT NULL CHECK (batch <> ''),
    station    TEXT    NOT NULL CHECK (station <> ''),
    state      TEXT    NOT NULL CHECK (state IN ('open', 'paused', 'held', 'closed')),
    code       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    -- of the last opening; the ones before are in batch_states
    opened_by  TEXT    NOT NULL,
    opened_at  INTEGER NOT NULL,
    closed_at  INTEGER,
    PRIMARY KEY (tenant, batch),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
) STRICT;
CREATE TABLE batch_devices (
    tenant           TEXT    NOT NULL,
    batch            TEXT    NOT NULL,
    line             INTEGER NOT NULL CHECK (line > 0),
    hardware_serial  TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    device_id_fold   TEXT    NOT NULL,
    label            TEXT    NOT NULL,
    label_fold       TEXT    NOT NULL,
    PRIMARY KEY (tenant, batch, line),
    FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, batch),
    CHECK (hardware_serial <> '' OR device_id <> '' OR label <> ''),
    CHECK ((device_id = '') = (device_id_fold = '')),
    CHECK ((label = '') = (label_fold = ''))
) STRICT;
CREATE TABLE batch_states (
    tenant  TEXT    NOT NULL,
    batch   TEXT    NOT NULL,
    n       INTEGER NOT NULL,
    state   TEXT    NOT NULL CHECK (state IN ('open', 'paused', 'held', 'closed')),
    code    TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch, n),
    FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, batch)
) STRICT;
CREATE TABLE overrides (
    run       TEXT    NOT NULL PRIMARY KEY REFERENCES runs (run),
    held_run  TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    reason    TEXT    NOT NULL CHECK (reason <> ''),
    operator  TEXT    NOT NULL,
    lead      TEXT    NOT NULL CHECK (lead <> '' AND lead <> operator),
    at        INTEGER NOT NULL
) STRICT;
CREATE TABLE label_prints (
    print            TEXT    NOT NULL PRIMARY KEY,
    tenant           TEXT    NOT NULL CHECK (tenant <> ''),
    device_id        TEXT    NOT NULL CHECK (device_id <> ''),
    device_id_fold   TEXT    NOT NULL CHECK (device_id_fold <> ''),
    hardware_serial  TEXT    NOT NULL,
    run              TEXT    REFERENCES runs (run),
    template         TEXT    NOT NULL,
    printer          TEXT    NOT NULL,
    copy             INTEGER NOT NULL CHECK (copy > 0),
    reason           TEXT    NOT NULL,
    operator         TEXT    NOT NULL,
    at               INTEGER NOT NULL,
    ok               INTEGER CHECK (ok IN (0, 1)),
    error            TEXT    NOT NULL DEFAULT '',
    ended_at         INTEGER,
    CHECK (copy = 1 OR reason <> ''),
    CHECK ((ok IS NULL) = (ended_at IS NULL))
) STRICT;
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
CREATE TABLE refused_certificates (
    fingerprint  BLOB    NOT NULL PRIMARY KEY REFERENCES certificates (fingerprint),
    run          TEXT    NOT NULL REFERENCES runs (run),
    code         TEXT    NOT NULL CHECK (code <> ''),
    refused_at   INTEGER NOT NULL
) STRICT;
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
CREATE TABLE audit (
    station_id  TEXT    NOT NULL CHECK (station_id <> ''),
    n           INTEGER NOT NULL CHECK (n > 0),
    prev        BLOB    NOT NULL CHECK (length(prev) = 32),
    digest      BLOB    NOT NULL CHECK (length(digest) = 32),
    body        BLOB    NOT NULL,
    PRIMARY KEY (station_id, n)
) STRICT;
CREATE TABLE audit_chains (
    station_id  TEXT    NOT NULL PRIMARY KEY CHECK (station_id <> ''),
    tenant      TEXT    NOT NULL,
    n           INTEGER NOT NULL CHECK (n >= 0),
    digest      BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT;
CREATE TABLE audit_checkpoints (
    station_id  TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    purpose     INTEGER NOT NULL CHECK (purpose IN (1, 2)),
    line        TEXT    NOT NULL,
    PRIMARY KEY (station_id, n, purpose)
) STRICT;
CREATE TABLE people_names (
    pseudonym  TEXT NOT NULL PRIMARY KEY CHECK (pseudonym <> ''),
    name       TEXT NOT NULL CHECK (name <> ''),
    salt       BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;
CREATE INDEX runs_by_time ON runs (started_at, run);
CREATE INDEX runs_by_outcome ON runs (outcome, started_at, run);
CREATE INDEX runs_by_code ON runs (code, started_at, run);
CREATE INDEX runs_by_batch ON runs (tenant, batch, started_at, run);
CREATE INDEX runs_by_hardware ON runs (tenant, hardware_serial, started_at, run);
CREATE INDEX runs_by_device_id ON runs (tenant, device_id_fold, started_at, run);
CREATE INDEX runs_passed ON runs (leaf) WHERE outcome = 'PASS';
CREATE INDEX runs_open ON runs (started_at, run) WHERE outcome IS NULL;
CREATE INDEX runs_by_time_outcome ON runs (started_at, outcome);
CREATE INDEX devices_by_leaf ON devices (leaf);
CREATE INDEX keys_by_device ON keys (tenant, hardware_serial);
CREATE INDEX posts_by_run ON posts (run);
CREATE INDEX posts_possibly_issued ON posts (begun_at, post) WHERE state IN ('open', 'unknown');
CREATE INDEX certificates_by_key ON certificates (tenant, spki, received_at);
CREATE INDEX certificates_by_device_id ON certificates (tenant, device_id_fold, received_at);
CREATE INDEX certificates_by_post ON certificates (post);
CREATE INDEX certificates_by_run ON certificates (run);
CREATE INDEX certificates_by_serial ON certificates (cert_serial);
CREATE INDEX certificates_by_aki ON certificates (aki, received_at);
CREATE INDEX certificates_by_issuer ON certificates (issuer_fingerprint, received_at);
CREATE INDEX proofs_by_leaf ON proofs (leaf, proven_at);
CREATE UNIQUE INDEX batches_current ON batches (tenant, station) WHERE state <> 'closed';
CREATE INDEX batches_by_time ON batches (tenant, opened_at, batch);
CREATE UNIQUE INDEX batch_devices_hardware ON batch_devices (tenant, batch, hardware_serial) WHERE hardware_serial <> '';
CREATE UNIQUE INDEX batch_devices_id ON batch_devices (tenant, batch, device_id_fold) WHERE device_id_fold <> '';
CREATE UNIQUE INDEX batch_devices_label ON batch_devices (tenant, batch, label_fold) WHERE label_fold <> '';
CREATE INDEX runs_done ON runs (tenant, batch, hardware_serial, device_id_fold)
    WHERE outcome IN ('PASS', 'SKIPPED') AND batch <> '';
CREATE INDEX label_prints_by_run ON label_prints (run);
CREATE INDEX label_prints_by_device ON label_prints (tenant, device_id_fold, at, print);
CREATE INDEX runs_by_tenant ON runs (tenant, started_at, run, outcome, search, leaf);
CREATE INDEX runs_by_slot ON runs (tenant, slot, started_at, run);
CREATE INDEX intents_open ON intents (tenant, hardware_serial, begun_at) WHERE result IS NULL;
CREATE INDEX intents_by_run ON intents (run);
CREATE INDEX collected_due ON collected (tenant, state, next_at);
CREATE INDEX collected_by_device ON collected (tenant, device_id_fold, collected_at);
CREATE INDEX collected_by_hardware ON collected (tenant, hardware_serial);
CREATE INDEX resolutions_by_hardware ON resolutions (tenant, hardware_serial, decided_at);
CREATE INDEX certificates_live ON certificates (tenant, not_after) WHERE revoked_at IS NULL;
CREATE INDEX people_names_by_name ON people_names (name);
INSERT INTO goose_db_version VALUES
(1, 0, 1, '2026-11-29 03:51:46'),
(2, 1, 1, '2026-11-29 03:51:46'),
(3, 2, 1, '2026-11-29 03:51:46'),
(4, 3, 1, '2026-11-29 03:51:46');
INSERT INTO runs VALUES
('01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ä-1', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-SN-1-LOT-1', 'P-256', 1, 'SN-1-LOT-1', 1, 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'zoë ångström
los ä-1
gestell ø/3
sn-1-lot-1
dev-sn-1-lot-1
'),
('01a2256e-2ae2-7eb5-b9c7-7d5c9578260d', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-RELEASED', 1, 'Dev-1-1002', 'dev-1-1002', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"7e5873dab8e8759146efdfe2cb7f6e6336796f9694511a2e9c9af19955a74104"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'ada
los ñ-1
gestell ø/1
sn-1-released
dev-1-1002
e-id-other-key'),
('01a2256e-2b04-7ba1-9a1d-4421659a141f', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-RELEASED', 2, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428181123456, 'ada
b7
1-1.2
sn-1-released

'),
('01a2256e-2b2c-7331-a084-e55ea6e4d290', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1003', 'P-256', 1, 'SN-1-INTENTS', 1, 'Dev-1-1003', 'dev-1-1003', 'ERROR', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 1795514580123456, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'ada
los ñ-1
gestell ø/1
sn-1-intents
dev-1-1003
e-bridge-down'),
('01a2256e-2b6b-749b-9191-b030f30fafe5', 'acme', 'hall 2', 'bench-1', 'st-1', 'p-3d8c7b11b107d63e30bfa55fb1c9a509', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-1-1004', 'P-256', 1, 'SN-1-DECIDED-keep', 1, 'Dev-1-1004', 'dev-1-1004', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"63500fccfc1b0568887cc11f9db369721acf633d775a2189c5858ca9c5bc0461"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514640123456, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'p-3d8c7b11b107d63e30bfa55fb1c9a509
los ñ-1
gestell ø/1
sn-1-decided-keep
dev-1-1004
e-id-other-key'),
('01a2256e-2b81-77b2-9771-a56776267db4', 'acme', 'hall 2', 'bench-1', 'st-1', 'p-3d8c7b11b107d63e30bfa55fb1c9a509', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-1-1005', 'P-256', 1, 'SN-1-DECIDED-decommissioned', 1, 'Dev-1-1005', 'dev-1-1005', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"41166bc377db80d1040441513972dc78baa7e56871f105b37b1aa39c91fcfda2"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514700123456, 'deployed', 3000, 4000, 1500000, 1795428302123456, 'p-3d8c7b11b107d63e30bfa55fb1c9a509
los ñ-1
gestell ø/1
sn-1-decided-decommissioned
dev-1-1005
e-id-other-key'),
('01a2256e-2bb8-7e81-b85d-cd0e5b59671f', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-1-1006', 'P-256', 1, 'SN-1-OLD', 2, NULL, NULL, 'FAIL', '', 'enroll', 'E-BRIDGE-DOWN', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428061123456, 'ada
los ñ-1
gestell ø/1
sn-1-old

e-bridge-down');
INSERT INTO observations VALUES
('01a2256e-2aa0-7b60-8ecf-5d00009922f6', 1, 'SN-1-LOT-1', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a2256e-2ae2-7eb5-b9c7-7d5c9578260d', 1, 'SN-1-RELEASED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431604123456),
('01a2256e-2b04-7ba1-9a1d-4421659a141f', 1, 'SN-1-RELEASED', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431605123456),
('01a2256e-2b2c-7331-a084-e55ea6e4d290', 1, 'SN-1-INTENTS', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431612123456),
('01a2256e-2b6b-749b-9191-b030f30fafe5', 1, 'SN-1-DECIDED-keep', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431628123456),
('01a2256e-2b81-77b2-9771-a56776267db4', 1, 'SN-1-DECIDED-decommissioned', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431634123456),
('01a2256e-2bb8-7e81-b85d-cd0e5b59671f', 1, 'SN-1-OLD', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431645123456);
INSERT INTO phases VALUES
('01a2256e-2b2c-7331-a084-e55ea6e4d290', 1, 'keygen', 'done', 1795428180123456, 1795428181123456, 1, '', '{"model":"box"}');
INSERT INTO devices VALUES
('acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'template', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 1795428060123456, 'box', '1.2', 1, X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 1795428062123456, '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'PASS', 1795431602123456, 1795428062123456),
('acme', 'SN-1-RELEASED', NULL, NULL, '', NULL, NULL, 'box', '1.2', 2, NULL, NULL, NULL, NULL, '01a2256e-2b04-7ba1-9a1d-4421659a141f', 'ABORTED', 1795431604123456, 1795428181123456),
('acme', 'SN-1-INTENTS', 'Dev-1-1003', 'dev-1-1003', 'template', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'ERROR', 1795431612123456, 1795428182123456),
('acme', 'SN-1-DECIDED-keep', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a2256e-2b6b-749b-9191-b030f30fafe5', 'UNCERTAIN', 1795431628123456, 1795428242123456),
('acme', 'SN-1-DECIDED-decommissioned', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a2256e-2b81-77b2-9771-a56776267db4', 'UNCERTAIN', 1795431634123456, 1795428302123456),
('acme', 'SN-1-OLD', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 2, NULL, NULL, NULL, NULL, '01a2256e-2bb8-7e81-b85d-cd0e5b59671f', 'FAIL', 1795431640123456, 1795428061123456);
INSERT INTO keys VALUES
(X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'0102030405060708', 1, 'P-256', 'flash', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 1795428060123456),
(X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', 'acme', 'SN-1-INTENTS', 'Dev-1-1003', X'0102030405060708', 1, 'P-256', 'flash', X'8D7C9F41B39F2F02C765C15B4FED89002CC152E1D1DED55DA62ED5A9221CF552', X'CC50ADF3D7A4DA6BEED774EADCD5F17A21AF1FE8A1BD3E9AAAEBE520201F2193', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 1795428180123456);
INSERT INTO wireguard_keys VALUES
(X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', 'acme', 'SN-1-LOT-1'),
(X'CC50ADF3D7A4DA6BEED774EADCD5F17A21AF1FE8A1BD3E9AAAEBE520201F2193', 'acme', 'SN-1-INTENTS');
INSERT INTO posts VALUES
('01a2256e-2aa0-7b67-bd6b-ec424d411c13', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'acme', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
('01a2256e-2b2c-7334-8beb-985baf525560', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'acme', 'Dev-1-1003', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', X'8D7C9F41B39F2F02C765C15B4FED89002CC152E1D1DED55DA62ED5A9221CF552', 'deployed', 1795428180123456, 'issued', '', 1795428180123456);
INSERT INTO certificates VALUES
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', '01a2256e-2aa0-7b67-bd6b-ec424d411c13', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', '0aff9b', 'CN=Dev-SN-1-LOT-1', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, X'30826C656166206F6620534E2D312D4C4F542D31', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
(X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 'acme', 'Dev-1-1003', 'dev-1-1003', 'SN-1-INTENTS', '01a2256e-2b2c-7331-a084-e55ea6e4d290', '01a2256e-2b2c-7334-8beb-985baf525560', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', '0aff83', 'CN=Dev-1-1003', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428120123456, 1795514580123456, X'30826C656166206F6620534E2D312D494E54454E5453', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428180123456, NULL, '');
INSERT INTO ca_certificates VALUES
(X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F', X'3082737562'),
(X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB', X'3082696361'),
(X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54', X'3082726F6F74');
INSERT INTO chains VALUES
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54');
INSERT INTO proofs VALUES
('01a2256e-2aa0-7b60-8ecf-5d00009922f6', 1, 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456);
INSERT INTO batches VALUES
('acme', 'Los Ä-1', 'bench-1', 'paused', '', 'Mittag, später weiter', X'7458A90F04AC547F723E834BFC955D06D24AC5EDEB4DFF692789B06BFB8BBEE2', 'Łukasz Żółć', 1795428060123456, NULL),
('acme', 'Los alt-1', 'bench-old-1', 'closed', '', 'fertig', X'6307B06389B3306E8393C99A5DEDA4B58857932BFB5340C21399401D0D4FE197', 'Łukasz Żółć', 1795428060123456, 1795446060123456);
INSERT INTO batch_devices VALUES
('acme', 'Los Ä-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
('acme', 'Los Ä-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
('acme', 'Los Ä-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1'),
('acme', 'Los alt-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
('acme', 'Los alt-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
('acme', 'Los alt-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1');
INSERT INTO batch_states VALUES
('acme', 'Los Ä-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428060123456),
('acme', 'Los Ä-1', 2, 'held', 'E-BRIDGE-DOWN', '', '', 1795431660123456),
('acme', 'Los Ä-1', 3, 'open', '', '', 'Grace', 1795435260123456),
('acme', 'Los Ä-1', 4, 'paused', '', 'Mittag, später weiter', 'Zoë Ångström', 1795438860123456),
('acme', 'Los alt-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428060123456),
('acme', 'Los alt-1', 2, 'closed', '', 'fertig', '', 1795446060123456);
INSERT INTO overrides VALUES
('01a2256e-2b04-7ba1-9a1d-4421659a141f', '01a2256e-2ae2-7eb5-b9c7-7d5c9578260d', 'E-ID-OTHER-KEY', 'Platine repariert, geprüft', 'Ada', 'Gräfin', 1795428180123456);
INSERT INTO label_prints VALUES
('01a2256e-2b10-7dbd-b252-26e5a7f43ad7', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'box.zpl', 'tcp://printer:9100', 1, '', 'Zoë Ångström', 1795428060123456, 1, '', 1795431606123456),
('01a2256e-2b12-75e6-b6c8-5018c9e68c4b', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'box.zpl', 'tcp://printer:9100', 2, 'verschmiert – noch eine', 'Zoë Ångström', 1795428120123456, 0, 'printer: no paper – кончилась', 1795431607123456),
('01a2256e-2b13-7715-be70-883a5f588a5d', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', NULL, 'box.zpl', 'tcp://printer:9100', 2, 'Ecke fehlt', 'Zoë Ångström', 1795428180123456, 1, '', 1795431608123456),
('01a2256e-2b14-76da-82e1-126aee2e2bd7', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a2256e-2aa0-7b60-8ecf-5d00009922f6', 'box.zpl', 'tcp://printer:9100', 3, 'und noch eine', 'Zoë Ångström', 1795428240123456, NULL, '', NULL);
INSERT INTO intents VALUES
('01a2256e-2b30-7a6a-ba09-4b51771491d8', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'acme', 'SN-1-INTENTS', 'make-key', 'Dev-1-1003', X'0102030405060708', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', NULL, 1795428180123456, 'done', 1795428181123456),
('01a2256e-2b3c-7e23-9531-8e24006e24ec', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'acme', 'SN-1-INTENTS', 'install', 'Dev-1-1003', X'0102030405060708', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 1795428180123456, 'found not done', 1795431621123456),
('01a2256e-2b5d-7639-9dd4-e236b6f4d29f', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'acme', 'SN-1-INTENTS', 'seal', 'Dev-1-1003', X'0102030405060708', X'04B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67', X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', 1795428180123456, NULL, NULL);
INSERT INTO refused_certificates VALUES
(X'832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093', '01a2256e-2b2c-7331-a084-e55ea6e4d290', 'E-BRIDGE-CSR', 1795428180123456);
INSERT INTO resolutions VALUES
('01a2256e-2b6b-749b-9191-b030f30fafe5', 'acme', 'SN-1-DECIDED-keep', 'keep', X'63500FCCFC1B0568887CC11F9DB369721ACF633D775A2189C5858CA9C5BC0461', 'neu bespielt, з разрешения', 'Gräfin', 1795428300123456),
('01a2256e-2b81-77b2-9771-a56776267db4', 'acme', 'SN-1-DECIDED-decommissioned', 'decommissioned', NULL, 'neu bespielt, з разрешения', 'Gräfin', 1795428360123456);
INSERT INTO pruned VALUES
('01a2256e-2bdb-75d6-8d68-1530a4d68a29', 'acme', 1792749600123456, 'Gräfin', 1795431650123456, 1, 0, 1, 0, X'443C7AF52F276340A5381F6B5589FB65C3DE35CB1691D065B23A75C8AE278109');
INSERT INTO audit VALUES
('st-1', 1, X'793CFEE49C4D276A4F41DE117C04417C9E051C5C9573DC8774829FC3A3F7D394', X'7933BCD8D2C308187987ECF2F0047D3C2D2767452EEF4E000B45EC611799F2F1', X'A70101026473742D310301041B000660EF7F47C280056B626567696E20636861696E069826836472756E7381782430316132323536652D326161302D376236302D386563662D356430303030393932326636B8236372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664636F646560646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B64706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F336473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1656261746368684C6F7320C3842D31657068617365606570726F6F666C62726F6B65722D61636B656466706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D6564504153536770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEABDCD5C0686F70657261746F727822702D3130326466623964396332353865656136613061393863623836643362313665687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646E4465762D534E2D312D4C4F542D31696E6F745F61667465721B00066102C995B1406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEABBE51406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69647261736B2D4465762D534E2D312D4C4F542D31836472756E7381782430316132323536652D326165322D376562352D623963372D376435633935373832363064B8236372756E782430316132323536652D326165322D376562352D623963372D37643563393537383236306464636F64656E452D49442D4F544845522D4B4559646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D738158202DD719F3DECF3BCE4027F14D88532F0BE3C8D100987CA1C40B2C3F8FE6C3B0256674656E616E746461636D6567617474656D707401676F7574636F6D6569554E4345525441494E6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEAF705CC0686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303032696E6F745F61667465721B00066102CD2938406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEAF51D8406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030326F68617264776172655F73657269616C6D534E2D312D52454C4541534544727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303032836472756E7381782430316132323536652D326230342D376261312D396131642D343432313635396131343166B8236372756E782430316132323536652D326230342D376261312D396131642D34343231363539613134316664636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F7465312D312E326473706B69F6656261746368626237657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707402676F7574636F6D656741424F525445446770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F61741B000660EEB2F4A180686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB2E55F406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C6D534E2D312D52454C4541534544727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303032836C6F62736572766174696F6E7382782430316132323536652D326161302D376236302D386563662D35643030303039393232663601A9616E016372756E782430316132323536652D326161302D376236302D386563662D356430303030393932326636656D6F64656C63626F7865737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF7EDCF2C06F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C6A534E2D312D4C4F542D31836C6F62736572766174696F6E7382782430316132323536652D326165322D376562352D623963372D37643563393537383236306401A9616E016372756E782430316132323536652D326165322D376562352D623963372D376435633935373832363064656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF7EFB77406F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C6D534E2D312D52454C4541534544836C6F62736572766174696F6E7382782430316132323536652D326230342D376261312D396131642D34343231363539613134316601A9616E016372756E782430316132323536652D326230342D376261312D396131642D343432313635396131343166656D6F64656C63626F7865737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF7F0AB9806F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C6D534E2D312D52454C4541534544836764657669636573826461636D656A534E2D312D4C4F542D31B2646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B6473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1656D6F64656C63626F786674656E616E746461636D6568617474656D7074730168626F756E645F61741B000660EEABBE5140686669726D7761726563312E32686C6173745F72756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663668706173735F72756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663669626F756E645F72756E782430316132323536652D326161302D376236302D386563662D356430303030393932326636696465766963655F69646E4465762D534E2D312D4C4F542D316969645F736F757263656874656D706C617465697061737365645F61741B000660EEABDCD5C06A66697273745F7365656E1B000660EF7EDCF2C06A757064617465645F61741B000660EEABDCD5C06C6C6173745F6F7574636F6D6564504153536E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836764657669636573826461636D656D534E2D312D52454C4541534544B2646C656166F66473706B69F6656D6F64656C63626F786674656E616E746461636D6568617474656D7074730268626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326230342D376261312D396131642D34343231363539613134316668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF7EFB77406A757064617465645F61741B000660EEB2F4A1806C6C6173745F6F7574636F6D656741424F525445446E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C6D534E2D312D52454C454153454483646B657973815820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1AC6372756E782430316132323536652D326161302D376236302D386563662D3564303030303939323266366473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA16674656E616E746461636D65686B65795F7479706565502D323536696465766963655F69646E4465762D534E2D312D4C4F542D3169656E726F6C6C5F6964480102030405060708696B65795F73746F726565666C6173686A6373725F6469676573745820DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E46A67656E65726174696F6E016B7265636F726465645F61741B000660EEABBE51406D7769726567756172645F6B65795820943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E0926F68617264776172655F73657269616C6A534E2D312D4C4F542D31836E7769726567756172645F6B657973815820943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092A36674656E616E746461636D656D7769726567756172645F6B65795820943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E0926F68617264776172655F73657269616C6A534E2D312D4C4F542D318365706F73747381782430316132323536652D326161302D376236372D626436622D656334323464343131633133AB6372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664706F7374782430316132323536652D326161302D376236372D626436622D6563343234643431316331336473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA16573746174656669737375656466726561736F6E606674656E616E746461636D6568626567756E5F61741B000660EEABBE514068636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEABBE5140696465766963655F69646E4465762D534E2D312D4C4F542D316A6373725F6469676573745820DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4836C6365727469666963617465738158209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5BB663616B696461613031636465725430826C656166206F6620534E2D312D4C4F542D316372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664706F7374782430316132323536652D326161302D376236372D626436622D6563343234643431316331336473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA16669737375657270434E3D54656E616E74205375622D43416674656E616E746461636D65677375626A65637471434E3D4465762D534E2D312D4C4F542D316777675F636F6E6678225B496E746572666163655D0A41646472657373203D2031302E382E302E322F33320A68636F6E7472616374686465706C6F796564696465766963655F69646E4465762D534E2D312D4C4F542D31696E6F745F61667465721B00066102C995B1406A6E6F745F6265666F72651B000660EEA82ACA406A7265766F6B65645F6174F66B636572745F73657269616C663061666639626B66696E6765727072696E7458209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B6B72656365697665645F61741B000660EEABBE51406D7265766F6B655F726561736F6E606E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31726973737565725F66696E6765727072696E746466663032777769726567756172645F6B65795F62795F62726964676500836F63615F636572746966696361746573815820EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54A263646572463082726F6F746B66696E6765727072696E745820EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54836F63615F636572746966696361746573815820F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794FA2636465724530827375626B66696E6765727072696E745820F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F836F63615F636572746966696361746573815820FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EBA2636465724530826963616B66696E6765727072696E745820FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB8366636861696E738258209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B00A36263615820F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B68706F736974696F6E008366636861696E738258209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B01A36263615820FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B68706F736974696F6E018366636861696E738258209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B02A36263615820EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B68706F736974696F6E02836670726F6F667382782430316132323536652D326161302D376236302D386563662D35643030303039393232663601AD616E016372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663663746C7367544C5320312E33646C65616658209B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B646D71747461356473706B695820AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA16570726F6F666C62726F6B65722D61636B65646662726F6B65726B62726F6B65723A383838336674656E616E746461636D6568726561646261636B6F7B226C656166223A2230306666227D696465766963655F69646E4465762D534E2D312D4C4F542D316970726F76656E5F61741B000660EEABBE51406F68617264776172655F73657269616C6A534E2D312D4C4F542D31836762617463686573826461636D65694C6F7320616C742D31AA64636F646560656261746368694C6F7320616C742D3165737461746566636C6F7365646664696765737458206307B06389B3306E8393C99A5DEDA4B58857932BFB5340C21399401D0D4FE19766726561736F6E666665727469676674656E616E746461636D656773746174696F6E6B62656E63682D6F6C642D3169636C6F7365645F61741B000660F2DCA08540696F70656E65645F61741B000660EEABBE5140696F70656E65645F62797822702D6431366630613230343031646363663063316335343637336161376236653261836762617463686573826461636D65684C6F7320C3842D31AA64636F646560656261746368684C6F7320C3842D31657374617465667061757365646664696765737458207458A90F04AC547F723E834BFC955D06D24AC5EDEB4DFF692789B06BFB8BBEE266726561736F6E764D69747461672C207370C3A4746572207765697465726674656E616E746461636D656773746174696F6E6762656E63682D3169636C6F7365645F6174F6696F70656E65645F61741B000660EEABBE5140696F70656E65645F62797822702D6431366630613230343031646363663063316335343637336161376236653261836D62617463685F64657669636573836461636D65694C6F7320616C742D3102A8646C696E6502656261746368694C6F7320616C742D31656C6162656C6CC38954495155455454452D316674656E616E746461636D65696465766963655F69646E4465762D534E2D312D4C4F542D316A6C6162656C5F666F6C646CC3A974697175657474652D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836D62617463685F64657669636573836461636D65694C6F7320616C742D3103A8646C696E6503656261746368694C6F7320616C742D31656C6162656C606674656E616E746461636D65696465766963655F69646B6465762D6C617465722D316A6C6162656C5F666F6C64606E6465766963655F69645F666F6C646B6465762D6C617465722D316F68617264776172655F73657269616C60836D62617463685F64657669636573836461636D65694C6F7320616C742D3104A8646C696E6504656261746368694C6F7320616C742D31656C6162656C6B476572C3A47420C39820316674656E616E746461636D65696465766963655F6964606A6C6162656C5F666F6C646B676572C3A47420C3B820316E6465766963655F69645F666F6C64606F68617264776172655F73657269616C60836D62617463685F64657669636573836461636D65684C6F7320C3842D3102A8646C696E6502656261746368684C6F7320C3842D31656C6162656C6CC38954495155455454452D316674656E616E746461636D65696465766963655F69646E4465762D534E2D312D4C4F542D316A6C6162656C5F666F6C646CC3A974697175657474652D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836D62617463685F64657669636573836461636D65684C6F7320C3842D3103A8646C696E6503656261746368684C6F7320C3842D31656C6162656C606674656E616E746461636D65696465766963655F69646B6465762D6C617465722D316A6C6162656C5F666F6C64606E6465766963655F69645F666F6C646B6465762D6C617465722D316F68617264776172655F73657269616C60836D62617463685F64657669636573836461636D65684C6F7320C3842D3104A8646C696E6504656261746368684C6F7320C3842D31656C6162656C6B476572C3A47420C39820316674656E616E746461636D65696465766963655F6964606A6C6162656C5F666F6C646B676572C3A47420C3B820316E6465766963655F69645F666F6C64606F68617264776172655F73657269616C60836C62617463685F737461746573836461636D65694C6F7320616C742D3101A8616E016261741B000660EEABBE51406262797822702D643136663061323034303164636366306331633534363733616137623665326164636F646560656261746368694C6F7320616C742D31657374617465646F70656E66726561736F6E606674656E616E746461636D65836C62617463685F737461746573836461636D65694C6F7320616C742D3102A8616E026261741B000660F2DCA085406262796064636F646560656261746368694C6F7320616C742D3165737461746566636C6F73656466726561736F6E666665727469676674656E616E746461636D65836C62617463685F737461746573836461636D65684C6F7320C3842D3101A8616E016261741B000660EEABBE51406262797822702D643136663061323034303164636366306331633534363733616137623665326164636F646560656261746368684C6F7320C3842D31657374617465646F70656E66726561736F6E606674656E616E746461636D65836C62617463685F737461746573836461636D65684C6F7320C3842D3102A8616E026261741B000660EF8251F5406262796064636F64656D452D4252494447452D444F574E656261746368684C6F7320C3842D316573746174656468656C6466726561736F6E606674656E616E746461636D65836C62617463685F737461746573836461636D65684C6F7320C3842D3103A8616E036261741B000660F058E599406262797822702D383430386436656466356332373939383435363431373631313831346332643764636F646560656261746368684C6F7320C3842D31657374617465646F70656E66726561736F6E606674656E616E746461636D65836C62617463685F737461746573836461636D65684C6F7320C3842D3104A8616E046261741B000660F12F793D406262797822702D313032646662396439633235386565613661306139386362383664336231366564636F646560656261746368684C6F7320C3842D316573746174656670617573656466726561736F6E764D69747461672C207370C3A4746572207765697465726674656E616E746461636D6583696F766572726964657381782430316132323536652D326230342D376261312D396131642D343432313635396131343166A76261741B000660EEB2E55F406372756E782430316132323536652D326230342D376261312D396131642D34343231363539613134316664636F64656E452D49442D4F544845522D4B4559646C6561647822702D623762313734336562666138633662373064353862666138653363636331393466726561736F6E781B506C6174696E65207265706172696572742C2067657072C3BC66746868656C645F72756E782430316132323536652D326165322D376562352D623963372D376435633935373832363064686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363836C6C6162656C5F7072696E747381782430316132323536652D326231302D376462642D623235322D323665356137663433616437AF6261741B000660EEABBE5140626F6B016372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664636F707901656572726F7260657072696E74782430316132323536652D326231302D376462642D623235322D32366535613766343361643766726561736F6E606674656E616E746461636D65677072696E746572727463703A2F2F7072696E7465723A3931303068656E6465645F61741B000660EF7F19FBC0686F70657261746F727822702D31303264666239643963323538656561366130613938636238366433623136656874656D706C61746567626F782E7A706C696465766963655F69646E4465762D534E2D312D4C4F542D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836C6C6162656C5F7072696E747381782430316132323536652D326231322D373565362D623663382D353031386339653638633462AF6261741B000660EEAF51D840626F6B006372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664636F707902656572726F7278287072696E7465723A206E6F20706170657220E2809320D0BAD0BED0BDD187D0B8D0BBD0B0D181D18C657072696E74782430316132323536652D326231322D373565362D623663382D35303138633965363863346266726561736F6E78197665727363686D6965727420E28093206E6F63682065696E656674656E616E746461636D65677072696E746572727463703A2F2F7072696E7465723A3931303068656E6465645F61741B000660EF7F293E00686F70657261746F727822702D31303264666239643963323538656561366130613938636238366433623136656874656D706C61746567626F782E7A706C696465766963655F69646E4465762D534E2D312D4C4F542D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836C6C6162656C5F7072696E747381782430316132323536652D326231332D373731352D626537302D383833613566353838613564AF6261741B000660EEB2E55F40626F6B016372756EF664636F707902656572726F7260657072696E74782430316132323536652D326231332D373731352D626537302D38383361356635383861356466726561736F6E6A45636B65206665686C746674656E616E746461636D65677072696E746572727463703A2F2F7072696E7465723A3931303068656E6465645F61741B000660EF7F388040686F70657261746F727822702D31303264666239643963323538656561366130613938636238366433623136656874656D706C61746567626F782E7A706C696465766963655F69646E4465762D534E2D312D4C4F542D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D31836C6C6162656C5F7072696E747381782430316132323536652D326231342D373664612D383265312D313236616565326532626437AF6261741B000660EEB678E640626F6BF66372756E782430316132323536652D326161302D376236302D386563662D35643030303039393232663664636F707903656572726F7260657072696E74782430316132323536652D326231342D373664612D383265312D31323661656532653262643766726561736F6E6D756E64206E6F63682065696E656674656E616E746461636D65677072696E746572727463703A2F2F7072696E7465723A3931303068656E6465645F6174F6686F70657261746F727822702D31303264666239643963323538656561366130613938636238366433623136656874656D706C61746567626F782E7A706C696465766963655F69646E4465762D534E2D312D4C4F542D316E6465766963655F69645F666F6C646E6465762D736E2D312D6C6F742D316F68617264776172655F73657269616C6A534E2D312D4C4F542D3107A16674656E616E746461636D65'),
('st-1', 2, X'7933BCD8D2C308187987ECF2F0047D3C2D2767452EEF4E000B45EC611799F2F1', X'2C5F867C5751E6A187064853C74787BDCF9C0B273D03902AC8A43D37D7CE4290', X'A70101026473742D310302041B000660EF7F664700056B696E736572742072756E730681836472756E7381782430316132323536652D326232632D373333312D613038342D653535656136653464323930B8236372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D7074F6676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB2E55F406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616CF6727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D3130303307A16D7369676E65642D6265666F726563796573'),
('st-1', 3, X'2C5F867C5751E6A187064853C74787BDCF9C0B273D03902AC8A43D37D7CE4290', X'8BEA0ED481EB821C4740F6AE17439533FC5A615749AFDA5774487C0B8D351F6F', X'A60101026473742D310303041B000660EF7F84CB80056E696E7365727420646576696365730683836764657669636573826461636D656C534E2D312D494E54454E5453B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756EF668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF7F7589406A757064617465645F61741B000660EF7F7589406C6C6173745F6F7574636F6D65606E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C6C534E2D312D494E54454E5453836472756E7381782430316132323536652D326232632D373333312D613038342D653535656136653464323930B8236372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB2E55F406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C6C534E2D312D494E54454E5453727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303033836C6F62736572766174696F6E7382782430316132323536652D326232632D373333312D613038342D65353565613665346432393001A9616E016372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF7F7589406F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 4, X'8BEA0ED481EB821C4740F6AE17439533FC5A615749AFDA5774487C0B8D351F6F', X'F3F39AE0DC2DE2B9F7DC14C41BEF12F69FDF7AA57B3236B31D73CB5FAC9C8079', X'A60101026473742D310304041B000660EF7F940DC0056E696E7365727420696E74656E747306818367696E74656E747381782430316132323536652D326233302D376136612D626130392D346235313737313439316438AC6372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930646B696E64686D616B652D6B6579646C656166F66473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE6766696E74656E74782430316132323536652D326233302D376136612D626130392D34623531373731343931643866726573756C74F66674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068656E6465645F6174F6696465766963655F69646A4465762D312D3130303369656E726F6C6C5F69644801020304050607086F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 5, X'F3F39AE0DC2DE2B9F7DC14C41BEF12F69FDF7AA57B3236B31D73CB5FAC9C8079', X'67D15210C37F31C5D5946BDF0BCB27BE1133E7456C2557A71F3F0012CC25F64D', X'A60101026473742D310305041B000660EF7FA35000056E75706461746520696E74656E747306828367696E74656E747381782430316132323536652D326233302D376136612D626130392D346235313737313439316438AC6372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930646B696E64686D616B652D6B6579646C656166F66473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE6766696E74656E74782430316132323536652D326233302D376136612D626130392D34623531373731343931643866726573756C7464646F6E656674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068656E6465645F61741B000660EEB2F4A180696465766963655F69646A4465762D312D3130303369656E726F6C6C5F69644801020304050607086F68617264776172655F73657269616C6C534E2D312D494E54454E5453836670686173657382782430316132323536652D326232632D373333312D613038342D65353565613665346432393001A9616E016372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F6465606566616374736F7B226D6F64656C223A22626F78227D657068617365666B657967656E657472696573016673746174757364646F6E6568656E6465645F61741B000660EEB2F4A1806A737461727465645F61741B000660EEB2E55F40'),
('st-1', 6, X'67D15210C37F31C5D5946BDF0BCB27BE1133E7456C2557A71F3F0012CC25F64D', X'24BDAE071FF7724B8BCB869A5803657A1A0799BA5F433DBDAC89372BE0B8F5C7', X'A60101026473742D310306041B000660EF7FB29240056E75706461746520646576696365730682836764657669636573826461636D656C534E2D312D494E54454E5453B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F61741B000660EEB2E55F40686669726D7761726563312E32686C6173745F72756EF668706173735F72756EF669626F756E645F72756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930696465766963655F69646A4465762D312D313030336969645F736F757263656874656D706C617465697061737365645F6174F66A66697273745F7365656E1B000660EF7F7589406A757064617465645F61741B000660EEB2E55F406C6C6173745F6F7574636F6D65606E6465766963655F69645F666F6C646A6465762D312D313030336F68617264776172655F73657269616C6C534E2D312D494E54454E5453836472756E7381782430316132323536652D326232632D373333312D613038342D653535656136653464323930B8236372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F69646A4465762D312D31303033696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB2E55F406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030336F68617264776172655F73657269616C6C534E2D312D494E54454E5453727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303033'),
('st-1', 7, X'24BDAE071FF7724B8BCB869A5803657A1A0799BA5F433DBDAC89372BE0B8F5C7', X'A7255DEA24E252FEDB6455A19A8E86098DF38967D0FD639646512EFFB3D69E6E', X'A60101026473742D310307041B000660EF7FC1D480056B696E73657274206B657973068283646B65797381582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67AC6372756E782430316132323536652D326232632D373333312D613038342D6535356561366534643239306473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE676674656E616E746461636D65686B65795F7479706565502D323536696465766963655F69646A4465762D312D3130303369656E726F6C6C5F6964480102030405060708696B65795F73746F726565666C6173686A6373725F64696765737458208D7C9F41B39F2F02C765C15B4FED89002CC152E1D1DED55DA62ED5A9221CF5526A67656E65726174696F6E016B7265636F726465645F61741B000660EEB2E55F406D7769726567756172645F6B65795820CC50ADF3D7A4DA6BEED774EADCD5F17A21AF1FE8A1BD3E9AAAEBE520201F21936F68617264776172655F73657269616C6C534E2D312D494E54454E5453836E7769726567756172645F6B657973815820CC50ADF3D7A4DA6BEED774EADCD5F17A21AF1FE8A1BD3E9AAAEBE520201F2193A36674656E616E746461636D656D7769726567756172645F6B65795820CC50ADF3D7A4DA6BEED774EADCD5F17A21AF1FE8A1BD3E9AAAEBE520201F21936F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 8, X'A7255DEA24E252FEDB6455A19A8E86098DF38967D0FD639646512EFFB3D69E6E', X'5B0A8F8072E525982C8CA5DDDD157DD4CFE097E0FFBEFD78D5FA5D34FFE76E49', X'A60101026473742D310308041B000660EF7FD116C0056C696E7365727420706F73747306818365706F73747381782430316132323536652D326232632D373333342D386265622D393835626166353235353630AB6372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064706F7374782430316132323536652D326232632D373333342D386265622D3938356261663532353536306473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67657374617465646F70656E66726561736F6E606674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068636F6E7472616374686465706C6F79656468656E6465645F6174F6696465766963655F69646A4465762D312D313030336A6373725F64696765737458208D7C9F41B39F2F02C765C15B4FED89002CC152E1D1DED55DA62ED5A9221CF552'),
('st-1', 9, X'5B0A8F8072E525982C8CA5DDDD157DD4CFE097E0FFBEFD78D5FA5D34FFE76E49', X'09C7672EC033D376AC751CC5387739EABAE16EBE2BA9E297CCDCE6F4A9A96858', X'A60101026473742D310309041B000660EF7FE059000573696E73657274206365727469666963617465730685836C636572746966696361746573815820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093B663616B696461613031636465725630826C656166206F6620534E2D312D494E54454E54536372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064706F7374782430316132323536652D326232632D373333342D386265622D3938356261663532353536306473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE676669737375657270434E3D54656E616E74205375622D43416674656E616E746461636D65677375626A6563746D434E3D4465762D312D313030336777675F636F6E6678225B496E746572666163655D0A41646472657373203D2031302E382E302E322F33320A68636F6E7472616374686465706C6F796564696465766963655F69646A4465762D312D31303033696E6F745F61667465721B00066102D0BCBF406A6E6F745F6265666F72651B000660EEAF51D8406A7265766F6B65645F6174F66B636572745F73657269616C663061666638336B66696E6765727072696E745820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF10936B72656365697665645F61741B000660EEB2E55F406D7265766F6B655F726561736F6E606E6465766963655F69645F666F6C646A6465762D312D313030336F68617264776172655F73657269616C6C534E2D312D494E54454E5453726973737565725F66696E6765727072696E746466663032777769726567756172645F6B65795F62795F627269646765008365706F73747381782430316132323536652D326232632D373333342D386265622D393835626166353235353630AB6372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064706F7374782430316132323536652D326232632D373333342D386265622D3938356261663532353536306473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE676573746174656669737375656466726561736F6E606674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEB2E55F40696465766963655F69646A4465762D312D313030336A6373725F64696765737458208D7C9F41B39F2F02C765C15B4FED89002CC152E1D1DED55DA62ED5A9221CF5528366636861696E73825820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109300A36263615820F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109368706F736974696F6E008366636861696E73825820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109301A36263615820FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109368706F736974696F6E018366636861696E73825820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109302A36263615820EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109368706F736974696F6E02'),
('st-1', 10, X'09C7672EC033D376AC751CC5387739EABAE16EBE2BA9E297CCDCE6F4A9A96858', X'DEE79C26944726DAD37F4DE721CF59400D971AD1B0B27AF825CCFE77D8541898', X'A60101026473742D31030A041B000660EF7FEF9B40056E696E7365727420696E74656E747306818367696E74656E747381782430316132323536652D326233632D376532332D393533312D386532343030366532346563AC6372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930646B696E6467696E7374616C6C646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF10936473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE6766696E74656E74782430316132323536652D326233632D376532332D393533312D38653234303036653234656366726573756C74F66674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068656E6465645F6174F6696465766963655F69646A4465762D312D3130303369656E726F6C6C5F69644801020304050607086F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 11, X'DEE79C26944726DAD37F4DE721CF59400D971AD1B0B27AF825CCFE77D8541898', X'A3950FC36262CBD6DCF689DBC2C20F9ABA4F1E7CDAF933AB579B4F6F8DD6764C', X'A60101026473742D31030B041B000660EF800E1FC0056E75706461746520696E74656E747306818367696E74656E747381782430316132323536652D326233632D376532332D393533312D386532343030366532346563AC6372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930646B696E6467696E7374616C6C646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF10936473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE6766696E74656E74782430316132323536652D326233632D376532332D393533312D38653234303036653234656366726573756C746E666F756E64206E6F7420646F6E656674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068656E6465645F61741B000660EF7FFEDD80696465766963655F69646A4465762D312D3130303369656E726F6C6C5F69644801020304050607086F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 12, X'A3950FC36262CBD6DCF689DBC2C20F9ABA4F1E7CDAF933AB579B4F6F8DD6764C', X'F3A323E0D500AAED6E03B329A6319DCA631742C811E0C7938F470120B3225669', X'A60101026473742D31030C041B000660EF801D620005781B696E7365727420726566757365645F63657274696669636174657306818374726566757365645F636572746966696361746573815820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093A46372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F64656C452D4252494447452D4353526A726566757365645F61741B000660EEB2E55F406B66696E6765727072696E745820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF1093'),
('st-1', 13, X'F3A323E0D500AAED6E03B329A6319DCA631742C811E0C7938F470120B3225669', X'A7B08AF6BD3C819D7CB68FBB2DA59F08753D713DE5E187033D99B12696D12DC0', X'A60101026473742D31030D041B000660EF802CA440056E696E7365727420696E74656E747306818367696E74656E747381782430316132323536652D326235642D373633392D396464342D653233366236663464323966AC6372756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930646B696E64647365616C646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF10936473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE6766696E74656E74782430316132323536652D326235642D373633392D396464342D65323336623666346432396666726573756C74F66674656E616E746461636D6568626567756E5F61741B000660EEB2E55F4068656E6465645F6174F6696465766963655F69646A4465762D312D3130303369656E726F6C6C5F69644801020304050607086F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 14, X'A7B08AF6BD3C819D7CB68FBB2DA59F08753D713DE5E187033D99B12696D12DC0', X'7E7B1CDDA2EA8F95CA931569F947D4063166F247797268E7D9C8FDD0FE6AC716', X'A60101026473742D31030E041B000660EF803BE680056B7570646174652072756E730682836472756E7381782430316132323536652D326232632D373333312D613038342D653535656136653464323930B8236372756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393064636F64656D452D4252494447452D444F574E646C6561665820832669B287FAB1C3F3C7B54F779B13F4E3038114FDD4981DBE272D9BC5CF109364706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69582004B877B588EC566842A033DCBD06234EE3771759ACFB09AC32BF3CFEC104FE67656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73737B2275726C223A2268747470733A2F2F62227D6674656E616E746461636D6567617474656D707401676F7574636F6D65654552524F526770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEB303E3C0686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303033696E6F745F61667465721B00066102D0BCBF406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEB2E55F406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030336F68617264776172655F73657269616C6C534E2D312D494E54454E5453727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303033836764657669636573826461636D656C534E2D312D494E54454E5453B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F61741B000660EEB2E55F40686669726D7761726563312E32686C6173745F72756E782430316132323536652D326232632D373333312D613038342D65353565613665346432393068706173735F72756EF669626F756E645F72756E782430316132323536652D326232632D373333312D613038342D653535656136653464323930696465766963655F69646A4465762D312D313030336969645F736F757263656874656D706C617465697061737365645F6174F66A66697273745F7365656E1B000660EF7F7589406A757064617465645F61741B000660EEB303E3C06C6C6173745F6F7574636F6D65654552524F526E6465766963655F69645F666F6C646A6465762D312D313030336F68617264776172655F73657269616C6C534E2D312D494E54454E5453'),
('st-1', 15, X'7E7B1CDDA2EA8F95CA931569F947D4063166F247797268E7D9C8FDD0FE6AC716', X'F57E2AFD79797C02E23F33D9BD00478F89C5F587001969084D34BAC2413B6076', X'A70101026473742D31030F041B000660EF805A6B00056B696E736572742072756E730681836472756E7381782430316132323536652D326236622D373439622D393139312D623033306633306661666535B8236372756E782430316132323536652D326236622D373439622D393139312D62303330663330666166653564636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D7074F6676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB678E6406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616CF6727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D3130303407A16D7369676E65642D6265666F726563796573'),
('st-1', 16, X'F57E2AFD79797C02E23F33D9BD00478F89C5F587001969084D34BAC2413B6076', X'28CA31A8F57CFFD6E1387D6F108276050C916492D9DBDCB9CD6F36D8D650E2DC', X'A60101026473742D310310041B000660EF8078EF80056E696E7365727420646576696365730683836764657669636573826461636D6571534E2D312D444543494445442D6B656570B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756EF668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8069AD406A757064617465645F61741B000660EF8069AD406C6C6173745F6F7574636F6D65606E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570836472756E7381782430316132323536652D326236622D373439622D393139312D623033306633306661666535B8236372756E782430316132323536652D326236622D373439622D393139312D62303330663330666166653564636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEB678E6406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303034836C6F62736572766174696F6E7382782430316132323536652D326236622D373439622D393139312D62303330663330666166653501A9616E016372756E782430316132323536652D326236622D373439622D393139312D623033306633306661666535656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF8069AD406F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570'),
('st-1', 17, X'28CA31A8F57CFFD6E1387D6F108276050C916492D9DBDCB9CD6F36D8D650E2DC', X'050EBE151558923182B94AA2C4D4B0B081E743E32CD6FFA6796FA6F1C3B3DBB1', X'A60101026473742D310311041B000660EF808831C0056B7570646174652072756E730682836472756E7381782430316132323536652D326236622D373439622D393139312D623033306633306661666535B8236372756E782430316132323536652D326236622D373439622D393139312D62303330663330666166653564636F64656E452D49442D4F544845522D4B4559646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73815820F3E4977E01F9F211DE7DD741ED8B22CD68B9319842A3F38D0EA86871311067096674656E616E746461636D6567617474656D707401676F7574636F6D6569554E4345525441494E6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEB6976AC0686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303034696E6F745F61667465721B00066102D45046406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEB678E6406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030346F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303034836764657669636573826461636D6571534E2D312D444543494445442D6B656570B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326236622D373439622D393139312D62303330663330666166653568706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8069AD406A757064617465645F61741B000660EEB6976AC06C6C6173745F6F7574636F6D6569554E4345525441494E6E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570'),
('st-1', 18, X'050EBE151558923182B94AA2C4D4B0B081E743E32CD6FFA6796FA6F1C3B3DBB1', X'71156CBC7F514594A7041649C9B710FE8CB7B338C6D1B684809C48308335DEF0', X'A70101026473742D310312041B000660EF80A6B6400572696E73657274207265736F6C7574696F6E730681836B7265736F6C7574696F6E7381782430316132323536652D326236622D373439622D393139312D623033306633306661666535A86372756E782430316132323536652D326236622D373439622D393139312D6230333066333066616665356473706B69582063500FCCFC1B0568887CC11F9DB369721ACF633D775A2189C5858CA9C5BC046166726561736F6E78256E6575206265737069656C742C20D0B720D180D0B0D0B7D180D0B5D188D0B5D0BDD0B8D18F6674656E616E746461636D65686465636973696F6E646B6565706A646563696465645F61741B000660EEBA0C6D406A646563696465645F62797822702D62376231373433656266613863366237306435386266613865336363633139346F68617264776172655F73657269616C71534E2D312D444543494445442D6B65657007A16D7369676E65642D6265666F726563796573'),
('st-1', 19, X'71156CBC7F514594A7041649C9B710FE8CB7B338C6D1B684809C48308335DEF0', X'2C48864E50130D4795178CFB2C4E9F6673B85E9FD0B3E04F20EDA6173C1E9358', X'A60101026473742D310313041B000660EF80B5F880056B696E736572742072756E730681836472756E7381782430316132323536652D326238312D373762322D393737312D613536373736323637646234B8236372756E782430316132323536652D326238312D373762322D393737312D61353637373632363764623464636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D7074F6676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEBA0C6D406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616CF6727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303035'),
('st-1', 20, X'2C48864E50130D4795178CFB2C4E9F6673B85E9FD0B3E04F20EDA6173C1E9358', X'8180AEF20F4F79E655EB7084A75203F866E01371D7C7F04DB50E0EF3585DEDC8', X'A60101026473742D310314041B000660EF80D47D00056E696E7365727420646576696365730683836764657669636573826461636D65781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756EF668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF80C53AC06A757064617465645F61741B000660EF80C53AC06C6C6173745F6F7574636F6D65606E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564836472756E7381782430316132323536652D326238312D373762322D393737312D613536373736323637646234B8236372756E782430316132323536652D326238312D373762322D393737312D61353637373632363764623464636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEBA0C6D406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303035836C6F62736572766174696F6E7382782430316132323536652D326238312D373762322D393737312D61353637373632363764623401A9616E016372756E782430316132323536652D326238312D373762322D393737312D613536373736323637646234656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF80C53AC06F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564'),
('st-1', 21, X'8180AEF20F4F79E655EB7084A75203F866E01371D7C7F04DB50E0EF3585DEDC8', X'18535B7AA8E165AD5CD977EB9D0D821657021DCB05AEFA8D91D83E2C29167361', X'A60101026473742D310315041B000660EF80E3BF40056B7570646174652072756E730682836472756E7381782430316132323536652D326238312D373762322D393737312D613536373736323637646234B8236372756E782430316132323536652D326238312D373762322D393737312D61353637373632363764623464636F64656E452D49442D4F544845522D4B4559646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73815820A5AF7AD0FE0B7E57449E9B8671205803AEB5960AAC86D07D9BA69D27B1F72B926674656E616E746461636D6567617474656D707401676F7574636F6D6569554E4345525441494E6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEBA2AF1C0686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303035696E6F745F61667465721B00066102D7E3CD406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEBA0C6D406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030356F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303035836764657669636573826461636D65781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326238312D373762322D393737312D61353637373632363764623468706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF80C53AC06A757064617465645F61741B000660EEBA2AF1C06C6C6173745F6F7574636F6D6569554E4345525441494E6E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564'),
('st-1', 22, X'18535B7AA8E165AD5CD977EB9D0D821657021DCB05AEFA8D91D83E2C29167361', X'D6F06FC4ABB153421CBFFAE678DA3313672B731DE09689411DB738DB98549BA6', X'A70101026473742D310316041B000660EF810243C00572696E73657274207265736F6C7574696F6E730681836B7265736F6C7574696F6E7381782430316132323536652D326238312D373762322D393737312D613536373736323637646234A86372756E782430316132323536652D326238312D373762322D393737312D6135363737363236376462346473706B69F666726561736F6E78256E6575206265737069656C742C20D0B720D180D0B0D0B7D180D0B5D188D0B5D0BDD0B8D18F6674656E616E746461636D65686465636973696F6E6E6465636F6D6D697373696F6E65646A646563696465645F61741B000660EEBD9FF4406A646563696465645F62797822702D62376231373433656266613863366237306435386266613865336363633139346F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E656407A16D7369676E65642D6265666F726563796573'),
('st-1', 23, X'D6F06FC4ABB153421CBFFAE678DA3313672B731DE09689411DB738DB98549BA6', X'88560E5E1C55329E66FF51FB17D62CC0ED6A6332869D40AD557F644729D72B3E', X'A60101026473742D310317041B000660EF81118600056B696E736572742072756E730681836472756E7381782430316132323536652D326261312D373830332D623436382D383030393236656465333862B8236372756E782430316132323536652D326261312D373830332D623436382D38303039323665646533386264636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D7074F6676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B00065279355DCA406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616CF6727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303036'),
('st-1', 24, X'88560E5E1C55329E66FF51FB17D62CC0ED6A6332869D40AD557F644729D72B3E', X'E2C9876ABA8AFD72FA1074948ED2B202C29D037C643D8EE068BC9F41A7E9CA0E', X'A60101026473742D31031818041B000660EF81300A80056E696E7365727420646576696365730683836764657669636573826461636D6568534E2D312D4F4C44B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756EF668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8120C8406A757064617465645F61741B000660EF8120C8406C6C6173745F6F7574636F6D65606E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44836472756E7381782430316132323536652D326261312D373830332D623436382D383030393236656465333862B8236372756E782430316132323536652D326261312D373830332D623436382D38303039323665646533386264636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B00065279355DCA406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303036836C6F62736572766174696F6E7382782430316132323536652D326261312D373830332D623436382D38303039323665646533386201A9616E016372756E782430316132323536652D326261312D373830332D623436382D383030393236656465333862656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF8120C8406F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C68534E2D312D4F4C44'),
('st-1', 25, X'E2C9876ABA8AFD72FA1074948ED2B202C29D037C643D8EE068BC9F41A7E9CA0E', X'6560E985D33228152894ADB2EE562FB5829EAA5A05A468D9A1DAF59D2850F4BD', X'A60101026473742D31031819041B000660EF813F4CC0056B7570646174652072756E730682836472756E7381782430316132323536652D326261312D373830332D623436382D383030393236656465333862B8236372756E782430316132323536652D326261312D373830332D623436382D38303039323665646533386264636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707401676F7574636F6D656741424F525445446770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F61741B00065279356D0C80686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B00065279355DCA406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303036836764657669636573826461636D6568534E2D312D4F4C44B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730168626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326261312D373830332D623436382D38303039323665646533386268706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8120C8406A757064617465645F61741B00065279356D0C806C6C6173745F6F7574636F6D656741424F525445446E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44'),
('st-1', 26, X'6560E985D33228152894ADB2EE562FB5829EAA5A05A468D9A1DAF59D2850F4BD', X'5BCA0FF70B7025D44E4AB15B301C1D0BDB394450766458F4586663DDA89C6C98', X'A70101026473742D3103181A041B000660EF815DD140056B696E736572742072756E730681836472756E7381782430316132323536652D326262382D376538312D623835642D636430653562353936373166B8236372756E782430316132323536652D326262382D376538312D623835642D63643065356235393637316664636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D7074F6676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEABBE51406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616CF6727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D3130303607A16D7369676E65642D6265666F726563796573'),
('st-1', 27, X'5BCA0FF70B7025D44E4AB15B301C1D0BDB394450766458F4586663DDA89C6C98', X'C737D0549D106E1359BB4B6FB38F89DF5052362A3603971291C75FF76666B9FB', X'A60101026473742D3103181B041B000660EF817C55C0056E696E7365727420646576696365730683836764657669636573826461636D6568534E2D312D4F4C44B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730268626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326261312D373830332D623436382D38303039323665646533386268706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8120C8406A757064617465645F61741B000660EF816D13806C6C6173745F6F7574636F6D656741424F525445446E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44836472756E7381782430316132323536652D326262382D376538312D623835642D636430653562353936373166B8236372756E782430316132323536652D326262382D376538312D623835642D63643065356235393637316664636F646560646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D31657068617365606570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707402676F7574636F6D65F66770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F6174F6686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEABBE51406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303036836C6F62736572766174696F6E7382782430316132323536652D326262382D376538312D623835642D63643065356235393637316601A9616E016372756E782430316132323536652D326262382D376538312D623835642D636430653562353936373166656D6F64656C6D4BC3A473746368656E20E79B9265737461746565656D70747967626F6F745F69646462303074686669726D7761726563312E326B6F627365727665645F61741B000660EF816D13806F636C6F636B5F6F66667365745F75733A0016E35F6F68617264776172655F73657269616C68534E2D312D4F4C44'),
('st-1', 28, X'C737D0549D106E1359BB4B6FB38F89DF5052362A3603971291C75FF76666B9FB', X'522B5A46AFE0F47CA7E4F8400AC5E1D39A56355656F7EC38E9A81D156F437E2A', X'A60101026473742D3103181C041B000660EF818B9800056B7570646174652072756E730682836472756E7381782430316132323536652D326262382D376538312D623835642D636430653562353936373166B8236372756E782430316132323536652D326262382D376538312D623835642D63643065356235393637316664636F64656D452D4252494447452D444F574E646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73627B7D6674656E616E746461636D6567617474656D707402676F7574636F6D65644641494C6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F72780067776972655F74780068636F6E74726163746068656E6465645F61741B000660EEABCD9380686F70657261746F727822702D3935313066376333613237386537333639376532656334656463353833396363687761726E696E6773625B5D696465766963655F6964F6696E6F745F6166746572F66A656C61707365645F7573006A737461727465645F61741B000660EEABBE51406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303036836764657669636573826461636D6568534E2D312D4F4C44B2646C656166F66473706B69F6656D6F64656C6D4BC3A473746368656E20E79B926674656E616E746461636D6568617474656D7074730268626F756E645F6174F6686669726D7761726563312E32686C6173745F72756E782430316132323536652D326262382D376538312D623835642D63643065356235393637316668706173735F72756EF669626F756E645F72756EF6696465766963655F6964F66969645F736F7572636560697061737365645F6174F66A66697273745F7365656E1B000660EF8120C8406A757064617465645F61741B000660EEABCD93806C6C6173745F6F7574636F6D65644641494C6E6465766963655F69645F666F6C64F66F68617264776172655F73657269616C68534E2D312D4F4C44'),
('st-1', 29, X'522B5A46AFE0F47CA7E4F8400AC5E1D39A56355656F7EC38E9A81D156F437E2A', X'EDAED21EBEA7E0345F8C279412BEB3915007EB0E675F38ACF120BE801E20B1C2', X'A70101026473742D3103181D041B000660EF81C8A100057364656C657465206F62736572766174696F6E730683836C6F62736572766174696F6E7382782430316132323536652D326261312D373830332D623436382D38303039323665646533386201F6836472756E7381782430316132323536652D326261312D373830332D623436382D383030393236656465333862F683667072756E656481782430316132323536652D326264622D373564362D386436382D313533306134643638613239AA6472756E7301657072756E65782430316132323536652D326264622D373564362D386436382D313533306134643638613239666265666F72651B00065E7F0B162A40666469676573745820443C7AF52F276340A5381F6B5589FB65C3DE35CB1691D065B23A75C8AE27810966706861736573006674656E616E746461636D65697072756E65645F61741B000660EF81B95EC0697072756E65645F62797822702D62376231373433656266613863366237306435386266613865336363633139346C6C6162656C5F7072696E7473006C6F62736572766174696F6E730107A16D7369676E65642D6265666F726563796573'),
('st-1', 30, X'EDAED21EBEA7E0345F8C279412BEB3915007EB0E675F38ACF120BE801E20B1C2', X'D5C019D0AD3F1D5C98867B1D06840BC33849560139B5803D9347EDFDD98487FF', X'A70101026473742D3103181E041B000660EF81D7E340056C657261736520706572736F6E0682836472756E7381782430316132323536652D326236622D373439622D393139312D623033306633306661666535B8236372756E782430316132323536652D326236622D373439622D393139312D62303330663330666166653564636F64656E452D49442D4F544845522D4B4559646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73815820F3E4977E01F9F211DE7DD741ED8B22CD68B9319842A3F38D0EA86871311067096674656E616E746461636D6567617474656D707401676F7574636F6D6569554E4345525441494E6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEB6976AC0686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303034696E6F745F61667465721B00066102D45046406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEB678E6406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030346F68617264776172655F73657269616C71534E2D312D444543494445442D6B656570727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D31303034836472756E7381782430316132323536652D326238312D373762322D393737312D613536373736323637646234B8236372756E782430316132323536652D326238312D373762322D393737312D61353637373632363764623464636F64656E452D49442D4F544845522D4B4559646C656166F664706F72746C2F6465762F7474795553423064736974656668616C6C203264736C6F746C47657374656C6C20C3982F316473706B69F6656261746368684C6F7320C3912D3165706861736566656E726F6C6C6570726F6F666066706172616D73815820A5AF7AD0FE0B7E57449E9B8671205803AEB5960AAC86D07D9BA69D27B1F72B926674656E616E746461636D6567617474656D707401676F7574636F6D6569554E4345525441494E6770726F66696C65656167656E746773746174696F6E6762656E63682D316776657273696F6E63312E3067776972655F7278190FA067776972655F7478190BB868636F6E7472616374686465706C6F79656468656E6465645F61741B000660EEBA2AF1C0686F70657261746F727822702D3364386337623131623130376436336533306266613535666231633961353039687761726E696E6773815820EE86CCBAA27C29E7578F72AE783E25469B15377785B15BC55392C4F8DC768216696465766963655F69646A4465762D312D31303035696E6F745F61667465721B00066102D7E3CD406A656C61707365645F75731A0016E3606A737461727465645F61741B000660EEBA0C6D406A73746174696F6E5F69646473742D316A7574635F6F6666736574190E106D636F6E6669675F64696765737464616263646E6465766963655F69645F666F6C646A6465762D312D313030356F68617264776172655F73657269616C781B534E2D312D444543494445442D6465636F6D6D697373696F6E6564727265717565737465645F6B65795F7479706565502D323536727265717565737465645F7265656E726F6C6C01737265717565737465645F6465766963655F69646E61736B2D4465762D312D3130303507A16970736575646F6E796D7822702D3364386337623131623130376436336533306266613535666231633961353039');
INSERT INTO audit_chains VALUES
('st-1', 'acme', 30, X'D5C019D0AD3F1D5C98867B1D06840BC33849560139B5803D9347EDFDD98487FF');
INSERT INTO audit_checkpoints VALUES
('st-1', 1, 1, '{"station_id":"st-1","tenant":"acme","n":1,"digest":"7933bcd8d2c308187987ecf2f0047d3c2d2767452eef4e000b45ec611799f2f1","at":"2026-11-23T11:00:10.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"e13d76ed7830aaca1d5af34cc0e6ed3b6c76bd15f0f143e556ac761e3452de11e1975df9d91369bfa111a613d6c820c5c288a6d59629d5e8bd446f0bc9a9740f"}'),
('st-1', 14, 1, '{"station_id":"st-1","tenant":"acme","n":14,"digest":"7e7b1cdda2ea8f95ca931569f947d4063166f247797268e7d9c8fdd0fe6ac716","at":"2026-11-23T11:00:26.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"3ee26a375fbb4f719f0129ee44a99646728576aa3a7d1bc4426b85efcd77107f677973eb118555e9b162b8611f2fdc82ff7a68405d121da1811457224f6e2d0e"}'),
('st-1', 17, 1, '{"station_id":"st-1","tenant":"acme","n":17,"digest":"050ebe151558923182b94aa2c4d4b0b081e743e32cd6ffa6796fa6f1c3b3dbb1","at":"2026-11-23T11:00:31.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"275939803534de59ed4f18f1cad6d08cc19df6863c766d102f722af32b22e75ac67c9373a767884c8b522f93fc72c0348c681a0f1d47746ab0757819e283910f"}'),
('st-1', 21, 1, '{"station_id":"st-1","tenant":"acme","n":21,"digest":"18535b7aa8e165ad5cd977eb9d0d821657021dcb05aefa8d91d83e2c29167361","at":"2026-11-23T11:00:37.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"80e3f38583a73d35c8b196357e4bf0defd10b72afe4802abad5ccaeab164f5cd308ae96cb9ced028a17b6086ce4e1ad1993d4f44597d6f2ac94fde99c568bf08"}'),
('st-1', 25, 1, '{"station_id":"st-1","tenant":"acme","n":25,"digest":"6560e985d33228152894adb2ee562fb5829eaa5a05a468d9a1daf59d2850f4bd","at":"2026-11-23T11:00:43.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"698369ba3e145d66c3ea6c32a6705047e6f82848742027ef30ecb0e94d6563484e9912f57bc989f19628bc0dc350af8aa836080cbe0ba61f1f58abfe7aeace09"}'),
('st-1', 28, 1, '{"station_id":"st-1","tenant":"acme","n":28,"digest":"522b5a46afe0f47ca7e4f8400ac5e1d39a56355656f7ec38e9a81d156f437e2a","at":"2026-11-23T11:00:48.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"cdbeea8ef460cc7a3e99cd2ac9db467f3a3d3f384052552a54d964517d6291600cbaf81a444eebcac626e9dd1884f7cd259f162e3a443009177cea33911dac0d"}'),
('st-1', 30, 1, '{"station_id":"st-1","tenant":"acme","n":30,"digest":"d5c019d0ad3f1d5c98867b1d06840bc33849560139b5803d9347edfdd98487ff","at":"2026-11-23T11:00:53.123456Z","key_id":"af9073360066253d1d3c7f62a142eeff25d4bb70628b6056145fc879084a2655","purpose":1,"signature":"ddaf558c410f18267256fa331579a88961fec5e851d1ffd9440acdf13eda64bc554ccde827df4eef4e3dd88e3d8c0c379da0b0fea72831794a33c159aecaf402"}');
INSERT INTO people_names VALUES
('p-102dfb9d9c258eea6a0a98cb86d3b16e', 'Zoë Ångström', X'3DBB70A290A36C448A9D1D47AA9A59DF2928811F2C8E19100D89092C1F04F1EF'),
('p-9510f7c3a278e73697e2ec4edc5839cc', 'Ada', X'4C435E5EE3AC650BBD0BF74D648FCC9E110333BAD2EEAA9EC5DA7D7B802E3088'),
('p-d16f0a20401dccf0c1c54673aa7b6e2a', 'Łukasz Żółć', X'AC2374F54149726D0E17A09E0692F8D6381E40D1D674E644632B237E2DED21AF'),
('p-8408d6edf5c27998456417611814c2d7', 'Grace', X'FC156F7B5511E93E99877466492342E0DAD2FB0A9B83000C05CB9EFC7550428C'),
('p-b7b1743ebfa8c6b70d58bfa8e3ccc194', 'Gräfin', X'0093E25DFD46EB0B5FDB664D83C0AC5AD61B9B9D883B791C7A51B94725347EF5');
