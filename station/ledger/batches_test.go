package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

func lot(name string) station.BatchRecord {
	return station.BatchRecord{
		Tenant: "acme", Batch: name, Station: "bench-1", State: station.BatchOpen, Digest: sum("list", name), OpenedBy: "Ada",
		OpenedAt: t0, Devices: []station.BatchDevice{
			{Line: 2, HardwareSerial: "HW1", DeviceID: "Dev-1", Label: "L1"},
			{Line: 3, HardwareSerial: "HW2"},
			{Line: 5, DeviceID: "dev-3"},
			{Line: 6, Label: "dev-4"},
		},
	}
}

func opened(t testing.TB, l *Ledger, b station.BatchRecord) station.BatchRecord {
	t.Helper()
	got, err := l.OpenBatch(t.Context(), b)
	must(t, err)
	return got
}

// A batch outlives the process that opened it, in the state it was left in.
func TestBatchSurvives(t *testing.T) {
	url, b := newURL(t), lot("lot 7")
	l, err := Open(t.Context(), url, Config{})
	must(t, err)
	diff(t, opened(t, l, b), b)
	diff(t, opened(t, l, b), b) // the same call again
	must(t, l.ChangeBatch(t.Context(), BatchChange{Tenant: "acme", Batch: "lot 7", State: station.BatchHeld, Code: station.CodeBridgeDown, Reason: "five in a row", At: t0.Add(time.Hour)}))
	must(t, l.Close())

	l = openURL(t, url, Config{})
	b.State, b.Code, b.Reason = station.BatchHeld, station.CodeBridgeDown, "five in a row"
	got, err := l.CurrentBatch(t.Context(), "acme", "bench-1")
	must(t, err)
	diff(t, got, b)
	diff(t, opened(t, l, lot("lot 7")), b) // opening it does not lift the hold
	got, err = l.Batch(t.Context(), "acme", "lot 7")
	must(t, err)
	diff(t, got, b)
	for _, none := range [][2]string{{"acme", "bench-2"}, {"globex", "bench-1"}, {"acme", ""}} {
		_, err = l.CurrentBatch(t.Context(), none[0], none[1])
		want(t, err, station.ErrNotFound)
	}
	_, err = l.Batch(t.Context(), "acme", "LOT 7")
	want(t, err, station.ErrNotFound)
}

func TestOpenBatchRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		bend func(*station.BatchRecord)
		want error
	}{
		"no tenant":           {func(b *station.BatchRecord) { b.Tenant = "" }, ErrInvalid},
		"no name":             {func(b *station.BatchRecord) { b.Batch = "" }, ErrInvalid},
		"long name":           {func(b *station.BatchRecord) { b.Batch = strings.Repeat("x", 65) }, ErrInvalid},
		"line break in name":  {func(b *station.BatchRecord) { b.Batch = "a\nb" }, ErrInvalid},
		"bidi sign in name":   {func(b *station.BatchRecord) { b.Batch = "a\u202eb" }, ErrInvalid},
		"secret name":         {func(b *station.BatchRecord) { b.Batch = "privatekey=" + strings.Repeat("A", 43) }, ErrSecret},
		"no station":          {func(b *station.BatchRecord) { b.Station = "" }, ErrInvalid},
		"no digest":           {func(b *station.BatchRecord) { b.Digest = nil }, ErrInvalid},
		"short digest":        {func(b *station.BatchRecord) { b.Digest = b.Digest[:31] }, ErrInvalid},
		"no time":             {func(b *station.BatchRecord) { b.OpenedAt = time.Time{} }, ErrInvalid},
		"no devices":          {func(b *station.BatchRecord) { b.Devices = nil }, ErrInvalid},
		"too many":            {func(b *station.BatchRecord) { b.Devices = make([]station.BatchDevice, BatchMax+1) }, ErrInvalid},
		"nameless line":       {func(b *station.BatchRecord) { b.Devices[1].HardwareSerial = "" }, ErrInvalid},
		"line 0":              {func(b *station.BatchRecord) { b.Devices[1].Line = 0 }, ErrInvalid},
		"line twice":          {func(b *station.BatchRecord) { b.Devices[1].Line = 2 }, ErrInvalid},
		"serial twice":        {func(b *station.BatchRecord) { b.Devices[1].HardwareSerial = "HW1" }, ErrInvalid},
		"id in another case":  {func(b *station.BatchRecord) { b.Devices[2].DeviceID = "DEV-1" }, ErrInvalid},
		"label in other case": {func(b *station.BatchRecord) { b.Devices[3].Label = "l1" }, ErrInvalid},
		"control characters":  {func(b *station.BatchRecord) { b.Devices[2].DeviceID = "a\x1b[2J" }, ErrInvalid},
		"invalid text":        {func(b *station.BatchRecord) { b.Devices[3].Label = "a\xff" }, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			l, b := openNew(t), lot("lot")
			tc.bend(&b)
			_, err := l.OpenBatch(t.Context(), b)
			want(t, err, tc.want)
			if list, err := l.BatchList(t.Context(), b.Tenant); err != nil || len(list) != 0 {
				t.Errorf("got %v, %v, want nothing on file", list, err)
			}
		})
	}
	l, b := openNew(t), lot("lot")
	b.Devices[1].HardwareSerial = "hw1" // hardware serials are told apart by case
	opened(t, l, b)
}

