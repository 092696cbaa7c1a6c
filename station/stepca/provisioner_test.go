package stepca_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.step.sm/crypto/jose"

	"provstation/station/stepca"
)

func newJWK(t testing.TB, kty, crv, alg string) *jose.JSONWebKey {
	t.Helper()
	key, err := jose.GenerateJWK(kty, crv, alg, "sig", "", 2048)
	if err == nil {
		key.KeyID, err = jose.Thumbprint(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// closed is a key closed with a password as step does, with fewer iterations.
func closed(t testing.TB, key *jose.JSONWebKey, password string) string {
	t.Helper()
	plain, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	box, err := jose.NewEncrypter(jose.DefaultEncAlgorithm, jose.Recipient{
		Algorithm: jose.PBES2_HS256_A128KW, Key: []byte(password), PBES2Count: 1000, PBES2Salt: []byte("0123456789abcdef"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := box.Encrypt(plain)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// provisioner is one as the CA lists it.
func provisioner(name string, key *jose.JSONWebKey, encrypted string) map[string]any {
	p := map[string]any{"type": "JWK", "name": name, "key": key.Public(), "claims": map[string]any{"disableRenewal": false}}
	if encrypted != "" {
		p["encryptedKey"] = encrypted
	}
	return p
}

func page(next string, list ...any) string {
	b, _ := json.Marshal(map[string]any{"provisioners": list, "nextCursor": next})
	return string(b)
}

// The list comes in pages; a server that never comes to an end is given up.
func TestProvisionerPages(t *testing.T) {
	t.Parallel()
	key := newJWK(t, "EC", "P-256", "ES256")
	pages := map[string]string{
		"":  page("b", provisioner("one", key, ""), map[string]any{"type": "ACME", "name": "acme", "forceCN": true}),
		"b": page("c"),
		"c": page("", provisioner("two", key, "x")),
	}
	var asked []string
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		send(w, 200, isJSON, pages[r.URL.Query().Get("cursor")])
	})
	list, err := f.c.Provisioners(t.Context())
	if err != nil || len(list) != 3 || list[0].Name != "one" || list[0].HasKey() || list[1].Kind != "ACME" || list[2].KeyID != key.KeyID || !list[2].HasKey() {
		t.Fatalf("got %+v, %v", list, err)
	}
	want := "/1.0/provisioners?limit=100 /1.0/provisioners?cursor=b&limit=100 /1.0/provisioners?cursor=c&limit=100"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	pages["c"] = page("b")
	_, err = f.c.Provisioners(t.Context())
	wantClass(t, "a circle", err, stepca.ErrAnswer)
	endless := 0
	f = newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		endless++
		send(w, 200, isJSON, page(fmt.Sprint(endless)))
	})
	_, err = f.c.Provisioners(t.Context())
	wantClass(t, "no end", err, stepca.ErrAnswer)
	many := make([]any, 600)
	for i := range many {
		many[i] = map[string]any{"type": "ACME", "name": fmt.Sprint(i)}
	}
	f = newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		endless++
		send(w, 200, isJSON, page(fmt.Sprint(endless), many...))
	})
	_, err = f.c.Provisioners(t.Context())
	wantClass(t, "too many", err, stepca.ErrAnswer)
}

func TestProvisionerAnswers(t *testing.T) {
	t.Parallel()
	key := newJWK(t, "EC", "P-256", "ES256")
	with := func(edit func(map[string]any)) string {
		p := provisioner("one", key, "x")
		edit(p)
		return page("", p)
	}
	for name, body := range map[string]string{
		"not a list":        `{"provisioners":{}}`,
		"list of texts":     `{"provisioners":["x"]}`,
		"no name":           with(func(p map[string]any) { delete(p, "name") }),
		"a terminal's name": with(func(p map[string]any) { p["name"] = "\x1b[2J" }),
		"two lines":         with(func(p map[string]any) { p["name"] = "a\nb" }),
		"a long name":       with(func(p map[string]any) { p["name"] = strings.Repeat("x", 300) }),
		"no key":            with(func(p map[string]any) { delete(p, "key") }),
		"no kid":            with(func(p map[string]any) { p["key"] = map[string]any{"kty": "oct", "k": "AA"} }),
		"a private key":     with(func(p map[string]any) { p["key"] = key }),
		"a long JWE":        with(func(p map[string]any) { p["encryptedKey"] = strings.Repeat("x", 20<<10) }),
		"cursor is a list":  `{"provisioners":[],"nextCursor":[]}`,
		"web page":          `<html>`,
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 200, isJSON, body) })
		_, err := f.c.Provisioners(t.Context())
		wantClass(t, name, err, stepca.ErrAnswer)
		if strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: got %q, want a printable text", name, err)
		}
	}
}

