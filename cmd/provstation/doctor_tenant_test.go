package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// withTenant gives the patient a ThingsBoard and a hawkBit.
func (p *patient) withTenant(h http.Handler) {
	p.t.Helper()
	url := p.serve(p.identity(p.pki.Sub), h).URL
	t, b := &p.cfg.Tenant.ThingsBoard, &p.cfg.Tenant.HawkBit
	t.URL, t.Username, t.PasswordFile, t.TLS.Trust = url+"/tb", "station@tenant.example", p.file("tb.password", "hunter2\n", 0o600), config.TrustRoot
	b.URL, b.Username, b.PasswordFile, b.TLS.Trust = url+"/hb", "station", p.file("hb.password", "hunter2\n", 0o600), config.TrustRoot
}

// healthyTenant answers as both do when all is well.
func healthyTenant() *http.ServeMux {
	mux := http.NewServeMux()
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	mux.HandleFunc("POST /tb/api/auth/login", say(200, `{"token":"abc"}`))
	mux.HandleFunc("GET /tb/api/tenant/devices", say(404, `{"status":404,"message":"Requested item wasn't found!","errorCode":32}`))
	mux.HandleFunc("GET /hb/rest/v1/targets", say(200, `{"content":[],"total":0,"size":0}`))
	return mux
}

func TestDoctorTenant(t *testing.T) {
	all := func(status int, kind, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	for name, tc := range map[string]struct {
		handler http.Handler
		prepare func(p *patient)
		tb, hb  expect
	}{
		"in order": {tb: expect{"", checkOK, "answers to station@tenant.example", ""}, hb: expect{"", checkOK, "lists targets", ""}},
		"not configured": {
			prepare: func(p *patient) { p.cfg.Tenant = config.Default().Tenant }, tb: expect{"", checkSkipped, "tenant.thingsboard.url is empty", ""},
			hb: expect{"", checkSkipped, "tenant.hawkbit.url is empty", ""},
		},
		"down": {prepare: func(p *patient) {
			down := "https://127.0.0.1:" + strconv.Itoa(stationtest.FreePort(p.t))
			p.cfg.Tenant.ThingsBoard.URL, p.cfg.Tenant.HawkBit.URL = down, down
		}, tb: expect{"", checkFail, "E-TENANT-DOWN", "host and port in tenant.thingsboard.url"}, hb: expect{"", checkFail, "E-TENANT-DOWN", "host and port in tenant.hawkbit.url"}},
		"login refused": {
			handler: all(401, "application/json", `{"status":401,"message":"Invalid username or password hunter2","errorCode":10}`),
			tb:      expect{"", checkFail, "E-TENANT-AUTH", "the account is refused: check user name and secret in tenant.thingsboard"},
			hb:      expect{"", checkFail, "E-TENANT-AUTH", "the account is refused: check user name and secret in tenant.hawkbit"},
		},
		"may not": {handler: all(403, "application/json", `{}`), tb: expect{"", checkFail, "403", "tenant administrator"}, hb: expect{"", checkFail, "403", "read targets"}},
		"a page":  {handler: all(200, "text/html", "<html>"), tb: expect{"", checkFail, "E-TENANT-PATH", "wrong path"}, hb: expect{"", checkFail, "E-TENANT-PATH", "wrong path"}},
		"another server": {
			handler: all(200, "application/json", `{"x":1}`), tb: expect{"", checkFail, "E-TENANT-ANSWER", "another server answers there"},
			hb: expect{"", checkFail, "E-TENANT-ANSWER", "another server answers there"},
		},
		"broken": {handler: all(500, "text/plain", "x"), tb: expect{"", checkFail, "E-TENANT-INTERNAL", "own log"}, hb: expect{"", checkFail, "E-TENANT-INTERNAL", "own log"}},
		"busy":   {handler: all(429, "text/plain", "x"), tb: expect{"", checkFail, "E-TENANT-BUSY", "overloaded"}, hb: expect{"", checkFail, "E-TENANT-BUSY", "overloaded"}},
		"another CA": {
			prepare: func(p *patient) { p.cfg.PKI.RootFile = p.file("other.pem", stationtest.NewPKI(p.t).Root.PEM(), 0o600) },
			tb:      expect{"", checkFail, "E-TENANT-TLS", "tenant.thingsboard.tls.trust names"}, hb: expect{"", checkFail, "E-TENANT-TLS", "tenant.hawkbit.tls.trust names"},
		},
		"no trust anchor": {
			prepare: func(p *patient) { p.cfg.PKI.RootFile = p.dir + "/gone.pem" },
			tb:      expect{"", checkFail, "E-TRUST-MISSING", "see trust"}, hb: expect{"", checkFail, "E-TRUST-MISSING", "see trust"},
		},
		"no secret": {prepare: func(p *patient) {
			p.cfg.Tenant.ThingsBoard.PasswordFile, p.cfg.Tenant.HawkBit.PasswordFile = p.dir+"/gone", p.file("empty", "", 0o600)
		}, tb: expect{"", checkFail, "E-TENANT-SECRET", "put the secret where"}, hb: expect{"", checkFail, "empty", "put the secret where"}},
		"others may read it": {prepare: func(p *patient) {
			p.cfg.Tenant.ThingsBoard.PasswordFile, p.cfg.Tenant.HawkBit.PasswordFile = p.file("a", "hunter2", 0o644), p.file("b", "hunter2", 0o640)
		}, tb: expect{"", checkWarn, "others may read", "chmod 600"}, hb: expect{"", checkWarn, "others may read", "chmod 600"}},
		"no account": {
			prepare: func(p *patient) { p.cfg.Tenant.ThingsBoard.Username, p.cfg.Tenant.HawkBit.Username = "", "" },
			tb:      expect{"", checkFail, "go together", "correct section tenant.thingsboard"}, hb: expect{"", checkFail, "no user name", "correct section tenant.hawkbit"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			h := tc.handler
			if h == nil {
				h = healthyTenant()
			}
			p.withTenant(h)
			if tc.prepare != nil {
				tc.prepare(p)
			}
			tc.tb.check, tc.hb.check = "thingsboard", "hawkbit"
			got := append(p.checkThingsBoard(within(t, checkLimit)), p.checkHawkBit(within(t, checkLimit))...)
			tc.tb.in(t, got)
			tc.hb.in(t, got)
			for _, f := range got {
				if strings.Contains(f.Seen+f.Fix, "hunter2") {
					t.Errorf("the password is in %+v", f)
				}
			}
		})
	}
}

func TestDoctorTenantHangs(t *testing.T) {
	p := newPatient(t)
	release := make(chan struct{})
	p.withTenant(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer close(release)
	expect{"thingsboard", checkFail, "E-TENANT-TIMEOUT", "it does not answer"}.in(t, p.checkThingsBoard(within(t, 300*time.Millisecond)))
}
