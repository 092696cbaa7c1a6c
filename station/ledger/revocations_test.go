package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// revocation is a request to revoke the device's certificate.
func (d *device) revocation() station.Revocation {
	return station.Revocation{
		ID: newRun(), Tenant: d.tenant, DeviceID: d.id, HardwareSerial: d.serial, CertSerial: serialOf(d.cert().CertSerial), Fingerprint: d.leaf,
		Reason: "keyCompromise", Text: "lost in the field", Way: "provisioner", By: "Lea", StationID: "st-1", At: d.at.Add(time.Hour),
	}
}

// bySerial is the same without the certificate at hand.
func (d *device) bySerial() station.Revocation {
	r := d.revocation()
	r.Fingerprint, r.DeviceID, r.HardwareSerial = nil, "", ""
	return r
}

func revoke(ctx context.Context, l *Ledger, r station.Revocation, result station.IntentResult) error {
	if err := l.RevocationBegun(ctx, r); err != nil {
		return err
	}
	return l.RevocationEnded(ctx, r.ID, result, r.At.Add(time.Second))
}

// onFile is the device's certificate as it is on file.
func onFile(t *testing.T, l *Ledger, d *device) CertStanding {
	t.Helper()
	list, err := l.DeviceCertificates(t.Context(), d.tenant, d.id)
	must(t, err)
	for _, c := range list {
		if string(c.Fingerprint) == string(d.leaf) {
			return c
		}
	}
	t.Fatalf("certificate of %s: got none among %d", d.id, len(list))
	return CertStanding{}
}

// A request is on file before anybody knows what comes of it, and once however often it is told.
func TestRevocation(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	r := d.revocation()
	must(t, l.RevocationBegun(ctx, r))
	must(t, l.RevocationBegun(ctx, r)) // after a lost answer
	other := r
	other.Reason = "superseded"
	want(t, l.RevocationBegun(ctx, other), ErrConflict)
	if c := onFile(t, l, d); c.Revoked || !c.RevokedAt.IsZero() {
		t.Errorf("asked only: got it revoked %s, want it not", c.RevokedAt)
	}
	list, err := l.Revocations(ctx, "acme", "DEV-hw-1", "")
	must(t, err)
	diff(t, list, []station.RevocationRow{{Revocation: r}})

	at := r.At.Add(time.Second)
	must(t, l.RevocationEnded(ctx, r.ID, station.ResultDone, at))
	must(t, l.RevocationEnded(ctx, r.ID, station.ResultDone, at.Add(time.Hour)))  // the first stays
	must(t, l.RevocationEnded(ctx, r.ID, station.ResultFound, at.Add(time.Hour))) // it comes to the same
	want(t, l.RevocationEnded(ctx, r.ID, station.ResultNotFound, at), ErrConflict)
	want(t, l.RevocationEnded(ctx, newRun(), station.ResultDone, at), station.ErrNotFound)
	list, err = l.Revocations(ctx, "acme", "", strings.ToUpper(r.CertSerial))
	must(t, err)
	diff(t, list, []station.RevocationRow{{Revocation: r, Result: station.ResultDone, EndedAt: at}})
	c := onFile(t, l, d)
	if !c.Revoked || !c.RevokedAt.Equal(at) || c.RevokeReason != "keyCompromise" {
		t.Errorf("got revoked %s for %q, want %s for keyCompromise", c.RevokedAt, c.RevokeReason, at)
	}
	p, err := l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
	must(t, err)
	if !p.Revoked {
		t.Error("the PASS with it: got it good, want it revoked")
	}

	again := d.revocation() // the first note stays
	again.Reason = "superseded"
	must(t, revoke(ctx, l, again, station.ResultFound))
	if c := onFile(t, l, d); c.RevokeReason != "keyCompromise" || !c.RevokedAt.Equal(at) {
		t.Errorf("revoked again: got %s for %q, want the first note", c.RevokedAt, c.RevokeReason)
	}
	for _, tenant := range []string{"other", ""} {
		if list, _ := l.Revocations(ctx, tenant, d.id, ""); len(list) != 0 {
			t.Errorf("tenant %q: got %d revocations, want none", tenant, len(list))
		}
	}
}

