package station

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"provstation/station/pki"
)

// keygen has the device make its key pair, or name the one it made under this enroll id. Where the id comes from an earlier
// run that asked for something else (another key type, no tunnel), the device makes a new key under a new id.
func (x *run) keygen(ctx context.Context) error {
	keep := x.keepsTunnel()
	a, err := x.makeKey(ctx, keep)
	if errors.Is(err, ErrEnrollIDUsed) && x.enrollID == x.holding.EnrollID && x.holding.Active != 0 && !keep {
		// It was begun to replace the key alone, and came with the tunnel of the one before.
		a, err = x.makeKey(ctx, true)
	}
	if errors.Is(err, ErrEnrollIDUsed) && x.enrollID == x.holding.EnrollID {
		x.log.Info("the device's unfinished key does not serve this run", "err", err)
		x.enrollID, x.holding.Leaf = newEnrollID(), nil
		a, err = x.makeKey(ctx, keep)
	}
	if err != nil {
		return err
	}
	x.key = a
	x.fact(FactKeyStore, a.KeyStore)
	x.fact("key_reused", yesNo(a.Existing))
	if err := x.allowsStore(a.KeyStore); err != nil {
		return err
	}
	if a.Existing && x.enrollID == x.holding.EnrollID { // not one that this run made before a reset
		x.adopt(AdoptedKey)
	}
	if len(a.WireGuardKey) > 0 {
		x.fact(FactWireGuardKey, wireGuardText(a.WireGuardKey))
	}
	return nil
}

func (x *run) makeKey(ctx context.Context, keepTunnel bool) (a KeyAnswer, err error) {
	r := KeyRequest{
		DeviceID: x.deviceID, EnrollID: x.enrollID, KeyType: x.keyType(), KeepTunnel: keepTunnel, Chain: x.likely.chain(),
	}
	if !keepTunnel && x.course != courseRekey {
		r.WireGuard = x.wantsDeviceTunnelKey(ctx)
	}
	if err := x.mayMakeKey(ctx); err != nil {
		return a, err
	}
	err = x.cause(ctx, IntendKey, nil, func() error {
		a, err = x.line.MakeKey(ctx, r)
		return err
	})
	return a, err
}

// contractWait is how long keygen waits to hear which contract the bridge speaks.
const contractWait = 10 * time.Second

// wantsDeviceTunnelKey: under the documented contract the API makes the tunnel's key. A bridge that cannot be asked now
// fails in the enroll phase; a key the device made in vain does no harm.
func (x *run) wantsDeviceTunnelKey(ctx context.Context) bool {
	if !x.cfg.WireGuard || !x.greet.WireGuard {
		return false
	}
	if x.cfg.Queue != nil {
		return true // nobody can be asked; a bridge that makes the key itself is refused when the request is relayed
	}
	ctx, cancel := context.WithTimeout(ctx, contractWait) // a bridge that hangs is no fault of the device
	defer cancel()
	c, err := x.bridge.Contract(ctx)
	return err != nil || c != ContractDocumented
}

// checkCSR checks the device's CSR before it leaves the bench and claims its key for this device.
func (x *run) checkCSR(ctx context.Context) error {
	csr, err := pki.ParseCSR(x.key.CSR, x.csrPolicy())
	if err != nil {
		return &Fault{Code: CodeCSRBad, Outcome: Fail, Params: checkParams(err), Err: err}
	}
	x.csr, x.spki = csr, csr.SPKI[:]
	x.fact(FactSPKI, hexOf(x.spki))
	x.fact(FactCSR, hexOf(csr.Digest[:]))
	x.fact(FactKeyType, string(csr.KeyType))
	saved, err := x.ledger.BindKeySoon(ctx, KeyRecord{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID, SPKI: x.spki,
		EnrollID: x.enrollID, Generation: x.key.Generation, KeyType: string(csr.KeyType), KeyStore: x.key.KeyStore,
		CSRDigest: csr.Digest[:], WireGuardKey: x.key.WireGuardKey, At: x.now().UTC(),
	})
	if errors.Is(err, ErrKeyTaken) {
		return &Fault{Code: CodeKeyTaken, Outcome: Fail, Params: map[string]string{
			"device_id": x.deviceID, "hardware_serial": x.serial(), "spki": hexOf(x.spki), "detail": err.Error(),
		}, Err: err}
	}
	if err != nil {
		return x.ledgerFault("record the device key", err)
	}
	x.saved(saved, pointKeyBound)
	return nil
}

