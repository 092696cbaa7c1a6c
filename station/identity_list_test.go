package station

import (
	"context"
	"testing"
	"testing/synctest"
)

// swapFor puts another device on the line without the port going, as behind a serial server.
func (p *fakePort) swapFor(d *fakeDevice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.boots++
	p.dev = d
}

// A lead's word holds for the hardware that it was given for, whoever that hardware says to be before it is greeted.
func TestOverrideIsForItsHardware(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.knows(k.enrolled(StateSealed))
		k.port("s1").plug(newFakeDevice("SN-1"))
		other := newFakeDevice("SN-2")
		other.announces = "SN-1"
		k.ledger.knows("SN-2", "edge-sn-2", []byte("another key"), []byte("its leaf"), k.pki.Sub.Cert.NotAfter, false)
		n := 0
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				if n++; n == 1 {
					if err := b.Override("s1", "reflashed by repair", "PSB:grace"); err != nil {
						t.Error(err)
					}
					k.port("s1").swapFor(other)
				}
			}
		}
		list := ends(k.play())
		if len(list) < 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		for _, e := range list {
			checkEnd(t, e, Uncertain, CodeUnknownKey)
		}
	})
}

// A board that is swapped while its label is waited for does not leave the label with the board before.
func TestSwappedBeforeScan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Assign, k.cfg.AssignID = AssignScan, nil
		n := 0
		k.on = func(b *Bench, e Event) {
			if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
				if n++; n == 1 {
					k.port("s1").swapFor(newFakeDevice("SN-2"))
				}
				_ = b.Scan("box-1", "s1")
			}
		}
		events := k.play()
		list := ends(events)
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2:\n%s", len(list), show(events))
		}
		checkEnd(t, list[0], Fail, CodeSwapped)
		checkEnd(t, list[1], Pass, "")
		if list[1].DeviceID != "box-1" || list[1].HardwareSerial != "SN-2" {
			t.Errorf("got %s for %s, want box-1 for SN-2", list[1].DeviceID, list[1].HardwareSerial)
		}
		if id := k.ledger.devices["SN-1"].DeviceID; id != "" {
			t.Errorf("the board that is gone: got id %q, want none", id)
		}
	})
}

// A device whose label was scanned for another batch is asked for its label anew, and keeps its id.
func TestScannedForAnotherBatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		k.cfg.Assign, k.cfg.AssignID = AssignScan, nil
		k.ledger.devices["SN-1"] = DeviceRecord{Tenant: "acme", HardwareSerial: "SN-1", DeviceID: "box-1", IDSource: "scan"}
		k.ledger.ids["box-1"] = "SN-1"
		expecting(t, f, BatchDevice{Line: 2, DeviceID: "box-2", Label: "L-2"})
		k.on = func(b *Bench, e Event) {
			if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
				_ = b.Scan("box-1", "s1")
				synctest.Wait() // the run has judged it
				_ = b.Scan("L-2", "s1")
			}
		}
		events := k.play()
		wantEnd(t, events, Uncertain, CodeIDDiffers)
		if scans := of[ScanTaken](events); len(scans) == 0 || scans[0].Code != CodeScanForeign {
			t.Errorf("got %+v, want the old label refused", scans)
		}
		if k.bridge.posts != 0 {
			t.Errorf("got %d posts, want none", k.bridge.posts)
		}
	})
}

// A list that knows devices by their labels alone has each of them scanned.
func TestListWithoutSerials(t *testing.T) {
	for _, row := range []struct {
		name string
		want BatchDevice
		id   string
	}{
		{"id and label", BatchDevice{Line: 2, DeviceID: "dev-1", Label: "L-1"}, "dev-1"},
		{"label", BatchDevice{Line: 2, Label: "L-1"}, "L-1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, f := deskKit(t)
				k.cfg.AssignID = nil
				expecting(t, f, row.want, BatchDevice{Line: 3, DeviceID: "dev-2", Label: "L-2"})
				n := 0
				k.on = func(b *Bench, e Event) {
					switch body := e.Body.(type) {
					case ScanWanted:
						if body.Wanted {
							_ = b.Scan("L-9", "s1")
							synctest.Wait() // the run has judged it
							_ = b.Scan("L-1", "s1")
						}
					case RunEnded:
						if n++; n == 1 {
							if err := b.Retry("s1"); err != nil {
								t.Error(err)
							}
						}
					}
				}
				events := k.play()
				list := ends(events)
				if len(list) != 2 {
					t.Fatalf("got %d runs, want 2:\n%s", len(list), show(events))
				}
				checkEnd(t, list[0], Pass, "")
				checkEnd(t, list[1], Skipped, CodeSkipped)
				for _, e := range list {
					if e.DeviceID != row.id {
						t.Errorf("got id %q, want %q", e.DeviceID, row.id)
					}
				}
				changes := of[BatchChanged](events)
				if last := changes[len(changes)-1]; last.Done != 1 {
					t.Errorf("got %d done, want 1", last.Done)
				}
			})
		})
	}
}

