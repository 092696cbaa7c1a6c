package baseline

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// rig is what one enrollment works with, and what came of it.
type rig struct {
	files  Files
	csr    []byte // what the device made
	asked  []byte // what the bridge got
	proofs int
}

// newRig has files of the usual sizes: leaf 592 bytes, Sub-CA, ICA and root 1232 together, wg0.conf 191, CSR about 264. No
// model looks into a certificate, so they are noise.
func newRig() *rig {
	noise := mathrand.NewChaCha8([32]byte{7})
	der := func(n int) []byte {
		p := make([]byte, n)
		_, _ = noise.Read(p)
		return p
	}
	wg := "[Interface]\nAddress = 10.77.0.42/32\nMTU = 1380\n\n[Peer]\nPublicKey = " + strings.Repeat("k", 43) + "=\n" +
		"Endpoint = vpn.example.com:51820\nAllowedIPs = 10.77.0.0/16\nPersistentKeepalive = 25\n"
	return &rig{files: Files{Leaf: der(592), Chain: [][]byte{der(420), der(416), der(396)}, WGConf: []byte(wg)}}
}

const rigID = "box-000042"

func (r *rig) work() Work {
	return Work{
		DeviceID: rigID,
		MakeKey: func(context.Context) (csr []byte, err error) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return nil, err
			}
			r.csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: rigID}, DNSNames: []string{rigID}}, key)
			return r.csr, err
		},
		Enroll: func(_ context.Context, csr []byte) (Files, error) {
			r.asked = bytes.Clone(csr)
			return r.files, nil
		},
		Prove: func(context.Context) error { r.proofs++; return nil },
	}
}

// payload is what has to cross the line, in bytes: each certificate once.
func (r *rig) payload() int {
	return len(r.csr) + len(r.files.Leaf) + len(slices.Concat(r.files.Chain...)) + len(r.files.WGConf)
}

// wanted is the content of the device's files after a method.
func (r *rig) wanted(method string) map[string][]byte {
	c := r.files.Chain
	switch method {
	case "heredoc":
		return map[string][]byte{
			"device.pem": certificates(r.files.Leaf, c[0], c[1]), "ca-chain.pem": certificates(c...),
			"wg0.conf": r.files.WGConf, ".enrolled": {},
		}
	case "at":
		return map[string][]byte{
			"device.pem": certificates(r.files.Leaf, c[0], c[1]), "root-ca.pem": certificates(c[2]),
			"wg0.conf": r.files.WGConf, ".enrolled": {},
		}
	}
	return map[string][]byte{"leaf.der": r.files.Leaf, "chain.der": slices.Concat(c...), "wg0.conf": r.files.WGConf, "enrolled": []byte("1")}
}

// differs names the first file below dir that is not as wanted.
func (r *rig) differs(dir, method string) string {
	for name, want := range r.wanted(method) {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			return fmt.Sprintf("%s: got %d bytes (%v), want %d others", name, len(got), err, len(want))
		}
	}
	return ""
}

