package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/pki"
)

// Bounds of what a box may hold.
const (
	maxCerts   = 8
	maxCert    = 8 << 10
	signatures = 64 // TLS signatures that a key gives before it is sealed
)

// held asks what the box holds.
func (l *line) held(ctx context.Context) (holding, error) {
	text, err := l.ask(ctx, l.cfg.Command, "ask what the box holds", "status")
	if err != nil {
		return holding{}, err
	}
	return readHolding(fields(text))
}

// ask does a command of the look script; err= in its answer is a fault.
func (l *line) ask(ctx context.Context, within time.Duration, doing, cmd string) (string, error) {
	if l.sess == nil || l.sess.lost {
		return "", station.ErrSessionLost
	}
	a, err := l.sess.do(ctx, within, cmd)
	if err != nil {
		return "", err
	}
	m := fields(a.text)
	switch {
	case m["err"] != "":
		return "", boxFault(doing, printable(l.clean(m["err"]), 16), l.clean(m["detail"]))
	case a.status != 0:
		return "", boxFault(doing, "status "+strconv.Itoa(a.status), l.clean(a.text))
	}
	return a.text, nil
}

func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 27)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// readHolding puts what the box said into a holding. What is not in form is not there.
func readHolding(m map[string]string) (holding, error) {
	h := holding{
		current: number(m["current"]), newest: number(m["newest"]), spki: hexBytes(m["spki"], 32), csr: hexBytes(m["csr"], 32),
		signed: int(number(m["signed"])),
	}
	copy(h.enroll[:], hexBytes(m["enroll"], 8))
	if pki.ValidDeviceID(m["device"]) == nil {
		h.device = m["device"]
	}
	h.sumDevice = sumIn(m["f.device"])
	h.sumCA = sumIn(m["f.ca"])
	h.sumWG = sumIn(m["f.wg"])
	if h.sumDevice != "" {
		h.leaf = hexBytes(m["leaf"], 32)
	}
	switch {
	case h.newest == 0 && m["foreign"] == "1":
		h.state = station.StateForeign
	case h.newest == 0:
		h.state = station.StateEmpty
	case h.newest == h.current && m["flag"] == "1":
		h.state = station.StateSealed
	case m["installed"] == "1":
		h.state = station.StateInstalled
	default:
		h.state = station.StateKeyed
	}
	if h.newest != 0 && h.newest == h.current && h.state != station.StateSealed {
		h.current, h.unflagged = 0, true // without its flag nothing counts as in use
	}
	if s := h.state; (s == station.StateKeyed || s == station.StateInstalled) && (h.enroll.IsZero() || m["made"] == "" || m["made"] != m["spki"]) {
		return h, boxFault("ask what the box holds", "broken", fmt.Sprintf("generation %d is damaged", h.newest))
	}
	if h.state != station.StateEmpty && h.spki == nil {
		return h, boxFault("ask what the box holds", "denied", "the key cannot be read")
	}
	return h, nil
}

// sumIn reads "DIGEST SIZE".
func sumIn(s string) string {
	sum, _, _ := strings.Cut(s, " ")
	if !isHex(sum, 64) {
		return ""
	}
	return sum
}

// Holding says what the box holds, by what its files say.
func (l *line) Holding(ctx context.Context) (station.Holding, error) {
	h, err := l.held(ctx)
	if err != nil {
		return station.Holding{}, err
	}
	out := station.Holding{
		State: h.state, DeviceID: h.device, EnrollID: h.enroll, SPKI: h.spki, Leaf: h.leaf, CSR: h.csr, Generation: h.newest, Active: h.current,
		Reenroll: "open", SignaturesLeft: uint32(max(signatures-h.signed, 0)),
	}
	var device [][]byte
	out.Objects, device, err = l.objects(ctx, h)
	if err == nil && h.state == station.StateForeign && len(device) > 0 {
		if c, perr := x509.ParseCertificate(device[0]); perr == nil && pki.ValidDeviceID(c.Subject.CommonName) == nil {
			out.DeviceID = c.Subject.CommonName
		}
	}
	return out, err
}

