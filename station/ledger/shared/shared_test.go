package shared_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
	"provstation/station/stationtest"
)

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func sum(parts ...string) []byte {
	s := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return s[:]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got %v, want nil", err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

// bench is a station on a shared ledger.
type bench struct {
	*shared.Ledger
	id, dir string
	news    chan station.LedgerNews
}

// openBench opens a station's ledger. The same id in the same folder is the station after a restart.
func openBench(t *testing.T, id, dir, url string, bend func(*shared.Config)) *bench {
	t.Helper()
	key := sha256.Sum256([]byte(id))
	signer, err := audit.NewSigner(ed25519.NewKeyFromSeed(key[:]))
	must(t, err)
	chain := func(heads string) ledger.AuditConfig {
		return ledger.AuditConfig{StationID: id, Tenant: "acme", Signer: signer, Heads: filepath.Join(dir, heads)}
	}
	local, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(dir, "own.db"), ledger.Config{Outbox: true})
	must(t, err)
	_, err = local.StartAudit(t.Context(), chain("heads.log"))
	must(t, err)
	cfg := shared.Config{StationID: id, Tenant: "acme", Lease: time.Minute, ClaimWait: 20 * time.Second, AnswerWait: 20 * time.Second}
	if bend != nil {
		bend(&cfg)
	}
	l, err := shared.New(t.Context(), local, func(ctx context.Context) (*ledger.Ledger, error) {
		s, err := ledger.Open(ctx, url, ledger.Config{Timeout: 5 * time.Second})
		if err != nil {
			return nil, err
		}
		if _, err := s.StartAudit(ctx, chain("heads-shared.log")); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		return s, nil
	}, cfg)
	must(t, err)
	b := &bench{Ledger: l, id: id, dir: dir, news: make(chan station.LedgerNews, 100)}
	b.Follow(func(n station.LedgerNews) { b.news <- n })
	return b
}

func (b *bench) close(t *testing.T) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Errorf("close %s: got %v, want nil", b.id, err)
	}
}

// await waits for news that fit.
func (b *bench) await(t *testing.T, fits func(station.LedgerNews) bool) station.LedgerNews {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case n := <-b.news:
			if fits(n) {
				return n
			}
		case <-late:
			t.Fatalf("%s: no such news in a minute", b.id)
		}
	}
}

func standing(status string) func(station.LedgerNews) bool {
	return func(n station.LedgerNews) bool {
		l, ok := n.(station.LedgerChanged)
		return ok && l.Status == status
	}
}

// device is one device in one run.
type device struct {
	run, post, serial, id string
	spki, der, leaf       []byte
}

func dev(serial string) *device {
	d := &device{run: newID(), post: newID(), serial: serial, id: "dev-" + serial, spki: sum("key of", serial)}
	d.der = append([]byte{0x30, 0x82}, "leaf of "+serial+d.run...)
	s := sha256.Sum256(d.der)
	d.leaf = s[:]
	return d
}

func (d *device) begin(ctx context.Context, b *bench) error {
	err := b.BeginRun(ctx, station.RunStart{
		Run: d.run, Tenant: "acme", Station: "bench " + b.id, StationID: b.id, Slot: "1", Port: "/dev/x", StartedAt: time.Now().UTC(),
	})
	if err == nil {
		_, err = b.IdentifyRun(ctx, d.run, station.Observed{Tenant: "acme", HardwareSerial: d.serial, State: station.StateEmpty})
	}
	return err
}

func (d *device) claim(ctx context.Context, b *bench) error {
	if err := d.begin(ctx, b); err != nil {
		return err
	}
	return b.Claim(ctx, d.run, "acme", d.serial)
}

func (d *device) bind(ctx context.Context, b *bench) error {
	return b.BindDevice(ctx, station.Binding{
		Run: d.run, Tenant: "acme", HardwareSerial: d.serial, DeviceID: d.id, Source: "template", At: time.Now().UTC(),
	})
}

func (d *device) key(ctx context.Context, b *bench) error {
	return b.BindKey(ctx, station.KeyRecord{
		Run: d.run, Tenant: "acme", HardwareSerial: d.serial, DeviceID: d.id, SPKI: d.spki, KeyType: "P-256", KeyStore: "flash",
		CSRDigest: sum("csr", d.serial), At: time.Now().UTC(),
	})
}

