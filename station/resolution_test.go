package station

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a person decided about a device that was held, against what the device holds.
func TestResolutionCourse(t *testing.T) {
	third := []byte("0123456789abcdef0123456789abcdef") // the hash of a key nobody has
	decided := func(k *kit, d Decision, spki []byte) {
		k.ledger.decided = map[string]Resolution{"SN-1": {
			Run: "held", HardwareSerial: "SN-1", Decision: d, SPKI: spki, Reason: "reflashed", By: "Grace", At: time.Now(),
		}}
	}
	passedWith := func(k *kit, spki []byte) {
		k.ledger.knows("SN-1", "edge-sn-1", spki, third, time.Now().Add(24*time.Hour), false)
	}
	for _, row := range []struct {
		name               string
		set                func(k *kit)
		end                Outcome
		code               Code
		keys, posts, tests int
	}{
		{"re-enroll, empty", func(k *kit) { passedWith(k, third); decided(k, DecisionReenroll, nil) }, Pass, "", 1, 1, 1},
		{"re-enroll, sealed", func(k *kit) {
			k.enrolled(StateSealed)
			passedWith(k, third)
			decided(k, DecisionReenroll, nil)
		}, Pass, "", 1, 1, 1},
		{"re-enroll, sealed and revoked", func(k *kit) {
			d := k.enrolled(StateSealed)
			k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(time.Hour), true)
			decided(k, DecisionReenroll, nil)
		}, Pass, "", 1, 1, 1},
		{"re-enroll, foreign: never keyed anew", func(k *kit) {
			k.enrolled(StateForeign)
			passedWith(k, third)
			decided(k, DecisionReenroll, nil)
		}, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"keep, sealed", func(k *kit) {
			d := k.enrolled(StateSealed)
			passedWith(k, third)
			decided(k, DecisionKeep, d.spki())
		}, Pass, "", 0, 0, 1},
		{"keep, sealed with a PASS of its own: proven anew", func(k *kit) {
			d := k.enrolled(StateSealed)
			k.knows(d)
			passedWith(k, third)
			decided(k, DecisionKeep, d.spki())
		}, Pass, "", 0, 0, 1},
		{"keep, sealed and revoked", func(k *kit) {
			d := k.enrolled(StateSealed)
			k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(time.Hour), true)
			passedWith(k, third)
			decided(k, DecisionKeep, d.spki())
		}, Uncertain, CodeUncertain, 0, 0, 0},
		{"keep, unsealed", func(k *kit) {
			d := k.enrolled(StateKeyed)
			passedWith(k, third)
			decided(k, DecisionKeep, d.spki())
		}, Pass, "", 0, 1, 1},
		{"keep, but a third key came", func(k *kit) {
			k.enrolled(StateSealed)
			passedWith(k, third)
			decided(k, DecisionKeep, []byte("fedcba9876543210fedcba9876543210"))
		}, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"keep, but now it is empty", func(k *kit) {
			passedWith(k, third)
			decided(k, DecisionKeep, third)
		}, Uncertain, CodeUnknownKey, 0, 0, 0},
		{"decommissioned, empty", func(k *kit) { decided(k, DecisionDecommissioned, nil) }, Uncertain, CodeDecommissioned, 0, 0, 0},
		{"decommissioned, sealed with its PASS", func(k *kit) {
			k.knows(k.enrolled(StateSealed))
			decided(k, DecisionDecommissioned, nil)
		}, Uncertain, CodeDecommissioned, 0, 0, 0},
		{"decommissioned, and everything is to be enrolled anew", func(k *kit) {
			k.cfg.Reenroll = true
			k.enrolled(StateSealed)
			decided(k, DecisionDecommissioned, nil)
		}, Uncertain, CodeDecommissioned, 0, 0, 0},
		{"the ledger cannot say", func(k *kit) {
			k.ledger.fail = func(_ context.Context, m string) error {
				if m == "Resolution" {
					return errors.New("disk full")
				}
				return nil
			}
		}, Error, CodeLedger, 0, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				d := k.dev()
				events := k.play()
				wantEnd(t, events, row.end, row.code)
				if d.keys != row.keys || k.bridge.posts != row.posts || k.prover.tests != row.tests {
					t.Errorf("got %d keys, %d posts, %d broker tests, want %d, %d, %d",
						d.keys, k.bridge.posts, k.prover.tests, row.keys, row.posts, row.tests)
				}
				said := slices.ContainsFunc(k.ledger.ends[0].Warnings, func(w Warning) bool {
					return w.Code == CodeResolved && w.Params["decision"] != "" && w.Params["reason"] != ""
				})
				if row.end == Pass && !said {
					t.Error("the run's record does not say what was decided")
				}
				// Who decided is on record with the decision, where the name can be erased.
				if all := fmt.Sprintf("%+v %+v", k.ledger.ends, k.ledger.phases); strings.Contains(all, "Grace") {
					t.Errorf("the run's record names who decided: %s", all)
				}
			})
		})
	}
}

// Every code that holds a device leaves a person something to decide, and each decision is one that is known.
func TestDecisionsFor(t *testing.T) {
	for _, code := range []Code{
		CodeSerialJunk, CodeSerialTwice, CodeUnknownKey, CodeUncertain, CodeIDDiffers, CodeReadback, CodeCertKey,
		CodeForeign, CodeProofImpossible, CodeDecommissioned, "E-OF-A-LATER-VERSION",
	} {
		for _, state := range []DeviceState{StateEmpty, StateSealed, StateForeign} {
			for _, key := range []bool{false, true} {
				list := DecisionsFor(code, state, key)
				if len(list) == 0 || list[len(list)-1] != DecisionIgnore {
					t.Errorf("%s, %s: got %v, want a list that ends with ignore", code, state, list)
				}
				for _, d := range list {
					if !slices.Contains(Decisions(), d) {
						t.Errorf("%s: got %q, want a known decision", code, d)
					}
					if d == DecisionKeep && !key || d == DecisionReenroll && state == StateForeign {
						t.Errorf("%s, %s, key %v: got %s, which the engine would not do", code, state, key, d)
					}
				}
			}
		}
	}
}
