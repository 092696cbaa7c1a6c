package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// crlOn switches the CA's list on, made anew with each revocation.
func crlOn() map[string]any {
	return map[string]any{"enabled": true, "generateOnRevoke": true, "idpURL": "http://ca.example/crl"}
}

// A life of revocations at a real CA, by a real ledger: by device, by serial number, twice, in bulk, behind the ledger's back.
// At the end the CA's own list and the ledger agree.
func TestCertRevoke(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn(), CRLPointers: []string{"http://ca.example/crl"}})
	old := b.device("edge-1")
	present := b.issue("edge-1", old.key) // renewed
	b.onFile(present, true)
	second, third, untouched := b.device("edge-2"), b.device("edge-3"), b.device("edge-4")
	superseded := b.device("edge-5")
	fresh := b.issue("edge-5", nil)
	b.onFile(fresh, true)
	unproven := b.issue("edge-5", nil)
	b.onFile(unproven, false)

	b.do(exitBad, "cert", "revoke", "edge-9", "--yes").says(t, `no certificate of a device "edge-9" is on file`)
	b.do(exitUsage, "cert", "revoke", "edge-1").says(t, "no terminal", "--yes")
	if n := len(b.column("SELECT revocation FROM revocations")); n != 0 {
		t.Fatalf("got %d requests on record, want none", n)
	}

	got := b.do(exitGood, "cert", "revoke", "EDGE-1", "--reason", "key-compromise", "--text", "stolen", "--yes")
	got.says(t, present.serial()+"  revoked (keyCompromise)", "A broker refuses the device as soon as it has the list", "crlfile", "SIGHUP",
		"1 more certificates that are valid", old.serial())
	b.do(exitGood, "cert", "revoke", "edge-1", "--yes").says(t, "was revoked before", "(keyCompromise)")
	b.wantRevoked(b.crl(), 0, present)

	b.do(exitGood, "cert", "revoke", "--serial", second.serial(), "--reason", "affiliationChanged", "--yes").says(t, "edge-2", "revoked (affiliationChanged)")
	b.do(exitGood, "cert", "revoke", "--serial", third.leaf.SerialNumber.String(), "--yes").says(t, "edge-3", "revoked (unspecified)")
	b.do(exitBad, "cert", "revoke", "--serial", "123456789012345678901234567890", "--yes").says(t, "is on file", "--unknown")
	b.do(exitGood, "cert", "revoke", "--serial", "123456789012345678901234567890", "--unknown", "--yes").
		says(t, "warning:", `The CA says "ok" whether it has ever issued one or not`, "revoked (unspecified)")
	b.do(exitGood, "cert", "revoke", "--serial", "123456789012345678901234567890", "--unknown", "--yes").says(t, "was revoked before")

	// Somebody revokes one elsewhere: what was wanted is the case.
	r, err := b.client().Revoker(t.Context(), "", stepca.NewSecret([]byte(provisionerPassword)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke(t.Context(), unproven.leaf.SerialNumber, stepca.Revocation{Reason: stepca.Superseded}); err != nil {
		t.Fatal(err)
	}
	list := b.do(exitGood, "cert", "revoke", "--orphans", "--yes", "--json").objects(t)
	results := map[string]string{}
	for _, e := range ofType(list, "revocation") {
		results[e.text("cert_serial")] = e.text("result") + " " + e.text("reason")
	}
	want := map[string]string{
		old.serial(): "revoked superseded", superseded.serial(): "revoked superseded", unproven.serial(): "already-revoked unspecified",
	}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Errorf("orphans (-want +got):\n%s", diff)
	}
	end := one(t, list, "revocations-end")
	if end["revoked"] != 2.0 || end["already"] != 1.0 || end["failed"] != 0.0 || end["left"] != 0.0 {
		t.Errorf("got %v, want two revoked now and one before", end)
	}
	for _, e := range ofType(list, "brokers") {
		if e.text("brokers") != "listed" || e.text("message") == "" {
			t.Errorf("got %v, want listed", e)
		}
	}
	b.do(exitGood, "cert", "revoke", "--orphans", "--yes").says(t, "nothing to revoke")
	b.wantRevoked(b.crl(), 1, present, second, third, old, superseded, unproven)
	for _, c := range []issuedCert{untouched, fresh} {
		if _, ok := b.crl().Revoked(c.leaf.SerialNumber); ok {
			t.Errorf("%s was revoked, and nobody asked for it", c.id)
		}
	}
	if open := b.column("SELECT revocation FROM revocations WHERE result IS NULL"); len(open) != 0 {
		t.Errorf("got %d requests that nobody settled", len(open))
	}
	if by := b.column("SELECT DISTINCT asked_by FROM revocations"); len(by) != 1 || by[0] != "Lea" {
		t.Errorf("got %q on record, want who asked", by)
	}
	b.do(exitGood, "records", "verify")
}

