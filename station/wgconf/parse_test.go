package wgconf_test

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgconf"
)

// recorded is what the deployed bridge answers, byte for byte.
const recorded = "[Interface]\n# Device: dev-001\nAddress = 10.8.1.2/24\nPrivateKey = <REPLACE_WITH_DEVICE_PRIVATE_KEY>\nDNS = 10.8.1.1\n\n" +
	"[Peer]\nPublicKey = cpk4bLRV+bmQLfbM8ceBI7r2CdfdqtFxlf6jucLBcFk=\nEndpoint = localhost:51820\nAllowedIPs = 10.8.1.0/24\nPersistentKeepalive = 25\n"

const (
	serverKey = "cpk4bLRV+bmQLfbM8ceBI7r2CdfdqtFxlf6jucLBcFk="
	canonical = "[Interface]\nAddress = 10.8.1.2/24\nDNS = 10.8.1.1\n\n[Peer]\nPublicKey = " + serverKey +
		"\nEndpoint = localhost:51820\nAllowedIPs = 10.8.1.0/24\nPersistentKeepalive = 25\n"
)

func newKey(t testing.TB) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustParse(t testing.TB, text string) *wgconf.Config {
	t.Helper()
	cfg, err := wgconf.Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return cfg
}

func TestParseRecordedAnswer(t *testing.T) {
	cfg := mustParse(t, recorded)
	if !cfg.Interface.PrivateKey.IsPlaceholder() || cfg.Interface.PrivateKey.Present() {
		t.Error("want the placeholder recognised as such, and as no key")
	}
	if key, ok := cfg.PrivateKey(); ok || key != nil {
		t.Errorf("got a private key of %d bytes, want none", len(key))
	}
	if diff := cmp.Diff(canonical, string(wgconf.Render(cfg))); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"10.8.1.2"}, cfg.Addresses()); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	for text, want := range map[string]bool{"10.8.1.2": true, "10.8.1.2/24": true, "10.8.1.3": false, "": false, "::ffff:10.8.1.2": true} {
		if got := cfg.HasAddress(text); got != want {
			t.Errorf("HasAddress(%q): got %v, want %v", text, got, want)
		}
	}
}

// As wg-quick reads it: keys in any case, comments anywhere, lists over several lines, addresses without prefix length.
func TestParseLiberalSpelling(t *testing.T) {
	psk := newKey(t)
	cfg := mustParse(t, "# top\n\n[INTERFACE]# section\naddress=10.0.0.9,fd00::9/64\n\tAddress = 10.0.0.10/32 # second\nDNS = 10.0.0.1, lan.example\n"+
		"MTU=1380\nListenPort = 51821\nfwmark = 0x1F\n[peer]\nPUBLICKEY="+serverKey+"\npresharedkey = "+psk.String()+"\n"+
		"Endpoint = [2001:DB8::1]:51820\nallowedips = 10.9.8.7/16\nAllowedIPs = fd00:0::5/64\nPersistentKeepalive = off")
	want := "[Interface]\nAddress = 10.0.0.9/32, fd00::9/64, 10.0.0.10/32\nDNS = 10.0.0.1, lan.example\nListenPort = 51821\nMTU = 1380\nFwMark = 0x1f\n" +
		"\n[Peer]\nPublicKey = " + serverKey + "\nPresharedKey = " + psk.String() + "\nEndpoint = [2001:db8::1]:51820\nAllowedIPs = 10.9.0.0/16, fd00::/64\n"
	if diff := cmp.Diff(want, string(wgconf.Render(cfg))); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	if got := cfg.Interface.Address[1]; got != netip.MustParsePrefix("fd00::9/64") {
		t.Errorf("got address %v, want its host bits kept", got)
	}
}