// The key opens with the password and makes tokens that only revoke, each once; what a server could do with a password is
// bounded.
func TestRevokerKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range [][3]string{{"EC", "P-256", "ES256"}, {"EC", "P-384", "ES384"}, {"OKP", "Ed25519", "EdDSA"}, {"RSA", "", "RS256"}} {
		t.Run(strings.Join(kind[:], " "), func(t *testing.T) {
			t.Parallel()
			key := newJWK(t, kind[0], kind[1], kind[2])
			body := page("", provisioner("iot-bridge", key, closed(t, key, "p")))
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 200, isJSON, body) })
			r, err := f.c.Revoker(t.Context(), "", stepca.NewSecret([]byte("p")))
			if err != nil {
				t.Fatal(err)
			}
			first, err := r.Token(big.NewInt(4711))
			if err != nil {
				t.Fatal(err)
			}
			second, err := r.Token(big.NewInt(4711))
			if err != nil {
				t.Fatal(err)
			}
			a, b := claims(t, first, key), claims(t, second, key)
			if a.ID == "" || a.ID == b.ID {
				t.Errorf("got jti %q and %q, want two", a.ID, b.ID)
			}
			if a.Subject != "4711" || a.Issuer != "iot-bridge" || len(a.Audience) != 1 || a.Audience[0] != f.c.Audience(stepca.OpRevoke) {
				t.Errorf("got %+v", a)
			}
			if life := a.Expiry.Time().Sub(a.NotBefore.Time()); life > 10*time.Minute {
				t.Errorf("got a token for %v, want minutes", life)
			}
			if _, err := r.Token(nil); !errors.Is(err, stepca.ErrArgument) {
				t.Errorf("no serial number: got %v, want ErrArgument", err)
			}
		})
	}
}