// What is on file of a device, and what the CA says of it.
func TestCertShow(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn(), CRLPointers: []string{"http://ca.example/crl"}})
	old := b.device("edge-1")
	present := b.issue("edge-1", nil)
	b.onFile(present, true)
	b.do(exitGood, "cert", "revoke", "--serial", old.serial(), "--reason", "superseded", "--yes")

	b.do(exitBad, "cert", "show", "edge-9").says(t, "no certificate of a device")
	b.do(exitGood, "cert", "show", "edge-1").says(t, "state            present", "state            revoked 20", "(superseded)",
		present.serial()+" (decimal "+present.leaf.SerialNumber.String()+")", "renew by")
	b.do(exitGood, "cert", "show", "edge-1", "--ca").says(t, "CA's list        in it since", "CA's list        not in it")
	list := b.do(exitGood, "cert", "show", "edge-1", "--ca", "--json").objects(t)
	got := map[string]string{}
	for _, e := range list {
		crl, _ := e["crl"].(map[string]any)
		got[e.text("cert_serial")] = fmt.Sprint(e["state"], " ", e["present"], " ", crl["listed"], " ", crl["covers"], " ", crl["state"], " ", e["days_left"])
	}
	want := map[string]string{old.serial(): "revoked false true true fresh 0", present.serial(): "present true false true fresh 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A wrong password, a provisioner that is not there, no CA, one that is not ours: each is told apart, and nothing is on record.
func TestCertRevokeCannot(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{Extra: []string{"other"}})
	c := b.device("edge-1")
	wrong := filepath.Join(b.dir, "wrong.password")
	if err := os.WriteFile(wrong, []byte("not it\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	strange := stationtest.NewPKI(t)
	root := filepath.Join(b.dir, "strange.pem")
	if err := os.WriteFile(root, []byte(strange.Root.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		edit func(*config.Config)
		code int
		says string
	}{
		"wrong-password":   {func(c *config.Config) { c.PKI.Revoke.PasswordFile = wrong }, exitUsage, "E-CA-PASSWORD"},
		"no-password-file": {func(c *config.Config) { c.PKI.Revoke.PasswordFile = wrong + "x" }, exitUsage, "E-CA-PASSWORD"},
		"no-password":      {func(c *config.Config) { c.PKI.Revoke.PasswordFile = "" }, exitUsage, "E-CA-PASSWORD"},
		"no-provisioner":   {func(c *config.Config) { c.PKI.Revoke.Provisioner = "nobody" }, exitUsage, "E-CA-PASSWORD"},
		"without-key":      {func(c *config.Config) { c.PKI.Revoke.Provisioner = "other" }, exitUsage, "E-CA-PASSWORD"},
		"no-ca": {func(c *config.Config) {
			c.PKI.StepCAURL, c.PKI.Revoke = "", config.Revoke{}
		}, exitUsage, "E-CA-NONE"},
		"ca-down":     {func(c *config.Config) { c.PKI.StepCAURL = fmt.Sprintf("https://127.0.0.1:%d", stationtest.FreePort(t)) }, exitBad, "E-CA-DOWN"},
		"another-ca":  {func(c *config.Config) { c.PKI.RootFile = root }, exitUsage, "E-CA-TLS"},
		"wrong-path":  {func(c *config.Config) { c.PKI.StepCAURL += "/pki" }, exitUsage, "E-CA-PATH"},
		"wrong-token": {func(c *config.Config) { c.PKI.StepCAName = "ca.elsewhere.example" }, exitBad, "E-CA-DENIED"},
	} {
		b.doWith(b.configFor(name, tc.edit), tc.code, "cert", "revoke", "edge-1", "--yes").says(t, tc.says)
	}
	if got := b.column("SELECT coalesce(result, 'open') FROM revocations"); len(got) != 1 || got[0] != "failed: E-CA-DENIED" {
		t.Errorf("got %q on record, want the one request that the CA refused", got)
	}
	env := b.configFor("by-env", func(c *config.Config) {
		c.PKI.Revoke.PasswordFile, c.PKI.Revoke.PasswordEnv = "", "PROVISIONER_PASSWORD"
	})
	got := cli(t, []string{"PROVSTATION_CONFIG=" + env, "PROVISIONER_PASSWORD=" + provisionerPassword}, "cert", "revoke", "edge-1", "--yes")
	got.good(t).says(t, c.serial()+"  revoked (unspecified)", "Brokers accept the certificate until it expires on "+c.leaf.NotAfter.UTC().Format("2006-01-02 15:04 UTC"),
		"the CA keeps no list of revoked certificates")
}

// mortal is a proxy before a real CA that ends TLS, and that has the CA die around the next revocation.
type mortal struct {
	*httptest.Server
	before, after func() // the CA hears of it; nil: it lives
}

func startMortal(t *testing.T, ca *stationtest.StepCA) *mortal {
	t.Helper()
	cert, key := ca.PKI.ServerFiles(t)
	id, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.PKI.Root.Cert)
	to, err := url.Parse(ca.URL)
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		ModifyResponse: func(res *http.Response) error {
			if res.Request.URL.Path == "/1.0/revoke" && m.after != nil {
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Errorf("the CA's answer: %v", err)
				}
				m.after()
				panic(http.ErrAbortHandler) // nobody hears of it
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/1.0/revoke" && m.before != nil {
			m.before()
		}
		proxy.ServeHTTP(w, r)
	}))
	m.TLS = &tls.Config{Certificates: []tls.Certificate{id}, MinVersion: tls.VersionTLS12}
	m.StartTLS()
	t.Cleanup(m.Close)
	return m
}

