package main

import (
	"context"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.step.sm/crypto/keyutil"
	"go.step.sm/crypto/pemutil"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
)

// Names of what lies beside the ledger.
const (
	ownLedgerFile   = "ledger.db"
	stationKeyFile  = "station-key.pem"
	headsFile       = "heads.log"
	sharedHeadsFile = "heads-shared.log" // of what the station has told the ledger that the stations share
	passportFolder  = "passports"
)

// ownURL is the ledger that is this station's alone: the configured one, or, where that is a database which the stations
// share, the file in which everything is durable first.
func ownURL(cfg *config.Config) string {
	switch {
	case !isPostgres(cfg.Ledger.URL):
		return cfg.Ledger.URL
	case cfg.Ledger.File != "":
		return "sqlite:" + cfg.Ledger.File
	default:
		return "sqlite:" + filepath.Join(filepath.Dir(cfg.Log.File), ownLedgerFile)
	}
}

// stateFolder is where the station keeps what is its own: beside the file of its ledger. Empty for a ledger in memory, which
// leaves nothing behind.
func stateFolder(cfg *config.Config) string {
	path, ok := ledger.FileOf(ownURL(cfg))
	if !ok {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Dir(path)
}

// stationKey is the key that signs what this station did. It is made once, in its folder; nobody else may read it.
func stationKey(dir string) (*audit.Signer, error) {
	if dir == "" {
		key, err := keyutil.GenerateKey("OKP", "Ed25519", 0)
		if err != nil {
			return nil, fmt.Errorf("make station key: %w", err)
		}
		return signerOf(key)
	}
	path := filepath.Join(dir, stationKeyFile)
	for {
		fi, err := os.Stat(path)
		if err == nil {
			if runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0 {
				return nil, fmt.Errorf("station key %s: others may read it: chmod 600, and find out who did", path)
			}
			key, err := pemutil.Read(path)
			if err != nil {
				// The library's text says what kind of file it is; it never quotes it.
				return nil, fmt.Errorf("station key %s: %w", path, err)
			}
			return signerOf(key)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("station key: %w", err)
		}
		if err := makeStationKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make station key: %w", err)
		}
	}
}

func signerOf(key any) (*audit.Signer, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("station key: not a private key")
	}
	return audit.NewSigner(signer)
}

func makeStationKey(path string) error {
	key, err := keyutil.GenerateKey("OKP", "Ed25519", 0)
	if err != nil {
		return err
	}
	block, err := pemutil.Serialize(key, pemutil.WithPKCS8(true))
	if err != nil {
		return err
	}
	return writeOnce(path, string(pem.EncodeToMemory(block)))
}

// history is the station's own ledger, whose writes are audited, and the one that it shares with others.
type history struct {
	*ledger.Ledger
	shared    *shared.Ledger // nil: no other station has these records
	stationID string
	dir       string // "" in memory
	signer    *audit.Signer
	found     []audit.Finding // wrong at the beginning
}

// sharingMode is how a command works on a ledger that several stations share.
type sharingMode struct {
	// alone: without a network; what is written waits for the next time.
	alone bool
}

// openHistory opens the station's ledger and has what is written to it audited.
func openHistory(ctx context.Context, cfg *config.Config, log *slog.Logger, mode sharingMode) (_ *history, err error) {
	others := isPostgres(cfg.Ledger.URL)
	l, err := ledger.Open(ctx, ownURL(cfg), ledger.Config{Logger: log, Outbox: others})
	if err != nil {
		return nil, err
	}
	h := &history{Ledger: l, dir: stateFolder(cfg)}
	if err = h.begin(ctx, cfg, headsFile); err == nil && others {
		h.shared, err = h.share(ctx, cfg, log, mode)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return h, nil
}

// begin finds out who the station is, and begins its history.
func (h *history) begin(ctx context.Context, cfg *config.Config, heads string) (err error) {
	if h.stationID, err = stationID(cfg, h.dir); err != nil {
		return err
	}
	if err := h.keyThere(ctx); err != nil {
		return err
	}
	if h.signer, err = stationKey(h.dir); err != nil {
		return err
	}
	h.found, err = h.StartAudit(ctx, h.audit(cfg, heads))
	return err
}

// keyThere refuses to go on with a new key where the history was signed with one that is gone: whoever took it away could
// write the history anew.
func (h *history) keyThere(ctx context.Context) error {
	if h.dir == "" {
		return nil
	}
	path := filepath.Join(h.dir, stationKeyFile)
	gone := func() bool { // stationKey says what else is wrong
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	if !gone() {
		return nil
	}
	there, err := h.HasChain(ctx, h.stationID)
	if err == nil && there && gone() { // another process may have begun just now: it makes the key first
		err = fmt.Errorf("station key %s is gone, and this station's history was signed with it: put it back from a copy, or "+
			"begin another station (move the file station-id beside it away)", path)
	}
	return err
}

func (h *history) audit(cfg *config.Config, heads string) ledger.AuditConfig {
	c := ledger.AuditConfig{StationID: h.stationID, Tenant: cfg.Station.Tenant, Signer: h.signer}
	if h.dir != "" {
		c.Heads = filepath.Join(h.dir, heads)
	}
	return c
}

// share puts the station's own ledger before the one that the stations share.
func (h *history) share(ctx context.Context, cfg *config.Config, log *slog.Logger, mode sharingMode) (*shared.Ledger, error) {
	open := func(ctx context.Context) (*ledger.Ledger, error) {
		l, err := ledger.Open(ctx, cfg.Ledger.URL, ledger.Config{Logger: log, Password: ledgerPassword(cfg.Ledger), Timeout: serverTimeout})
		if err != nil {
			return nil, err
		}
		if _, err := l.StartAudit(ctx, h.audit(cfg, sharedHeadsFile)); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return shared.New(ctx, h.Ledger, open, shared.Config{
		StationID: h.stationID, Tenant: cfg.Station.Tenant, Lease: cfg.Ledger.Lease.D(), Alone: mode.alone, Logger: log,
	})
}

// serverTimeout bounds one statement on the shared database: a run waits for it.
const serverTimeout = 10 * time.Second

// engine is the ledger that runs are recorded in.
func (h *history) engine() station.Ledger {
	if h.shared != nil {
		return h.shared
	}
	return h.Ledger
}

// batches is the memory of batches.
func (h *history) batches() station.Batches {
	if h.shared != nil {
		return h.shared
	}
	return h.Ledger
}

// sharing keeps the stations out of each other's way; nil where there is but one.
func (h *history) sharing() station.Sharing {
	if h.shared != nil {
		return h.shared
	}
	return nil
}

// records is the ledger to read from now: that of all stations where it is there, else this station's own.
func (h *history) records() *ledger.Ledger {
	if h.shared != nil {
		return h.shared.Records()
	}
	return h.Ledger
}

// decisions is the ledger that what a person decides goes into: the one of all stations, which has to be there.
func (h *history) decisions(ctx context.Context) (*ledger.Ledger, error) {
	if h.shared != nil {
		return h.shared.Server(ctx)
	}
	return h.Ledger, nil
}

// Close tells the others what they have not heard yet, and closes all of it.
func (h *history) Close() error {
	if h.shared != nil {
		return h.shared.Close()
	}
	return h.Ledger.Close()
}