func (d *device) posted(ctx context.Context, b *bench) error {
	return b.PostBegun(ctx, station.Post{
		ID: d.post, Run: d.run, Tenant: "acme", DeviceID: d.id, SPKI: d.spki, Contract: station.ContractDeployed, At: time.Now().UTC(),
	})
}

func (d *device) issued(ctx context.Context, b *bench) error {
	return b.SaveCertificate(ctx, station.CertRecord{
		Run: d.run, PostID: d.post, Tenant: "acme", DeviceID: d.id, HardwareSerial: d.serial, SPKI: d.spki, Fingerprint: d.leaf,
		CertSerial: fmt.Sprintf("%x", d.leaf[:8]), NotBefore: t0, NotAfter: t0.Add(time.Hour), Leaf: d.der,
		Contract: station.ContractDeployed, ReceivedAt: time.Now().UTC(),
	})
}

func (d *device) proven(ctx context.Context, b *bench) error {
	return b.SaveProof(ctx, station.ProofRecord{
		Run: d.run, Tenant: "acme", HardwareSerial: d.serial, DeviceID: d.id, SPKI: d.spki, Leaf: d.leaf, Proof: station.BrokerAcked,
		At: time.Now().UTC(),
	})
}

func (d *device) finish(ctx context.Context, b *bench, o station.Outcome) error {
	f := station.RunFinish{
		Run: d.run, Tenant: "acme", HardwareSerial: d.serial, DeviceID: d.id, Outcome: o, SPKI: d.spki, Leaf: d.leaf,
		EndedAt: time.Now().UTC(),
	}
	if o == station.Pass {
		f.Proof = station.BrokerAcked
	}
	err := b.FinishRun(ctx, f)
	b.Release(ctx, d.run)
	return err
}

// enroll is the run from its claim to its end.
func (d *device) enroll(ctx context.Context, b *bench) error {
	for _, step := range []func(context.Context, *bench) error{d.claim, d.bind, d.key, d.posted, d.issued, d.proven} {
		if err := step(ctx, b); err != nil {
			return err
		}
	}
	return d.finish(ctx, b, station.Pass)
}

// TestShared runs each of the tests on a database of its own. They kill the server, so they come one after the other.
func TestShared(t *testing.T) {
	server := stationtest.StartPostgres(t)
	for name, test := range map[string]func(*testing.T, *stationtest.Postgres, string){
		"TwoBenches":       twoBenches,
		"OwnFileOutOfDate": ownFileOutOfDate,
		"DatabaseLost":     databaseLost,
		"LeaseRunsOut":     leaseRunsOut,
		"DuplicateAlarm":   duplicateAlarm,
		"Alone":            alone,
		"RestartGivesBack": restartGivesBack,
		"SharedBatches":    sharedBatches,
		"RevokedWhileAway": revokedWhileAway,
		"RevokedByAnother": revokedByAnother,
		"SharedRetirement": sharedRetirement,
		"RetireAlone":      retireAlone,
	} {
		t.Run(name, func(t *testing.T) { test(t, server, stationtest.NewDatabase(t, server.URL, "")) })
	}
}

