package devstack

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// good posts a request that must succeed and gives the answer's fields.
func good(t *testing.T, s *Stack, id, csr string) map[string]string {
	t.Helper()
	req := deployed(csr)
	if s.cfg.Contract == Documented {
		req = map[string]any{"csr_pem": csr}
	}
	a := enroll(t, s, id, req)
	if a.Status != http.StatusOK || a.Type != "application/json" {
		t.Fatalf("got %d %s %s, want 200", a.Status, a.Type, a.Body)
	}
	fields := map[string]string{}
	for k, v := range a.json(t).(map[string]any) {
		fields[k] = v.(string)
	}
	return fields
}

// wgShape is a wg0.conf without its values.
func wgShape(conf string) []string {
	var shape []string
	for line := range strings.Lines(conf) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, _, _ = strings.Cut(key, ":")
		shape = append(shape, strings.TrimSpace(key))
	}
	return shape
}

func TestGoodAnswerAsRecorded(t *testing.T) {
	s, want := start(t, Config{}), map[string]string{}
	rec := recorded(t)["good"]
	for k, v := range (answer{Body: rec.Body}).json(t).(map[string]any) {
		want[k] = v.(string)
	}
	got := enroll(t, s, "dev-001", rec.Request)
	if got.Status != rec.Status || got.Type != rec.ContentType {
		t.Fatalf("got %d %s, want %d %s", got.Status, got.Type, rec.Status, rec.ContentType)
	}
	have := map[string]string{}
	for k, v := range got.json(t).(map[string]any) {
		have[k] = v.(string)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have))); diff != "" {
		t.Errorf("fields (-recorded +ours):\n%s", diff)
	}
	if diff := cmp.Diff(wgShape(want["wireguard_config"]), wgShape(have["wireguard_config"])); diff != "" {
		t.Errorf("wg0.conf (-recorded +ours):\n%s", diff)
	}
	if have["wireguard_ip"] != want["wireguard_ip"] {
		t.Errorf("the first address is %q, want %q", have["wireguard_ip"], want["wireguard_ip"])
	}
	for _, line := range []string{"# Device: dev-001", "Address = " + have["wireguard_ip"] + "/", "PrivateKey = " + PlaceholderKey + "\n"} {
		if !strings.Contains(have["wireguard_config"], line) {
			t.Errorf("wg0.conf has no %q:\n%s", line, have["wireguard_config"])
		}
	}
	sameLeaf(t, certs(t, want["certificate"]), certs(t, have["certificate"]))
	if ca := certs(t, have["ca_chain"]); len(ca) != 1 || !ca[0].Equal(s.pki.sub) {
		t.Errorf("ca_chain holds %d certificates, want the Tenant Sub-CA alone", len(ca))
	}
}

// sameLeaf compares what one certificate says of the device with what the recorded one says.
func sameLeaf(t *testing.T, want, got []*x509.Certificate) {
	t.Helper()
	if len(want) != 1 || len(got) != 1 {
		t.Fatalf("got %d leaves, want %d", len(got), 1)
	}
	w, g := want[0], got[0]
	type facts struct {
		Subject      string
		DNS          []string
		Others       int // other names
		Usage        x509.KeyUsage
		Ext          []x509.ExtKeyUsage
		CA, Basic    bool
		Pointers     int // CRL and OCSP
		Algorithm    x509.SignatureAlgorithm
		Life         time.Duration
		CriticalKU   bool
		HasIDs       bool
		LongSerial   bool
		UnknownUsage int
	}
	of := func(c *x509.Certificate) facts {
		f := facts{
			c.Subject.String(), c.DNSNames, len(c.EmailAddresses) + len(c.IPAddresses) + len(c.URIs), c.KeyUsage, c.ExtKeyUsage,
			c.IsCA, c.BasicConstraintsValid, len(c.CRLDistributionPoints) + len(c.OCSPServer) + len(c.IssuingCertificateURL),
			c.SignatureAlgorithm, c.NotAfter.Sub(c.NotBefore), false, len(c.SubjectKeyId) > 0 && len(c.AuthorityKeyId) > 0,
			c.SerialNumber.BitLen() > 100, len(c.UnknownExtKeyUsage),
		}
		for _, e := range c.Extensions {
			f.CriticalKU = f.CriticalKU || (e.Critical && e.Id.String() == "2.5.29.15")
		}
		return f
	}
	if diff := cmp.Diff(of(w), of(g)); diff != "" {
		t.Errorf("leaf (-recorded +ours):\n%s", diff)
	}
	if ago := time.Since(g.NotBefore); ago < 59*time.Second || ago > 90*time.Second {
		t.Errorf("valid since %v ago, want a minute", ago)
	}
}

