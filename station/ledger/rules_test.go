package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// What must be unique is refused with its own error, names the holder, and leaves everything as it was.
func TestUnique(t *testing.T) {
	for _, tc := range []struct {
		name string
		bend func(b *device)
		do   func(ctx context.Context, l *Ledger, b *device) error
		want error
	}{
		{"device id of other hardware", func(b *device) { b.id = "dev-A" }, bindDevice, station.ErrDeviceIDTaken},
		{"device id in another case", func(b *device) { b.id = "DEV-a" }, bindDevice, station.ErrDeviceIDTaken},
		{"device id in another tenant", func(b *device) { b.id, b.tenant = "dev-A", "globex" }, bindDevice, nil},
		{"hardware with another id", func(b *device) { b.serial, b.id = "A", "other" }, bindDevice, station.ErrHardwareBound},
		{
			"hardware with its id in another case", func(b *device) { b.serial, b.id = "A", "DEV-A" }, bindDevice,
			station.ErrHardwareBound,
		},
		{"hardware serial in another case is other hardware", func(b *device) { b.serial = "a"; b.id = "dev-x" }, bindDevice, nil},
		{"key of another device", func(b *device) { b.spki = sum("spki", "A") }, bindKey, station.ErrKeyTaken},
		{
			"key of another tenant's device", func(b *device) { b.spki, b.tenant = sum("spki", "A"), "globex" }, bindKey,
			station.ErrKeyTaken,
		},
		{"wireguard key of another device", nil, func(ctx context.Context, l *Ledger, b *device) error {
			k := b.key()
			k.WireGuardKey = sum("wg", "A")
			return l.BindKey(ctx, k)
		}, station.ErrKeyTaken},
		{"tunnel address of another device", nil, saveAddress("10.8.0.2/32"), station.ErrAddressTaken},
		{"tunnel address in another prefix", nil, saveAddress("10.8.0.2/24"), station.ErrAddressTaken},
		{"tunnel address as mapped IPv6", nil, saveAddress("::ffff:10.8.0.2"), station.ErrAddressTaken},
		{"one free, one taken", nil, saveAddress("10.8.0.9", "fd00::2"), station.ErrAddressTaken},
		{"tunnel address of another tenant", func(b *device) { b.tenant = "globex" }, saveAddress("10.8.0.2/32"), nil},
		{"free address", nil, saveAddress("10.8.0.3"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, ctx := openNew(t), t.Context()
			a := dev("A")
			must(t, a.pass(ctx, l))
			c := a.cert()
			c.TunnelAddresses = []string{"10.8.0.2/32", "fd00::2"}
			must(t, l.SaveCertificate(ctx, c))
			b := dev("B")
			if tc.bend != nil {
				tc.bend(b)
			}
			must(t, b.identify(ctx, l))
			err := tc.do(ctx, l, b)
			if tc.want == nil {
				must(t, err)
				return
			}
			want(t, err, tc.want)
			var taken *Taken
			if !errors.As(err, &taken) {
				t.Fatalf("got %T, want *Taken in the chain", err)
			}
			wantHolder := "A"
			if b.tenant != a.tenant {
				wantHolder = "" // one tenant's ids are none of another's business
			}
			if taken.HardwareSerial != wantHolder {
				t.Errorf("holder: got %q, want %q", taken.HardwareSerial, wantHolder)
			}
			rec, err := l.Device(ctx, "acme", "A")
			must(t, err)
			if rec.DeviceID != "dev-A" || string(rec.SPKI) != string(a.spki) {
				t.Errorf("holder's record: got %q %x, want it unchanged", rec.DeviceID, rec.SPKI)
			}
		})
	}
}

func bindDevice(ctx context.Context, l *Ledger, b *device) error {
	return l.BindDevice(ctx, b.binding())
}

func bindKey(ctx context.Context, l *Ledger, b *device) error { return l.BindKey(ctx, b.key()) }

