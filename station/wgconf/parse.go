package wgconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// MaxSize bounds a wg0.conf without its private key, in bytes: what a bridge may answer, and what may cross the line.
const MaxSize = 4096

// Keys as wg-quick(8) and wg(8) spell them.
const (
	keyPrivateKey   = "PrivateKey"
	keyAddress      = "Address"
	keyDNS          = "DNS"
	keyListenPort   = "ListenPort"
	keyMTU          = "MTU"
	keyFwMark       = "FwMark"
	keyPublicKey    = "PublicKey"
	keyPresharedKey = "PresharedKey"
	keyEndpoint     = "Endpoint"
	keyAllowedIPs   = "AllowedIPs"
	keyKeepalive    = "PersistentKeepalive"
)

const (
	sectionInterface = "Interface"
	sectionPeer      = "Peer"
)

// Parse reads a wg0.conf of at most [MaxSize] bytes. It refuses whatever it does not fully understand, wherever wg-quick
// would run something, and whatever could not make a tunnel. The error is an [*Error], the first in the order of lines.
func Parse(text []byte) (*Config, error) { return parse(text, MaxSize) }

// ParseFile is [Parse] for a file as a device or a station holds it, which may be longer by its PrivateKey line.
func ParseFile(file []byte) (*Config, error) {
	return parse(file, MaxSize+len(privateKeyLine(wgtypes.Key{})))
}

