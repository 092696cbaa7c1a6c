package station

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"provstation/station/scan"
)

// fakeBatches keeps one batch in memory.
type fakeBatches struct {
	mu   sync.Mutex
	rec  *BatchRecord
	fail error
	log  []BatchState
}

func (f *fakeBatches) OpenBatch(_ context.Context, b BatchRecord) (BatchRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return BatchRecord{}, f.fail
	}
	f.rec = &b
	f.log = append(f.log, b.State)
	return b, nil
}

func (f *fakeBatches) ChangeBatch(_ context.Context, c BatchStep) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.rec.State, f.rec.Code, f.rec.Reason = c.State, c.Code, c.Reason
	f.log = append(f.log, c.State)
	return nil
}

func (f *fakeBatches) CurrentBatch(context.Context, string, string) (BatchRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rec == nil || f.rec.State == BatchClosed {
		return BatchRecord{}, ErrNotFound
	}
	return *f.rec, nil
}

// fakeStaff are Ada, an operator, and Grace, a lead.
type fakeStaff struct{}

func (fakeStaff) ByBadge(badge string) (Person, bool) {
	switch badge {
	case "PSB:ada":
		return Person{"Ada", RoleOperator}, true
	case "PSB:grace":
		return Person{"Grace", RoleLead}, true
	}
	return Person{}, false
}

func (s fakeStaff) ByName(name string) (Person, bool) {
	return s.ByBadge("PSB:" + strings.ToLower(name))
}

// deskKit is a kit of a bench with people, scans and batches.
func deskKit(t *testing.T) (*kit, *fakeBatches) {
	k := newKit(t)
	reader, err := scan.Compile(scan.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeBatches{}
	k.bench.Staff, k.bench.Scans, k.bench.Batches, k.bench.HoldAfter = fakeStaff{}, reader, f, 3
	return k, f
}

// of are the bodies of one kind.
func of[T Body](events []Event) (list []T) {
	for _, e := range events {
		if b, ok := e.Body.(T); ok {
			list = append(list, b)
		}
	}
	return list
}

func wantCode(t *testing.T, err error, code Code) {
	t.Helper()
	if f, ok := AsFault(err); !ok || f.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// A device waits for somebody to sign in, says so once, and is worked on for the one who does.
func TestSignInBeforeWork(t *testing.T) {
	for _, by := range []struct {
		name string
		in   func(b *Bench) error
	}{
		{"typed", func(b *Bench) error { return b.SignIn(" ada ") }},
		{"badge", func(b *Bench) error { return b.Scan("PSB:ada\r", "") }},
	} {
		t.Run(by.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, _ := deskKit(t)
				k.bench.SignIn = true
				k.on = func(b *Bench, e Event) {
					if p, ok := e.Body.(PortSeen); ok && p.Status == "held" {
						if p.Code != CodeHeldSignIn || p.Reason == "" {
							t.Errorf("got %+v, want held for a sign-in", p)
						}
						wantCode(t, b.SignIn("nobody"), CodeNameUnknown)
						if err := by.in(b); err != nil {
							t.Error(err)
						}
					}
				}
				events := k.play()
				wantEnd(t, events, Pass, "")
				if got := of[RunStarted](events)[0].Operator; got != "Ada" {
					t.Errorf("got operator %q, want Ada", got)
				}
				for _, r := range k.ledger.runs {
					if r.Operator != "Ada" {
						t.Errorf("recorded operator: got %q, want Ada", r.Operator)
					}
				}
				held := slices.DeleteFunc(of[PortSeen](events), func(p PortSeen) bool { return p.Status != "held" })
				if len(held) != 1 {
					t.Errorf("got %d held events, want it said once", len(held))
				}
			})
		})
	}
}

// An unknown badge is refused without its text reaching an event.
func TestUnknownBadge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				if err := b.Scan("PSB:mallory-4711", "s1"); err != nil {
					t.Error(err)
				}
			}
		}
		events := k.play()
		scans := of[ScanTaken](events)
		if len(scans) != 1 || scans[0].Code != CodeBadgeUnknown || scans[0].Kind != ScanBadge {
			t.Errorf("got %+v, want one badge refused", scans)
		}
		for _, e := range events {
			if text, _ := e.MarshalJSON(); strings.Contains(string(text), "mallory") {
				t.Errorf("badge in event %s", text)
			}
		}
	})
}

