package agent

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"provstation/serialproto"
)

// Renewal is the part of a device that renews its certificate over its own network.
type Renewal interface {
	// Set stores where to renew and for whom tokens are, durably; "" stops it.
	Set(url, audience string) error
	// Get reads what Set stored.
	Get() (url, audience string, err error)
	// State says how it goes.
	State() (serialproto.RenewalState, error)
}

// renewSet answers OpRenewSet.
func (a *Agent) renewSet(args serialproto.RenewSetArgs) (any, error) {
	if args.Audience == "" {
		args.Audience = args.URL
	}
	for name, text := range map[string]string{"URL": args.URL, "audience": args.Audience} {
		if err := serialproto.CheckRenewURL(text); text != "" && err != nil {
			return nil, refuse(serialproto.StatusRefused, "%s: %v", name, err)
		}
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if v.Newest == nil || !bytes.Equal(v.Newest.EnrollID, args.EnrollID) {
		return nil, refuse(serialproto.StatusWrongState, "another enrollment is in progress")
	}
	if v.closed() && a.granted() == 0 {
		if url, audience, err := a.cfg.Renewal.Get(); err == nil && url == args.URL && audience == args.Audience {
			return nil, nil
		}
		return nil, refuse(serialproto.StatusLocked, "device is sealed")
	}
	return nil, a.cfg.Renewal.Set(args.URL, args.Audience)
}

// renew answers OpRenew: a new leaf for the key that is sealed.
func (a *Agent) renew(args serialproto.RenewArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	g, have, err := a.sealedFiles(v)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(g.EnrollID, args.EnrollID) {
		return nil, refuse(serialproto.StatusWrongState, "another enrollment is active")
	}
	if len(args.Digest) > 0 {
		return a.commitRenewal(v, have, args.Digest)
	}
	if bytes.Equal(args.Leaf, have.device[0].Raw) {
		return a.renewed(have), nil // done before, and the answer was lost
	}
	files, err := a.checkRenewal(v, have, args.Leaf)
	if err != nil {
		return nil, err
	}
	if err := a.store.Renew(g.Number, files); err != nil {
		return nil, err
	}
	if args.Commit {
		if v, err = a.load(); err != nil {
			return nil, err
		}
		return a.commitRenewal(v, have, digest(args.Leaf))
	}
	h, err := a.pending(v)
	if err != nil {
		return nil, err
	}
	return a.sameLeaf(h, args.Leaf)
}

// commitRenewal makes the renewal that was stored the certificate in use.
func (a *Agent) commitRenewal(v view, have *holding, want []byte) (any, error) {
	if bytes.Equal(digest(have.device[0].Raw), want) {
		return a.renewed(have), nil
	}
	if !v.Pending {
		return nil, refuse(serialproto.StatusWrongState, "no renewed certificate is stored")
	}
	h, err := a.pending(v)
	if err != nil {
		return nil, err
	}
	leaf := h.device[0]
	if !bytes.Equal(digest(leaf.Raw), want) {
		return nil, refuse(serialproto.StatusHashMismatch, "another renewed certificate is stored")
	}
	if a.plausible(leaf.NotBefore) {
		if err := a.store.RaiseFloor(leaf.NotBefore); err != nil {
			return nil, err
		}
	}
	if err := a.store.Switch(v.Active.Number); err != nil {
		return nil, err
	}
	after, err := a.holding(v.Active)
	if err != nil {
		return nil, err
	}
	return a.sameLeaf(after, leaf.Raw)
}

// pending reads the renewal that is stored beside the active files.
func (a *Agent) pending(v view) (*holding, error) {
	f, err := a.store.Renewed(v.Active.Number)
	if err != nil {
		return nil, err
	}
	h, err := parseFiles(f)
	if err != nil {
		return nil, err
	}
	if len(h.device) == 0 || len(h.anchor) == 0 {
		return nil, refuse(serialproto.StatusInternal, "a renewed file is empty")
	}
	return h, nil
}

func (a *Agent) sameLeaf(h *holding, leaf []byte) (any, error) {
	if len(h.device) == 0 || !bytes.Equal(h.device[0].Raw, leaf) {
		return nil, refuse(serialproto.StatusHashMismatch, "the certificate reads back differently")
	}
	return a.renewed(h), nil
}

func (a *Agent) renewed(h *holding) serialproto.InstallResult {
	r := serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{}}
	for o, data := range a.objects(h) {
		r.Objects[o] = prefix(data)
	}
	return r
}

// checkRenewal checks a new leaf against the key, the present leaf and the CA file, and lays out the files: all but the
// leaf and its path stay, so that a renewal makes the device trust nobody new.
func (a *Agent) checkRenewal(v view, have *holding, der []byte) (Files, error) {
	key, err := a.signer(v.Active)
	if err != nil {
		return Files{}, err
	}
	leaf, err := parseLeaf(der, v.Active.DeviceID, key.Public())
	if err != nil {
		return Files{}, err
	}
	now := have.device[0]
	if !sameNames(leaf, now) {
		return Files{}, refuse(serialproto.StatusBadArgument, "subject or names differ from the present certificate's")
	}
	chain := chainIn(leaf, have.anchor)
	if chain == nil {
		return Files{}, refuse(serialproto.StatusBadArgument, "no chain of the CA file leads to this certificate")
	}
	if a.now(v).After(leaf.NotAfter) {
		return Files{}, refuse(serialproto.StatusBadArgument, "the certificate has expired")
	}
	if leaf.NotAfter.Before(now.NotAfter) && !leaf.NotBefore.After(now.NotBefore) {
		return Files{}, refuse(serialproto.StatusBadArgument, "the certificate is older than the present one")
	}
	files := have.files
	files.Device = encodeCerts(append([]*x509.Certificate{leaf}, chain[:len(chain)-1]...))
	return files, nil
}

// checkRekey holds a generation that was begun under an unlock for a new key to that: names and issuers stay.
func (a *Agent) checkRekey(v view, g *Generation, leaf *x509.Certificate, chain []*x509.Certificate) error {
	if g.Purpose != serialproto.PurposeRekey || v.Active == nil || v.Active.Number == g.Number {
		return nil
	}
	_, have, err := a.sealedFiles(v)
	if err != nil {
		return err
	}
	if !sameNames(leaf, have.device[0]) {
		return refuse(serialproto.StatusRefused, "unlocked for a new key, not for other names")
	}
	for _, c := range chain {
		if !slices.ContainsFunc(have.anchor, c.Equal) {
			return refuse(serialproto.StatusRefused, "unlocked for a new key, not for another issuer")
		}
	}
	return nil
}

var oidSAN = asn1.ObjectIdentifier{2, 5, 29, 17}

// sameNames compares subjects and subjectAltNames byte for byte.
func sameNames(x, y *x509.Certificate) bool {
	return bytes.Equal(x.RawSubject, y.RawSubject) && bytes.Equal(extension(x, oidSAN), extension(y, oidSAN))
}

func extension(c *x509.Certificate, id asn1.ObjectIdentifier) []byte {
	for _, e := range c.Extensions {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	return nil
}

// chainIn finds the issuers of a leaf among certificates, the root last; nil if they do not lead to a root in there.
func chainIn(leaf *x509.Certificate, certs []*x509.Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for child := leaf; len(chain) < serialproto.MaxChain; {
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return bytes.Equal(child.RawIssuer, c.RawSubject) && child.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			return nil
		}
		parent := certs[i]
		if child.Equal(parent) { // self-signed
			if len(chain) > 0 {
				return chain
			}
			return nil
		}
		chain = append(chain, parent)
		child = parent
	}
	return nil
}