// One batch a station; a name belongs to one list for ever; a closed batch goes on where it was left.
func TestBatchesOfStations(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	opened(t, l, lot("a"))
	_, err := l.OpenBatch(ctx, lot("b"))
	want(t, err, station.ErrBatchOpen)
	if err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("got %v, want the open batch named", err)
	}
	elsewhere := lot("b")
	elsewhere.Station = "bench-2"
	opened(t, l, elsewhere)
	_, err = l.OpenBatch(ctx, lot("b")) // before anything: it is open, and not here
	want(t, err, station.ErrBatchOpen)
	foreign := lot("a")
	foreign.Tenant = "globex"
	opened(t, l, foreign) // another tenant's names are its own, on the same bench
	changed := lot("a")
	changed.Digest = sum("another list")
	_, err = l.OpenBatch(ctx, changed)
	want(t, err, station.ErrConflict)

	must(t, l.ChangeBatch(ctx, BatchChange{Tenant: "acme", Batch: "a", State: station.BatchClosed, Reason: "end of shift", At: t0.Add(time.Hour)}))
	_, err = l.CurrentBatch(ctx, "acme", "bench-1")
	want(t, err, station.ErrNotFound)
	_, err = l.OpenBatch(ctx, changed)
	want(t, err, station.ErrConflict)
	opened(t, l, func() station.BatchRecord {
		c := lot("c")
		c.OpenedAt = t0.Add(2 * time.Hour)
		return c
	}())
	again := lot("a")
	again.OpenedBy, again.OpenedAt = "Eve", t0.Add(3*time.Hour)
	_, err = l.OpenBatch(ctx, again)
	want(t, err, station.ErrBatchOpen)
	again.Station = "bench-3"
	again.Devices = again.Devices[:1] // the list on file is what counts
	got := opened(t, l, again)
	again.Devices = lot("a").Devices
	diff(t, got, again)

	list, err := l.BatchList(ctx, "acme")
	must(t, err)
	var names []string
	for _, b := range list {
		names = append(names, fmt.Sprint(b.Batch, " ", b.Station, " ", b.State, " ", len(b.Devices)))
	}
	diff(t, names, []string{"a bench-3 open 0", "c bench-1 open 0", "b bench-2 open 0"})
	changes, err := l.BatchChanges(ctx, "acme", "a")
	must(t, err)
	diff(t, changes, []BatchChange{
		{Tenant: "acme", Batch: "a", State: station.BatchOpen, By: "Ada", At: t0},
		{Tenant: "acme", Batch: "a", State: station.BatchClosed, Reason: "end of shift", At: t0.Add(time.Hour)},
		{Tenant: "acme", Batch: "a", State: station.BatchOpen, By: "Eve", At: t0.Add(3 * time.Hour)},
	})
}

