package agent_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

func TestWholeEnrollment(t *testing.T) {
	for _, alg := range []serialproto.Alg{serialproto.AlgP256, serialproto.AlgP384, serialproto.AlgEd25519} {
		t.Run(alg.String(), func(t *testing.T) {
			p := newPKI(t)
			d := newDevice(t, nil)
			args := enrollArgs(1)
			args.Alg = alg
			var e serialproto.EnrollResult
			d.want(serialproto.StatusOK, args, &e)
			csr, err := x509.ParseCertificateRequest(e.CSR)
			if err != nil || csr.CheckSignature() != nil {
				t.Fatalf("CSR does not verify: %v", err)
			}
			if csr.Subject.CommonName != "box-7" || len(csr.DNSNames) != 1 || csr.DNSNames[0] != "box-7" {
				t.Errorf("got CN %q SAN %q, want box-7", csr.Subject.CommonName, csr.DNSNames)
			}
			leaf := p.leaf(t, e.CSR)
			var r serialproto.InstallResult
			d.want(serialproto.StatusOK, installArgs(1, leaf, p), &r)
			for o, want := range map[serialproto.Obj][]byte{
				serialproto.ObjLeaf:   leaf,
				serialproto.ObjChain:  bytes.Join(p.chain()[:2], nil),
				serialproto.ObjAnchor: bytes.Join(p.chain(), nil),
				serialproto.ObjWGConf: []byte(wgConf),
			} {
				sum := sha256.Sum256(want)
				if !bytes.Equal(r.Objects[o], sum[:8]) {
					t.Errorf("object %v: got digest %x, want %x", o, r.Objects[o], sum[:8])
				}
			}
			if _, err := os.Stat(filepath.Join(d.dir, ".enrolled")); !os.IsNotExist(err) {
				t.Errorf("enrolled flag before LOCK: %v", err)
			}
			d.want(serialproto.StatusOK, lockArgs(1), nil)
			checkFiles(t, d.dir, map[string]string{".enrolled": "10.8.0.7\n", "wg0.conf": "Address = 10.8.0.7/32"})
			var got serialproto.ReadResult
			d.want(serialproto.StatusOK, serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjAnchor}, &got)
			if !bytes.Equal(bytes.Join(got.Certs, nil), bytes.Join(p.chain(), nil)) {
				t.Errorf("CA file reads back differently")
			}
			s := d.status()
			sum := sha256.Sum256(leaf)
			if s.State != serialproto.StateSealed || s.Active != 1 || !bytes.Equal(s.Leaf, sum[:]) || s.DeviceID != "box-7" {
				t.Errorf("got status %+v, want sealed generation 1", s)
			}
		})
	}
}

func checkFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, part := range want {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(b), part) {
			t.Errorf("%s: got %d bytes (%v), want %q in it", name, len(b), err, part)
		}
	}
}

func TestSameEnrollIDNeverASecondKey(t *testing.T) {
	d := newDevice(t, nil)
	first := d.enroll(1)
	d.reopen()
	again := d.enroll(1)
	if !again.Existing || !bytes.Equal(first.CSR, again.CSR) || !bytes.Equal(first.WireGuard, again.WireGuard) {
		t.Errorf("same enroll id after a restart: got existing=%v, another CSR or key", again.Existing)
	}
	other := enrollArgs(1)
	other.DeviceID = "box-8"
	d.want(serialproto.StatusBadArgument, other, nil)

	next := d.enroll(2)
	if next.Generation != 2 || bytes.Equal(next.CSR, first.CSR) {
		t.Errorf("another enroll id: got generation %d, want 2 with a new key", next.Generation)
	}
	d.want(serialproto.StatusWrongState, enrollArgs(1), nil) // its key is gone, so it can never be answered rightly

	d.want(serialproto.StatusOK, serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id(2)}, nil)
	if s := d.status(); s.State != serialproto.StateEmpty {
		t.Errorf("after ABORT: got state %v, want empty", s.State)
	}
	d.reopen()
	d.want(serialproto.StatusOK, serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id(2)}, nil)
	d.want(serialproto.StatusWrongState, enrollArgs(2), nil)
	if g := d.enroll(3).Generation; g != 3 {
		t.Errorf("got generation %d after ABORT, want 3: numbers are not used twice", g)
	}
}

