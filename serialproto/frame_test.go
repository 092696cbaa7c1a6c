package serialproto

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatalf("vector %q: %v", s, err)
	}
	return b
}

func TestSealBindsSession(t *testing.T) {
	f := Frame{Kind: KindReq, ID: 9, Payload: []byte{1, 2, 3}}
	wire, err := AppendFrame(nil, 7, f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseFrame(8, wire[1:len(wire)-1]); !errors.Is(err, ErrFrameCRC) {
		t.Errorf("frame of session 7 read in session 8: got %v, want %v", err, ErrFrameCRC)
	}
	got, err := ParseFrame(7, wire[1:len(wire)-1])
	if err != nil || !bytes.Equal(got.Payload, f.Payload) || got.ID != 9 {
		t.Errorf("got %+v, %v, want %+v", got, err, f)
	}
}

func TestAppendFrameRefuses(t *testing.T) {
	for name, f := range map[string]Frame{
		"payload over 246": {Kind: KindReq, Payload: make([]byte, MaxPayload+1)},
		"kind over 15":     {Kind: 16},
		"direction over 1": {Kind: KindReq, Dir: 2},
	} {
		if got, err := AppendFrame(nil, 1, f); err == nil || got != nil {
			t.Errorf("%s: got %x, %v, want an error and nothing", name, got, err)
		}
	}
}

func TestWorstFrameIs257Bytes(t *testing.T) {
	for _, fill := range []byte{0, 1, 0xff} {
		wire, err := AppendFrame(nil, 1, Frame{Kind: KindReq, ID: 1, Idx: 1, Last: 1, Payload: bytes.Repeat([]byte{fill}, MaxPayload)})
		if err != nil || len(wire) != MaxWire {
			t.Errorf("fill %#x: got %d bytes, %v, want %d", fill, len(wire), err, MaxWire)
		}
	}
}

func TestDecoderTextAndFrames(t *testing.T) {
	f, err := AppendFrame(nil, 5, Frame{Dir: DeviceToHost, Kind: KindRsp, ID: 3, Payload: []byte("hi")})
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(f)
	damaged[4] ^= 0x40
	var stream []byte
	stream = append(stream, "U-Boot 2026.01\r\n"...)
	stream = append(stream, f...)
	stream = append(stream, damaged...)
	stream = append(stream, bytes.Repeat([]byte("noise without a zero "), 50)...)
	stream = append(stream, f...)
	for _, step := range []int{1, 7, len(stream)} {
		var d Decoder
		d.SetSession(5)
		var text []byte
		frames := 0
		for i := 0; i < len(stream); i += step {
			d.Feed(stream[i:min(i+step, len(stream))], func(f Frame) {
				frames++
				if string(f.Payload) != "hi" {
					t.Errorf("payload: got %q, want hi", f.Payload)
				}
			}, func(b []byte) { text = append(text, b...) })
		}
		st := d.Stats()
		if frames != 2 || st.Frames != 2 || st.Broken != 1 || st.Overflows != 1 {
			t.Errorf("step %d: got %d frames, stats %+v, want 2 frames, 1 broken, 1 overflow", step, frames, st)
		}
		if want := 16 + 21*50; len(text) != want {
			t.Errorf("step %d: got %d text bytes, want %d", step, len(text), want)
		}
	}
}

func TestDecoderKeepsDamagedFramesFromConsole(t *testing.T) {
	secret := bytes.Repeat([]byte{0x9c, 0x01, 0xee, 0x41}, 50)
	f, err := AppendFrame(nil, 5, Frame{Kind: KindReq, ID: 3, Payload: secret})
	if err != nil {
		t.Fatal(err)
	}
	f[9] ^= 1
	var d Decoder
	d.Feed(f, nil, func(b []byte) { t.Errorf("damaged frame became console text: %q", b) })
	if d.Stats().Broken != 1 {
		t.Errorf("broken: got %d, want 1", d.Stats().Broken)
	}
}

func TestEscapeConsole(t *testing.T) {
	for in, want := range map[string]string{
		"plain":               "plain",
		"a\r\nb\rc":           "a\nb\nc",
		"\x1b[2J\x1b]0;x\x07": `\x1b[2J\x1b]0;x\x07`,
		"tab\tx":              "tab    x",
		"caf\xc3\xa9 \xe9":    `café \xe9`,
		"a\\x1b":              `a\\x1b`,
		"\u202eevil\u009b1m":  `\u202eevil\u009b1m`,
		"\U000e0041":          `\U000e0041`,
		"del\x7f":             `del\x7f`,
	} {
		if got := EscapeConsole([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNamesNeverPanic(t *testing.T) {
	for i := range 256 {
		v := uint8(i)
		for _, s := range []string{
			Kind(v).String(), Op(v).String(), Status(v).String(), State(v).String(), Alg(v).String(), KeyStore(v).String(),
			Obj(v).String(), Reenroll(v).String(), Dir(v).String(),
		} {
			if s == "" {
				t.Errorf("value %d has an empty name", i)
			}
		}
	}
	if got := Kind(77).String(); got != "unknown(77)" {
		t.Errorf("got %q, want unknown(77)", got)
	}
}