func TestChangeBatch(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	opened(t, l, lot("a"))
	at := t0
	for i, tc := range []struct {
		c    BatchChange
		rows int // of the history after it
		want error
	}{
		{BatchChange{State: station.BatchPaused, Reason: "coffee", By: "Ada"}, 2, nil},
		{BatchChange{State: station.BatchPaused, Reason: "coffee", By: "Ada"}, 2, nil}, // again
		{BatchChange{State: station.BatchPaused, Reason: "lunch", By: "Ada"}, 3, nil},
		{BatchChange{State: station.BatchOpen, By: "Ada"}, 4, nil},
		{BatchChange{State: station.BatchHeld, Code: station.CodeBrokerName, Reason: "x\x1b[2J"}, 5, nil},
		{BatchChange{State: "lost"}, 5, ErrInvalid},
		{BatchChange{State: ""}, 5, ErrInvalid},
		{BatchChange{Batch: "nobody", State: station.BatchPaused}, 5, station.ErrNotFound},
		{BatchChange{Tenant: "globex", State: station.BatchPaused}, 5, station.ErrNotFound},
		{BatchChange{State: station.BatchClosed, Reason: "done", By: "Ada"}, 6, nil},
		{BatchChange{State: station.BatchClosed, Reason: "done", By: "Ada"}, 6, nil}, // again
		{BatchChange{State: station.BatchOpen}, 6, ErrConflict},
		{BatchChange{State: station.BatchPaused}, 6, ErrConflict},
	} {
		at = at.Add(time.Minute)
		c := tc.c
		c.At = at
		if c.Tenant == "" {
			c.Tenant = "acme"
		}
		if c.Batch == "" {
			c.Batch = "a"
		}
		if err := l.ChangeBatch(ctx, c); !errors.Is(err, tc.want) {
			t.Errorf("step %d: got %v, want %v", i, err, tc.want)
		}
		rows, err := l.BatchChanges(ctx, "acme", "a")
		must(t, err)
		if len(rows) != tc.rows {
			t.Errorf("step %d: got %d rows of history, want %d", i, len(rows), tc.rows)
		}
	}
	want(t, l.ChangeBatch(ctx, BatchChange{Tenant: "acme", Batch: "a", State: station.BatchOpen}), ErrInvalid)
	b, err := l.Batch(ctx, "acme", "a")
	must(t, err)
	if b.State != station.BatchClosed || b.Reason != "done" || b.ClosedAt.IsZero() {
		t.Errorf("got %s %q %s, want it closed", b.State, b.Reason, b.ClosedAt)
	}
	rows, err := l.BatchChanges(ctx, "acme", "a")
	must(t, err)
	if rows[4].Reason != "x\uFFFD[2J" {
		t.Errorf("reason: got %q, want its control character replaced", rows[4].Reason)
	}
}

// Done is what a run of this batch ended well for, and that device only.
func TestBatchDone(t *testing.T) {
	for name, tc := range map[string]struct {
		serial, id, batch, tenant string
		outcome                   station.Outcome
		want                      []int // lines
	}{
		"serial and id":           {"HW1", "dev-1", "lot", "acme", station.Skipped, []int{2}},
		"serial alone":            {"HW2", "any", "lot", "acme", station.Skipped, []int{3}},
		"id alone":                {"HW9", "DEV-3", "lot", "acme", station.Skipped, []int{5}},
		"id that is the label":    {"HW9", "dev-4", "lot", "acme", station.Skipped, []int{6}},
		"id not known":            {"HW1", "", "lot", "acme", station.Skipped, []int{2}},
		"two lines":               {"HW2", "dev-3", "lot", "acme", station.Skipped, []int{3, 5}},
		"passed":                  {"HW2", "any", "lot", "acme", station.Pass, []int{3}},
		"right id, wrong serial":  {"HW9", "dev-1", "lot", "acme", station.Skipped, nil},
		"right serial, wrong id":  {"HW1", "dev-9", "lot", "acme", station.Skipped, nil},
		"serial in another case":  {"hw2", "any", "lot", "acme", station.Skipped, nil},
		"a label beside an id":    {"HW9", "L1", "lot", "acme", station.Skipped, nil},
		"another batch":           {"HW2", "any", "lot2", "acme", station.Skipped, nil},
		"no batch":                {"HW2", "any", "", "acme", station.Skipped, nil},
		"another tenant":          {"HW2", "any", "lot", "globex", station.Skipped, nil},
		"failed":                  {"HW2", "any", "lot", "acme", station.Fail, nil},
		"installed, not proven":   {"HW2", "any", "lot", "acme", station.Installed, nil},
		"uncertain":               {"HW2", "any", "lot", "acme", station.Uncertain, nil},
		"in flight":               {"HW2", "any", "lot", "acme", "", nil},
		"nothing known of device": {"", "", "lot", "acme", station.Skipped, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx := openNew(t), t.Context()
			opened(t, l, lot("lot"))
			d := dev(tc.serial)
			d.id, d.tenant = tc.id, tc.tenant
			s := d.start()
			s.Batch = tc.batch
			must(t, l.BeginRun(ctx, s))
			if tc.serial != "" {
				_, err := l.IdentifyRun(ctx, d.run, d.observed())
				must(t, err)
			}
			if tc.outcome == station.Pass {
				must(t, l.BindDevice(ctx, d.binding()))
				must(t, l.SaveProof(ctx, d.proof()))
			}
			if tc.outcome != "" {
				must(t, l.FinishRun(ctx, d.finish(tc.outcome)))
			}
			b, err := l.CurrentBatch(ctx, "acme", "bench-1")
			must(t, err)
			var done []int
			for _, d := range b.Devices {
				if d.Done {
					done = append(done, d.Line)
				}
			}
			diff(t, done, tc.want)
		})
	}
}