func claims(t *testing.T, token stepca.Secret, key *jose.JSONWebKey) jose.Claims {
	t.Helper()
	parsed, err := jose.ParseSigned(string(token.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Headers[0].KeyID != key.KeyID {
		t.Errorf("got kid %q, want %q", parsed.Headers[0].KeyID, key.KeyID)
	}
	var c jose.Claims
	if err := parsed.Claims(key.Public(), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRevokerRefusesKeys(t *testing.T) {
	t.Parallel()
	key, other := newJWK(t, "EC", "P-256", "ES256"), newJWK(t, "EC", "P-256", "ES256")
	jwe := closed(t, key, "p")
	parts := strings.Split(jwe, ".")
	header := func(edit func(map[string]any)) string {
		data, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		var h map[string]any
		if err := json.Unmarshal(data, &h); err != nil {
			t.Fatal(err)
		}
		edit(h)
		data, _ = json.Marshal(h)
		return strings.Join(append([]string{base64.RawURLEncoding.EncodeToString(data)}, parts[1:]...), ".")
	}
	public := key.Public()
	for name, tc := range map[string]struct {
		encrypted string
		want      error
	}{
		"another key":           {closed(t, other, "p"), stepca.ErrAnswer},
		"a public key":          {closed(t, &public, "p"), stepca.ErrAnswer},
		"other password":        {closed(t, key, "q"), stepca.ErrPassword},
		"damaged":               {jwe[:len(jwe)-4] + "AAAA", stepca.ErrPassword},
		"not a JWE":             {"hello", stepca.ErrAnswer},
		"five parts of nothing": {"....", stepca.ErrAnswer},
		"JSON form":             {`{"protected":"x"}`, stepca.ErrAnswer},
		"endless iterations":    {header(func(h map[string]any) { h["p2c"] = 1 << 40 }), stepca.ErrAnswer},
		"one iteration":         {header(func(h map[string]any) { h["p2c"] = 1 }), stepca.ErrAnswer},
		"no iterations":         {header(func(h map[string]any) { delete(h, "p2c") }), stepca.ErrAnswer},
		"password as the key":   {header(func(h map[string]any) { h["alg"] = "dir" }), stepca.ErrAnswer},
		"password wraps":        {header(func(h map[string]any) { h["alg"] = "A128KW" }), stepca.ErrAnswer},
		"compressed":            {header(func(h map[string]any) { h["zip"] = "DEF" }), stepca.ErrAnswer},
		"critical":              {header(func(h map[string]any) { h["crit"] = []string{"x"} }), stepca.ErrAnswer},
		"absent":                {"", stepca.ErrProvisioner},
	} {
		t.Run(name, func(t *testing.T) {
			body := page("", provisioner("iot-bridge", key, tc.encrypted))
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 200, isJSON, body) })
			began := time.Now()
			_, err := f.c.Revoker(t.Context(), "", stepca.NewSecret([]byte("p")))
			wantClass(t, name, err, tc.want)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestChooseJWK(t *testing.T) {
	t.Parallel()
	list := []stepca.Provisioner{{Name: "acme", Kind: "ACME"}, {Name: "one", Kind: "JWK"}, {Name: "acme2", Kind: "JWK"}}
	for name, tc := range map[string]struct {
		list []stepca.Provisioner
		ask  string
		want string
	}{
		"by name": {list, "one", "one"}, "the only one": {list[:2], "", "one"}, "two": {list, "", ""}, "not a JWK": {list, "acme", ""},
		"nothing": {nil, "", ""}, "twice": {append(list, list[1]), "one", ""}, "case counts": {list, "ONE", ""},
	} {
		got, err := stepca.ChooseJWK(tc.list, tc.ask)
		if got.Name != tc.want || (err == nil) != (tc.want != "") || err != nil && !errors.Is(err, stepca.ErrProvisioner) {
			t.Errorf("%s: got %q, %v, want %q", name, got.Name, err, tc.want)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, r := range stepca.Reasons() {
		for _, text := range []string{r.String(), strings.ToUpper(r.String()), strings.ToLower(r.String()), fmt.Sprint(int(r))} {
			if got, err := stepca.ParseReason(text); err != nil || got != r {
				t.Errorf("%q: got %v, %v, want %v", text, got, err, r)
			}
		}
	}
	for text, want := range map[string]stepca.Reason{
		"key compromise": stepca.KeyCompromise, "cessation-of-operation": stepca.CessationOfOperation, "CA_compromise": stepca.CACompromise,
	} {
		if got, err := stepca.ParseReason(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "7", "11", "-1", "01", "compromise", "unknown(7)", "keyCompromise,superseded"} {
		if got, err := stepca.ParseReason(bad); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("%q: got %v, %v, want ErrArgument", bad, got, err)
		}
	}
	if len(stepca.Reasons()) != 10 || stepca.Reason(7).String() != "unknown(7)" {
		t.Errorf("got %v", stepca.Reasons())
	}
}

func TestParseSerial(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("f", 40)
	for text, want := range map[string]string{
		"1": "1", "340282366920938463463374607431768211456": "340282366920938463463374607431768211456", "0x10": "16", "0XaB": "171",
		"0x00ff": "255", "0x" + longest: "1461501637330902918203684832716283019655932542975",
	} {
		if got, err := stepca.ParseSerial(text); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "0", "0x", "0x0", "-1", "+1", "010", "0b1", "0o7", "1_000", " 1", "1 ", "ab", "0xzz", "0x1" + longest, strings.Repeat("9", 100), "1\n", "٣",
	} {
		if got, err := stepca.ParseSerial(bad); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("%q: got %v, %v, want ErrArgument", bad, got, err)
		}
	}
}

func TestSecretIsHidden(t *testing.T) {
	t.Parallel()
	s := stepca.NewSecret([]byte("hunter2"))
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S stepca.Secret }{s})
	b, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d %v", s, s, s, s, s, s, s, struct{ S stepca.Secret }{s}) + log.String() + string(b)
	if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74") || strings.Contains(text, "104 117") || !strings.Contains(text, "(hidden)") {
		t.Errorf("got %s", text)
	}
	if string(s.Reveal()) != "hunter2" || s.Empty() || !(stepca.Secret{}).Empty() {
		t.Error("the secret is not kept")
	}
}
