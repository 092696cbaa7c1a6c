package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/stationtest"
)

func TestInstallWhateverTheMessageSize(t *testing.T) {
	for _, max := range []int{1024, 1500, 2048, 4096, 0} {
		t.Run(fmt.Sprint(max), func(t *testing.T) {
			l, p := realAgent(t, max), stationtest.NewPKI(t)
			_, a := key(t, l, "enroll-1", "P-256")
			b := bundle(t, p, a.CSR, "enroll-1")
			back, err := l.Install(within(t), b)
			installed(t, b, back, err)
			back, err = l.Install(within(t), b) // the answer was lost: the same again
			installed(t, b, back, err)
			device, anchors, err := l.Certificates(within(t))
			if len(bytes.Join(b.Chain, nil)) > max && max != 0 { // READ has no pieces
				if f, ok := station.AsFault(err); !ok || f.Code != station.CodeAgentError {
					t.Errorf("reading more than a message holds: got %v, want %s", err, station.CodeAgentError)
				}
				return
			}
			must(t, err)
			if diff := cmp.Diff([][]byte{b.Leaf, b.Chain[0], b.Chain[1]}, device); diff != "" {
				t.Errorf("device.pem differs: %s", diff)
			}
			if diff := cmp.Diff(b.Chain, anchors); diff != "" {
				t.Errorf("ca-chain.pem differs: %s", diff)
			}
		})
	}
}

// A device that takes packed requests gets its certificates in fewer bytes, the same files all the same; one whose key is another
// than the station thinks gets them as they are.
func TestInstallIsPacked(t *testing.T) {
	install := func(spoil func(*line)) uint64 {
		l, p := realAgent(t, 0), stationtest.NewPKI(t)
		_, a := key(t, l, "enroll-1", "P-256")
		b := bundle(t, p, a.CSR, "enroll-1")
		spoil(l)
		return sent(l, func() {
			back, err := l.Install(within(t), b)
			installed(t, b, back, err)
		})
	}
	plain := install(func(l *line) { l.welcome.Features &^= serialproto.FeaturePacked })
	packed := install(func(*line) {})
	if packed > plain*3/4 {
		t.Errorf("got %d bytes on the line for %d, want a quarter less at least", packed, plain)
	}
	twice := install(func(l *line) { l.csr = []byte("of another key") })
	if twice <= plain {
		t.Errorf("got %d bytes with another CSR, want the plain request's %d after the packed one", twice, plain)
	}
}

// A transfer that was interrupted goes on where it stopped.
func TestInstallResumes(t *testing.T) {
	l, p := realAgent(t, 1024), stationtest.NewPKI(t)
	_, a := key(t, l, "enroll-1", "P-256")
	b := bundle(t, p, a.CSR, "enroll-1")
	chain := bytes.Join(b.Chain, nil)
	sum := sha256.Sum256(chain)
	const had = 900
	must(t, l.call(within(t), "transfer", &serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: serialproto.ObjAnchor, Total: uint32(len(chain)), SHA256: sum[:], Data: chain[:had], EnrollID: b.EnrollID[:],
	}, &serialproto.PutResult{}))
	h, err := l.Holding(within(t))
	must(t, err)
	if _, whole := h.Objects[station.ObjectAnchors]; whole {
		t.Error("an object on its way is said to be held")
	}
	back, err := l.Install(within(t), b)
	installed(t, b, back, err)
}

// What a device answers to PUT may not lead the station astray.
func TestPutFollowsTheDevice(t *testing.T) {
	type step struct {
		status serialproto.Status
		next   uint32
	}
	ok, elsewhere := serialproto.StatusOK, serialproto.StatusBadOffset
	const size, piece = 2000, 1024 - putOverhead
	for _, row := range []struct {
		name  string
		steps []step
		want  []uint32 // offsets asked for
		code  station.Code
	}{
		{"straight", []step{{ok, piece}, {ok, 2 * piece}, {ok, size}}, []uint32{0, piece, 2 * piece}, ""},
		{"has some", []step{{elsewhere, 500}, {ok, 500 + piece}, {ok, size}}, []uint32{0, 500, 500 + piece}, ""},
		{"has all", []step{{elsewhere, size}}, []uint32{0}, ""},
		{"forgot some on the way", []step{{ok, piece}, {elsewhere, 0}, {ok, piece}, {ok, 2 * piece}, {ok, size}}, []uint32{0, piece, 0, piece, 2 * piece}, ""},
		{"never content", []step{{elsewhere, 5}, {elsewhere, 7}, {elsewhere, 9}}, []uint32{0, 5, 7}, station.CodeAgentError},
		{"points beyond the end", []step{{elsewhere, size + 1}}, []uint32{0}, station.CodeAgentError},
		{"stands still", []step{{ok, 0}}, []uint32{0}, station.CodeAgentBad},
		{"goes back", []step{{ok, piece}, {ok, 3}}, []uint32{0, piece}, station.CodeAgentBad},
		{"jumps beyond the end", []step{{ok, size + 1}}, []uint32{0}, station.CodeAgentBad},
		{"is full", []step{{serialproto.StatusNoSpace, 0}}, []uint32{0}, station.CodeAgentSpace},
	} {
		t.Run(row.name, func(t *testing.T) {
			var asked []uint32
			p := &prototest.Peer{Func: func(_ context.Context, _ serialproto.Op, request []byte) []byte {
				var a serialproto.PutArgs
				if err := serialproto.DecodeRequest(request, &a); err != nil {
					return nil
				}
				asked = append(asked, a.Offset)
				s := row.steps[min(len(asked), len(row.steps))-1]
				var result any
				if s.status == ok {
					result = serialproto.PutResult{NextOffset: s.next}
				}
				answer, _ := serialproto.EncodeResponse(s.status, "", s.next*uint32(min(uint8(s.status), 1)), result)
				if s.status == ok {
					answer, _ = serialproto.EncodeResponse(s.status, "", 0, result)
				}
				return answer
			}}
			l := peer(t, p, 1024)
			data := make([]byte, size)
			sum := sha256.Sum256(data)
			err := l.put(within(t), station.EnrollID([]byte("enroll-1")), serialproto.ObjAnchor, data, sum[:])
			f, _ := station.AsFault(err)
			if (row.code == "") != (err == nil) || (f != nil && f.Code != row.code) {
				t.Errorf("got %v, want %q", err, row.code)
			}
			if diff := cmp.Diff(row.want, asked); diff != "" {
				t.Errorf("offsets (-want +got):\n%s", diff)
			}
		})
	}
}

