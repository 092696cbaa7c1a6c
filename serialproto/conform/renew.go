package conform

import (
	"bytes"
	"crypto/x509"
	"time"

	"provstation/serialproto"
)

func renewCases() []Case {
	list := []Case{
		{ID: "renew", Text: "RENEW with commit makes a new leaf for the same key and names the one in use", run: renewCase},
		{ID: "renew-stage", Text: "without commit the new leaf waits; its digest commits it, ABORT drops it", run: renewStage},
		{ID: "renew-refused", Text: "a leaf of another key (10), name, issuer, or one that is a CA or expired (4) is refused", run: renewRefused},
		{ID: "renew-old", Text: "a leaf that ends before the present one and does not begin later is refused with status 4", run: renewOld},
	}
	for i := range list {
		list[i].Clause, list[i].Features = "Renew", serialproto.FeatureRenew
	}
	return sealing(list)
}

// renewed is a leaf like the present one that begins and ends later.
func (d *dut) renewed(by time.Duration) *x509.Certificate {
	t := leafTemplate(d.fx.deviceID)
	t.NotBefore, t.NotAfter = d.fx.leaf.NotBefore.Add(by), d.fx.leaf.NotAfter.Add(by)
	return d.issued(d.ca.sub, t, d.fx.pub)
}

func (d *dut) renewArgs(leaf *x509.Certificate, commit bool) serialproto.RenewArgs {
	return serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: leaf.Raw, EnrollID: d.fx.enrollID, Commit: commit}
}

// leafIs wants a leaf in use.
func (d *dut) leafIs(leaf *x509.Certificate, after string) {
	d.reads(serialproto.ObjLeaf, [][]byte{leaf.Raw}, after)
	d.fx.leaf = leaf
}

func renewCase(d *dut) {
	leaf := d.renewed(time.Second)
	for range 2 { // its answer may be lost
		var r serialproto.InstallResult
		d.ok(d.renewArgs(leaf, true), &r)
		d.check(bytes.Equal(r.Objects[serialproto.ObjLeaf], digest8(leaf.Raw)), "want the digest of the new leaf, got %s", dump(r.Objects[serialproto.ObjLeaf]))
	}
	d.leafIs(leaf, "RENEW")
	d.stillSealed("RENEW")
}

func renewStage(d *dut) {
	present, next := d.fx.leaf, d.renewed(time.Second)
	stage := func() {
		d.ok(d.renewArgs(next, false), nil)
		d.leafIs(present, "RENEW without commit")
		d.check(bytes.Equal(d.status().Pending, digest(next.Raw)), "want STATUS to name the leaf that waits")
	}
	stage()
	d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
	commit := serialproto.RenewArgs{Op: serialproto.OpRenew, EnrollID: d.fx.enrollID, Digest: digest(next.Raw)}
	d.refused("committing a leaf that was dropped", commit, serialproto.StatusWrongState)
	stage()
	other := commit
	other.Digest = digest([]byte("other"))
	d.refused("committing another leaf", other, serialproto.StatusHashMismatch)
	d.greet(nil)
	d.ok(commit, nil)
	d.leafIs(next, "the commit")
}

func renewRefused(d *dut) {
	present := d.fx.leaf
	key, err := newSigner()
	d.check(err == nil, "the suite: %v", err)
	try := func(what string, by issuer, status serialproto.Status, change func(*x509.Certificate)) {
		t := leafTemplate(d.fx.deviceID)
		t.NotBefore, t.NotAfter = present.NotBefore.Add(time.Second), present.NotAfter.Add(time.Second)
		change(t)
		pub := d.fx.pub
		if status == serialproto.StatusCertKey {
			pub = key.Public()
		}
		d.refused(what, d.renewArgs(d.issued(by, t, pub), true), status)
		d.leafIs(present, "RENEW to "+what)
	}
	bad := serialproto.StatusBadArgument
	try("a leaf of another key", d.ca.sub, serialproto.StatusCertKey, func(*x509.Certificate) {})
	try("a leaf of another common name", d.ca.sub, bad, func(c *x509.Certificate) { c.Subject.CommonName += "x" })
	try("a leaf with another name beside", d.ca.sub, bad, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "broker.example") })
	try("a leaf without its name", d.ca.sub, bad, func(c *x509.Certificate) { c.DNSNames = nil })
	try("a leaf of another issuer", d.ca.other, bad, func(*x509.Certificate) {})
	try("a leaf that is a CA", d.ca.sub, bad, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	try("a leaf that has expired", d.ca.sub, bad, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-50*365*24*time.Hour), time.Now().Add(-40*365*24*time.Hour)
	})
	other := d.renewArgs(d.renewed(time.Second), true)
	other.EnrollID = d.newEnroll().EnrollID
	d.refused("a leaf for another enrollment", other, serialproto.StatusWrongState)
}

func renewOld(d *dut) {
	first, second := d.renewed(time.Minute), d.renewed(2*time.Minute)
	d.ok(d.renewArgs(first, true), nil)
	d.ok(d.renewArgs(second, true), nil)
	d.refused("the leaf of before", d.renewArgs(first, true), serialproto.StatusBadArgument)
	d.leafIs(second, "RENEW to the leaf of before")
}
