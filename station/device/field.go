package device

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"provstation/serialproto"
	"provstation/station"
)

var (
	_ station.Unlocker    = (*line)(nil)
	_ station.Renewer     = (*line)(nil)
	_ station.SelfChecker = (*line)(nil)
)

var purposes = map[station.UnlockPurpose]serialproto.Purpose{
	station.UnlockRekey: serialproto.PurposeRekey, station.UnlockErase: serialproto.PurposeErase,
	station.UnlockProof: serialproto.PurposeTLS13, station.UnlockReenroll: serialproto.PurposeReenroll,
}

// has refuses what the device said at the greeting that it does not have, before anything crosses the line.
func (l *line) has(feature uint32, op serialproto.Op) error {
	return l.hasFeature(feature, op.String())
}

func (l *line) hasFeature(feature uint32, name string) error {
	if l.welcome.Features&feature != 0 {
		return nil
	}
	return &station.Fault{
		Code: station.CodeAgentOld, Outcome: station.Fail, Params: map[string]string{"have": l.welcome.Firmware, "want": name},
		Err: fmt.Errorf("the device's software does not have %s", name),
	}
}

// Field says what a device in the field says of itself. Software that is older says nothing of it.
func (l *line) Field(ctx context.Context) (station.FieldState, error) {
	var r serialproto.StatusResult
	if err := l.call(ctx, "ask what the device holds", &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &r); err != nil {
		return station.FieldState{}, err
	}
	s := station.FieldState{
		Pinned: r.Objects[serialproto.ObjPins].Length > 0, Failures: int(r.Failures), Wait: time.Duration(r.Wait) * time.Second,
		TokensLeft: int(r.Tokens), Pending: r.Pending,
	}
	for name, p := range purposes {
		if p == r.Unlocked {
			s.Unlocked = name
		}
	}
	if n := r.Renewal; n != nil {
		s.Renewal = &station.RenewalState{URL: n.URL, Last: micros(n.Last), Next: micros(n.Next), Failures: int(n.Failures), LastError: n.Error}
	}
	return s, nil
}

// micros is a time of the wire; 0 is none.
func micros(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(t).UTC()
}

// defaultLifetime of an unlock.
const defaultLifetime = 5 * time.Minute

// Unlock asks for a challenge, has it signed if it is the one that was asked for, and answers it.
func (l *line) Unlock(ctx context.Context, q station.UnlockRequest) (time.Duration, error) {
	if err := l.has(serialproto.FeatureUnlock, serialproto.OpUnlock); err != nil {
		return 0, err
	}
	args, err := unlockArgs(q)
	if err != nil {
		return 0, &station.Fault{
			Code: station.CodeInternal, Outcome: station.Error, Class: station.Misconfigured, Params: map[string]string{"detail": err.Error()}, Err: err,
		}
	}
	id := q.DeviceID
	if id == "" {
		h, err := l.Holding(ctx)
		if err != nil {
			return 0, err
		}
		id = h.DeviceID
	}
	var r serialproto.UnlockResult
	if err := l.call(ctx, "ask for an unlock", args, &r); err != nil {
		return 0, err
	}
	sig, err := serialproto.SignUnlock(q.Key, r.Challenge, serialproto.UnlockChallenge{
		Serial: l.welcome.Serial, DeviceID: id, BootID: l.welcome.BootID,
		Purpose: args.Purpose, Signatures: args.Signatures, Lifetime: args.Lifetime,
	})
	switch {
	case errors.Is(err, serialproto.ErrUnlockChallenge):
		return 0, badAnswer(fmt.Errorf("unlock: %w", err))
	case err != nil:
		return 0, &station.Fault{
			Code: station.CodeInternal, Outcome: station.Error, Class: station.Misconfigured, Params: map[string]string{"detail": err.Error()}, Err: err,
		}
	}
	r = serialproto.UnlockResult{}
	if err := l.call(ctx, "unlock the device", &serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}, &r); err != nil {
		return 0, err
	}
	return time.Duration(r.Left) * time.Second, nil
}

