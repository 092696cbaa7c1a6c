package station

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"
)

// fakeJournal is the journal of a fakeLedger.
type fakeJournal struct {
	intents     []Intent
	results     map[string]IntentResult // by intent's id
	refused     map[string]Code         // by fingerprint
	interrupted int                     // what EndInterrupted says
}

// results of the intents of one kind, in order; "" is an open one.
func (l *fakeLedger) came(kind IntentKind) (list []IntentResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, in := range l.intents {
		if in.Kind == kind {
			list = append(list, l.results[in.ID])
		}
	}
	return list
}

func (l *fakeLedger) Intend(ctx context.Context, in Intent) error {
	end, err := l.begin(ctx, "Intend")
	if err != nil {
		return err
	}
	defer end()
	l.intend(in)
	return nil
}

func (l *fakeLedger) intend(in Intent) {
	if !slices.ContainsFunc(l.intents, func(have Intent) bool { return have.ID == in.ID }) {
		l.intents = append(l.intents, in)
	}
}

func (l *fakeLedger) Done(ctx context.Context, id string, r IntentResult) error {
	end, err := l.begin(ctx, "Done")
	if err != nil {
		return err
	}
	defer end()
	l.done(map[string]IntentResult{id: r})
	return nil
}

func (l *fakeLedger) done(results map[string]IntentResult) {
	if l.results == nil {
		l.results = map[string]IntentResult{}
	}
	maps.Copy(l.results, results)
}

func (l *fakeLedger) OpenIntents(ctx context.Context, _, serial string) (list []Intent, err error) {
	end, err := l.begin(ctx, "OpenIntents")
	if err != nil {
		return nil, err
	}
	defer end()
	for _, in := range l.intents {
		if in.HardwareSerial == serial && l.results[in.ID] == "" {
			list = append(list, in)
		}
	}
	return list, nil
}

func (l *fakeLedger) RefuseCertificate(ctx context.Context, r Refusal) error {
	end, err := l.begin(ctx, "RefuseCertificate")
	if err != nil {
		return err
	}
	defer end()
	if !slices.ContainsFunc(l.certs, func(c CertRecord) bool { return bytes.Equal(c.Fingerprint, r.Fingerprint) }) {
		return ErrNotFound
	}
	if l.refused == nil {
		l.refused = map[string]Code{}
	}
	if l.refused[string(r.Fingerprint)] == "" {
		l.refused[string(r.Fingerprint)] = r.Code
	}
	return nil
}

func (l *fakeLedger) EndInterrupted(ctx context.Context, _ string, _ time.Time) (int, error) {
	end, err := l.begin(ctx, "EndInterrupted")
	if err != nil {
		return 0, err
	}
	defer end()
	return l.interrupted, nil
}

// failNth lets the n-th call of a method fail, and failOnce the first.
func (l *fakeLedger) failNth(method string, n int) {
	l.fail = func(_ context.Context, called string) error {
		if called != method {
			return nil
		}
		if n--; n == 0 {
			return errDisk
		}
		return nil
	}
}

func (l *fakeLedger) failOnce(method string) { l.failNth(method, 1) }
