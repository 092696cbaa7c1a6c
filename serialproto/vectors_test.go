package serialproto

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write testdata/vectors/messages.txt anew")

// vector is one entry of a vector file: a name, then "key: value" lines, hex values spaced.
type vector map[string]string

// readVectors reads "name: ..." blocks separated by blank lines; '#' starts a comment line.
func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []vector
	var v vector
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		switch {
		case line == "":
			v = nil
			continue
		case strings.HasPrefix(line, "#"):
			continue
		}
		key, value, found := strings.Cut(line, ":")
		if !found {
			t.Fatalf("%s: line without a colon: %q", file, line)
		}
		if v == nil {
			v = vector{}
			out = append(out, v)
		}
		v[key] = strings.TrimSpace(value)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (v vector) num(t testing.TB, key string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(v[key], 0, 32)
	if err != nil {
		t.Fatalf("vector %s: %s: %v", v["name"], key, err)
	}
	return uint32(n)
}

func spaced(b []byte) string { return fmt.Sprintf("% x", b) }

func TestFrameVectors(t *testing.T) {
	for _, v := range readVectors(t, "frames.txt") {
		t.Run(v["name"], func(t *testing.T) {
			wire := unhex(t, v["wire"])
			session := v.num(t, "session")
			var got []Frame
			var d Decoder
			d.SetSession(session)
			d.Feed(wire, func(f Frame) { got = append(got, f) }, nil)
			if v["error"] != "" {
				if len(got) != 0 {
					t.Fatalf("got frame %+v, want refusal: %s", got[0], v["error"])
				}
				return
			}
			want := Frame{
				Dir: Dir(v.num(t, "dir")), Kind: Kind(v.num(t, "kind")), ID: uint8(v.num(t, "id")),
				Idx: uint8(v.num(t, "idx")), Last: uint8(v.num(t, "last")), Payload: unhex(t, v["payload"]),
			}
			if d := cmp.Diff([]Frame{want}, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
			enc, err := AppendFrame(nil, session, want)
			if err != nil || v["decode-only"] == "" && !bytes.Equal(enc, wire) {
				t.Errorf("encoded: got %s, %v, want %s", spaced(enc), err, spaced(wire))
			}
		})
	}
}

func TestCOBSVectors(t *testing.T) {
	for _, v := range readVectors(t, "cobs.txt") {
		t.Run(v["name"], func(t *testing.T) {
			enc := unhex(t, v["encoded"])
			got, err := AppendUnCOBS(nil, enc)
			if v["error"] != "" {
				if err == nil || got != nil {
					t.Fatalf("got %x, %v, want refusal: %s", got, err, v["error"])
				}
				return
			}
			plain := unhex(t, v["plain"])
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("decoded: got %x, %v, want %x", got, err, plain)
			}
			if back := AppendCOBS(nil, plain); v["decode-only"] == "" && !bytes.Equal(back, enc) {
				t.Errorf("encoded: got %x, want %x", back, enc)
			}
		})
	}
}

