package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"provstation/station"
)

// PostBegun opens a possibly-issued row before the CSR is posted.
func (l *Ledger) PostBegun(ctx context.Context, p station.Post) error {
	err := need(field{"post", p.ID}, field{"run", p.Run}, field{"tenant", p.Tenant}, field{"device id", p.DeviceID})
	if err == nil {
		err = digest("spki", p.SPKI, false)
	}
	if err == nil {
		err = digest("csr digest", p.CSRDigest, true)
	}
	if err == nil && p.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		err = l.put(ctx, factPost.of(p))
	}
	return l.wrap(err, "begin post", p.ID)
}

func (t *txn) postBegun(ctx context.Context, p station.Post) error {
	if _, err := t.runOf(ctx, p.Run, p.Tenant); err != nil {
		return err
	}
	if err := t.notRelayed(ctx, p); err != nil {
		return err
	}
	cells := []cell{
		{"post", p.ID},
		{"run", p.Run},
		{"tenant", p.Tenant},
		{"device_id", p.DeviceID},
		{"spki", p.SPKI},
		{"csr_digest", blob(p.CSRDigest)},
		{"contract", free(string(p.Contract))},
		{"begun_at", micros(p.At)},
	}
	if err := t.same(ctx, "posts", 1, cells); !isNotFound(err) {
		return err
	}
	_, err := t.insertOnce(ctx, "posts", 1, append(cells, cell{"state", "open"}))
	return err
}

// PostEnded closes the row: nothing was issued, for the reason given. A post whose certificate is on file cannot be
// closed so: ErrConflict.
func (l *Ledger) PostEnded(ctx context.Context, postID, reason string) error {
	return l.wrap(l.put(ctx, factPostEnd.of(postEnd{postID, reason})), "end post", postID)
}

// postEnd is a post after which nothing was issued.
type postEnd struct{ Post, Reason string }

func (t *txn) postEnded(ctx context.Context, e postEnd) error {
	var state, have string
	found, err := t.one(ctx, "SELECT state, reason FROM posts WHERE post = ?", []any{e.Post}, &state, &have)
	switch {
	case err != nil:
		return err
	case !found && t.merging:
		return nil // it was refused, and never posted
	case !found:
		return station.ErrNotFound
	case PostState(state) == PostNotIssued && have == free(e.Reason):
		return nil
	case PostState(state) == PostNotIssued, PostState(state) == PostIssued:
		return fmt.Errorf("%w: the post has ended: %s", ErrConflict, state)
	}
	_, err = t.exec(ctx, "UPDATE posts SET state = 'not-issued', reason = ?, ended_at = ? WHERE post = ?",
		free(e.Reason), micros(t.at), e.Post)
	return err
}

// SaveCertificate makes a received certificate durable and closes its post as issued. It may be called again for the same
// certificate, also by a later run that reads it back from the device: device, run, post and time stay as they were first
// recorded; what a later call knows of issuer, chain, addresses and wg0.conf is filled in or, where it is another, taken
// over, since that is what was pushed last. Another certificate for a post that has one is ErrConflict.
//
// With ErrAddressTaken the certificate is on file and its post is closed all the same, since it was issued; the tunnel
// addresses are not claimed.
func (l *Ledger) SaveCertificate(ctx context.Context, c station.CertRecord) error {
	_, err := checkCert(c)
	if err == nil {
		err = l.put(ctx, factCert.of(c))
	}
	return l.wrap(err, "save certificate of device", c.DeviceID)
}

// saveCertificate keeps the certificate; that an address is another device's is said, and keeps nothing else from being
// written.
func (t *txn) saveCertificate(ctx context.Context, c station.CertRecord) error {
	addrs, err := checkCert(c)
	if err != nil {
		return err
	}
	if _, err := t.runOf(ctx, c.Run, c.Tenant); err != nil {
		return err
	}
	if c.PostID, err = t.knownPost(ctx, c.PostID); err != nil {
		return err
	}
	owned, err := t.saveCert(ctx, c)
	if err == nil && c.PostID != "" {
		err = t.postIssued(ctx, c, owned)
	}
	if err != nil || !owned {
		return err
	}
	if err := t.saveDetails(ctx, c, addrs); err != nil {
		return err
	}
	t.said, err = t.claimAddresses(ctx, c, addrs)
	return err
}

