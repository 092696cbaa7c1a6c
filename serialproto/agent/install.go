package agent

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"provstation/serialproto"
)

// order of objects wherever they are checked one by one.
var installObjects = [...]serialproto.Obj{serialproto.ObjLeaf, serialproto.ObjAnchor, serialproto.ObjWGConf, serialproto.ObjPins}

// install answers OpInstall: check everything, then commit, or only stage it for a later OpCommit.
func (a *Agent) install(args serialproto.InstallArgs) (any, error) {
	if len(args.Chain) == 0 || len(args.Chain) > serialproto.MaxChain {
		return nil, refuse(serialproto.StatusBadArgument, "chain of %d certificates", len(args.Chain))
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	chain, err := a.resolve(v, args.Chain)
	if err != nil {
		return nil, err
	}
	b := bundle{leaf: args.Leaf, chain: chain, conf: args.WGConf, wgPrivate: args.WGPrivate, pins: bytes.Join(args.Pins, nil)}
	if args.Commit {
		return a.commitBundle(v, args.EnrollID, b)
	}
	return a.stageBundle(v, args.EnrollID, b)
}

// resolve turns references to certificates that the device holds into certificates.
func (a *Agent) resolve(v view, chain [][]byte) ([]byte, error) {
	var out []byte
	var known []*x509.Certificate
	for i, c := range chain {
		if len(c) > serialproto.MaxCert {
			return nil, refuse(serialproto.StatusTooLarge, "chain certificate %d is too large", i+1)
		}
		if len(c) != 8 {
			out = append(out, c...)
			continue
		}
		if known == nil {
			known = a.known(v)
		}
		der := find(known, c)
		if der == nil {
			return nil, refuse(serialproto.StatusBadArgument, "chain certificate %d is not held here", i+1)
		}
		out = append(out, der...)
	}
	return out, nil
}

func find(certs []*x509.Certificate, pre []byte) []byte {
	for _, c := range certs {
		if bytes.Equal(prefix(c.Raw), pre) {
			return c.Raw
		}
	}
	return nil
}

// bundle is what a station hands over: a leaf, a chain (concatenated DER, root last), wg0.conf without its key, a WireGuard
// private key only where the tenant made it, and the keys that unlock the device (concatenated DER).
type bundle struct {
	leaf      []byte
	chain     []byte
	conf      []byte
	wgPrivate Secret
	pins      []byte
}

// object gives the bytes of one object of the bundle.
func (b bundle) object(o serialproto.Obj) []byte {
	switch o {
	case serialproto.ObjLeaf:
		return b.leaf
	case serialproto.ObjAnchor:
		return b.chain
	case serialproto.ObjWGConf:
		return b.conf
	case serialproto.ObjPins:
		return b.pins
	default:
		return nil
	}
}

// commitBundle checks a bundle and puts it into storage. The same bundle again is answered with the same digests, also
// after the device was sealed: the first answer may have been lost.
func (a *Agent) commitBundle(v view, enrollID []byte, b bundle) (any, error) {
	g, err := v.candidate(enrollID)
	sealedErr := err
	if err != nil {
		if v.state != serialproto.StateSealed || !bytes.Equal(v.Newest.EnrollID, enrollID) {
			return nil, err
		}
		g = v.Newest
	}
	key, err := a.signer(g)
	if err != nil {
		return nil, err
	}
	files, err := a.compose(v, g, key.Public(), &b)
	if err != nil {
		return nil, err
	}
	if g.Installed {
		have, err := a.store.Files(g.Number)
		if err == nil && sameFiles(have, files) {
			return a.readBack(g, b)
		}
		if err != nil && sealedErr != nil {
			return nil, err
		}
	}
	if sealedErr != nil {
		return nil, sealedErr
	}
	if err := a.store.Install(g.Number, files); err != nil {
		return nil, err
	}
	if err := a.store.Unstage(); err != nil {
		return nil, err
	}
	return a.readBack(g, b)
}

func sameFiles(x, y Files) bool {
	return bytes.Equal(x.Device, y.Device) && bytes.Equal(x.Anchor, y.Anchor) && bytes.Equal(x.WGConf, y.WGConf) &&
		bytes.Equal(x.Pins, y.Pins)
}

// readBack answers with digests of what storage holds now, and refuses to if that is not what was handed over.
func (a *Agent) readBack(g *Generation, b bundle) (any, error) {
	h, err := a.holding(g)
	if err != nil {
		return nil, err
	}
	objs := a.objects(h)
	for _, o := range installObjects {
		if !bytes.Equal(objs[o], b.object(o)) {
			return nil, refuse(serialproto.StatusHashMismatch, "object %d reads back differently", o)
		}
	}
	r := serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{}}
	for o, data := range objs {
		r.Objects[o] = prefix(data)
	}
	return r, nil
}