// The CA is killed before it has done it, and after: nothing is called done that nobody has heard of, and the same command
// ends it once the CA is back. The proxy ends TLS, so the token has to name the CA's own host.
func TestCertRevokeLostAnswer(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after the revocation: %t", after), func(t *testing.T) {
			t.Parallel()
			b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn(), Names: []string{"ca.internal"}, Postgres: caDatabase(t)})
			c, other := b.device("edge-1"), b.device("edge-2")
			m := startMortal(t, b.ca)
			cfg := b.configFor("proxied", func(c *config.Config) { c.PKI.StepCAURL, c.PKI.StepCAName = m.URL, "ca.internal" })
			if after {
				m.after = b.ca.Kill
			} else {
				m.before = b.ca.Kill
			}
			b.doWith(cfg, exitBad, "cert", "revoke", "edge-1", "--yes", "--reason", "keyCompromise").says(t, "not revoked: E-CA-DOWN")
			if got := b.column("SELECT coalesce(result, 'open') FROM revocations"); len(got) != 1 || got[0] != "open" {
				t.Errorf("got %q on record, want one request that is open", got)
			}
			if got := b.column("SELECT cert_serial FROM certificates WHERE revoked_at IS NOT NULL"); len(got) != 0 {
				t.Errorf("got %q on record as revoked, and nobody has heard so", got)
			}
			b.doWith(cfg, exitBad, "cert", "revoke", "edge-1", "--yes", "--reason", "keyCompromise").says(t, "E-CA-DOWN") // still gone
			b.do(exitGood, "cert", "show", "edge-1").says(t, "1 requests without an answer")

			m.before, m.after = nil, nil
			stationtest.Start(t, b.ca.Cmd.Path, b.ca.Cmd.Args[1:]...).WaitLine("Serving HTTPS on")
			b.doWith(cfg, exitGood, "cert", "revoke", "edge-1", "--yes", "--reason", "keyCompromise")
			want := "done"
			if after {
				want = "found done"
			}
			if got := b.column("SELECT coalesce(result, 'open') FROM revocations"); len(got) != 1 || got[0] != want {
				t.Errorf("got %q on record, want the one request, %s", got, want)
			}
			b.wantRevoked(b.crl(), 0, c)
			if _, ok := b.crl().Revoked(other.leaf.SerialNumber); ok {
				t.Error("another device was revoked")
			}
		})
	}
}

// caDatabase is a database of its own for a CA that is killed: what it has answered must be there afterwards.
func caDatabase(t *testing.T) string {
	t.Helper()
	return stationtest.StartPostgres(t).URL
}