func saveAddress(addrs ...string) func(ctx context.Context, l *Ledger, b *device) error {
	return func(ctx context.Context, l *Ledger, b *device) error {
		c := b.cert()
		c.PostID, c.TunnelAddresses = "", addrs
		return l.SaveCertificate(ctx, c)
	}
}

// The rules hold in the database too, for whatever writes to it without this code.
func TestConstraints(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	must(t, dev("A").pass(ctx, l))
	must(t, dev("B").identify(ctx, l))
	opened(t, l, lot("a"))
	elsewhere := lot("b")
	elsewhere.Station = "bench-2"
	opened(t, l, elsewhere)
	p := label(dev("A"))
	p.Run = ""
	_, err := l.BeginLabel(ctx, p)
	must(t, err)
	for _, q := range []string{
		"UPDATE devices SET device_id = 'DEV-a', device_id_fold = 'dev-a' WHERE hardware_serial = 'B'",
		"INSERT INTO devices (tenant, hardware_serial, first_seen, updated_at) VALUES ('acme', 'A', 0, 0)",
		"INSERT INTO keys SELECT spki, 'acme', 'B', 'x', NULL, 0, '', '', NULL, NULL, run, 0 FROM keys",
		"UPDATE keys SET spki = substr(spki, 1, 31)",
		"UPDATE runs SET outcome = 'PASS', ended_at = 1 WHERE hardware_serial = 'B'",
		"UPDATE runs SET outcome = 'GOOD', ended_at = 1 WHERE hardware_serial = 'B'",
		"UPDATE runs SET outcome = NULL WHERE hardware_serial = 'A'",
		"UPDATE runs SET hardware_serial = 'A' WHERE hardware_serial = 'B'",
		"INSERT INTO phases VALUES ('nobody', 1, 'enroll', 'done', 0, 0, 0, '', '{}')",
		"UPDATE posts SET state = 'maybe'",
		"DELETE FROM runs WHERE hardware_serial = 'A'",
		"INSERT INTO tunnel_addresses SELECT 'acme', '10.0.0.1', 'A', 'dev-A', run, 0 FROM runs",
		"UPDATE batches SET station = 'bench-1' WHERE batch = 'b'",
		"UPDATE batches SET state = 'done'",
		"UPDATE batches SET state = 'closed'",
		"INSERT INTO batch_devices VALUES ('acme', 'nobody', 1, 'x', '', '', '', '')",
		"INSERT INTO batch_devices VALUES ('acme', 'a', 99, '', '', '', '', '')",
		"INSERT INTO batch_devices VALUES ('acme', 'a', 99, 'HW1', '', '', '', '')",
		"INSERT INTO batch_devices VALUES ('acme', 'a', 99, '', 'DEV-1', 'dev-1', '', '')",
		"INSERT INTO batch_devices VALUES ('acme', 'a', 99, '', '', '', 'l1', 'l1')",
		"INSERT INTO batch_devices VALUES ('acme', 'a', 2, 'x', '', '', '', '')",
		"INSERT INTO overrides SELECT run, '', 'E-X', 'why', 'Ada', 'Ada', 0 FROM runs WHERE hardware_serial = 'A'",
		"INSERT INTO overrides SELECT run, '', 'E-X', '', 'Ada', 'Grace', 0 FROM runs WHERE hardware_serial = 'A'",
		"INSERT INTO overrides VALUES ('nobody', '', 'E-X', 'why', 'Ada', 'Grace', 0)",
		"UPDATE label_prints SET copy = 2",
		"UPDATE label_prints SET ok = 1",
		"UPDATE label_prints SET run = 'nobody'",
	} {
		err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
			_, err := t.exec(ctx, q)
			return err
		})
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want a refused constraint", q, err)
		}
	}
}