func parse(text []byte, limit int) (*Config, error) {
	if len(text) > limit {
		return nil, &Error{Problem: ProblemTooLarge, Detail: fmt.Sprintf("%d bytes, at most %d", len(text), limit)}
	}
	p := &parser{cfg: &Config{}}
	for i, raw := range strings.Split(string(text), "\n") {
		p.line = i + 1
		if err := p.readLine(raw); err != nil {
			return nil, err
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	// Canonical text may be longer than what was read: addresses gain their prefix lengths.
	if n := len(Render(p.cfg)); n > MaxSize {
		return nil, &Error{Problem: ProblemTooLarge, Detail: fmt.Sprintf("%d bytes when written out, at most %d", n, MaxSize)}
	}
	return p.cfg, nil
}

type parser struct {
	cfg      *Config
	line     int
	section  string // "" before the first
	seen     []string
	ifaces   int
	peerLine int // where the open [Peer] began
}

func (p *parser) fail(key string, problem Problem, detail string) *Error {
	return &Error{Line: p.line, Key: key, Problem: problem, Detail: clean(detail)}
}

// readLine takes what wg-quick takes for a line: a comment begins at "#" wherever it stands.
func (p *parser) readLine(raw string) error {
	if err := p.checkText(raw); err != nil {
		return err
	}
	stripped, _, _ := strings.Cut(raw, "#")
	stripped = strings.Trim(stripped, " \t")
	switch {
	case stripped == "":
		return nil
	case stripped[0] == '[':
		return p.openSection(stripped)
	}
	key, value, ok := strings.Cut(stripped, "=")
	if !ok {
		return p.fail("", ProblemSyntax, "neither a section nor a key with a value")
	}
	return p.assign(strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t"))
}

func (p *parser) checkText(raw string) error {
	switch {
	case strings.ContainsRune(raw, 0):
		return p.fail("", ProblemNUL, "a NUL byte")
	case strings.Contains(raw, "\r"):
		return p.fail("", ProblemCR, "a carriage return; lines must end in a line feed alone")
	case !utf8.ValidString(raw), strings.ContainsFunc(raw, func(r rune) bool { return r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 }):
		return p.fail("", ProblemControl, "a control character or no UTF-8")
	}
	return nil
}

func (p *parser) openSection(s string) error {
	if err := p.closeSection(); err != nil {
		return err
	}
	p.seen = nil
	switch {
	case strings.EqualFold(s, "["+sectionInterface+"]"):
		if p.ifaces++; p.ifaces > 1 {
			return p.fail(sectionInterface, ProblemDuplicateSection, "")
		}
		p.section = sectionInterface
	case strings.EqualFold(s, "["+sectionPeer+"]"):
		if len(p.cfg.Peers) == maxPeers {
			return p.fail(sectionPeer, ProblemTooLarge, fmt.Sprintf("more than %d peers", maxPeers))
		}
		p.section, p.peerLine = sectionPeer, p.line
		p.cfg.Peers = append(p.cfg.Peers, Peer{})
	default:
		return p.fail("", ProblemUnknownSection, "only [Interface] and [Peer] are known")
	}
	return nil
}

// closeSection judges a finished [Peer]; [Interface] is judged at the end.
func (p *parser) closeSection() error {
	if p.section != sectionPeer {
		return nil
	}
	if !slices.Contains(p.seen, keyPublicKey) {
		return &Error{Line: p.peerLine, Key: keyPublicKey, Problem: ProblemMissing, Detail: "a peer without its public key"}
	}
	last := len(p.cfg.Peers) - 1
	for _, other := range p.cfg.Peers[:last] {
		if other.PublicKey == p.cfg.Peers[last].PublicKey {
			return &Error{Line: p.peerLine, Key: keyPublicKey, Problem: ProblemDuplicatePeer, Detail: "two peers with one public key"}
		}
	}
	return nil
}

func (p *parser) finish() error {
	if err := p.closeSection(); err != nil {
		return err
	}
	switch {
	case p.ifaces == 0:
		return &Error{Key: sectionInterface, Problem: ProblemMissing, Detail: "no [Interface] section"}
	case len(p.cfg.Interface.Address) == 0:
		return &Error{Key: keyAddress, Problem: ProblemMissing, Detail: "the tunnel has no address"}
	case len(p.cfg.Peers) == 0:
		return &Error{Key: sectionPeer, Problem: ProblemMissing, Detail: "no [Peer] section"}
	}
	return nil
}

// assign finds the key in either section first, so that a hook is called a hook wherever it stands.
func (p *parser) assign(name, value string) error {
	switch {
	case oneOf(name, "PreUp", "PostUp", "PreDown", "PostDown"):
		return p.fail(keyName(name), ProblemHook, "wg-quick would run it as root")
	case strings.EqualFold(name, "SaveConfig"):
		return p.fail("SaveConfig", ProblemSaveConfig, "wg-quick would overwrite the file")
	case strings.EqualFold(name, "Table"):
		return p.fail("Table", ProblemTable, "routing tables are not for a bridge to choose")
	case p.section == "":
		return p.fail(keyName(name), ProblemOutsideSection, "a key before the first section")
	}
	known := interfaceKeys()
	if p.section == sectionPeer {
		known = peerKeys()
	}
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	if i < 0 || !ascii(name) { // EqualFold folds U+017F to s and U+212A to k
		return p.fail(keyName(name), ProblemUnknownKey, "not a key of ["+p.section+"]")
	}
	key := known[i]
	if slices.Contains(p.seen, key) && key != keyAddress && key != keyDNS && key != keyAllowedIPs {
		return p.fail(key, ProblemDuplicateKey, "")
	}
	p.seen = append(p.seen, key)
	if value == "" {
		return p.fail(key, ProblemBadValue, "no value")
	}
	if p.section == sectionPeer {
		return p.setPeer(&p.cfg.Peers[len(p.cfg.Peers)-1], key, value)
	}
	return p.setInterface(key, value)
}

func interfaceKeys() []string {
	return []string{keyPrivateKey, keyAddress, keyDNS, keyListenPort, keyMTU, keyFwMark}
}

func peerKeys() []string {
	return []string{keyPublicKey, keyPresharedKey, keyEndpoint, keyAllowedIPs, keyKeepalive}
}

func (p *parser) setInterface(key, v string) error {
	i := &p.cfg.Interface
	var n uint64
	var err error
	switch key {
	case keyPrivateKey:
		i.PrivateKey, err = parsePrivate(v)
	case keyAddress:
		i.Address, err = appendAddresses(i.Address, v)
	case keyDNS:
		err = i.appendDNS(v)
	case keyListenPort:
		n, err = parseNumber(v, 0, 65535)
		i.ListenPort = uint16(n)
	case keyMTU:
		n, err = parseNumber(v, 576, 65535)
		i.MTU = uint16(n)
	case keyFwMark:
		i.FwMark, err = parseFwMark(v)
	}
	return p.valueError(key, v, err)
}

func (p *parser) setPeer(peer *Peer, key, v string) error {
	var err error
	switch key {
	case keyPublicKey:
		peer.PublicKey, err = parsePublicKey(v)
	case keyPresharedKey:
		peer.PresharedKey, err = parsePreshared(v)
	case keyEndpoint:
		peer.Endpoint, err = parseEndpoint(v)
	case keyAllowedIPs:
		peer.AllowedIPs, err = appendAllowedIPs(peer.AllowedIPs, v)
	case keyKeepalive:
		peer.PersistentKeepalive, err = parseKeepalive(v)
	}
	return p.valueError(key, v, err)
}

// valueError quotes a value only where it cannot be a secret.
func (p *parser) valueError(key, v string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errKeyForm) || errors.Is(err, errKeyWeak) {
		if !looksLikeText(v) {
			return p.fail(key, ProblemBadKey, err.Error())
		}
		if key == keyPublicKey {
			return p.fail(key, ProblemTextForKey, fmt.Sprintf("%q where a key belongs", clean(v)))
		}
		return p.fail(key, ProblemTextForKey, "text where a key belongs")
	}
	return p.fail(key, ProblemBadValue, err.Error())
}

func parsePrivate(v string) (Secret, error) {
	if v == Placeholder {
		return Secret{placeholder: true}, nil
	}
	return parsePreshared(v)
}

func parsePreshared(v string) (Secret, error) {
	k, err := parseKey(v)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(k), nil
}

func oneOf(name string, keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, name) })
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// keyName quotes what stands before "=" only if it looks like a key's name: a stray line of base64 ends in "=" too, and may
// be a secret.
func keyName(name string) string {
	notLetter := func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
	if name == "" || len(name) > 24 || strings.ContainsFunc(name, notLetter) {
		return ""
	}
	return name
}