// objects are the digests of what the box stores, as an agent counts them: the first 8 bytes of SHA-256 of the leaf, of the
// other certificates of device.pem, of those of ca-chain.pem, of wg0.conf without its private key.
func (l *line) objects(ctx context.Context, h holding) (out map[string][]byte, device [][]byte, err error) {
	out = map[string][]byte{}
	device, anchors, err := l.certificates(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	if len(device) > 0 {
		out[station.ObjectLeaf] = digest8(device[0])
		out[station.ObjectChain] = digest8(device[1:]...)
	}
	if len(anchors) > 0 {
		out[station.ObjectAnchors] = digest8(anchors...)
	}
	if sum := hexBytes(h.sumWG, 32); sum != nil {
		out[station.ObjectTunnel] = sum[:8]
	}
	return out, device, nil
}

// certificates reads the public files, unless their digests are those of files that are known here. A file without a digest is not
// there.
func (l *line) certificates(ctx context.Context, h holding) (device, anchors [][]byte, err error) {
	if h.sumDevice != "" {
		if device, err = l.file(ctx, "device", h.sumDevice); err != nil {
			return nil, nil, err
		}
	}
	if h.sumCA != "" {
		anchors, err = l.file(ctx, "ca", h.sumCA)
	}
	return device, anchors, err
}

// file reads a public file; the digest "" stands for one that is not known.
func (l *line) file(ctx context.Context, name, sum string) ([][]byte, error) {
	text, known := l.texts[sum]
	if !known {
		var err error
		if text, err = l.ask(ctx, 2*l.cfg.Command, "read certificates back", command("show", name)); err != nil {
			return nil, err
		}
	}
	certs, err := parsePEM(text)
	if err != nil {
		return nil, badAnswer("%s: %v", name, err)
	}
	if sum != "" && !known {
		if len(l.texts) >= 16 {
			clear(l.texts)
		}
		l.texts[sum] = text
	}
	return certs, nil
}

// parsePEM gives the certificates of a file as DER.
func parsePEM(text string) (out [][]byte, err error) {
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return out, nil
		}
		if b.Type != "CERTIFICATE" || len(b.Bytes) > maxCert {
			return nil, fmt.Errorf("a block %q of %d bytes", printable(b.Type, 20), len(b.Bytes))
		}
		if _, err := x509.ParseCertificate(b.Bytes); err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		if out = append(out, b.Bytes); len(out) > maxCerts {
			return nil, fmt.Errorf("more than %d certificates", maxCerts)
		}
	}
}

func digest8(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:8]
}

// Certificates reads the public files of the box.
func (l *line) Certificates(ctx context.Context) (device, anchors [][]byte, err error) {
	h, err := l.held(ctx)
	if err != nil {
		return nil, nil, err
	}
	if h.sumDevice != "" || h.current == 0 {
		return l.certificates(ctx, h)
	}
	// A key was begun beside the files in use: those are meant.
	if device, err = l.file(ctx, "device", ""); err != nil {
		return nil, nil, err
	}
	anchors, err = l.file(ctx, "ca", "")
	return device, anchors, err
}

// say notes what a person has to know of the box.
func (l *line) say(h holding) {
	if !l.box.root {
		l.note("the login is not root; the serial in the firmware's tables and the clock are root's")
	}
	for _, t := range []string{"wg", "mosquitto_pub"} {
		if !l.have[t] {
			l.note("the box has no " + t)
		}
	}
	if h.unflagged {
		l.note("the flag of an enrolled box is gone from it: it is proven and sealed anew, with the key it has")
	}
	if h.state != station.StateSealed && h.state != station.StateForeign {
		l.note("a box with a root login cannot be sealed against that login: its flag says that the station is done with it, no more")
	}
}