// compose checks a bundle against the generation's key and lays out its files. It gives the bundle the pins and the tunnel
// that the generation inherits.
func (a *Agent) compose(v view, g *Generation, pub crypto.PublicKey, b *bundle) (Files, error) {
	leaf, err := parseLeaf(b.leaf, g.DeviceID, pub)
	if err != nil {
		return Files{}, err
	}
	chain, err := parseChain(b.chain)
	if err != nil {
		return Files{}, err
	}
	if err := checkLinks(leaf, chain); err != nil {
		return Files{}, err
	}
	if err := a.checkRekey(v, g, leaf, chain); err != nil {
		return Files{}, err
	}
	f := Files{
		Device: encodeCerts(append([]*x509.Certificate{leaf}, chain[:len(chain)-1]...)),
		Anchor: encodeCerts(chain),
	}
	if g.KeepTunnel && len(b.conf) == 0 && len(b.wgPrivate) == 0 {
		f.WGConf, b.conf, err = a.keptTunnel(v)
	} else {
		f.WGConf, err = a.composeWG(g, *b)
	}
	if err != nil {
		return Files{}, err
	}
	f.Pins, err = a.composePins(v, g, append(chain, leaf), b)
	return f, err
}

func parseLeaf(der []byte, id string, pub crypto.PublicKey) (*x509.Certificate, error) {
	if len(der) > serialproto.MaxCert {
		return nil, refuse(serialproto.StatusTooLarge, "leaf is too large")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse(serialproto.StatusBadArgument, "leaf does not parse")
	}
	if !samePublicKey(leaf, pub) {
		return nil, refuse(serialproto.StatusCertKey, "leaf is for another key")
	}
	if leaf.IsCA {
		return nil, refuse(serialproto.StatusBadArgument, "leaf is a CA certificate")
	}
	if leaf.Subject.CommonName != id {
		return nil, refuse(serialproto.StatusBadArgument, "leaf is for another device id")
	}
	return leaf, nil
}

func parseChain(der []byte) ([]*x509.Certificate, error) {
	if len(der) == 0 {
		return nil, refuse(serialproto.StatusBadArgument, "no chain")
	}
	if len(der) > serialproto.MaxChain*serialproto.MaxCert {
		return nil, refuse(serialproto.StatusTooLarge, "chain is too large")
	}
	chain, err := x509.ParseCertificates(der)
	if err != nil {
		return nil, refuse(serialproto.StatusBadArgument, "chain does not parse")
	}
	if len(chain) > serialproto.MaxChain {
		return nil, refuse(serialproto.StatusTooLarge, "chain of %d certificates", len(chain))
	}
	for i, c := range chain {
		if len(c.Raw) > serialproto.MaxCert {
			return nil, refuse(serialproto.StatusTooLarge, "chain certificate %d is too large", i+1)
		}
	}
	return chain, nil
}