func TestDocumentedContract(t *testing.T) {
	s := start(t, Config{Contract: Documented})
	a := good(t, s, "dev-001", csrPEM(t, "dev-001"))
	want := []string{"ca_chain_pem", "certificate_pem", "device_id", "wireguard_config"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(a))); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if a["device_id"] != "dev-001" {
		t.Errorf("got device_id %q, want dev-001", a["device_id"])
	}
	sameLeaf(t, certs(t, good(t, start(t, Config{}), "dev-001", csrPEM(t, "dev-001"))["certificate"]), certs(t, a["certificate_pem"]))
	if ca := certs(t, a["ca_chain_pem"]); len(ca) != 1 || !ca[0].Equal(s.pki.sub) {
		t.Errorf("ca_chain_pem holds %d certificates, want the Tenant Sub-CA alone", len(ca))
	}
	again := good(t, s, "dev-001", csrPEM(t, "dev-001"))
	keys := map[string]bool{}
	for _, conf := range []string{a["wireguard_config"], again["wireguard_config"]} {
		_, rest, _ := strings.Cut(conf, "PrivateKey = ")
		key, _, _ := strings.Cut(rest, "\n")
		if _, err := wgtypes.ParseKey(key); err != nil {
			t.Errorf("the private key is none: %v", err)
		}
		keys[key] = true
	}
	if len(keys) != 2 {
		t.Errorf("two calls made %d WireGuard keys, want 2", len(keys))
	}
	got := enroll(t, s, "dev-001", deployed(csrPEM(t, "dev-001")))
	missing := got.json(t).(map[string]any)["detail"].([]any)
	if got.Status != http.StatusUnprocessableEntity || len(missing) != 1 ||
		!cmp.Equal(missing[0].(map[string]any)["loc"], []any{"body", "csr_pem"}) {
		t.Errorf("the other contract got %d %s, want 422 that misses csr_pem alone", got.Status, got.Body)
	}
}

// What the recordings do not hold is answered as the same framework answers it.
func TestBridgeValidation(t *testing.T) {
	s := start(t, Config{})
	url := s.BridgeURL + "/devices/d/enroll"
	csr := encode(t, csrPEM(t, "d"))
	for _, row := range []struct {
		name, body string
		status     int
		typ, loc   string // of the first problem
	}{
		{"no body", "", 422, "missing", "[body]"},
		{"a list", "[]", 422, "model_attributes_type", "[body]"},
		{"a number for text", `{"csr":1,"device_name":"x"}`, 422, "string_type", "[body csr]"},
		{"null for text", `{"csr":"x","device_name":null}`, 422, "string_type", "[body device_name]"},
		{"a list for the key", fmt.Sprintf(`{"csr":%s,"device_name":"x","wg_public_key":[]}`, csr), 422, "string_type", "[body wg_public_key]"},
		{"cut short", `{"csr":"x`, 422, "json_invalid", "[body 0]"},
		{"a tab in a text", "{\"a\":\"\\\"\t\"}", 422, "json_invalid", "[body 8]"},
		{"no key", fmt.Sprintf(`{"csr":%s,"device_name":"x"}`, csr), 200, "", ""},
		{"null key", fmt.Sprintf(`{"csr":%s,"device_name":"x","wg_public_key":null}`, csr), 200, "", ""},
		{"unknown fields", fmt.Sprintf(`{"csr":%s,"device_name":"x","csr_pem":1,"x":{}}`, csr), 200, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ask(t, s, http.MethodPost, url, []byte(row.body))
			if got.Status != row.status {
				t.Fatalf("got %d %s, want %d", got.Status, got.Body, row.status)
			}
			if row.typ == "" {
				return
			}
			first := got.json(t).(map[string]any)["detail"].([]any)[0].(map[string]any)
			if typ, loc := first["type"], fmt.Sprint(first["loc"]); typ != row.typ || loc != row.loc {
				t.Errorf("got %v at %v, want %s at %s", typ, loc, row.typ, row.loc)
			}
		})
	}
	if got := ask(t, s, http.MethodPost, url, bytes.Repeat([]byte("x"), maxRequest+1)); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of %d bytes got %d, want 413", maxRequest+1, got.Status)
	}
}

func TestBridgeOtherPaths(t *testing.T) {
	s := start(t, Config{})
	host := strings.TrimSuffix(s.BridgeURL, "/api")
	for _, row := range []struct {
		method, url string
		status      int
		body        string
	}{
		{http.MethodGet, s.BridgeURL + "/health", 200, `{"service":"iot-bridge-api","status":"ok"}`},
		{http.MethodPost, s.BridgeURL + "/health", 405, `{"detail":"Method Not Allowed"}`},
		{http.MethodPut, s.BridgeURL + "/devices/d/enroll", 405, `{"detail":"Method Not Allowed"}`},
		{http.MethodGet, s.BridgeURL + "/devices/d", 404, `{"detail":"Not Found"}`},
		{http.MethodPost, host + "/devices/d/enroll", 404, `{"detail":"Not Found"}`},
		{http.MethodGet, host + "/", 404, `{"detail":"Not Found"}`},
	} {
		if got, want := ask(t, s, row.method, row.url, nil), (answer{row.status, "application/json", row.body}); got != want {
			t.Errorf("%s %s: got %+v, want %+v", row.method, row.url, got, want)
		}
	}
}