// Two benches: a device is one station's at a time, the other waits for it without asking again and again, and finds all that
// the first one wrote.
func twoBenches(t *testing.T, _ *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, nil), openBench(t, "st-b", t.TempDir(), url, nil)
	defer a.close(t)
	defer b.close(t)
	first := dev("HW-1")
	must(t, first.claim(ctx, a))
	second := dev("HW-1")
	waiting := make(chan error, 1)
	go func() { waiting <- second.claim(ctx, b) }()
	for _, step := range []func(context.Context, *bench) error{first.bind, first.key, first.posted, first.issued, first.proven} {
		must(t, step(ctx, a))
		select {
		case err := <-waiting:
			t.Fatalf("the other bench has the device (%v) while a run works on it", err)
		default:
		}
	}
	must(t, first.finish(ctx, a, station.Pass))
	must(t, <-waiting)
	pass, err := b.Passed(ctx, "acme", "HW-1", first.spki, first.leaf)
	must(t, err)
	if pass.Run != first.run {
		t.Errorf("PASS at the other bench: got run %s, want %s", pass.Run, first.run)
	}
	certs, err := b.Certificates(ctx, "acme", first.spki)
	must(t, err)
	if len(certs) != 1 {
		t.Errorf("certificates at the other bench: got %d, want 1", len(certs))
	}
	attempt, err := b.IdentifyRun(ctx, second.run, station.Observed{Tenant: "acme", HardwareSerial: "HW-1", State: station.StateEmpty})
	must(t, err)
	if attempt != 2 {
		t.Errorf("attempt: got %d, want 2: the other bench's counts", attempt)
	}

	// The id is the first one's, also for the bench that has never seen it.
	other := dev("HW-2")
	other.id = first.id
	must(t, other.claim(ctx, b))
	want(t, other.bind(ctx, b), station.ErrDeviceIDTaken)
	own, err := b.Local().Device(ctx, "acme", "HW-2")
	must(t, err)
	if own.DeviceID != "" {
		t.Errorf("the refused id in the own file: got %q, want none", own.DeviceID)
	}
	other.id, other.spki = "dev-HW-2", first.spki
	must(t, other.bind(ctx, b))
	want(t, other.key(ctx, b), station.ErrKeyTaken)
	must(t, other.finish(ctx, b, station.Fail))
	must(t, second.finish(ctx, b, station.Aborted))
	s, err := b.Server(ctx)
	must(t, err)
	dup, err := s.Duplicates(ctx, ledger.DuplicateFilter{})
	must(t, err)
	if len(dup) != 0 {
		t.Errorf("duplicates: got %v, want none: whoever was refused did not go on", dup)
	}
}

// What another station mended counts, whatever the own file says.
func ownFileOutOfDate(t *testing.T, _ *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, nil), openBench(t, "st-b", t.TempDir(), url, nil)
	defer a.close(t)
	defer b.close(t)
	wrong := dev("HW-1")
	wrong.id = "box-7"
	must(t, wrong.claim(ctx, a))
	must(t, wrong.bind(ctx, a)) // a mistaken scan; nothing was issued
	must(t, wrong.finish(ctx, a, station.Aborted))
	mended := dev("HW-1")
	mended.id = "box-8"
	must(t, mended.claim(ctx, b))
	must(t, mended.bind(ctx, b))
	must(t, mended.finish(ctx, b, station.Aborted))
	right := dev("HW-2")
	right.id = "box-7"
	must(t, right.enroll(ctx, a)) // whose file says that HW-1 has it
	got, err := a.Device(ctx, "acme", "HW-2")
	must(t, err)
	if got.DeviceID != "box-7" || string(got.SPKI) != string(right.spki) {
		t.Errorf("got %+v, want HW-2 passed as box-7", got)
	}
}

