-- What people do at the bench: batches, overrides, label prints, and the search of the records screen.

-- +goose Up

-- One row per batch of a tenant, and how it stands. A station works on one batch at a time.
CREATE TABLE batches (
    tenant     TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    batch      TEXT COLLATE "C" NOT NULL CHECK (batch <> ''),
    station    TEXT COLLATE "C" NOT NULL CHECK (station <> ''),
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'paused', 'held', 'closed')),
    code       TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    digest     BYTEA            NOT NULL CHECK (length(digest) = 32),
    -- of the last opening; the ones before are in batch_states
    opened_by  TEXT COLLATE "C" NOT NULL,
    opened_at  BIGINT           NOT NULL,
    closed_at  BIGINT,
    PRIMARY KEY (tenant, batch),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX batches_current ON batches (tenant, station) WHERE state <> 'closed';
CREATE INDEX batches_by_time ON batches (tenant, opened_at, batch);

-- The list of a batch, line by line. Empty: the list does not say.
CREATE TABLE batch_devices (
    tenant           TEXT COLLATE "C" NOT NULL,
    batch            TEXT COLLATE "C" NOT NULL,
    line             BIGINT           NOT NULL CHECK (line > 0),
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    device_id        TEXT COLLATE "C" NOT NULL,
    device_id_fold   TEXT COLLATE "C" NOT NULL,
    label            TEXT COLLATE "C" NOT NULL,
    label_fold       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, batch, line),
    FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, batch),
    CHECK (hardware_serial <> '' OR device_id <> '' OR label <> ''),
    CHECK ((device_id = '') = (device_id_fold = '')),
    CHECK ((label = '') = (label_fold = ''))
);
CREATE UNIQUE INDEX batch_devices_hardware ON batch_devices (tenant, batch, hardware_serial) WHERE hardware_serial <> '';
CREATE UNIQUE INDEX batch_devices_id ON batch_devices (tenant, batch, device_id_fold) WHERE device_id_fold <> '';
CREATE UNIQUE INDEX batch_devices_label ON batch_devices (tenant, batch, label_fold) WHERE label_fold <> '';

-- Every change of a batch's state, in order. by is empty where the station itself, or nobody known, did it.
CREATE TABLE batch_states (
    tenant  TEXT COLLATE "C" NOT NULL,
    batch   TEXT COLLATE "C" NOT NULL,
    n       BIGINT           NOT NULL,
    state   TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'paused', 'held', 'closed')),
    code    TEXT COLLATE "C" NOT NULL,
    reason  TEXT COLLATE "C" NOT NULL,
    by      TEXT COLLATE "C" NOT NULL,
    at      BIGINT           NOT NULL,
    PRIMARY KEY (tenant, batch, n),
    FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, batch)
);

-- Which devices of a batch are done.
CREATE INDEX runs_done ON runs (tenant, batch, hardware_serial, device_id_fold)
    WHERE outcome IN ('PASS', 'SKIPPED') AND batch <> '';

-- Runs that a lead let go on. Two people: the operator asks, the lead agrees.
CREATE TABLE overrides (
    run       TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES runs (run),
    held_run  TEXT COLLATE "C" NOT NULL,
    code      TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL CHECK (reason <> ''),
    operator  TEXT COLLATE "C" NOT NULL,
    lead      TEXT COLLATE "C" NOT NULL CHECK (lead <> '' AND lead <> operator),
    at        BIGINT           NOT NULL
);

-- Every label that was sent to a printer, written down before the printer gets a byte. ok is NULL until it is known:
-- the label may have come out.
CREATE TABLE label_prints (
    print            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant           TEXT COLLATE "C" NOT NULL CHECK (tenant <> ''),
    device_id        TEXT COLLATE "C" NOT NULL CHECK (device_id <> ''),
    device_id_fold   TEXT COLLATE "C" NOT NULL CHECK (device_id_fold <> ''),
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    run              TEXT COLLATE "C" REFERENCES runs (run),
    template         TEXT COLLATE "C" NOT NULL,
    printer          TEXT COLLATE "C" NOT NULL,
    copy             BIGINT           NOT NULL CHECK (copy > 0),
    reason           TEXT COLLATE "C" NOT NULL,
    operator         TEXT COLLATE "C" NOT NULL,
    at               BIGINT           NOT NULL,
    ok               BIGINT           CHECK (ok IN (0, 1)),
    error            TEXT COLLATE "C" NOT NULL DEFAULT '',
    ended_at         BIGINT,
    CHECK (copy = 1 OR reason <> ''),
    CHECK ((ok IS NULL) = (ended_at IS NULL))
);
CREATE INDEX label_prints_by_run ON label_prints (run);
CREATE INDEX label_prints_by_device ON label_prints (tenant, device_id_fold, at, print);

-- The texts a person searches a run by, folded, one a line. They are too long for an index entry here.
ALTER TABLE runs ADD COLUMN search TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE runs SET search = replace(replace(replace(lower(operator || chr(10) || batch || chr(10) || slot || chr(10) ||
    coalesce(hardware_serial, '') || chr(10) || coalesce(device_id, '') || chr(10) || code),
    'Ä', 'ä'), 'Ö', 'ö'), 'Ü', 'ü');
CREATE INDEX runs_by_slot ON runs (tenant, slot, started_at, run);

-- +goose Down
DROP INDEX runs_by_slot;
ALTER TABLE runs DROP COLUMN search;
DROP TABLE label_prints;
DROP TABLE overrides;
DROP INDEX runs_done;
DROP TABLE batch_states;
DROP TABLE batch_devices;
DROP TABLE batches;