// A second generation names the certificates that the device holds.
func TestInstallNamesWhatIsHeld(t *testing.T) {
	l, p := realAgent(t, 0), stationtest.NewPKI(t)
	_, a := key(t, l, "enroll-1", "P-256")
	b := bundle(t, p, a.CSR, "enroll-1")
	first := sent(l, func() {
		back, err := l.Install(within(t), b)
		installed(t, b, back, err)
	})
	must(t, l.Seal(within(t), b.EnrollID, "10.8.1.2"))
	if g := greetAgain(t, l); g.State != station.StateSealed {
		t.Fatalf("the device is %s, want sealed", g.State)
	}
	_, a = key(t, l, "enroll-2", "P-256")
	if a.Existing || a.Generation != 2 {
		t.Errorf("got generation %d (existing: %v), want a second", a.Generation, a.Existing)
	}
	b = bundle(t, p, a.CSR, "enroll-2")
	second := sent(l, func() {
		back, err := l.Install(within(t), b)
		installed(t, b, back, err)
	})
	if saved := int(first) - int(second); saved < len(bytes.Join(b.Chain, nil))/2 { // packed, what is alike in all counts once
		t.Errorf("the first set took %d bytes, the second %d: the chain crossed again", first, second)
	}
	must(t, l.Abandon(within(t), b.EnrollID))
	h, err := l.Holding(within(t))
	must(t, err)
	if h.State != station.StateSealed || h.Generation != 1 || h.Active != 1 {
		t.Errorf("after abandoning: %s, generation %d, active %d, want sealed, 1, 1", h.State, h.Generation, h.Active)
	}
}

// What a device said it holds goes with a generation that was given up; then everything crosses in full, in pieces where
// that no longer fits one message.
func TestInstallWhenTheDeviceLostThem(t *testing.T) {
	for _, max := range []int{1024, 0} {
		t.Run(fmt.Sprint(max), func(t *testing.T) {
			l, p := realAgent(t, max), stationtest.NewPKI(t)
			_, a := key(t, l, "enroll-1", "P-256")
			b := bundle(t, p, a.CSR, "enroll-1")
			back, err := l.Install(within(t), b)
			installed(t, b, back, err)
			greetAgain(t, l)
			if len(l.welcome.Known) != 3 {
				t.Fatalf("the device says it holds %d certificates, want 3", len(l.welcome.Known))
			}
			_, a = key(t, l, "enroll-2", "P-256")
			b = bundle(t, p, a.CSR, "enroll-2")
			if max != 0 {
				b.WGConf = nil // so that the names fit one message
				back, err = l.Install(within(t), b)
				must(t, err)
				if !bytes.Equal(back[station.ObjectAnchors], short(bytes.Join(b.Chain, nil))) {
					t.Error("the CA file does not read back")
				}
				return
			}
			back, err = l.Install(within(t), b)
			installed(t, b, back, err)
		})
	}
}

// A refusal that has nothing to do with names is asked once.
func TestInstallRefusedOnce(t *testing.T) {
	l, p := realAgent(t, 0), stationtest.NewPKI(t)
	key(t, l, "enroll-1", "P-256")
	other := stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), deviceID)
	_, err := l.Install(within(t), bundle(t, p, other, "enroll-1"))
	if f, ok := station.AsFault(err); !ok || f.Code != station.CodeInstallKey || f.Outcome != station.Fail {
		t.Errorf("a leaf for another key: got %v, want %s", err, station.CodeInstallKey)
	}
	h, err := l.Holding(within(t))
	must(t, err)
	if h.State != station.StateKeyed || len(h.Objects) != 0 {
		t.Errorf("the device is %s with %d objects, want keyed with none", h.State, len(h.Objects))
	}
}