// enroll has the certificate issued, unless one that is good is on file for this key: then nothing is asked twice.
func (x *run) enroll(ctx context.Context) error {
	if found, err := x.onFile(ctx); err != nil || found {
		return err
	}
	// Without anchors no answer can be judged: find that out before a certificate is issued for nothing.
	if _, err := x.trust.Anchors(ctx); err != nil {
		return err
	}
	contract, err := x.bridge.Contract(ctx)
	if err != nil {
		return err
	}
	x.fact(FactContract, string(contract))
	a, err := x.post(ctx, contract)
	if other, ok := x.otherContract(ctx, contract, err); ok {
		x.fact(FactContract, string(other))
		a, err = x.post(ctx, other)
	}
	if err != nil {
		return err
	}
	x.answer = a
	if x.relayed != nil {
		return x.journalAnswer(ctx)
	}
	for _, r := range x.received() { // whatever is wrong with it, it exists and can be revoked
		x.saveSoon(ctx, r, pointPostJournaled)
	}
	return nil
}

// otherContract finds the contract to post under when the bridge named the other one's fields and issued nothing. Not
// where the other one needs a tunnel key that the device was not asked for: the next run asks for it.
func (x *run) otherContract(ctx context.Context, used Contract, err error) (Contract, bool) {
	f, ok := AsFault(err)
	if !ok || f.Class != OtherContract {
		return "", false
	}
	c, cerr := x.bridge.Contract(ctx)
	if cerr != nil || c == used || (c == ContractDeployed && x.cfg.WireGuard && len(x.key.WireGuardKey) == 0) {
		return "", false
	}
	return c, true
}

// onFile looks for a certificate that was issued for this very key and never proven installed. Where the answer held a
// secret (a tunnel key that the bridge made, a preshared key) it cannot be used again, because secrets are not kept.
func (x *run) onFile(ctx context.Context) (bool, error) {
	if !x.key.Existing { // it was made just now
		return false, nil
	}
	certs, err := x.ledger.Certificates(ctx, x.start.Tenant, x.spki)
	if err != nil {
		return false, x.ledgerFault("look certificates up", err)
	}
	for _, c := range certs {
		if c.Refused != "" || len(c.Chain) == 0 || c.WireGuardKeyByBridge || strings.Contains(c.WGConf, hidden) || (c.WGConf == "") == x.cfg.WireGuard ||
			c.Revoked || c.NotAfter.Sub(x.now()) < x.needed() {
			continue
		}
		x.answer = EnrollAnswer{
			Contract: c.Contract, Certificate: pemText(c.Leaf), Chain: chainOnFile(c), WGConf: NewSecret([]byte(c.WGConf)),
		}
		x.postID = c.PostID
		x.adopt(AdoptedCertificate)
		crash(pointOnFile)
		x.fact("certificate_on_file", "yes")
		x.fact(FactContract, string(c.Contract))
		return true, nil
	}
	return false, nil
}

// chainOnFile is the chain as the bridge answered it. Of an answer that was judged the issuer is enough: the rest of the
// chain on file is what was pinned then.
func chainOnFile(c CertRecord) (text string) {
	if c.IssuerFingerprint != "" {
		return pemText(c.Chain[0])
	}
	for _, der := range c.Chain {
		text += pemText(der)
	}
	return text
}

// needed is the shelf life below which a certificate on file is of no use.
func (x *run) needed() time.Duration {
	if x.cfg.ShelfRefuse && !x.overrules(CodeCertShelfLife) && !x.mayRenewItself() {
		return max(x.cfg.MinValidity, time.Minute)
	}
	return time.Minute
}