// A run repeats calls: the same facts are nil and add nothing, others are ErrConflict and change nothing.
func TestRepeat(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name  string
		same  func(l *Ledger, d *device) error
		other func(l *Ledger, d *device) error // nil: every repetition is allowed
	}{
		{
			"begin", func(l *Ledger, d *device) error { return l.BeginRun(ctx, d.start()) },
			func(l *Ledger, d *device) error {
				r := d.start()
				r.Operator = "Eve"
				return l.BeginRun(ctx, r)
			},
		},
		{"identify", func(l *Ledger, d *device) error {
			n, err := l.IdentifyRun(ctx, d.run, d.observed())
			if err == nil && n != 1 {
				return errors.New("another attempt number")
			}
			return err
		}, func(l *Ledger, d *device) error {
			o := d.observed()
			o.HardwareSerial = "SWAPPED"
			_, err := l.IdentifyRun(ctx, d.run, o)
			return err
		}},
		{
			"phase", func(l *Ledger, d *device) error { return l.RecordPhase(ctx, d.phase(station.PhaseIdentify)) },
			func(l *Ledger, d *device) error {
				p := d.phase(station.PhaseIdentify)
				p.Status = station.PhaseFailed
				return l.RecordPhase(ctx, p)
			},
		},
		{"bind", func(l *Ledger, d *device) error { return l.BindDevice(ctx, d.binding()) }, nil},
		{
			"key", func(l *Ledger, d *device) error { return l.BindKey(ctx, d.key()) },
			func(l *Ledger, d *device) error {
				k := d.key()
				k.EnrollID[0]++
				return l.BindKey(ctx, k)
			},
		},
		{
			"post", func(l *Ledger, d *device) error { return l.PostBegun(ctx, d.posted()) },
			func(l *Ledger, d *device) error {
				p := d.posted()
				p.CSRDigest = sum("another csr")
				return l.PostBegun(ctx, p)
			},
		},
		{
			"certificate", func(l *Ledger, d *device) error { return l.SaveCertificate(ctx, d.cert()) },
			func(l *Ledger, d *device) error {
				c := d.cert()
				f := dev("another")
				c.Leaf, c.Fingerprint = f.der, f.leaf
				return l.SaveCertificate(ctx, c)
			},
		},
		{
			"post ended after its certificate", func(*Ledger, *device) error { return nil },
			func(l *Ledger, d *device) error { return l.PostEnded(ctx, d.post, "refused") },
		},
		{
			"proof", func(l *Ledger, d *device) error { return l.SaveProof(ctx, d.proof()) },
			func(l *Ledger, d *device) error {
				p := d.proof()
				p.HardwareSerial = "SWAPPED"
				return l.SaveProof(ctx, p)
			},
		},
		{
			"finish", func(l *Ledger, d *device) error { return l.FinishRun(ctx, d.finish(station.Pass)) },
			func(l *Ledger, d *device) error { return l.FinishRun(ctx, d.finish(station.Fail)) },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, d := openNew(t), dev("A")
			must(t, d.pass(ctx, l))
			before := detail(t, l, d.run)
			must(t, tc.same(l, d))
			diff(t, detail(t, l, d.run), before)
			if tc.other != nil {
				want(t, tc.other(l, d), ErrConflict)
				diff(t, detail(t, l, d.run), before)
			}
		})
	}
}

// The bridge's answer is journaled bare before it is judged, and completed after.
func TestCertificateCompleted(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	must(t, l.PostBegun(ctx, d.posted()))
	full := d.cert()
	full.TunnelAddresses = []string{"10.8.0.2"}
	bare := full
	bare.IssuerFingerprint, bare.Chain, bare.WGConf, bare.TunnelAddresses = "", nil, "", nil
	must(t, l.SaveCertificate(ctx, bare))
	open, err := l.PossiblyIssued(ctx)
	must(t, err)
	if len(open) != 0 {
		t.Errorf("possibly issued after the answer: got %d, want 0", len(open))
	}
	must(t, l.SaveCertificate(ctx, full))
	// a later run reads it back from the device and knows less
	held := d.again()
	must(t, held.identify(ctx, l))
	rec := held.cert()
	rec.PostID, rec.WGConf, rec.TunnelAddresses = "", "", nil
	must(t, l.SaveCertificate(ctx, rec))
	certs, err := l.Certificates(ctx, d.tenant, d.spki)
	must(t, err)
	diff(t, certs, []station.CertRecord{full})
}

