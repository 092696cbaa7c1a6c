package devstack

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/stationtest"
)

// What the CA says where it does not say why, and where it does.
const (
	logs     = ` Please see the certificate authority logs for more info."}`
	noRight  = `{"status":401,"message":"The request lacked necessary authorization to be completed.` + logs
	cannot   = `{"status":400,"message":"The request could not be completed: `
	forbids  = `{"status":403,"message":"The request was forbidden by the certificate authority: `
	noToken  = `{"status":401,"message":"error validating renew token`
	badToken = `{"status":500,"message":"error validating renew token`
)

// scenario is something asked of a CA. What comes back is compared between the two, and with what is expected: a status (0: an
// alert of TLS) and a part of the body.
type scenario struct {
	name   string
	do     func(s *caSite) said
	status int
	body   string
}

// gives is a scenario in which one holder does something.
func gives(name string, status int, body string, do func(s *caSite, d *holder) said) scenario {
	return scenario{name, func(s *caSite) said { return do(s, s.enroll("edge-0001", 0)) }, status, body}
}

var newLife = strings.Join([]string{"as before: true from now: true", "serial new: true long: true", "key as asked: true", "key id as before: true"}, "\n")

var newKeyLife = strings.Replace(newLife, "key id as before: true", "key id as before: false", 1)