// post asks the bridge once. Intent is durable before the first byte goes out; a row stays open where a certificate may
// have been issued and lost.
func (x *run) post(ctx context.Context, contract Contract) (EnrollAnswer, error) {
	if x.relayed != nil && contract == ContractDocumented && x.cfg.WireGuard {
		return EnrollAnswer{}, documentedFault(x.deviceID)
	}
	name := x.deviceID
	if x.relayed != nil {
		name = x.relayed.DeviceName
	} else if x.cfg.NameOf != nil {
		n, err := x.cfg.NameOf(x.deviceID, x.greet)
		if err != nil {
			return EnrollAnswer{}, nameFault(err)
		}
		name = n
	}
	p := Post{
		ID: newID(), Run: x.start.Run, Tenant: x.start.Tenant, DeviceID: x.deviceID, SPKI: x.spki,
		CSRDigest: x.csr.Digest[:], Contract: contract, At: x.now().UTC(),
	}
	if err := x.mayPost(ctx, p); err != nil {
		return EnrollAnswer{}, err
	}
	req := EnrollRequest{DeviceID: x.deviceID, DeviceName: name, DeviceType: x.cfg.DeviceType, CSR: x.csr.Raw}
	if contract == ContractDeployed {
		req.WireGuardKey = x.key.WireGuardKey
	}
	a, err := x.bridge.Enroll(ctx, contract, req)
	if err == nil {
		crash(pointPostAnswered)
		x.postID = p.ID
		return a, nil
	}
	if a.Certificate != "" || a.Chain != "" { // of no use, but it exists
		x.answer, x.postID = EnrollAnswer{Contract: contract, Certificate: a.Certificate, Chain: a.Chain}, p.ID
		jerr := x.journalAnswer(ctx)
		x.answer, x.postID = EnrollAnswer{}, ""
		if jerr != nil {
			return EnrollAnswer{}, jerr
		}
	}
	if !errors.Is(err, ErrMaybeIssued) {
		if lerr := x.ledger.PostEnded(context.WithoutCancel(ctx), p.ID, err.Error()); lerr != nil {
			return EnrollAnswer{}, x.ledgerFault("close the request", lerr)
		}
		crash(pointPostClosed)
	}
	return EnrollAnswer{}, err
}

// mayPost writes down that a certificate is about to be asked for, and waits until all that the run has recorded is durable with it.
// Where some of that is lost nothing is asked, which the row says.
func (x *run) mayPost(ctx context.Context, p Post) error {
	if err := x.ledger.PostBegun(ctx, p); err != nil {
		if errors.Is(err, ErrRelaying) {
			return &Fault{Code: CodeRelaying, Outcome: Error, Class: Passing, Params: map[string]string{"device_id": x.deviceID}, Err: err}
		}
		return x.ledgerFault("record the request", err)
	}
	if err := x.settled(); err != nil {
		if perr := x.ledger.PostEnded(context.WithoutCancel(ctx), p.ID, "not posted: "+err.Error()); perr != nil {
			x.log.Warn("a request that was not posted is not on record as such", "err", perr)
		}
		return x.unsaved(err)
	}
	crash(pointPostIntent)
	return nil
}

// journalAnswer makes the issued certificate durable before it is judged: whatever is wrong with it, it exists and can
// be revoked. What came with it is kept, too, secrets cut out: a station that dies now judges it after, and asks for no
// second one.
func (x *run) journalAnswer(ctx context.Context) error {
	// It is here, whoever gave the run up meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.timeout(PhaseRecord))
	defer cancel()
	for _, r := range x.received() {
		if err := x.saveCertificate(ctx, r); err != nil {
			return err
		}
		crash(pointPostJournaled)
	}
	return nil
}

// received are the certificates of the answer for the device's key, with what came with them. Where none was found the
// possibly-issued row stays open; verify says what is wrong.
func (x *run) received() []CertRecord {
	ours, others := x.issued()
	for i := range ours {
		ours[i].Chain = others
		ours[i].WGConf, ours[i].WireGuardKeyByBridge = x.tunnelReceived()
	}
	return ours
}

// issued are the certificates of the answer for the device's key, and the others, in order. What is for another key does
// not close the request, whatever it is.
func (x *run) issued() (ours []CertRecord, others [][]byte) {
	for _, c := range certificatesIn(x.answer.Certificate, x.answer.Chain) {
		if r := certRecord(c); bytes.Equal(r.SPKI, x.spki) {
			ours = append(ours, r)
		} else {
			others = append(others, c.Raw)
		}
	}
	return ours, others
}

// saveCertificate writes a certificate row with the run's own facts.
func (x *run) saveCertificate(ctx context.Context, c CertRecord) error {
	return x.certificateSaved(x.ledger.SaveCertificate(ctx, x.ofRun(c)))
}

// saveSoon is saveCertificate without waiting: it is durable, and found to be nobody else's, before the device has the certificate.
func (x *run) saveSoon(ctx context.Context, c CertRecord, done point) {
	saved := x.ledger.SaveCertificateSoon(ctx, x.ofRun(c))
	x.saved(func() error { return x.certificateSaved(saved()) }, done)
}

// ofRun is the certificate's record with the run's own facts.
func (x *run) ofRun(c CertRecord) CertRecord {
	c.Run, c.PostID, c.Tenant, c.DeviceID = x.start.Run, x.postID, x.start.Tenant, x.deviceID
	c.HardwareSerial, c.Contract, c.ReceivedAt = x.serial(), x.answer.Contract, x.now().UTC()
	return c
}