func unlockArgs(q station.UnlockRequest) (*serialproto.UnlockArgs, error) {
	if q.Lifetime == 0 {
		q.Lifetime = defaultLifetime
	}
	purpose, ok := purposes[q.Purpose]
	switch {
	case !ok:
		return nil, fmt.Errorf("unlock: unknown purpose %q", q.Purpose)
	case q.Key == nil:
		return nil, errors.New("unlock: no key to sign with")
	case q.Lifetime < time.Second || q.Lifetime > serialproto.MaxLifetime*time.Second:
		return nil, fmt.Errorf("unlock: lifetime %s, want 1 s to %d s", q.Lifetime, serialproto.MaxLifetime)
	case q.Signatures < 0 || q.Signatures > serialproto.MaxProofs:
		return nil, fmt.Errorf("unlock: %d signatures, want at most %d", q.Signatures, serialproto.MaxProofs)
	}
	args := &serialproto.UnlockArgs{
		Op: serialproto.OpUnlock, Purpose: purpose, Signatures: uint8(q.Signatures), Lifetime: uint16(q.Lifetime / time.Second),
	}
	return args, args.Validate()
}

func (l *line) Erase(ctx context.Context, id station.EnrollID) error {
	if err := l.has(serialproto.FeatureUnlock, serialproto.OpErase); err != nil {
		return err
	}
	l.welcome.Known = nil
	return l.call(ctx, "erase the device", &serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: id[:]}, nil)
}

// Token has the device sign, puts the token together and checks all of it: the CA would only say no.
func (l *line) Token(ctx context.Context, audience string, now time.Time) (station.RenewalToken, error) {
	if err := l.has(serialproto.FeatureRenew, serialproto.OpToken); err != nil {
		return station.RenewalToken{}, err
	}
	chain, _, err := l.Certificates(ctx)
	if err != nil {
		return station.RenewalToken{}, err
	}
	if len(chain) == 0 {
		return station.RenewalToken{}, badAnswer(errors.New("token: the device holds no certificate"))
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return station.RenewalToken{}, badAnswer(fmt.Errorf("token: the device's certificate: %w", err))
	}
	var r serialproto.TokenResult
	args := &serialproto.TokenArgs{Op: serialproto.OpToken, Audience: audience, Now: now.UnixMicro()}
	if err := l.call(ctx, "have the device sign a renewal token", args, &r); err != nil {
		return station.RenewalToken{}, err
	}
	text, claims, err := serialproto.Token(r, leaf.PublicKey, chain, audience, leaf.Subject.CommonName)
	if err != nil {
		return station.RenewalToken{}, badAnswer(err)
	}
	sum := sha256.Sum256(chain[0])
	return station.RenewalToken{
		Leaf:  sum[:],
		Token: station.NewSecret([]byte(text)), Issued: time.Unix(claims.Issued, 0).UTC(), Expires: time.Unix(claims.Expires, 0).UTC(), Left: int(r.Left),
	}, nil
}

func (l *line) Renew(ctx context.Context, id station.EnrollID, leaf []byte, commit bool) (station.Readback, error) {
	return l.renew(ctx, &serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: leaf, EnrollID: id[:], Commit: commit}, leaf)
}

func (l *line) CommitRenewal(ctx context.Context, id station.EnrollID, leaf []byte) (station.Readback, error) {
	sum := sha256.Sum256(leaf)
	return l.renew(ctx, &serialproto.RenewArgs{Op: serialproto.OpRenew, EnrollID: id[:], Digest: sum[:]}, leaf)
}

func (l *line) renew(ctx context.Context, args *serialproto.RenewArgs, leaf []byte) (station.Readback, error) {
	if err := l.has(serialproto.FeatureRenew, serialproto.OpRenew); err != nil {
		return nil, err
	}
	var r serialproto.InstallResult
	if err := l.callPacked(ctx, "renew the device's certificate", args, &r); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(leaf)
	if got, want := hex.EncodeToString(r.Objects[serialproto.ObjLeaf]), hex.EncodeToString(sum[:8]); got != want {
		return nil, &station.Fault{
			Code: station.CodeReadback, Outcome: station.Fail, Params: map[string]string{"object": station.ObjectLeaf, "have": got, "want": want},
			Err: errors.New("renew: the certificate reads back differently"),
		}
	}
	return readback(r), nil
}

func (l *line) SetRenewal(ctx context.Context, id station.EnrollID, url, audience string) error {
	if err := l.has(serialproto.FeatureRenewSet, serialproto.OpRenewSet); err != nil {
		return err
	}
	args := &serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: url, Audience: audience, EnrollID: id[:]}
	return l.call(ctx, "set up the device's own renewal", args, nil)
}