// Of several who open a batch at one station at once, one does.
func TestOpenBatchRace(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	const n = 16
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = l.OpenBatch(ctx, lot(fmt.Sprint("lot-", i))) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			want(t, err, station.ErrBatchOpen)
		}
	}
	list, err := l.BatchList(ctx, "acme")
	must(t, err)
	if won != 1 || len(list) != 1 {
		t.Errorf("got %d openings, %d batches, want 1 each", won, len(list))
	}
}

func largeLot(n int) station.BatchRecord {
	b := lot("large")
	b.Devices = make([]station.BatchDevice, n)
	for i := range b.Devices {
		b.Devices[i] = station.BatchDevice{
			Line: i + 2, HardwareSerial: fmt.Sprintf("HW-%05d", i), DeviceID: fmt.Sprintf("dev-%05d", i),
			Label: fmt.Sprintf("(01)04012345678901(21)%05d", i),
		}
	}
	return b
}

func TestLargeBatch(t *testing.T) {
	l, b := openNew(t), largeLot(largeBatch)
	begin := time.Now()
	got := opened(t, l, b)
	took := time.Since(begin)
	if len(got.Devices) != largeBatch {
		t.Errorf("got %d devices, want %d", len(got.Devices), largeBatch)
	}
	must(t, l.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		_, err := tx.exec(ctx, `INSERT INTO runs (run, tenant, site, station, station_id, operator, batch, profile, slot, port,
			version, config_digest, started_at, utc_offset, requested_device_id, requested_key_type, requested_reenroll,
			hardware_serial, attempt, device_id, device_id_fold, outcome, ended_at)
			SELECT 'run-' || line, tenant, '', 's', 's', '', batch, '', '', '', '', '', line, 0, '', '', 0, hardware_serial, 1,
			device_id, device_id_fold, 'SKIPPED', line FROM batch_devices WHERE line % 2 = 0`)
		return err
	}))
	begin = time.Now()
	got, err := l.CurrentBatch(t.Context(), "acme", "bench-1")
	must(t, err)
	read, done := time.Since(begin), 0
	for _, d := range got.Devices {
		if d.Done != (d.Line%2 == 0) {
			t.Fatalf("line %d: got done %t, want %t", d.Line, d.Done, !d.Done)
		}
		if d.Done {
			done++
		}
	}
	t.Logf("%d devices: opened in %s, read with %d done in %s", largeBatch, took, done, read)
	small := largeLot(largeBatch / 20)
	small.Batch, small.Station = "small", "bench-2"
	begin = time.Now()
	opened(t, l, small)
	if one := time.Since(begin) / (largeBatch / 20); took/largeBatch > 5*one {
		t.Errorf("got %s a device of a large list, %s of a small one, want a time that grows with the list alone", took/largeBatch, one)
	}
}

// A disk that fills up in the middle of a list leaves no half list behind.
func TestBatchWithoutSpace(t *testing.T) {
	l, ctx := openAt(t, filepath.Join(t.TempDir(), "l.db"), Config{maxPages: 150}), t.Context()
	_, err := l.OpenBatch(ctx, largeLot(5_000))
	want(t, err, ErrFull)
	list, err := l.BatchList(ctx, "acme")
	must(t, err)
	_, err = l.CurrentBatch(ctx, "acme", "bench-1")
	want(t, err, station.ErrNotFound)
	if len(list) != 0 {
		t.Errorf("got %+v, want no batch", list)
	}
	opened(t, l, lot("large"))
}
