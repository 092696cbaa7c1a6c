package main

import (
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/ledger"
)

// reportMark is in the name of every file that the station writes into the batch folder: none of them is a list.
const reportMark = "-report"

// timedRuns is how many of the newest runs the times of the phases are taken of.
const timedRuns = 512

// batchReport makes a batch's report from the records.
func batchReport(ctx context.Context, l *ledger.Ledger, tenant, name string, now time.Time) (batch.Report, error) {
	rec, err := l.Batch(ctx, tenant, name)
	if err != nil {
		return batch.Report{}, err
	}
	changes, err := l.BatchChanges(ctx, tenant, name)
	if err != nil {
		return batch.Report{}, err
	}
	var states []batch.StateChange
	for _, c := range changes {
		states = append(states, batch.StateChange{State: c.State, By: c.By, Code: c.Code, Reason: c.Reason, At: c.At})
	}
	var runs []batch.RunResult
	f := ledger.Filter{Tenant: tenant, Batch: name, Limit: ledger.PageMax}
	for {
		rows, err := l.Runs(ctx, f)
		if err != nil {
			return batch.Report{}, err
		}
		for _, r := range rows { // newest first
			d := ledger.RunDetail{RunRow: r}
			if len(runs) < timedRuns {
				if d, err = l.Run(ctx, r.Run); err != nil {
					return batch.Report{}, err
				}
			}
			runs = append(runs, runResult(d))
		}
		if len(rows) < ledger.PageMax {
			return batch.Replay(rec, states, runs, now), nil
		}
		f.After = rows[len(rows)-1].Run
	}
}

func runResult(d ledger.RunDetail) batch.RunResult {
	r := batch.RunResult{
		End: station.RunEnded{
			Run: d.Run, Attempt: d.Attempt, Slot: d.Slot, Port: d.Port, Outcome: d.Outcome, Proof: d.Proof, Phase: d.Phase,
			Code: d.Code, DeviceID: d.DeviceID, HardwareSerial: d.HardwareSerial, CertFingerprint: hexText(d.Leaf), Batch: d.Batch,
			ElapsedMS: d.Elapsed.Milliseconds(),
		},
		StartedAt: d.StartedAt, EndedAt: d.EndedAt, Phases: d.Phases,
	}
	if !d.NotAfter.IsZero() {
		at := d.NotAfter
		r.End.NotAfter = &at
	}
	return r
}

// CloseBatch closes the open batch and writes its report, as text and as CSV.
func (o *office) CloseBatch(ctx context.Context, reason string) (string, error) {
	name, err := o.openBatch(ctx)
	if err != nil {
		return "", err
	}
	if err := o.bench.CloseBatch(ctx, reason); err != nil {
		return "", err
	}
	return o.writeReport(ctx, name)
}

func (o *office) openBatch(ctx context.Context) (string, error) {
	rec, err := o.bench.history.batches().CurrentBatch(ctx, o.bench.config.Station.Tenant, o.bench.config.Station.Name)
	if err != nil {
		return "", &station.Fault{Code: station.CodeBatchNone, Err: err}
	}
	return rec.Batch, nil
}

// writeReport writes the report of a batch and says where its text is; the CSV lies beside it.
func (o *office) writeReport(ctx context.Context, name string) (string, error) {
	r, err := batchReport(ctx, o.bench.history.records(), o.bench.config.Station.Tenant, name, time.Now())
	if err != nil {
		return "", err
	}
	file := fileName(name) + reportMark
	if _, err := o.write(file+".csv", r.CSV); err != nil {
		return "", err
	}
	return o.write(file+".md", func(w io.Writer) error {
		_, err := io.WriteString(w, r.Markdown(pairs(o.bench.Words.Text)))
		return err
	})
}

// fileName makes a batch's name fit for a file: what no system refuses.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, name)
	return cmp.Or(strings.TrimLeft(name, "."), "batch")
}

// pairs is a catalogue that takes parameters as name and value in turn.
func pairs(text func(key string, params map[string]string) string) func(key string, pairs ...string) string {
	return func(key string, kv ...string) string {
		params := make(map[string]string, len(kv)/2)
		for i := 0; i+1 < len(kv); i += 2 {
			params[kv[i]] = kv[i+1]
		}
		return text(key, params)
	}
}
