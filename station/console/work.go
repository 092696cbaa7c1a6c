package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/wgconf"
)

// Times that work on a box may take; the phase's deadline is shorter where that is configured.
const (
	keyTime     = 5 * time.Minute
	installTime = 90 * time.Second
)

var keyTypes = []string{"P-256", "P-384", "Ed25519"}

// work loads what changes the box.
func (l *line) work(ctx context.Context) error {
	if l.sess == nil || l.sess.lost {
		return station.ErrSessionLost
	}
	return l.sess.load(ctx, l.cfg.Command, "work", workScript)
}

// MakeKey has the box make its key pair and request, or name those it made under this enroll id.
func (l *line) MakeKey(ctx context.Context, r station.KeyRequest) (station.KeyAnswer, error) {
	if err := l.mayMake(r); err != nil {
		return station.KeyAnswer{}, err
	}
	if err := l.work(ctx); err != nil {
		return station.KeyAnswer{}, err
	}
	wg := "0"
	if r.WireGuard {
		wg = "1"
	}
	text, err := l.ask(ctx, keyTime, "have the box make its key", command("makekey", hex.EncodeToString(r.EnrollID[:]), r.DeviceID, r.KeyType, wg))
	if err != nil {
		return station.KeyAnswer{}, err
	}
	m := fields(text)
	a := station.KeyAnswer{KeyStore: "flash", Existing: m["existing"] == "1", Generation: number(m["gen"])}
	if a.CSR, err = base64.StdEncoding.DecodeString(m["csr"]); err != nil || len(a.CSR) == 0 || len(a.CSR) > maxCert || a.Generation == 0 {
		return station.KeyAnswer{}, badAnswer("make key: the answer holds no request")
	}
	if r.WireGuard {
		if a.WireGuardKey, err = base64.StdEncoding.DecodeString(m["wg"]); err != nil || len(a.WireGuardKey) != 32 {
			return station.KeyAnswer{}, badAnswer("make key: the answer holds no WireGuard key")
		}
	}
	return a, nil
}

// mayMake refuses what the box cannot make, before anything is sent.
func (l *line) mayMake(r station.KeyRequest) error {
	switch {
	case !slices.Contains(keyTypes, r.KeyType) || len(l.cfg.KeyTypes) > 0 && !slices.Contains(l.cfg.KeyTypes, r.KeyType):
		return &station.Fault{
			Code: station.CodeInternal, Outcome: station.Error, Class: station.Misconfigured,
			Params: map[string]string{"detail": "key type " + r.KeyType + " is not one that is made here"},
		}
	case r.KeepTunnel:
		return missing(l, "a new key that keeps the tunnel")
	case r.KeyType == "Ed25519" && l.box.openssl < 3:
		return l.lacks("openssl 3 for Ed25519 keys")
	case r.WireGuard && !l.box.wireGuard(l.have):
		return l.lacks("wg")
	}
	return nil
}

// missing says that this driver does not have something that an agent has.
func missing(l *line, want string) error {
	return &station.Fault{
		Code: station.CodeAgentOld, Outcome: station.Fail, Params: map[string]string{"have": l.box.firmware, "want": want},
		Err: fmt.Errorf("a box without an agent does not have %s", want),
	}
}

func (l *line) lacks(what string) error {
	f := fault(station.CodeConsoleTools, station.Fail, "")
	f.Params["missing"] = what
	f.Err = errors.New("the box lacks " + what)
	return f
}

// Install pushes what the box gets in pieces, has it checked and switched in at once, and reads back what is stored.
func (l *line) Install(ctx context.Context, b station.Bundle) (station.Readback, error) {
	if len(b.Chain) < 2 || len(b.Chain) > maxCerts {
		return nil, badAnswer("install: a chain of %d certificates", len(b.Chain))
	}
	if err := l.work(ctx); err != nil {
		return nil, err
	}
	if _, err := l.ask(ctx, l.cfg.Command, "transfer", command("receive", hex.EncodeToString(b.EnrollID[:]))); err != nil {
		return nil, err
	}
	certs := append([][]byte{b.Leaf}, b.Chain...)
	for i, der := range certs {
		if err := l.push(ctx, "c"+strconv.Itoa(i), der); err != nil {
			return nil, err
		}
	}
	wg, err := l.pushTunnel(ctx, b)
	if err != nil {
		return nil, err
	}
	device, ca := pemOf(certs[:len(certs)-1]), pemOf(certs[1:])
	sums := [2]string{sumOf(device), sumOf(ca)}
	_, err = l.ask(ctx, installTime, "install",
		command("install", hex.EncodeToString(b.EnrollID[:]), strconv.Itoa(len(certs)), sums[0], sums[1], wg))
	if err != nil {
		return nil, err
	}
	l.texts[sums[0]], l.texts[sums[1]] = device, ca // the box's own digests say whether it holds them
	h, err := l.held(ctx)
	if err != nil {
		return nil, err
	}
	back, _, err := l.objects(ctx, h)
	return back, err
}