func renewals(t *testing.T) []scenario {
	pki := stationtest.NewPKI(t)
	byToken := func(edits ...func(claims)) func(*caSite, *holder) said {
		return func(s *caSite, d *holder) said {
			return s.facts(s.renewBy(d.token(edits...)), d.leaf(), d.key.Public())
		}
	}
	return []scenario{
		gives("renew by mTLS", 201, newLife, func(s *caSite, d *holder) said { return s.facts(s.renew(d), d.leaf(), d.key.Public()) }),
		gives("renew by mTLS, the leaf alone", 201, newLife, func(s *caSite, d *holder) said {
			return s.facts(s.renew(d.with(d.chain[0])), d.leaf(), d.key.Public())
		}),
		gives("renew without /1.0", 201, newLife, func(s *caSite, d *holder) said {
			return s.facts(s.call("POST", "/renew", d, "", ""), d.leaf(), d.key.Public())
		}),
		gives("renew twice", 201, newLife, func(s *caSite, d *holder) said {
			first := s.renew(d)
			next := d.with(certs(s.t, answerOf(s.t, first.raw)["crt"].(string))[0].Raw, d.chain[1], d.chain[2])
			return s.facts(s.renewBy(next.token()), next.leaf(), d.key.Public())
		}),
		gives("renew with nothing", 400, cannot+`missing client certificate."}`, func(s *caSite, _ *holder) said { return s.renew(nil) }),
		gives("renew with another scheme", 400, cannot+`missing client certificate."}`, func(s *caSite, _ *holder) said {
			return s.call("POST", "/1.0/renew", nil, "Basic YTpi", "")
		}),
		gives("renew by another CA's certificate", 0, "tls: ", func(s *caSite, d *holder) said {
			return s.renew(d.with(pki.Issue(t, stationtest.NewCSR(t, d.key, d.id)), pki.Sub.Cert.Raw, pki.ICA.Cert.Raw))
		}),
		gives("renew by GET", 405, "", func(s *caSite, d *holder) said { return s.call("GET", "/1.0/renew", d, "", "") }),
		gives("token", 201, newLife, byToken()),
		gives("token, the provisioner its issuer", 201, newLife, func(s *caSite, d *holder) said {
			return s.facts(s.renewBy(d.token(claim("iss", s.prov))), d.leaf(), d.key.Public())
		}),
		gives("token, audience without a port", 201, newLife, byToken(claim("aud", "https://localhost/renew"))),
		gives("token, audience of another host", 500, badToken+`: invalid audience claim (aud)"}`, byToken(claim("aud", "https://elsewhere.example/1.0/renew"))),
		gives("token, audience of another operation", 500, badToken+`: invalid audience claim (aud)"}`, byToken(claim("aud", "https://127.0.0.1/1.0/revoke"))),
		gives("token, audience with a base path", 500, badToken+`: invalid audience claim (aud)"}`, byToken(claim("aud", "https://127.0.0.1/pki/1.0/renew"))),
		gives("token, no audience", 500, badToken+`: invalid audience claim (aud)"}`, byToken(claim("aud", nil))),
		gives("token, another subject", 401, noToken+`: invalid subject claim (sub)"}`, byToken(claim("sub", "edge-0002"))),
		gives("token, another issuer", 401, `: invalid issuer claim (iss)`, byToken(claim("iss", "somebody"))),
		gives("token of tomorrow", 401, noToken+`: token not valid yet (nbf)"}`, byToken(after("nbf", time.Hour))),
		gives("token of yesterday", 401, noToken+`: token is expired (exp)"}`, byToken(after("exp", -2*time.Minute))),
		gives("token just over", 201, newLife, byToken(after("exp", -30*time.Second))),
		gives("token made in the future", 401, noToken+`: token issued in the future (iat)"}`, byToken(after("iat", time.Hour))),
		gives("token without times", 201, newLife, byToken(claim("exp", nil), claim("nbf", nil), claim("iat", nil))),
		gives("token that is nonsense", 401, noToken+`"}`, func(s *caSite, _ *holder) said { return s.renewBy("a.b.c") }),
		gives("token by another key", 500, badToken+`"}`, func(s *caSite, d *holder) said {
			return s.renewBy((&holder{s, d.id, stationtest.NewKey(t, "P-256"), d.chain}).token())
		}),
		gives("token, the leaf alone", 401, noToken+`"}`, func(s *caSite, d *holder) said { return s.renewBy(d.with(d.chain[0]).token()) }),
		gives("token of another CA's certificate", 401, noToken+`"}`, func(s *caSite, d *holder) said {
			return s.renewBy(d.with(pki.Issue(t, stationtest.NewCSR(t, d.key, d.id)), pki.Sub.Cert.Raw, pki.ICA.Cert.Raw).token())
		}),
		gives("token of a certificate without a provisioner", 401, noRight, func(s *caSite, d *holder) said {
			return s.renewBy(d.with(bare(s, d), d.chain[1], d.chain[2]).token())
		}),
		gives("mTLS with a certificate without a provisioner", 201, newLife, func(s *caSite, d *holder) said {
			b := d.with(bare(s, d), d.chain[1], d.chain[2])
			return s.facts(s.renew(b), b.leaf(), b.key.Public())
		}),
		gives("token of a certificate that is long over", 401, `certificate expired on `, func(s *caSite, d *holder) said {
			old := d.with(s.ended(d), d.chain[1], d.chain[2])
			s.hide(old.leaf().NotAfter.String(), "ITS-END")
			return s.renewBy(old.token())
		}),
		gives("token, a second time", 401, noRight, func(s *caSite, d *holder) said {
			token := d.token()
			s.renewBy(token)
			return s.renewBy(token)
		}),
		gives("token without an id, a second time", 401, noRight, func(s *caSite, d *holder) said {
			token := d.token(claim("jti", nil))
			s.renewBy(token)
			return s.renewBy(token)
		}),
		gives("token that was refused for its audience, put right with the same id", 401, noRight, func(s *caSite, d *holder) said {
			id := jti()
			s.renewBy(d.token(claim("jti", id), claim("aud", "https://elsewhere.example/1.0/renew")))
			return s.renewBy(d.token(claim("jti", id)))
		}),
	}
}

// bare is a certificate of the CA that names no provisioner.
func bare(s *caSite, d *holder) []byte {
	a := *s.pki
	a.extensions, a.crlPoints, a.keep = nil, nil, nil
	leaf, err := a.signLeaf(&x509.CertificateRequest{PublicKey: d.key.Public()}, d.id)
	if err != nil {
		s.t.Fatal(err)
	}
	return leaf.Raw
}

