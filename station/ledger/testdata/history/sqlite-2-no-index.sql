-- sqlite-2-no-index: see fixtures() in station/ledger/history_test.go. Made, not written.
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
CREATE INDEX label_prints_by_device ON label_prints (tenant, device_id_fold, at, print);
CREATE INDEX runs_by_tenant ON runs (tenant, started_at, run, outcome, search, leaf);
CREATE INDEX runs_by_slot ON runs (tenant, slot, started_at, run);
INSERT INTO goose_db_version VALUES
(1, 0, 1, '2026-11-29 03:04:52'),
(2, 1, 1, '2026-11-29 03:04:52'),
(3, 2, 1, '2026-11-29 03:04:52');
INSERT INTO runs VALUES
('01a22543-38c7-7dbf-b4ad-96a833bf13fa', 'acme', 'hall 2', 'bench-1', 'st-1', 'Łukasz Żółć', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 1, 'Dev-1-1001', 'dev-1-1001', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'łukasz żółć
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
'),
('01a22543-38d9-7d20-90ef-78b64cd5ccd6', 'acme', 'hall 2', 'bench-1', 'st-1', 'Élodie', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 2, 'Dev-1-1001', 'dev-1-1001', 'SKIPPED', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[]', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'élodie
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-bridge-down'),
('01a22543-38df-73cc-8d5f-c619046aafb3', 'acme', 'hall 2', 'bench-1', 'st-1', 'Éric Ñandú', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 3, 'Dev-1-1001', 'dev-1-1001', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"f9a4b2dd76c77504e348bf1f59a02b0ed551439b34aa28bc2b28be8d02bd2045"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514580123456, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'éric ñandú
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-id-other-key'),
('01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 'acme', 'hall 2', 'bench-1', 'st-1', '', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-FAIL', 1, 'Dev-1-1002', 'dev-1-1002', 'FAIL', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, '
los ñ-1
gestell ø/1
sn-1-fail
dev-1-1002
e-bridge-down'),
('01a22543-3902-7153-a7e6-659c6ce46e44', 'acme', 'hall 2', 'bench-1', 'st-1', 'Özil', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1003', 'P-256', 1, 'SN-1-ERROR', 1, 'Dev-1-1003', 'dev-1-1003', 'ERROR', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'özil
los ñ-1
gestell ø/1
sn-1-error
dev-1-1003
e-bridge-down'),
('01a22543-391b-73f0-9af9-63b6a41ba0da', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-1-1004', 'P-256', 1, 'SN-1-INSTALLED', 1, 'Dev-1-1004', 'dev-1-1004', 'INSTALLED', '', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 1795514640123456, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'ada
los ñ-1
gestell ø/1
sn-1-installed
dev-1-1004
'),
('01a22543-392d-7e81-a974-e0e603f04f12', 'acme', 'hall 2', 'bench-1', 'st-1', 'ΣΊΣΥΦΟΣ', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-1-1005', 'P-256', 1, 'SN-1-TIMEOUT', 1, NULL, NULL, 'TIMEOUT', '', 'keygen', 'E-BRIDGE-DOWN', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428360123456, 'σίσυφοσ
los ñ-1
gestell ø/1
sn-1-timeout

e-bridge-down'),
('01a22543-3934-7c7e-8ea5-17bedb323404', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428360123456, 3600, 'ask-Dev-1-1006', 'P-256', 1, NULL, NULL, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428361123456, 'ada
b7
1-1.2


'),
('01a22543-3939-79e2-b895-5c1d3faf35b5', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428420123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 1, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 1795514820123456, 'deployed', 3000, 4000, 1500000, 1795428422123456, 'ada
b7
1-1.2
sn-1-twice
dev-1-1007
'),
('01a22543-394c-7dd1-a134-4ac4974ec92a', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 2, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 1795514880123456, 'deployed', 3000, 4000, 1500000, 1795428482123456, 'ada
los ñ-1
gestell ø/1
sn-1-twice
dev-1-1007
'),
('01a22543-395f-746b-a648-62e822fd5f23', 'acme', 'hall 2', 'bench-1', 'st-1', 'Grace', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1008', 'P-256', 1, 'SN-1-OPEN', 1, 'Dev-1-1008', 'dev-1-1008', NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'grace
los ñ-1
gestell ø/1
sn-1-open
dev-1-1008
'),
('01a22543-396d-71f1-b607-792a071142f6', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428540123456, 3600, 'ask-Dev-1-1009', 'P-256', 1, NULL, NULL, NULL, NULL, NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'ada
b7
1-1.2


'),
('01a22543-396f-759f-9c5f-dfa433f52ff5', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ä-1', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428600123456, 3600, 'ask-Dev-SN-1-LOT-1', 'P-256', 1, 'SN-1-LOT-1', 1, 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 1795515000123456, 'deployed', 3000, 4000, 1500000, 1795428602123456, 'zoë ångström
los ä-1
gestell ø/3
sn-1-lot-1
dev-sn-1-lot-1
'),
('01a22543-3990-7520-931c-b4ab107d1057', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428660123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 1, 'Dev-1-1011', 'dev-1-1011', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"7e5873dab8e8759146efdfe2cb7f6e6336796f9694511a2e9c9af19955a74104"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795515060123456, 'deployed', 3000, 4000, 1500000, 1795428662123456, 'ada
los ñ-1
gestell ø/1
sn-1-released
dev-1-1011
e-id-other-key'),
('01a22543-3993-7410-94bd-21486035a025', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428720123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 2, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428721123456, 'ada
b7
1-1.2
sn-1-released

');
INSERT INTO observations VALUES
('01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
('01a22543-38d9-7d20-90ef-78b64cd5ccd6', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
('01a22543-38df-73cc-8d5f-c619046aafb3', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
('01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 1, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t', 'empty', NULL, 1795431604123456),
('01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 2, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t-2', 'empty', NULL, 1795431605123456),
('01a22543-3902-7153-a7e6-659c6ce46e44', 1, 'SN-1-ERROR', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431606123456),
('01a22543-391b-73f0-9af9-63b6a41ba0da', 1, 'SN-1-INSTALLED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431608123456),
('01a22543-392d-7e81-a974-e0e603f04f12', 1, 'SN-1-TIMEOUT', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431609123456),
('01a22543-3939-79e2-b895-5c1d3faf35b5', 1, 'SN-1-TWICE', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431610123456),
('01a22543-394c-7dd1-a134-4ac4974ec92a', 1, 'SN-1-TWICE', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431611123456),
('01a22543-395f-746b-a648-62e822fd5f23', 1, 'SN-1-OPEN', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431612123456),
('01a22543-396f-759f-9c5f-dfa433f52ff5', 1, 'SN-1-LOT-1', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431614123456),
('01a22543-3990-7520-931c-b4ab107d1057', 1, 'SN-1-RELEASED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431615123456),
('01a22543-3993-7410-94bd-21486035a025', 1, 'SN-1-RELEASED', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431616123456);
INSERT INTO phases VALUES
('01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1, 'identify', 'done', 1795428060123456, 1795428061123456, 1, '', '{"model":"box"}'),
('01a22543-38c7-7dbf-b4ad-96a833bf13fa', 2, 'assign', 'skipped', 1795428060123456, 1795428061123456, 1, '', '{"label":"Gerät \"7\"; it''s ÜBER","зачем":"проба"}'),
('01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 1, 'mqtt', 'failed', 1795428120123456, 1795428121123456, 3, 'E-BRIDGE-DOWN', '{"model":"box"}'),
('01a22543-3939-79e2-b895-5c1d3faf35b5', 1, 'identify', 'done', 1795428420123456, 1795428421123456, 1, '', '{"model":"box"}');
INSERT INTO devices VALUES
('acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', 'dev-1-1001', 'template', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1795428060123456, 'Kästchen 盒', '1.2', 3, X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1795428062123456, '01a22543-38df-73cc-8d5f-c619046aafb3', 'UNCERTAIN', 1795431601123456, 1795428182123456),
('acme', 'SN-1-FAIL', 'Dev-1-1002', 'dev-1-1002', 'template', '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 1795428120123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 'FAIL', 1795431604123456, 1795428122123456),
('acme', 'SN-1-ERROR', 'Dev-1-1003', 'dev-1-1003', 'template', '01a22543-3902-7153-a7e6-659c6ce46e44', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22543-3902-7153-a7e6-659c6ce46e44', 'ERROR', 1795431606123456, 1795428182123456),
('acme', 'SN-1-INSTALLED', 'Dev-1-1004', 'dev-1-1004', 'template', '01a22543-391b-73f0-9af9-63b6a41ba0da', 1795428240123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22543-391b-73f0-9af9-63b6a41ba0da', 'INSTALLED', 1795431608123456, 1795428242123456),
('acme', 'SN-1-TIMEOUT', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22543-392d-7e81-a974-e0e603f04f12', 'TIMEOUT', 1795431609123456, 1795428360123456),
('acme', 'SN-1-TWICE', 'Dev-1-1007', 'dev-1-1007', 'template', '01a22543-3939-79e2-b895-5c1d3faf35b5', 1795428420123456, 'Kästchen 盒', '1.2', 2, X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', '01a22543-394c-7dd1-a134-4ac4974ec92a', 1795428482123456, '01a22543-394c-7dd1-a134-4ac4974ec92a', 'PASS', 1795431610123456, 1795428482123456),
('acme', 'SN-1-OPEN', 'Dev-1-1008', 'dev-1-1008', 'template', '01a22543-395f-746b-a648-62e822fd5f23', 1795428480123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, NULL, '', 1795431612123456, 1795428480123456),
('acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'template', '01a22543-396f-759f-9c5f-dfa433f52ff5', 1795428600123456, 'box', '1.2', 1, X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', '01a22543-396f-759f-9c5f-dfa433f52ff5', 1795428602123456, '01a22543-396f-759f-9c5f-dfa433f52ff5', 'PASS', 1795431614123456, 1795428602123456),
('acme', 'SN-1-RELEASED', NULL, NULL, '', NULL, NULL, 'box', '1.2', 2, NULL, NULL, NULL, NULL, '01a22543-3993-7410-94bd-21486035a025', 'ABORTED', 1795431615123456, 1795428721123456);
INSERT INTO keys VALUES
(X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'0102030405060708', 1, 'P-256', 'flash', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1795428060123456),
(X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', 'acme', 'SN-1-FAIL', 'Dev-1-1002', X'0102030405060708', 1, 'P-256', 'flash', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 1795428120123456),
(X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', 'acme', 'SN-1-ERROR', 'Dev-1-1003', X'0102030405060708', 1, 'P-256', 'flash', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', '01a22543-3902-7153-a7e6-659c6ce46e44', 1795428180123456),
(X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', 'acme', 'SN-1-INSTALLED', 'Dev-1-1004', X'0102030405060708', 1, 'P-256', 'flash', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', NULL, '01a22543-391b-73f0-9af9-63b6a41ba0da', 1795428240123456),
(X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0102030405060708', 1, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22543-3939-79e2-b895-5c1d3faf35b5', 1795428420123456),
(X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'0807060504030201', 2, 'P-256', 'flash', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', '01a22543-394c-7dd1-a134-4ac4974ec92a', 1795428480123456),
(X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', 'acme', 'SN-1-OPEN', 'Dev-1-1008', X'0102030405060708', 1, 'P-256', 'flash', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', '01a22543-395f-746b-a648-62e822fd5f23', 1795428480123456),
(X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'0102030405060708', 1, 'P-256', 'flash', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', '01a22543-396f-759f-9c5f-dfa433f52ff5', 1795428600123456);
INSERT INTO wireguard_keys VALUES
(X'27186F571B3FC212B6B5555DBE2F728AD127BE7230B8137141516829DF99A34D', 'acme', 'SN-1-PASS-ÄÖÜ'),
(X'6CACDE974D9823A45639E55F83EEF871E331B25A239AC023349C2FD482E68F4C', 'acme', 'SN-1-FAIL'),
(X'7F38900C79DA217C7CA73732E61B1486B9BD5DE4EC4E202B22F14C146029572C', 'acme', 'SN-1-ERROR'),
(X'40E24F2203217077321C5AE4757806FE2B0063D6B7E9240B6CCC9CCC08239D56', 'acme', 'SN-1-TWICE'),
(X'5F9591E349B4F883120B779B18AE57AAC74C77FB18F32533C820FC6F863ED7E6', 'acme', 'SN-1-OPEN'),
(X'943286ACD09E0D94DEFE77F9E1FCDBFDD68A9833CEB51796EA99E78B9E31E092', 'acme', 'SN-1-LOT-1');
INSERT INTO posts VALUES
('01a22543-38c7-7dc3-b0f7-d230fe2e608b', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 'acme', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'4932ED8BCC0005060F993C468712823160D8036F3161CB932BA2B506E0E88817', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
('01a22543-38e8-79f5-9b6c-432417811c80', '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 'acme', 'Dev-1-1002', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', X'B06CB62BE53244A9B836BB78E25508E4329B3F45ACFD7C4D8EA35B0E9D96BEA7', 'deployed', 1795428120123456, 'issued', '', 1795428120123456),
('01a22543-3902-715b-ab77-817a9d96b245', '01a22543-3902-7153-a7e6-659c6ce46e44', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', X'DA0C4398FD3BD52E0C0716DE575C164925E70F915A973BF17DF0A810B1E1F9D0', 'deployed', 1795428180123456, 'unknown', '', 1795428182123456),
('01a22543-3913-750e-88dd-89f563168f5b', '01a22543-3902-7153-a7e6-659c6ce46e44', 'acme', 'Dev-1-1003', X'7F6389CB6D45709F1F0365767B69FC668F73B4D61EE1A1C9F10E34026D85260D', NULL, 'deployed', 1795428180123456, 'not-issued', 'bridge returned 422: "ungültig"', 1795431607123456),
('01a22543-391b-73f7-aad9-237af25a50c6', '01a22543-391b-73f0-9af9-63b6a41ba0da', 'acme', 'Dev-1-1004', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', X'6410642DBF3A9E5992A4F8ED60F4A0C6F00DF582719AA84B0824AE953A67F3C1', 'deployed', 1795428240123456, 'issued', '', 1795428240123456),
('01a22543-3939-79e9-a4a7-909e3c45364d', '01a22543-3939-79e2-b895-5c1d3faf35b5', 'acme', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428420123456, 'issued', '', 1795428420123456),
('01a22543-394c-7dd5-87dc-470aca3b3a7c', '01a22543-394c-7dd1-a134-4ac4974ec92a', 'acme', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'0CB99A82DC4820DA22DC77294611C7F36D0227982D636BBB7B84E44B53280B3C', 'deployed', 1795428480123456, 'issued', '', 1795428480123456),
('01a22543-395f-7471-a1c0-ca97998babe3', '01a22543-395f-746b-a648-62e822fd5f23', 'acme', 'Dev-1-1008', X'11C0D4E8D856FB2D9D1BD9E205C37275D4F31FFFF4C95C04F9855AAB52CB9AE4', X'5E482A3643A8A14C823F25348092911BCF6BEE200C645090DD89C97DBA2652D6', 'deployed', 1795428480123456, 'open', '', NULL),
('01a22543-396f-75a6-bd22-c849d5de2da2', '01a22543-396f-759f-9c5f-dfa433f52ff5', 'acme', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'DDBEB79A0ADB7CF15C78D82CB68EC7A7561398871EAF8DB83B1A157928E878E4', 'deployed', 1795428600123456, 'issued', '', 1795428600123456);
INSERT INTO certificates VALUES
(X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 'acme', 'Dev-1-1001', 'dev-1-1001', 'SN-1-PASS-ÄÖÜ', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', '01a22543-38c7-7dc3-b0f7-d230fe2e608b', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', '0affdb', 'CN=Dev-1-1001', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, X'308201373081DEA003020102020103300A06082A8648CE3D0403023011310F300D060355040313065375622D4341301E170D3236313132333039303030305A170D3237313132333130303030305A3015311330110603550403130A4465762D312D313030313059301306072A8648CE3D020106082A8648CE3D030107034200040B28B3DBFC94F2A396BFB34AA5BE9C11618A01A31E32247C6FCEBDCC9D378DD673C7D548C3036CBB1D7C9E1D3E963BF73F9B022D370071D5CB3A01E6035A1B3CA3233021301F0603551D23041830168014B4FBF9500E8F875088594DA76B4AEE0E2031930D300A06082A8648CE3D0403020348003045022100AB407D31479142460AECFE8DC5BE83F5DFC70CC4E5E861A4B35A15355E741BF30220450A5274F226BA44782DC055C275F79A57959DCF2A8832455A2EAB5236969CB7', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 'acme', 'Dev-1-1002', 'dev-1-1002', 'SN-1-FAIL', '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', '01a22543-38e8-79f5-9b6c-432417811c80', X'DB5E41D18BDBAF55C207F8B96C51838DADD97C000205710D61B7ED75174CF8C6', '0affa5', 'CN=Dev-1-1002', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428060123456, 2111047320123456, X'30826C656166206F6620534E2D312D4641494C', '[Interface]
Address = 10.8.0.2/32
', 1, 'deployed', 1795428120123456, NULL, ''),
(X'00544CD82BA115E43CEF45E6319FA9D79B0FA47F479626B545DC1FA0D606C70F', 'acme', 'Dev-1-1004', 'dev-1-1004', 'SN-1-INSTALLED', '01a22543-391b-73f0-9af9-63b6a41ba0da', '01a22543-391b-73f7-aad9-237af25a50c6', X'3531BC3EBA731517F05C9D08D21C1C9FA1CB0E368211FD38FA47F12FC7E96B88', '0aff0', 'CN=Dev-1-1004', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428180123456, 1795514640123456, X'30826C656166206F6620534E2D312D494E5354414C4C4544', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428240123456, NULL, ''),
(X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22543-3939-79e2-b895-5c1d3faf35b5', '01a22543-3939-79e9-a4a7-909e3c45364d', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', '0aff44', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428360123456, 1795514820123456, X'30826C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428420123456, 1795432020123456, 'superseded'),
(X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22543-394c-7dd1-a134-4ac4974ec92a', '01a22543-394c-7dd5-87dc-470aca3b3a7c', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', '0aff8a', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428420123456, 1795514880123456, X'30827365636F6E64206C656166206F6620534E2D312D5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428480123456, NULL, ''),
(X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22543-396f-759f-9c5f-dfa433f52ff5', '01a22543-396f-75a6-bd22-c849d5de2da2', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', '0aff9b', 'CN=Dev-SN-1-LOT-1', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428540123456, 1795515000123456, X'30826C656166206F6620534E2D312D4C4F542D31', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428600123456, NULL, '');
INSERT INTO ca_certificates VALUES
(X'D59B11BAFE9552C754AFF52C94B0BC31935ED5790DF5754E915402319CC3024A', X'3082016A30820110A003020102020102300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A3011310F300D060355040313065375622D43413059301306072A8648CE3D020106082A8648CE3D03010703420004827E9EE15EE9328F83A1894C628A3A7DE5AECE5E1552A817FD96BAE76E1FA88C3B402F21EE62892E79BDDE2C4A441297736B5EC910D6495D1024D6A7D391D0C7A3533051300F0603551D130101FF040530030101FF301D0603551D0E04160414B4FBF9500E8F875088594DA76B4AEE0E2031930D301F0603551D230418301680142374825DBDD645E4D77F06260F78A034A5053F31300A06082A8648CE3D0403020348003045022000ED5A0326A62AD1F3E658782A82EF1E2E36D35B545E482BF76570A32D33334E022100C897434BE4E261065980719E4EBF8BA3CB699CACAB1CB094D53F768AB042C648'),
(X'17AC558F0D64A6AF7B7C8E9BB095DD9C2092BC3CE5F6CBE761AC1D8C94F0DD34', X'3082014E3081F5A003020102020101300A06082A8648CE3D04030230173115301306035504030C0C526F6F742053747261C39F65301E170D3236313132333039303030305A170D3237313132333130303030305A30173115301306035504030C0C526F6F742053747261C39F653059301306072A8648CE3D020106082A8648CE3D0301070342000408181C82D0E390FC19B04526DD7185520D1965AFCC319BC1BAAEDA4D38B8F2F0C5B33D07822BCCBC91C283FF2F0B338F10B758264DCAA92D7A653C65AB36333CA3323030300F0603551D130101FF040530030101FF301D0603551D0E041604142374825DBDD645E4D77F06260F78A034A5053F31300A06082A8648CE3D0403020348003045022100B923192482E1B74026C41AED9A0EF8EB87945FA6EDD3F66FA467D73C97FC619B022076CCBCA865DDFF14BCA354D628A751474D483288F427E8139AF6D02CF28E2109'),
(X'F0A6545539899F751E3944A50486619571A5DE037B3650CABC087823525D794F', X'3082737562'),
(X'FB85D05F307176288798EBEA2857DF424CEC543948854884523446B9010542EB', X'3082696361'),
(X'EB849206CDAA06F66AE7D3E0CF20D6D2D1C4181EFC87C8395DD01D45619B1A54', X'3082726F6F74');
INSERT INTO chains VALUES
(X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 0, X'D59B11BAFE9552C754AFF52C94B0BC31935ED5790DF5754E915402319CC3024A'),
(X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 1, X'17AC558F0D64A6AF7B7C8E9BB095DD9C2092BC3CE5F6CBE761AC1D8C94F0DD34'),
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
(X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 0, '10.1.0.2'),
(X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 1, 'fd00::12'),
(X'A566B3BA5A90DC1FBD6AC905DC46A6D4DEAEBB695D747F2437411FB97C31C463', 0, '10.1.0.3');
INSERT INTO tunnel_addresses VALUES
('acme', '10.1.0.2', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1795428060123456),
('acme', 'fd00::12', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1795428060123456),
('acme', '10.1.0.3', 'SN-1-FAIL', 'Dev-1-1002', '01a22543-38e8-79ef-ba17-fbf4c6ff5aa6', 1795428120123456);
INSERT INTO proofs VALUES
('01a22543-38c7-7dbf-b4ad-96a833bf13fa', 1, 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', X'8EC8E8FC08E4FC1DA5531DB143EA0A7BBCA1DA4AC62A4D2A49095CBE29C28154', X'DBE381A22CD9FE2ECF43313CB76BC3030D3B0DFCF5B08DADC519875C513CD3BB', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456),
('01a22543-3939-79e2-b895-5c1d3faf35b5', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'73119B6FF8C2A768C533737C6CFFB170C8FD2A8C412B10700F9739DC2AE7423C', X'442509600CADA82E2508838E4056B2238EF3A9D5D031967C34A6495D79CAF9CD', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428420123456),
('01a22543-394c-7dd1-a134-4ac4974ec92a', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', X'8EF89FA65C929DD7ABAA88364372E1AC8F9C863B10B965EB6D40DDE18DF514DA', X'8A5E211A1165F632D1CB0806543C899F5606727F68750409F28A4B4C9E8936F8', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428480123456),
('01a22543-396f-759f-9c5f-dfa433f52ff5', 1, 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', X'AC8CA2845AD0FB12D432E0893A5ECBA9BBFAC5A96337225FEBC8B92886754FA1', X'9B5F0C90D28A84A13385F5B24C7EED8F425E7212A652352B3BEAF5A4F8576D5B', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428600123456);
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
('01a22543-3993-7410-94bd-21486035a025', '01a22543-3990-7520-931c-b4ab107d1057', 'E-ID-OTHER-KEY', 'Platine repariert, geprüft', 'Ada', 'Gräfin', 1795428720123456);
INSERT INTO label_prints VALUES
('01a22543-399c-73a3-acaf-2e02b6714bf4', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22543-396f-759f-9c5f-dfa433f52ff5', 'box.zpl', 'tcp://printer:9100', 1, '', 'Zoë Ångström', 1795428600123456, 1, '', 1795431617123456),
('01a22543-399e-7d8c-8821-b1fdbaf7466b', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22543-396f-759f-9c5f-dfa433f52ff5', 'box.zpl', 'tcp://printer:9100', 2, 'verschmiert – noch eine', 'Zoë Ångström', 1795428660123456, 0, 'printer: no paper – кончилась', 1795431618123456),
('01a22543-39a0-7780-a55d-c33637cb0245', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', NULL, 'box.zpl', 'tcp://printer:9100', 2, 'Ecke fehlt', 'Zoë Ångström', 1795428720123456, 1, '', 1795431619123456),
('01a22543-39a1-7b6a-9083-94f0cf639083', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22543-396f-759f-9c5f-dfa433f52ff5', 'box.zpl', 'tcp://printer:9100', 3, 'und noch eine', 'Zoë Ångström', 1795428780123456, NULL, '', NULL);