// What did not come to it leaves the certificate as it is.
func TestRevocationFailed(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	for _, result := range []station.IntentResult{station.ResultNotFound, "failed: E-CA-DOWN"} {
		r := d.revocation()
		must(t, revoke(ctx, l, r, result))
		want(t, l.RevocationEnded(ctx, r.ID, station.ResultDone, r.At), ErrConflict)
	}
	if c := onFile(t, l, d); c.Revoked {
		t.Error("got it revoked, want it not")
	}
	list, err := l.Revocations(ctx, "acme", d.id, "")
	must(t, err)
	if len(list) != 2 || list[0].Result != station.ResultNotFound {
		t.Errorf("got %+v, want both, the older one first", list)
	}
}

// A certificate that is known by its serial alone is found where there is one such, now or when it comes on file later.
func TestRevocationBySerial(t *testing.T) {
	for name, tc := range map[string]struct {
		bend    func(*station.Revocation)
		twins   int // certificates of other CAs with the same serial
		revoked bool
	}{
		"alone":                  {func(*station.Revocation) {}, 0, true},
		"as openssl spells it":   {func(r *station.Revocation) { r.CertSerial = "0x0:0" + strings.ToUpper(r.CertSerial) }, 0, true},
		"of the device":          {func(r *station.Revocation) { r.DeviceID = "DEV-hw-1" }, 1, true},
		"of another device":      {func(r *station.Revocation) { r.DeviceID = "dev-HW-9" }, 0, false},
		"of another tenant":      {func(r *station.Revocation) { r.Tenant = "other" }, 0, false},
		"two CAs count the same": {func(*station.Revocation) {}, 1, false},
	} {
		for _, first := range []string{"certificate", "revocation"} {
			t.Run(name+", "+first+" first", func(t *testing.T) {
				ctx, l := t.Context(), openNew(t)
				d := dev("HW-1")
				r := d.bySerial()
				tc.bend(&r)
				receive := func() {
					for i := range tc.twins {
						twin := dev(fmt.Sprint("TWIN-", i))
						must(t, twin.identify(ctx, l))
						c := twin.cert()
						c.PostID, c.CertSerial = "", d.cert().CertSerial
						must(t, l.SaveCertificate(ctx, c))
					}
					must(t, d.pass(ctx, l))
				}
				if first == "certificate" {
					receive()
				}
				must(t, revoke(ctx, l, r, station.ResultDone))
				if first == "revocation" {
					receive()
				}
				c := onFile(t, l, d)
				if c.Revoked != tc.revoked || tc.revoked && !c.RevokedAt.Equal(r.At.Add(time.Second)) {
					t.Errorf("got revoked %v (%s), want %v", c.Revoked, c.RevokedAt, tc.revoked)
				}
				list, err := l.Revocations(ctx, "acme", d.id, "")
				must(t, err)
				if want := r.Tenant == "acme" && r.DeviceID != "dev-HW-9"; (len(list) == 1) != want {
					t.Errorf("of the device: got %d revocations, want it among them: %v", len(list), want)
				}
			})
		}
	}
}