// A held device is released by a reason and a lead's badge, once, and the record says so.
func TestOverride(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.bench.Staff = fakeStaff{}
		d := k.enrolled(StateSealed)
		k.knows(d)
		k.port("s1").plug(newFakeDevice("SN-1")) // reflashed: the ledger knows another key
		n := 0
		k.on = func(b *Bench, e Event) {
			end, ok := e.Body.(RunEnded)
			if n++; !ok || end.Outcome != Uncertain {
				return
			}
			if err := b.SignIn("ada"); err != nil {
				t.Error(err)
			}
			wantCode(t, b.Override("s1", "  x ", "PSB:grace"), CodeOverrideReason)
			wantCode(t, b.Override("s1", "reflashed by repair", "PSB:ada"), CodeOverrideBadge)
			wantCode(t, b.Override("s1", "reflashed by repair", "PSB:nobody"), CodeOverrideBadge)
			wantCode(t, b.Override("s9", "reflashed by repair", "PSB:grace"), CodeSlotEmpty)
			if err := b.Override("s1", "reflashed by repair", "PSB:grace"); err != nil {
				t.Error(err)
			}
		}
		events := k.play()
		list := ends(events)
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2:\n%s", len(list), show(events))
		}
		checkEnd(t, list[0], Uncertain, CodeUnknownKey)
		checkEnd(t, list[1], Pass, "")
		o := k.ledger.runs[list[1].Run].Override
		want := Override{Code: CodeUnknownKey, Run: list[0].Run, Reason: "reflashed by repair", Operator: "Ada", Lead: "Grace"}
		if o == nil || *o != want {
			t.Errorf("recorded override: got %+v, want %+v", o, want)
		}
		warned := slices.ContainsFunc(k.ledger.ends[1].Warnings, func(w Warning) bool { return w.Code == CodeOverridden })
		if !warned {
			t.Errorf("got warnings %+v, want %s", k.ledger.ends[1].Warnings, CodeOverridden)
		}
		// Names are where they can be erased, and nowhere else.
		if all := fmt.Sprintf("%+v %+v", k.ledger.ends, k.ledger.phases); strings.Contains(all, "Grace") {
			t.Errorf("the run's record names the lead: %s", all)
		}
	})
}

// A lead is no use to himself: the second badge is another person's.
func TestOverrideNeedsTwoPeople(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		d := k.enrolled(StateSealed)
		k.knows(d)
		k.port("s1").plug(newFakeDevice("SN-1"))
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				if err := b.SignIn("grace"); err != nil {
					t.Error(err)
				}
				wantCode(t, b.Override("s1", "I say so", "PSB:grace"), CodeOverrideBadge)
			}
		}
		wantEnd(t, k.play(), Uncertain, CodeUnknownKey)
	})
}

// What is in order, or broken in a way that no word of a lead mends, is not overridden.
func TestOverrideNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				wantCode(t, b.Override("s1", "because", "PSB:grace"), CodeOverrideNot)
			}
		}
		wantEnd(t, k.play(), Pass, "")
	})
}

// expecting opens a batch of the devices before the first port is looked at.
func expecting(t *testing.T, f *fakeBatches, devices ...BatchDevice) {
	t.Helper()
	f.rec = &BatchRecord{Tenant: "acme", Batch: "B-7", Station: "bench", State: BatchOpen, Devices: devices}
}

// With a list, a device gets its id from there; one that is not on it is refused; what is done is counted once.
func TestBatchList(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f, BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-0001"}, BatchDevice{Line: 3, HardwareSerial: "SN-2", DeviceID: "dev-0002"})
		k.add("s2", newFakeDevice("SN-9"))
		events := k.play()
		for _, e := range ends(events) {
			if e.Batch != "B-7" {
				t.Errorf("%s: got batch %q, want B-7", e.Slot, e.Batch)
			}
			if e.Slot == "s1" {
				checkEnd(t, e, Pass, "")
				if e.DeviceID != "dev-0001" {
					t.Errorf("got id %q, want that of the list", e.DeviceID)
				}
			} else {
				checkEnd(t, e, Fail, CodeBatchForeign)
			}
		}
		if k.bridge.posts != 1 {
			t.Errorf("got %d posts, want none for the foreign device", k.bridge.posts)
		}
		changes := of[BatchChanged](events)
		if last := changes[len(changes)-1]; last.Done != 1 || last.Expected != 2 || len(changes[0].Devices) != 2 {
			t.Errorf("got %+v and then %+v, want the list, then 1 of 2", changes[0], last)
		}
	})
}

