package station

import (
	"context"
	"slices"
	"testing"
	"time"
)

// ownLine is a line whose device renews by itself as own says; nil: its software does not.
type ownLine struct {
	*fakeLine
	own *ownState
}

type ownState struct {
	RenewalState
	set    []string // URL and audience, in turn
	refuse error
	forget bool // it answers ok, and keeps nothing
}

func (l ownLine) Greet(ctx context.Context) (Greeting, error) {
	g, err := l.fakeLine.Greet(ctx)
	g.OwnRenewal = l.own != nil
	return g, err
}

func (l ownLine) Field(ctx context.Context) (FieldState, error) {
	f, err := l.fakeLine.Field(ctx)
	if l.own != nil {
		s := l.own.RenewalState
		f.Renewal = &s
	}
	return f, err
}

func (l ownLine) SetRenewal(_ context.Context, id EnrollID, url, audience string) error {
	if d, _ := l.port.device(); id != d.enroll || d.state == StateSealed {
		return fault(CodeAgentLocked, Fail, Permanent)
	}
	if l.own.refuse != nil {
		return l.own.refuse
	}
	l.own.set = append(l.own.set, url, audience)
	if !l.own.forget {
		l.own.URL = url
	}
	return nil
}

const renewHere = "https://ca.tenant.example/1.0/renew"

func warningsOf(events []Event) (list []Code) {
	for _, e := range events {
		if p, ok := e.Body.(PhaseChanged); ok && p.Status != PhaseProgress {
			for _, w := range p.Warnings {
				list = append(list, w.Code)
			}
		}
	}
	return list
}

// TestAutorenew: what a run does about the renewal of a box, and what that makes of a certificate that is too short to lie on a
// shelf. The certificates of these devices live for a day.
func TestAutorenew(t *testing.T) {
	fresh := func(*kit) {}
	sealed := func(k *kit) { k.enrolled(StateSealed) }
	finished := func(k *kit) { k.knows(k.enrolled(StateSealed)) }
	foreign := func(k *kit) { k.enrolled(StateForeign) }
	set := AutorenewPolicy{Mode: AutorenewSet, URL: renewHere, Audience: "https://ca/1.0/renew"}
	strictly := set
	strictly.Refuse = true
	check := AutorenewPolicy{Mode: AutorenewCheck, Refuse: true}
	here := func() *ownState { return &ownState{RenewalState: RenewalState{URL: renewHere}} }
	elsewhere := func() *ownState { return &ownState{RenewalState: RenewalState{URL: "https://other/renew"}} }
	failing := func() *ownState {
		return &ownState{RenewalState: RenewalState{URL: renewHere, Failures: 4, LastError: "network"}}
	}
	refuses := func() *ownState { return &ownState{refuse: fault(CodeAgentRefuse, Fail, Permanent)} }
	forgets := func() *ownState { return &ownState{forget: true} }
	none := func() *ownState { return nil }
	can := func() *ownState { return &ownState{} }
	for _, row := range []struct {
		name    string
		device  func(*kit)
		own     func() *ownState
		policy  AutorenewPolicy
		short   time.Duration // wanted of a certificate; 0: nothing
		refuse  bool          // what is shorter
		outcome Outcome
		code    Code
		warned  []Code
		set     bool // it was told where
	}{
		{"off", fresh, can, AutorenewPolicy{}, 0, false, Pass, "", nil, false},
		{"set", fresh, can, set, 0, false, Pass, "", nil, true},
		{"set before", fresh, here, set, 0, false, Pass, "", nil, true},
		{"set to another place", fresh, elsewhere, set, 0, false, Pass, "", nil, true},
		{"failed in a life before", fresh, failing, set, 0, false, Pass, "", nil, true},
		{"cannot", fresh, none, set, 0, false, Pass, "", []Code{CodeRenewalMissingWarn}, false},
		{"cannot, and must", fresh, none, strictly, 0, false, Fail, CodeRenewalMissing, nil, false},
		{"does not want", fresh, refuses, set, 0, false, Fail, CodeRenewalSet, nil, false},
		{"does not keep it", fresh, forgets, set, 0, false, Fail, CodeRenewalSet, nil, true},
		{"check", fresh, here, check, 0, false, Pass, "", nil, false},
		{"check, not set up", fresh, can, check, 0, false, Fail, CodeRenewalUnset, nil, false},

		{"adopted", sealed, here, set, 0, false, Pass, "", nil, false},
		{"adopted, not set up", sealed, can, set, 0, false, Pass, "", []Code{CodeRenewalUnsetWarn}, false},
		{"adopted, not set up, and must be", sealed, can, strictly, 0, false, Fail, CodeRenewalUnset, nil, false},
		{"adopted, set to another place", sealed, elsewhere, strictly, 0, false, Fail, CodeRenewalUnset, nil, false},
		{"adopted, failing", sealed, failing, set, 0, false, Pass, "", []Code{CodeRenewalFailingWarn}, false},
		{"adopted, failing, and must not", sealed, failing, check, 0, false, Fail, CodeRenewalFailing, nil, false},
		{"adopted, of enroll.sh", foreign, here, strictly, 0, false, Fail, CodeRenewalMissing, nil, false},
		{"finished", finished, here, strictly, 0, false, Skipped, CodeSkipped, nil, false},
		{"finished, not set up", finished, can, set, 0, false, Skipped, CodeSkipped, []Code{CodeRenewalUnsetWarn}, false},
		{"finished, failing", finished, failing, strictly, 0, false, Fail, CodeRenewalFailing, nil, false},

		{"short, nobody looks", fresh, can, AutorenewPolicy{}, 48 * time.Hour, true, Fail, CodeCertShelfLife, nil, false},
		{"short, renews", fresh, can, set, 48 * time.Hour, true, Pass, "", []Code{CodeCertRenews}, true},
		{"short, renews, said", fresh, can, set, 48 * time.Hour, false, Pass, "", []Code{CodeCertRenews}, true},
		{"short, cannot", fresh, none, set, 48 * time.Hour, true, Fail, CodeCertShelfLife, nil, false},
		{"short, cannot, said", fresh, none, set, 48 * time.Hour, false, Pass, "", []Code{CodeCertShelfWarn, CodeRenewalMissingWarn}, false},
		{"short, does not want", fresh, refuses, set, 48 * time.Hour, true, Fail, CodeCertShelfLife, nil, false},
		{"short, does not want, said", fresh, refuses, set, 48 * time.Hour, false, Fail, CodeRenewalSet, []Code{CodeCertShelfWarn}, false},
		{"short, does not keep it", fresh, forgets, strictly, 48 * time.Hour, true, Fail, CodeCertShelfLife, nil, true},
		{"short, adopted, renews", sealed, here, check, 48 * time.Hour, true, Pass, "", []Code{CodeCertRenews}, false},
		{"short, adopted, not set up", sealed, can, set, 48 * time.Hour, true, Fail, CodeCertShelfLife, []Code{CodeRenewalUnsetWarn}, false},
		{"short, adopted, not set up, said", sealed, can, set, 48 * time.Hour, false, Pass, "", []Code{CodeRenewalUnsetWarn, CodeCertShelfWarn}, false},
		{"short, adopted, failing", sealed, failing, check, 48 * time.Hour, true, Fail, CodeCertShelfLife, nil, false},
		{"short, finished, renews", finished, here, set, 48 * time.Hour, true, Skipped, CodeSkipped, []Code{CodeCertRenews}, false},
		{"short, finished, failing", finished, failing, set, 48 * time.Hour, true, Fail, CodeCertShelfLife, []Code{CodeRenewalFailingWarn}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.device(k)
				own := row.own()
				k.cfg.Autorenew, k.cfg.MinValidity, k.cfg.ShelfRefuse = row.policy, row.short, row.refuse
				k.conn.wrap = func(l Line) Line { return ownLine{l.(*fakeLine), own} }
				events := k.play()
				e := wantEnd(t, events, row.outcome, row.code)
				if got := warningsOf(events); !slices.Equal(got, row.warned) {
					t.Errorf("warned of %q, want %q", got, row.warned)
				}
				if told := own != nil && len(own.set) > 0; told != row.set || told && !slices.Equal(own.set, []string{renewHere, "https://ca/1.0/renew"}) {
					t.Errorf("told %v, want %v", own, row.set)
				}
				if row.outcome == Fail && len(phases(events, PhaseSeal)) != 0 {
					t.Error("it was sealed all the same")
				}
				if row.outcome == Fail && e.Phase != PhaseAutorenew && e.Phase != PhaseVerify {
					t.Errorf("it failed in %s", e.Phase)
				}
				if row.set && row.outcome == Pass && statuses(events, PhaseAutorenew) != "started done" {
					t.Errorf("got %q", statuses(events, PhaseAutorenew))
				}
			})
		})
	}
}