func TestOpenAPINamesTheFields(t *testing.T) {
	for contract, want := range map[Contract][]string{
		Deployed: {"csr", "device_name"}, Documented: {"csr_pem"},
	} {
		s := start(t, Config{Contract: contract})
		got := ask(t, s, http.MethodGet, s.BridgeURL+"/openapi.json", nil)
		doc := got.json(t).(map[string]any)
		ref := doc["paths"]
		for _, k := range []string{"/devices/{device_id}/enroll", "post", "requestBody", "content", "application/json", "schema", "$ref"} {
			ref = ref.(map[string]any)[k]
		}
		at := any(doc)
		for k := range strings.SplitSeq(strings.TrimPrefix(ref.(string), "#/"), "/") {
			at = at.(map[string]any)[k]
		}
		schema := at.(map[string]any)
		var required []string
		for _, r := range schema["required"].([]any) {
			required = append(required, r.(string))
			if _, ok := schema["properties"].(map[string]any)[r.(string)]; !ok {
				t.Errorf("%s: required field %v has no property", contract, r)
			}
		}
		if diff := cmp.Diff(want, required); diff != "" {
			t.Errorf("%s: required (-want +got):\n%s", contract, diff)
		}
	}
}

// Every call issues another certificate; the address belongs to the id, across calls, contracts and restarts.
func TestAddressIsStable(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Config{StateDir: dir})
	a, b := good(t, first, "dev-a", csrPEM(t, "dev-a")), good(t, first, "dev-b", csrPEM(t, "dev-b"))
	again := good(t, first, "dev-a", csrPEM(t, "dev-a"))
	if a["certificate"] == again["certificate"] {
		t.Error("two calls got the same certificate, want another")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, Config{StateDir: dir, Contract: Documented})
	late := good(t, second, "dev-a", csrPEM(t, "dev-a"))
	for name, ip := range map[string]string{"called again": again["wireguard_ip"], "after a restart": addressOf(late["wireguard_config"])} {
		if ip != a["wireguard_ip"] {
			t.Errorf("%s: got %q, want %q", name, ip, a["wireguard_ip"])
		}
	}
	if a["wireguard_ip"] == b["wireguard_ip"] {
		t.Errorf("two ids have the address %q", a["wireguard_ip"])
	}
	peer := func(conf string) string { _, p, _ := strings.Cut(conf, "PublicKey"); return p }
	if peer(a["wireguard_config"]) != peer(late["wireguard_config"]) {
		t.Error("the server's tunnel key changed with a restart")
	}
}

func addressOf(conf string) string {
	_, rest, _ := strings.Cut(conf, "Address = ")
	ip, _, _ := strings.Cut(rest, "/")
	return ip
}

func TestConcurrentPosts(t *testing.T) {
	s := start(t, Config{})
	const posts, ids = 24, 8
	var mu sync.Mutex
	serials, addresses := map[string]bool{}, map[string]map[string]bool{}
	c := client(t, s)
	var wg sync.WaitGroup
	for i := range posts {
		id := fmt.Sprintf("dev-%d", i%ids)
		body := encode(t, deployed(csrPEM(t, id)))
		wg.Go(func() {
			a, err := try(t, c, http.MethodPost, s.BridgeURL+"/devices/"+id+"/enroll", body)
			if err != nil || a.Status != http.StatusOK {
				t.Errorf("%s: got %d %s %v, want 200", id, a.Status, a.Body, err)
				return
			}
			m := a.json(t).(map[string]any)
			mu.Lock()
			defer mu.Unlock()
			serials[certs(t, m["certificate"].(string))[0].SerialNumber.String()] = true
			if addresses[id] == nil {
				addresses[id] = map[string]bool{}
			}
			addresses[id][m["wireguard_ip"].(string)] = true
		})
	}
	wg.Wait()
	different := map[string]bool{}
	for id, set := range addresses {
		if len(set) != 1 {
			t.Errorf("%s got %d addresses, want 1", id, len(set))
		}
		maps.Copy(different, set)
	}
	if len(serials) != posts || len(different) != ids || s.Bridge.Posts() != posts {
		t.Errorf("got %d certificates, %d addresses, %d posts, want %d, %d, %d", len(serials), len(different), s.Bridge.Posts(), posts, ids, posts)
	}
}