// TestStates asks every operation in every state.
func TestStates(t *testing.T) {
	p := newPKI(t)
	states := map[string]func(*device) []byte{
		"empty":     func(*device) []byte { return nil },
		"keyed":     func(d *device) []byte { return d.enroll(1).CSR },
		"installed": func(d *device) []byte { e, _ := d.installed(1, p); return e.CSR },
		"sealed":    func(d *device) []byte { return d.sealed(1, p).CSR },
	}
	const (
		ok     = serialproto.StatusOK
		wrong  = serialproto.StatusWrongState
		locked = serialproto.StatusLocked
	)
	table := map[string]map[string]serialproto.Status{
		//            empty keyed installed sealed
		"enroll-same":  {"empty": ok, "keyed": ok, "installed": ok, "sealed": ok},
		"enroll-other": {"empty": ok, "keyed": ok, "installed": ok, "sealed": locked},
		"install":      {"empty": wrong, "keyed": ok, "installed": ok, "sealed": locked},
		"install-id":   {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": locked},
		"sign":         {"empty": wrong, "keyed": wrong, "installed": ok, "sealed": locked},
		"lock":         {"empty": wrong, "keyed": wrong, "installed": ok, "sealed": ok},
		"lock-id":      {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": locked},
		"abort":        {"empty": ok, "keyed": ok, "installed": ok, "sealed": locked},
		"abort-all":    {"empty": ok, "keyed": ok, "installed": ok, "sealed": ok},
		"read":         {"empty": wrong, "keyed": wrong, "installed": ok, "sealed": ok},
		"clock-set":    {"empty": ok, "keyed": ok, "installed": ok, "sealed": locked},
		"status":       {"empty": ok, "keyed": ok, "installed": ok, "sealed": ok},
		"reboot":       {"empty": serialproto.StatusRefused, "sealed": serialproto.StatusRefused},
		"unlock":       {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": serialproto.StatusRefused},
		"erase":        {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": locked},
		"token":        {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": ok},
		"renew":        {"empty": wrong, "keyed": wrong, "installed": wrong, "sealed": ok},
		"renew-set":    {"empty": serialproto.StatusUnknownOp, "sealed": serialproto.StatusUnknownOp},
		"check-mqtt":   {"empty": serialproto.StatusUnknownOp, "sealed": serialproto.StatusUnknownOp},
		"check-wg":     {"empty": serialproto.StatusUnknownOp, "sealed": serialproto.StatusUnknownOp},
		"reserved":     {"empty": serialproto.StatusUnknownOp, "sealed": serialproto.StatusUnknownOp},
	}
	for name, by := range table {
		for state, want := range by {
			t.Run(name+"/"+state, func(t *testing.T) {
				d := newDevice(t, nil)
				csr := states[state](d)
				d.t = t
				d.want(want, request(t, name, p, csr), nil)
				if state == "sealed" && d.status().State != serialproto.StateSealed {
					t.Errorf("%s unsealed the device", name)
				}
			})
		}
	}
}

func request(t *testing.T, name string, p pki, csr []byte) any {
	leaf := p.sub.cert.Raw
	if csr != nil {
		leaf = p.leaf(t, csr)
	}
	switch name {
	case "enroll-same":
		return enrollArgs(1)
	case "enroll-other":
		return enrollArgs(2)
	case "install":
		return installArgs(1, leaf, p)
	case "install-id":
		return installArgs(9, leaf, p)
	case "sign":
		return serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}
	case "lock":
		return lockArgs(1)
	case "lock-id":
		return lockArgs(9)
	case "abort":
		return serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id(1)}
	case "abort-all":
		return serialproto.AbortArgs{Op: serialproto.OpAbort}
	case "read":
		return serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}
	case "clock-set":
		return serialproto.ClockArgs{Op: serialproto.OpClock, Set: time.Now().UnixMicro()}
	case "status":
		return serialproto.SimpleArgs{Op: serialproto.OpStatus}
	case "reboot":
		return serialproto.SimpleArgs{Op: serialproto.OpReboot}
	case "unlock":
		return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: serialproto.PurposeErase, Lifetime: 60}
	case "erase":
		return serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: id(1)}
	case "token":
		return serialproto.TokenArgs{Op: serialproto.OpToken, Audience: audience}
	case "renew":
		if csr == nil {
			return serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: leaf, EnrollID: id(1)}
		}
		return serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: p.renewal(t, csr, nil), EnrollID: id(1), Commit: true}
	case "renew-set":
		return serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: audience, EnrollID: id(1)}
	case "check-mqtt":
		return serialproto.CheckMQTTArgs{Op: serialproto.OpCheckMQTT, Host: "broker.example", Seconds: 1}
	case "check-wg":
		return serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: 1}
	case "reserved":
		return serialproto.SimpleArgs{Op: serialproto.OpBaud}
	}
	t.Fatalf("no request %q", name)
	return nil
}

