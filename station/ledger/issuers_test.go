package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provstation/station"
)

// testCA is what certificates of a CA say of it.
type testCA struct{ dn, aki, fingerprint string }

var (
	oldCA = testCA{"CN=Tenant Sub-CA 1,OU=Line \\, two,O=Acme", "aa01aa01", strings.Repeat("f1", 32)}
	newCA = testCA{"O=Acme,CN=Tenant Sub-CA 2", "bb02bb02", strings.Repeat("f2", 32)}
	// A Sub-CA that was made anew under its old name.
	sameName = testCA{oldCA.dn, "cc03cc03", strings.Repeat("f3", 32)}
)

// from is the device's certificate as the CA issues it, to be proven in its run.
func (d *device) provenFrom(ctx context.Context, l *Ledger, ca testCA, o station.Outcome) error {
	for _, step := range []func() error{
		func() error { return d.identify(ctx, l) },
		func() error { return l.BindDevice(ctx, d.binding()) },
		func() error { return l.PostBegun(ctx, d.posted()) },
		func() error {
			c := d.cert()
			c.Issuer, c.AKI, c.IssuerFingerprint = ca.dn, strings.ToUpper(ca.aki), ca.fingerprint
			return l.SaveCertificate(ctx, c)
		},
		func() error {
			if o == station.Error {
				return nil
			}
			return l.SaveProof(ctx, d.proof())
		},
		func() error { return l.FinishRun(ctx, d.finish(o)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func ids(u UnderIssuer) (list []string) {
	for _, d := range u.Devices {
		list = append(list, d.DeviceID)
	}
	return list
}

// A Sub-CA is compromised: which devices are under it, and how far they have come away.
func TestDevicesUnder(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	stays, moved, failed, scrapped, never, fresh := dev("HW-1"), dev("HW-2"), dev("HW-3"), dev("HW-4"), dev("HW-5"), dev("HW-6")
	for _, d := range []*device{stays, moved, failed, scrapped} {
		must(t, d.provenFrom(ctx, l, oldCA, station.Pass))
	}
	must(t, never.provenFrom(ctx, l, oldCA, station.Error)) // it never worked with it
	must(t, never.anew("n").provenFrom(ctx, l, newCA, station.Pass))
	must(t, fresh.provenFrom(ctx, l, newCA, station.Pass))
	must(t, moved.anew("m").provenFrom(ctx, l, newCA, station.Pass))
	must(t, failed.anew("f").provenFrom(ctx, l, newCA, station.Error)) // issued, and not at work
	_, err := scrapped.retired(ctx, l)
	must(t, err)
	must(t, revoke(ctx, l, stays.revocation(), station.ResultDone))

	for _, text := range []string{
		"Tenant Sub-CA 1", "tenant sub-ca 1", oldCA.dn, "AA01AA01", "aa:01:aa:01", oldCA.fingerprint, strings.ToUpper(oldCA.fingerprint),
	} {
		u, err := l.DevicesUnder(ctx, IssuerOf("acme", text))
		must(t, err)
		diff(t, ids(u), []string{stays.id, failed.id, scrapped.id})
		if u.Left != 2 || u.Moved != 1 || !slices.Equal(u.Keys, []string{"aa01aa01"}) {
			t.Errorf("%s: got %d left, %d moved, keys %v, want 2, 1 and the CA's one", text, u.Left, u.Moved, u.Keys)
		}
	}
	u, err := l.DevicesUnder(ctx, IssuerFilter{Tenant: "acme", AKI: oldCA.aki})
	must(t, err)
	diff(t, u.Devices[0], DeviceUnder{
		Tenant: "acme", DeviceID: stays.id, HardwareSerial: "HW-1", Fingerprint: stays.leaf, CertSerial: stays.cert().CertSerial,
		Issuer: oldCA.dn, AKI: oldCA.aki, IssuerFingerprint: oldCA.fingerprint, NotAfter: t0.Add(24 * time.Hour), LastSeen: t0, Revoked: true,
	})
	if !u.Devices[1].LastSeen.After(t0) || !u.Devices[2].Retired || u.Devices[1].Retired {
		t.Errorf("got %+v, want when the second was plugged in again, and the third out of service", u.Devices[1:])
	}
	for _, text := range []string{"Tenant Sub-CA", "Line \\, two", "aa01", strings.Repeat("0", 64), "%", "' OR ''='"} {
		u, err := l.DevicesUnder(ctx, IssuerOf("acme", text))
		must(t, err)
		if len(u.Devices)+u.Moved != 0 {
			t.Errorf("%q: got %v, want none", text, ids(u))
		}
	}
	other, err := l.DevicesUnder(ctx, IssuerOf("other", "Tenant Sub-CA 1"))
	must(t, err)
	if len(other.Devices) != 0 {
		t.Errorf("another tenant: got %v, want none", ids(other))
	}
	for _, f := range []IssuerFilter{{Tenant: "acme"}, {Name: "x"}} {
		_, err := l.DevicesUnder(ctx, f)
		want(t, err, ErrInvalid)
	}

	// The Sub-CA is made anew under the same name: the name tells the two keys, the key only one.
	must(t, stays.anew("s").provenFrom(ctx, l, sameName, station.Pass))
	u, err = l.DevicesUnder(ctx, IssuerOf("acme", "Tenant Sub-CA 1"))
	must(t, err)
	diff(t, u.Keys, []string{"aa01aa01", "cc03cc03"})
	u, err = l.DevicesUnder(ctx, IssuerOf("acme", "AA:01:AA:01"))
	must(t, err)
	diff(t, ids(u), []string{failed.id, scrapped.id})
	if u.Moved != 2 || u.Left != 1 {
		t.Errorf("got %d moved, %d left, want 2 and 1", u.Moved, u.Left)
	}
}

// Certificates without what would tell a CA are no CA's.
func TestDevicesUnderNothing(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	must(t, dev("HW-1").provenFrom(ctx, l, testCA{}, station.Pass))
	u, err := l.DevicesUnder(ctx, IssuerOf("acme", "Tenant Sub-CA 1"))
	must(t, err)
	if len(u.Devices) != 0 {
		t.Errorf("got %v, want none", ids(u))
	}
}

// Whatever devices went through: each is under the CA of the last certificate that it passed with, and counts as moved where it
// passed with the other one's before.
func TestDevicesUnderAnyHistory(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		tenant := fmt.Sprint("t-", n)
		var under []string
		moved := 0
		for i := range rapid.IntRange(0, 4).Draw(rt, "devices") {
			d := dev(fmt.Sprintf("HW-%d-%d", n, i))
			d.tenant = tenant
			now, worked := testCA{}, false
			for j := range rapid.IntRange(0, 4).Draw(rt, "runs") {
				ca := rapid.SampledFrom([]testCA{oldCA, newCA}).Draw(rt, "ca")
				o := rapid.SampledFrom([]station.Outcome{station.Pass, station.Error}).Draw(rt, "outcome")
				d = d.anew(fmt.Sprintf("%s-%d", d.serial, j))
				if err := d.provenFrom(ctx, l, ca, o); err != nil {
					rt.Fatal(err)
				}
				if o == station.Pass {
					now, worked = ca, worked || ca == oldCA
				}
			}
			switch {
			case now == oldCA:
				under = append(under, d.id)
			case worked:
				moved++
			}
		}
		u, err := l.DevicesUnder(ctx, IssuerOf(tenant, "Tenant Sub-CA 1"))
		if err != nil || !slices.Equal(ids(u), under) || u.Moved != moved || u.Left != len(under) {
			rt.Fatalf("got %v, %d moved (%v), want %v, %d", ids(u), u.Moved, err, under, moved)
		}
	})
}

func TestCommonName(t *testing.T) {
	for dn, want := range map[string]string{
		"CN=Tenant Sub-CA": "Tenant Sub-CA", oldCA.dn: "Tenant Sub-CA 1", newCA.dn: "Tenant Sub-CA 2", "O=Acme": "", "": "",
		`O=Acme\,CN=no,CN=yes\, it is\+`: "yes, it is+", "OU=a+cn=b": "b", `CN=\C3\A4`: "ä", `CN=end\`: `end\`, "CN": "",
	} {
		if got := commonName(dn); got != want {
			t.Errorf("%q: got %q, want %q", dn, got, want)
		}
	}
}

func FuzzCommonName(f *testing.F) {
	f.Add(`O=Acme\,CN=no,CN=yes\, \c3\a4`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := commonName(s); len(got) > len(s) {
			t.Errorf("%q: got %q, want no more than there is", s, got)
		}
		commonName("CN=" + strings.ReplaceAll(s, `\`, ""))
	})
}

func FuzzIssuerOf(f *testing.F) {
	f.Add("AA:01")
	f.Fuzz(func(t *testing.T, s string) {
		got := IssuerOf("acme", s)
		if got.Fingerprint != "" && (len(got.Fingerprint) != 64 || got.AKI != got.Fingerprint) {
			t.Errorf("%q: got %+v, want a whole fingerprint", s, got)
		}
	})
}