// knownPost is the post's id, or none where the ledger is one of several and another station's has it.
func (t *txn) knownPost(ctx context.Context, post string) (string, error) {
	if post == "" || !t.w.partial {
		return post, nil
	}
	var n int64
	_, err := t.one(ctx, "SELECT count(*) FROM posts WHERE post = ?", []any{post}, &n)
	if n == 0 {
		post = ""
	}
	return post, err
}

func checkCert(c station.CertRecord) (addrs []string, err error) {
	if err := need(field{"run", c.Run}, field{"tenant", c.Tenant}, field{"device id", c.DeviceID},
		field{"hardware serial", c.HardwareSerial}, field{"certificate serial", c.CertSerial}); err != nil {
		return nil, err
	}
	if err := digest("spki", c.SPKI, false); err != nil {
		return nil, err
	}
	if len(c.Leaf) == 0 || len(c.Leaf) > maxDER || len(c.Chain) > maxChain {
		return nil, fmt.Errorf("%w: leaf of %d bytes, chain of %d", ErrInvalid, len(c.Leaf), len(c.Chain))
	}
	for _, der := range append([][]byte{c.Leaf}, c.Chain...) {
		// A certificate is a DER SEQUENCE; text (PEM, with whatever else is in it) is not taken for one.
		if len(der) < 2 || der[0] != 0x30 || len(der) > maxDER {
			return nil, fmt.Errorf("%w: certificate is not DER", ErrInvalid)
		}
	}
	if sum := sha256.Sum256(c.Leaf); string(sum[:]) != string(c.Fingerprint) {
		return nil, fmt.Errorf("%w: fingerprint is not the leaf's", ErrInvalid)
	}
	if c.ReceivedAt.IsZero() {
		return nil, fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err := checkConf(c.WGConf); err != nil {
		return nil, err
	}
	return addresses(c.TunnelAddresses)
}

// saveCert inserts the certificate or completes the row on file. A certificate is what its bytes are: one that turns up
// for a second device (a bridge that mixes up answers) stays the first one's.
func (t *txn) saveCert(ctx context.Context, c station.CertRecord) (owned bool, err error) {
	n, err := t.exec(ctx, `INSERT INTO certificates (fingerprint, tenant, device_id, device_id_fold, hardware_serial, run,
		spki, cert_serial, subject, issuer, aki, issuer_fingerprint, not_before, not_after, der, wg_conf,
		wireguard_key_by_bridge, contract, received_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint) DO NOTHING`,
		c.Fingerprint, c.Tenant, c.DeviceID, fold(c.DeviceID), c.HardwareSerial, c.Run, c.SPKI, fold(c.CertSerial),
		free(c.Subject), free(c.Issuer), fold(free(c.AKI)), fold(free(c.IssuerFingerprint)), micros(c.NotBefore),
		micros(c.NotAfter), c.Leaf, c.WGConf, flag(c.WireGuardKeyByBridge), free(string(c.Contract)), micros(c.ReceivedAt))
	if err == nil && n == 1 {
		return true, t.revokedBefore(ctx, c)
	}
	if err != nil {
		return false, err
	}
	n, err = t.exec(ctx, `UPDATE certificates SET aki = coalesce(?, aki),
		issuer_fingerprint = coalesce(?, issuer_fingerprint), wg_conf = coalesce(?, wg_conf),
		contract = coalesce(?, contract), wireguard_key_by_bridge = CASE WHEN ? = 1 THEN 1 ELSE wireguard_key_by_bridge END
		WHERE fingerprint = ? AND tenant = ? AND hardware_serial = ? AND device_id = ?`,
		orNull(fold(free(c.AKI))), orNull(fold(free(c.IssuerFingerprint))), orNull(c.WGConf),
		orNull(free(string(c.Contract))), flag(c.WireGuardKeyByBridge), c.Fingerprint, c.Tenant, c.HardwareSerial,
		c.DeviceID)
	return n == 1, err
}

// saveDetails keeps each CA certificate once, and the chain and the addresses that came with the leaf.
func (t *txn) saveDetails(ctx context.Context, c station.CertRecord, addrs []string) error {
	if len(addrs) > 0 {
		if _, err := t.exec(ctx, "DELETE FROM certificate_addresses WHERE leaf = ?", c.Fingerprint); err != nil {
			return err
		}
	}
	for i, a := range addrs {
		_, err := t.exec(ctx, "INSERT INTO certificate_addresses (leaf, position, address) VALUES (?, ?, ?)",
			c.Fingerprint, int64(i), a)
		if err != nil {
			return err
		}
	}
	same, err := t.sameChain(ctx, c)
	if err != nil || same || len(c.Chain) == 0 {
		return err
	}
	if _, err := t.exec(ctx, "DELETE FROM chains WHERE leaf = ?", c.Fingerprint); err != nil {
		return err
	}
	for i, der := range c.Chain {
		sum := sha256.Sum256(der)
		if _, err := t.insertOnce(ctx, "ca_certificates", 1, []cell{{"fingerprint", sum[:]}, {"der", der}}); err != nil {
			return err
		}
		_, err := t.exec(ctx, "INSERT INTO chains (leaf, position, ca) VALUES (?, ?, ?)", c.Fingerprint, int64(i), sum[:])
		if err != nil {
			return err
		}
	}
	return nil
}

// sameChain reports whether the chain is on file with the leaf as it is.
func (t *txn) sameChain(ctx context.Context, c station.CertRecord) (bool, error) {
	rows, err := t.rows(ctx, "SELECT ca FROM chains WHERE leaf = ? ORDER BY position", []any{c.Fingerprint})
	if err != nil || len(rows.values) != len(c.Chain) {
		return false, err
	}
	for i, der := range c.Chain {
		sum := sha256.Sum256(der)
		if !equal(rows.values[i][0], sum[:]) {
			return false, nil
		}
	}
	return true, nil
}

// postIssued closes the post that the certificate answered.
func (t *txn) postIssued(ctx context.Context, c station.CertRecord, owned bool) error {
	var state string
	found, err := t.one(ctx, "SELECT state FROM posts WHERE post = ? AND tenant = ?", []any{c.PostID, c.Tenant}, &state)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("post %s: %w", free(c.PostID), station.ErrNotFound)
	}
	if PostState(state) == PostIssued {
		var other int64
		if _, err := t.one(ctx, "SELECT count(*) FROM certificates WHERE post = ? AND fingerprint <> ?",
			[]any{c.PostID, c.Fingerprint}, &other); err != nil {
			return err
		}
		if other > 0 {
			return fmt.Errorf("%w: the post has another certificate", ErrConflict)
		}
		return nil
	}
	if owned {
		_, err := t.exec(ctx, "UPDATE certificates SET post = coalesce(post, ?) WHERE fingerprint = ?", c.PostID, c.Fingerprint)
		if err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, "UPDATE posts SET state = 'issued', reason = '', ended_at = ? WHERE post = ?",
		micros(c.ReceivedAt), c.PostID)
	return err
}