// pushTunnel sends wg0.conf without its private key, and the key only where the bridge has made it. It gives the digest of
// the file without the key, or "-".
func (l *line) pushTunnel(ctx context.Context, b station.Bundle) (string, error) {
	if len(b.WGConf) == 0 {
		return "-", nil
	}
	if _, err := wgconf.Parse(b.WGConf); err != nil || !bytes.Contains(b.WGConf, []byte("[Interface]\n")) || !bytes.HasSuffix(b.WGConf, []byte("\n")) {
		return "", badAnswer("install: wg0.conf is not as the station writes it")
	}
	l.sess.secret = true // preshared keys
	defer func() { l.sess.secret = false }()
	if err := l.push(ctx, "wg", b.WGConf); err != nil {
		return "", err
	}
	if !b.WGKey.Empty() {
		key := append(base64.StdEncoding.AppendEncode(nil, b.WGKey.Reveal()), '\n')
		if err := l.push(ctx, "wgkey", key); err != nil {
			return "", err
		}
	}
	return sumOf(string(b.WGConf)), nil
}

// push sends one file in pieces that fit the line; each is checked by itself, and its length after it.
func (l *line) push(ctx context.Context, name string, data []byte) error {
	for at := 0; at < len(data); {
		room := max((l.sess.maxLine-60)/4*3, 48)
		n := min(room, len(data)-at)
		text, err := l.ask(ctx, l.cfg.Command, "transfer", command("piece", name, b64(data[at:at+n])))
		if err != nil {
			return err
		}
		if at += n; fields(text)["len"] != strconv.Itoa(at) {
			return boxFault("transfer", "digest", "a piece was not stored as it was sent")
		}
	}
	return nil
}

func pemOf(certs [][]byte) string {
	var b strings.Builder
	for _, der := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return b.String()
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// maxFlag bounds the flag's content, as an agent does.
const maxFlag = 64

// Seal makes the generation the one that the box's programs see, and writes the flag.
func (l *line) Seal(ctx context.Context, id station.EnrollID, flag string) error {
	if ascii(flag, maxFlag) != flag {
		return badAnswer("seal: the flag holds other than %d printable characters", maxFlag)
	}
	if err := l.work(ctx); err != nil {
		return err
	}
	_, err := l.ask(ctx, installTime, "seal the box", command("seal", hex.EncodeToString(id[:]), flag))
	return err
}

// Abandon drops a generation that was not sealed.
func (l *line) Abandon(ctx context.Context, id station.EnrollID) error {
	if err := l.work(ctx); err != nil {
		return err
	}
	_, err := l.ask(ctx, l.cfg.Command, "return to the generation in use", command("abandon", hex.EncodeToString(id[:])))
	return err
}

// maxClockLag is how far a clock may be from the time it was just set to.
const maxClockLag = 10 * time.Second

// SetClock sets the clock, before the box is sealed.
func (l *line) SetClock(ctx context.Context, now time.Time) error {
	if !l.box.root {
		return boxFault("set the clock", "refused", "the login is not root")
	}
	if err := l.work(ctx); err != nil {
		return err
	}
	text, err := l.ask(ctx, l.cfg.Command, "set the clock", command("setclock", now.UTC().Format("2006-01-02 15:04:05")))
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(fields(text)["now"], 10, 64)
	if off := time.Unix(n, 0).Sub(now); err != nil || off.Abs() > maxClockLag {
		return badAnswer("set clock: the box says it is set, and is %s off", off.Round(time.Second))
	}
	return nil
}
