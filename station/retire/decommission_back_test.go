package retire

import (
	"errors"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// newer is a certificate that comes on file later.
func newer() Certificate {
	return Certificate{
		DeviceID: device, HardwareSerial: "HW-41", CertSerial: "09", Fingerprint: []byte{9}, NotAfter: start.Add(time.Hour), Present: true,
	}
}

// A device that came back into service after it was taken out is taken out anew: with a certificate that is valid, or with a PASS.
func TestDecommissionTakenBack(t *testing.T) {
	for name, back := range map[string]func(*kit){
		"a valid certificate": func(k *kit) { k.records.certs = append(k.records.certs, newer()) },
		"a PASS, and its certificate has ended": func(k *kit) {
			k.records.life.PassedAt = start.Add(time.Minute)
			k.board.devices[device] = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			if !k.decommission(wish()).Ended() {
				t.Fatal("the first one did not end")
			}
			back(k)
			rep := k.decommission(wish())
			if rep.Before || !rep.Ended() || len(k.records.retirements) != 2 || k.board.devices[device] {
				t.Errorf("got %+v and %d decommissionings, want a new one that ended", rep, len(k.records.retirements))
			}
			for _, c := range k.records.certs {
				if c.DeviceID == device && c.RevokedAt.IsZero() && !c.Over(start) {
					t.Errorf("certificate %s is valid", c.CertSerial)
				}
			}
		})
	}
}

// A certificate that comes on file after the others were revoked is revoked by the call that carries on; the CA's failure at it
// hinders the end, although the step is over on record, and what waits for it waits.
func TestDecommissionResumesWithNewCertificate(t *testing.T) {
	k := newKit(t)
	k.board.fault = &station.Fault{Code: station.CodeTenantDown, Outcome: station.Error, Err: errors.New("down")}
	wantStates(t, k.decommission(wish()), false, "done", "done", "failed E-TENANT-DOWN", "done", "done")
	k.board.fault = nil
	k.records.certs = append(k.records.certs, newer())
	k.ca.fail = func(int, string) (error, bool) { return unreachable, false }
	for range 2 {
		rep := k.decommission(wish())
		wantStates(t, rep, false, "failed E-CA-DOWN", "done", "waits", "done", "done")
		if f := rep.Steps[0].Fault; f == nil || f.Code != station.CodeCADown {
			t.Errorf("got fault %v, want it told", f)
		}
	}
	k.ca.fail = nil
	rep := k.decommission(wish())
	wantStates(t, rep, true, "done", "done", "done", "done", "done")
	if _, ok := k.ca.revoked["09"]; !ok || len(rep.Revoked) != 1 {
		t.Errorf("revoked %v at the CA, %d told, want 09 and no other", k.ca.revoked, len(rep.Revoked))
	}
}

// A box that renews by itself may hold what no station has seen. With nothing valid on file a person has to look into the CA's list
// and say so; with something valid on file that is revoked, and the rest is said.
func TestDecommissionRenewsItself(t *testing.T) {
	const since = "it may hold certificates that it has fetched itself since 2026-11-22 12:00 UTC: look into the CA's own list for " + device
	byHand := wish()
	byHand.Done = []station.RetirementStepName{station.StepRevoke}
	k := newKit(t)
	k.records.life = Life{Renews: true, SeenAt: start.Add(-24 * time.Hour)}
	if _, err := k.retirer().Decommission(t.Context(), byHand, nil); !errors.Is(err, ErrNotByHand) || len(k.log) > 0 {
		t.Errorf("a valid one is on file: got %v and %v, want %v and nothing done", err, k.log, ErrNotByHand)
	}
	k.records.certs = k.records.certs[2:] // what is on file of it has ended
	for range 2 {
		rep := k.decommission(wish())
		wantStates(t, rep, false, "manual", "done", "waits", "waits", "waits")
		if rep.Steps[0].Detail != since || !rep.Steps[0].Hinders() {
			t.Errorf("got %q, want %q", rep.Steps[0].Detail, since)
		}
	}
	rep := k.decommission(byHand)
	wantStates(t, rep, true, "done", "done", "done", "done", "done")
	if !strings.Contains(rep.Steps[0].Detail, "Lea") || k.ca.asked > 0 {
		t.Errorf("got %q, asked the CA %d times, want who said so", rep.Steps[0].Detail, k.ca.asked)
	}

	k = newKit(t)
	k.records.life = Life{Renews: true, SeenAt: start.Add(-24 * time.Hour)}
	rep = k.decommission(wish())
	wantStates(t, rep, true, "done", "done", "done", "done", "done")
	if before, at, id, ok := MayHoldMore(rep.Steps[0].Detail); !ok || before != "2 revoked" || at != "2026-11-22 12:00 UTC" || id != device {
		t.Errorf("got %q, want what was revoked and %q", rep.Steps[0].Detail, since)
	}
}