func (x *run) certificateSaved(err error) error {
	if errors.Is(err, ErrAddressTaken) {
		return &Fault{Code: CodeWGAddress, Outcome: Fail, Params: map[string]string{"detail": err.Error(), "device_id": x.deviceID}, Err: err}
	}
	if err != nil {
		return x.ledgerFault("record the certificate", err)
	}
	return nil
}

// verify is the response lint: nothing the bridge answered is pushed before it passed.
func (x *run) verify(ctx context.Context) error { return x.verifyBy(x.judgeAnswer)(ctx) }

// verifyBy judges an answer. What fails is not looked at again: the next run has another one issued.
func (x *run) verifyBy(judge func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := judge(ctx)
		if f, ok := AsFault(err); ok && f.Outcome == Fail {
			if lost := x.settled(); lost != nil { // it is on record that it was received, before it is that it is bad
				x.log.Warn("what was received is not on record", "err", lost)
			}
			ours, _ := x.issued()
			for _, c := range ours {
				x.refuse(ctx, c.Fingerprint, f.Code)
			}
		}
		return err
	}
}

func (x *run) judgeAnswer(ctx context.Context) error {
	anchors, err := x.trust.Anchors(ctx)
	if err != nil {
		return err
	}
	policy := x.policy(anchors)
	policy.PublicKey = x.csr.PublicKey
	chain, err := pki.VerifyAnswer(pki.Answer{Certificate: x.answer.Certificate, CAChain: x.answer.Chain}, policy)
	if err != nil {
		return certFault(err)
	}
	if err := x.lintTunnel(); err != nil {
		return err
	}
	if err := x.acceptChain(chain); err != nil {
		return err
	}
	rec := certRecord(chain.Leaf)
	rec.IssuerFingerprint = pki.Fingerprint(chain.Issuer())
	rec.Chain = chain.CAFileDER()
	rec.WGConf, rec.TunnelAddresses = x.tunnelShown(), x.tunnelAddresses()
	rec.WireGuardKeyByBridge = !x.bundle.WGKey.Empty()
	if x.relayed != nil { // there is no device
		if err := x.saveCertificate(ctx, rec); err != nil {
			return err
		}
		crash(pointJudged)
	} else {
		x.saveSoon(ctx, rec, pointJudged)
	}
	x.bundle.EnrollID, x.bundle.Leaf, x.bundle.Chain, x.bundle.WGConf = x.enrollID, rec.Leaf, rec.Chain, x.wgText
	x.bundle.Pins = nil
	if x.greet.Unlock { // older software takes no notice of them
		x.bundle.Pins = x.cfg.Unlock.Pins
	}
	return nil
}

func (x *run) policy(a Anchors) pki.Policy {
	p := x.cfg.Answer
	p.DeviceID, p.Roots, p.Intermediates, p.Now = x.deviceID, a.Roots, a.Intermediates, x.now()
	return p
}

// chainEnds is when each certificate of the chain ends, leaf first.
func chainEnds(c *pki.Chain) (ends []string) {
	for _, cert := range append(c.Device(), c.Root) {
		if cert != nil {
			ends = append(ends, stamp(cert.NotAfter))
		}
	}
	return ends
}

// acceptChain notes a chain that passed and judges its shelf life.
func (x *run) acceptChain(chain *pki.Chain) error {
	x.chain, x.notAfter = chain, chain.NotAfter()
	x.likely.was(chain.CAFileDER())
	sum := sha256.Sum256(chain.Leaf.Raw)
	x.leaf = sum[:]
	x.fact(FactCertSerial, chain.CertSerial())
	x.fact(FactFingerprint, hexOf(x.leaf))
	x.fact(FactIssuer, chain.IssuerName())
	x.fact(FactNotBefore, stamp(chain.Leaf.NotBefore))
	x.fact(FactNotAfter, stamp(x.notAfter))
	x.fact(FactChain, strings.Join(chain.Subjects(), " <- "))
	x.fact(FactChainNotAfter, strings.Join(chainEnds(chain), " <- "))
	remaining := chain.Left(x.now())
	if x.cfg.MinValidity == 0 || remaining >= x.cfg.MinValidity {
		return nil
	}
	return x.shelfLife(map[string]string{"left": left(remaining), "want": left(x.cfg.MinValidity), "not_after": stamp(x.notAfter)})
}

func sameDER(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
