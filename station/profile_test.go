package station

import (
	"strings"
	"testing"
	"time"

	"provstation/station/pki"
)

// profiles chooses by the slot's name.
func profiles(by map[string]Profile) func(PortInfo) Profile {
	return func(p PortInfo) Profile { return by[p.SlotName] }
}

// What the profile of a port says holds for its runs, and for no others: what is asked for, what is taken, what is recorded.
func TestProfileOfPort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.add("s2", newFakeDevice("SN-2"))
		k.cfg.Start.RequestedKey, k.cfg.CSR = "P-256", pki.CSRPolicy{KeyTypes: []pki.KeyType{pki.P256}}
		k.bench.Profiles = profiles(map[string]Profile{"s1": {Name: "plain"}, "s2": {Name: "other", KeyType: "P-384"}})
		events := k.play()
		got := map[string]RunEnded{}
		for _, e := range ends(events) {
			got[e.Slot] = e
		}
		checkEnd(t, got["s1"], Pass, "")
		checkEnd(t, got["s2"], Fail, CodeCSRBad) // the fake makes P-256, whatever it is asked for
		for slot, want := range map[string][2]string{"s1": {"plain", "P-256"}, "s2": {"other", "P-384"}} {
			start := k.ledger.runs[got[slot].Run]
			if have := [2]string{start.Profile, start.RequestedKey}; have != want {
				t.Errorf("%s: on record is %q, want %q", slot, have, want)
			}
			asked, named := false, false
			for _, p := range k.ledger.phases {
				if p.Run == got[slot].Run {
					asked = asked || strings.Contains(p.Facts[FactWireLog], "ENROLL "+want[1])
					named = named || p.Phase == PhaseIdentify && p.Facts[FactProfile] == want[0]
				}
			}
			if !asked || !named {
				t.Errorf("%s: key type asked for %v, profile among the facts %v; want both", slot, asked, named)
			}
		}
	})
}

func TestProfileDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.add("s2", newFakeDevice("SN-2"))
		k.port("s1").on, k.port("s2").on = stuckAt("keygen"), stuckAt("keygen")
		k.cfg.Timeouts = map[Phase]time.Duration{PhaseKeygen: 7 * time.Second}
		k.bench.Profiles = profiles(map[string]Profile{"s2": {Timeouts: map[Phase]time.Duration{PhaseKeygen: 90 * time.Second}}})
		for _, e := range ends(k.play()) {
			if want := map[string]string{"s1": "7s", "s2": "1m30s"}[e.Slot]; e.Outcome != Timeout || e.Params["limit"] != want {
				t.Errorf("%s: got %s after %s, want %s", e.Slot, e.Outcome, e.Params["limit"], want)
			}
		}
	})
}

func TestProfilePatience(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.add("s2", newFakeDevice("(silent)"))
		k.add("s3", newFakeDevice("(silent)"))
		k.bench.Settle = time.Minute
		k.bench.Profiles = profiles(map[string]Profile{"s3": {SilentAfter: 15 * time.Second}})
		began, at := time.Now(), map[string]time.Duration{}
		k.on = func(_ *Bench, e Event) {
			if p, ok := e.Body.(PortSeen); ok && p.Status == "silent" {
				at[p.Slot] = time.Since(began)
			}
		}
		wantEnd(t, k.play(), Pass, "")
		if at["s2"].Round(time.Second) != 3*time.Second || at["s3"].Round(time.Second) != 15*time.Second {
			t.Errorf("silent after %v, want s2 after 3s and s3 after 15s", at)
		}
	})
}
