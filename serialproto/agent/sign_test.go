package agent_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// TestTLS13Signature checks the signed bytes against RFC 8446 4.4.3, built here a second time.
func TestTLS13Signature(t *testing.T) {
	p := newPKI(t)
	for _, tt := range []struct {
		alg    serialproto.Alg
		verify func(pub any, msg, sig []byte) bool
	}{
		{serialproto.AlgP256, func(pub any, m, s []byte) bool {
			d := sha256.Sum256(m)
			return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), d[:], s)
		}},
		{serialproto.AlgP384, func(pub any, m, s []byte) bool {
			d := sha512.Sum384(m)
			return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), d[:], s)
		}},
		{serialproto.AlgEd25519, func(pub any, m, s []byte) bool { return ed25519.Verify(pub.(ed25519.PublicKey), m, s) }},
	} {
		t.Run(tt.alg.String(), func(t *testing.T) {
			d := newDevice(t, nil)
			args := enrollArgs(1)
			args.Alg = tt.alg
			var e serialproto.EnrollResult
			d.want(serialproto.StatusOK, args, &e)
			d.want(serialproto.StatusOK, installArgs(1, p.leaf(t, e.CSR), p), nil)
			csr, err := x509.ParseCertificateRequest(e.CSR)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{32, 48} {
				hash := bytes.Repeat([]byte{0xab}, n)
				var r serialproto.SignResult
				d.want(serialproto.StatusOK, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: hash, Scheme: tt.alg.Scheme()}, &r)
				content := append(bytes.Repeat([]byte(" "), 64), "TLS 1.3, client CertificateVerify\x00"...)
				if !tt.verify(csr.PublicKey, append(content, hash...), r.Signature) {
					t.Errorf("hash of %d bytes: signature does not verify over the client CertificateVerify content", n)
				}
			}
			for _, scheme := range []uint16{0x0403, 0x0503, 0x0807, 0x0804, 0} {
				if scheme != tt.alg.Scheme() {
					d.want(serialproto.StatusBadArgument, serialproto.SignTLS13Args{
						Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: scheme,
					}, nil)
				}
			}
		})
	}
}

func TestSignatureLimitSurvivesRestart(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.MaxSignatures = 3 })
	d.installed(1, p)
	sign := serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}
	for left := uint32(3); left > 0; left-- {
		if got := d.status().Signatures; got != left {
			t.Errorf("got %d signatures left, want %d", got, left)
		}
		d.want(serialproto.StatusOK, sign, nil)
		d.reopen()
	}
	d.want(serialproto.StatusRefused, sign, nil)
	// Installing again for the same key gives no more of them; another key does.
	e := d.enroll(1)
	d.want(serialproto.StatusOK, installArgs(1, p.leaf(t, e.CSR), p), nil)
	d.want(serialproto.StatusRefused, sign, nil)
	d.installed(2, p)
	d.want(serialproto.StatusOK, sign, nil)
}

// TestSignatureIsCountedFirst: where the count cannot be stored, nothing is signed.
func TestSignatureIsCountedFirst(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	d.installed(1, p)
	var err error
	if d.agent, err = agent.New(countlessStore{d.store}, d.cfg); err != nil {
		t.Fatal(err)
	}
	var r serialproto.SignResult
	d.want(serialproto.StatusNoSpace, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, &r)
	if len(r.Signature) != 0 {
		t.Errorf("got a signature that was not counted")
	}
}

type countlessStore struct{ agent.Store }

func (countlessStore) Count(uint32, uint32, uint32) error { return agent.ErrNoSpace }
