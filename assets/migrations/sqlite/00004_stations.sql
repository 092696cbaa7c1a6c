-- Stations that share a ledger: what each keeps for the others until they have it, and what two of them contradict each
-- other in.

-- +goose Up

-- Facts that are on file here and not yet in the ledger that the stations share, n in their order. epoch and seq name one:
-- the process that told it, and its place among what that process told. fence is that of the lease it was told under, 0:
-- none. asked: whoever told it waits for the answer. Rows are deleted when the others have them.
CREATE TABLE outbox (
    n                INTEGER NOT NULL PRIMARY KEY,
    epoch            TEXT    NOT NULL,
    seq              INTEGER NOT NULL CHECK (seq > 0),
    kind             TEXT    NOT NULL,
    run              TEXT    NOT NULL,
    tenant           TEXT    NOT NULL,
    hardware_serial  TEXT    NOT NULL,
    station_id       TEXT    NOT NULL,
    fence            INTEGER NOT NULL CHECK (fence >= 0),
    asked            INTEGER NOT NULL CHECK (asked IN (0, 1)),
    at               INTEGER NOT NULL,
    body             BLOB    NOT NULL,
    UNIQUE (epoch, seq)
) STRICT;

-- How far the facts of each station's processes are merged here: none is written twice.
CREATE TABLE merged (
    station_id  TEXT    NOT NULL,
    epoch       TEXT    NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    PRIMARY KEY (station_id, epoch)
) STRICT;

-- Contradictions that came out when a station's facts were merged, and the fact itself (entry, body). A person decides;
-- both sides stay on file.
CREATE TABLE duplicates (
    duplicate              TEXT    NOT NULL PRIMARY KEY,
    tenant                 TEXT    NOT NULL,
    kind                   TEXT    NOT NULL CHECK (kind IN ('key', 'device-id', 'address', 'lease', 'record')),
    station_id             TEXT    NOT NULL CHECK (station_id <> ''),
    run                    TEXT    NOT NULL,
    hardware_serial        TEXT    NOT NULL,
    device_id              TEXT    NOT NULL,
    other_station_id       TEXT    NOT NULL,
    other_run              TEXT    NOT NULL,
    other_hardware_serial  TEXT    NOT NULL,
    other_device_id        TEXT    NOT NULL,
    detail                 TEXT    NOT NULL,
    entry                  TEXT    NOT NULL,
    body                   BLOB    NOT NULL,
    found_at               INTEGER NOT NULL
) STRICT;
CREATE INDEX duplicates_by_hardware ON duplicates (tenant, hardware_serial);
CREATE INDEX duplicates_by_other ON duplicates (tenant, other_hardware_serial);

-- What was issued for a piece of hardware is looked up each time it is claimed.
CREATE INDEX certificates_by_hardware ON certificates (tenant, hardware_serial, received_at);

-- +goose Down
DROP INDEX certificates_by_hardware;
DROP TABLE duplicates;
DROP TABLE merged;
DROP TABLE outbox;