// ended is a certificate of the CA that ended a while ago. The CA takes no token for one that lived less than a minute.
func (s *caSite) ended(d *holder) []byte {
	a := *s.pki
	a.leafBackdate, a.leafValidity, a.keep = 4*time.Minute, -90*time.Second, nil
	leaf, err := a.signLeaf(&x509.CertificateRequest{PublicKey: d.key.Public()}, d.id)
	if err != nil {
		s.t.Fatal(err)
	}
	return leaf.Raw
}

func rekeys(t *testing.T) []scenario {
	p384 := stationtest.NewKey(t, "P-384")
	rekey := func(csr func(d *holder) []byte) func(*caSite, *holder) said {
		return func(s *caSite, d *holder) said { return s.facts(s.rekey(d, csr(d)), d.leaf(), p384.Public()) }
	}
	body := func(text string) func(*caSite, *holder) said {
		return func(s *caSite, d *holder) said { return s.call("POST", "/1.0/rekey", d, "", text) }
	}
	forged := stationtest.NewCSR(t, p384, "edge-0001")
	forged[len(forged)-1] ^= 1
	return []scenario{
		gives("rekey", 201, newKeyLife, rekey(func(d *holder) []byte { return stationtest.NewCSR(t, p384, d.id) })),
		gives("rekey with a CSR for another name", 201, newKeyLife, rekey(func(*holder) []byte { return stationtest.NewCSR(t, p384, "other") })),
		gives("rekey with a forged CSR", 400, cannot, rekey(func(*holder) []byte { return forged })),
		gives("rekey with nothing", 400, cannot+`missing client certificate."}`, func(s *caSite, d *holder) said {
			return s.rekey(nil, stationtest.NewCSR(t, p384, d.id))
		}),
		gives("rekey by token", 400, cannot+`missing client certificate."}`, func(s *caSite, d *holder) said {
			return s.call("POST", "/1.0/rekey", nil, "Bearer "+d.token(), jsonOf(map[string]string{"csr": requestPEM(stationtest.NewCSR(t, p384, d.id))}))
		}),
		gives("rekey without a CSR", 400, cannot+`missing csr."}`, body(`{}`)),
		gives("rekey with an empty CSR", 400, cannot+`missing csr."}`, body(`{"csr":""}`)),
		gives("rekey with a CSR that is none", 400, cannot+`error decoding json."}`, body(`{"csr":"x"}`)),
		gives("rekey without a body", 400, cannot+`error decoding json."}`, body(``)),
	}
}

