package devstack

import (
	"context"
	"crypto"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
)

// Trouble is what is wrong with a box.
type Trouble string

// Troubles.
const (
	NoTrouble  Trouble = ""
	WrongLabel Trouble = "wrong-label" // another box's label is on it
	ClonedKey  Trouble = "cloned-key"  // its key store comes up with the key of a box that was finished before
	BadClock   Trouble = "bad-clock"   // its clock starts in 1970 and cannot be set
)

// Box is a virtual device as it lies in a crate before it is plugged in.
type Box struct {
	Number  int    // in its batch, from 1
	Name    string // its folder below devices/
	Serial  string // hardware serial
	ID      string // device id that it is to get
	Label   string // what is printed on it
	Printed string // what ought to be printed on it
	Trouble Trouble
}

// stuckClock is the clock of a board whose battery is empty and whose driver does not work: it starts in 1970 with each
// boot and cannot be set.
type stuckClock struct{ booted time.Time }

// bootTime is how long after its own 1970 a box reads its clock: a clock at zero counts as none.
const bootTime = 12 * time.Second

// Now is so long after 1970 as the device has run.
func (c stuckClock) Now() time.Time { return time.Unix(0, 0).Add(bootTime + time.Since(c.booted)) }

// Set fails.
func (stuckClock) Set(time.Time) error { return errors.New("real-time clock does not answer") }

// ownClock is the clock of a board with a battery: it can be set.
type ownClock struct {
	mu  sync.Mutex
	off time.Duration
}

// Now is off by as much as it was left.
func (c *ownClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

// Set sets it.
func (c *ownClock) Set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = time.Until(t)
	return nil
}

// clonedKeys is a key store whose every new key is another device's: what boxes do whose image was taken from one that had
// its random seed already. Copying a whole store makes another fault: such a box says that it is the other device, or makes
// a key of its own as soon as it is asked for one under its own id.
type clonedKeys struct {
	agent.FlashKeys
	blob agent.Secret
}

// New gives the other device's key.
func (k clonedKeys) New(serialproto.Alg) (crypto.Signer, agent.Secret, error) {
	key, err := k.Open(k.blob)
	if err != nil {
		return nil, nil, err
	}
	return key, append(agent.Secret(nil), k.blob...), nil
}

// errNoKey says that a device holds no key that could be copied.
var errNoKey = errors.New("it has no key")

// keyOf reads the newest key of a device that is not plugged in.
func keyOf(d *Device) (agent.Secret, error) {
	store, err := filestore.Open(d.Dir, filestore.Config{Volatile: true})
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", d.Name, err)
	}
	st, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", d.Name, err)
	}
	if st.Newest == nil {
		return nil, fmt.Errorf("key of %s: %w", d.Name, errNoKey)
	}
	secrets, err := store.Secrets(st.Newest.Number)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", d.Name, err)
	}
	return secrets.Key, nil
}

// writeManifest writes the list of a batch.
func writeManifest(path string, boxes []Box) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"hardware_serial", "device_id", "label"}}
	for _, x := range boxes {
		rows = append(rows, []string{x.Serial, x.ID, x.Printed})
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := replaceFile(path, b.String()); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// replaceFile writes a whole file or none.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// People is who works at the demo's bench, as CSV: name, badge, role. Ada is an operator, Grace a lead.
func People() string {
	return "name,badge,role\nAda,PSB:1001,operator\nGrace,PSB:2001,lead\n"
}

// plug plugs an unplugged device into a place.
func (d *Device) plug(ctx context.Context, slot string) error {
	d.mu.Lock()
	if d.ln == nil {
		d.slot = slot
	}
	d.mu.Unlock()
	return d.start(ctx)
}