// checkLinks checks names and signatures from the leaf to a self-signed root. Dates are the station's to judge: this
// clock may not be set.
func checkLinks(leaf *x509.Certificate, chain []*x509.Certificate) error {
	child := leaf
	for i, parent := range chain {
		if !bytes.Equal(child.RawIssuer, parent.RawSubject) || child.CheckSignatureFrom(parent) != nil {
			return refuse(serialproto.StatusBadArgument, "chain certificate %d did not issue the one before", i+1)
		}
		child = parent
	}
	if !bytes.Equal(child.RawIssuer, child.RawSubject) || child.CheckSignatureFrom(child) != nil {
		return refuse(serialproto.StatusBadArgument, "chain does not end in a root")
	}
	return nil
}

func encodeCerts(certs []*x509.Certificate) []byte {
	var b []byte
	for _, c := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return b
}

// composeWG completes wg0.conf with the private key, and checks that taking it out again gives what came: only then
// does a digest of one prove the other. Errors of the checker are not passed on; they may quote the private key.
func (a *Agent) composeWG(g *Generation, b bundle) (Secret, error) {
	if len(b.conf) == 0 {
		if len(b.wgPrivate) > 0 {
			return nil, refuse(serialproto.StatusBadArgument, "a WireGuard key without wg0.conf")
		}
		return nil, nil
	}
	if len(b.conf) > serialproto.MaxWGConf {
		return nil, refuse(serialproto.StatusTooLarge, "wg0.conf is too large")
	}
	if a.cfg.CompleteWG == nil {
		return nil, refuse(serialproto.StatusRefused, "this device takes no wg0.conf")
	}
	priv, err := a.wireGuardKey(g, b.wgPrivate)
	if err != nil {
		return nil, err
	}
	file, err := a.cfg.CompleteWG(b.conf, priv)
	if err != nil {
		return nil, refuse(serialproto.StatusBadArgument, "wg0.conf is not acceptable")
	}
	back, err := a.cfg.StripWG(file)
	if err != nil || !bytes.Equal(back, b.conf) {
		return nil, refuse(serialproto.StatusBadArgument, "wg0.conf is not in its canonical form")
	}
	return file, nil
}

// wireGuardKey picks the key that goes into wg0.conf: the tenant's, where it made one, else the device's own.
func (a *Agent) wireGuardKey(g *Generation, tenant Secret) (priv [32]byte, err error) {
	key := tenant
	if len(key) == 0 {
		s, err := a.store.Secrets(g.Number)
		if err != nil {
			return priv, err
		}
		if len(s.WireGuard) == 0 {
			return priv, refuse(serialproto.StatusWrongState, "no WireGuard key was made")
		}
		pub, err := wireGuardPublic(s.WireGuard)
		if err != nil || !bytes.Equal(pub, g.WireGuard) {
			return priv, errors.New("stored WireGuard key does not match its record")
		}
		key = s.WireGuard
	}
	if len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		return priv, refuse(serialproto.StatusBadArgument, "WireGuard key is not 32 bytes")
	}
	return [32]byte(key), nil
}

// stageBundle checks a bundle and stages it whole, for a later OpCommit. It answers with digests of what is staged.
func (a *Agent) stageBundle(v view, enrollID []byte, b bundle) (any, error) {
	g, err := v.candidate(enrollID)
	if err != nil {
		return nil, err
	}
	key, err := a.signer(g)
	if err != nil {
		return nil, err
	}
	checked := b // what is inherited is not staged
	if _, err := a.compose(v, g, key.Public(), &checked); err != nil {
		return nil, err
	}
	if err := a.store.Unstage(); err != nil {
		return nil, err
	}
	r := serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{}}
	for _, o := range installObjects {
		data := b.object(o)
		if len(data) == 0 {
			continue
		}
		sum := sha256.Sum256(data)
		s := Staged{EnrollID: enrollID, Obj: o, Total: uint32(len(data)), SHA256: sum[:], Data: data}
		if err := a.store.Stage(s); err != nil {
			return nil, err
		}
	}
	staged, err := a.store.Staged()
	if err != nil {
		return nil, err
	}
	for _, s := range staged {
		r.Objects[s.Obj] = prefix(s.Data)
	}
	return r, nil
}
