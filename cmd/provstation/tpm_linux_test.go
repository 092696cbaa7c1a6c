package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// tpmBench is a bench whose device keeps its key in a TPM, which policy demands.
func tpmBench(t *testing.T, tlsMax string, change func(*config.Config)) (*realBench, *stationtest.SWTPM, *stationtest.TPMTap) {
	t.Helper()
	tpm := stationtest.StartSWTPM(t)
	tap := tpm.Tap()
	b := realBenchWith(t, devstack.Config{Contract: devstack.Deployed}, tlsMax, func(_ *realBench, c *config.Config) {
		c.Device.KeyStore = []string{station.KeyStoreSE}
		if change != nil {
			change(c)
		}
	}, "--sign-tls12", "--key-store", "tpm", "--tpm-device", tap.Device())
	return b, tpm, tap
}

// wiretap passes connections on and keeps what the clients said.
type wiretap struct {
	port int
	mu   sync.Mutex
	said []*bytes.Buffer
}

func tapTCP(t *testing.T, to *int) *wiretap {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{port: l.Addr().(*net.TCPAddr).Port}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { w.pass(c, *to) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); clients.Wait() })
	return w
}

func (w *wiretap) pass(c net.Conn, to int) {
	defer c.Close()
	far, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", to)) //nolint:noctx // ended with the client
	if err != nil {
		return
	}
	defer far.Close()
	said := &bytes.Buffer{}
	w.mu.Lock()
	w.said = append(w.said, said)
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(c, far)
		_ = c.Close()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		w.mu.Lock()
		said.Write(buf[:n])
		w.mu.Unlock()
		if _, werr := far.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// verifies are the signatures of the CertificateVerify messages that crossed in the clear, as TLS 1.2 has them (RFC 5246 7.4.8).
func (w *wiretap) verifies(t *testing.T) (out [][]byte) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, said := range w.said {
		var hands []byte
		for b := said.Bytes(); len(b) >= 5 && b[0] == 22; { // handshake records, up to ChangeCipherSpec
			n := 5 + int(b[3])<<8 + int(b[4])
			if len(b) < n {
				break
			}
			hands, b = append(hands, b[5:n]...), b[n:]
		}
		for len(hands) >= 4 {
			n := 4 + int(hands[1])<<16 + int(hands[2])<<8 + int(hands[3])
			if len(hands) < n {
				break
			}
			if m := hands[4:n]; hands[0] == 15 && len(m) > 4 { // scheme, length, signature
				out = append(out, bytes.Clone(m[4:]))
			}
			hands = hands[n:]
		}
	}
	return out
}

// fromTPM demands that a signature is one that the TPM gave.
func fromTPM(t *testing.T, tap *stationtest.TPMTap, what string, sig []byte) stationtest.TPMSignature {
	t.Helper()
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
		t.Fatalf("%s: %v", what, err)
	}
	got, ok := tap.Signed(rs.R, rs.S)
	if !ok {
		t.Errorf("%s: its signature is not the TPM's", what)
	}
	t.Logf("%s: TPM2_Sign(%.6x...) gave r = %.6x..., s = %.6x...: the same", what, got.Digest, rs.R.Bytes(), rs.S.Bytes())
	return got
}

// csrOf is the request that a device keeps, and what the run says of it.
func (b *realBench) csrOf() *x509.CertificateRequest {
	b.t.Helper()
	paths, err := filepath.Glob(filepath.Join(b.files, "generations", "*", "generation.json"))
	if err != nil || len(paths) == 0 {
		b.t.Fatalf("got %v (%v), want a generation", paths, err)
	}
	text, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		b.t.Fatal(err)
	}
	var g struct {
		CSR []byte `json:"csr"`
	}
	if err := json.Unmarshal(text, &g); err != nil {
		b.t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(g.CSR)
	if err != nil {
		b.t.Fatal(err)
	}
	if d := sha256.Sum256(g.CSR); !strings.Contains(b.out.String(), hex.EncodeToString(d[:])) {
		b.t.Error("the run's own events name another CSR")
	}
	return csr
}