// The database is lost in the middle: what is in work is finished, what is not does not begin, and all of it is there later.
func databaseLost(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	dir := t.TempDir()
	a := openBench(t, "st-a", dir, url, func(c *shared.Config) { c.AnswerWait = 5 * time.Second })
	inWork, unbound := dev("HW-1"), dev("HW-2")
	must(t, inWork.claim(ctx, a))
	must(t, inWork.bind(ctx, a))
	must(t, unbound.claim(ctx, a))
	server.Kill()
	a.await(t, standing(station.LedgerAway))

	for _, step := range []func(context.Context, *bench) error{inWork.key, inWork.posted, inWork.issued, inWork.proven} {
		must(t, step(ctx, a))
	}
	must(t, inWork.finish(ctx, a, station.Pass))
	want(t, unbound.bind(ctx, a), station.ErrLedgerAway) // nobody knows whose the id is
	must(t, unbound.finish(ctx, a, station.Error))
	fresh := dev("HW-3")
	want(t, fresh.claim(ctx, a), station.ErrLedgerAway)
	must(t, fresh.finish(ctx, a, station.Error))
	if _, err := a.Device(ctx, "acme", "HW-1"); !errors.Is(err, station.ErrLedgerAway) {
		t.Errorf("look a device up: got %v, want %v", err, station.ErrLedgerAway)
	}
	if _, err := a.Local().Passed(ctx, "acme", "HW-1", inWork.spki, inWork.leaf); err != nil {
		t.Errorf("PASS in the own file: got %v, want it", err)
	}
	told, _ := a.await(t, func(n station.LedgerNews) bool {
		l, ok := n.(station.LedgerChanged)
		return ok && l.Status == station.LedgerAway && l.Waiting > 0
	}).(station.LedgerChanged)
	if told.Since == nil {
		t.Errorf("told %+v, want since when records wait", told)
	}
	a.close(t) // and the station is switched off, too

	a = openBench(t, "st-a", dir, url, nil)
	defer a.close(t)
	if now := a.Standing(); now.Status != station.LedgerAway || now.Waiting == 0 {
		t.Errorf("standing after the restart: got %+v, want it away with records that wait", now)
	}
	waited := a.Standing().Waiting
	server.Restart()
	told, _ = a.await(t, func(n station.LedgerNews) bool {
		l, ok := n.(station.LedgerChanged)
		return ok && l.HandedOver > 0
	}).(station.LedgerChanged)
	if told.Status != station.LedgerShared || told.HandedOver != waited || told.Waiting != 0 {
		t.Errorf("told %+v, want it shared and %d handed over", told, waited)
	}
	must(t, a.Flush(ctx))
	s, err := a.Server(ctx)
	must(t, err)
	for _, d := range []*device{inWork, unbound, fresh} {
		here, err := a.Local().Run(ctx, d.run)
		must(t, err)
		there, err := s.Run(ctx, d.run)
		must(t, err)
		if there.Outcome != here.Outcome || len(there.Certificates) != len(here.Certificates) || len(there.Proofs) != len(here.Proofs) {
			t.Errorf("%s: got %s with %d certificates in the database, want %s with %d", d.serial, there.Outcome,
				len(there.Certificates), here.Outcome, len(here.Certificates))
		}
	}
	if n, _, err := a.Local().Waiting(ctx); err != nil || n != 0 {
		t.Errorf("outbox: got %d (%v), want it empty", n, err)
	}
	_, err = s.Lease(ctx, "acme", "HW-1")
	want(t, err, station.ErrNotFound) // given back
	must(t, dev("HW-3").enroll(ctx, a))
}

// Without word from the database for longer than the lease nothing more is asked for or sealed.
func leaseRunsOut(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	a := openBench(t, "st-a", t.TempDir(), url, func(c *shared.Config) {
		c.Lease, c.AnswerWait = 300*time.Millisecond, 2*time.Second
	})
	defer a.close(t)
	d := dev("HW-1")
	must(t, d.claim(ctx, a))
	must(t, d.bind(ctx, a))
	must(t, d.key(ctx, a))
	server.Kill()
	a.await(t, standing(station.LedgerAway))
	deadline := time.NewTimer(350 * time.Millisecond) // of the lease: there is nothing else to wait for
	<-deadline.C
	want(t, d.posted(ctx, a), station.ErrLeaseLost)
	rec, err := a.Local().Run(ctx, d.run)
	must(t, err)
	if len(rec.Posts) != 1 || rec.Posts[0].State != ledger.PostNotIssued {
		t.Errorf("posts: got %+v, want one after which nothing was issued", rec.Posts)
	}
	must(t, d.finish(ctx, a, station.Error))
	server.Restart()
	a.await(t, standing(station.LedgerShared))
	must(t, a.Flush(ctx))
	s, err := a.Server(ctx)
	must(t, err)
	if dup, err := s.Duplicates(ctx, ledger.DuplicateFilter{}); err != nil || len(dup) != 0 {
		t.Errorf("duplicates: got %v (%v), want none", dup, err)
	}
	must(t, dev("HW-1").enroll(ctx, a))
}

