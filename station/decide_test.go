package station

import (
	"crypto"
	"testing"
	"time"
)

// What a device holds against what the ledger knows of it: every row of the table of decide, and what policy adds.
func TestCourse(t *testing.T) {
	third := []byte("0123456789abcdef0123456789abcdef") // the hash of a key nobody has
	passedWith := func(k *kit, spki, leaf []byte) {
		k.ledger.knows("SN-1", "edge-sn-1", spki, leaf, time.Now().Add(24*time.Hour), false)
	}
	rows := []struct {
		name  string
		set   func(k *kit)
		again bool // --reenroll
		end   Outcome
		code  Code
		keys  int // made in this run
		posts int
		tests int // at the broker
	}{
		{"empty, unknown", func(*kit) {}, false, Pass, "", 1, 1, 1},
		{"empty, known without a PASS", func(k *kit) {
			k.ledger.devices["SN-1"] = DeviceRecord{HardwareSerial: "SN-1", DeviceID: "edge-sn-1", LastOutcome: Error}
		}, false, Pass, "", 1, 1, 1},
		{"empty, PASS", func(k *kit) { passedWith(k, third, third) }, false, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"empty, PASS, reenroll", func(k *kit) { passedWith(k, third, third) }, true, Pass, "", 1, 1, 1},

		{"keyed, unknown", func(k *kit) { k.enrolled(StateKeyed) }, false, Pass, "", 0, 1, 1},
		{"keyed, PASS with that key", func(k *kit) { passedWith(k, k.enrolled(StateKeyed).spki(), third) }, false, Pass, "", 0, 1, 1},
		{"keyed, PASS with a third key", func(k *kit) {
			k.enrolled(StateKeyed)
			passedWith(k, third, third)
		}, false, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"keyed, PASS with a third key, reenroll", func(k *kit) {
			k.enrolled(StateKeyed)
			passedWith(k, third, third)
		}, true, Pass, "", 1, 1, 1},
		{"keyed, its key signs no more", func(k *kit) { k.enrolled(StateKeyed).signatures = 0 }, false, Pass, "", 1, 1, 1},
		{"sealed, an old key with its own PASS", func(k *kit) {
			k.knows(k.enrolled(StateSealed))
			passedWith(k, third, third)
		}, false, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"keyed beside an active generation", func(k *kit) {
			d := k.enrolled(StateKeyed)
			d.gen, d.active = 2, 1
			passedWith(k, third, third)
		}, false, Pass, "", 0, 1, 1},
		{"keyed for another id", func(k *kit) {
			k.enrolled(StateKeyed).id = "edge-other"
		}, false, Pass, "", 1, 1, 1},
		{"installed, unknown", func(k *kit) { k.enrolled(StateInstalled) }, false, Pass, "", 0, 1, 1},
		{"installed, PASS with a third key", func(k *kit) {
			k.enrolled(StateInstalled)
			passedWith(k, third, third)
		}, false, Uncertain, CodeUnknownKey, 0, 0, 0},

		{"sealed, PASS", func(k *kit) { k.knows(k.enrolled(StateSealed)) }, false, Skipped, CodeSkipped, 0, 0, 0},
		{"sealed, PASS, reenroll", func(k *kit) { k.knows(k.enrolled(StateSealed)) }, true, Pass, "", 1, 1, 1},
		{"sealed, no PASS", func(k *kit) { k.enrolled(StateSealed) }, false, Pass, "", 0, 0, 1},
		{"sealed, PASS with another key", func(k *kit) {
			k.enrolled(StateSealed)
			passedWith(k, third, third)
		}, false, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"sealed, PASS with another key, reenroll", func(k *kit) {
			k.enrolled(StateSealed)
			passedWith(k, third, third)
		}, true, Pass, "", 1, 1, 1},
		{"sealed, PASS with another leaf for this key (renewed)", func(k *kit) {
			passedWith(k, k.enrolled(StateSealed).spki(), third)
		}, false, Pass, "", 0, 0, 1},
		{"sealed, PASS, revoked", func(k *kit) {
			d := k.enrolled(StateSealed)
			k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(time.Hour), true)
		}, false, Uncertain, CodeUncertain, 0, 0, 0},
		{"sealed, PASS, expired", func(k *kit) {
			d := k.enrolled(StateSealed)
			k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(-time.Second), false)
		}, false, Fail, CodeCertExpired, 0, 0, 0},
		{"sealed, PASS, too short by policy", func(k *kit) {
			k.knows(k.enrolled(StateSealed))
			k.cfg.MinValidity, k.cfg.ShelfRefuse = 48*time.Hour, true
		}, false, Fail, CodeCertShelfLife, 0, 0, 0},
		{"sealed, PASS, short and said", func(k *kit) {
			k.knows(k.enrolled(StateSealed))
			k.cfg.MinValidity = 48 * time.Hour
		}, false, Skipped, CodeSkipped, 0, 0, 0},
		{"sealed, no PASS, certificate expired", func(k *kit) {
			k.dev().enrolled(k.pki, "edge-sn-1", StateSealed, func(pub crypto.PublicKey, id string) []byte {
				return issueUntil(k.pki, pub, id, time.Now().Add(-time.Second))
			})
		}, false, Fail, CodeCertDates, 0, 0, 0},
		{"sealed, no PASS, cannot sign any more", func(k *kit) {
			k.enrolled(StateSealed).noTLS12 = true
		}, false, Uncertain, CodeProofImpossible, 0, 0, 0},
		{"sealed, no PASS, cannot sign, proof on file", func(k *kit) {
			d := k.enrolled(StateSealed)
			d.noTLS12 = true
			k.ledger.proofs = append(k.ledger.proofs, ProofRecord{
				Run: "earlier", HardwareSerial: "SN-1", DeviceID: "edge-sn-1", SPKI: d.spki(), Leaf: d.leafHash(), Proof: BrokerAcked,
			})
		}, false, Pass, "", 0, 0, 0},
		{"sealed for another id than the template's", func(k *kit) {
			k.enrolled(StateSealed).id = "edge-other"
		}, false, Uncertain, CodeIDDiffers, 0, 0, 0},

		{"foreign, unknown", func(k *kit) { k.enrolled(StateForeign) }, false, Pass, "", 0, 0, 1},
		{"foreign, PASS", func(k *kit) { k.knows(k.enrolled(StateForeign)) }, false, Skipped, CodeSkipped, 0, 0, 0},
		{"foreign, PASS with another key", func(k *kit) {
			k.enrolled(StateForeign)
			passedWith(k, third, third)
		}, false, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"foreign is never keyed anew", func(k *kit) { k.enrolled(StateForeign) }, true, Pass, "", 0, 0, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				k.cfg.Reenroll = row.again
				d := k.dev()
				before := d.spki()
				events := k.play()
				e := wantEnd(t, events, row.end, row.code)
				if d.keys != row.keys || k.bridge.posts != row.posts || k.prover.tests != row.tests {
					t.Errorf("got %d keys, %d posts, %d broker tests, want %d, %d, %d",
						d.keys, k.bridge.posts, k.prover.tests, row.keys, row.posts, row.tests)
				}
				if row.keys == 0 && string(before) != string(d.spki()) {
					t.Error("the device has another key, though none was to be made")
				}
				if row.end == Pass && d.state != StateSealed && d.state != StateForeign {
					t.Errorf("got a PASS for a device in state %s, want it sealed", d.state)
				}
				if row.end == Skipped && (e.CertFingerprint == "" || e.NotAfter == nil || e.DeviceID != "edge-sn-1") {
					t.Errorf("got %+v, want certificate, end and id of a skipped device", e)
				}
			})
		})
	}
}

// A device that is skipped is not written to at all.
func TestSkipChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.enrolled(StateSealed)
		k.knows(d)
		events := k.play()
		wantEnd(t, events, Skipped, CodeSkipped)
		if d.installs+d.seals+d.abandons+d.clockSets != 0 || len(k.ledger.certs) != 0 {
			t.Errorf("got %+v, want nothing done", d)
		}
		for _, p := range []Phase{PhaseClock, PhaseKeygen, PhaseCSR, PhaseEnroll, PhaseVerify, PhaseInstall, PhaseReadback, PhaseMQTT, PhaseSeal} {
			if got := statuses(events, p); got != "skipped" {
				t.Errorf("%s: got %q, want skipped", p, got)
			}
		}
	})
}
