package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the vectors anew") //nolint:gochecknoglobals // a test's flag

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)

func signer(t testing.TB, seed string) *Signer {
	t.Helper()
	s, err := NewSigner(ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func row(n uint64) Row {
	return Row{Station: "st-1", N: n, At: t0.UnixMicro() + int64(n), Kind: "update devices", Changes: []Change{{
		Table: "devices", Key: []any{"acme", fmt.Sprintf("HW%d", n)},
		Columns: map[string]any{
			"tenant": "acme", "attempts": int64(n), "negative": int64(-3), "device_id": nil, "spki": bytes.Repeat([]byte{7}, 32),
			"facts": Value(strings.Repeat("long ", 20)), "der": Value(bytes.Repeat([]byte{0x30}, 65)), "operator": Pseudonym(make([]byte, 32), "Ada"),
		},
	}, {Table: "posts", Key: []any{int64(1), []byte{1}}}}}
}

// chain makes n rows.
func chain(t testing.TB, n int) []Stored {
	t.Helper()
	prev := Genesis("st-1", "acme")
	out := make([]Stored, n)
	for i := range out {
		body, err := row(uint64(i + 1)).Encode()
		if err != nil {
			t.Fatal(err)
		}
		d := Link(prev, body)
		out[i] = Stored{uint64(i + 1), bytes.Clone(prev[:]), bytes.Clone(d[:]), body}
		prev = d
	}
	return out
}

func seq(rows []Stored) func() iter.Seq2[Stored, error] {
	return func() iter.Seq2[Stored, error] {
		return func(yield func(Stored, error) bool) {
			for _, s := range rows {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

func check(t testing.TB, rows []Stored, signed ...Checkpoint) Result {
	t.Helper()
	r, err := Check(Chain{Station: "st-1", Tenant: "acme", Rows: seq(rows), Signed: signed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRowRoundTrip(t *testing.T) {
	want := row(7)
	body, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRow(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got)); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestParseRowRefuses(t *testing.T) {
	good, err := row(1).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"empty":         {},
		"cut":           good[:len(good)-1],
		"more":          append(bytes.Clone(good), 0),
		"not a map":     {0x80},
		"other format":  bytes.Replace(good, []byte{0x01, 0x01}, []byte{0x01, 0x02}, 1),
		"unknown key":   append([]byte{good[0] + 1, 0x00, 0x00}, good[1:]...),
		"long head":     append([]byte{good[0], 0x18, 0x01}, good[2:]...),
		"indefinite":    append(append([]byte{0xbf}, good[1:]...), 0xff),
		"tagged":        append([]byte{0xc1}, good...),
		"no row number": {0xa1, 0x01, 0x01},
		"a float":       bytes.Replace(good, []byte{0x22}, []byte{0xf9, 0x00, 0x00}, 1),
	} {
		if _, err := ParseRow(body); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
	for name, r := range map[string]Row{
		"no station": {N: 1, Kind: "x"},
		"a bool":     {Station: "s", N: 1, Kind: "x", Changes: []Change{{Table: "t", Key: []any{true}}}},
		"long value": {Station: "s", N: 1, Kind: "x", Changes: []Change{{Table: "t", Key: []any{strings.Repeat("x", 65)}}}},
		"no key":     {Station: "s", N: 1, Kind: "x", Changes: []Change{{Table: "t"}}},
	} {
		if _, err := r.Encode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
}

func TestCheckWhole(t *testing.T) {
	rows := chain(t, 12)
	d, _ := DigestOf(rows[9].Digest)
	r := check(t, rows, Checkpoint{Station: "st-1", N: 10, Digest: d, Purpose: PurposeHead}, Checkpoint{Station: "other", N: 99})
	if len(r.Findings) > 0 || r.Last != 12 || r.Rows != 12 {
		t.Errorf("got %+v, want 12 sound rows", r)
	}
}

// Any one thing that is done to a chain must be found, at the place where it was done.
func TestCheckFindsAnyTampering(t *testing.T) {
	const n = 20
	whole := chain(t, n)
	last, _ := DigestOf(whole[n-1].Digest)
	head := Checkpoint{Station: "st-1", N: n, Digest: last, At: t0, Purpose: PurposeHead}
	rapid.Check(t, func(rt *rapid.T) {
		rows := make([]Stored, n)
		for i, s := range whole {
			rows[i] = Stored{s.N, bytes.Clone(s.Prev), bytes.Clone(s.Digest), bytes.Clone(s.Body)}
		}
		i := rapid.IntRange(0, n-1).Draw(rt, "row")
		low, high := uint64(i+1), uint64(i+1)
		do := rapid.SampledFrom([]string{"flip", "delete", "swap", "put in", "renumbered", "copied", "cut", "recomputed"}).Draw(rt, "do")
		switch do {
		case "flip":
			field := rapid.SampledFrom([][]byte{rows[i].Prev, rows[i].Digest, rows[i].Body}).Draw(rt, "field")
			field[rapid.IntRange(0, len(field)-1).Draw(rt, "byte")] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		case "delete":
			rows = append(rows[:i], rows[i+1:]...)
		case "renumbered":
			rows = append(rows[:i], rows[i+1:]...)
			for j := i; j < len(rows); j++ {
				rows[j].N--
			}
			high = n + 1
		case "swap":
			j := rapid.IntRange(0, n-1).Filter(func(j int) bool { return j != i }).Draw(rt, "other")
			rows[i], rows[j] = rows[j], rows[i]
			rows[i].N, rows[j].N = uint64(i+1), uint64(j+1)
			low, high = uint64(min(i, j)+1), uint64(max(i, j)+1)
		case "copied":
			j := rapid.IntRange(0, n-1).Filter(func(j int) bool { return j != i }).Draw(rt, "other")
			rows[i].Prev, rows[i].Digest, rows[i].Body = whole[j].Prev, whole[j].Digest, whole[j].Body
		case "put in":
			body, err := Row{Station: "st-1", N: uint64(i + 1), At: 1, Kind: "forged"}.Encode()
			if err != nil {
				rt.Fatal(err)
			}
			prev, _ := DigestOf(rows[i].Prev)
			d := Link(prev, body)
			rows = append(rows[:i:i], append([]Stored{{uint64(i + 1), rows[i].Prev, d[:], body}}, rows[i:]...)...)
			for j := i + 1; j < len(rows); j++ {
				rows[j].N++
			}
			high = n + 1
		case "cut":
			rows = rows[:i]
		case "recomputed":
			prev, _ := DigestOf(rows[i].Prev)
			for j := i; j < n; j++ {
				r, err := ParseRow(rows[j].Body)
				if err != nil {
					rt.Fatal(err)
				}
				r.Kind = "forged"
				body, err := r.Encode()
				if err != nil {
					rt.Fatal(err)
				}
				d := Link(prev, body)
				rows[j] = Stored{rows[j].N, bytes.Clone(prev[:]), bytes.Clone(d[:]), body}
				prev = d
			}
			high = n
		}
		r, err := Check(Chain{Station: "st-1", Tenant: "acme", Rows: seq(rows), Signed: []Checkpoint{head}})
		if err != nil {
			rt.Fatal(err)
		}
		if len(r.Findings) == 0 {
			rt.Fatalf("%s of row %d: got nothing, want it found", do, i+1)
		}
		f := r.Findings[0]
		if f.N < low || f.N > high {
			rt.Fatalf("%s of row %d: got %v, want it named between %d and %d", do, i+1, f, low, high)
		}
		want := map[string][]Kind{
			"flip": {Altered}, "delete": {Missing, Cut}, "swap": {Reordered}, "put in": {Inserted}, "copied": {Altered},
			"renumbered": {Missing, Cut}, "cut": {Cut}, "recomputed": {Recomputed},
		}[do]
		if do == "put in" && i == n-1 {
			return // between the last row and its forerunner
		}
		if f.Kind != want[0] && (len(want) == 1 || f.Kind != want[1]) {
			rt.Fatalf("%s of row %d: got %v, want %v", do, i+1, r.Findings, want)
		}
	})
}

func TestCheckPruned(t *testing.T) {
	rows := chain(t, 10)
	d, _ := DigestOf(rows[3].Digest)
	base := Checkpoint{Station: "st-1", N: 4, Digest: d, Purpose: PurposePrune}
	if r := check(t, rows[4:], base); len(r.Findings) > 0 || r.Pruned != 4 {
		t.Errorf("got %+v, want it whole from row 5 on", r)
	}
	if r := check(t, rows[4:]); len(r.Findings) == 0 || r.Findings[0].Kind != Missing {
		t.Errorf("got %v, want rows 1 to 4 missing", r.Findings)
	}
	if r := check(t, rows[3:], base); len(r.Findings) == 0 || r.Findings[0].Kind != Inserted {
		t.Errorf("got %v, want row 4 to be one that was deleted", r.Findings)
	}
	if r := check(t, nil, base); len(r.Findings) > 0 || r.Last != 4 {
		t.Errorf("got %+v, want an empty rest to be whole", r)
	}
}

func TestGenesisBinds(t *testing.T) {
	seen := map[Digest]string{}
	for _, p := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"st-1", "acme"}, {"st-1", "other"}, {"st-2", "acme"}} {
		g := Genesis(p[0], p[1])
		if other, ok := seen[g]; ok {
			t.Errorf("%v: got the genesis of %s", p, other)
		}
		seen[g] = fmt.Sprint(p)
	}
}

func TestCheckpoint(t *testing.T) {
	s, keys := signer(t, "k"), NewKeys(signer(t, "k").Public)
	c, err := s.Sign(Checkpoint{Station: "st-1", Tenant: "acme", N: 3, Digest: Genesis("a", "b"), At: t0, Purpose: PurposeHead})
	if err != nil {
		t.Fatal(err)
	}
	line, err := c.Line()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseCheckpoint(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(keys); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if err := got.Verify(NewKeys(signer(t, "x").Public)); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("got %v, want %v", err, ErrUnknownKey)
	}
	for i := range len(line) - 1 {
		for bit := range 8 {
			bad := bytes.Clone(line)
			bad[i] ^= 1 << bit
			c, err := ParseCheckpoint(bad)
			if err == nil {
				err = c.Verify(keys)
			}
			if err == nil {
				t.Fatalf("byte %d, bit %d: got nil, want it refused: %s", i, bit, bad)
			}
		}
	}
}

func passport() Passport {
	return Passport{
		Format: 1, Tenant: "acme", DeviceID: "dev-1", HardwareSerial: "HW1", Model: "box <1>", Leaf: strings.Repeat("ab", 32),
		Chain: []string{strings.Repeat("cd", 32)}, SPKI: strings.Repeat("ef", 32), CSR: strings.Repeat("01", 32), NotAfter: t0,
		Run: "run-1", Attempt: 1, StartedAt: t0, EndedAt: t0.Add(time.Second), Operator: Pseudonym(make([]byte, 32), "Ada"),
		Phases:   []PassportPhase{{Phase: "identify", Status: "done", StartedAt: t0, EndedAt: t0, Tries: 1}},
		Readback: map[string]string{"leaf": "00ff", "ca": "01"},
		Proof:    PassportProof{Kind: "broker-acked", Broker: "b:8883", TLS: "TLS 1.3", MQTT: "5", At: t0},
		Station:  PassportStation{ID: "st-1", Name: "bench-1", Version: "1"},
	}
}

func issue(t testing.TB, s *Signer) []byte {
	t.Helper()
	p := passport()
	var err error
	if p.Head, err = s.Sign(Checkpoint{Station: "st-1", Tenant: "acme", N: 9, Digest: Genesis("x", "y"), At: t0, Purpose: PurposeHead}); err != nil {
		t.Fatal(err)
	}
	text, err := s.Issue(p, []PassportName{{p.Operator, "Ada", make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func judge(text []byte, keys Keys) error {
	s, err := ParsePassport(text)
	if err != nil {
		return err
	}
	return s.Verify(keys)
}

func TestPassport(t *testing.T) {
	s := signer(t, "k")
	keys := NewKeys(s.Public)
	text := issue(t, s)
	if err := judge(text, keys); err != nil {
		t.Fatalf("got %v, want nil", err)
	}
	// Without the name it is as good.
	var f map[string]json.RawMessage
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	nameless := []byte(`{"passport":` + string(f["passport"]) + `,"signature":` + string(f["signature"]) + `}`)
	if err := judge(nameless, keys); err != nil {
		t.Errorf("without the name: got %v, want nil", err)
	}
	if bytes.Contains(nameless, []byte("Ada")) {
		t.Errorf("the signed part names the operator")
	}
	forged := issue(t, signer(t, "x"))
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"forged":       {forged, ErrUnknownKey},
		"altered":      {bytes.Replace(text, []byte(`"dev-1"`), []byte(`"dev-2"`), 1), ErrSignature},
		"other name":   {bytes.Replace(text, []byte(`"Ada"`), []byte(`"Eve"`), 1), ErrSignature},
		"unsigned":     {[]byte(`{"passport":` + string(f["passport"]) + `}`), ErrUnsigned},
		"twice":        {bytes.Replace(text, []byte(`"run": "run-1"`), []byte(`"run": "run-2", "run": "run-1"`), 1), ErrMalformed},
		"other case":   {bytes.Replace(text, []byte(`"run": "run-1"`), []byte(`"RUN": "run-1"`), 1), ErrMalformed},
		"unknown":      {bytes.Replace(text, []byte(`"run": "run-1"`), []byte(`"x": 1, "run": "run-1"`), 1), ErrMalformed},
		"more":         {append(bytes.Clone(text), '{', '}'), ErrMalformed},
		"not json":     {[]byte("hello"), ErrMalformed},
		"escape":       {bytes.Replace(text, []byte(`"dev-1"`), []byte(`"dev\u001b1"`), 1), ErrMalformed},
		"other's key":  {bytes.Replace(forged, []byte(signer(t, "x").Public.ID.String()), []byte(s.Public.ID.String()), 2), ErrSignature},
		"other format": {bytes.Replace(text, []byte(`"format": 1`), []byte(`"format": 2`), 1), ErrMalformed},
	} {
		if err := judge(c.text, keys); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// No bit of a passport can be changed, but for white space between its tokens.
func TestPassportEveryBit(t *testing.T) {
	s := signer(t, "k")
	keys, text := NewKeys(s.Public), issue(t, s)
	for i := range text {
		for bit := range 8 {
			bad := bytes.Clone(text)
			bad[i] ^= 1 << bit
			if judge(bad, keys) != nil {
				continue
			}
			var a, b bytes.Buffer
			if json.Compact(&a, text) != nil || json.Compact(&b, bad) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatalf("byte %d, bit %d: got nil, want it refused", i, bit)
			}
		}
	}
}

func TestSecretsStayHidden(t *testing.T) {
	s := signer(t, "k")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, s); !strings.Contains(text, "(hidden)") {
			t.Errorf("%s: got %q, want it hidden", verb, text)
		}
	}
}

// vector is a file in testdata that another implementation can read.
type vector struct {
	Station, Tenant string
	Genesis         Digest
	Rows            []vectorRow
	PublicKey       string
	Checkpoint      Checkpoint
	CheckpointBody  string
	Salt, Name      string
	Pseudonym       string
	Passport        string // file beside it
}

type vectorRow struct {
	Body   string
	Digest Digest
}

func TestVectors(t *testing.T) {
	s := signer(t, "k")
	v := vector{Station: "st-1", Tenant: "acme", Genesis: Genesis("st-1", "acme"), Name: "Ada", Passport: "passport.json"}
	for _, r := range chain(t, 3) {
		d, _ := DigestOf(r.Digest)
		v.Rows = append(v.Rows, vectorRow{hex.EncodeToString(r.Body), d})
	}
	salt := bytes.Repeat([]byte{9}, SaltSize)
	v.Salt, v.Pseudonym = hex.EncodeToString(salt), Pseudonym(salt, v.Name)
	pub, err := s.Public.PEM()
	if err != nil {
		t.Fatal(err)
	}
	v.PublicKey = string(pub)
	v.Checkpoint, err = s.Sign(Checkpoint{Station: "st-1", Tenant: "acme", N: 3, Digest: v.Rows[2].Digest, At: t0, Purpose: PurposeHead})
	if err != nil {
		t.Fatal(err)
	}
	body, err := v.Checkpoint.Body()
	if err != nil {
		t.Fatal(err)
	}
	v.CheckpointBody = hex.EncodeToString(body)
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"chain.json": append(text, '\n'), "passport.json": issue(t, s)} {
		path := filepath.Join("testdata", "vectors", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), string(want)); diff != "" {
			t.Errorf("%s (-on file +now):\n%s", name, diff)
		}
	}
}

func TestParsePublicKeyRefuses(t *testing.T) {
	good, err := signer(t, "k").Public.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if k, err := ParsePublicKey(good); err != nil || k.ID != signer(t, "k").Public.ID {
		t.Errorf("got %v %v, want the same key", k.ID, err)
	}
	for name, text := range map[string][]byte{
		"empty": nil, "two": append(bytes.Clone(good), good...), "private": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"not a key": []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "large": make([]byte, maxPublic+1),
	} {
		if _, err := ParsePublicKey(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
}

func FuzzParseRow(f *testing.F) {
	b, err := row(3).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0xa4, 1, 1, 2, 0x61, 's', 3, 1, 5, 0x61, 'k'})
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRow(body)
		if err != nil {
			if r.N != 0 || r.Changes != nil {
				t.Errorf("got %+v with an error, want nothing", r)
			}
			return
		}
		again, err := r.Encode()
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("got %x %v, want the same bytes %x", again, err, body)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	c, err := signer(f, "k").Sign(Checkpoint{Station: "st-1", Tenant: "acme", N: 3, At: t0, Purpose: PurposeHead})
	if err != nil {
		f.Fatal(err)
	}
	line, err := c.Line()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := ParseCheckpoint(line)
		if err != nil {
			return
		}
		again, err := c.Line()
		if err != nil || !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), bytes.TrimSuffix(line, []byte("\n"))) {
			t.Errorf("got %q %v, want %q", again, err, line)
		}
		_ = c.Verify(nil)
	})
}

func FuzzParsePassport(f *testing.F) {
	f.Add(issue(f, signer(f, "k")))
	keys := NewKeys(signer(f, "x").Public)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParsePassport(text)
		if err != nil {
			return
		}
		if err := s.Verify(keys); err == nil {
			t.Errorf("got nil, want no passport of a key that signed none")
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	b, err := signer(f, "k").Public.PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		out, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParsePublicKey(out); err != nil || again.ID != k.ID {
			t.Errorf("got %v %v, want the same key", again.ID, err)
		}
	})
}