func fill(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

func fakeCert(n int, b byte) []byte { return append([]byte{0x30}, fill(n-1, b)...) }

// samples are the messages of messages.txt: every type, with every field at least once.
func samples() []struct {
	name string
	v    any
} {
	id := []byte("enroll01")
	return []struct {
		name string
		v    any
	}{
		{"announce", &Announce{1, 1, "gw-3", "SN-000123", fill(8, 0xb0)}},
		{"announce minimal", &Announce{MinVersion: 1, MaxVersion: 3, BootID: fill(8, 1)}},
		{"hello", &Hello{1, 1, 0x01020304, 246, 8, 8192, 3}},
		{"welcome", &Welcome{
			1, 0x01020304, 246, 8, 8192, 3, "gw-3", "SN-000123", "1.4.2", fill(8, 0xb0), StateKeyed,
			[][]byte{fill(8, 1), fill(8, 2)},
			1795520000000000, fill(16, 3), fill(16, 4), ReenrollUnlock,
		}},
		{"status request", &SimpleArgs{OpStatus}},
		{"status", &StatusResult{
			StateInstalled, fill(32, 1), fill(32, 2),
			map[Obj]Object{ObjLeaf: {Length: 600, Digest: fill(8, 3), Received: 600}, ObjWGConf: {Length: 300, Digest: fill(8, 4), Received: 12}},
			2, id, fill(32, 5), 1795520000000000, fill(32, 6), "device-0001", 1, ReenrollNever, KeyStoreFlash, AlgP256, 4, fill(32, 7),
			0, 0, 0, 0, nil, nil,
		}},
		{"status empty", &StatusResult{}},
		{"enroll request", &EnrollArgs{OpEnroll, AlgP256, "device-0001", id, true, false}},
		{"enroll request that keeps the tunnel", &EnrollArgs{OpEnroll, AlgP256, "device-0001", id, false, true}},
		{"enroll", &EnrollResult{fakeCert(40, 1), KeyStoreFlash, fill(32, 2), fill(5, 3), true, 2}},
		{"install request", &InstallArgs{OpInstall, fakeCert(40, 1), [][]byte{fakeCert(30, 2), fill(8, 3), fakeCert(20, 4)}, []byte("[Interface]\nAddress = 10.0.0.2/32\n"), id, true, fill(32, 9), nil}},
		{"install", &InstallResult{map[Obj][]byte{ObjLeaf: fill(8, 1), ObjChain: fill(8, 2), ObjAnchor: fill(8, 3), ObjWGConf: fill(8, 4)}}},
		{"put request", &PutArgs{OpPut, ObjAnchor, 512, 1024, fill(32, 1), fill(20, 2), id}},
		{"put", &PutResult{532}},
		{"commit request", &CommitArgs{OpCommit, id, map[Obj][]byte{ObjLeaf: fill(32, 1), ObjAnchor: fill(32, 2)}, fill(32, 3)}},
		{"sign tls 1.3 request", &SignTLS13Args{OpSignTLS13, fill(32, 1), 0x0403}},
		{"sign tls 1.2 request", &SignTLS12Args{OpSignTLS12, fill(40, 1), 3, fill(70, 2), 0x0403}},
		{"sign", &SignResult{fill(71, 1)}},
		{"lock request", &LockArgs{OpLock, id, "10.0.0.2/32"}},
		{"reboot request", &SimpleArgs{OpReboot}},
		{"abort request", &AbortArgs{OpAbort, id}},
		{"clock request", &ClockArgs{OpClock, 1795520000000000}},
		{"clock", &ClockResult{1795520000000001}},
		{"read request", &ReadArgs{OpRead, ObjChain}},
		{"read", &ReadResult{[][]byte{fakeCert(20, 1), fakeCert(20, 2)}}},
		{"failure", &ResponseHead{StatusBadOffset, 512, "staged 512 bytes"}},
		{"status in the field", &StatusResult{
			State: StateSealed, Generation: 1, Active: 1, Reenroll: ReenrollUnlock, Failures: 4, Wait: 2, Unlocked: PurposeErase,
			Objects: map[Obj]Object{ObjPins: {Length: 91, Digest: fill(8, 1), Received: 91}},
			Tokens:  16383, Pending: fill(32, 2),
			Renewal: &RenewalState{"https://ca.example/1.0/renew", 1795520000000000, 1795520000000001, 2, "refused"},
		}},
		{"install request with pins", &InstallArgs{Op: OpInstall, Leaf: fakeCert(40, 1), Chain: [][]byte{fill(8, 3)}, EnrollID: id, Commit: true, Pins: [][]byte{fakeCert(91, 1), fakeCert(120, 2)}}},
		{"unlock request", &UnlockArgs{Op: OpUnlock, Purpose: PurposeTLS13, Signatures: 2, Lifetime: 300}},
		{"unlock", &UnlockResult{Challenge: fill(80, 1)}},
		{"unlock challenge", &UnlockChallenge{fill(32, 1), "SN-000123", "device-0001", fill(8, 0xb0), PurposeTLS13, 2, 300}},
		{"unlock answer", &UnlockArgs{Op: OpUnlock, Signature: fill(71, 1)}},
		{"unlock done", &UnlockResult{Left: 298}},
		{"erase request", &EraseArgs{OpErase, id}},
		{"token request", &TokenArgs{OpToken, "https://ca.example/1.0/renew", 1795520000000000}},
		{"token", &TokenResult{[]byte(`{"aud":"https://ca.example/1.0/renew"}`), fill(64, 1), 16383}},
		{"renew request", &RenewArgs{Op: OpRenew, Leaf: fakeCert(40, 1), EnrollID: id, Commit: true}},
		{"renew commit request", &RenewArgs{Op: OpRenew, EnrollID: id, Digest: fill(32, 1)}},
		{"renew set request", &RenewSetArgs{OpRenewSet, "https://proxy.example/pki/1.0/renew", "https://ca.example/1.0/renew", id}},
		{"check mqtt request", &CheckMQTTArgs{OpCheckMQTT, "broker.example", 8883, "mqtt.example", "auto", "v1/devices/me/telemetry", []byte(`{"test": 1}`), "user", []byte("word"), 0x0303, 0x0304, 30}},
		{"check mqtt", &CheckMQTTResult{
			true,
			[]CheckStep{{Name: "resolve", Attempt: 1, OK: true, Took: 1200}, {Name: "tcp", Attempt: 1, OK: true, Took: 800, Text: "10.0.0.1:8883"}},
			"broker-delivered", "10.0.0.1:8883", 0x0304, 0x1301, fill(32, 1), "5", 0x10, 1, "", "", "", 0, 0, "", "",
		}},
		{"check mqtt failed", &CheckMQTTResult{
			Steps: []CheckStep{{Name: "tcp", Attempt: 1, Took: 30000000, Text: "refused"}}, Reason: "refused", Sentence: "Nothing listens there.", Hint: "Look.",
			Alert: 42, Code: 0x87, Words: "not authorized", Failed: "tcp",
		}},
		{"check wireguard request", &CheckWGArgs{OpCheckWG, 20, "10.8.0.1"}},
		{"packed request", &PackedArgs{OpPacked, fill(12, 7), true, fill(8, 9), nil}},
		{"packed request after what came ahead", &PackedArgs{OpPacked, fill(12, 7), true, fill(8, 9), fill(8, 5)}},
		{"check wireguard", &CheckWGResult{true, []CheckStep{{Name: "handshake", Attempt: 1, OK: true, Took: 1}}, fill(32, 1), fill(32, 2), "192.0.2.1:51820", 1795520000000000, 92, 148, "", ""}},
	}
}

func TestMessageVectors(t *testing.T) {
	if *update {
		writeMessages(t)
	}
	vectors := map[string]vector{}
	for _, v := range readVectors(t, "messages.txt") {
		vectors[v["name"]] = v
	}
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			want := unhex(t, vectors[s.name]["cbor"])
			got, err := Encode(s.v)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("encoded: got %s, %v, want %s", spaced(got), err, spaced(want))
			}
			back := reflect.New(reflect.TypeOf(s.v).Elem()).Interface()
			if err := Decode(want, back); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(s.v, back, cmpopts.IgnoreUnexported(Object{}, CheckStep{})); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
			for i := range want { // no prefix is a message
				if err := Decode(want[:i], back); err == nil {
					t.Errorf("first %d bytes: got nil, want an error", i)
				}
			}
		})
	}
}

