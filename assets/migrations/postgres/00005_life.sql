-- A device's life after PASS: certificates that were revoked, devices that were taken out of service, and what a run was
-- begun for. The twin of the file of this number for SQLite.

-- +goose Up

-- What a person asked for beyond what the device needs; empty: nothing.
ALTER TABLE runs ADD COLUMN task TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Every request to a CA to revoke a certificate, written down before it is made. fingerprint is NULL where the certificate was
-- known by its serial alone. result is NULL while nobody knows what came of it.
CREATE TABLE revocations (
    revocation       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    device_id        TEXT COLLATE "C" NOT NULL,
    device_id_fold   TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    cert_serial      TEXT COLLATE "C" NOT NULL CHECK (cert_serial <> ''),
    fingerprint      BYTEA            CHECK (length(fingerprint) = 32),
    reason           TEXT COLLATE "C" NOT NULL CHECK (reason <> ''),
    note             TEXT COLLATE "C" NOT NULL,
    way              TEXT COLLATE "C" NOT NULL CHECK (way IN ('provisioner', 'device')),
    asked_by         TEXT COLLATE "C" NOT NULL,
    station_id       TEXT COLLATE "C" NOT NULL,
    begun_at         BIGINT           NOT NULL,
    result           TEXT COLLATE "C" CHECK (result <> ''),
    ended_at         BIGINT,
    CHECK ((device_id = '') = (device_id_fold = '')),
    CHECK ((result IS NULL) = (ended_at IS NULL))
);
CREATE INDEX revocations_by_serial ON revocations (tenant, cert_serial, begun_at);
CREATE INDEX revocations_by_device_id ON revocations (tenant, device_id_fold, begun_at);

-- Devices that are taken out of service. It is a decision about the hardware from ended_at on; NULL: there are steps left.
CREATE TABLE retirements (
    retirement       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    device_id        TEXT COLLATE "C" NOT NULL CHECK (device_id <> ''),
    device_id_fold   TEXT COLLATE "C" NOT NULL CHECK (device_id_fold <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    reason           TEXT COLLATE "C" NOT NULL,
    retired_by       TEXT COLLATE "C" NOT NULL,
    station_id       TEXT COLLATE "C" NOT NULL,
    begun_at         BIGINT           NOT NULL,
    ended_at         BIGINT
);
CREATE UNIQUE INDEX retirements_open ON retirements (tenant, device_id_fold) WHERE ended_at IS NULL;
CREATE INDEX retirements_by_device_id ON retirements (tenant, device_id_fold, begun_at);
CREATE INDEX retirements_by_hardware ON retirements (tenant, hardware_serial, ended_at);

-- How each step of it stands. code is of a failed one.
CREATE TABLE retirement_steps (
    retirement  TEXT COLLATE "C" NOT NULL REFERENCES retirements (retirement),
    step        TEXT COLLATE "C" NOT NULL CHECK (step <> ''),
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('begun', 'done', 'gone', 'off', 'failed', 'manual')),
    code        TEXT COLLATE "C" NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL,
    at          BIGINT           NOT NULL,
    PRIMARY KEY (retirement, step)
);

-- Which devices have a certificate by a CA; by its key and by its own certificate there are indexes already.
CREATE INDEX certificates_by_issuer_name ON certificates (tenant, issuer);

-- +goose Down
DROP INDEX certificates_by_issuer_name;
DROP TABLE retirement_steps;
DROP TABLE retirements;
DROP TABLE revocations;
ALTER TABLE runs DROP COLUMN task;
