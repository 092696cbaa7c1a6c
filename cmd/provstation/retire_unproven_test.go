package main

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/stationtest"
)

// A certificate that was put into its device and not proven, as the broker was away: revoking the orphans spares it, and revoking
// the device's present one means it.
func TestCertRevokeReplacedNotProven(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn()})
	first := b.device("edge-1")
	next := b.issue("edge-1", first.key)
	b.onFile(next, false)
	sum, spki := sha256.Sum256(next.leaf.Raw), sha256.Sum256(next.leaf.RawSubjectPublicKeyInfo)
	b.runFails(next, func(ctx context.Context, l *ledger.Ledger, run string) error {
		id := uuid.Must(uuid.NewV7()).String()
		err := l.Intend(ctx, station.Intent{
			ID: id, Run: run, Tenant: "acme", HardwareSerial: next.hardware, Kind: station.IntendInstall, DeviceID: next.id,
			SPKI: spki[:], Leaf: sum[:], At: time.Now().UTC(),
		})
		if err != nil {
			return err
		}
		return l.Done(ctx, id, station.ResultDone)
	})
	b.do(exitGood, "cert", "revoke", "--orphans", "--yes")
	b.wantRevoked(b.crl(), 0)
	b.do(exitGood, "cert", "revoke", "edge-1", "--yes")
	b.wantRevoked(b.crl(), 0, next)
}

// The decommissioning of a device with a request that nobody heard the answer of says so in JSON, too.
func TestDecommissionPossiblyIssued(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{})
	c := b.device("edge-1")
	spki := sha256.Sum256(c.leaf.RawSubjectPublicKeyInfo)
	b.runFails(c, func(ctx context.Context, l *ledger.Ledger, run string) error {
		now := time.Now().UTC()
		err := l.BindDevice(ctx, station.Binding{Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, Source: "template", At: now})
		if err != nil {
			return err
		}
		return l.PostBegun(ctx, station.Post{
			ID: uuid.Must(uuid.NewV7()).String(), Run: run, Tenant: "acme", DeviceID: c.id, SPKI: spki[:], At: now,
		})
	})
	got := b.do(exitGood, "decommission", "edge-1", "--yes", "--json")
	if end := one(t, got.objects(t), "decommission"); end["possibly_issued"] != 1.0 {
		t.Errorf("got %v, want one request that may have made a certificate", end)
	}
}

// A box that renews by itself, and of which nothing valid is on file, is out of service when a person has looked into the CA's list.
func TestDecommissionRenewsItself(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{})
	c := b.device("edge-1")
	b.runFails(c, func(ctx context.Context, l *ledger.Ledger, run string) error {
		now := time.Now().UTC()
		return l.RecordPhase(ctx, station.PhaseEnd{
			Run: run, Phase: station.PhaseAutorenew, Status: station.PhaseDone, StartedAt: now, EndedAt: now,
			Facts: map[string]string{station.FactRenewalURL: "https://ca.example/renew"},
		})
	})
	b.do(exitUsage, "decommission", "edge-1", "--yes", "--done", "revoke").says(t, "the CA is always asked")
	b.do(exitGood, "cert", "revoke", "edge-1", "--yes")
	b.do(exitBad, "decommission", "edge-1", "--yes").says(t, "may hold certificates that it has fetched itself since ",
		"look into the CA's own list for edge-1", "--done revoke")
	b.do(exitGood, "decommission", "edge-1", "--yes", "--done", "revoke").says(t, "done by hand, says Lea", "edge-1 is out of service")
}
