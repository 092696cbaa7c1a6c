package console_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station"
)

// TestFlagGone: a finished box whose flag is gone is one that its own start-up takes for a new one. It is proven again, with the
// key it has, and gets its flag back; nobody calls it done before.
func TestFlagGone(t *testing.T) {
	for _, row := range []struct {
		name string
		gone []string
		set  func(*rig)
	}{
		{"name", []string{".enrolled"}, func(*rig) {}},
		{"content", []string{".provstation/gen1/files/flag"}, func(*rig) {}},
		{"all names", []string{".enrolled", "device.pem", "device-key.pem", "ca-chain.pem", "wg0.conf"}, func(*rig) {}},
		{"of a box that the ledger does not know", []string{".enrolled"}, func(r *rig) { r.open(filepath.Join(r.t.TempDir(), "new.db")) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, busybox)
			p := &tap{}
			r := newRig(t, quick(b, p))
			b.on("")
			r.start()
			r.check("first", r.end(), station.Pass, "")
			r.stop()
			flag, err := os.ReadFile(b.path("certs/.provstation/gen1/files/flag"))
			must(t, err)
			key := firstKey(b)
			for _, name := range row.gone {
				must(t, os.Remove(b.path("certs/"+name)))
			}
			row.set(r)
			r.start()
			e := r.end()
			r.check("flag gone", e, station.Pass, "")
			if s := r.fact(e.Run, station.PhaseIdentify, station.FactDeviceState); s != string(station.StateInstalled) {
				t.Errorf("got state %q, want installed", s)
			}
			if log := r.fact(e.Run, station.PhaseIdentify, station.FactDeviceLog); !strings.Contains(log, "flag of an enrolled box is gone") {
				t.Errorf("got log %q, want that the flag was gone", log)
			}
			r.stop()
			got, err := os.ReadFile(b.path("certs/.provstation/gen1/files/flag"))
			if err != nil || !bytes.Equal(got, flag) {
				t.Errorf("got flag %q, %v, want %q", got, err, flag)
			}
			for name, to := range map[string]string{
				".enrolled": "files/flag", "device.pem": "files/device.pem", "device-key.pem": "key.pem", "ca-chain.pem": "files/ca-chain.pem", "wg0.conf": "files/wg0.conf",
			} {
				if l, err := os.Readlink(b.path("certs/" + name)); l != ".provstation/current/"+to {
					t.Errorf("%s leads to %q, %v", name, l, err)
				}
			}
			if now := firstKey(b); link(t, b) != "gen1" || len(now) == 0 || !bytes.Equal(now, key) {
				t.Errorf("the box has another key than before, in %s", link(t, b))
			}
			r.start()
			r.check("third", r.end(), station.Skipped, station.CodeSkipped)
			if t.Failed() {
				t.Logf("%s", p.heard())
			}
		})
	}
}

// TestFlagGoneOtherKey: where another key lies in place of the station's, sealing anew would lose it. The box is left as it is.
func TestFlagGoneOtherKey(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("first", r.end(), station.Pass, "")
	r.stop()
	must(t, os.Remove(b.path("certs/.enrolled")))
	must(t, os.Remove(b.path("certs/device-key.pem")))
	other := run(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	must(t, os.WriteFile(b.path("certs/device-key.pem"), []byte(other), 0o600))
	r.start()
	if e := r.end(); e.Outcome == station.Pass || e.Outcome == station.Skipped || !strings.Contains(e.Params["detail"], "damaged") {
		t.Errorf("got %s %s %v, want that the box is damaged", e.Outcome, e.Code, e.Params)
	}
	if got, err := os.ReadFile(b.path("certs/device-key.pem")); err != nil || string(got) != other {
		t.Errorf("the other key is gone: %v", err)
	}
}

// TestFlagGoneReenroll: a new enrollment that is asked for makes a new key, whatever the flag.
func TestFlagGoneReenroll(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("first", r.end(), station.Pass, "")
	r.stop()
	must(t, os.Remove(b.path("certs/.enrolled")))
	r.cfg.Reenroll = true
	r.start()
	r.check("anew", r.end(), station.Pass, "")
	if g := link(t, b); g != "gen2" {
		t.Errorf("got %s in use, want gen2", g)
	}
	if _, err := os.Stat(b.path("certs/.provstation/gen2/files/flag")); err != nil {
		t.Error(err)
	}
}
