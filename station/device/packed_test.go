package device

import (
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
	"provstation/station/stationtest"
)

// Certificates that cross while the device makes its key need not cross again; where the line loses them, or another chain comes than
// was likely, the device has everything all the same.
func TestChainCrossesAhead(t *testing.T) {
	p, other := stationtest.NewPKI(t), stationtest.NewPKI(t)
	whole := [][]byte{p.Sub.Cert.Raw, p.ICA.Cert.Raw, p.Root.Cert.Raw}
	// install gives the bytes that go to the device with its key, and with its certificates.
	install := func(name string, likely [][]byte, line prototest.Config, spoil func(*line)) (first, then uint64) {
		t.Run(name, func(t *testing.T) {
			l := agentOn(t, 0, line)
			spoil(l)
			var a []byte
			first = sent(l, func() {
				_, answer := keyBefore(t, l, "enroll-1", "P-256", likely)
				a = answer.CSR
			})
			b := bundle(t, p, a, "enroll-1")
			then = sent(l, func() {
				back, err := l.Install(within(t), b)
				installed(t, b, back, err)
			})
		})
		return first, then
	}
	nothing := func(*line) {}
	key, plain := install("nothing is likely", nil, prototest.Config{}, nothing)
	first, then := install("the chain that comes", whole, prototest.Config{}, nothing)
	// What has not left with the key goes before the certificates.
	if first+then > key+plain+100 || first == key {
		t.Errorf("got %d and %d bytes, want together little more than the %d and %d where nothing is likely", first, then, key, plain)
	}
	losing := func(times int) prototest.Config {
		return prototest.Config{ToDevice: prototest.Line{Rewrite: func(f serialproto.Frame, _ int, raw []byte) []byte {
			if f.Kind == serialproto.KindAhead && f.Idx == 1 && times > 0 {
				times--
				return nil
			}
			return raw
		}}}
	}
	if f, again := install("the line loses a part", whole, losing(1), nothing); f+again <= first+then || again >= plain {
		t.Errorf("got %d and %d bytes where the line lost a part, want that part again, and no more than %d with the certificates", f, again, plain)
	}
	if _, again := install("the line loses a part again and again", whole, losing(1000), nothing); again <= plain {
		t.Errorf("got %d bytes where the line lost all, want more than the %d that they take", again, plain)
	}
	if f, _ := install("another one", [][]byte{other.Sub.Cert.Raw}, prototest.Config{}, nothing); f == key {
		t.Error("nothing crossed ahead of another chain: the test shows nothing")
	}
	old := func(l *line) { l.welcome.Features &^= serialproto.FeaturePacked }
	if f, _ := install("a device that takes no packed request", whole, prototest.Config{}, old); f != key {
		t.Errorf("got %d bytes with the key, want %d: nothing ahead", f, key)
	}
	known := func(l *line) {
		for _, der := range whole {
			l.welcome.Known = append(l.welcome.Known, short(der))
		}
	}
	if f, _ := install("a device that says it holds them", whole, prototest.Config{}, known); f != key {
		t.Errorf("got %d bytes with the key, want %d: nothing ahead", f, key)
	}
}