func TestMethods(t *testing.T) {
	if got, want := Methods(), []string{"heredoc", "at", "mcumgr"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for _, method := range Methods() {
		t.Run(method, func(t *testing.T) {
			r, dir := newRig(), t.TempDir()
			host, device := prototest.Pipe(prototest.Config{})
			got, err := Run(t.Context(), method, host, device, dir, r.work())
			if err != nil {
				t.Fatal(err)
			}
			if bad := r.differs(dir, method); bad != "" {
				t.Error(bad)
			}
			if !bytes.Equal(r.asked, r.csr) || r.proofs != 1 {
				t.Errorf("the bridge got the device's CSR: %v, proofs: %d; want true, 1", bytes.Equal(r.asked, r.csr), r.proofs)
			}
			if got.TxBytes < uint64(len(r.files.Leaf)) || got.RxBytes < uint64(len(r.csr)) {
				t.Errorf("got %+v, less than the payload", got)
			}
		})
	}
}

// On a paced line a method takes as long as its bytes: nothing else is waited for.
func TestPaced(t *testing.T) {
	const baud = 115200
	for _, method := range Methods() {
		for _, latency := range []time.Duration{0, 16 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				r, dir := newRig(), t.TempDir()
				host, device := prototest.Pipe(prototest.Config{Baud: baud, ToHost: prototest.Line{Latency: latency}})
				begin := time.Now()
				got, err := Run(t.Context(), method, host, device, dir, r.work())
				took := time.Since(begin)
				if err != nil {
					t.Fatal(err)
				}
				if bad := r.differs(dir, method); bad != "" {
					t.Error(bad)
				}
				wire := func(n uint64) time.Duration { return time.Duration(n) * 10 * time.Second / baud }
				least, most := max(wire(got.TxBytes), wire(got.RxBytes)), wire(got.TxBytes+got.RxBytes)
				t.Logf("%-8s latency %-5v %7v, tx %d, rx %d, one direction alone %v", method, latency, took.Round(time.Millisecond), got.TxBytes, got.RxBytes, least.Round(time.Millisecond))
				if took < least || latency == 0 && took > most+time.Millisecond {
					t.Errorf("%s at %d baud: got %v, want %v to %v", method, baud, took, least, most)
				}
				if trips := took / max(latency, 1); latency > 0 && trips < 5 {
					t.Errorf("%s with %v of latency: got %v, shorter than 5 round trips", method, latency, took)
				}
			})
		}
	}
}

func TestRatios(t *testing.T) {
	for _, method := range Methods() {
		r := newRig()
		host, device := prototest.Pipe(prototest.Config{})
		got, err := Run(t.Context(), method, host, device, t.TempDir(), r.work())
		if err != nil {
			t.Fatal(err)
		}
		ratio := float64(got.TxBytes+got.RxBytes) / float64(r.payload())
		t.Logf("%-8s tx %5d  rx %5d  payload %d  wire/payload %.2f", method, got.TxBytes, got.RxBytes, r.payload(), ratio)
		if ratio < 1.4 || ratio > 8 {
			t.Errorf("%s: got %.2f wire bytes per payload byte, want 1.4 to 8", method, ratio)
		}
	}
}

// flipped inverts one bit of the byte at, counted over all Reads.
type flipped struct {
	link.Transport
	at, seen int
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.Transport.Read(p)
	if i := f.at - f.seen; i >= 0 && i < n {
		p[i] ^= 0x02
	}
	f.seen += n
	return n, err
}

// A byte that changes on the line never leads to a success with other files than were sent. To the device it is always
// noticed, but for the test publication of a modem: nothing reads that back.
func TestFlippedByte(t *testing.T) {
	for _, method := range Methods() {
		for _, toDevice := range []bool{true, false} {
			var runs, noticed int
			for at := 0; ; at += 61 {
				var result error
				var reached bool
				synctest.Test(t, func(t *testing.T) {
					r, dir := newRig(), t.TempDir()
					host, device := prototest.Pipe(prototest.Config{})
					defer host.Close()
					h, d := &flipped{host, -1, 0}, &flipped{device, -1, 0}
					on := h
					if toDevice {
						on = d
					}
					on.at = at
					_, result = Run(t.Context(), method, h, d, dir, r.work())
					reached = on.seen > at
					if bad := r.differs(dir, method); result == nil && bad != "" {
						t.Errorf("%s, byte %d, to the device %v: success, but %s", method, at, toDevice, bad)
					}
				})
				if !reached {
					break
				}
				if runs++; result != nil {
					noticed++
				}
			}
			t.Logf("%-8s to the device %-5v: %d of %d noticed", method, toDevice, noticed, runs)
			if least := runs - 3; runs < 10 || noticed < least && (toDevice || method == "mcumgr") || noticed < runs/2 {
				t.Errorf("%s, to the device %v: %d of %d flipped bytes noticed", method, toDevice, noticed, runs)
			}
		}
	}
}

// A payload byte that is lost is noticed by the digests: the file's own, by whatever way the method's users compare it.
func TestLostPayloadByte(t *testing.T) {
	for _, c := range []struct {
		method string
		want   error
	}{{"heredoc", ErrAnswer}, {"at", ErrReadBack}, {"mcumgr", os.ErrDeadlineExceeded}} {
		synctest.Test(t, func(t *testing.T) {
			host, device := prototest.Pipe(prototest.Config{})
			defer host.Close()
			// Well within the first certificate, whatever goes before it.
			_, err := Run(t.Context(), c.method, host, &dropped{device, 900, 0}, t.TempDir(), newRig().work())
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.method, err, c.want)
			}
		})
	}
}

