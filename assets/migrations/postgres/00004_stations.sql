-- Stations that share a ledger: what each keeps for the others until they have it, and what two of them contradict each
-- other in.

-- +goose Up

-- Facts that are on file here and not yet in the ledger that the stations share, n in their order. epoch and seq name one:
-- the process that told it, and its place among what that process told. fence is that of the lease it was told under, 0:
-- none. asked: whoever told it waits for the answer. Rows are deleted when the others have them.
CREATE TABLE outbox (
    n                BIGINT           NOT NULL PRIMARY KEY,
    epoch            TEXT COLLATE "C" NOT NULL,
    seq              BIGINT           NOT NULL CHECK (seq > 0),
    kind             TEXT COLLATE "C" NOT NULL,
    run              TEXT COLLATE "C" NOT NULL,
    tenant           TEXT COLLATE "C" NOT NULL,
    hardware_serial  TEXT COLLATE "C" NOT NULL,
    station_id       TEXT COLLATE "C" NOT NULL,
    fence            BIGINT           NOT NULL CHECK (fence >= 0),
    asked            BIGINT           NOT NULL CHECK (asked IN (0, 1)),
    at               BIGINT           NOT NULL,
    body             BYTEA            NOT NULL,
    UNIQUE (epoch, seq)
);

-- How far the facts of each station's processes are merged here: none is written twice.
CREATE TABLE merged (
    station_id  TEXT COLLATE "C" NOT NULL,
    epoch       TEXT COLLATE "C" NOT NULL,
    seq         BIGINT           NOT NULL CHECK (seq > 0),
    PRIMARY KEY (station_id, epoch)
);

-- Contradictions that came out when a station's facts were merged, and the fact itself (entry, body). A person decides;
-- both sides stay on file.
CREATE TABLE duplicates (
    duplicate              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant                 TEXT COLLATE "C" NOT NULL,
    kind                   TEXT COLLATE "C" NOT NULL CHECK (kind IN ('key', 'device-id', 'address', 'lease', 'record')),
    station_id             TEXT COLLATE "C" NOT NULL CHECK (station_id <> ''),
    run                    TEXT COLLATE "C" NOT NULL,
    hardware_serial        TEXT COLLATE "C" NOT NULL,
    device_id              TEXT COLLATE "C" NOT NULL,
    other_station_id       TEXT COLLATE "C" NOT NULL,
    other_run              TEXT COLLATE "C" NOT NULL,
    other_hardware_serial  TEXT COLLATE "C" NOT NULL,
    other_device_id        TEXT COLLATE "C" NOT NULL,
    detail                 TEXT COLLATE "C" NOT NULL,
    entry                  TEXT COLLATE "C" NOT NULL,
    body                   BYTEA            NOT NULL,
    found_at               BIGINT           NOT NULL
);
CREATE INDEX duplicates_by_hardware ON duplicates (tenant, hardware_serial);
CREATE INDEX duplicates_by_other ON duplicates (tenant, other_hardware_serial);

-- What was issued for a piece of hardware is looked up each time it is claimed.
CREATE INDEX certificates_by_hardware ON certificates (tenant, hardware_serial, received_at);

-- +goose Down
DROP INDEX certificates_by_hardware;
DROP TABLE duplicates;
DROP TABLE merged;
DROP TABLE outbox;