// A certificate that meets a taken address is on file all the same: it was issued.
func TestAddressTakenKeepsCertificate(t *testing.T) {
	l, ctx, a, b := openNew(t), t.Context(), dev("A"), dev("B")
	must(t, a.identify(ctx, l))
	must(t, saveAddress("10.8.0.2")(ctx, l, a))
	must(t, b.identify(ctx, l))
	must(t, l.PostBegun(ctx, b.posted()))
	c := b.cert()
	c.TunnelAddresses = []string{"10.8.0.3", "10.8.0.2"}
	want(t, l.SaveCertificate(ctx, c), station.ErrAddressTaken)
	rows, err := l.CertificatesOf(ctx, "acme", "DEV-b")
	must(t, err)
	if len(rows) != 1 {
		t.Fatalf("certificates: got %d, want 1", len(rows))
	}
	open, err := l.PossiblyIssued(ctx)
	must(t, err)
	if len(open) != 0 {
		t.Errorf("possibly issued: got %d, want 0", len(open))
	}
	other := dev("C")
	must(t, other.identify(ctx, l))
	must(t, saveAddress("10.8.0.3")(ctx, l, other)) // all or none were claimed
}

// The same leaf answered to a second device stays the first one's; the answer is no reason to fail the record.
func TestCertificateOfAnotherDevice(t *testing.T) {
	l, ctx, a, b := openNew(t), t.Context(), dev("A"), dev("B")
	must(t, a.pass(ctx, l))
	must(t, b.identify(ctx, l))
	must(t, l.PostBegun(ctx, b.posted()))
	c := b.cert()
	c.Leaf, c.Fingerprint, c.SPKI = a.der, a.leaf, a.spki
	must(t, l.SaveCertificate(ctx, c))
	rows, err := l.CertificatesOf(ctx, "acme", a.id)
	must(t, err)
	if len(rows) != 1 || rows[0].HardwareSerial != "A" || !rows[0].Current {
		t.Errorf("got %+v, want A's certificate, current", rows)
	}
}

func TestPosts(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	lost, refused, got, dying := dev("LOST"), dev("REFUSED"), dev("GOT"), dev("DYING")
	for _, d := range []*device{lost, refused, got, dying} {
		must(t, d.identify(ctx, l))
		must(t, l.PostBegun(ctx, d.posted()))
	}
	must(t, l.PostEnded(ctx, refused.post, "422"))
	must(t, l.PostEnded(ctx, refused.post, "422"))
	want(t, l.PostEnded(ctx, refused.post, "500"), ErrConflict)
	want(t, l.PostEnded(ctx, "nobody", "422"), station.ErrNotFound)
	must(t, l.SaveCertificate(ctx, got.cert()))
	must(t, l.FinishRun(ctx, lost.finish(station.Error)))
	rows, err := l.PossiblyIssued(ctx)
	must(t, err)
	states := map[string]PostState{}
	for _, r := range rows {
		states[r.ID] = r.State
	}
	diff(t, states, map[string]PostState{lost.post: PostUnknown, dying.post: PostOpen})
	// the certificate may still turn up on the device
	must(t, l.SaveCertificate(ctx, lost.cert()))
	rows, err = l.PossiblyIssued(ctx)
	must(t, err)
	if len(rows) != 1 || rows[0].ID != dying.post {
		t.Errorf("got %+v, want the dying run's post alone", rows)
	}
}

