package wgconf

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Render writes a configuration in its one canonical form, without a private key: what crosses the line to a device. Equal
// configurations give equal bytes, and [Parse] of them gives the same configuration, its private key or placeholder apart.
// A value that Parse would not have given is left out, never written.
//
// A preshared key that policy let pass is in it: for screens, logs and records there is [Show].
func Render(cfg *Config) []byte {
	return render(cfg, func(s Secret) string {
		k, ok := s.Reveal()
		if !ok {
			return ""
		}
		return k.String()
	})
}

// Show is [Render] for people and records: a preshared key reads "(hidden)".
func Show(cfg *Config) string {
	return string(render(cfg, func(s Secret) string {
		if !s.Present() {
			return ""
		}
		return hidden
	}))
}

// RenderWithPrivateKey is [Render] with the private key that the bridge made: a file's content, and a secret. The error is
// an [*Error] with [ProblemPrivateKeyMissing].
func RenderWithPrivateKey(cfg *Config) ([]byte, error) {
	k, ok := cfg.Interface.PrivateKey.Reveal()
	if !ok {
		return nil, &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyMissing}
	}
	_, rest, _ := strings.Cut(string(Render(cfg)), "\n") // after [Interface]
	return []byte("[" + sectionInterface + "]\n" + privateKeyLine(k) + rest), nil
}

func privateKeyLine(k wgtypes.Key) string { return keyPrivateKey + " = " + k.String() + "\n" }

func render(cfg *Config, preshared func(Secret) string) []byte {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			b.WriteString(key + " = " + value + "\n")
		}
	}
	number := func(key, format string, n uint64) {
		if n != 0 {
			line(key, fmt.Sprintf(format, n))
		}
	}
	i := &cfg.Interface
	b.WriteString("[" + sectionInterface + "]\n")
	line(keyAddress, joinPrefixes(i.Address))
	line(keyDNS, joinDNS(i))
	number(keyListenPort, "%d", uint64(i.ListenPort))
	number(keyMTU, "%d", uint64(i.MTU))
	number(keyFwMark, "0x%x", uint64(i.FwMark))
	for n := range cfg.Peers {
		p := &cfg.Peers[n]
		b.WriteString("\n[" + sectionPeer + "]\n")
		line(keyPublicKey, p.PublicKey.String())
		line(keyPresharedKey, preshared(p.PresharedKey))
		line(keyEndpoint, p.Endpoint.String())
		line(keyAllowedIPs, joinPrefixes(p.AllowedIPs))
		number(keyKeepalive, "%d", uint64(p.PersistentKeepalive))
	}
	return []byte(b.String())
}

func joinPrefixes(ps []netip.Prefix) string {
	out := make([]string, 0, len(ps))
	for _, p := range ps {
		if p.IsValid() && p.Addr().Zone() == "" {
			out = append(out, p.String())
		}
	}
	return strings.Join(out, ", ")
}

func joinDNS(i *Interface) string {
	out := make([]string, 0, len(i.DNS)+len(i.Search))
	for _, a := range i.DNS {
		if a.IsValid() && a.Zone() == "" {
			out = append(out, a.String())
		}
	}
	for _, s := range i.Search {
		if validHost(s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func hasPeer(cfg *Config, pub wgtypes.Key) bool {
	for i := range cfg.Peers {
		if cfg.Peers[i].PublicKey == pub {
			return true
		}
	}
	return false
}

// Complete is the device's part: it takes wg0.conf as it crossed the line, without a private key, judges it again under
// [DevicePolicy], puts priv in directly under [Interface], and returns the file. Every other byte stays as it came. The
// result is a secret. The error is, or joins, an [*Error].
func Complete(conf []byte, priv wgtypes.Key) ([]byte, error) {
	return CompleteUnder(conf, priv, DevicePolicy())
}

// CompleteUnder is [Complete] under another policy.
func CompleteUnder(conf []byte, priv wgtypes.Key, p Policy) ([]byte, error) {
	cfg, err := Parse(conf)
	if err != nil {
		return nil, err
	}
	if cfg.Interface.PrivateKey.Present() || cfg.Interface.PrivateKey.IsPlaceholder() {
		return nil, &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyPresent, Detail: "the device puts its own in"}
	}
	if priv == (wgtypes.Key{}) {
		return nil, &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyMissing, Detail: "the device has no WireGuard key"}
	}
	if hasPeer(cfg, priv.PublicKey()) {
		return nil, &Error{Key: keyPublicKey, Problem: ProblemOwnKey, Detail: "the peer's public key is the device's own"}
	}
	if _, err := Lint(cfg, p); err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(conf), "\n")
	for i, l := range lines {
		if strings.EqualFold(bare(l), "["+sectionInterface+"]") && strings.HasSuffix(l, "\n") {
			lines[i] += privateKeyLine(priv)
			return []byte(strings.Join(lines, "")), nil
		}
	}
	return nil, &Error{Key: sectionInterface, Problem: ProblemMissing}
}

// WithoutPrivateKey takes the PrivateKey line out of a wg0.conf that a device holds. After [Complete] the result is byte
// for byte what crossed the line. A file with something like a key in a comment is refused, because the result may be read
// by others. The error is an [*Error]; it never quotes the file.
func WithoutPrivateKey(file []byte) ([]byte, error) {
	cfg, err := ParseFile(file)
	if err != nil {
		return nil, err
	}
	if !cfg.Interface.PrivateKey.Present() && !cfg.Interface.PrivateKey.IsPlaceholder() {
		return nil, &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyMissing}
	}
	var b strings.Builder
	for i, l := range strings.SplitAfter(string(file), "\n") {
		if isPrivateKeyLine(l) {
			continue
		}
		if _, comment, _ := strings.Cut(l, "#"); holdsKey(comment) {
			return nil, &Error{Line: i + 1, Problem: ProblemPrivateKeyPresent, Detail: "something like a key in a comment"}
		}
		b.WriteString(l)
	}
	return []byte(b.String()), nil
}

// holdsKey finds 43 characters of base64 in a row, as every key in this file format has before its "=".
func holdsKey(comment string) bool {
	run := 0
	for _, r := range comment {
		if notHostRune(r) && r != '+' && r != '/' || r == '-' || r == '_' {
			run = 0
			continue
		}
		if run++; run >= 43 {
			return true
		}
	}
	return false
}

func isPrivateKeyLine(l string) bool {
	key, _, ok := strings.Cut(bare(l), "=")
	return ok && strings.EqualFold(strings.TrimRight(key, " \t"), keyPrivateKey)
}

// bare is a line without its comment and the white space around it, as the parser sees it.
func bare(l string) string {
	l, _, _ = strings.Cut(strings.TrimSuffix(l, "\n"), "#")
	return strings.Trim(l, " \t")
}

// PublicKey is the public half of a raw 32-byte private key, for callers that hold keys as bytes.
func PublicKey(priv []byte) (wgtypes.Key, error) {
	k, err := wgtypes.NewKey(priv)
	if err != nil {
		return wgtypes.Key{}, errors.New("a WireGuard private key has 32 bytes")
	}
	return k.PublicKey(), nil
}