func revokings(t *testing.T) []scenario {
	ok := `{"status":"ok"}`
	byToken := func(edits ...func(claims)) func(*caSite, *holder) said {
		return func(s *caSite, d *holder) said { return s.revoke(nil, d.serial(), s.revokeToken(d.serial(), edits...)) }
	}
	mTLS := func(edits ...func(claims)) func(*caSite, *holder) said {
		return func(s *caSite, d *holder) said { return s.revoke(d, d.serial(), "", edits...) }
	}
	return []scenario{
		gives("revoke by mTLS", 200, ok, mTLS()),
		gives("revoke by mTLS, a second time", 400, cannot+`certificate with serial number 'SERIAL-OF-edge-0001' is already revoked."}`, func(s *caSite, d *holder) said {
			s.revoke(d, d.serial(), "")
			return s.revoke(d, d.serial(), "")
		}),
		gives("revoke by mTLS, hexadecimal", 200, ok, func(s *caSite, d *holder) said {
			return s.revoke(d, "0x"+d.leaf().SerialNumber.Text(16), "")
		}),
		gives("revoke another's by mTLS", 403, forbids+`request serial number \"SERIAL-OF-edge-0002\" and certificate serial number \"SERIAL-OF-edge-0001\" do not match."}`,
			func(s *caSite, d *holder) said { return s.revoke(d, s.enroll("edge-0002", 0).serial(), "") }),
		gives("revoke actively", 501, `not implemented by the certificate authority.`+logs, mTLS(claim("passive", false))),
		gives("revoke with reason 11", 400, cannot+`reasonCode out of bounds."}`, mTLS(claim("reasonCode", 11))),
		gives("revoke with reason -1", 400, cannot+`reasonCode out of bounds."}`, mTLS(claim("reasonCode", -1))),
		gives("revoke with reason 7", 200, ok, mTLS(claim("reasonCode", 7))),
		gives("revoke with reason 8", 200, ok, mTLS(claim("reasonCode", 8))),
		gives("revoke with a word for a reason", 400, cannot+`error decoding json."}`, mTLS(claim("reasonCode", "keyCompromise"))),
		gives("revoke no number", 400, cannot+`missing serial."}`, mTLS(claim("serial", ""))),
		gives("revoke nonsense", 400, cannot+`'12ab' is not a valid serial number`, mTLS(claim("serial", "12ab"))),
		gives("revoke with nothing", 400, cannot+`missing ott or client certificate."}`, func(s *caSite, d *holder) said { return s.revoke(nil, d.serial(), "") }),
		gives("revoke without a body", 400, cannot+`error decoding json."}`, func(s *caSite, d *holder) said { return s.call("POST", "/1.0/revoke", d, "", "") }),
		gives("revoke by token", 200, ok, byToken()),
		gives("revoke by token, path without /1.0", 200, ok, byToken(claim("aud", "https://localhost/revoke"))),
		gives("revoke by token, a second time", 400, cannot+`certificate with serial number 'SERIAL-OF-edge-0001' is already revoked."}`, func(s *caSite, d *holder) said {
			s.revoke(nil, d.serial(), s.revokeToken(d.serial()))
			return s.revoke(nil, d.serial(), s.revokeToken(d.serial()))
		}),
		gives("revoke by a token that was used", 401, noRight, func(s *caSite, d *holder) said {
			token := s.revokeToken(d.serial())
			s.revoke(nil, d.serial(), token)
			return s.revoke(nil, d.serial(), token)
		}),
		gives("revoke by a token for another", 403, forbids+`request serial number \"SERIAL-OF-edge-0001\" and token subject \"SERIAL-OF-edge-0002\" do not match."}`,
			func(s *caSite, d *holder) said {
				return s.revoke(nil, d.serial(), s.revokeToken(s.enroll("edge-0002", 0).serial()))
			}),
		gives("revoke by a token with a hexadecimal subject", 403, forbids, func(s *caSite, d *holder) said {
			hex := "0x" + d.leaf().SerialNumber.Text(16)
			s.hide(hex, "HEX")
			return s.revoke(nil, d.serial(), s.revokeToken(hex))
		}),
		gives("revoke what was never issued", 200, ok, func(s *caSite, _ *holder) said { return s.revoke(nil, "4711", s.revokeToken("4711")) }),
		gives("revoke by a token for renewals", 401, noRight, byToken(claim("aud", "https://127.0.0.1/1.0/renew"))),
		gives("revoke by a token for another CA", 401, noRight, byToken(claim("aud", "https://elsewhere.example/1.0/revoke"))),
		gives("revoke by a token of another issuer", 401, noRight, byToken(claim("iss", "nobody"))),
		gives("revoke by a token without a subject", 401, noRight, byToken(claim("sub", ""))),
		gives("revoke by a token of yesterday", 401, noRight, byToken(after("exp", -2*time.Minute))),
		gives("revoke by a token of tomorrow", 401, noRight, byToken(after("nbf", time.Hour))),
		gives("revoke by a token from before the CA", 401, noRight, byToken(after("iat", -time.Hour))),
		gives("revoke by a token that is nonsense", 401, noRight, func(s *caSite, d *holder) said { return s.revoke(nil, d.serial(), "x") }),
		gives("revoke by a token of another key", 401, noRight, func(s *caSite, d *holder) said {
			other := *s.key
			other.Key = stationtest.NewKey(t, "P-256")
			forger := *s
			forger.key = &other
			return s.revoke(nil, d.serial(), forger.revokeToken(d.serial()))
		}),
		gives("revoke by a device's token", 401, noRight, func(s *caSite, d *holder) said {
			return s.revoke(nil, d.serial(), d.token(claim("aud", "https://127.0.0.1/1.0/revoke"), claim("sub", d.serial())))
		}),
		gives("renew by mTLS after that", 401, noRight, func(s *caSite, d *holder) said {
			s.revoke(d, d.serial(), "")
			return s.renew(d)
		}),
		gives("renew by token after that", 401, noRight, func(s *caSite, d *holder) said {
			s.revoke(d, d.serial(), "")
			return s.renewBy(d.token())
		}),
		gives("rekey after that", 401, noRight, func(s *caSite, d *holder) said {
			s.revoke(nil, d.serial(), s.revokeToken(d.serial()))
			return s.rekey(d, stationtest.NewCSR(t, d.key, d.id))
		}),
	}
}