func TestSecretsRefused(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	key := "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
	for _, line := range []string{
		"PrivateKey = " + key, "privatekey=" + key, "\tPRIVATEKEY\t=" + key, "# PrivateKey = " + key,
		"Address = 1.2.3.4/32\rPrivateKey = " + key, "PresharedKey = " + key, `"private_key": "` + key + `"`,
		"-----BEGIN EC PRIVATE KEY-----",
	} {
		c := d.cert()
		c.PostID, c.WGConf = "", "[Interface]\n"+line+"\n"
		want(t, l.SaveCertificate(ctx, c), ErrSecret)
	}
	cut := d.cert() // a secret that was cut out already is no secret
	cut.PostID, cut.WGConf = "", "[Interface]\nAddress = 10.8.1.2/16\n\n[Peer]\nPresharedKey = (hidden)\n"
	must(t, l.SaveCertificate(ctx, cut))
	p := d.phase(station.PhaseKeygen)
	p.Facts = map[string]string{
		"boot_log": "eth0 up\nPrivateKey = " + key, "wireguard_key": key, "note": "private key: loaded",
		"pem": "-----BEGIN PRIVATE KEY-----\nMIG",
	}
	must(t, l.RecordPhase(ctx, p))
	got := detail(t, l, d.run).Phases[0].Facts
	diff(t, got, map[string]string{
		"boot_log": "(hidden)", "wireguard_key": key, "note": "private key: loaded", "pem": "(hidden)",
	})
	f := d.finish(station.Error)
	f.Params = map[string]string{"detail": "answer: private_key=" + key}
	must(t, l.FinishRun(ctx, f))
	if got := detail(t, l, d.run).Params["detail"]; got != "(hidden)" {
		t.Errorf("param: got %q, want (hidden)", got)
	}
}

// Records that cannot be true are refused before anything is written.
func TestInvalid(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	cert := func(bend func(*station.CertRecord)) error {
		c := d.cert()
		c.PostID = ""
		bend(&c)
		return l.SaveCertificate(ctx, c)
	}
	for name, err := range map[string]error{
		"run without id":      l.BeginRun(ctx, station.RunStart{Tenant: "t", StartedAt: t0}),
		"run without time":    l.BeginRun(ctx, station.RunStart{Run: "r", Tenant: "t"}),
		"short key digest":    l.BindKey(ctx, func() station.KeyRecord { k := d.key(); k.SPKI = k.SPKI[:31]; return k }()),
		"pem for der":         cert(func(c *station.CertRecord) { c.Leaf = []byte("-----BEGIN") }),
		"foreign fingerprint": cert(func(c *station.CertRecord) { c.Fingerprint = sum("x") }),
		"large leaf":          cert(func(c *station.CertRecord) { c.Leaf = append([]byte{0x30}, make([]byte, maxDER)...) }),
		"text as address":     cert(func(c *station.CertRecord) { c.TunnelAddresses = []string{"10.8.0.2; rm"} }),
		"no proof at all":     l.SaveProof(ctx, func() station.ProofRecord { p := d.proof(); p.Proof = ""; return p }()),
		"outcome":             l.FinishRun(ctx, func() station.RunFinish { f := d.finish(station.Error); f.Outcome = "GOOD"; return f }()),
		"large facts": l.RecordPhase(ctx, func() station.PhaseEnd {
			p := d.phase(station.PhaseEnroll)
			for i := range 20 {
				p.Facts[strings.Repeat("k", i+1)] = strings.Repeat("x", maxText)
			}
			return p
		}()),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	want(t, l.RecordPhase(ctx, station.PhaseEnd{Run: "nobody", Phase: "csr", Status: "done", StartedAt: t0, EndedAt: t0}),
		station.ErrNotFound)
	_, err := l.Device(ctx, "acme", "nobody")
	want(t, err, station.ErrNotFound)
	_, err = l.Key(ctx, "acme", sum("nobody"))
	want(t, err, station.ErrNotFound)
	_, err = l.Passed(ctx, "acme", "A", d.spki, d.leaf)
	want(t, err, station.ErrNotFound)
	_, err = l.Proof(ctx, "acme", "A", d.spki, d.leaf)
	want(t, err, station.ErrNotFound)
	_, err = l.Run(ctx, "nobody")
	want(t, err, station.ErrNotFound)
}

// No proof, no PASS: whatever is missing, the run stays open and the device as it was.
func TestPassNeedsProof(t *testing.T) {
	for name, bend := range map[string]func(*station.RunFinish){
		"no proof saved":    nil,
		"another key":       func(f *station.RunFinish) { f.SPKI = sum("x") },
		"another leaf":      func(f *station.RunFinish) { f.Leaf = sum("x") },
		"another device id": func(f *station.RunFinish) { f.DeviceID = "other" },
		"stronger proof":    func(f *station.RunFinish) { f.Proof = station.BrokerDelivered },
		"proof left out":    func(f *station.RunFinish) { f.Proof = station.NoProof },
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx, d := openNew(t), t.Context(), dev("A")
			f := d.finish(station.Pass)
			if bend == nil {
				must(t, d.identify(ctx, l))
				must(t, l.BindDevice(ctx, d.binding()))
			} else {
				must(t, d.prove(ctx, l))
				bend(&f)
			}
			want(t, l.FinishRun(ctx, f), ErrNoProof)
			if got := detail(t, l, d.run); got.Outcome != "" || !got.EndedAt.IsZero() {
				t.Errorf("run: got %s, want it open", got.Outcome)
			}
			rec, err := l.Device(ctx, d.tenant, d.serial)
			must(t, err)
			if rec.SPKI != nil || rec.LastOutcome != "" {
				t.Errorf("device: got %+v, want no PASS", rec)
			}
		})
	}
}