// Nothing begins while a batch is paused; a pause is on record; going on goes on.
func TestBatchPauseAndClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f, BatchDevice{HardwareSerial: "SN-1", DeviceID: "dev-1"})
		f.rec.State, f.rec.Reason = BatchPaused, "lunch"
		release := make(chan struct{})
		k.port("s1").on = holdAt("keygen", release)
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case PortSeen:
				if body.Status == "held" {
					if body.Code != CodeHeldPaused || !strings.Contains(body.Reason, "lunch") {
						t.Errorf("got %+v, want the pause with its reason", body)
					}
					if err := b.ResumeBatch(); err != nil {
						t.Error(err)
					}
				}
			case PhaseChanged:
				if body.Phase == PhaseKeygen && body.Status == PhaseStarted {
					wantCode(t, b.CloseBatch(t.Context(), ""), CodeBatchBusy)
					close(release)
				}
			case RunEnded:
				if err := b.CloseBatch(t.Context(), "done"); err != nil {
					t.Error(err)
				}
				wantCode(t, b.PauseBatch(""), CodeBatchNone)
			}
		}
		wantEnd(t, k.play(), Pass, "")
		if want := []BatchState{BatchOpen, BatchClosed}; !slices.Equal(f.log, want) {
			t.Errorf("recorded states: got %v, want %v", f.log, want)
		}
	})
}

// Three devices in a row that fail alike hold the batch; a person goes on, and tries what failed again.
func TestBatchHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		var list []BatchDevice
		for _, n := range []string{"1", "2", "3", "4"} {
			list = append(list, BatchDevice{HardwareSerial: "SN-" + n, DeviceID: "dev-" + n})
			if n != "1" {
				k.add("s"+n, newFakeDevice("SN-"+n))
			}
		}
		expecting(t, f, list...)
		k.cfg.Retries = map[Phase]int{PhaseEnroll: 0}
		var mu sync.Mutex
		dead := true
		k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) {
			mu.Lock()
			defer mu.Unlock()
			if dead {
				return nil, fault(CodeBridgeDown, Error, Passing)
			}
			return nil, nil
		}
		held := 0
		k.on = func(b *Bench, e Event) {
			if c, ok := e.Body.(BatchChanged); ok && c.State == BatchHeld {
				held++
				if c.Code != CodeBridgeDown || c.Reason == "" {
					t.Errorf("got %+v, want what held it", c)
				}
				mu.Lock()
				dead = false
				mu.Unlock()
				if err := b.ResumeBatch(); err != nil {
					t.Error(err)
				}
				time.AfterFunc(time.Minute, func() { // the last of the four may still be on its way to its failure
					if n, err := b.RetryFailed(); err != nil || n < 3 {
						t.Errorf("retry: got %d, %v, want the failed ones", n, err)
					}
				})
			}
		}
		k.bench.Settle = 2 * time.Minute
		events := k.play()
		if held != 1 {
			t.Errorf("got %d holds, want 1", held)
		}
		pass := map[string]bool{}
		for _, e := range ends(events) {
			pass[e.HardwareSerial] = pass[e.HardwareSerial] || e.Outcome == Pass
		}
		for _, d := range list {
			if !pass[d.HardwareSerial] {
				t.Errorf("%s did not pass in the end", d.HardwareSerial)
			}
		}
	})
}

// One bad device that is tried again and again does not hold a batch.
func TestHoldCountsDevices(t *testing.T) {
	r := newRoll(BatchRecord{Batch: "B", State: BatchOpen})
	b := NewBench(BenchConfig{HoldAfter: 3, Batches: &fakeBatches{rec: &BatchRecord{}}}, nil, nil, NewRunner(RunnerConfig{}, nil, nil, nil, nil, fakeWords{}))
	b.roll = r
	count := func(serial string, o Outcome, code Code) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.counted(RunEnded{Batch: "B", HardwareSerial: serial, Outcome: o, Code: code})
	}
	state := func() BatchState {
		b.mu.Lock()
		defer b.mu.Unlock()
		return r.State
	}
	for range 5 {
		count("SN-1", Fail, CodeClockDevice)
	}
	count("SN-2", Fail, CodeClockDevice)
	count("SN-3", Pass, "")
	count("SN-4", Fail, CodeClockDevice)
	count("SN-5", Fail, CodeSerialJunk)
	count("SN-6", Fail, CodeClockDevice)
	count("SN-7", Aborted, CodeAborted)
	count("SN-8", Fail, CodeClockDevice)
	if got := state(); got != BatchOpen {
		t.Fatalf("got %s, want open: never three devices in a row", got)
	}
	count("SN-9", Fail, CodeClockDevice)
	if got := state(); got != BatchHeld {
		t.Errorf("got %s, want held", got)
	}
	b.saving.Wait()
}

