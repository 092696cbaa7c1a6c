package agent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

func TestSecretsDoNotPrint(t *testing.T) {
	secret := agent.Secret("very-private")
	all := agent.Secrets{Key: secret, WireGuard: secret}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "secrets", all)
	js, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(secret, all), fmt.Sprintf("%v %+v %#v %s %x %q %d", secret, all, all, all, secret, secret, secret), log.String(), string(js),
	} {
		if strings.Contains(got, "very-private") || strings.Contains(got, fmt.Sprintf("%x", "very-private")) || !strings.Contains(got, "(hidden)") {
			t.Errorf("got %q, want (hidden)", got)
		}
	}
}

func TestDeviceIDs(t *testing.T) {
	d := newDevice(t, nil)
	for id, want := range map[string]serialproto.Status{
		"a": serialproto.StatusOK, "box-7.site_2": serialproto.StatusOK, strings.Repeat("a", 63): serialproto.StatusOK,
		strings.Repeat("a", 64): serialproto.StatusBadArgument, "-a": serialproto.StatusBadArgument, "a-": serialproto.StatusBadArgument,
		"a..b": serialproto.StatusBadArgument, "../etc": serialproto.StatusBadArgument, "a/b": serialproto.StatusBadArgument,
		"10.0.0.1": serialproto.StatusBadArgument, "a b": serialproto.StatusBadArgument, "a,CN=b": serialproto.StatusBadArgument,
	} {
		args := enrollArgs(byte(len(id)))
		args.EnrollID = digestOf([]byte(id))[:8]
		args.DeviceID = id
		if h := d.call(args, nil); h.Status != want {
			t.Errorf("id %q: got %v, want %v", id, h.Status, want)
		}
	}
}

// TestSwappedKeyIsNotUsed: a key file that is not the one recorded is an error, never a reason for a new key.
func TestSwappedKeyIsNotUsed(t *testing.T) {
	p := newPKI(t)
	for name, change := range map[string]func([]byte) []byte{
		"another key": func([]byte) []byte {
			_, blob, err := agent.FlashKeys{}.New(serialproto.AlgP256)
			if err != nil {
				t.Fatal(err)
			}
			return blob
		},
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, nil)
			e, _ := d.installed(1, p)
			keys, err := filepath.Glob(filepath.Join(d.dir, "generations", "*", "device-key.pem"))
			if err != nil || len(keys) != 1 {
				t.Fatalf("got %d keys (%v), want 1", len(keys), err)
			}
			b, err := os.ReadFile(keys[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(keys[0], change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			d.reopen()
			d.want(serialproto.StatusInternal, enrollArgs(1), nil)
			d.want(serialproto.StatusInternal, installArgs(1, p.leaf(t, e.CSR), p), nil)
			h := d.want(serialproto.StatusInternal, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, nil)
			if strings.Contains(h.Detail, d.dir) {
				t.Errorf("got detail %q, want no path in it", h.Detail)
			}
		})
	}
}