// The label of another line is refused where the device's own line is known by the template.
func TestLabelOfAnotherLine(t *testing.T) {
	for _, mode := range []AssignMode{AssignAuto, AssignScan} {
		t.Run(string(mode), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, f := deskKit(t)
				k.cfg.Assign = mode
				expecting(t, f, BatchDevice{Line: 2, DeviceID: "edge-sn-1", Label: "L-1"}, BatchDevice{Line: 3, DeviceID: "edge-sn-2", Label: "L-2"})
				k.on = func(b *Bench, e Event) {
					if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
						_ = b.Scan("L-2", "s1")
						synctest.Wait() // the run has judged it
						_ = b.Scan("L-1", "s1")
					}
				}
				events := k.play()
				if e := wantEnd(t, events, Pass, ""); e.DeviceID != "edge-sn-1" {
					t.Errorf("got id %q, want edge-sn-1", e.DeviceID)
				}
				scans := of[ScanTaken](events)
				if len(scans) != 2 || scans[0].Code != CodeScanWrong || scans[1].Code != "" {
					t.Errorf("got %+v, want a wrong label, then the right one", scans)
				}
			})
		})
	}
}

// A device that is enrolled under another id than the list gives it is held for a person, its PASS on file or not.
func TestListAgainstHeldID(t *testing.T) {
	for _, row := range []struct {
		known bool
		flag  string
	}{{false, ""}, {true, ""}, {true, "edge-sn-1"}} {
		bubble(t, func(t *testing.T) {
			k, f := deskKit(t)
			k.cfg.AssignID, k.cfg.DeviceID = nil, row.flag
			d := k.enrolled(StateSealed)
			if row.known {
				k.knows(d)
			}
			expecting(t, f, BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-7"})
			e := wantEnd(t, k.play(), Uncertain, CodeIDDiffers)
			if e.Params["want"] != "dev-7" || e.Params["device_id"] != "edge-sn-1" {
				t.Errorf("got %v, want both ids", e.Params)
			}
		})
	}
}

// What a list called otherwise than the template stays that device, while the batch is open and after it.
func TestListedDeviceAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		expecting(t, f, BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"})
		n := 0
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				switch n++; n {
				case 2:
					if err := b.CloseBatch(t.Context(), ""); err != nil {
						t.Error(err)
					}
					fallthrough
				case 1:
					if err := b.Retry("s1"); err != nil {
						t.Error(err)
					}
				}
			}
		}
		list := ends(k.play())
		if len(list) != 3 {
			t.Fatalf("got %d runs, want 3", len(list))
		}
		checkEnd(t, list[0], Pass, "")
		for _, e := range list[1:] {
			checkEnd(t, e, Skipped, CodeSkipped)
			if e.DeviceID != "dev-1" {
				t.Errorf("got id %q, want dev-1", e.DeviceID)
			}
		}
	})
}

// An id that was given by hand is held against the open batch, too.
func TestFlagAgainstList(t *testing.T) {
	for _, row := range []struct {
		name    string
		list    BatchDevice
		outcome Outcome
		code    Code
	}{
		{"foreign", BatchDevice{Line: 2, HardwareSerial: "SN-9", DeviceID: "dev-9"}, Fail, CodeBatchForeign},
		{"other id", BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-9"}, Uncertain, CodeIDDiffers},
		{"other hardware", BatchDevice{Line: 2, HardwareSerial: "SN-9", DeviceID: "dev-1"}, Fail, CodeBatchForeign},
		{"expected", BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"}, Pass, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, f := deskKit(t)
				k.cfg.DeviceID = "dev-1"
				expecting(t, f, row.list)
				wantEnd(t, k.play(), row.outcome, row.code)
			})
		})
	}
}

// slowBatches does something while a change is being recorded.
type slowBatches struct {
	*fakeBatches
	meanwhile func()
}

func (s slowBatches) ChangeBatch(ctx context.Context, c BatchStep) error {
	s.meanwhile()
	return s.fakeBatches.ChangeBatch(ctx, c)
}

// No run begins in a batch that is being closed; labels that wait in it wait no longer.
func TestNothingBeginsWhileClosing(t *testing.T) {
	f := &fakeBatches{}
	expecting(t, f, BatchDevice{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L-1"})
	var b *Bench
	began := false
	k, _ := deskKit(t)
	k.bench.Batches = slowBatches{f, func() { _, _, _, began = b.begin(t.Context()) }}
	b = NewBench(k.bench, nil, nil, NewRunner(RunnerConfig{}, nil, nil, nil, nil, fakeWords{}))
	if err := b.carryOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Scan("L-1", ""); err != nil {
		t.Fatal(err)
	}
	if len(b.early) != 1 {
		t.Fatalf("got %d labels that wait, want 1", len(b.early))
	}
	f.fail = ErrConflict
	if err := b.CloseBatch(t.Context(), ""); err == nil {
		t.Error("got nil, want the ledger's refusal")
	}
	if began {
		t.Error("a run began while its batch was being closed")
	}
	if _, _, _, ok := b.begin(t.Context()); !ok {
		t.Error("no run begins in a batch that could not be closed")
	}
	b.running--
	f.fail = nil
	if err := b.CloseBatch(t.Context(), ""); err != nil || began {
		t.Errorf("close: got %v, began %v, want neither", err, began)
	}
	if len(b.early) != 0 {
		t.Errorf("got %d labels that wait for devices of a closed batch, want none", len(b.early))
	}
	if _, _, _, ok := b.begin(t.Context()); !ok {
		t.Error("no run begins after the batch")
	}
}

// Whoever releases a device is never the only one there: with sign-in required, somebody has to be signed in.
func TestOverrideNeedsAnOperator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.bench.SignIn = true
		k.knows(k.enrolled(StateSealed))
		k.port("s1").plug(newFakeDevice("SN-1"))
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case PortSeen:
				if body.Status == "held" {
					_ = b.SignIn("ada")
				}
			case RunEnded:
				_ = b.SignOut()
				wantCode(t, b.Override("s1", "I say so", "PSB:grace"), CodeHeldSignIn)
			}
		}
		wantEnd(t, k.play(), Uncertain, CodeUnknownKey)
	})
}