// A scan goes to the slot that its device is in, is judged there, and a wrong one says why and leaves the slot waiting.
func TestScanAssigns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f,
			BatchDevice{HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L-1"},
			BatchDevice{HardwareSerial: "SN-2", DeviceID: "dev-2", Label: "L-2"},
			BatchDevice{HardwareSerial: "SN-3", DeviceID: "dev-3", Label: "L-3"})
		k.add("s2", newFakeDevice("SN-2"))
		wanted := 0
		k.on = func(b *Bench, e Event) {
			if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
				if wanted++; wanted == 2 {
					for _, s := range []string{"L-2", "L-3", "zzz"} { // 2 is in s2 though s1 is selected; 3 is elsewhere
						if err := b.Scan(s, "s1"); err != nil {
							t.Error(err)
						}
						synctest.Wait() // the run has judged it
					}
					if err := b.Scan("l-1", "s2"); err != nil {
						t.Error(err)
					}
				}
			}
		}
		events := k.play()
		for _, e := range ends(events) {
			checkEnd(t, e, Pass, "")
		}
		var got []string
		for _, s := range of[ScanTaken](events) {
			got = append(got, strings.TrimSpace(s.Text+" "+s.Slot+" "+string(s.Code)))
		}
		slices.Sort(got)
		want := []string{"L-2 s2", "L-3 s1 " + string(CodeScanWrong), "l-1 s1", "zzz s1 " + string(CodeScanForeign)}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if r := k.ledger.runs; len(r) != 2 {
			t.Errorf("got %d runs, want 2", len(r))
		}
	})
}

// Without a list, a label is held against the template; with neither, it is recorded as not corroborated.
func TestScanWithoutList(t *testing.T) {
	for _, row := range []struct {
		name     string
		template bool
		scans    []string
		id       string
		codes    []Code // of the scans
		tied     string
	}{
		{"id", true, []string{"edge-sn-1"}, "edge-sn-1", []Code{""}, "yes"},
		{"serial", true, []string{"SN-1"}, "edge-sn-1", []Code{""}, "yes"},
		{"gs1", true, []string{"(01)09501101530003(21)SN-1"}, "edge-sn-1", []Code{""}, "yes"},
		{"other device's", true, []string{"edge-sn-2", "edge-sn-1"}, "edge-sn-1", []Code{CodeScanWrong, ""}, "yes"},
		{"nothing to check it against", false, []string{"box-17"}, "box-17", []Code{""}, "no"},
		{"no id", false, []string{"a b c", "box-18"}, "box-18", []Code{CodeScanUnreadable, ""}, "no"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, _ := deskKit(t)
				k.cfg.Assign = AssignScan
				if !row.template {
					k.cfg.AssignID = nil
				}
				n := 0
				k.on = func(b *Bench, e Event) {
					wanted, taken := e.Body.(ScanWanted)
					refused, ok := e.Body.(ScanTaken)
					if (taken && wanted.Wanted) || (ok && refused.Code != "") {
						if err := b.Scan(row.scans[n], ""); err != nil {
							t.Error(err)
						}
						n++
					}
				}
				events := k.play()
				if e := wantEnd(t, events, Pass, ""); e.DeviceID != row.id {
					t.Errorf("got id %q, want %q", e.DeviceID, row.id)
				}
				var codes []Code
				for _, s := range of[ScanTaken](events) {
					codes = append(codes, s.Code)
				}
				if !slices.Equal(codes, row.codes) {
					t.Errorf("scans: got %q, want %q", codes, row.codes)
				}
				for _, p := range phases(events, PhaseAssign) {
					if p.Status == PhaseDone && (p.Facts[FactCorroborated] != row.tied || p.Facts[FactIDSource] != "scan") {
						t.Errorf("got %v, want a scan, corroborated %s", p.Facts, row.tied)
					}
				}
			})
		})
	}
}