func lookups() []scenario {
	get := func(path string) func(*caSite) said {
		return func(s *caSite) said { return s.call("GET", path, nil, "", "") }
	}
	return []scenario{
		{"health", get("/health"), 200, `{"status":"ok"}`},
		{"health, posted", func(s *caSite) said { return s.call("POST", "/health", nil, "", "") }, 405, ""},
		{"health, by HEAD", func(s *caSite) said { return s.call("HEAD", "/health", nil, "", "") }, 200, ""},
		{"nothing there", get("/1.0/nothing"), 404, "404 page not found"},
		{"roots", get("/1.0/roots.pem"), 200, "BEGIN CERTIFICATE"},
		{"intermediates", get("/intermediates.pem"), 200, "BEGIN CERTIFICATE"},
		{"no such root", get("/root/0011"), 404, `root certificate with fingerprint \"0011\" was not found`},
		{"no list", get("/1.0/crl"), 404, "unexpected HTTP status code - '404'."},
		{"no list, as PEM", get("/crl?pem"), 404, "unexpected HTTP status code - '404'."},
		{"provisioners, a limit that is none", get("/1.0/provisioners?limit=x"), 400, cannot},
		{"provisioners, behind the last", get("/1.0/provisioners?cursor=" + strings.Repeat("f", 40)), 200, `{"provisioners":null,"nextCursor":""}`},
		{"provisioners", func(s *caSite) said {
			a := s.call("GET", "/1.0/provisioners?limit=100", nil, "", "")
			list := answerOf(s.t, a.raw)["provisioners"].([]any)
			one := list[0].(map[string]any)
			key := one["key"].(map[string]any)
			a.Body = strings.Join([]string{
				strings.Join(sortedNames(one), " "), strings.Join(sortedNames(key), " "), key["kid"].(string)[:0], one["type"].(string), one["name"].(string),
				jsonOf(one["claims"]), strings.Join(sortedNames(one["options"].(map[string]any)), " "), jweHead(s.t, one["encryptedKey"].(string)),
			}, "\n")
			return a
		}, 200, "JWK"},
		{"provisioner's key", func(s *caSite) said {
			a := s.call("GET", "/provisioners/"+s.key.KeyID+"/encrypted-key", nil, "", "")
			a.Body = jweHead(s.t, answerOf(s.t, a.raw)["key"].(string))
			return a
		}, 200, `"PBES2-HS256+A128KW"`},
		{"key of no provisioner", get("/1.0/provisioners/x/encrypted-key"), 404, "could not be found"},
	}
}