// A run that was begun before a batch is opened is none of the batch's: it goes by the rules that it began with.
func TestBatchOpenedMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Assign = AssignScan
		k.on = func(b *Bench, e Event) {
			if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
				list := []BatchDevice{{Line: 2, HardwareSerial: "SN-9", DeviceID: "dev-9"}}
				if err := b.OpenBatch(t.Context(), BatchRecord{Batch: "B-8", Digest: make([]byte, 32), Devices: list}); err != nil {
					t.Error(err)
				}
				_ = b.Scan("edge-sn-1", "s1")
			}
		}
		if e := wantEnd(t, k.play(), Pass, ""); e.Batch != "" || e.DeviceID != "edge-sn-1" {
			t.Errorf("got %s of batch %q, want edge-sn-1 of none", e.DeviceID, e.Batch)
		}
	})
}

// Hostile devices that fail under ever new serials are not remembered where no hold counts them.
func TestNoHoldRemembersNothing(t *testing.T) {
	b := NewBench(BenchConfig{}, nil, nil, NewRunner(RunnerConfig{}, nil, nil, nil, nil, fakeWords{}))
	b.roll = newRoll(BatchRecord{Batch: "B", State: BatchOpen})
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range 100 {
		b.counted(RunEnded{Batch: "B", HardwareSerial: itoa(i), Outcome: Fail, Code: CodeClockDevice})
	}
	if n := len(b.roll.serials); n != 0 {
		t.Errorf("got %d serials kept, want none", n)
	}
}

// While one label is judged the next one goes to the next device that waits; the same one read twice goes nowhere else.
func TestScansInQuickSuccession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		k.cfg.Assign, k.cfg.AssignID = AssignScan, nil
		k.add("s2", newFakeDevice("SN-2"))
		release := make(chan struct{})
		k.port("s1").on = holdAt("holding", release) // it is slow to say that it is still there
		wanted := 0
		k.on = func(b *Bench, e Event) {
			if w, ok := e.Body.(ScanWanted); ok && w.Wanted {
				if wanted++; wanted == 2 {
					for _, s := range []string{"box-1", "box-1", "box-2"} {
						if err := b.Scan(s, "s1"); err != nil {
							t.Error(err)
						}
					}
					close(release)
				}
			}
		}
		events := k.play()
		want := map[string]string{"s1": "box-1", "s2": "box-2"}
		for _, e := range ends(events) {
			checkEnd(t, e, Pass, "")
			if e.DeviceID != want[e.Slot] {
				t.Errorf("%s: got id %q, want %q", e.Slot, e.DeviceID, want[e.Slot])
			}
		}
		scans := of[ScanTaken](events)
		if len(scans) != 3 {
			t.Errorf("got %d events for three scans: %+v", len(scans), scans)
		}
		for _, s := range scans {
			if s.Code != "" || s.Slot != map[string]string{"box-1": "s1", "box-2": "s2"}[s.Text] {
				t.Errorf("got %+v, want it at its slot", s)
			}
		}
	})
}

// A run that was told of is on record, however soon the station is ended after it.
func TestRunOnRecordWhenQuitting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		var bench *Bench
		k.on = func(b *Bench, _ Event) { bench = b }
		k.ledger.fail = func(_ context.Context, method string) error {
			if method == "BeginRun" {
				synctest.Wait() // the start was told
				bench.Quit()
			}
			return nil
		}
		wantEnd(t, k.play(), Aborted, CodeAborted)
		if len(k.ledger.runs) != 1 || len(k.ledger.ends) != 1 {
			t.Errorf("got %d runs and %d ends on record, want one of each", len(k.ledger.runs), len(k.ledger.ends))
		}
	})
}

// By template alone, a list that gives another id is not passed by.
func TestTemplateAgainstList(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, f := deskKit(t)
		k.cfg.Assign = AssignTemplate
		expecting(t, f, BatchDevice{HardwareSerial: "SN-1", DeviceID: "dev-0001"})
		wantEnd(t, k.play(), Uncertain, CodeIDDiffers)
		if k.bridge.posts != 0 {
			t.Errorf("got %d posts, want none", k.bridge.posts)
		}
	})
}
