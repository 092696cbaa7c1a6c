package ctest

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"provstation/serialproto"
)

var messages = flag.Int("messages", 30000, "how many messages both sides are asked about")

// received are the messages that a device receives.
var received = map[string]func() any{
	"Hello":         func() any { return new(serialproto.Hello) },
	"SimpleArgs":    func() any { return new(serialproto.SimpleArgs) },
	"EnrollArgs":    func() any { return new(serialproto.EnrollArgs) },
	"InstallArgs":   func() any { return new(serialproto.InstallArgs) },
	"PutArgs":       func() any { return new(serialproto.PutArgs) },
	"CommitArgs":    func() any { return new(serialproto.CommitArgs) },
	"SignTLS13Args": func() any { return new(serialproto.SignTLS13Args) },
	"LockArgs":      func() any { return new(serialproto.LockArgs) },
	"AbortArgs":     func() any { return new(serialproto.AbortArgs) },
	"ClockArgs":     func() any { return new(serialproto.ClockArgs) },
	"ReadArgs":      func() any { return new(serialproto.ReadArgs) },
}

// accepts is the Go side's word on a message.
func accepts(kind string, data []byte) bool {
	if kind == "Op" {
		_, err := serialproto.PeekOp(data)
		return err == nil
	}
	return serialproto.Decode(data, received[kind]()) == nil
}

// asciiAlone reports whether a message holds text that is legal and not ASCII. The C side takes none: a device that seals
// itself with a flag refuses it later all the same, and the canonical wg0.conf has none.
func asciiAlone(kind string, data []byte) bool {
	if kind == "Op" {
		return false
	}
	v := received[kind]()
	if serialproto.Decode(data, v) != nil {
		return false
	}
	text := ""
	switch m := v.(type) {
	case *serialproto.LockArgs:
		text = m.Flag
	case *serialproto.InstallArgs:
		text = string(m.WGConf)
	}
	return strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e })
}

// TestMessagesDiffer: what the Go decoder takes the C decoder takes, and nothing else, over messages that are right, nearly
// right, and damaged.
func TestMessagesDiffer(t *testing.T) {
	t.Parallel()
	n := *messages
	g := &generator{rand.New(rand.NewPCG(1, 0x5350_3143))}
	kinds := []string{"Op"}
	for k := range received {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	var in bytes.Buffer
	type question struct {
		kind string
		data []byte
	}
	var asked []question
	for range n {
		q := question{kinds[g.IntN(len(kinds))], nil}
		q.data = g.message(q.kind)
		asked = append(asked, q)
		fmt.Fprintf(&in, "message %s %x\n", q.kind, q.data)
	}
	answers := ask(t, "sp1-check", in.Bytes())
	if len(answers) != n {
		t.Fatalf("got %d answers, want %d", len(answers), n)
	}
	taken, different := map[string]int{}, 0
	for i, q := range asked {
		want := accepts(q.kind, q.data)
		if want {
			taken[q.kind]++
		}
		if got := answers[i] == "ok"; got != want && different < 20 && (got || !asciiAlone(q.kind, q.data)) {
			different++
			t.Errorf("%s %x: C says %v, Go says %v", q.kind, q.data, got, want)
		}
	}
	for _, k := range kinds {
		if taken[k] < n/len(kinds)/20 {
			t.Errorf("%s: only %d messages were right: the test compares refusals alone", k, taken[k])
		}
	}
}

// TestFramesDiffer is the same for segments between two delimiters.
func TestFramesDiffer(t *testing.T) {
	t.Parallel()
	const n = 50000
	g := &generator{rand.New(rand.NewPCG(2, 0x5350_3143))}
	var in bytes.Buffer
	var segments [][]byte
	var sessions []uint32
	for range n {
		session := g.Uint32()
		wire, err := serialproto.AppendFrame(nil, session, serialproto.Frame{
			Dir: serialproto.Dir(g.IntN(2)), Kind: serialproto.Kind(g.IntN(16)), ID: uint8(g.Uint32()), Idx: uint8(g.Uint32()),
			Last: uint8(g.Uint32()), Payload: g.bytes(g.IntN(serialproto.MaxPayload + 1)),
		})
		if err != nil {
			t.Fatal(err)
		}
		seg := g.maybe(wire[1:len(wire)-1], 3)
		if seg = bytes.ReplaceAll(seg, []byte{0}, []byte{1}); g.IntN(10) == 0 {
			session++
		}
		segments, sessions = append(segments, seg), append(sessions, session)
		fmt.Fprintf(&in, "frame %d %x\n", session, seg)
	}
	sound := 0
	for i, got := range ask(t, "sp1-check", in.Bytes()) {
		want := "no"
		if f, err := serialproto.ParseFrame(sessions[i], segments[i]); err == nil {
			sound++
			want = strings.TrimSpace(fmt.Sprintf("%d %d %d %d %d %s", f.Dir, f.Kind, f.ID, f.Idx, f.Last, hex.EncodeToString(f.Payload)))
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("segment %x of session %d: C says %q, Go says %q", segments[i], sessions[i], got, want)
		}
	}
	if sound < n/3 || sound > n*9/10 {
		t.Errorf("got %d sound frames of %d, want some of both", sound, n)
	}
}