func TestInstallIsChecked(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	d := newDevice(t, nil)
	e := d.enroll(1)
	leaf := p.leaf(t, e.CSR)
	foreign := newDevice(t, nil).enroll(1).CSR
	req, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	req.Subject.CommonName = "another"
	anotherID := p.sub.issue(t, &x509.Certificate{Subject: req.Subject}, req.PublicKey).Raw
	tests := map[string]struct {
		change func(*serialproto.InstallArgs)
		want   serialproto.Status
	}{
		"leaf for another key":   {func(a *serialproto.InstallArgs) { a.Leaf = p.leaf(t, foreign) }, serialproto.StatusCertKey},
		"leaf is an issuer":      {func(a *serialproto.InstallArgs) { a.Leaf = p.sub.cert.Raw }, serialproto.StatusCertKey},
		"leaf for another id":    {func(a *serialproto.InstallArgs) { a.Leaf = anotherID }, serialproto.StatusBadArgument},
		"leaf is junk":           {func(a *serialproto.InstallArgs) { a.Leaf = append([]byte{0x30}, make([]byte, 40)...) }, serialproto.StatusBadArgument},
		"bytes after the leaf":   {func(a *serialproto.InstallArgs) { a.Leaf = append(bytes.Clone(leaf), 0) }, serialproto.StatusBadArgument},
		"chain of another CA":    {func(a *serialproto.InstallArgs) { a.Chain = other.chain() }, serialproto.StatusBadArgument},
		"chain without the root": {func(a *serialproto.InstallArgs) { a.Chain = p.chain()[:2] }, serialproto.StatusBadArgument},
		"chain without the sub":  {func(a *serialproto.InstallArgs) { a.Chain = p.chain()[1:] }, serialproto.StatusBadArgument},
		"chain reordered": {func(a *serialproto.InstallArgs) {
			c := p.chain()
			a.Chain = [][]byte{c[1], c[0], c[2]}
		}, serialproto.StatusBadArgument},
		"leaf in the chain":    {func(a *serialproto.InstallArgs) { a.Chain = append([][]byte{leaf}, p.chain()...) }, serialproto.StatusBadArgument},
		"two roots":            {func(a *serialproto.InstallArgs) { a.Chain = append(p.chain(), other.root.cert.Raw) }, serialproto.StatusBadArgument},
		"no chain":             {func(a *serialproto.InstallArgs) { a.Chain = nil }, serialproto.StatusBadArgument},
		"unknown reference":    {func(a *serialproto.InstallArgs) { a.Chain[2] = make([]byte, 8) }, serialproto.StatusBadArgument},
		"wg0.conf is junk":     {func(a *serialproto.InstallArgs) { a.WGConf = []byte("junk\n") }, serialproto.StatusBadArgument},
		"wg0.conf with a key":  {func(a *serialproto.InstallArgs) { a.WGConf = []byte("[Interface]\nPrivateKey = x\n") }, serialproto.StatusBadArgument},
		"key without wg0.conf": {func(a *serialproto.InstallArgs) { a.WGConf, a.WGPrivate = nil, bytes.Repeat([]byte{1}, 32) }, serialproto.StatusBadArgument},
		"zero WireGuard key":   {func(a *serialproto.InstallArgs) { a.WGPrivate = make([]byte, 32) }, serialproto.StatusBadArgument},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			a := installArgs(1, leaf, p)
			tt.change(&a)
			d.want(tt.want, a, nil)
			if s := d.status(); s.State != serialproto.StateKeyed || len(s.Objects) != 0 {
				t.Errorf("got state %v with %d objects, want keyed with none", s.State, len(s.Objects))
			}
		})
	}
	d.t = t
	d.want(serialproto.StatusOK, installArgs(1, leaf, p), nil)
}