// Two stations without the database give one key to two devices: both records stay, both stations are told, and both devices
// are held until somebody decides.
func duplicateAlarm(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, nil), openBench(t, "st-b", t.TempDir(), url, nil)
	defer b.close(t)
	one, two := dev("HW-1"), dev("HW-2")
	two.spki = one.spki
	benches := map[*device]*bench{one: a, two: b}
	for d, at := range benches {
		must(t, d.claim(ctx, at))
		must(t, d.bind(ctx, at))
	}
	server.Kill()
	for d, at := range benches {
		at.await(t, standing(station.LedgerAway))
		for _, step := range []func(context.Context, *bench) error{d.key, d.posted, d.issued, d.proven} {
			must(t, step(ctx, at))
		}
		must(t, d.finish(ctx, at, station.Pass))
	}
	server.Restart()
	duplicate := func(n station.LedgerNews) bool { _, ok := n.(station.DuplicateFound); return ok }
	for _, at := range benches {
		n, _ := at.await(t, duplicate).(station.DuplicateFound)
		if n.Kind != "key" || !slices.Contains([]string{n.HardwareSerial, n.OtherSerial}, "HW-1") ||
			!slices.Contains([]string{n.HardwareSerial, n.OtherSerial}, "HW-2") || n.Station == n.OtherStation {
			t.Errorf("%s is told %+v, want the key of HW-1 and HW-2 at two stations", at.id, n)
		}
		if n.StationName != "bench "+n.Station || n.OtherName != "bench "+n.OtherStation {
			t.Errorf("%s is told of %q and %q, want the stations' names", at.id, n.StationName, n.OtherName)
		}
	}
	for d, at := range benches {
		held, err := at.Contradictions(ctx, "acme", d.serial)
		must(t, err)
		if len(held) != 1 {
			t.Errorf("%s: got %d contradictions, want 1", d.serial, len(held))
		}
		kept, err := at.Local().Duplicates(ctx, ledger.DuplicateFilter{})
		must(t, err)
		if len(kept) != 1 {
			t.Errorf("%s: got %d duplicates in its own file, want 1", at.id, len(kept))
		}
	}
	// It is told again when the station starts, as long as nobody has decided.
	dir := a.dir
	a.close(t)
	a = openBench(t, "st-a", dir, url, nil)
	a.await(t, duplicate)
	a = decided(t, a, one, url)
	defer a.close(t)
	s, err := a.Server(ctx)
	must(t, err)
	for _, d := range []*device{one, two} {
		rec, err := s.Run(ctx, d.run)
		must(t, err)
		if rec.Outcome != station.Pass || len(rec.Certificates) != 1 {
			t.Errorf("%s: got %s with %d certificates, want PASS with one", d.serial, rec.Outcome, len(rec.Certificates))
		}
	}
}

// decided has somebody decide about the device, and starts the station again: nothing is told of it any more, although its
// own file, which has the duplicate, does not have the decision.
func decided(t *testing.T, a *bench, d *device, url string) *bench {
	ctx := t.Context()
	again := dev(d.serial)
	must(t, again.begin(ctx, a))
	must(t, a.FinishRun(ctx, station.RunFinish{
		Run: again.run, Tenant: "acme", HardwareSerial: d.serial, Outcome: station.Uncertain, Code: station.CodeDuplicate,
		EndedAt: time.Now().UTC(),
	}))
	s, err := a.Server(ctx)
	must(t, err)
	_, err = s.Resolve(ctx, station.Resolution{
		Run: again.run, Tenant: "acme", Decision: station.DecisionIgnore, Reason: "looked at both", By: "Ada",
	})
	must(t, err)
	a.close(t)
	a = openBench(t, a.id, a.dir, url, nil)
	a.await(t, standing(station.LedgerShared))
	must(t, a.Flush(ctx))
	for {
		select {
		case n := <-a.news:
			if _, ok := n.(station.DuplicateFound); ok {
				t.Errorf("told of %+v, want nothing of what was decided", n)
			}
		default:
			return a
		}
	}
}