// TestAutorenewAfterAReset: a device that resets in the middle is told once more.
func TestAutorenewAfterAReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		own := &ownState{refuse: ErrDeviceReset}
		k.cfg.Autorenew = AutorenewPolicy{Mode: AutorenewSet, URL: renewHere}
		k.cfg.MinValidity, k.cfg.ShelfRefuse = 48*time.Hour, true
		k.conn.wrap = func(l Line) Line { return ownLine{l.(*fakeLine), own} }
		k.port("s1").on = func(_ context.Context, op string) error {
			if op == "greet" && k.port("s1").count("greet") > 1 {
				own.refuse = nil
			}
			return nil
		}
		events := k.play()
		wantEnd(t, events, Pass, "")
		if !slices.Contains(warningsOf(events), CodeCertRenews) {
			t.Errorf("got %q", warningsOf(events))
		}
	})
}

// TestUsedAgainThoughShort: a certificate that is on file is as good as a new one of the same life, where the box renews.
func TestUsedAgainThoughShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		own := &ownState{}
		k.cfg.Autorenew = AutorenewPolicy{Mode: AutorenewSet, URL: renewHere}
		k.cfg.MinValidity, k.cfg.ShelfRefuse = 48*time.Hour, true
		k.conn.wrap = func(l Line) Line { return ownLine{l.(*fakeLine), own} }
		k.ledger.failOnce("SaveProof")
		wantEnd(t, k.play(), Error, CodeLedger)
		k.watcher.changes = make(chan PortChange, 64)
		k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: "/dev/s1", Slot: "s1", VID: "0403"}}
		wantEnd(t, k.play(), Pass, "")
		if k.bridge.posts != 1 {
			t.Errorf("got %d certificates, want the one that was on file", k.bridge.posts)
		}
	})
}