// countingSigner counts what it has signed.
type countingSigner struct {
	signer
	signed chan string
}

func (c *countingSigner) sign(ctx context.Context, csr *x509.CertificateRequest, id string) (leaf, ca *x509.Certificate, err error) {
	c.signed <- id
	return c.signer.sign(ctx, csr, id)
}

func TestFaults(t *testing.T) {
	s := start(t, Config{})
	signed := &countingSigner{s.Bridge.signer, make(chan string, 64)}
	s.Bridge.signer = signed
	c := client(t, s)
	url := s.BridgeURL + "/devices/dev-001/enroll"
	body := encode(t, deployed(csrPEM(t, "dev-001")))

	t.Run("cut after issuing", func(t *testing.T) {
		s.Bridge.SetFault(func(string, int) *Fault { return &Fault{Cut: true, Issue: true} })
		if a, err := try(t, c, http.MethodPost, url, body); err == nil {
			t.Errorf("got %d %s, want a connection that ends", a.Status, a.Body)
		}
		if n := len(signed.signed); n != 1 {
			t.Errorf("signed %d certificates, want 1: issued and lost", n)
		}
	})
	t.Run("cut before issuing", func(t *testing.T) {
		before := len(signed.signed)
		s.Bridge.SetFault(func(string, int) *Fault { return &Fault{Cut: true} })
		if a, err := try(t, c, http.MethodPost, url, body); err == nil {
			t.Errorf("got %d %s, want a connection that ends", a.Status, a.Body)
		}
		if n := len(signed.signed) - before; n != 0 {
			t.Errorf("signed %d certificates, want none", n)
		}
	})
	t.Run("delay", func(t *testing.T) {
		s.Bridge.SetFault(func(string, int) *Fault { return &Fault{Status: 502, Body: "{}", Delay: 80 * time.Millisecond} })
		began := time.Now()
		a, err := try(t, c, http.MethodPost, url, body)
		if took := time.Since(began); err != nil || a.Status != 502 || took < 80*time.Millisecond {
			t.Errorf("got %d %v after %v, want 502 after 80 ms or more", a.Status, err, took)
		}
	})
	t.Run("first post of an id", func(t *testing.T) {
		spec, err := ParseSpec("bridge=503")
		if err != nil {
			t.Fatal(err)
		}
		s.Bridge.SetFault(spec.bridge())
		for _, row := range []struct {
			id     string
			status int
		}{{"dev-001", 503}, {"dev-002", 503}, {"dev-001", 200}, {"dev-002", 200}} {
			if a := enroll(t, s, row.id, deployed(csrPEM(t, row.id))); a.Status != row.status {
				t.Errorf("%s: got %d, want %d", row.id, a.Status, row.status)
			}
		}
	})
	t.Run("counts from one and can be taken back", func(t *testing.T) {
		n := s.Bridge.Posts()
		var seen int
		s.Bridge.SetFault(func(_ string, at int) *Fault { seen = at; return nil })
		good(t, s, "dev-001", csrPEM(t, "dev-001"))
		if seen != n+1 || s.Bridge.Posts() != n+1 {
			t.Errorf("post was number %d of %d, want %d", seen, s.Bridge.Posts(), n+1)
		}
		s.Bridge.SetFault(nil)
		good(t, s, "dev-001", csrPEM(t, "dev-001"))
		if seen != n+1 {
			t.Error("a fault that was taken back was asked again")
		}
	})
}

// A client that hangs up ends a delayed answer.
func TestDelayEndsWithTheClient(t *testing.T) {
	s := start(t, Config{Delay: time.Hour})
	c := client(t, s)
	c.Timeout = 50 * time.Millisecond
	if a, err := try(t, c, http.MethodPost, s.BridgeURL+"/devices/d/enroll", encode(t, deployed(csrPEM(t, "d")))); err == nil {
		t.Errorf("got %d %s, want a timeout", a.Status, a.Body)
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("closing took %v with an answer outstanding", took)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte(`{"csr":"x","device_name":"y"}`))
	f.Add([]byte("{\"csr\":\"\n\"}"))
	f.Add([]byte(`"\`))
	f.Add([]byte{})
	b := &Bridge{contract: Deployed}
	f.Fuzz(func(t *testing.T, body []byte) {
		req, invalid := b.validate(body)
		if len(invalid) > 0 {
			encode(t, invalid) // has to be an answer
			return
		}
		for _, name := range []string{"csr", "device_name"} {
			if _, ok := req[name].(string); !ok {
				t.Fatalf("%q is accepted without %s", body, name)
			}
		}
		if _, err := readCSR(req["csr"].(string)); err == nil && !strings.Contains(string(body), "REQUEST") {
			t.Fatalf("a CSR out of %q", body)
		}
	})
}