// In bulk: the CA goes away in the middle, the rest is left, and the same command ends it.
func TestCertRevokeOrphansInterrupted(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn()})
	var all []issuedCert
	for i := range 4 {
		c := b.device(fmt.Sprintf("edge-%d", i))
		b.onFile(b.issue(c.id, nil), true)
		all = append(all, c)
	}
	m := startMortal(t, b.ca)
	n := 0
	m.before = func() {
		if n++; n == 3 {
			panic(http.ErrAbortHandler)
		}
	}
	cfg := b.configFor("proxied", func(c *config.Config) { c.PKI.StepCAURL, c.PKI.StepCAName = m.URL, "127.0.0.1" })
	list := b.doWith(cfg, exitBad, "cert", "revoke", "--orphans", "--yes", "--json").objects(t)
	end := one(t, list, "revocations-end")
	if end["revoked"] != 2.0 || end["failed"] != 1.0 || end["left"] != 1.0 || end.text("code") != "E-CA-DOWN" {
		t.Errorf("got %v, want two revoked, one failed, one left", end)
	}
	b.doWith(cfg, exitGood, "cert", "revoke", "--orphans", "--yes").says(t, "2 revoked, 0 were before, 0 failed, 0 left")
	b.wantRevoked(b.crl(), 0, all...)
}

// The tool has said which: with the CA's list a real broker refuses the revoked device, without it accepts it.
func TestCertRevokeAndBrokers(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn(), CRLPointers: []string{"http://ca.example/crl"}})
	revoked, good := b.device("edge-revoked"), b.device("edge-good")
	cert, key := b.ca.PKI.ServerFiles(t)
	file := filepath.Join(b.dir, "crl.pem")
	put := func() {
		t.Helper()
		if err := os.WriteFile(file, b.crl().PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put()
	with := stationtest.StartMosquitto(t, b.ca.Root, cert, key, "crlfile "+file)
	without := stationtest.StartMosquitto(t, b.ca.Root, cert, key)
	for _, m := range []*stationtest.Mosquitto{with, without} {
		if !b.accepts(m, revoked) || !b.accepts(m, good) {
			t.Fatal("a broker refuses a device that nobody has revoked")
		}
	}
	b.do(exitGood, "cert", "revoke", "edge-revoked", "--reason", "keyCompromise", "--yes").
		says(t, "A broker refuses the device as soon as it has the list", "put it into the broker's crlfile, and send the broker SIGHUP")
	if !b.accepts(with, revoked) {
		t.Error("the broker refuses before it has the list: the tool has said otherwise")
	}
	put()
	if err := with.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	with.WaitLine("Reloading config")
	if b.accepts(with, revoked) {
		t.Error("with the CA's list the broker accepts the revoked device")
	}
	if !b.accepts(with, good) {
		t.Error("with the CA's list the broker refuses the good device")
	}
	if !b.accepts(without, revoked) {
		t.Error("without a list the broker refuses the revoked device: it knows nothing of it")
	}

	off := newLifeBench(t, stationtest.StepCAConfig{})
	lost := off.device("edge-lost")
	off.do(exitGood, "cert", "revoke", "edge-lost", "--yes").says(t, "Brokers accept the certificate until it expires on "+lost.leaf.NotAfter.UTC().Format("2006-01-02"))
	cert, key = off.ca.PKI.ServerFiles(t)
	if !off.accepts(stationtest.StartMosquitto(t, off.ca.Root, cert, key), lost) {
		t.Error("the broker refuses the device, and the tool has said that it accepts it")
	}

	// A list that is not for the certificate: the recorded tenant's template has no pointer to it.
	scope := newLifeBench(t, stationtest.StepCAConfig{CRL: crlOn()})
	scope.device("edge-outside")
	scope.do(exitGood, "cert", "revoke", "edge-outside", "--yes").says(t, "is not for this certificate", "A broker with this list refuses the device, revoked or not")
	file = filepath.Join(scope.dir, "crl.pem")
	if err := os.WriteFile(file, scope.crl().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key = scope.ca.PKI.ServerFiles(t)
	if scope.accepts(stationtest.StartMosquitto(t, scope.ca.Root, cert, key, "crlfile "+file), scope.issue("edge-innocent", nil)) {
		t.Error("the broker accepts a device that the list is not for, and the tool has said otherwise")
	}
}

func TestSerialNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"0a":                    "10 -",
		"10":                    "16 10",
		"0x10":                  "16 -",
		"AB:CD":                 "43981 -",
		"abcd":                  "43981 -",
		"010":                   "16 -", // the CA would read it as octal
		"123":                   "291 123",
		"0x":                    "- -",
		"":                      "- -",
		"-5":                    "- -",
		"x":                     "- -",
		"0":                     "- -",
		strings.Repeat("f", 41): "- -",
	} {
		h, d, err := serialNumbers(text)
		got := []string{"-", "-"}
		if h != nil {
			got[0] = h.String()
		}
		if d != nil {
			got[1] = d.String()
		}
		if s := strings.Join(got, " "); s != want || (err != nil) != (want == "- -") {
			t.Errorf("%q: got %s, %v, want %s", text, s, err, want)
		}
	}
}
