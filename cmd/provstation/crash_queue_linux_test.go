package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/ledger"
)

// A field station that is killed, by a real signal, at each place between collecting a request and settling it: every device
// is collected once, with the key it made then, is relayed when the station is started again, and passes. What the CA has
// signed is on file or possibly issued.
func TestQueueKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a station and kills it")
	}
	points := station.QueuePoints()
	k := newFieldKit(t, stackFlags{devices: len(points)})
	deadly := filepath.Join(t.TempDir(), "provstation")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "crashpoints", "-o", deadly, "./cmd/provstation")
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build -tags crashpoints: %v\n%s", err, out)
	}
	die := func(at string, env []string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), liveEnd)
		defer cancel()
		cmd := exec.CommandContext(ctx, deadly, append(args, "--config", k.config)...)
		cmd.Env, cmd.Dir = append(isolated(t, "PROVSTATION_CRASH_AT="+at), env...), t.TempDir()
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != syscall.SIGKILL || ctx.Err() != nil {
			t.Fatalf("%s was never reached: got %v, want the process killed there\n%s", at, err, out.String())
		}
	}
	die("collect.queued", k.noNetwork(), "collect", "--count", "1", "--timeout", "45s", "--json")
	k.do(k.noNetwork(), exitGood, "collect", "--count", "8", "--timeout", "90s", "--json")
	keys := map[int][]string{}
	for i, d := range k.Devices {
		keys[i] = keysBelow(t, filepath.Join(filepath.Dir(k.config), "devices", d.Name))
	}
	k.plugAll(false)
	for _, at := range points {
		if at != "collect.queued" {
			die(at, nil, "relay", "--now", "--parallel", "1", "--json")
		}
	}
	k.do(nil, exitGood, "relay", "--now", "--json")
	want := map[string]string{}
	for n := range k.Devices {
		want[k.id(n+1)] = "issued"
	}
	k.wantQueue(want)
	k.plugAll(true)
	ends := ofType(k.do(noBridge(), exitGood, "run", "--count", "8", "--timeout", "90s", "--json"), "run-end")
	for _, e := range ends {
		if e["outcome"] != "PASS" {
			t.Errorf("got %v, want PASS", e)
		}
	}
	for i, d := range k.Devices {
		if diff := cmp.Diff(keys[i], keysBelow(t, filepath.Join(filepath.Dir(k.config), "devices", d.Name))); diff != "" || len(keys[i]) != 1 {
			t.Errorf("%s: key (-collected +installed):\n%s", d.Name, diff)
		}
	}
	k.wantCovered(2) // asked and not heard, signed and not heard: the one is none of the CA's
}

// wantCovered: of the CA's list all is on file but for what a request may have had issued, and there are so many of those.
func (k *fieldKit) wantCovered(posts int) {
	k.t.Helper()
	l, err := ledger.Open(k.t.Context(), "sqlite:"+filepath.Join(filepath.Dir(k.config), "ledger.db"), ledger.Config{})
	if err != nil {
		k.t.Fatal(err)
	}
	defer l.Close()
	maybe, err := l.PossiblyIssued(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	if len(maybe) != posts {
		k.t.Errorf("got %d requests that may have had a certificate issued, want %d", len(maybe), posts)
	}
	for _, c := range k.Issued() {
		rows, err := l.CertificatesOf(k.t.Context(), k.embedded.config.Station.Tenant, c.Asked)
		if err != nil {
			k.t.Fatal(err)
		}
		if slices.ContainsFunc(rows, func(r ledger.CertRow) bool { return string(r.Fingerprint) == string(c.Fingerprint[:]) }) {
			continue
		}
		i := slices.IndexFunc(maybe, func(p ledger.PostRow) bool { return p.DeviceID == c.Asked })
		if i < 0 {
			k.t.Errorf("a certificate for %s that nobody knows of", c.Asked)
			continue
		}
		maybe = slices.Delete(maybe, i, i+1)
	}
}
