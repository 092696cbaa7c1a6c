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

	"go.step.sm/crypto/keyutil"
	"go.step.sm/crypto/pemutil"

	"provstation/station/audit"
	"provstation/station/config"
	"provstation/station/ledger"
)

// Names of what lies beside the ledger.
const (
	stationKeyFile = "station-key.pem"
	headsFile      = "heads.log"
	passportFolder = "passports"
)

// stateFolder is where the station keeps what is its own: beside the ledger's file, else the user's folder of state. Empty
// for a ledger in memory, which leaves nothing behind.
func stateFolder(cfg *config.Config, l *ledger.Ledger) (string, error) {
	if path := l.Path(); path != "" {
		return filepath.Dir(path), nil
	}
	if l.Database() == ledger.SQLite {
		return "", nil
	}
	dir := filepath.Dir(cfg.Log.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make folder of the station's state: %w", err)
	}
	return dir, nil
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

// history is a ledger whose writes are audited.
type history struct {
	*ledger.Ledger
	stationID string
	dir       string // "" in memory
	signer    *audit.Signer
	found     []audit.Finding // wrong at the beginning
}

// openHistory opens the station's ledger and has what is written to it audited.
func openHistory(ctx context.Context, cfg *config.Config, log *slog.Logger) (_ *history, err error) {
	l, err := ledger.Open(ctx, cfg.Ledger.URL, ledger.Config{
		Logger: log, LockDir: filepath.Dir(cfg.Log.File), Password: ledgerPassword(cfg.Ledger),
	})
	if err != nil {
		return nil, err
	}
	h, err := startHistory(ctx, cfg, l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return h, nil
}

func startHistory(ctx context.Context, cfg *config.Config, l *ledger.Ledger) (*history, error) {
	h := &history{Ledger: l}
	var err error
	if h.dir, err = stateFolder(cfg, l); err != nil {
		return nil, err
	}
	if h.stationID, err = stationID(cfg, h.dir); err != nil {
		return nil, err
	}
	if h.signer, err = stationKey(h.dir); err != nil {
		return nil, err
	}
	c := ledger.AuditConfig{StationID: h.stationID, Tenant: cfg.Station.Tenant, Signer: h.signer}
	if h.dir != "" {
		c.Heads = filepath.Join(h.dir, headsFile)
	}
	h.found, err = l.StartAudit(ctx, c)
	return h, err
}
