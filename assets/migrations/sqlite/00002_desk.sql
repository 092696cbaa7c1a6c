-- What people do at the bench: batches, overrides, label prints, and the search of the records screen.

-- +goose Up

-- One row per batch of a tenant, and how it stands. A station works on one batch at a time.
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
CREATE UNIQUE INDEX batches_current ON batches (tenant, station) WHERE state <> 'closed';
CREATE INDEX batches_by_time ON batches (tenant, opened_at, batch);

-- The list of a batch, line by line. Empty: the list does not say.
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
CREATE UNIQUE INDEX batch_devices_hardware ON batch_devices (tenant, batch, hardware_serial) WHERE hardware_serial <> '';
CREATE UNIQUE INDEX batch_devices_id ON batch_devices (tenant, batch, device_id_fold) WHERE device_id_fold <> '';
CREATE UNIQUE INDEX batch_devices_label ON batch_devices (tenant, batch, label_fold) WHERE label_fold <> '';

-- Every change of a batch's state, in order. by is empty where the station itself, or nobody known, did it.
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

-- Which devices of a batch are done.
CREATE INDEX runs_done ON runs (tenant, batch, hardware_serial, device_id_fold)
    WHERE outcome IN ('PASS', 'SKIPPED') AND batch <> '';

-- Runs that a lead let go on. Two people: the operator asks, the lead agrees.
CREATE TABLE overrides (
    run       TEXT    NOT NULL PRIMARY KEY REFERENCES runs (run),
    held_run  TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    reason    TEXT    NOT NULL CHECK (reason <> ''),
    operator  TEXT    NOT NULL,
    lead      TEXT    NOT NULL CHECK (lead <> '' AND lead <> operator),
    at        INTEGER NOT NULL
) STRICT;

-- Every label that was sent to a printer, written down before the printer gets a byte. ok is NULL until it is known:
-- the label may have come out.
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
CREATE INDEX label_prints_by_run ON label_prints (run);
CREATE INDEX label_prints_by_device ON label_prints (tenant, device_id_fold, at, print);

-- The texts a person searches a run by, folded, one a line. The index holds all that a search looks at, so that only
-- rows that match are read; it takes the place of the plain one by tenant.
ALTER TABLE runs ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE runs SET search = replace(replace(replace(lower(operator || char(10) || batch || char(10) || slot || char(10) ||
    coalesce(hardware_serial, '') || char(10) || coalesce(device_id, '') || char(10) || code),
    'Ä', 'ä'), 'Ö', 'ö'), 'Ü', 'ü');
DROP INDEX runs_by_tenant;
CREATE INDEX runs_by_tenant ON runs (tenant, started_at, run, outcome, search, leaf);
CREATE INDEX runs_by_slot ON runs (tenant, slot, started_at, run);

-- +goose Down
DROP INDEX runs_by_slot;
DROP INDEX runs_by_tenant;
CREATE INDEX runs_by_tenant ON runs (tenant, started_at, run);
ALTER TABLE runs DROP COLUMN search;
DROP TABLE label_prints;
DROP TABLE overrides;
DROP INDEX runs_done;
DROP TABLE batch_states;
DROP TABLE batch_devices;
DROP TABLE batches;