// A label that another device has is refused with who has it; the slot goes on waiting.
func TestScanDuplicate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Assign, k.cfg.AssignID = AssignScan, nil
		k.add("s2", newFakeDevice("SN-2"))
		wanted := 0
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case ScanWanted:
				if wanted++; wanted == 2 {
					_ = b.Scan("box-1", "s1")
				}
			case RunEnded:
				if body.Slot == "s1" {
					other := "s2"
					_ = b.Scan("BOX-1", other)
					synctest.Wait() // the run has judged it
					_ = b.Scan("box-2", other)
				}
			}
		}
		events := k.play()
		for _, e := range ends(events) {
			checkEnd(t, e, Pass, "")
		}
		refused := slices.DeleteFunc(of[ScanTaken](events), func(s ScanTaken) bool { return s.Code == "" })
		if len(refused) != 1 || refused[0].Code != CodeScanDuplicate {
			t.Errorf("got %+v, want one duplicate", refused)
		}
	})
}

// A label that is scanned before its device is plugged in waits for it; one that nobody waits for says so.
func TestScanFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f, BatchDevice{HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L-1"}, BatchDevice{HardwareSerial: "SN-2", DeviceID: "dev-2", Label: "L-2"})
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case BatchChanged:
				if len(body.Devices) > 0 {
					_ = b.Scan("L-1", "")
				}
			case RunEnded:
				_ = b.Scan("nobody", "")
				_ = b.Scan("L-1", "")
			}
		}
		events := k.play()
		wantEnd(t, events, Pass, "")
		scans := of[ScanTaken](events)
		if got := scans[len(scans)-1]; got.Slot != "s1" || got.Code != "" {
			t.Errorf("the label of a device on the bench: got %+v, want its slot", got)
		}
		if got := scans[len(scans)-2]; got.Code != CodeScanForeign {
			t.Errorf("got %+v, want it refused as foreign", got)
		}
	})
}

// A label that was scanned holds for its hardware: trying again after a bridge that was down asks nobody for it.
func TestScanOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f, BatchDevice{HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L-1"})
		k.cfg.Retries = map[Phase]int{PhaseEnroll: 0}
		k.bridge.on = func(_ context.Context, n int, _ EnrollRequest) (*EnrollAnswer, error) {
			if n == 1 {
				return nil, fault(CodeBridgeDown, Error, Passing)
			}
			return nil, nil
		}
		wanted := 0
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case ScanWanted:
				if body.Wanted {
					wanted++
					_ = b.Scan("L-1", "s1")
				}
			case RunEnded:
				if body.Outcome == Error {
					if err := b.Retry("s1"); err != nil {
						t.Error(err)
					}
				}
			}
		}
		list := ends(k.play())
		if len(list) != 2 || list[1].Outcome != Pass || list[1].DeviceID != "dev-1" {
			t.Fatalf("got %+v, want an ERROR, then a PASS of dev-1", list)
		}
		if wanted != 1 {
			t.Errorf("got %d questions for the label, want 1", wanted)
		}
	})
}

// Nobody scans: the run ends with what to do, and holds nothing up.
func TestScanNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Assign, k.cfg.ScanTimeout = AssignScan, 2*time.Minute
		e := wantEnd(t, k.play(), Timeout, CodeScanNone)
		if e.ElapsedMS < 119_000 || e.ElapsedMS > 125_000 {
			t.Errorf("got %d ms, want the two minutes of the policy", e.ElapsedMS)
		}
	})
}

