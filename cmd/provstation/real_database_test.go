package main

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provstation/station/devstack"
	"provstation/station/ledger"
	"provstation/station/stationtest"
)

// The CA's own database and the station's ledger say the same of a device's whole life: which certificates there are, byte for
// byte, and which of them are revoked. What is read is step-ca's tables, not what it answered.
func TestRealCADatabase(t *testing.T) {
	t.Parallel()
	db := stationtest.StartPostgres(t)
	b := unlockBench(t, devstack.Config{StepCADB: db.URL}, nil)
	for i, args := range [][]string{
		{"run", "--count", "1"},
		{"cert", "renew", lifeID, "--by", "token"},
		{"cert", "renew", lifeID, "--by", "mtls"},
		{"cert", "rekey", lifeID},
	} {
		b.ends("PASS", "", args...)
		b.agrees(db, strings.Join(args, " "), i+1, 0)
	}
	cli(t, nil, "cert", "revoke", lifeID, "--config", b.config, "--with-device", "--yes", "--json").good(t)
	b.agrees(db, "cert revoke --with-device", 4, 1)
	for _, by := range []string{"token", "mtls"} {
		b.ends("FAIL", "E-CA-REVOKED", "cert", "renew", lifeID, "--by", by)
		b.agrees(db, "refused renewal by "+by, 4, 1)
	}
	for _, when := range []string{"decommission", "decommission again"} {
		cli(t, nil, "decommission", lifeID, "--config", b.config, "--yes", "--done", "wireguard-peer", "--json").good(t)
		b.agrees(db, when, 4, 4)
	}
}

// agrees compares the two, and with how many there should be.
func (b *realBench) agrees(db *stationtest.Postgres, when string, issued, revoked int) {
	t := b.t
	t.Helper()
	l, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(b.dir, "ledger.db"), ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows, err := l.CertificatesOf(t.Context(), "acme", lifeID)
	if err != nil {
		t.Fatal(err)
	}
	certs, gone := map[string]string{}, map[string]string{} // by serial: DER, in hex; the ledger's reason
	for _, r := range rows {
		c, err := x509.ParseCertificate(r.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		certs[c.SerialNumber.String()] = hex.EncodeToString(r.Leaf)
		if !r.RevokedAt.IsZero() {
			gone[c.SerialNumber.String()] = r.RevokeReason
		}
	}
	table := func(columns, name string) map[string]string {
		t.Helper()
		got := map[string]string{}
		for line := range strings.Lines(db.SQL(t, db.URL, fmt.Sprintf("SELECT convert_from(nkey, 'UTF8'), %s FROM %s", columns, name))) {
			serial, value, _ := strings.Cut(strings.TrimSpace(line), "|")
			got[serial] = value
		}
		return got
	}
	has, crl := table("encode(nvalue, 'hex')", "x509_certs"), table("convert_from(nvalue, 'UTF8')", "revoked_x509_certs")
	if !maps.Equal(certs, has) || len(has) != issued {
		t.Errorf("%s: got certificates %v in the ledger and %v in the CA's database, want the same %d", when, keysOf(certs), keysOf(has), issued)
	}
	if !slices.Equal(keysOf(gone), keysOf(crl)) || len(crl) != revoked {
		t.Errorf("%s: got revoked %v in the ledger and %v in the CA's database, want the same %d", when, gone, crl, revoked)
	}
	byDevice := 0
	for serial, text := range crl {
		var entry struct {
			ReasonCode int
			MTLS       bool
		}
		if err := json.Unmarshal([]byte(text), &entry); err != nil || entry.ReasonCode != map[string]int{"unspecified": 0, "cessationOfOperation": 5}[gone[serial]] {
			t.Errorf("%s: %s: got %s in the CA's database (%v), want the ledger's reason %s", when, serial, text, err, gone[serial])
		}
		if entry.MTLS {
			byDevice++
		}
	}
	if byDevice != min(revoked, 1) {
		t.Errorf("%s: got %d revocations by the device itself, want the first alone: %v", when, byDevice, crl)
	}
	t.Logf("%s: %d certificates, %d revoked", when, len(has), len(crl))
}

func keysOf(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
