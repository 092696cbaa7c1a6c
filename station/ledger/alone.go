package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// alone runs do unless another process of the station works on the ledger, and makes this process one that does, until
// Close. The processes of one station are on one machine, and the system takes the lock back from one that was killed.
func (l *Ledger) alone(stationID string, do func() error) error {
	base := l.path
	switch {
	case base != "":
	case l.cfg.LockDir != "":
		base = filepath.Join(l.cfg.LockDir, "ledger")
	default:
		return nil
	}
	sum := sha256.Sum256([]byte(stationID)) // a configured id may hold any character
	f, err := os.OpenFile(base+".bench-"+hex.EncodeToString(sum[:4]), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return openTrouble("make lock file", err)
	}
	first, err := tryLockFile(f)
	if err == nil && first {
		err = do()
	}
	// Exclusive turns into shared: who comes later finds that it is not alone. In between nobody has an open run.
	err = errors.Join(err, shareFile(f))
	if err != nil {
		return errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.benches = append(l.benches, f)
	return nil
}

// leave gives the locks of alone back.
func (l *Ledger) leave() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.benches {
		err = errors.Join(err, f.Close())
	}
	l.benches = nil
	return err
}
