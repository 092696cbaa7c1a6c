package devstack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever somebody without a certificate and without the provisioner's key sends, nothing is issued or revoked, and the answer
// is one of the CA's own.
func FuzzCARequest(f *testing.F) {
	dir := f.TempDir()
	a, err := loadAuthority(filepath.Join(dir, "pki"), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	p, err := openProvisioner(a.dir, dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := a.issueAs(p, true); err != nil {
		f.Fatal(err)
	}
	ca, err := newBuiltinCA(filepath.Join(dir, "ca.json"), a, p, true)
	if err != nil {
		f.Fatal(err)
	}
	h := ca.handler()
	for _, seed := range []struct{ path, auth, body string }{
		{"/1.0/renew", "Bearer a.b.c", ""},
		{"/renew", "Bearer eyJhbGciOiJFUzI1NiIsIng1Y0luc2VjdXJlIjpbIk1JSSJdfQ.e30.AAAA", ""},
		{"/1.0/rekey", "", `{"csr":"-----BEGIN CERTIFICATE REQUEST-----\nMIHO\n-----END CERTIFICATE REQUEST-----\n"}`},
		{"/1.0/revoke", "", `{"serial":"0x12","ott":"eyJhbGciOiJub25lIn0.e30.","reasonCode":1,"passive":true}`},
		{"/revoke", "", `{"serial":"12","passive":true}`},
		{"/revoke", "", `{"serial":"` + strings.Repeat("9", 4000) + `","passive":false}`},
	} {
		f.Add(seed.path, seed.auth, seed.body)
	}
	f.Fuzz(func(t *testing.T, path, auth, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = path
		r.Header.Set("Authorization", auth)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var said struct {
			Status  int
			Message string
		}
		if w.Header().Get("Content-Type") == "application/json" {
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Status != w.Code || said.Message == "" {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
		}
		if w.Code < 300 || w.Code == http.StatusInternalServerError && !strings.Contains(said.Message, "renew token") {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
		if len(ca.records.book.Issued)+len(ca.records.book.Revoked)+len(ca.records.book.Tokens) != 0 {
			t.Fatalf("kept: %+v", ca.records.book)
		}
	})
}