// Command codes do for the selected slot what the keys do.
func TestScanCommands(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		n := 0
		release := make(chan struct{})
		k.port("s1").on = holdAt("keygen", release)
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case PhaseChanged:
				if body.Phase == PhaseKeygen && body.Status == PhaseStarted && n == 0 {
					_ = b.Scan("PS:RETRY", "s1") // is at work
					_ = b.Scan("PS:ABORT", "s1")
					close(release)
				}
			case RunEnded:
				if n++; n == 1 {
					_ = b.Scan("ps:retry\n", "s1")
					_ = b.Scan("PS:NEXT", "s1")
					_ = b.Scan("PS:SELFDESTRUCT", "s1")
				}
			}
		}
		events := k.play()
		list := ends(events)
		if len(list) != 2 || list[0].Outcome != Aborted || list[1].Outcome != Pass {
			t.Fatalf("got %d runs, want an aborted one and a PASS:\n%s", len(list), show(events))
		}
		var got []string
		for _, s := range of[ScanTaken](events) {
			got = append(got, strings.TrimSpace(s.Command+" "+string(s.Code)))
		}
		want := []string{"retry E-SLOT-RUNNING", "abort", "retry", "next", "E-SCAN-COMMAND"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Slots are taught by plugging in: the name is saved first, a place has one name, and work begins when it is over.
func TestLearn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.bench.Ports = PortRules{}
		var saved []map[string]string
		k.bench.SaveSlots = func(m map[string]string) error { saved = append(saved, m); return nil }
		k.on = func(b *Bench, e Event) {
			body, ok := e.Body.(PortSeen)
			if ok && body.Status == "ignored" && len(saved) == 0 {
				if err := b.Learn("left"); err != nil {
					t.Error(err)
				}
				k.watcher.changes <- PortChange{Port: PortInfo{Path: "/dev/s1", Slot: "pci-1", VID: "0403"}}
				k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: "/dev/s1", Slot: "pci-1", VID: "0403"}}
			}
			if ok && body.Status == "held" {
				if body.Code != CodeHeldLearning {
					t.Errorf("got %+v, want held while learning", body)
				}
				if err := b.EndLearning(); err != nil {
					t.Error(err)
				}
			}
		}
		events := k.play()
		if e := wantEnd(t, events, Pass, ""); e.Slot != "left" {
			t.Errorf("got slot %q, want left", e.Slot)
		}
		if len(saved) != 1 || saved[0]["pci-1"] != "left" {
			t.Errorf("saved: got %v, want the place as left", saved)
		}
		var states []string
		for _, l := range of[LearnChanged](events) {
			states = append(states, l.State)
		}
		if want := []string{"waiting", "learned", "ended"}; !slices.Equal(states, want) {
			t.Errorf("got %q, want %q", states, want)
		}
	})
}

// A place that has a name does not get a second one, and a name that cannot be saved does not hold.
func TestLearnRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		save error
		code Code
	}{
		{"taken", nil, CodeSlotTaken},
		{"disk", context.DeadlineExceeded, CodeSlotSave},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, _ := deskKit(t)
				<-k.watcher.changes // nothing is plugged in yet
				place := PortInfo{Path: "/dev/s1", Slot: "pci-1", VID: "0403"}
				if row.name == "taken" {
					k.bench.Ports = PortRules{Slots: map[string]string{"pci-1": "right"}}
				} else {
					k.bench.Ports = PortRules{}
				}
				k.bench.SaveSlots = func(map[string]string) error { return row.save }
				k.on = func(b *Bench, e Event) {
					if _, ok := e.Body.(StationInfo); ok {
						_ = b.Learn("left")
						k.watcher.changes <- PortChange{Added: true, Port: place}
					}
				}
				events := k.play()
				refused := slices.DeleteFunc(of[LearnChanged](events), func(l LearnChanged) bool { return l.State != "refused" })
				if len(refused) == 0 || refused[len(refused)-1].Code != row.code || refused[len(refused)-1].Reason == "" {
					t.Errorf("got %+v, want %s", refused, row.code)
				}
				if len(ends(events)) != 0 {
					t.Error("a device was worked on while slots were taught")
				}
			})
		})
	}
}

// Who is configured is signed in from the start, and signing out holds.
func TestConfiguredOperator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Start.Operator = "Ada"
		n := 0
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				if n++; n > 1 {
					return
				}
				if err := b.SignOut(); err != nil {
					t.Error(err)
				}
				if err := b.Retry("s1"); err != nil {
					t.Error(err)
				}
			}
		}
		var got []string
		for _, r := range of[RunStarted](k.play()) {
			got = append(got, r.Operator)
		}
		if want := []string{"Ada", ""}; !slices.Equal(got, want) {
			t.Errorf("got operators %q, want %q", got, want)
		}
	})
}

// The time that a device waits for a person is not the run's.
func TestWaitIsNoRunTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.bench.SignIn, k.bench.Settle = true, 2*time.Minute
		k.on = func(b *Bench, e Event) {
			if p, ok := e.Body.(PortSeen); ok && p.Status == "held" {
				time.AfterFunc(time.Minute, func() { _ = b.SignIn("ada") })
			}
		}
		if e := wantEnd(t, k.play(), Pass, ""); e.ElapsedMS > 5000 {
			t.Errorf("got %d ms, want the run without its minute of waiting", e.ElapsedMS)
		}
	})
}
