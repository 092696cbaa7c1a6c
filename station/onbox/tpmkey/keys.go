package tpmkey

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/go-tpm/legacy/tpm2"
	"github.com/google/go-tpm/tpmutil"
	"go.step.sm/crypto/tpm/tss2"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// DefaultDevice is the TPM behind the kernel's resource manager, which several programs may have open at once.
const DefaultDevice = "/dev/tpmrm0"

// DefaultPatience is how long a busy TPM is waited for.
const DefaultPatience = 10 * time.Second

// Keys makes and opens keys in one TPM. It may be used from any goroutine; the TPM is used by one at a time.
type Keys struct {
	dial     dialer
	patience time.Duration

	mu sync.Mutex
}

var _ agent.KeyStore = (*Keys)(nil)

// New names the TPM, without opening it. Device is the path of a TPM's device file, or unix:PATH or tcp:HOST:PORT of a TPM
// emulator. Patience 0 is [DefaultPatience].
func New(device string, patience time.Duration) (*Keys, error) {
	d, err := parseDevice(device)
	if err != nil {
		return nil, err
	}
	if patience <= 0 {
		patience = DefaultPatience
	}
	return &Keys{dial: d, patience: patience}, nil
}

// Class is KeyStoreSE.
func (*Keys) Class() serialproto.KeyStore { return serialproto.KeyStoreSE }

// New makes a key in the TPM and gives it wrapped.
func (k *Keys) New(alg agent.Alg) (crypto.Signer, agent.Secret, error) {
	c, ok := curves[alg]
	if !ok {
		return nil, nil, &agent.KeyError{
			Status: serialproto.StatusRefused, Detail: fmt.Sprintf("a TPM makes no %s keys; P-256 or P-384", alg), Err: ErrAlgorithm,
		}
	}
	var private, public []byte
	err := k.use(func(rw io.ReadWriter) error {
		return withParent(rw, func(parent tpmutil.Handle) (err error) {
			private, public, _, _, _, err = tpm2.CreateKey(rw, parent, tpm2.PCRSelection{}, "", "", c.template())
			return err
		})
	})
	if err != nil {
		return nil, nil, explain(fmt.Errorf("make key: %w", err), makingKey)
	}
	key := tss2.New(public, private)
	pub, err := checkKey(key)
	if err == nil && pub.Curve != c.curve {
		err = errors.New("the TPM made a key on another curve")
	}
	if err != nil {
		return nil, nil, &agent.KeyError{Status: serialproto.StatusCrypto, Detail: "the TPM made something else than was asked for", Err: err}
	}
	blob, err := key.EncodeToMemory()
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	return &signer{keys: k, key: key, pub: pub}, blob, nil
}

// Open reads a wrapped key and has the TPM load it, so that a key of another TPM, or of this one before it was cleared, is
// found out here.
func (k *Keys) Open(blob agent.Secret) (crypto.Signer, error) {
	key, pub, err := parseBlob(blob)
	if err != nil {
		return nil, err
	}
	err = k.use(func(rw io.ReadWriter) error {
		return withParent(rw, func(parent tpmutil.Handle) error {
			h, _, err := tpm2.Load(rw, parent, "", key.PublicKey[2:], key.PrivateKey[2:])
			if err != nil {
				return err
			}
			return tpm2.FlushContext(rw, h)
		})
	})
	if err != nil {
		return nil, explain(fmt.Errorf("load key: %w", err), loadingKey)
	}
	return &signer{keys: k, key: key, pub: pub}, nil
}

// signer is a key in the TPM.
type signer struct {
	keys *Keys
	key  *tss2.TPMKey
	pub  *ecdsa.PublicKey
}

// Public gives the public half.
func (s *signer) Public() crypto.PublicKey { return s.pub }

// Sign has the TPM sign a digest of the curve's own hash; the random source is the TPM's. A signature that does not verify is
// not given out.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := hashOf(s.pub.Curve)
	if opts == nil || opts.HashFunc() != hash || len(digest) != hash.Size() {
		return nil, fmt.Errorf("this key signs %s digests only", hash)
	}
	var sig []byte
	err := s.keys.use(func(rw io.ReadWriter) error {
		t, err := tss2.CreateSigner(rw, s.key)
		if err != nil {
			return err
		}
		t.SetSRKTemplate(tss2.ECCSRKTemplate)
		sig, err = t.Sign(nil, digest, hash)
		return err
	})
	if err != nil {
		return nil, explain(fmt.Errorf("sign: %w", err), loadingKey)
	}
	if !ecdsa.VerifyASN1(s.pub, digest, sig) {
		return nil, &agent.KeyError{Status: serialproto.StatusCrypto, Detail: "the TPM's signature does not verify"}
	}
	return sig, nil
}

// withParent makes the storage key for as long as f runs.
func withParent(rw io.ReadWriter, f func(parent tpmutil.Handle) error) error {
	parent, _, err := tpm2.CreatePrimary(rw, tpm2.HandleOwner, tpm2.PCRSelection{}, "", "", tss2.ECCSRKTemplate)
	if err != nil {
		return &parentError{err}
	}
	return errors.Join(f(parent), tpm2.FlushContext(rw, parent))
}

// use opens the TPM for one piece of work. Where it has no room, the work is done once more after what a program that was
// killed left loaded has been flushed: behind a resource manager, and with one client at a time, that is nobody else's.
func (k *Keys) use(work func(rw io.ReadWriter) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.open()
	if err != nil {
		return err
	}
	defer c.close()
	err = work(c)
	var full tpm2.Warning
	if !errors.As(err, &full) || full.Code != tpm2.RCObjectMemory {
		return err
	}
	if ferr := flushLeft(c); ferr != nil {
		return errors.Join(err, ferr)
	}
	return work(c)
}

// flushLeft flushes the transient objects that are loaded.
func flushLeft(rw io.ReadWriter) error {
	const most = 64
	list, _, err := tpm2.GetCapability(rw, tpm2.CapabilityHandles, most, uint32(tpm2.HandleTypeTransient)<<24)
	if err != nil {
		return fmt.Errorf("list what is loaded: %w", err)
	}
	for _, v := range list {
		if h, ok := v.(tpmutil.Handle); ok {
			if err := tpm2.FlushContext(rw, h); err != nil {
				return fmt.Errorf("flush %#x: %w", h, err)
			}
		}
	}
	return nil
}
