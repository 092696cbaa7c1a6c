-- sqlite-3-grown: see fixtures() in station/ledger/history_test.go. Made, not written.
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
    begun_at    INTEGER NOT NULL,
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
(1, 0, 1, '2026-11-29 03:09:14'),
(2, 1, 1, '2026-11-29 03:09:14'),
(3, 2, 1, '2026-11-29 03:09:54'),
(4, 3, 1, '2026-11-29 03:10:40');
INSERT INTO runs VALUES
('01a22547-39c5-7e62-8401-33ed6b9f543d', 'acme', 'hall 2', 'bench-1', 'st-1', 'Łukasz Żółć', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 1, 'Dev-1-1001', 'dev-1-1001', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'Łukasz Żółć
los Ñ-1
gestell Ø/1
sn-1-pass-äöü
dev-1-1001
'),
('01a22547-39f8-7121-b4b3-03bf7f8ef1bd', 'acme', 'hall 2', 'bench-1', 'st-1', 'Élodie', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 2, 'Dev-1-1001', 'dev-1-1001', 'SKIPPED', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'Élodie
los Ñ-1
gestell Ø/1
sn-1-pass-äöü
dev-1-1001
e-bridge-down'),
('01a22547-39fc-71fa-90ac-213422fd11ae', 'acme', 'hall 2', 'bench-1', 'st-1', 'Éric Ñandú', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 3, 'Dev-1-1001', 'dev-1-1001', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"f9a4b2dd76c77504e348bf1f59a02b0ed551439b34aa28bc2b28be8d02bd2045"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514580123456, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'Éric Ñandú
los Ñ-1
gestell Ø/1
sn-1-pass-äöü
dev-1-1001
e-id-other-key'),
('01a22547-3a15-78c6-afd4-2acaebd27e9a', 'acme', 'hall 2', 'bench-1', 'st-1', '', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-FAIL', 1, 'Dev-1-1002', 'dev-1-1002', 'FAIL', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, '
los Ñ-1
gestell Ø/1
sn-1-fail
dev-1-1002
e-bridge-down'),
('01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 'acme', 'hall 2', 'bench-1', 'st-1', 'Özil', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1003', 'P-256', 1, 'SN-1-ERROR', 1, 'Dev-1-1003', 'dev-1-1003', 'ERROR', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'özil
los Ñ-1
gestell Ø/1
sn-1-error
dev-1-1003
e-bridge-down'),
('01a22547-3a43-751e-9d2d-006a8fc7b684', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-1-1004', 'P-256', 1, 'SN-1-INSTALLED', 1, 'Dev-1-1004', 'dev-1-1004', 'INSTALLED', '', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 1795514640123456, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'ada
los Ñ-1
gestell Ø/1
sn-1-installed
dev-1-1004
'),
('01a22547-3a63-75ed-ba3c-a3aada4efba2', 'acme', 'hall 2', 'bench-1', 'st-1', 'ΣΊΣΥΦΟΣ', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-1-1005', 'P-256', 1, 'SN-1-TIMEOUT', 1, NULL, NULL, 'TIMEOUT', '', 'keygen', 'E-BRIDGE-DOWN', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428360123456, 'ΣΊΣΥΦΟΣ
los Ñ-1
gestell Ø/1
sn-1-timeout

e-bridge-down'),
('01a22547-3a67-7b66-af86-b2c14ec2ab3f', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428360123456, 3600, 'ask-Dev-1-1006', 'P-256', 1, NULL, NULL, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428361123456, 'ada
b7
1-1.2


'),
('01a22547-3a6a-72db-a5be-beee5f51d541', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428420123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 1, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 1795514820123456, 'deployed', 3000, 4000, 1500000, 1795428422123456, 'ada
b7
1-1.2
sn-1-twice
dev-1-1007
'),
('01a22547-3a7f-758c-a545-eddd67f65445', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 2, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 1795514880123456, 'deployed', 3000, 4000, 1500000, 1795428482123456, 'ada
los Ñ-1
gestell Ø/1
sn-1-twice
dev-1-1007
'),
('01a22547-3a87-7580-8f3f-d3a6fbc8ac8a', 'acme', 'hall 2', 'bench-1', 'st-1', 'Grace', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1008', 'P-256', 1, 'SN-1-OPEN', 1, 'Dev-1-1008', 'dev-1-1008', NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'grace
los Ñ-1
gestell Ø/1
sn-1-open
dev-1-1008
'),
('01a22547-3a8d-77ba-a3a1-5dd86bcd1cdf', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428540123456, 3600, 'ask-Dev-1-1009', 'P-256', 1, NULL, NULL, NULL, NULL, NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'ada
b7
1-1.2


'),
('01a22547-d7ad-7a47-9db6-0fc55b19a357', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ä-2', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-SN-2-LOT-1', 'P-256', 1, 'SN-2-LOT-1', 1, 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'zoë ångström
los ä-2
gestell ø/3
sn-2-lot-1
dev-sn-2-lot-1
'),
('01a22547-d806-7ee0-8a56-735a006ddb56', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-2', 'agent', 'Gestell Ø/2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-2-1002', 'P-256', 1, 'SN-2-RELEASED', 1, 'Dev-2-1002', 'dev-2-1002', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"508b5946fcab6022189dd328c0533094d4f513a8a9bf8236bf9fd06c2520324c"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'ada
los ñ-2
gestell ø/2
sn-2-released
dev-2-1002
e-id-other-key'),
('01a22547-d818-7530-93ff-f8b599aa47a3', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-2-1002', 'P-256', 1, 'SN-2-RELEASED', 2, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428181123456, 'ada
b7
1-1.2
sn-2-released

'),
('01a22548-8b80-7267-afa5-52664b2b39f2', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ñ-3', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-3-1001', 'P-256', 1, 'SN-3-DROPPED', 1, 'Dev-3-1001', 'dev-3-1001', 'COLLECTED', '', '', 'I-COLLECTED', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'3DC7DEACE79CB34C091C58D530C941D2027D21801852BA42B276CB3C4B017D1A', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'zoë ångström
los ñ-3
gestell ø/3
sn-3-dropped
dev-3-1001
i-collected'),
('01a22548-8bb1-7dff-ab65-2828bd12d5a0', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ñ-3', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-3-1002', 'P-256', 1, 'SN-3-PARKED', 1, 'Dev-3-1002', 'dev-3-1002', 'COLLECTED', '', '', 'I-COLLECTED', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'4F351C2455C76AA2C217F705CC6181809B8FDDBC56FC7BC4D0A8CE4ABBCA2232', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'zoë ångström
los ñ-3
gestell ø/3
sn-3-parked
dev-3-1002
i-collected'),
('01a22548-8c14-740a-a1fa-e8cbaf40781f', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ñ-3', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-3-1003', 'P-256', 1, 'SN-3-ISSUED', 1, 'Dev-3-1003', 'dev-3-1003', 'COLLECTED', '', '', 'I-COLLECTED', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'1F89D37ED2C6AFC698CB2C58F56E461B11F4EB813C9C5AA61D989037859A5215', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'zoë ångström
los ñ-3
gestell ø/3
sn-3-issued
dev-3-1003
i-collected'),
('01a22548-8c6d-7c70-97c3-1213a6422149', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ñ-3', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-3-1004', 'P-256', 1, 'SN-3-POSTED', 1, 'Dev-3-1004', 'dev-3-1004', 'COLLECTED', '', '', 'I-COLLECTED', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'1F70A5F846FC3A7D861ED97DE3714102D02E0D7ECD5C7B5BCFCC697DC4E3B6F4', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'zoë ångström
los ñ-3
gestell ø/3
sn-3-posted
dev-3-1004
i-collected'),
('01a22548-8c90-7cd4-9887-0a06461a1b28', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ñ-3', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-3-1005', 'P-256', 1, 'SN-3-WAITING', 1, 'Dev-3-1005', 'dev-3-1005', 'COLLECTED', '', '', 'I-COLLECTED', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'0A713D34BDF334576F6968DA2E92DF2C4D5D6D5507CB21614E5E53469DE021FA', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428302123456, 'zoë ångström
los ñ-3
gestell ø/3
sn-3-waiting
dev-3-1005
i-collected');
INSERT INTO observations VALUES
('01a22547-39c5-7e62-8401-33ed6b9f543d', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
('01a22547-39f8-7121-b4b3-03bf7f8ef1bd', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a22547-39fc-71fa-90ac-213422fd11ae', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
('01a22547-3a15-78c6-afd4-2acaebd27e9a', 1, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t', 'empty', NULL, 1795431604123456),
('01a22547-3a15-78c6-afd4-2acaebd27e9a', 2, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t-2', 'empty', NULL, 1795431605123456),
('01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 1, 'SN-1-ERROR', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431606123456),
('01a22547-3a43-751e-9d2d-006a8fc7b684', 1, 'SN-1-INSTALLED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431608123456),
('01a22547-3a63-75ed-ba3c-a3aada4efba2', 1, 'SN-1-TIMEOUT', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431609123456),
('01a22547-3a6a-72db-a5be-beee5f51d541', 1, 'SN-1-TWICE', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431610123456),
('01a22547-3a7f-758c-a545-eddd67f65445', 1, 'SN-1-TWICE', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431611123456),
('01a22547-3a87-7580-8f3f-d3a6fbc8ac8a', 1, 'SN-1-OPEN', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431612123456),
('01a22547-d7ad-7a47-9db6-0fc55b19a357', 1, 'SN-2-LOT-1', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
('01a22547-d806-7ee0-8a56-735a006ddb56', 1, 'SN-2-RELEASED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a22547-d818-7530-93ff-f8b599aa47a3', 1, 'SN-2-RELEASED', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
('01a22548-8b80-7267-afa5-52664b2b39f2', 1, 'SN-3-DROPPED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
('01a22548-8bb1-7dff-ab65-2828bd12d5a0', 1, 'SN-3-PARKED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a22548-8c14-740a-a1fa-e8cbaf40781f', 1, 'SN-3-ISSUED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
('01a22548-8c6d-7c70-97c3-1213a6422149', 1, 'SN-3-POSTED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431604123456),
('01a22548-8c90-7cd4-9887-0a06461a1b28', 1, 'SN-3-WAITING', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431605123456);
INSERT INTO phases VALUES
('01a22547-39c5-7e62-8401-33ed6b9f543d', 1, 'identify', 'done', 1795428060123456, 1795428061123456, 1, '', '{"model":"box"}'),
('01a22547-39c5-7e62-8401-33ed6b9f543d', 2, 'assign', 'skipped', 1795428060123456, 1795428061123456, 1, '', '{"label":"Gerät \"7\"; it''s ÜBER","зачем":"проба"}'),
('01a22547-3a15-78c6-afd4-2acaebd27e9a', 1, 'mqtt', 'failed', 1795428120123456, 1795428121123456, 3, 'E-BRIDGE-DOWN', '{"model":"box"}'),
('01a22547-3a6a-72db-a5be-beee5f51d541', 1, 'identify', 'done', 1795428420123456, 1795428421123456, 1, '', '{"model":"box"}');
INSERT INTO devices VALUES
('acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', 'dev-1-1001', 'template', '01a22547-39c5-7e62-8401-33ed6b9f543d', 1795428060123456, 'Kästchen 盒', '1.2', 3, X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', '01a22547-39c5-7e62-8401-33ed6b9f543d', 1795428062123456, '01a22547-39fc-71fa-90ac-213422fd11ae', 'UNCERTAIN', 1795431601123456, 1795428182123456),
('acme', 'SN-1-FAIL', 'Dev-1-1002', 'dev-1-1002', 'template', '01a22547-3a15-78c6-afd4-2acaebd27e9a', 1795428120123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22547-3a15-78c6-afd4-2acaebd27e9a', 'FAIL', 1795431604123456, 1795428122123456),
('acme', 'SN-1-ERROR', 'Dev-1-1003', 'dev-1-1003', 'template', '01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 'ERROR', 1795431606123456, 1795428182123456),
('acme', 'SN-1-INSTALLED', 'Dev-1-1004', 'dev-1-1004', 'template', '01a22547-3a43-751e-9d2d-006a8fc7b684', 1795428240123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22547-3a43-751e-9d2d-006a8fc7b684', 'INSTALLED', 1795431608123456, 1795428242123456),
('acme', 'SN-1-TIMEOUT', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22547-3a63-75ed-ba3c-a3aada4efba2', 'TIMEOUT', 1795431609123456, 1795428360123456),
('acme', 'SN-1-TWICE', 'Dev-1-1007', 'dev-1-1007', 'template', '01a22547-3a6a-72db-a5be-beee5f51d541', 1795428420123456, 'Kästchen 盒', '1.2', 2, X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', '01a22547-3a7f-758c-a545-eddd67f65445', 1795428482123456, '01a22547-3a7f-758c-a545-eddd67f65445', 'PASS', 1795431610123456, 1795428482123456),
('acme', 'SN-1-OPEN', 'Dev-1-1008', 'dev-1-1008', 'template', '01a22547-3a87-7580-8f3f-d3a6fbc8ac8a', 1795428480123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, NULL, '', 1795431612123456, 1795428480123456),
('acme', 'SN-2-LOT-1', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'template', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 1795428060123456, 'box', '1.2', 1, X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 1795428062123456, '01a22547-d7ad-7a47-9db6-0fc55b19a357', 'PASS', 1795431601123456, 1795428062123456),
('acme', 'SN-2-RELEASED', NULL, NULL, '', NULL, NULL, 'box', '1.2', 2, NULL, NULL, NULL, NULL, '01a22547-d818-7530-93ff-f8b599aa47a3', 'ABORTED', 1795431602123456, 1795428181123456),
('acme', 'SN-3-DROPPED', 'Dev-3-1001', 'dev-3-1001', 'template', '01a22548-8b80-7267-afa5-52664b2b39f2', 1795428060123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22548-8b80-7267-afa5-52664b2b39f2', 'COLLECTED', 1795431601123456, 1795428062123456),
('acme', 'SN-3-PARKED', 'Dev-3-1002', 'dev-3-1002', 'template', '01a22548-8bb1-7dff-ab65-2828bd12d5a0', 1795428120123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22548-8bb1-7dff-ab65-2828bd12d5a0', 'COLLECTED', 1795431602123456, 1795428122123456),
('acme', 'SN-3-ISSUED', 'Dev-3-1003', 'dev-3-1003', 'template', '01a22548-8c14-740a-a1fa-e8cbaf40781f', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22548-8c14-740a-a1fa-e8cbaf40781f', 'COLLECTED', 1795431603123456, 1795428182123456),
('acme', 'SN-3-POSTED', 'Dev-3-1004', 'dev-3-1004', 'template', '01a22548-8c6d-7c70-97c3-1213a6422149', 1795428240123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22548-8c6d-7c70-97c3-1213a6422149', 'COLLECTED', 1795431604123456, 1795428242123456),
('acme', 'SN-3-WAITING', 'Dev-3-1005', 'dev-3-1005', 'template', '01a22548-8c90-7cd4-9887-0a06461a1b28', 1795428300123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22548-8c90-7cd4-9887-0a06461a1b28', 'COLLECTED', 1795431605123456, 1795428302123456);
INSERT INTO keys VALUES
(X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'0102030405060708', 1, 'P-256', 'flash', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', '01a22547-39c5-7e62-8401-33ed6b9f543d', 1795428060123456),
(X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', 'acme', 'SN-1-FAIL', 'Dev-1-1002', X'0102030405060708', 1, 'P-256', 'flash', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', '01a22547-3a15-78c6-afd4-2acaebd27e9a', 1795428120123456),
(X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', 'acme', 'SN-1-ERROR', 'Dev-1-1003', X'0102030405060708', 1, 'P-256', 'flash', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', '01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 1795428180123456),
(X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', 'acme', 'SN-1-INSTALLED', 'Dev-1-1004', X'0102030405060708', 1, 'P-256', 'flash', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', NULL, '01a22547-3a43-751e-9d2d-006a8fc7b684', 1795428240123456),
(X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0102030405060708', 1, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22547-3a6a-72db-a5be-beee5f51d541', 1795428420123456),
(X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0807060504030201', 2, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22547-3a7f-758c-a545-eddd67f65445', 1795428480123456),
(X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', 'acme', 'SN-1-OPEN', 'Dev-1-1008', X'0102030405060708', 1, 'P-256', 'flash', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', '01a22547-3a87-7580-8f3f-d3a6fbc8ac8a', 1795428480123456),
(X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', 'acme', 'SN-2-LOT-1', 'Dev-SN-2-LOT-1', X'0102030405060708', 1, 'P-256', 'flash', X'CB9DC745D35B03D9F49D1E1344F03AC906EC7D69AE59D43E593BE49BD195B19F', X'A55711C742530638DFE33B90FA457C519DAC4A5052E04F7435591772F8E2E747', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 1795428060123456),
(X'3DC7DEACE79CB34C091C58D530C941D2027D21801852BA42B276CB3C4B017D1A', 'acme', 'SN-3-DROPPED', 'Dev-3-1001', X'0102030405060708', 1, 'P-256', 'flash', X'59E23EEFD77BF9688F321EEECA640F903C03A83A57C599F8F4F2D8B95923495A', X'DD64E65929CD7FB1B95E7810811FCE58A1C03EEFF99C6D590200AA0F9BBE5523', '01a22548-8b80-7267-afa5-52664b2b39f2', 1795428060123456),
(X'4F351C2455C76AA2C217F705CC6181809B8FDDBC56FC7BC4D0A8CE4ABBCA2232', 'acme', 'SN-3-PARKED', 'Dev-3-1002', X'0102030405060708', 1, 'P-256', 'flash', X'F0A97226868A6AA519A0B01CF2F281ABCFA4941299A1E45F5BC36A0CBD9EE73C', X'622360A22E5B641610B09EF048CE8434F07513B7077CE034E186960F19043FDB', '01a22548-8bb1-7dff-ab65-2828bd12d5a0', 1795428120123456),
(X'1F89D37ED2C6AFC698CB2C58F56E461B11F4EB813C9C5AA61D989037859A5215', 'acme', 'SN-3-ISSUED', 'Dev-3-1003', X'0102030405060708', 1, 'P-256', 'flash', X'B26036134ECA8C6A6F699A2DBEFACE1A1EB4D374BC94F60238B607CF79BB3968', X'545931F009D53C61EE4646AE2DF4E36091EE12A980DD77D92386A586F0A8426E', '01a22548-8c14-740a-a1fa-e8cbaf40781f', 1795428180123456),
(X'1F70A5F846FC3A7D861ED97DE3714102D02E0D7ECD5C7B5BCFCC697DC4E3B6F4', 'acme', 'SN-3-POSTED', 'Dev-3-1004', X'0102030405060708', 1, 'P-256', 'flash', X'813B1E81866156309C1BA9B68A3F745D930F8B1DB2CB6D2604AC46BF6544F83F', X'89751104A4070D6CE9A2E05C17531D422CB3C57783C6EF45E9CD2185DD007ABD', '01a22548-8c6d-7c70-97c3-1213a6422149', 1795428240123456),
(X'0A713D34BDF334576F6968DA2E92DF2C4D5D6D5507CB21614E5E53469DE021FA', 'acme', 'SN-3-WAITING', 'Dev-3-1005', X'0102030405060708', 1, 'P-256', 'flash', X'7D60FEB7F6AC6001652FB74D4B27C9F11D3DE389D9E781E046DF9FD17B46DD22', X'4351E731AE7D2C62252FA58DFADECDF5AA902890DFD22D7617A44D20EAA6F3EB', '01a22548-8c90-7cd4-9887-0a06461a1b28', 1795428300123456);
INSERT INTO wireguard_keys VALUES
(X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', 'acme', 'SN-1-PASS-ÄÖÜ'),
(X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', 'acme', 'SN-1-FAIL'),
(X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', 'acme', 'SN-1-ERROR'),
(X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', 'acme', 'SN-1-TWICE'),
(X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', 'acme', 'SN-1-OPEN'),
(X'A55711C742530638DFE33B90FA457C519DAC4A5052E04F7435591772F8E2E747', 'acme', 'SN-2-LOT-1'),
(X'DD64E65929CD7FB1B95E7810811FCE58A1C03EEFF99C6D590200AA0F9BBE5523', 'acme', 'SN-3-DROPPED'),
(X'622360A22E5B641610B09EF048CE8434F07513B7077CE034E186960F19043FDB', 'acme', 'SN-3-PARKED'),
(X'545931F009D53C61EE4646AE2DF4E36091EE12A980DD77D92386A586F0A8426E', 'acme', 'SN-3-ISSUED'),
(X'89751104A4070D6CE9A2E05C17531D422CB3C57783C6EF45E9CD2185DD007ABD', 'acme', 'SN-3-POSTED'),
(X'4351E731AE7D2C62252FA58DFADECDF5AA902890DFD22D7617A44D20EAA6F3EB', 'acme', 'SN-3-WAITING');
INSERT INTO posts VALUES
('01a22547-39c5-7e69-8e18-42195fb0cf21', '01a22547-39c5-7e62-8401-33ed6b9f543d', 'acme', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
('01a22547-3a15-78ce-a748-ae5bea0ab3fd', '01a22547-3a15-78c6-afd4-2acaebd27e9a', 'acme', 'Dev-1-1002', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', 'deployed', 1795428120123456, 'issued', '', 1795428120123456),
('01a22547-3a2b-781b-9757-74320afedbe0', '01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', 'deployed', 1795428180123456, 'unknown', '', 1795428182123456),
('01a22547-3a33-7439-87ee-9c4832670c8f', '01a22547-3a2b-7814-9bf1-e73a6bbeb0a8', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, 'deployed', 1795428180123456, 'not-issued', 'bridge returned 422: "ungültig"', 1795431607123456),
('01a22547-3a43-7526-b568-acdc2ceaa499', '01a22547-3a43-751e-9d2d-006a8fc7b684', 'acme', 'Dev-1-1004', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', 'deployed', 1795428240123456, 'issued', '', 1795428240123456),
('01a22547-3a6a-72e2-8467-a07d41e9bb3c', '01a22547-3a6a-72db-a5be-beee5f51d541', 'acme', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428420123456, 'issued', '', 1795428420123456),
('01a22547-3a7f-7593-bade-f7b5df5f74df', '01a22547-3a7f-758c-a545-eddd67f65445', 'acme', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428480123456, 'issued', '', 1795428480123456),
('01a22547-3a87-7585-b7f0-18f7c71714a8', '01a22547-3a87-7580-8f3f-d3a6fbc8ac8a', 'acme', 'Dev-1-1008', X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', 'deployed', 1795428480123456, 'open', '', NULL),
('01a22547-d7ad-7a4d-95d4-4b0143532eb8', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 'acme', 'Dev-SN-2-LOT-1', X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', X'CB9DC745D35B03D9F49D1E1344F03AC906EC7D69AE59D43E593BE49BD195B19F', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
('01a22548-8c14-7413-be09-3c7b5d459496', '01a22548-8c14-740a-a1fa-e8cbaf40781f', 'acme', 'Dev-3-1003', X'1F89D37ED2C6AFC698CB2C58F56E461B11F4EB813C9C5AA61D989037859A5215', X'B26036134ECA8C6A6F699A2DBEFACE1A1EB4D374BC94F60238B607CF79BB3968', 'deployed', 1795428180123456, 'issued', '', 1795428180123456);
INSERT INTO certificates VALUES
(X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 'acme', 'Dev-1-1001', 'dev-1-1001', 'SN-1-PASS-ÄÖÜ', '01a22547-39c5-7e62-8401-33ed6b9f543d', '01a22547-39c5-7e69-8e18-42195fb0cf21', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', '0affed', 'CN=Dev-1-1001', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, X'308201383081DEA003020102020103300A06082A8648CE3D0403023011310F300D060355040313065375622D4341301E170D3236313132333039303030305A170D3237313132333130303030305A3015311330110603550403130A4465762D312D313030313059301306072A8648CE3D020106082A8648CE3D030107034200047DEBE84EED6CDDD9B2F827577BBAA0726CBC5B3DBF28454CDEBC04964676760437FD95029B03C8EE27364E9DAA083C2CE34F35461B3B6FDFD03939F1905549EAA3233021301F0603551D2304183016801416D5724BD5EEF8C588ADEE602FFF58AB20162BE8300A06082A8648CE3D040302034900304602210097B1608B3CEAD3104BE81C1FD1D52FCB8CF13AABFC03E71E034446E7287B07D9022100C5D961808500AEEE0F2A5E558C01CD2D904F908BEEAEFC3BC30DBC1010627349', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 'acme', 'Dev-1-1002', 'dev-1-1002', 'SN-1-FAIL', '01a22547-3a15-78c6-afd4-2acaebd27e9a', '01a22547-3a15-78ce-a748-ae5bea0ab3fd', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', '0affa5', 'CN=Dev-1-1002', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428060123456, 2111047320123456, X'30826C656166206F6620534E2D312D4641494C', '[Interface]
Address = 10.8.0.2/32
', 1, 'deployed', 1795428120123456, NULL, ''),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 'acme', 'Dev-1-1004', 'dev-1-1004', 'SN-1-INSTALLED', '01a22547-3a43-751e-9d2d-006a8fc7b684', '01a22547-3a43-7526-b568-acdc2ceaa499', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', '0aff0', 'CN=Dev-1-1004', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428180123456, 1795514640123456, X'30826C656166206F6620534E2D312D494E5354414C4C4544', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428240123456, NULL, ''),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22547-3a6a-72db-a5be-beee5f51d541', '01a22547-3a6a-72e2-8467-a07d41e9bb3c', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', '0aff44', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428360123456, 1795514820123456, X'30826C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428420123456, 1795432020123456, 'superseded'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22547-3a7f-758c-a545-eddd67f65445', '01a22547-3a7f-7593-bade-f7b5df5f74df', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', '0aff8a', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428420123456, 1795514880123456, X'30827365636F6E64206C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428480123456, NULL, ''),
(X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 'acme', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'SN-2-LOT-1', '01a22547-d7ad-7a47-9db6-0fc55b19a357', '01a22547-d7ad-7a4d-95d4-4b0143532eb8', X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', '0affad', 'CN=Dev-SN-2-LOT-1', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, X'30826C656166206F6620534E2D322D4C4F542D31', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
(X'0919B4DA681D3473681AB11EDEF351DA7C44B2878B9D0C5F588A0C39EA442383', 'acme', 'Dev-3-1003', 'dev-3-1003', 'SN-3-ISSUED', '01a22548-8c14-740a-a1fa-e8cbaf40781f', '01a22548-8c14-7413-be09-3c7b5d459496', X'1F89D37ED2C6AFC698CB2C58F56E461B11F4EB813C9C5AA61D989037859A5215', '0aff9', 'CN=Dev-3-1003', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428120123456, 1795514580123456, X'30826C656166206F6620534E2D332D495353554544', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428180123456, NULL, '');
INSERT INTO ca_certificates VALUES
(X'96ABA456606CD98C954D72FFF42792094FEF4938EF9F5A8D9AE414998F38B79A', X'3082016A30820110A003020102020102300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A3011310F300D060355040313065375622D43413059301306072A8648CE3D020106082A8648CE3D030107034200040AA48BDE3F3844543461DEF5B3C9B25B1448FAF4BCC65299838DBBFD349C375A08BE94C301190DEF707884362FFCE8256131FC58D7BC46C1E76C42427F5044B9A3533051300F0603551D130101FF040530030101FF301D0603551D0E0416041416D5724BD5EEF8C588ADEE602FFF58AB20162BE8301F0603551D2304183016801483FDB6C8DAA3DFC48552ED1494454EDA5731644C300A06082A8648CE3D040302034800304502205005532D879BD7F74CB91C733E13D0EC129CF5E2D7C5A9D57D6D8220EA254554022100E9CF5318B9097F3A3E8898152CFDF5C66CB936FEC1FBD0BD73E479E7281244E3'),
(X'EA767A0AB7264269B34420A3F861AB0BCBAA82CF554CB518FA60DAD475610C1C', X'3082014D3081F5A003020102020101300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A30173115301306035504030C0C526F6F742053747261C39F653059301306072A8648CE3D020106082A8648CE3D03010703420004ED37B22C784119E007B31D8BC4DC9E8D0F99FFF9210F9F00376D9809EA549DADBCB00E585BBC09159F5CF55FB5CEB22E8B5A1AD07E57E0CB2E5E492A6AA448FBA3323030300F0603551D130101FF040530030101FF301D0603551D0E0416041483FDB6C8DAA3DFC48552ED1494454EDA5731644C300A06082A8648CE3D040302034700304402202422EF6BA40D05B60E1EBDF3F91E8329AA034C6BA9C5BED4DE01AC38E0A5CFA602205E3BF9386D69ECD2AE9B6F65E82AA8CF6DB44307E8C503B80D5F8E89E4CF1FC2'),
(X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F', X'3082737562'),
(X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB', X'3082696361'),
(X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54', X'3082726F6F74');
INSERT INTO chains VALUES
(X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 0, X'96ABA456606CD98C954D72FFF42792094FEF4938EF9F5A8D9AE414998F38B79A'),
(X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 1, X'EA767A0AB7264269B34420A3F861AB0BCBAA82CF554CB518FA60DAD475610C1C'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54'),
(X'0919B4DA681D3473681AB11EDEF351DA7C44B2878B9D0C5F588A0C39EA442383', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'0919B4DA681D3473681AB11EDEF351DA7C44B2878B9D0C5F588A0C39EA442383', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'0919B4DA681D3473681AB11EDEF351DA7C44B2878B9D0C5F588A0C39EA442383', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54');
INSERT INTO certificate_addresses VALUES
(X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 0, '10.1.0.2'),
(X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 1, 'fd00::12'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 0, '10.1.0.3');
INSERT INTO tunnel_addresses VALUES
('acme', '10.1.0.2', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22547-39c5-7e62-8401-33ed6b9f543d', 1795428060123456),
('acme', 'fd00::12', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22547-39c5-7e62-8401-33ed6b9f543d', 1795428060123456),
('acme', '10.1.0.3', 'SN-1-FAIL', 'Dev-1-1002', '01a22547-3a15-78c6-afd4-2acaebd27e9a', 1795428120123456);
INSERT INTO proofs VALUES
('01a22547-39c5-7e62-8401-33ed6b9f543d', 1, 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'ED4063E6F4487FF954B8B85C0E2F85457306361D0BF0D55FAE01F1082D3DA0D5', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456),
('01a22547-3a6a-72db-a5be-beee5f51d541', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428420123456),
('01a22547-3a7f-758c-a545-eddd67f65445', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428480123456),
('01a22547-d7ad-7a47-9db6-0fc55b19a357', 1, 'acme', 'SN-2-LOT-1', 'Dev-SN-2-LOT-1', X'608BF5306F4323383DBAD44CF14D97678BA369AFC4E389BEC2E4E8F96A94B517', X'AD3F5DAE401C302772024E1CEF136B6B0E4067E9EABF5DF607B5010E69490135', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456);
INSERT INTO write_check VALUES
(1, 1795431613123456);
INSERT INTO batches VALUES
('acme', 'Los Ä-2', 'bench-2', 'paused', '', 'Mittag, später weiter', X'06A8F9139F644F715DA506E80BF5F2415EE9939A1B5149E8E78949FF31E6F95F', 'Łukasz Żółć', 1795428060123456, NULL),
('acme', 'Los alt-2', 'bench-old-2', 'closed', '', 'fertig', X'0A74366CDC355FE1CCCE48DA401640979797F7EB4310B0619D92F4869A2F2F29', 'Łukasz Żółć', 1795428060123456, 1795446060123456);
INSERT INTO batch_devices VALUES
('acme', 'Los Ä-2', 2, 'SN-2-LOT-1', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'ÉTIQUETTE-2', 'étiquette-2'),
('acme', 'Los Ä-2', 3, '', 'dev-later-2', 'dev-later-2', '', ''),
('acme', 'Los Ä-2', 4, '', '', '', 'Gerät Ø 2', 'gerät ø 2'),
('acme', 'Los alt-2', 2, 'SN-2-LOT-1', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'ÉTIQUETTE-2', 'étiquette-2'),
('acme', 'Los alt-2', 3, '', 'dev-later-2', 'dev-later-2', '', ''),
('acme', 'Los alt-2', 4, '', '', '', 'Gerät Ø 2', 'gerät ø 2');
INSERT INTO batch_states VALUES
('acme', 'Los Ä-2', 1, 'open', '', '', 'Łukasz Żółć', 1795428060123456),
('acme', 'Los Ä-2', 2, 'held', 'E-BRIDGE-DOWN', '', '', 1795431660123456),
('acme', 'Los Ä-2', 3, 'open', '', '', 'Grace', 1795435260123456),
('acme', 'Los Ä-2', 4, 'paused', '', 'Mittag, später weiter', 'Zoë Ångström', 1795438860123456),
('acme', 'Los alt-2', 1, 'open', '', '', 'Łukasz Żółć', 1795428060123456),
('acme', 'Los alt-2', 2, 'closed', '', 'fertig', '', 1795446060123456);
INSERT INTO overrides VALUES
('01a22547-d818-7530-93ff-f8b599aa47a3', '01a22547-d806-7ee0-8a56-735a006ddb56', 'E-ID-OTHER-KEY', 'Platine repariert, geprüft', 'Ada', 'Gräfin', 1795428180123456);
INSERT INTO label_prints VALUES
('01a22547-d81f-77f3-b8be-c6d10109e526', 'acme', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'SN-2-LOT-1', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 'box.zpl', 'tcp://printer:9100', 1, '', 'Zoë Ångström', 1795428060123456, 1, '', 1795431604123456),
('01a22547-d821-7620-be9f-a089cac870ce', 'acme', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'SN-2-LOT-1', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 'box.zpl', 'tcp://printer:9100', 2, 'verschmiert – noch eine', 'Zoë Ångström', 1795428120123456, 0, 'printer: no paper – кончилась', 1795431605123456),
('01a22547-d826-7869-bd39-0f47bd9b883b', 'acme', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'SN-2-LOT-1', NULL, 'box.zpl', 'tcp://printer:9100', 2, 'Ecke fehlt', 'Zoë Ångström', 1795428180123456, 1, '', 1795431606123456),
('01a22547-d829-798b-b2a6-a9a9e551eb29', 'acme', 'Dev-SN-2-LOT-1', 'dev-sn-2-lot-1', 'SN-2-LOT-1', '01a22547-d7ad-7a47-9db6-0fc55b19a357', 'box.zpl', 'tcp://printer:9100', 3, 'und noch eine', 'Zoë Ångström', 1795428240123456, NULL, '', NULL);
INSERT INTO collected VALUES
('acme', X'3DC7DEACE79CB34C091C58D530C941D2027D21801852BA42B276CB3C4B017D1A', 'SN-3-DROPPED', 'Dev-3-1001', 'dev-3-1001', 'Gerät DROPPED', X'3082637372206F6620534E2D332D44524F50504544', NULL, X'0102030405060708', 1, 'auto', '01a22548-8b80-7267-afa5-52664b2b39f2', 1795428060123456, 'dropped', 0, 1795428060123456, '', '{}', 'verschrottet', NULL, NULL, '', '', NULL, 1795431600123456),
('acme', X'4F351C2455C76AA2C217F705CC6181809B8FDDBC56FC7BC4D0A8CE4ABBCA2232', 'SN-3-PARKED', 'Dev-3-1002', 'dev-3-1002', 'Gerät PARKED', X'3082637372206F6620534E2D332D5041524B4544', NULL, X'0102030405060708', 1, 'auto', '01a22548-8bb1-7dff-ab65-2828bd12d5a0', 1795428120123456, 'parked', 1, 1795428000123456, 'E-BRIDGE-CSR', '{"why":"名前"}', '', NULL, NULL, '', '', NULL, 1795431600123456),
('acme', X'1F89D37ED2C6AFC698CB2C58F56E461B11F4EB813C9C5AA61D989037859A5215', 'SN-3-ISSUED', 'Dev-3-1003', 'dev-3-1003', 'Gerät ISSUED', X'3082637372206F6620534E2D332D495353554544', NULL, X'0102030405060708', 1, 'auto', '01a22548-8c14-740a-a1fa-e8cbaf40781f', 1795428180123456, 'issued', 1, 1795428000123456, '', '{}', '', X'0919B4DA681D3473681AB11EDEF351DA7C44B2878B9D0C5F588A0C39EA442383', 1795514580123456, '', '', NULL, 1795431600123456),
('acme', X'1F70A5F846FC3A7D861ED97DE3714102D02E0D7ECD5C7B5BCFCC697DC4E3B6F4', 'SN-3-POSTED', 'Dev-3-1004', 'dev-3-1004', 'Gerät POSTED', X'3082637372206F6620534E2D332D504F53544544', NULL, X'0102030405060708', 1, 'auto', '01a22548-8c6d-7c70-97c3-1213a6422149', 1795428240123456, 'posted', 1, 1795428240123456, '', '{}', '', NULL, NULL, '01a22548-8c8f-7dfd-b7eb-1a3f1251c0d6', 'st-1', 1795435200123456, 1795431600123456),
('acme', X'0A713D34BDF334576F6968DA2E92DF2C4D5D6D5507CB21614E5E53469DE021FA', 'SN-3-WAITING', 'Dev-3-1005', 'dev-3-1005', 'Gerät WAITING', X'3082637372206F6620534E2D332D57414954494E47', NULL, X'0102030405060708', 1, 'auto', '01a22548-8c90-7cd4-9887-0a06461a1b28', 1795428300123456, 'waiting', 0, 1795428300123456, '', '{}', '', NULL, NULL, '', '', NULL, 1795428300123456);