// dropped loses the byte at, counted over all Reads.
type dropped struct {
	link.Transport
	at, seen int
}

func (d *dropped) Read(p []byte) (int, error) {
	n, err := d.Transport.Read(p)
	if i := d.at - d.seen; i >= 0 && i < n {
		copy(p[i:], p[i+1:n])
		d.seen += n
		return n - 1, err
	}
	d.seen += n
	return n, err
}

func TestErrorsOfWork(t *testing.T) {
	broken := errors.New("broken")
	for _, method := range Methods() {
		for name, change := range map[string]func(w *Work){
			"make key": func(w *Work) { w.MakeKey = func(context.Context) ([]byte, error) { return nil, broken } },
			"enroll":   func(w *Work) { w.Enroll = func(context.Context, []byte) (Files, error) { return Files{}, broken } },
			"prove":    func(w *Work) { w.Prove = func(context.Context) error { return broken } },
		} {
			synctest.Test(t, func(t *testing.T) {
				dir, w := t.TempDir(), newRig().work()
				change(&w)
				host, device := prototest.Pipe(prototest.Config{})
				got, err := Run(t.Context(), method, host, device, dir, w)
				if !errors.Is(err, broken) || !strings.Contains(err.Error(), name) || got != (Result{}) {
					t.Errorf("%s: got %+v, %v, want an error of %q", method, got, err, name)
				}
				for _, flag := range []string{".enrolled", "enrolled"} {
					if _, err := os.Stat(filepath.Join(dir, flag)); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s, %s failed: the device is marked as done", method, name)
					}
				}
				// The transports remain with the caller, usable.
				if _, err := host.Write([]byte("x")); err != nil {
					t.Errorf("%s: line after the run: %v", method, err)
				}
			})
		}
	}
}

func TestCancel(t *testing.T) {
	for _, method := range Methods() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := newRig().work()
			w.Enroll = func(ctx context.Context, _ []byte) (Files, error) {
				cancel()
				<-ctx.Done()
				return Files{}, ctx.Err()
			}
			host, device := prototest.Pipe(prototest.Config{})
			if _, err := Run(ctx, method, host, device, t.TempDir(), w); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want %v", method, err, context.Canceled)
			}
		})
	}
}

func TestRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name, method string
		change       func(w *Work, r *rig)
		want         error
	}{
		{"id with a quote", "heredoc", func(w *Work, _ *rig) { w.DeviceID = "x';reboot;'" }, ErrPayload},
		{"no id", "mcumgr", func(w *Work, _ *rig) { w.DeviceID = "" }, ErrPayload},
		{"no chain", "at", func(_ *Work, r *rig) { r.files.Chain = nil }, ErrPayload},
		{"no tunnel file", "mcumgr", func(_ *Work, r *rig) { r.files.WGConf = nil }, ErrPayload},
		{"quote in the tunnel file", "at", func(_ *Work, r *rig) { r.files.WGConf = []byte("# \"home\"\n") }, ErrPayload},
		{"end of the here-document", "heredoc", func(_ *Work, r *rig) { r.files.WGConf = []byte("a\nEOF\nreboot\n") }, ErrPayload},
		{"control character", "heredoc", func(_ *Work, r *rig) { r.files.WGConf = []byte("a\x03b\n") }, ErrPayload},
		{"line longer than a terminal's", "heredoc", func(_ *Work, r *rig) { r.files.WGConf = bytes.Repeat([]byte("a"), 4096) }, ErrPayload},
		{"more than a modem's buffer", "at", func(_ *Work, r *rig) { r.files.Leaf = make([]byte, 4000) }, ErrTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			w := r.work()
			c.change(&w, r)
			host, device := prototest.Pipe(prototest.Config{})
			if _, err := Run(t.Context(), c.method, host, device, t.TempDir(), w); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := Run(t.Context(), "xmodem", nil, nil, "", Work{}); err == nil {
		t.Error("an unknown method ran")
	}
}
