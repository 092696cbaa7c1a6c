package filestore

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"strings"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// foreign recognises a device that the tenant's own script enrolled: its flag, key and certificate are there, and no
// generation is active. nil if it is not one.
func (s *Store) foreign(rec agentRecord) (*agent.Generation, error) {
	flagged := false
	for _, n := range append([]string{s.names.Flag}, s.names.OtherFlags...) {
		ok, err := s.foreignFile(n)
		if err != nil {
			return nil, err
		}
		flagged = flagged || ok
	}
	key, err := s.foreignFile(s.names.Key)
	if err != nil {
		return nil, err
	}
	device, err := s.foreignFile(s.names.Device)
	if err != nil || !flagged || !key || !device {
		return nil, err
	}
	return s.foreignGeneration(rec)
}

// foreignGeneration describes the visible files. A certificate that does not parse leaves the facts out: the device is
// still somebody's, and not to be given a new key.
func (s *Store) foreignGeneration(rec agentRecord) (*agent.Generation, error) {
	g := &agent.Generation{Installed: true, Foreign: true, Signed: rec.ForeignSigned}
	b, err := s.readOptional(s.path(s.names.Device))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return g, nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return g, nil //nolint:nilerr // told apart by the missing facts
	}
	spki := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	g.SPKI, g.DeviceID = spki[:], leaf.Subject.CommonName
	switch k := leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			g.Alg = serialproto.AlgP256
		case elliptic.P384():
			g.Alg = serialproto.AlgP384
		}
	case ed25519.PublicKey:
		g.Alg = serialproto.AlgEd25519
	}
	return g, nil
}

// foreignFile reports whether a visible name leads to a file that is not ours: a regular file, or somebody's own link
// to one.
func (s *Store) foreignFile(name string) (bool, error) {
	mode, err := s.fs.Lstat(s.path(name))
	if missing(err) {
		return false, nil
	}
	if err != nil || mode&fs.ModeSymlink == 0 {
		return err == nil && mode.IsRegular(), err
	}
	target, err := s.fs.Readlink(s.path(name))
	if err != nil || strings.HasPrefix(target, linkCurrent+"/") {
		return false, err
	}
	b, err := s.readOptional(s.path(name))
	return b != nil, err
}

// adoptFiles makes the files that lie under the visible names, if there are any, a generation of their own and the
// active one, so that a single rename can replace them.
func (s *Store) adoptFiles() error {
	any := false
	for _, v := range s.visible() {
		ok, err := s.foreignFile(v.name)
		if err != nil {
			return err
		}
		any = any || ok
	}
	if !any {
		return nil
	}
	rec, err := s.readAgent()
	if err != nil {
		return err
	}
	g, err := s.foreignGeneration(rec)
	if err != nil {
		return err
	}
	var f agent.Files
	var key, flag []byte
	for _, x := range []struct {
		name string
		to   *[]byte
	}{
		{s.names.Key, &key},
		{s.names.Device, &f.Device},
		{s.names.Anchor, &f.Anchor},
		{s.names.WGConf, (*[]byte)(&f.WGConf)},
		{s.names.Flag, &flag},
	} {
		if *x.to, err = s.readOptional(s.path(x.name)); err != nil {
			return err
		}
	}
	r := rev{0, 1}
	if err := s.retireForeign(r); err != nil {
		return err
	}
	if err := s.build(r, *g, agent.Secrets{Key: key}, f); err != nil {
		return err
	}
	if flag != nil {
		if err := s.write(s.path(dirGenerations, r.String()), fileFlag, flag, modePublic); err != nil {
			return err
		}
	}
	return s.setCurrent(r)
}

// retireForeign removes a copy that a power cut left before it became active.
func (s *Store) retireForeign(r rev) error {
	l, err := s.layout()
	if err != nil || !l.has(r) {
		return err
	}
	return s.retire(r, false)
}