// A proof outlives the run that made it: the next run finishes what a dead station has shown.
func TestProofOfDeadRun(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.prove(ctx, l))
	next := d.again()
	must(t, next.identify(ctx, l))
	p, err := l.Proof(ctx, d.tenant, d.serial, d.spki, d.leaf)
	must(t, err)
	diff(t, p, d.proof())
	_, err = l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
	want(t, err, station.ErrNotFound) // a proof is not yet a PASS
	must(t, l.FinishRun(ctx, next.finish(station.Pass)))
	pass, err := l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
	must(t, err)
	diff(t, pass, station.PassRecord{
		Run: next.run, DeviceID: d.id, NotAfter: next.at.Add(24 * time.Hour), PassedAt: next.at.Add(2 * time.Second),
	})
	must(t, l.RevokeCertificate(ctx, d.tenant, d.leaf, "key compromise", t0))
	pass, err = l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
	must(t, err)
	if !pass.Revoked {
		t.Errorf("revoked: got false, want true")
	}
}

// A failed run says so on the device and leaves its last PASS alone.
func TestFailAfterPass(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.pass(ctx, l))
	next := d.again()
	must(t, next.identify(ctx, l))
	f := next.finish(station.Fail)
	f.SPKI, f.Leaf = sum("other"), nil
	must(t, l.FinishRun(ctx, f))
	rec, err := l.Device(ctx, d.tenant, d.serial)
	must(t, err)
	diff(t, rec, station.DeviceRecord{
		Tenant: "acme", HardwareSerial: "A", DeviceID: "dev-A", IDSource: "template", SPKI: d.spki, Leaf: d.leaf, LastOutcome: station.Fail,
		UpdatedAt: f.EndedAt,
	})
}

// An id under which nothing was issued yet was a slip of the hand, and can be mended.
func TestWrongIDIsMended(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	d := dev("A")
	must(t, d.identify(ctx, l))
	bind := func(id string) error {
		b := d.binding()
		b.DeviceID = id
		return l.BindDevice(ctx, b)
	}
	must(t, bind("typo-1"))
	must(t, bind("right-1"))
	got, err := l.Device(ctx, d.binding().Tenant, d.binding().HardwareSerial)
	if err != nil || got.DeviceID != "right-1" {
		t.Fatalf("got %q, %v, want right-1", got.DeviceID, err)
	}
	p := d.posted()
	p.DeviceID = "right-1"
	must(t, l.PostBegun(ctx, p))
	want(t, bind("other-1"), station.ErrHardwareBound)
}