func TestKnownCertificatesCrossOnce(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	d.sealed(1, p)
	w := d.agent.Welcome(serialproto.Hello{})
	if len(w.Known) != 3 || w.State != serialproto.StateSealed || len(w.SPKI) != 16 || len(w.Leaf) != 16 {
		t.Fatalf("got welcome %+v, want three known certificates of a sealed device", w)
	}
	e := d.enroll(2)
	a := installArgs(2, p.leaf(t, e.CSR), p)
	a.Chain = w.Known
	var r serialproto.InstallResult
	d.want(serialproto.StatusOK, a, &r)
	sum := sha256.Sum256(bytes.Join(p.chain(), nil))
	if !bytes.Equal(r.Objects[serialproto.ObjAnchor], sum[:8]) {
		t.Errorf("CA file by reference: got digest %x, want %x", r.Objects[serialproto.ObjAnchor], sum[:8])
	}
}

// What the firmware brings along need not cross, on a device that never held a generation; it makes nothing else acceptable.
func TestFirmwareAnchors(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Anchors = []*x509.Certificate{p.sub.cert, p.ica.cert, p.root.cert} })
	w := d.agent.Welcome(serialproto.Hello{})
	if len(w.Known) != 3 || w.State != serialproto.StateEmpty {
		t.Fatalf("got %d known certificates of a device in state %v, want 3 of an empty one", len(w.Known), w.State)
	}
	e := d.enroll(1)
	a := installArgs(1, other.leaf(t, e.CSR), other)
	a.Chain = w.Known
	d.want(serialproto.StatusBadArgument, a, nil) // the chain did not issue this leaf
	a = installArgs(1, p.leaf(t, e.CSR), p)
	a.Chain = w.Known
	var r serialproto.InstallResult
	d.want(serialproto.StatusOK, a, &r)
	sum := sha256.Sum256(bytes.Join(p.chain(), nil))
	if !bytes.Equal(r.Objects[serialproto.ObjAnchor], sum[:8]) {
		t.Errorf("CA file by reference: got digest %x, want %x", r.Objects[serialproto.ObjAnchor], sum[:8])
	}
	if again := d.agent.Welcome(serialproto.Hello{}); len(again.Known) != 3 {
		t.Errorf("got %d known certificates once they are installed, want each once: 3", len(again.Known))
	}
}