func TestRevocationRefuses(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	for name, bend := range map[string]func(*station.Revocation){
		"no id":             func(r *station.Revocation) { r.ID = "" },
		"no tenant":         func(r *station.Revocation) { r.Tenant = "" },
		"no serial":         func(r *station.Revocation) { r.CertSerial = "" },
		"a serial of words": func(r *station.Revocation) { r.CertSerial = "12345678x" },
		"no reason":         func(r *station.Revocation) { r.Reason = "" },
		"no such way":       func(r *station.Revocation) { r.Way = "mail" },
		"no time":           func(r *station.Revocation) { r.At = time.Time{} },
		"half a digest":     func(r *station.Revocation) { r.Fingerprint = r.Fingerprint[:16] },
		"a name to draw":    func(r *station.Revocation) { r.By = "\x1b[2J" },
	} {
		r := dev("HW-1").revocation()
		bend(&r)
		if err := l.RevocationBegun(ctx, r); err == nil || !isInvalid(err) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	d := dev("HW-1")
	r := d.revocation()
	must(t, l.RevocationBegun(ctx, r))
	want(t, l.RevocationEnded(ctx, r.ID, "", t0), ErrInvalid)
	want(t, l.RevocationEnded(ctx, r.ID, station.ResultDone, time.Time{}), ErrInvalid)
	for _, both := range [][2]string{{"", ""}, {"", "xyz"}, {d.id, "xyz"}} {
		_, err := l.Revocations(ctx, "acme", both[0], both[1])
		want(t, err, ErrInvalid)
	}
	secret := dev("HW-2").revocation()
	secret.Text = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIDc0"
	must(t, l.RevocationBegun(ctx, secret))
	list, err := l.Revocations(ctx, "acme", "dev-HW-2", "")
	must(t, err)
	if len(list) != 1 || list[0].Text != hiddenText {
		t.Errorf("a key in the text: got %+v, want it hidden", list)
	}
}

func isInvalid(err error) bool { return strings.Contains(err.Error(), ErrInvalid.Error()) }

func TestSerialOf(t *testing.T) {
	for give, want := range map[string]string{
		"0aff": "0aff", "AFF": "0aff", "0a:FF": "0aff", "0x0aff": "0aff", "00000aff": "0aff", "0": "00", "": "", "0x": "", "g1": "",
		"12-34": "", "1 2 3 4": "1234", "ａｆ": "",
	} {
		if got := serialOf(give); got != want {
			t.Errorf("%q: got %q, want %q", give, got, want)
		}
	}
}

func FuzzSerialOf(f *testing.F) {
	f.Add("0x0A:ff")
	f.Fuzz(func(t *testing.T, s string) {
		got := serialOf(s)
		if got != "" && (serialOf(got) != got || len(got)%2 != 0) {
			t.Errorf("%q: got %q, and %q of that", s, got, serialOf(got))
		}
	})
}

// A certificate's serial finds it in any spelling, and others that have it.
func TestCertificatesBySerial(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	first, second := dev("HW-1"), dev("HW-2")
	must(t, first.pass(ctx, l))
	must(t, second.identify(ctx, l))
	c := second.cert()
	c.PostID, c.CertSerial, c.ReceivedAt = "", first.cert().CertSerial, t0.Add(time.Hour)
	must(t, l.SaveCertificate(ctx, c))
	serial := first.cert().CertSerial
	for _, spelled := range []string{serial, strings.ToUpper(serial), "00" + serial, "0x" + strings.TrimLeft(serial, "0")} {
		list, err := l.CertificatesBySerial(ctx, "acme", spelled)
		must(t, err)
		if len(list) != 2 || list[0].DeviceID != second.id || list[1].DeviceID != first.id {
			t.Errorf("%s: got %+v, want both, the newer one first", spelled, list)
		}
	}
	list, err := l.CertificatesBySerial(ctx, "other", serial)
	must(t, err)
	if len(list) != 0 {
		t.Errorf("another tenant: got %d, want none", len(list))
	}
	_, err = l.CertificatesBySerial(ctx, "acme", "edge-7")
	want(t, err, ErrInvalid)
}

// How each certificate of a device stands is what the list of orphans says, those left out of it included.
func TestDeviceCertificates(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	first := dev("HW-1")
	must(t, first.proven(ctx, l, station.Pass))
	second := first.anew("second")
	must(t, second.proven(ctx, l, station.Pass))
	third := second.renewed("third")
	must(t, third.proven(ctx, l, station.Pass))
	never := third.renewed("never")
	must(t, never.received(ctx, l))
	must(t, l.RefuseCertificate(ctx, station.Refusal{Run: never.run, Fingerprint: never.leaf, Code: station.CodeBridgeCSR, At: never.at}))
	must(t, l.FinishRun(ctx, never.finish(station.Error)))
	now := never.renewed("now")
	must(t, now.received(ctx, l)) // its run goes on
	must(t, revoke(ctx, l, first.revocation(), station.ResultDone))

	type how struct {
		Leaf                              string
		Current, Present, Revoked, Usable bool
		Orphan                            OrphanReason
	}
	list, err := l.DeviceCertificates(ctx, "acme", "DEV-hw-1")
	must(t, err)
	var got []how
	for _, c := range list {
		got = append(got, how{string(c.Fingerprint), c.Current, c.Present, c.Revoked, c.Refused == "", c.Orphan})
	}
	diff(t, got, []how{
		{string(now.leaf), false, false, false, true, ""},
		{string(never.leaf), false, false, false, false, OrphanNotProven},
		{string(third.leaf), true, true, false, true, ""},
		{string(second.leaf), false, false, false, true, OrphanRenewed},
		{string(first.leaf), false, false, true, true, OrphanSuperseded},
	})
	id, err := third.retired(ctx, l)
	must(t, err)
	if c := onFile(t, l, third); c.Orphan != OrphanDecommissioned || !c.Present {
		t.Errorf("after decommissioning %s: got %q, want %q", id, c.Orphan, OrphanDecommissioned)
	}
	if _, err := l.DeviceCertificates(ctx, "acme", "no-such"); err != nil {
		t.Errorf("no such device: got %v, want none", err)
	}
}
