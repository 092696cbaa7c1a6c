package campaign_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// held is what a board's own files say, as its programs would read them.
type held struct {
	sealed bool
	tunnel bool              // wg0.conf, with a key in it
	open   bool              // others than its owner can read a secret
	leaf   *x509.Certificate // nil: none
	chain  []*x509.Certificate
	anchor []*x509.Certificate
	key    crypto.Signer
}

func (h held) print() (fp [32]byte) {
	if h.leaf != nil {
		fp = sha256.Sum256(h.leaf.Raw)
	}
	return fp
}

// readBoard reads the files.
func readBoard(dir string) (h held, err error) {
	read := func(name string) []byte {
		b, rerr := os.ReadFile(filepath.Join(dir, name))
		if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		return b
	}
	certs := func(text []byte) (list []*x509.Certificate) {
		for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
			c, perr := x509.ParseCertificate(b.Bytes)
			if perr != nil {
				err = errors.Join(err, perr)
				return list
			}
			list = append(list, c)
		}
		return list
	}
	h.sealed = read(".enrolled") != nil
	h.tunnel = bytes.Contains(read("wg0.conf"), []byte("PrivateKey"))
	for _, name := range []string{"device-key.pem", "wg0.conf"} {
		if i, serr := os.Stat(filepath.Join(dir, name)); serr == nil && i.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			h.open = true
		}
	}
	if list := certs(read("device.pem")); len(list) > 0 {
		h.leaf, h.chain = list[0], list[1:]
	}
	h.anchor = certs(read("ca-chain.pem"))
	if b, _ := pem.Decode(read("device-key.pem")); b != nil {
		k, perr := x509.ParsePKCS8PrivateKey(b.Bytes)
		err = errors.Join(err, perr)
		h.key, _ = k.(crypto.Signer)
	}
	return h, err
}

// proves says what keeps the board's files from being a device that works: nil, where nothing does.
func (h held) proves(id string, root *x509.Certificate) error {
	switch {
	case !h.sealed:
		return errors.New("the device is not sealed")
	case h.leaf == nil:
		return errors.New("the device holds no certificate")
	case h.key == nil:
		return errors.New("the device holds no key")
	case !h.tunnel:
		return errors.New("the device has no tunnel")
	case h.open:
		return errors.New("others can read the device's keys")
	case h.leaf.Subject.CommonName != id:
		return fmt.Errorf("the device's certificate is for %q, want %q", h.leaf.Subject.CommonName, id)
	}
	pub, err := x509.MarshalPKIXPublicKey(h.key.Public())
	if err != nil {
		return err
	}
	if !bytes.Equal(pub, h.leaf.RawSubjectPublicKeyInfo) {
		return errors.New("the device's key is not its certificate's")
	}
	roots, inter := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range h.chain {
		inter.AddCert(c)
	}
	if _, err := h.leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inter, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("the device's certificate: %w", err)
	}
	if !slices.ContainsFunc(h.anchor, func(c *x509.Certificate) bool { return c.Equal(root) }) {
		return errors.New("the device's CA file lacks the root")
	}
	return nil
}