func TestReenrollPolicies(t *testing.T) {
	p := newPKI(t)
	for policy, want := range map[serialproto.Reenroll]serialproto.Status{
		0:                          serialproto.StatusLocked,
		serialproto.ReenrollNever:  serialproto.StatusLocked,
		serialproto.ReenrollUnlock: serialproto.StatusLocked,
		serialproto.ReenrollOpen:   serialproto.StatusOK,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			d := newDevice(t, func(c *agent.Config) { c.Reenroll = policy })
			d.sealed(1, p)
			before, err := os.ReadFile(filepath.Join(d.dir, "device.pem"))
			if err != nil {
				t.Fatal(err)
			}
			d.want(want, enrollArgs(2), nil)
			if want != serialproto.StatusOK {
				return
			}
			e, _ := d.installed(2, p)
			if s := d.status(); s.Generation != 2 || s.Active != 1 || s.State != serialproto.StateInstalled || len(s.ActiveSPKI) != 32 {
				t.Errorf("got %+v, want generation 2 beside active 1", s)
			}
			if now, err := os.ReadFile(filepath.Join(d.dir, "device.pem")); err != nil || !bytes.Equal(now, before) {
				t.Errorf("active files changed before LOCK (%v)", err)
			}
			d.want(serialproto.StatusLocked, serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id(1)}, nil)
			d.want(serialproto.StatusOK, serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
			if s := d.status(); s.Generation != 1 || s.State != serialproto.StateSealed {
				t.Errorf("after ABORT: got %+v, want generation 1 sealed", s)
			}
			if again := d.sealed(3, p); bytes.Equal(again.CSR, e.CSR) {
				t.Errorf("generation 3 has the key of generation 2")
			}
			if s := d.status(); s.Generation != 3 || s.Active != 3 {
				t.Errorf("got %+v, want generation 3 active", s)
			}
			d.want(serialproto.StatusWrongState, enrollArgs(1), nil)
			left, err := filepath.Glob(filepath.Join(d.dir, "generations", "*", "device-key.pem"))
			if err != nil || len(left) != 1 {
				t.Errorf("got %d keys on the device, want 1", len(left))
			}
		})
	}
}

func TestClock(t *testing.T) {
	build := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := newDevice(t, func(c *agent.Config) { c.BuildTime = build })
	set := func(t time.Time) serialproto.ClockArgs {
		return serialproto.ClockArgs{Op: serialproto.OpClock, Set: t.UnixMicro()}
	}
	now := build.AddDate(0, 6, 0)
	d.want(serialproto.StatusOK, set(now), nil)
	if !d.clock.t.Equal(now) {
		t.Errorf("got clock %v, want %v", d.clock.t, now)
	}
	d.want(serialproto.StatusRefused, set(build.Add(-time.Second)), nil)
	d.want(serialproto.StatusRefused, set(now.Add(-time.Second)), nil)
	d.want(serialproto.StatusBadArgument, set(build.AddDate(40, 0, 0)), nil)
	d.reopen()
	d.want(serialproto.StatusRefused, set(now.Add(-time.Second)), nil)
	var r serialproto.ClockResult
	d.want(serialproto.StatusOK, serialproto.ClockArgs{Op: serialproto.OpClock}, &r)
	if r.Now != now.UnixMicro() {
		t.Errorf("got %d, want %d", r.Now, now.UnixMicro())
	}
	off := newDevice(t, func(c *agent.Config) { c.ManageClock = false })
	off.want(serialproto.StatusRefused, set(now.AddDate(1, 0, 0)), nil)
}

func TestRNGNotReady(t *testing.T) {
	ready := errors.New("pool is empty")
	d := newDevice(t, func(c *agent.Config) { c.RNGReady = func() error { return ready } })
	d.want(serialproto.StatusRNGNotReady, enrollArgs(1), nil)
	ready = nil
	d.want(serialproto.StatusOK, enrollArgs(1), nil)
}

func TestTenantMadeWireGuardKey(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	a := enrollArgs(1)
	a.WireGuard = false
	var e serialproto.EnrollResult
	d.want(serialproto.StatusOK, a, &e)
	in := installArgs(1, p.leaf(t, e.CSR), p)
	d.want(serialproto.StatusWrongState, in, nil) // no key to complete it with
	in.WGPrivate = bytes.Repeat([]byte{7}, 32)
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	checkFiles(t, d.dir, map[string]string{"wg0.conf": "PrivateKey = BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="})
}

func TestInstallAfterSealAnswersTheSameOnly(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	e := d.enroll(1)
	in := installArgs(1, p.leaf(t, e.CSR), p)
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusLocked, installArgs(1, p.leaf(t, e.CSR), p), nil)
}

func TestFullStorage(t *testing.T) {
	d := newDevice(t, nil)
	store := fullStore{Store: d.store}
	var err error
	if d.agent, err = agent.New(store, d.cfg); err != nil {
		t.Fatal(err)
	}
	d.want(serialproto.StatusNoSpace, enrollArgs(1), nil)
}

type fullStore struct{ agent.Store }

func (fullStore) Create(agent.Generation, agent.Secrets) error { return agent.ErrNoSpace }