// claimAddresses claims all of them or none. taken says that another device holds one.
func (t *txn) claimAddresses(ctx context.Context, c station.CertRecord, addrs []string) (taken, err error) {
	for _, a := range addrs {
		var serial, id string
		found, err := t.one(ctx, "SELECT hardware_serial, device_id FROM tunnel_addresses WHERE tenant = ? AND address = ?",
			[]any{c.Tenant, a}, &serial, &id)
		if err != nil {
			return nil, err
		}
		if found && serial != c.HardwareSerial {
			return &Taken{station.ErrAddressTaken, "tunnel address " + a, serial, id}, nil
		}
	}
	for _, a := range addrs {
		_, err := t.exec(ctx, `INSERT INTO tunnel_addresses (tenant, address, hardware_serial, device_id, run, claimed_at)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, address) DO NOTHING`,
			c.Tenant, a, c.HardwareSerial, c.DeviceID, c.Run, micros(c.ReceivedAt))
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// RevokeCertificate notes that the CA has revoked the certificate. The first note stays.
func (l *Ledger) RevokeCertificate(ctx context.Context, tenant string, fingerprint []byte, reason string, at time.Time) error {
	err := l.put(ctx, factRevoke.of(revoked{tenant, fingerprint, reason, at}))
	return l.wrap(err, "revoke certificate", fmt.Sprintf("%x", fingerprint))
}

// revoked is a certificate that the CA has revoked.
type revoked struct {
	Tenant      string
	Fingerprint []byte
	Reason      string
	At          time.Time
}

func (t *txn) revokeCertificate(ctx context.Context, r revoked) error {
	n, err := t.exec(ctx, `UPDATE certificates SET
		revoke_reason = CASE WHEN revoked_at IS NULL THEN ? ELSE revoke_reason END, revoked_at = coalesce(revoked_at, ?)
		WHERE fingerprint = ? AND tenant = ?`, free(r.Reason), micros(r.At), r.Fingerprint, r.Tenant)
	if err == nil && n == 0 && !t.w.partial {
		err = station.ErrNotFound
	}
	return err
}

// SaveProof makes the broker's proof and the provisional record durable. The same proof again is nil; a run that proves
// once more (after a reset) adds a row.
func (l *Ledger) SaveProof(ctx context.Context, p station.ProofRecord) error {
	err := checkProof(p)
	if err == nil {
		err = l.put(ctx, factProof.of(p))
	}
	return l.wrap(err, "save proof of device", p.DeviceID)
}

func checkProof(p station.ProofRecord) error {
	err := need(field{"run", p.Run}, field{"tenant", p.Tenant}, field{"hardware serial", p.HardwareSerial},
		field{"device id", p.DeviceID})
	if err == nil {
		err = errors.Join(digest("spki", p.SPKI, false), digest("leaf", p.Leaf, false))
	}
	if err == nil && p.Proof != station.BrokerAcked && p.Proof != station.BrokerDelivered {
		err = fmt.Errorf("%w: proof %q", ErrInvalid, p.Proof)
	}
	if err == nil && p.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil && p.Seal != nil {
		err = checkIntent(*p.Seal)
	}
	return err
}

func (t *txn) saveProof(ctx context.Context, p station.ProofRecord) error {
	readback, err := toJSON(p.Readback)
	if err != nil {
		return err
	}
	if p.Seal != nil {
		if err := t.intend(ctx, *p.Seal); err != nil {
			return err
		}
	}
	state, err := t.runOf(ctx, p.Run, p.Tenant)
	if err != nil {
		return err
	}
	if err := state.about(p.HardwareSerial); err != nil {
		return err
	}
	n, err := t.lastN(ctx, "proofs", p.Run)
	if err != nil {
		return err
	}
	cells := []cell{
		{"run", p.Run},
		{"n", n},
		{"tenant", p.Tenant},
		{"hardware_serial", p.HardwareSerial},
		{"device_id", p.DeviceID},
		{"spki", p.SPKI},
		{"leaf", p.Leaf},
		{"proof", string(p.Proof)},
		{"broker", free(p.Broker)},
		{"tls", free(p.TLS)},
		{"mqtt", free(p.MQTT)},
		{"readback", readback},
		{"proven_at", micros(p.At)},
	}
	if n > 0 {
		if err := t.same(ctx, "proofs", 2, cells); err == nil || !isConflict(err) {
			return err
		}
	}
	cells[1].val = n + 1
	_, err = t.insertOnce(ctx, "proofs", 2, cells)
	return err
}

// Passed finds the PASS for exactly this hardware, key and certificate, the newest if there are several.
func (l *Ledger) Passed(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (station.PassRecord, error) {
	var p station.PassRecord
	var notAfter, certAfter, passed, revoked sql.NullInt64
	err := l.read.QueryRowContext(ctx, `SELECT r.run, r.device_id, r.not_after, c.not_after, r.ended_at, c.revoked_at
		FROM runs r LEFT JOIN certificates c ON c.fingerprint = r.leaf
		WHERE r.leaf = ? AND r.outcome = 'PASS' AND r.spki = ? AND r.tenant = ? AND r.hardware_serial = ?
		ORDER BY r.ended_at DESC LIMIT 1`, leaf, spki, tenant, hardwareSerial).
		Scan(&p.Run, &p.DeviceID, &notAfter, &certAfter, &passed, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.PassRecord{}, l.wrap(l.readErr(err), "find PASS of hardware", hardwareSerial)
	}
	if !notAfter.Valid {
		notAfter = certAfter
	}
	p.NotAfter, p.PassedAt, p.Revoked = fromMicros(notAfter), fromMicros(passed), revoked.Valid
	return p, nil
}

// Proof finds the newest proof for exactly this hardware, key and certificate, whether or not its run came to an end: a
// station that died between sealing the device and recording the PASS finds here what it had shown.
func (l *Ledger) Proof(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (station.ProofRecord, error) {
	rows, err := l.proofs(ctx, "leaf = ? AND spki = ? AND tenant = ? AND hardware_serial = ? ORDER BY proven_at DESC LIMIT 1",
		leaf, spki, tenant, hardwareSerial)
	if err == nil && len(rows) == 0 {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.ProofRecord{}, l.wrap(err, "find proof of hardware", hardwareSerial)
	}
	return rows[0], nil
}
