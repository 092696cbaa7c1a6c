package board

import (
	"testing"
	"time"

	"provstation/station"
)

// TestAskable: which devices can be asked for something, and which of them are renewed when all are.
func TestAskable(t *testing.T) {
	for _, tt := range []struct {
		name      string
		end       station.RunEnded
		gone      bool
		askable   bool
		renewable bool
	}{
		{name: "finished", end: station.RunEnded{Outcome: station.Pass}, askable: true, renewable: true},
		{name: "finished before", end: station.RunEnded{Outcome: station.Skipped, Code: station.CodeSkipped}, askable: true, renewable: true},
		{name: "not proven by policy", end: station.RunEnded{Outcome: station.Installed}, askable: true, renewable: true},
		{name: "over", end: station.RunEnded{Outcome: station.Fail, Code: station.CodeCertExpired}, askable: true},
		{name: "not renewed", end: station.RunEnded{Outcome: station.Error, Code: station.CodeCADown, Task: station.TaskRenew}, askable: true},
		{name: "not rekeyed", end: station.RunEnded{Outcome: station.Aborted, Code: station.CodeAborted, Task: station.TaskRekey}, askable: true},
		{name: "another device", end: station.RunEnded{Outcome: station.Uncertain, Code: station.CodeUnknownKey, Task: station.TaskRenew}},
		{name: "not finished after all", end: station.RunEnded{Outcome: station.Fail, Code: station.CodeRenewState, Task: station.TaskRenew}},
		{name: "not enrolled anew", end: station.RunEnded{Outcome: station.Error, Code: station.CodeBridgeDown, Task: station.TaskReenroll}},
		{name: "never finished", end: station.RunEnded{Outcome: station.Fail, Code: station.CodeBrokerCert}},
		{name: "held", end: station.RunEnded{Outcome: station.Uncertain, Code: station.CodeUnknownKey}},
		{name: "unplugged", end: station.RunEnded{Outcome: station.Pass}, gone: true},
	} {
		b := New()
		tt.end.Run, tt.end.Slot = "r", "slot 1"
		b.Apply(station.Event{Seq: 1, Body: station.RunStarted{Run: "r", Slot: "slot 1", Port: "p", Task: tt.end.Task}})
		s := b.Slot("slot 1")
		if s.Askable() || s.Renewable() {
			t.Errorf("%s: got it asked for while it is at work", tt.name)
		}
		b.Apply(station.Event{Seq: 2, Body: tt.end})
		if tt.gone {
			b.Apply(station.Event{Seq: 3, Body: station.PortSeen{Port: "p", Slot: "slot 1", Status: "gone"}})
		}
		if s.Askable() != tt.askable || s.Renewable() != tt.renewable {
			t.Errorf("%s: got %t, %t, want %t, %t", tt.name, s.Askable(), s.Renewable(), tt.askable, tt.renewable)
		}
	}
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	soon := now.Add(time.Hour)
	for _, tt := range []struct {
		name string
		end  station.RunEnded
		fact string
		at   time.Time
		want bool
	}{
		{"nothing is known", station.RunEnded{Outcome: station.Pass}, "", now, false},
		{"good", station.RunEnded{Outcome: station.Skipped, NotAfter: &soon}, "", now, false},
		{"ended while it was plugged in", station.RunEnded{Outcome: station.Skipped, NotAfter: &soon}, "", soon, true},
		{"the run says so", station.RunEnded{Outcome: station.Fail, Code: station.CodeCertExpired}, "", now, true},
		{"the run found a later one", station.RunEnded{Outcome: station.Pass, NotAfter: &soon}, "2027-11-23T14:00:00Z", soon, false},
		{"a fact that is no time", station.RunEnded{Outcome: station.Pass, NotAfter: &soon}, "tomorrow", now, false},
	} {
		b := New()
		tt.end.Run, tt.end.Slot = "r", "slot 1"
		b.Apply(station.Event{Seq: 1, Body: station.RunStarted{Run: "r", Slot: "slot 1", Port: "p"}})
		b.Apply(station.Event{Seq: 2, Body: station.PhaseChanged{
			Run: "r", Slot: "slot 1", Phase: station.PhaseVerify, Status: station.PhaseDone, Facts: map[string]string{station.FactNotAfter: tt.fact},
		}})
		b.Apply(station.Event{Seq: 3, Body: tt.end})
		if got := b.Slot("slot 1").Expired(tt.at); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestContractIsTheBridges: a certificate that the CA renewed does not change what is said of the bridge.
func TestContractIsTheBridges(t *testing.T) {
	b := New()
	for i, c := range []station.Contract{station.ContractDeployed, station.ContractRenew, station.ContractRekey, ""} {
		b.Apply(station.Event{Seq: uint64(i + 1), Body: station.RunEnded{Run: string(rune('a' + i)), Slot: "slot 1", Outcome: station.Pass, Contract: string(c)}})
		if b.Contract != string(station.ContractDeployed) {
			t.Errorf("after %q: got %q, want what the bridge speaks", c, b.Contract)
		}
	}
}