// writeMessages renders samples into the vector file.
func writeMessages(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Messages of SP1: Go type, then its deterministic CBOR. Keys and meanings: sp1.cddl.\n")
	for _, s := range samples() {
		data, err := Encode(s.v)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		fmt.Fprintf(&b, "\nname: %s\ntype: %s\ncbor: %s\n", s.name, reflect.TypeOf(s.v).Elem().Name(), spaced(data))
	}
	if err := os.WriteFile(filepath.Join("testdata", "vectors", "messages.txt"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prototypes returns a fresh pointer to each message type, by name.
func prototypes() map[string]func() any {
	out := map[string]func() any{}
	for _, s := range samples() {
		typ := reflect.TypeOf(s.v).Elem()
		out[typ.Name()] = func() any { return reflect.New(typ).Interface() }
	}
	return out
}

func TestRefusedMessageVectors(t *testing.T) {
	protos := prototypes()
	for _, v := range readVectors(t, "refused.txt") {
		t.Run(v["name"], func(t *testing.T) {
			make, found := protos[v["type"]]
			if !found {
				t.Fatalf("no type %q", v["type"])
			}
			m := make()
			if err := Decode(unhex(t, v["cbor"]), m); err == nil {
				t.Errorf("got %+v, want refusal: %s", m, v["error"])
			}
		})
	}
}

func TestEveryMessageHasAVector(t *testing.T) {
	if got, want := len(prototypes()), 35; got != want {
		t.Errorf("message types with vectors: got %d, want %d", got, want)
	}
}

func FuzzMessages(f *testing.F) {
	names := []string{}
	protos := prototypes()
	for _, s := range samples() {
		data, err := Encode(s.v)
		if err != nil {
			f.Fatal(err)
		}
		names = append(names, reflect.TypeOf(s.v).Elem().Name())
		f.Add(uint8(len(names)-1), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		name := names[int(which)%len(names)]
		m := protos[name]()
		zero := protos[name]()
		if err := Decode(data, m); err != nil {
			if !reflect.DeepEqual(m, zero) {
				t.Fatalf("%s changed on error", name)
			}
			return
		}
		again, err := Encode(m)
		if err != nil {
			t.Fatalf("%s decoded but does not encode: %v", name, err)
		}
		back := protos[name]()
		if err := Decode(again, back); err != nil {
			t.Fatalf("%s does not survive a round trip: %v", name, err)
		}
		if d := cmp.Diff(m, back, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Object{}, CheckStep{})); d != "" {
			t.Fatalf("%s round trip (-first +second):\n%s", name, d)
		}
		_, _ = PeekOp(data) // must not panic
		_, _ = DecodeResponse(data, nil)
	})
}

func FuzzCOBS(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 1})
	f.Add(fill(255, 7))
	f.Fuzz(func(t *testing.T, data []byte) {
		enc := AppendCOBS(nil, data)
		if bytes.IndexByte(enc, 0) >= 0 || len(enc) > len(data)+len(data)/254+1 {
			t.Fatalf("encoding of %d bytes has a zero or %d bytes", len(data), len(enc))
		}
		back, err := AppendUnCOBS(nil, enc)
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("got %x, %v, want %x", back, err, data)
		}
		if dec, err := AppendUnCOBS(nil, data); err != nil && dec != nil {
			t.Fatalf("bytes in spite of %v", err)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	frame, err := AppendFrame(nil, 5, Frame{Kind: KindReq, ID: 1, Payload: []byte{1, 0, 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("boot text"), uint8(3))
	f.Add(append(append([]byte("x"), frame...), frame...), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		var d Decoder
		d.SetSession(5)
		text := 0
		n := max(1, int(step))
		for i := 0; i < len(data); i += n {
			d.Feed(data[i:min(i+n, len(data))], func(f Frame) {
				again, err := AppendFrame(nil, 5, f)
				if err != nil {
					t.Fatalf("decoded frame does not encode: %v", err)
				}
				if _, err := ParseFrame(5, again[1:len(again)-1]); err != nil {
					t.Fatalf("frame does not survive a round trip: %v", err)
				}
			}, func(p []byte) {
				text += len(p)
				for _, r := range EscapeConsole(p) {
					if r != '\n' && (r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0) {
						t.Fatalf("control character %U left in console text", r)
					}
				}
			})
		}
		d.Flush(func(p []byte) { text += len(p) })
		if text > len(data) {
			t.Fatalf("%d bytes of text from %d", text, len(data))
		}
	})
}

func FuzzEscapeConsole(f *testing.F) {
	f.Add([]byte("\x1b[31m\r\n\xff\u202e"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := EscapeConsole(data)
		if len(s) > 6*len(data) || strings.ContainsAny(s, "\x1b\r\x00\x7f") {
			t.Fatalf("got %q from %q", s, data)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	f := Frame{Kind: KindReq, ID: 1, Payload: fill(MaxPayload, 7)}
	buf := make([]byte, 0, MaxWire)
	b.SetBytes(MaxWire)
	b.ReportAllocs()
	for b.Loop() {
		out, err := AppendFrame(buf, 5, f)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ParseFrame(5, out[1:len(out)-1]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInstallMessage(b *testing.B) {
	m := InstallArgs{Op: OpInstall, Leaf: fakeCert(600, 1), Chain: [][]byte{fakeCert(500, 2), fakeCert(500, 3), fakeCert(600, 4)}, WGConf: fill(300, 'x'), EnrollID: []byte("enroll01")}
	b.ReportAllocs()
	for b.Loop() {
		data, err := EncodeRequest(m)
		if err != nil {
			b.Fatal(err)
		}
		var back InstallArgs
		if err := DecodeRequest(data, &back); err != nil {
			b.Fatal(err)
		}
	}
}
