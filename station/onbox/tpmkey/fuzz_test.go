package tpmkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-tpm/legacy/tpm2"
	"go.step.sm/crypto/tpm/tss2"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// seedBlob is a key file with a true public half; the private half is no TPM's.
func seedBlob(f *testing.F) []byte {
	f.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	p := curves[serialproto.AlgP256].template()
	p.ECCParameters.Point = tpm2.ECPoint{XRaw: point[1:33], YRaw: point[33:]}
	public, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	blob, err := tss2.EncodeToMemory(public, make([]byte, 126))
	if err != nil {
		f.Fatal(err)
	}
	return blob
}

// FuzzBlob: a key file may hold anything. What is taken for a key has a public half, and writes and reads as the same key.
func FuzzBlob(f *testing.F) {
	_, file, err := agent.FlashKeys{}.New(serialproto.AlgP256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seedBlob(f))
	f.Add([]byte(file))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, pub, err := parseBlob(b)
		if err != nil {
			var k *agent.KeyError
			if key != nil || pub != nil || !errors.As(err, &k) || k.Lost != errors.Is(err, ErrFile) {
				t.Fatalf("got %v, %v, %v", key, pub, err)
			}
			return
		}
		again, err := key.EncodeToMemory()
		if err != nil {
			t.Fatal(err)
		}
		key2, pub2, err := parse(again)
		if err != nil || !pub.Equal(pub2) || !bytes.Equal(key.PrivateKey, key2.PrivateKey) || !bytes.Equal(key.PublicKey, key2.PublicKey) {
			t.Fatalf("written and read it is another key: %v", err)
		}
	})
}

// script answers commands with what it holds, one after the other.
type script struct{ left [][]byte }

func (*script) Close() error                { return nil }
func (*script) SetDeadline(time.Time) error { return nil }
func (*script) Write(p []byte) (int, error) { return len(p), nil }
func (s *script) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left[0])
	if s.left[0] = s.left[0][n:]; len(s.left[0]) == 0 {
		s.left = s.left[1:]
	}
	return n, nil
}

// FuzzAnswers: an emulator, or a driver, may answer anything; it makes no key and no signature that does not verify.
func FuzzAnswers(f *testing.F) {
	blob := seedBlob(f)
	key, pub, err := parse(blob)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1}, []byte{0x80, 2, 0, 0, 0, 20, 0, 0, 0, 0}, []byte{})
	f.Add(answered(f, 0x80000000, tpmAnswer(key)...), answered(f, 0x80000001), answered(f, 0, 0, 0x18, 0, 0xb, 0, 1, 1, 0, 1, 1))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		for _, answers := range [][][]byte{{a}, {a, b}, {a, b, c}} {
			k := &Keys{dial: func() (line, error) { return &script{slices.Clone(answers)}, nil }, patience: time.Millisecond}
			s := &signer{keys: k, key: key, pub: pub}
			if sig, err := s.Sign(nil, make([]byte, 32), crypto.SHA256); err == nil || sig != nil {
				t.Fatalf("got a signature, %x", sig)
			}
			if s, blob, err := k.New(serialproto.AlgP256); err != nil && (s != nil || blob != nil) {
				t.Fatalf("got a key beside %v", err)
			}
			if s, err := k.Open(blob); err != nil && s != nil {
				t.Fatalf("got a key beside %v", err)
			}
		}
	})
}

func tpmAnswer(key *tss2.TPMKey) []byte {
	return append(bytes.Clone(key.PublicKey), make([]byte, 40)...)
}

// answered makes an answer with a handle and parameters.
func answered(f *testing.F, handle uint32, rest ...byte) []byte {
	f.Helper()
	b := append([]byte{0x80, 2, 0, 0, 0, 0, 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, handle)...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(rest))), rest...)
	binary.BigEndian.PutUint32(b[2:], uint32(len(b)))
	return b
}