func TestParseRefuses(t *testing.T) {
	inInterface := func(line string) string { return strings.Replace(canonical, "DNS = 10.8.1.1\n", line+"\n", 1) }
	inPeer := func(line string) string {
		return strings.Replace(canonical, "PersistentKeepalive = 25\n", line+"\n", 1)
	}
	instead := func(old, with string) string { return strings.Replace(canonical, old, with, 1) }
	zero := base64.StdEncoding.EncodeToString(make([]byte, 32))
	one := base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...))
	tests := []struct {
		name, text string
		want       wgconf.Problem
		line       int
		key        string
	}{
		{"PreUp", inInterface("PreUp = id"), wgconf.ProblemHook, 3, "PreUp"},
		{"PostUp", inInterface("PostUp = id"), wgconf.ProblemHook, 3, "PostUp"},
		{"PreDown", inInterface("predown=id"), wgconf.ProblemHook, 3, "predown"},
		{"PostDown", inInterface("POSTDOWN =id"), wgconf.ProblemHook, 3, "POSTDOWN"},
		{"hook in a peer", inPeer("PostUp = id"), wgconf.ProblemHook, 9, "PostUp"},
		{"hook before the first section", "PostUp = id\n" + canonical, wgconf.ProblemHook, 1, "PostUp"},
		{"hook after a tab", inInterface("\tpOsTuP\t=id"), wgconf.ProblemHook, 3, "pOsTuP"},
		{"SaveConfig", inInterface("saveconfig = true"), wgconf.ProblemSaveConfig, 3, "SaveConfig"},
		{"Table", inInterface("Table = off"), wgconf.ProblemTable, 3, "Table"},
		{"unknown key", inInterface("Jc = 4"), wgconf.ProblemUnknownKey, 3, "Jc"},
		{"long s folds to s", inInterface("Addreſs = 10.0.0.3/32"), wgconf.ProblemUnknownKey, 3, ""},
		{"peer key in the interface", inInterface("AllowedIPs = 10.0.0.0/8"), wgconf.ProblemUnknownKey, 3, "AllowedIPs"},
		{"interface key in the peer", inPeer("DNS = 10.0.0.1"), wgconf.ProblemUnknownKey, 9, "DNS"},
		{"space in a key", inInterface("Post Up = id"), wgconf.ProblemUnknownKey, 3, ""},
		{"key before the section", "Address = 10.8.1.2/24\n" + canonical, wgconf.ProblemOutsideSection, 1, "Address"},
		{"unknown section", canonical + "[Route]\n", wgconf.ProblemUnknownSection, 10, ""},
		{"space in a section", instead("[Interface]", "[ Interface ]"), wgconf.ProblemUnknownSection, 1, ""},
		{"second interface", canonical + "[interface]\n", wgconf.ProblemDuplicateSection, 10, "Interface"},
		{"a sentence", inInterface("please run this"), wgconf.ProblemSyntax, 3, ""},
		{"semicolon comment", inInterface("; PostUp"), wgconf.ProblemSyntax, 3, ""},
		{"byte order mark", "\ufeff" + canonical, wgconf.ProblemSyntax, 1, ""},
		{"NUL", inInterface("DNS = 10.8.1.1\x00"), wgconf.ProblemNUL, 3, ""},
		{"NUL in a comment", inInterface("#\x00"), wgconf.ProblemNUL, 3, ""},
		{"CRLF", strings.ReplaceAll(canonical, "\n", "\r\n"), wgconf.ProblemCR, 1, ""},
		{"CR hides a hook", inInterface("# a\rPostUp = id"), wgconf.ProblemCR, 3, ""},
		{"escape", inInterface("# \x1b[2J"), wgconf.ProblemControl, 3, ""},
		{"vertical tab", inInterface("\vPostUp = id"), wgconf.ProblemControl, 3, ""},
		{"not UTF-8", inInterface("# \xff"), wgconf.ProblemControl, 3, ""},
		{"too large", canonical + "#" + strings.Repeat("x", 4096), wgconf.ProblemTooLarge, 0, ""},
		{"empty", "", wgconf.ProblemMissing, 0, "Interface"},
		{"JSON", `{"detail":"Not Found"}`, wgconf.ProblemSyntax, 1, ""},
		{"no peer", "[Interface]\nAddress = 10.8.1.2/24\n", wgconf.ProblemMissing, 0, "Peer"},
		{"no interface", "[Peer]\nPublicKey = " + serverKey, wgconf.ProblemMissing, 0, "Interface"},
		{"no address", instead("Address = 10.8.1.2/24\n", ""), wgconf.ProblemMissing, 0, "Address"},
		{"no public key", instead("PublicKey = "+serverKey+"\n", ""), wgconf.ProblemMissing, 5, "PublicKey"},
		{"key twice", inPeer("Endpoint = a.example:1"), wgconf.ProblemDuplicateKey, 9, "Endpoint"},
		{"address twice", inInterface("Address = 10.8.1.2/32"), wgconf.ProblemBadValue, 3, "Address"},
		{"one peer twice", canonical + "[Peer]\nPublicKey = " + serverKey, wgconf.ProblemDuplicatePeer, 10, "PublicKey"},
		{"no value", inInterface("MTU ="), wgconf.ProblemBadValue, 3, "MTU"},
		{"a sentence for the server's key", instead(serverKey, "WireGuard server key not available yet"), wgconf.ProblemTextForKey, 6, "PublicKey"},
		{"a word for the server's key", instead(serverKey, "None"), wgconf.ProblemTextForKey, 6, "PublicKey"},
		{"a placeholder for the server's key", instead(serverKey, wgconf.Placeholder), wgconf.ProblemTextForKey, 6, "PublicKey"},
		{"another placeholder", inInterface("PrivateKey = <YOUR KEY>"), wgconf.ProblemTextForKey, 3, "PrivateKey"},
		{"short key", instead(serverKey, serverKey[4:]), wgconf.ProblemBadKey, 6, "PublicKey"},
		{"trailing bits in a key", instead(serverKey, serverKey[:42]+"l="), wgconf.ProblemBadKey, 6, "PublicKey"},
		{"URL alphabet in a key", instead(serverKey, strings.Replace(serverKey, "+", "-", 1)), wgconf.ProblemBadKey, 6, "PublicKey"},
		{"zero key", instead(serverKey, zero), wgconf.ProblemBadKey, 6, "PublicKey"},
		{"low-order point", instead(serverKey, one), wgconf.ProblemBadKey, 6, "PublicKey"},
		{"zero private key", inInterface("PrivateKey = " + zero), wgconf.ProblemBadKey, 3, "PrivateKey"},
		{"address is text", instead("10.8.1.2/24", "dhcp"), wgconf.ProblemBadValue, 2, "Address"},
		{"address prefix too long", instead("10.8.1.2/24", "10.8.1.2/33"), wgconf.ProblemBadValue, 2, "Address"},
		{"loopback address", instead("10.8.1.2/24", "127.0.0.1/8"), wgconf.ProblemBadValue, 2, "Address"},
		{"unspecified address", instead("10.8.1.2/24", "0.0.0.0/0"), wgconf.ProblemBadValue, 2, "Address"},
		{"mapped address", instead("10.8.1.2/24", "::ffff:10.8.1.2/120"), wgconf.ProblemBadValue, 2, "Address"},
		{"zone in an address", instead("10.8.1.2/24", "fe80::1%eth0/64"), wgconf.ProblemBadValue, 2, "Address"},
		{"empty list entry", instead("10.8.1.2/24", "10.8.1.2/24,"), wgconf.ProblemBadValue, 2, "Address"},
		{"allowed IPs with a sign", instead("10.8.1.0/24", "+10.8.1.0/24"), wgconf.ProblemBadValue, 8, "AllowedIPs"},
		{"endpoint without a port", instead("localhost:51820", "localhost"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint port 0", instead("localhost:51820", "localhost:0"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint port too high", instead("localhost:51820", "localhost:65536"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint IPv6 without brackets", instead("localhost:51820", "::1:51820"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint in inet_aton's shape", instead("localhost", "127.1"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint as one number", instead("localhost", "2130706433"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint in hex", instead("localhost", "0x7f000001"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"endpoint with a command", instead("localhost", "$(id)"), wgconf.ProblemBadValue, 7, "Endpoint"},
		{"DNS with a command", instead("10.8.1.1", "$(id)"), wgconf.ProblemBadValue, 3, "DNS"},
		{"MTU too small", inInterface("MTU = 575"), wgconf.ProblemBadValue, 3, "MTU"},
		{"MTU with a sign", inInterface("MTU = +1400"), wgconf.ProblemBadValue, 3, "MTU"},
		{"keepalive too long", instead("= 25", "= 65536"), wgconf.ProblemBadValue, 9, "PersistentKeepalive"},
		{"mark too large", inInterface("FwMark = 0x100000000"), wgconf.ProblemBadValue, 3, "FwMark"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := wgconf.Parse([]byte(tt.text))
			if cfg != nil || err == nil {
				t.Fatalf("got %v, %v; want nil and an error", cfg, err)
			}
			got, ok := err.(*wgconf.Error) //nolint:errorlint // the documented type, not a chain
			if !ok || got.Problem != tt.want || got.Line != tt.line || got.Key != tt.key {
				t.Errorf("got %+v, want problem %s in line %d at key %q", err, tt.want, tt.line, tt.key)
			}
		})
	}
}

// The sentence is what a person needs to see; a damaged secret is what nobody may.
func TestErrorsQuoteTextNeverSecrets(t *testing.T) {
	_, err := wgconf.Parse([]byte(strings.Replace(canonical, serverKey, "ask the admin for the key", 1)))
	if err == nil || !strings.Contains(err.Error(), "ask the admin") {
		t.Errorf("got %v, want the sentence quoted", err)
	}
	secret := newKey(t).String()
	for _, line := range []string{
		"PrivateKey = x" + secret, "PrivateKey = " + secret[:40], "PrivateKey = " + secret + " " + secret, secret, secret + secret,
		"PresharedKey = " + secret, "Private Key = " + secret, "[" + secret + "]", "MTU = " + secret, "Endpoint = " + secret,
	} {
		_, err := wgconf.Parse([]byte("[Interface]\nAddress = 10.0.0.1/32\n" + line + "\n"))
		if err == nil || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("got %v, want an error that does not quote the secret", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(recorded))
	f.Add([]byte(canonical))
	f.Add([]byte("[Interface]\nPostUp = id\n"))
	f.Add([]byte(strings.Replace(recorded, wgconf.Placeholder, newKey(f).String(), 1)))
	priv := newKey(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := wgconf.Parse(text)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v, want exactly one", cfg, err)
		}
		if err != nil {
			if wgconf.ProblemOf(err) == "" || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("got %q, want a typed error without control characters", err)
			}
			return
		}
		checkRendering(t, cfg)
		if file, err := wgconf.Complete(text, priv); err == nil {
			back, err := wgconf.WithoutPrivateKey(file)
			if err == nil && string(back) != string(text) || err != nil && wgconf.ProblemOf(err) != wgconf.ProblemPrivateKeyPresent {
				t.Fatalf("got %q, %v back; want %q", back, err, text)
			}
		}
	})
}