// From plug to PASS with a key in a TPM that policy demands, against the real step-ca and mosquitto; then what the device's life
// holds: nothing to do, renewals by token and by handshake, the record.
func TestRealTPM(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		t.Run("TLS "+version, func(t *testing.T) {
			t.Parallel()
			broker := 0
			wire := tapTCP(t, &broker)
			b, _, tap := tpmBench(t, version, func(c *config.Config) {
				broker, c.MQTT.Port = c.MQTT.Port, wire.port
			})
			end := b.expect("PASS")
			if end["proof"] != "broker-delivered" {
				t.Errorf("got proof %v", end["proof"])
			}
			b.checkTLS("TLS " + version)
			csr := b.csrOf()
			got := fromTPM(t, tap, "CSR", csr.Signature)
			if d := sha256.Sum256(csr.RawTBSCertificateRequest); !bytes.Equal(d[:], got.Digest) {
				t.Error("CSR: the TPM signed something else")
			}
			if n := len(tap.Signatures()); n != 2 {
				t.Errorf("got %d signatures of the TPM for a PASS, want the CSR's and the proof's", n)
			}
			if version == "1.2" {
				sigs := wire.verifies(t)
				if len(sigs) != 1 {
					t.Fatalf("got %d CertificateVerify messages at the broker, want 1", len(sigs))
				}
				fromTPM(t, tap, "CertificateVerify at the broker", sigs[0])
			}
			b.checkWrapped()
			shown := cli(t, nil, "records", "show", end.text("run"), "--config", b.config).good(t)
			if !strings.Contains(shown.stdout, "secure-element") {
				t.Errorf("records show does not say where the key is kept:\n%s", shown.stdout)
			}
			b.expect("SKIPPED")
			// One signature for the CA and one for the proof; without TLS 1.2 that is a test by the device, and a token shows its key.
			each := map[string]int{"1.2": 2, "1.3": 3}[version]
			for i, by := range []string{"token", "mtls"} {
				b.ends("PASS", "", "cert", "renew", end.text("device_id"), "--by", by)
				if n := len(tap.Signatures()); n != 2+each*(i+1) {
					t.Errorf("renewed by %s: got %d signatures of the TPM so far, want %d", by, n, 2+each*(i+1))
				}
			}
			if n := tap.Count(stationtest.TPMCreate); n != 1 {
				t.Errorf("the TPM made %d keys, want one", n)
			}
		})
	}
}

// checkWrapped: the key file is a TPM's, and no private key lies in the device's files.
func (b *realBench) checkWrapped() {
	b.t.Helper()
	if text := read(b.t, b.file("device-key.pem")); !bytes.HasPrefix(text, []byte("-----BEGIN TSS2 PRIVATE KEY-----")) {
		b.t.Errorf("device-key.pem begins with %.40q", text)
	}
	for path := range b.snapshot() {
		if text := read(b.t, path); bytes.Contains(text, []byte("BEGIN PRIVATE KEY")) || bytes.Contains(text, []byte("BEGIN EC PRIVATE KEY")) {
			b.t.Errorf("%s holds a private key", path)
		}
	}
}

// A TPM that stops: the run ends with what is wrong and with no certificate that was not proven, and goes on with the same key
// when the TPM is back.
func TestRealTPMStops(t *testing.T) {
	t.Parallel()
	b, tpm, tap := tpmBench(t, "1.3", nil)
	fails := func(phase, detail string) {
		t.Helper()
		end := b.ends("FAIL", "E-KEY-FAILED", "run", "--count", "1")
		if params, ok := end["params"].(map[string]any); end["phase"] != phase || !ok || !strings.Contains(fmt.Sprint(params["detail"]), detail) {
			t.Errorf("got phase %v, params %v, want %s and %q", end["phase"], end["params"], phase, detail)
		}
		t.Logf("%v %v in %v: %v %v", end["outcome"], end["code"], end["phase"], end["message"], end["hint"])
	}
	tpm.Kill()
	fails("keygen", "the TPM does not answer")
	tpm.Start()
	sign := 0
	tap.Hold(func(code uint32) {
		if code != stationtest.TPMSign {
			return
		}
		if sign++; sign == 2 { // the CSR's was the first
			tpm.Kill()
		}
	})
	fails("mqtt", "the TPM does not answer")
	tap.Hold(nil)
	tpm.Start()
	b.expect("PASS")
	if n := tap.Count(stationtest.TPMCreate); n != 1 {
		t.Errorf("the TPM made %d keys, want one: the run carries on", n)
	}
}

// Policy wants a chip, and the device keeps its key in a file: it fails right there, in words, before its request is even looked
// at. Once its agent uses the TPM, it makes a new key by itself.
func TestRealKeyStorePolicy(t *testing.T) {
	t.Parallel()
	b := realBenchWith(t, devstack.Config{Contract: devstack.Deployed}, "1.3", func(_ *realBench, c *config.Config) {
		c.Device.KeyStore = []string{station.KeyStoreSE, station.KeyStoreTEE}
	})
	code, events := b.run()
	end := one(t, events, "run-end")
	params, _ := end["params"].(map[string]any)
	if code == 0 || end["outcome"] != "FAIL" || end["code"] != "E-KEY-STORE" || end["phase"] != "keygen" ||
		params["have"] != "flash" || params["want"] != "secure-element, tee" {
		t.Errorf("got %v", end)
	}
	t.Logf("%v %v in %v: %v %v", end["outcome"], end["code"], end["phase"], end["message"], end["hint"])
	for _, e := range ofType(events, "phase") {
		if e["phase"] == "csr" || e["phase"] == "enroll" {
			t.Errorf("got phase %v after that", e["phase"])
		}
	}
	tpm := stationtest.StartSWTPM(t)
	b.agent.Stop()
	b.agent = stationtest.Start(t, agentFor(t, []string{"--key-store", "tpm"}), "serve", "--tty", b.socat.Device, "--state-dir", b.files,
		"--serial", "SN-REAL-0001", "--model", "bench-box", "--key-store", "tpm", "--tpm-device", tpm.Device())
	b.expect("PASS")
	b.checkWrapped()
}
