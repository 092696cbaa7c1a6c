-- sqlite-2: see fixtures() in station/ledger/history_test.go. Made, not written.
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
INSERT INTO goose_db_version VALUES
(1, 0, 1, '2026-11-29 03:05:57'),
(2, 1, 1, '2026-11-29 03:05:57'),
(3, 2, 1, '2026-11-29 03:05:57');
INSERT INTO runs VALUES
('01a22544-3751-7e68-93e3-815aa4ae7c2e', 'acme', 'hall 2', 'bench-1', 'st-1', 'Łukasz Żółć', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 1, 'Dev-1-1001', 'dev-1-1001', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'łukasz żółć
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
'),
('01a22544-377e-7abd-882d-0c11017fcf0e', 'acme', 'hall 2', 'bench-1', 'st-1', 'Élodie', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 2, 'Dev-1-1001', 'dev-1-1001', 'SKIPPED', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'élodie
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-bridge-down'),
('01a22544-3785-7e78-8264-53cfa76a4071', 'acme', 'hall 2', 'bench-1', 'st-1', 'Éric Ñandú', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 3, 'Dev-1-1001', 'dev-1-1001', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"f9a4b2dd76c77504e348bf1f59a02b0ed551439b34aa28bc2b28be8d02bd2045"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514580123456, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'éric ñandú
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-id-other-key'),
('01a22544-3789-7a51-955e-6246057b4445', 'acme', 'hall 2', 'bench-1', 'st-1', '', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-FAIL', 1, 'Dev-1-1002', 'dev-1-1002', 'FAIL', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, '
los ñ-1
gestell ø/1
sn-1-fail
dev-1-1002
e-bridge-down'),
('01a22544-379c-75ed-9389-1be333341647', 'acme', 'hall 2', 'bench-1', 'st-1', 'Özil', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1003', 'P-256', 1, 'SN-1-ERROR', 1, 'Dev-1-1003', 'dev-1-1003', 'ERROR', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'özil
los ñ-1
gestell ø/1
sn-1-error
dev-1-1003
e-bridge-down'),
('01a22544-37a7-730e-813b-c44d44ed07d3', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-1-1004', 'P-256', 1, 'SN-1-INSTALLED', 1, 'Dev-1-1004', 'dev-1-1004', 'INSTALLED', '', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 1795514640123456, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'ada
los ñ-1
gestell ø/1
sn-1-installed
dev-1-1004
'),
('01a22544-37ae-7826-b1eb-5554f3452dc6', 'acme', 'hall 2', 'bench-1', 'st-1', 'ΣΊΣΥΦΟΣ', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-1-1005', 'P-256', 1, 'SN-1-TIMEOUT', 1, NULL, NULL, 'TIMEOUT', '', 'keygen', 'E-BRIDGE-DOWN', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428360123456, 'σίσυφοσ
los ñ-1
gestell ø/1
sn-1-timeout

e-bridge-down'),
('01a22544-37b4-7898-b0e8-3d0e1e1ef788', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428360123456, 3600, 'ask-Dev-1-1006', 'P-256', 1, NULL, NULL, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428361123456, 'ada
b7
1-1.2


'),
('01a22544-37b6-7a88-b9f4-1a0555bc228b', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428420123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 1, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 1795514820123456, 'deployed', 3000, 4000, 1500000, 1795428422123456, 'ada
b7
1-1.2
sn-1-twice
dev-1-1007
'),
('01a22544-37c3-7eb6-895c-80eaa78797c7', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 2, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 1795514880123456, 'deployed', 3000, 4000, 1500000, 1795428482123456, 'ada
los ñ-1
gestell ø/1
sn-1-twice
dev-1-1007
'),
('01a22544-37cb-72ef-a5d4-710ea6bf99b0', 'acme', 'hall 2', 'bench-1', 'st-1', 'Grace', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1008', 'P-256', 1, 'SN-1-OPEN', 1, 'Dev-1-1008', 'dev-1-1008', NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'grace
los ñ-1
gestell ø/1
sn-1-open
dev-1-1008
'),
('01a22544-37d0-7053-94d9-83c17077c8ec', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428540123456, 3600, 'ask-Dev-1-1009', 'P-256', 1, NULL, NULL, NULL, NULL, NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'ada
b7
1-1.2


'),
('01a22544-37d1-7c3f-bb67-240b042b5347', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ä-1', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428600123456, 3600, 'ask-Dev-SN-1-LOT-1', 'P-256', 1, 'SN-1-LOT-1', 1, 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 1795515000123456, 'deployed', 3000, 4000, 1500000, 1795428602123456, 'zoë ångström
los ä-1
gestell ø/3
sn-1-lot-1
dev-sn-1-lot-1
'),
('01a22544-37e4-7d0e-9cac-4e8ef7853f87', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428660123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 1, 'Dev-1-1011', 'dev-1-1011', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"7e5873dab8e8759146efdfe2cb7f6e6336796f9694511a2e9c9af19955a74104"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795515060123456, 'deployed', 3000, 4000, 1500000, 1795428662123456, 'ada
los ñ-1
gestell ø/1
sn-1-released
dev-1-1011
e-id-other-key'),
('01a22544-37f3-7ec4-9ea1-268d691d1eb8', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428720123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 2, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428721123456, 'ada
b7
1-1.2
sn-1-released

');
INSERT INTO observations VALUES
('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
('01a22544-377e-7abd-882d-0c11017fcf0e', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a22544-3785-7e78-8264-53cfa76a4071', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
('01a22544-3789-7a51-955e-6246057b4445', 1, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t', 'empty', NULL, 1795431604123456),
('01a22544-3789-7a51-955e-6246057b4445', 2, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t-2', 'empty', NULL, 1795431605123456),
('01a22544-379c-75ed-9389-1be333341647', 1, 'SN-1-ERROR', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431606123456),
('01a22544-37a7-730e-813b-c44d44ed07d3', 1, 'SN-1-INSTALLED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431608123456),
('01a22544-37ae-7826-b1eb-5554f3452dc6', 1, 'SN-1-TIMEOUT', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431609123456),
('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'SN-1-TWICE', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431610123456),
('01a22544-37c3-7eb6-895c-80eaa78797c7', 1, 'SN-1-TWICE', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431611123456),
('01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1, 'SN-1-OPEN', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431612123456),
('01a22544-37d1-7c3f-bb67-240b042b5347', 1, 'SN-1-LOT-1', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431615123456),
('01a22544-37e4-7d0e-9cac-4e8ef7853f87', 1, 'SN-1-RELEASED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431617123456),
('01a22544-37f3-7ec4-9ea1-268d691d1eb8', 1, 'SN-1-RELEASED', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431618123456);
INSERT INTO phases VALUES
('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'identify', 'done', 1795428060123456, 1795428061123456, 1, '', '{"model":"box"}'),
('01a22544-3751-7e68-93e3-815aa4ae7c2e', 2, 'assign', 'skipped', 1795428060123456, 1795428061123456, 1, '', '{"label":"Gerät \"7\"; it''s ÜBER","зачем":"проба"}'),
('01a22544-3789-7a51-955e-6246057b4445', 1, 'mqtt', 'failed', 1795428120123456, 1795428121123456, 3, 'E-BRIDGE-DOWN', '{"model":"box"}'),
('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'identify', 'done', 1795428420123456, 1795428421123456, 1, '', '{"model":"box"}');
INSERT INTO devices VALUES
('acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', 'dev-1-1001', 'template', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456, 'Kästchen 盒', '1.2', 3, X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428062123456, '01a22544-3785-7e78-8264-53cfa76a4071', 'UNCERTAIN', 1795431601123456, 1795428182123456),
('acme', 'SN-1-FAIL', 'Dev-1-1002', 'dev-1-1002', 'template', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-3789-7a51-955e-6246057b4445', 'FAIL', 1795431604123456, 1795428122123456),
('acme', 'SN-1-ERROR', 'Dev-1-1003', 'dev-1-1003', 'template', '01a22544-379c-75ed-9389-1be333341647', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-379c-75ed-9389-1be333341647', 'ERROR', 1795431606123456, 1795428182123456),
('acme', 'SN-1-INSTALLED', 'Dev-1-1004', 'dev-1-1004', 'template', '01a22544-37a7-730e-813b-c44d44ed07d3', 1795428240123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-37a7-730e-813b-c44d44ed07d3', 'INSTALLED', 1795431608123456, 1795428242123456),
('acme', 'SN-1-TIMEOUT', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-37ae-7826-b1eb-5554f3452dc6', 'TIMEOUT', 1795431609123456, 1795428360123456),
('acme', 'SN-1-TWICE', 'Dev-1-1007', 'dev-1-1007', 'template', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 1795428420123456, 'Kästchen 盒', '1.2', 2, X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', '01a22544-37c3-7eb6-895c-80eaa78797c7', 1795428482123456, '01a22544-37c3-7eb6-895c-80eaa78797c7', 'PASS', 1795431610123456, 1795428482123456),
('acme', 'SN-1-OPEN', 'Dev-1-1008', 'dev-1-1008', 'template', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1795428480123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, NULL, '', 1795431612123456, 1795428480123456),
('acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'template', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428600123456, 'box', '1.2', 1, X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428602123456, '01a22544-37d1-7c3f-bb67-240b042b5347', 'PASS', 1795431615123456, 1795428602123456),
('acme', 'SN-1-RELEASED', NULL, NULL, '', NULL, NULL, 'box', '1.2', 2, NULL, NULL, NULL, NULL, '01a22544-37f3-7ec4-9ea1-268d691d1eb8', 'ABORTED', 1795431617123456, 1795428721123456);
INSERT INTO keys VALUES
(X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'0102030405060708', 1, 'P-256', 'flash', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
(X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', 'acme', 'SN-1-FAIL', 'Dev-1-1002', X'0102030405060708', 1, 'P-256', 'flash', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456),
(X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', 'acme', 'SN-1-ERROR', 'Dev-1-1003', X'0102030405060708', 1, 'P-256', 'flash', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', '01a22544-379c-75ed-9389-1be333341647', 1795428180123456),
(X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', 'acme', 'SN-1-INSTALLED', 'Dev-1-1004', X'0102030405060708', 1, 'P-256', 'flash', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', NULL, '01a22544-37a7-730e-813b-c44d44ed07d3', 1795428240123456),
(X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0102030405060708', 1, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 1795428420123456),
(X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0807060504030201', 2, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22544-37c3-7eb6-895c-80eaa78797c7', 1795428480123456),
(X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', 'acme', 'SN-1-OPEN', 'Dev-1-1008', X'0102030405060708', 1, 'P-256', 'flash', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1795428480123456),
(X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'0102030405060708', 1, 'P-256', 'flash', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428600123456);
INSERT INTO wireguard_keys VALUES
(X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', 'acme', 'SN-1-PASS-ÄÖÜ'),
(X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', 'acme', 'SN-1-FAIL'),
(X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', 'acme', 'SN-1-ERROR'),
(X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', 'acme', 'SN-1-TWICE'),
(X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', 'acme', 'SN-1-OPEN'),
(X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', 'acme', 'SN-1-LOT-1');
INSERT INTO posts VALUES
('01a22544-3751-7e71-aa34-efb273ce8857', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 'acme', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
('01a22544-3789-7a56-ae1b-a5f2d3504a01', '01a22544-3789-7a51-955e-6246057b4445', 'acme', 'Dev-1-1002', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', 'deployed', 1795428120123456, 'issued', '', 1795428120123456),
('01a22544-379c-75f3-811b-4f2e9e1dc960', '01a22544-379c-75ed-9389-1be333341647', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', 'deployed', 1795428180123456, 'unknown', '', 1795428182123456),
('01a22544-37a3-7918-ac59-793c5d743c7e', '01a22544-379c-75ed-9389-1be333341647', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, 'deployed', 1795428180123456, 'not-issued', 'bridge returned 422: "ungültig"', 1795431607123456),
('01a22544-37a7-7314-9d3a-7a2dbe74339b', '01a22544-37a7-730e-813b-c44d44ed07d3', 'acme', 'Dev-1-1004', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', 'deployed', 1795428240123456, 'issued', '', 1795428240123456),
('01a22544-37b6-7a8c-9726-31a5952fb88d', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 'acme', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428420123456, 'issued', '', 1795428420123456),
('01a22544-37c3-7eba-a6bb-96b6270d4f21', '01a22544-37c3-7eb6-895c-80eaa78797c7', 'acme', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428480123456, 'issued', '', 1795428480123456),
('01a22544-37cb-72f6-abcb-4fb89b3ad9f1', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 'acme', 'Dev-1-1008', X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', 'deployed', 1795428480123456, 'open', '', NULL),
('01a22544-37d1-7c46-953c-fdb2a8f88fb8', '01a22544-37d1-7c3f-bb67-240b042b5347', 'acme', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', 'deployed', 1795428600123456, 'issued', '', 1795428600123456);
INSERT INTO certificates VALUES
(X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 'acme', 'Dev-1-1001', 'dev-1-1001', 'SN-1-PASS-ÄÖÜ', '01a22544-3751-7e68-93e3-815aa4ae7c2e', '01a22544-3751-7e71-aa34-efb273ce8857', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', '0aff3f', 'CN=Dev-1-1001', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, X'308201383081DEA003020102020103300A06082A8648CE3D0403023011310F300D060355040313065375622D4341301E170D3236313132333039303030305A170D3237313132333130303030305A3015311330110603550403130A4465762D312D313030313059301306072A8648CE3D020106082A8648CE3D0301070342000426858A382B9AAF31AF0302A437E250D6EEE5C5167A8FCFEB5B5A5CF846FED760F677810C65DF9D4C63932198EF52551D0F9C9E049CD6D6FAA19804BEBAC00A8BA3233021301F0603551D2304183016801453579732DB8DCC982B130652BD089EF7FE6D28F0300A06082A8648CE3D0403020349003046022100FE5798314E045B7BD41B33BE9C8CCFAFE18DD6B9807D5FBB029893EDFAC2640A022100C88598060DDB9BFA6C0A2CE47FECAC93CD83C48AF0EBA585DF80051534B25232', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 'acme', 'Dev-1-1002', 'dev-1-1002', 'SN-1-FAIL', '01a22544-3789-7a51-955e-6246057b4445', '01a22544-3789-7a56-ae1b-a5f2d3504a01', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', '0affa5', 'CN=Dev-1-1002', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428060123456, 2111047320123456, X'30826C656166206F6620534E2D312D4641494C', '[Interface]
Address = 10.8.0.2/32
', 1, 'deployed', 1795428120123456, NULL, ''),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 'acme', 'Dev-1-1004', 'dev-1-1004', 'SN-1-INSTALLED', '01a22544-37a7-730e-813b-c44d44ed07d3', '01a22544-37a7-7314-9d3a-7a2dbe74339b', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', '0aff0', 'CN=Dev-1-1004', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428180123456, 1795514640123456, X'30826C656166206F6620534E2D312D494E5354414C4C4544', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428240123456, NULL, ''),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22544-37b6-7a88-b9f4-1a0555bc228b', '01a22544-37b6-7a8c-9726-31a5952fb88d', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', '0aff44', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428360123456, 1795514820123456, X'30826C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428420123456, 1795432020123456, 'superseded'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22544-37c3-7eb6-895c-80eaa78797c7', '01a22544-37c3-7eba-a6bb-96b6270d4f21', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', '0aff8a', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428420123456, 1795514880123456, X'30827365636F6E64206C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428480123456, NULL, ''),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', '01a22544-37d1-7c46-953c-fdb2a8f88fb8', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', '0aff9b', 'CN=Dev-SN-1-LOT-1', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428540123456, 1795515000123456, X'30826C656166206F6620534E2D312D4C4F542D31', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428600123456, NULL, '');
INSERT INTO ca_certificates VALUES
(X'58D7CD0635B340F7396F75917F53ED42DDAD089E1788D99FA212C57FAEF89CD0', X'3082016B30820110A003020102020102300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A3011310F300D060355040313065375622D43413059301306072A8648CE3D020106082A8648CE3D030107034200043AD9BCD2477D29F11F8C489E98EE37B3C604C62FACDE3D883714CABB213D87774DD479178EF123A1067F244BA88130DDB6BA08FEFBD6851E186C9B904AA0D7E3A3533051300F0603551D130101FF040530030101FF301D0603551D0E0416041453579732DB8DCC982B130652BD089EF7FE6D28F0301F0603551D23041830168014CDED3D57F3A7B59A69D19F961EC1A72B8676B42C300A06082A8648CE3D0403020349003046022100B2CE32FBA198E58D2FA2657F4CA6FA31BF522FDA42662529A784F5F549937C53022100FA76C406A5046DF648A4E790F32373D3B10B64842078367AF1C31E2CA43FE43E'),
(X'7529AF5371444EAB97F8DEA2072C99A2757EA73DEDB52C94782CEC4DB883E0D0', X'3082014E3081F5A003020102020101300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A30173115301306035504030C0C526F6F742053747261C39F653059301306072A8648CE3D020106082A8648CE3D03010703420004C37CD4629F1C9D349F270D67CD8995408CE458C4A7E7ABC0B3886A08F116A3CF3A8E818D4E88D2415314B790710685DF840F11ECB108D1CBCBD7D4126EC46EE4A3323030300F0603551D130101FF040530030101FF301D0603551D0E04160414CDED3D57F3A7B59A69D19F961EC1A72B8676B42C300A06082A8648CE3D0403020348003045022100A828AA0836FEEEF4BD096B24CEE3F8878DD03DBABC999D732A1F635815D13A8A02206F083041A4B3774D79C46E41B8C84F39ED60A6B1AD3A6A7EDA82E48D371E3810'),
(X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F', X'3082737562'),
(X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB', X'3082696361'),
(X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54', X'3082726F6F74');
INSERT INTO chains VALUES
(X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 0, X'58D7CD0635B340F7396F75917F53ED42DDAD089E1788D99FA212C57FAEF89CD0'),
(X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 1, X'7529AF5371444EAB97F8DEA2072C99A2757EA73DEDB52C94782CEC4DB883E0D0'),
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
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 0, X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F'),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 1, X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB'),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 2, X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54');
INSERT INTO certificate_addresses VALUES
(X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 0, '10.1.0.2'),
(X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 1, 'fd00::12'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 0, '10.1.0.3');
INSERT INTO tunnel_addresses VALUES
('acme', '10.1.0.2', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
('acme', 'fd00::12', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
('acme', '10.1.0.3', 'SN-1-FAIL', 'Dev-1-1002', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456);
INSERT INTO proofs VALUES
('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'3FF8A023C03A67B906F80651086CD0E2B70AE9028E6A419FE1A001BDC0E1235B', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456),
('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428420123456),
('01a22544-37c3-7eb6-895c-80eaa78797c7', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428480123456),
('01a22544-37d1-7c3f-bb67-240b042b5347', 1, 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428600123456);
INSERT INTO write_check VALUES
(1, 1795431613123456);
INSERT INTO batches VALUES
('acme', 'Los Ä-1', 'bench-1', 'paused', '', 'Mittag, später weiter', X'7458A90F04AC547F723E834BFC955D06D24AC5EDEB4DFF692789B06BFB8BBEE2', 'Łukasz Żółć', 1795428600123456, NULL),
('acme', 'Los alt-1', 'bench-old-1', 'closed', '', 'fertig', X'6307B06389B3306E8393C99A5DEDA4B58857932BFB5340C21399401D0D4FE197', 'Łukasz Żółć', 1795428600123456, 1795446600123456);
INSERT INTO batch_devices VALUES
('acme', 'Los Ä-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
('acme', 'Los Ä-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
('acme', 'Los Ä-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1'),
('acme', 'Los alt-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
('acme', 'Los alt-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
('acme', 'Los alt-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1');
INSERT INTO batch_states VALUES
('acme', 'Los Ä-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428600123456),
('acme', 'Los Ä-1', 2, 'held', 'E-BRIDGE-DOWN', '', '', 1795432200123456),
('acme', 'Los Ä-1', 3, 'open', '', '', 'Grace', 1795435800123456),
('acme', 'Los Ä-1', 4, 'paused', '', 'Mittag, später weiter', 'Zoë Ångström', 1795439400123456),
('acme', 'Los alt-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428600123456),
('acme', 'Los alt-1', 2, 'closed', '', 'fertig', '', 1795446600123456);
INSERT INTO overrides VALUES
('01a22544-37f3-7ec4-9ea1-268d691d1eb8', '01a22544-37e4-7d0e-9cac-4e8ef7853f87', 'E-ID-OTHER-KEY', 'Platine repariert, geprüft', 'Ada', 'Gräfin', 1795428720123456);
INSERT INTO label_prints VALUES
('01a22544-37f9-7a1e-9afb-a4960cee8709', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 1, '', 'Zoë Ångström', 1795428600123456, 1, '', 1795431619123456),
('01a22544-37fb-7df7-8cd6-eabf0539f93e', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 2, 'verschmiert – noch eine', 'Zoë Ångström', 1795428660123456, 0, 'printer: no paper – кончилась', 1795431620123456),
('01a22544-37fd-7743-bb91-b6c5e6d6c4ee', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', NULL, 'box.zpl', 'tcp://printer:9100', 2, 'Ecke fehlt', 'Zoë Ångström', 1795428720123456, 1, '', 1795431621123456),
('01a22544-37fe-7b08-977e-790d92a08bbe', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 3, 'und noch eine', 'Zoë Ångström', 1795428780123456, NULL, '', NULL);
