package devstack

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// builtinCA answers as step-ca 0.30 does, over the authority's Sub-CA, at the addresses that stations, devices and the step
// CLI use. All paths are there with and without /1.0:
//
//	GET  /health, /root/{sha}, /roots.pem, /intermediates.pem
//	POST /renew                    by mTLS, or by a token that the certificate's key signed (x5cInsecure)
//	POST /rekey                    by mTLS
//	POST /revoke                   by mTLS, or by a token of the provisioner
//	GET  /provisioners, /provisioners/{kid}/encrypted-key
//	GET  /crl                      404 unless there is a list
//
// Signing is not among them: the bridge does it in this process. Statuses, texts and certificates are held against the real
// program's by TestCAAnswersAsStepCA.
type builtinCA struct {
	pki     *authority
	prov    *Provisioner
	records *caRecords
	crl     *revocationList // nil: off
	now     func() time.Time
	started time.Time // provisioner's tokens from before are refused
}

// newBuiltinCA opens the CA's records at path. From here on they hold each certificate that the Sub-CA signs.
func newBuiltinCA(path string, a *authority, p *Provisioner, crl bool) (*builtinCA, error) {
	records, err := openCARecords(path, a.now)
	if err != nil {
		return nil, err
	}
	c := &builtinCA{pki: a, prov: p, records: records, now: a.now, started: a.now().Truncate(time.Second)}
	a.keep = records.issued
	if crl {
		c.crl = &revocationList{pki: a, records: records}
		if err := c.crl.renew(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// behind has the server take client certificates, of which the leaf alone is enough: the CA knows its intermediates.
func (c *builtinCA) behind(web *http.Server, l net.Listener) net.Listener {
	pool := x509.NewCertPool()
	for _, ca := range []*x509.Certificate{c.pki.root, c.pki.sub, c.pki.ica} {
		pool.AddCert(ca)
	}
	web.TLSConfig.ClientAuth, web.TLSConfig.ClientCAs, web.TLSConfig.Time = tls.VerifyClientCertIfGiven, pool, c.now
	return l
}

func (c *builtinCA) handler() http.Handler {
	mux := http.NewServeMux()
	route := func(method, path string, h http.HandlerFunc) {
		for _, prefix := range []string{"", "/1.0"} {
			mux.HandleFunc(method+" "+prefix+path, h)
			mux.HandleFunc(prefix+path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Allow", method)
				w.WriteHeader(http.StatusMethodNotAllowed)
			})
		}
	}
	route("GET", "/health", func(w http.ResponseWriter, _ *http.Request) {
		stepJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	route("GET", "/root/{sha}", c.root)
	route("GET", "/roots.pem", func(w http.ResponseWriter, _ *http.Request) { pemText(w, certPEM(c.pki.root)) })
	route("GET", "/intermediates.pem", func(w http.ResponseWriter, _ *http.Request) { pemText(w, certPEM(c.pki.sub, c.pki.ica)) })
	route("GET", "/provisioners", c.provisioners)
	route("GET", "/provisioners/{kid}/encrypted-key", c.encryptedKey)
	route("GET", "/crl", c.list)
	route("POST", "/renew", c.renew)
	route("POST", "/rekey", c.rekey)
	route("POST", "/revoke", c.revoke)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		mux.ServeHTTP(w, r)
	})
}

func pemText(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(text) // an error: the client is gone
}

// stepJSON answers as step-ca does: a line end behind the JSON, "<" and the like escaped.
func stepJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error: the client is gone
}

// What step-ca says where it does not say why.
const (
	seeLogs          = " Please see the certificate authority logs for more info."
	textUnauthorized = "The request lacked necessary authorization to be completed." + seeLogs
	textInternal     = "The certificate authority encountered an Internal Server Error." + seeLogs
	textNotThere     = "The requested method is not implemented by the certificate authority." + seeLogs
	textNoList       = "The certificate authority received an unexpected HTTP status code - '404'." + seeLogs
	textNoSuch       = "The requested resource could not be found." + seeLogs
)

// badRequest is a 400 that says why.
func badRequest(format string, args ...any) error {
	return &caError{http.StatusBadRequest, "The request could not be completed: " + fmt.Sprintf(format, args...) + "."}
}

func unauthorized() error { return &caError{http.StatusUnauthorized, textUnauthorized} }

// refuse answers with an error. One that is not a *caError is the CA's own trouble.
func refuse(w http.ResponseWriter, err error) {
	var known *caError
	if !errors.As(err, &known) {
		known = &caError{http.StatusInternalServerError, textInternal}
	}
	stepJSON(w, known.status, json.RawMessage(known.body()))
}

func (c *builtinCA) root(w http.ResponseWriter, r *http.Request) {
	sum := strings.ToLower(strings.ReplaceAll(r.PathValue("sha"), "-", ""))
	if sum != c.pki.fingerprint() {
		refuse(w, &caError{http.StatusNotFound, fmt.Sprintf("root certificate with fingerprint %q was not found", sum)})
		return
	}
	stepJSON(w, http.StatusOK, map[string]string{"ca": string(certPEM(c.pki.root))})
}

// provisionerAnswer is the provisioner as step-ca lists it.
type provisionerAnswer struct {
	Type         string            `json:"type"`
	Name         string            `json:"name"`
	Key          json.RawMessage   `json:"key"`
	EncryptedKey string            `json:"encryptedKey"`
	Claims       map[string]string `json:"claims"`
	Options      map[string]any    `json:"options"`
}

type provisionersAnswer struct {
	Provisioners []provisionerAnswer `json:"provisioners"` // null behind the only one there is
	NextCursor   string              `json:"nextCursor"`
}

func (c *builtinCA) provisioners(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if v := q.Get("limit"); v != "" {
		if _, err := strconv.Atoi(v); err != nil {
			refuse(w, badRequest("limit '%s' is not an integer", v))
			return
		}
	}
	var all provisionersAnswer
	if q.Get("cursor") == "" {
		key, err := c.prov.public()
		if err != nil {
			refuse(w, err)
			return
		}
		closed, err := c.prov.closed()
		if err != nil {
			refuse(w, err)
			return
		}
		all.Provisioners = append(all.Provisioners, provisionerAnswer{
			Type: "JWK", Name: c.prov.Name, Key: key, EncryptedKey: closed, Claims: c.pki.claims(),
			Options: map[string]any{"x509": map[string]string{"template": c.pki.template()}},
		})
	}
	stepJSON(w, http.StatusOK, all)
}

func (c *builtinCA) encryptedKey(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("kid") != c.prov.key.KeyID {
		refuse(w, &caError{http.StatusNotFound, textNoSuch})
		return
	}
	closed, err := c.prov.closed()
	if err != nil {
		refuse(w, err)
		return
	}
	stepJSON(w, http.StatusOK, map[string]string{"key": closed})
}