// The built-in CA and the real program say the same to everything, and it is what is written here.
func TestCAAnswersAsStepCA(t *testing.T) {
	ours, real := caPair(t, false, false)
	for _, rows := range [][]scenario{lookups(), renewals(t), rekeys(t), revokings(t)} {
		play(t, ours, real, rows)
	}
}

func play(t *testing.T, ours, real *caSite, rows []scenario) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got [2]said
			for i, s := range []*caSite{ours, real} {
				one := *s
				one.t = t
				got[i] = row.do(&one)
				got[i].raw = ""
			}
			if diff := cmp.Diff(got[1], got[0], cmp.AllowUnexported(said{})); diff != "" {
				t.Errorf("-step-ca +built-in:\n%s", diff)
			}
			if got[1].Status != row.status || !strings.Contains(got[1].Body+got[1].Alert, row.body) {
				t.Errorf("step-ca said %+v, want %d and %s", got[1], row.status, row.body)
			}
		})
	}
}

// The same for what has to be short-lived, and for lists of revoked certificates.
func TestCAWithListAnswersAsStepCA(t *testing.T) {
	ours, real := caPair(t, true, true)
	short := map[*caSite]*holder{ours: ours.enroll("edge-short", 2*time.Second), real: real.enroll("edge-short", 2*time.Second)}
	of := func(s *caSite) *holder {
		for site, d := range short {
			if site.url == s.url {
				return d
			}
		}
		return nil
	}
	timer := time.NewTimer(time.Until(of(real).leaf().NotAfter.Add(1100 * time.Millisecond))) // certificates end by no other clock
	defer timer.Stop()
	list := func(s *caSite, path string, want ...*holder) said {
		return s.crlFacts(s.call("GET", path, nil, "", ""), want...)
	}
	first := []scenario{
		{"list, before any", func(s *caSite) said { return list(s, "/1.0/crl") }, 200, "number 0, for 24h0m0s"},
		gives("certificate that points to the list", 201, newLife, func(s *caSite, d *holder) said { return s.facts(s.renew(d), d.leaf(), d.key.Public()) }),
		gives("list after a revocation", 200, "edge-0001 listed: true\nreason 4, now: true\nedge-0002 listed: false", func(s *caSite, d *holder) said {
			s.revoke(d, d.serial(), "")
			return list(s, "/crl", d, s.enroll("edge-0002", 0))
		}),
		gives("list as PEM, reason 0", 200, "listed: true\nreason 0", func(s *caSite, d *holder) said {
			s.revoke(nil, d.serial(), s.revokeToken(d.serial()), claim("reasonCode", 0))
			return list(s, "/1.0/crl?pem", d)
		}),
		gives("list after a revocation that was one before", 200, "reason 1,", func(s *caSite, d *holder) said {
			s.revoke(d, d.serial(), "", claim("reasonCode", 1))
			s.revoke(d, d.serial(), "", claim("reasonCode", 5))
			return list(s, "/1.0/crl", d)
		}),
	}
	play(t, ours, real, first)
	<-timer.C
	play(t, ours, real, []scenario{
		{"renew by mTLS, expired", func(s *caSite) said { return s.renew(of(s)) }, 0, "tls: expired certificate"},
		{"rekey, expired", func(s *caSite) said { return s.rekey(of(s), stationtest.NewCSR(t, of(s).key, "edge-short")) }, 0, "tls: expired certificate"},
		{"revoke by mTLS, expired", func(s *caSite) said { return s.revoke(of(s), of(s).serial(), "") }, 0, "tls: expired certificate"},
		{"renew by token, expired", func(s *caSite) said { return s.renewBy(of(s).token()) }, 401, noToken},
		{"revoke by token, expired", func(s *caSite) said { return s.revoke(nil, of(s).serial(), s.revokeToken(of(s).serial())) }, http.StatusOK, "ok"},
		{"list with what has just expired", func(s *caSite) said { return list(s, "/1.0/crl", of(s)) }, 200, "edge-short listed: true"},
	})
}