// Requests that were collected without a network are told later; an id that another station gave away meanwhile comes out.
func alone(t *testing.T, _ *stationtest.Postgres, url string) {
	ctx := t.Context()
	dir := t.TempDir()
	a := openBench(t, "st-a", dir, "postgres:///nowhere?host=/nonexistent", func(c *shared.Config) { c.Alone = true })
	d := dev("HW-1")
	d.id = "box-7"
	must(t, d.claim(ctx, a))
	must(t, d.bind(ctx, a))
	must(t, d.key(ctx, a))
	must(t, d.finish(ctx, a, station.Collected))
	a.close(t)

	b := openBench(t, "st-b", t.TempDir(), url, nil)
	defer b.close(t)
	other := dev("HW-2")
	other.id = "box-7"
	must(t, other.enroll(ctx, b))
	a = openBench(t, "st-a", dir, url, nil)
	defer a.close(t)
	must(t, a.Flush(ctx))
	held, err := a.Contradictions(ctx, "acme", "HW-1")
	must(t, err)
	if len(held) != 1 || held[0].Kind != "device-id" || held[0].OtherSerial != "HW-2" {
		t.Errorf("contradictions of the collected device: got %+v, want its id, which HW-2 has", held)
	}
}

// A station that is killed and started again has its own devices at once; the others have them when it says so.
func restartGivesBack(t *testing.T, _ *stationtest.Postgres, url string) {
	ctx := t.Context()
	dir := t.TempDir()
	a := openBench(t, "st-a", dir, url, nil)
	d := dev("HW-1")
	must(t, d.claim(ctx, a))
	must(t, d.bind(ctx, a))
	a.close(t) // without an end of its run: what a killed process leaves
	b := openBench(t, "st-b", t.TempDir(), url, func(c *shared.Config) { c.ClaimWait = time.Millisecond })
	defer b.close(t)
	err := dev("HW-1").claim(ctx, b)
	want(t, err, station.ErrLeased)
	var by interface{ Station() string }
	if !errors.As(err, &by) || by.Station() != "st-a" {
		t.Errorf("got %v, want it to name st-a", err)
	}
	a = openBench(t, "st-a", dir, url, nil)
	defer a.close(t)
	n, err := a.EndInterrupted(ctx, "st-a", time.Now().UTC())
	must(t, err)
	if n != 1 {
		t.Errorf("ended %d runs, want 1", n)
	}
	must(t, a.Flush(ctx))
	must(t, dev("HW-1").enroll(ctx, b))
	s, err := b.Server(ctx)
	must(t, err)
	rec, err := s.Run(ctx, d.run)
	must(t, err)
	if rec.Outcome != station.Aborted || rec.Code != station.CodeInterrupted {
		t.Errorf("the cut run in the database: got %s %s, want ABORTED E-INTERRUPTED", rec.Outcome, rec.Code)
	}
}

// A batch is open at one station; pausing it works without the database.
func sharedBatches(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, nil), openBench(t, "st-b", t.TempDir(), url, nil)
	defer a.close(t)
	defer b.close(t)
	lot := station.BatchRecord{
		Tenant: "acme", Batch: "lot-17", Station: "bench st-a", Digest: sum("list"), OpenedBy: "Ada", OpenedAt: t0,
		Devices: []station.BatchDevice{{Line: 2, HardwareSerial: "HW-1"}, {Line: 3, HardwareSerial: "HW-2"}},
	}
	_, err := a.OpenBatch(ctx, lot)
	must(t, err)
	lot.Station = "bench st-b"
	_, err = b.OpenBatch(ctx, lot)
	want(t, err, station.ErrBatchOpen)
	server.Kill()
	a.await(t, standing(station.LedgerAway))
	b.await(t, standing(station.LedgerAway))
	must(t, a.ChangeBatch(ctx, station.BatchStep{Tenant: "acme", Batch: "lot-17", State: station.BatchPaused, Reason: "lunch", By: "Ada", At: t0.Add(time.Hour)}))
	now, err := a.CurrentBatch(ctx, "acme", "bench st-a")
	must(t, err)
	if now.State != station.BatchPaused || len(now.Devices) != 2 {
		t.Errorf("without the database: got %s with %d devices, want it paused with 2", now.State, len(now.Devices))
	}
	server.Restart()
	a.await(t, standing(station.LedgerShared))
	must(t, a.ChangeBatch(ctx, station.BatchStep{Tenant: "acme", Batch: "lot-17", State: station.BatchClosed, By: "Ada", At: t0.Add(2 * time.Hour)}))
	must(t, a.Flush(ctx))
	b.await(t, standing(station.LedgerShared))
	_, err = b.OpenBatch(ctx, lot)
	must(t, err)
}
