package wgconf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"pgregory.net/rapid"

	"provstation/station/wgconf"
)

// checkRendering: what is rendered parses into the same configuration, and renders the same again.
func checkRendering(t interface {
	Helper()
	Fatalf(string, ...any)
}, cfg *wgconf.Config,
) {
	t.Helper()
	text := wgconf.Render(cfg)
	again, err := wgconf.Parse(text)
	if err != nil {
		t.Fatalf("parse what was rendered: %v\n%s", err, text)
	}
	want := *cfg
	want.Interface.PrivateKey = wgconf.Secret{}
	opts := []cmp.Option{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(&want, again, opts...); diff != "" {
		t.Fatalf("after a round trip (-want +got):\n%s", diff)
	}
	if second := wgconf.Render(again); !bytes.Equal(second, text) {
		t.Fatalf("rendered again: got %q, want %q", second, text)
	}
}

func drawKey(t *rapid.T, label string) wgtypes.Key {
	k := wgtypes.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
	k[0], k[31] = k[0]&248|8, k[31]&127|64
	return k
}

func drawPrefix(t *rapid.T, label string) netip.Prefix {
	if rapid.Bool().Draw(t, label+" v6") {
		b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
		b[0] = 0xfd
		return netip.PrefixFrom(netip.AddrFrom16(b), rapid.IntRange(1, 128).Draw(t, label+" bits"))
	}
	b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, label))
	b[0] = 10
	return netip.PrefixFrom(netip.AddrFrom4(b), rapid.IntRange(1, 32).Draw(t, label+" bits"))
}

func drawConfig(t *rapid.T) *wgconf.Config {
	host := rapid.StringMatching(`[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z][a-z0-9]{0,5}){0,3}`)
	i := wgconf.Interface{
		Address:    rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) netip.Prefix { return drawPrefix(t, "address") }), 1, 4, netip.Prefix.Addr).Draw(t, "addresses"),
		Search:     rapid.SliceOfN(host, 0, 2).Draw(t, "search"),
		ListenPort: rapid.Uint16().Draw(t, "port"),
		MTU:        rapid.Uint16Range(576, 65535).Draw(t, "mtu"),
		FwMark:     rapid.Uint32().Draw(t, "mark"),
	}
	if rapid.Bool().Draw(t, "has DNS") {
		i.DNS = []netip.Addr{drawPrefix(t, "dns").Addr()}
	}
	cfg := &wgconf.Config{Interface: i}
	for range rapid.IntRange(1, 3).Draw(t, "peers") {
		p := wgconf.Peer{
			PublicKey:           drawKey(t, "peer").PublicKey(),
			AllowedIPs:          []netip.Prefix{drawPrefix(t, "allowed").Masked()},
			PersistentKeepalive: rapid.Uint16().Draw(t, "keepalive"),
			Endpoint:            wgconf.Endpoint{Host: host.Draw(t, "host"), Port: rapid.Uint16Range(1, 65535).Draw(t, "endpoint port")},
		}
		if rapid.Bool().Draw(t, "endpoint is an address") {
			p.Endpoint.Host = drawPrefix(t, "endpoint").Addr().String()
		}
		if rapid.Bool().Draw(t, "has preshared key") {
			p.PresharedKey = wgconf.NewSecret(drawKey(t, "preshared"))
		}
		for _, other := range cfg.Peers {
			if other.PublicKey == p.PublicKey {
				return cfg
			}
		}
		cfg.Peers = append(cfg.Peers, p)
	}
	return cfg
}

func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, priv := drawConfig(t), drawKey(t, "private")
		checkRendering(t, cfg)
		crossed := wgconf.Render(cfg)
		file, err := wgconf.Complete(crossed, priv)
		if err != nil {
			t.Fatalf("complete: %v", err)
		}
		back, err := wgconf.WithoutPrivateKey(file)
		if err != nil || !bytes.Equal(back, crossed) {
			t.Fatalf("got %q, %v back; want %q", back, err, crossed)
		}
		cfg.Interface.PrivateKey = wgconf.NewSecret(priv)
		whole, err := wgconf.RenderWithPrivateKey(cfg)
		if err != nil || !bytes.Equal(whole, file) {
			t.Fatalf("got %q, %v; want station and device to write the same file %q", whole, err, file)
		}
	})
}

// Text that another station wrote keeps every byte, comments and spelling included.
func TestCompleteKeepsEveryByte(t *testing.T) {
	priv := newKey(t)
	conf := "# made by hand\n\n [interface] # here\naddress=10.8.1.2/24 \n[PEER]\n\tpublickey = " + serverKey + "\nEndpoint=vpn.example:51820"
	file, err := wgconf.Complete([]byte(conf), priv)
	if err != nil {
		t.Fatalf("complete: %v", err)
	}
	want := strings.Replace(conf, "# here\n", "# here\nPrivateKey = "+priv.String()+"\n", 1)
	if string(file) != want {
		t.Errorf("got %q, want %q", file, want)
	}
	back, err := wgconf.WithoutPrivateKey(file)
	if err != nil || string(back) != conf {
		t.Errorf("got %q, %v back; want %q", back, err, conf)
	}
	// The largest text that may cross still comes back.
	full := conf + "\n#" + strings.Repeat(" x", (wgconf.MaxSize-len(conf)-2)/2)
	if file, err = wgconf.Complete([]byte(full), priv); err != nil {
		t.Fatalf("complete %d bytes: %v", len(full), err)
	}
	if back, err = wgconf.WithoutPrivateKey(file); err != nil || string(back) != full {
		t.Errorf("%d bytes did not come back: %v", len(full), err)
	}
}

func TestCompleteRefuses(t *testing.T) {
	priv := newKey(t)
	tests := []struct {
		name, conf string
		priv       wgtypes.Key
		want       wgconf.Problem
	}{
		{"hook", strings.Replace(canonical, "DNS", "PostUp", 1), priv, wgconf.ProblemHook},
		{"placeholder", recorded, priv, wgconf.ProblemPrivateKeyPresent},
		{"somebody's private key", strings.Replace(recorded, wgconf.Placeholder, newKey(t).String(), 1), priv, wgconf.ProblemPrivateKeyPresent},
		{"no key", canonical, wgtypes.Key{}, wgconf.ProblemPrivateKeyMissing},
		{"own public key as peer", strings.Replace(canonical, serverKey, priv.PublicKey().String(), 1), priv, wgconf.ProblemOwnKey},
		{"endpoint of nobody", strings.Replace(canonical, "localhost", "0.0.0.0", 1), priv, wgconf.ProblemEndpointUnspecified},
		{"too large", canonical + strings.Repeat("#", 4096), priv, wgconf.ProblemTooLarge},
	}
	for _, tt := range tests {
		file, err := wgconf.Complete([]byte(tt.conf), tt.priv)
		if file != nil || wgconf.ProblemOf(err) != tt.want {
			t.Errorf("%s: got %d bytes, %v; want %s", tt.name, len(file), err, tt.want)
		}
	}
	if _, err := wgconf.CompleteUnder([]byte(canonical), priv, wgconf.Policy{DNS: wgconf.Refuse}); wgconf.ProblemOf(err) != wgconf.ProblemDNS {
		t.Errorf("under a policy: got %v, want %s", err, wgconf.ProblemDNS)
	}
}

func TestWithoutPrivateKeyRefuses(t *testing.T) {
	file, err := wgconf.Complete([]byte(canonical), newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		file string
		want wgconf.Problem
	}{
		"no private key":       {canonical, wgconf.ProblemPrivateKeyMissing},
		"old key in a comment": {string(file) + "# PrivateKey = " + newKey(t).String() + "\n", wgconf.ProblemPrivateKeyPresent},
		"two private keys":     {strings.Replace(string(file), "DNS = 10.8.1.1", "privatekey = "+newKey(t).String(), 1), wgconf.ProblemDuplicateKey},
		"not a wg0.conf":       {"\x00", wgconf.ProblemNUL},
	}
	for name, tt := range tests {
		if back, err := wgconf.WithoutPrivateKey([]byte(tt.file)); back != nil || wgconf.ProblemOf(err) != tt.want {
			t.Errorf("%s: got %d bytes, %v; want %s", name, len(back), err, tt.want)
		}
	}
}

func TestPrivateKeyMadeByTheBridge(t *testing.T) {
	priv := newKey(t)
	text := strings.Replace(recorded, wgconf.Placeholder, priv.String(), 1)
	cfg := mustParse(t, text)
	got, ok := cfg.PrivateKey()
	if !ok || !bytes.Equal(got, priv[:]) {
		t.Fatal("want the bridge's private key")
	}
	clear(got)
	if again, _ := cfg.PrivateKey(); !bytes.Equal(again, priv[:]) {
		t.Error("the caller's copy is the configuration's own")
	}
	if err := wgconf.CheckPrivateKey(cfg, priv.PublicKey()); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if err := wgconf.CheckPrivateKey(cfg, newKey(t).PublicKey()); wgconf.ProblemOf(err) != wgconf.ProblemPrivateKeyMismatch || strings.Contains(err.Error(), priv.String()) {
		t.Errorf("got %v, want %s without the key", err, wgconf.ProblemPrivateKeyMismatch)
	}
	if err := wgconf.CheckPrivateKey(mustParse(t, recorded), priv.PublicKey()); wgconf.ProblemOf(err) != wgconf.ProblemPrivateKeyMissing {
		t.Errorf("got %v, want %s", err, wgconf.ProblemPrivateKeyMissing)
	}
	if diff := cmp.Diff(canonical, string(wgconf.Render(cfg))); diff != "" {
		t.Errorf("what crosses the line must have no private key (-want +got):\n%s", diff)
	}
	if pub, err := wgconf.PublicKey(priv[:]); err != nil || pub != priv.PublicKey() {
		t.Errorf("got %v, %v; want the public half", pub, err)
	}
	if _, err := wgconf.PublicKey(priv[:31]); err == nil {
		t.Error("31 bytes: got nil, want an error")
	}
	if _, err := wgconf.RenderWithPrivateKey(mustParse(t, recorded)); wgconf.ProblemOf(err) != wgconf.ProblemPrivateKeyMissing {
		t.Errorf("got %v, want %s", err, wgconf.ProblemPrivateKeyMissing)
	}
}

// holder keeps secrets where package fmt calls no methods.
type holder struct {
	cfg  wgconf.Config
	ptr  *wgconf.Config
	priv wgconf.Secret
}

func TestSecretsNeverShow(t *testing.T) {
	priv, psk := newKey(t), newKey(t)
	cfg := mustParse(t, strings.Replace(recorded, wgconf.Placeholder, priv.String(), 1)+"PresharedKey = "+psk.String()+"\n")
	h := holder{*cfg, cfg, cfg.Interface.PrivateKey}
	var out strings.Builder
	for _, v := range []any{cfg, *cfg, cfg.Interface, &cfg.Interface.PrivateKey, cfg.Interface.PrivateKey, cfg.Peers, h, &h, []any{cfg}, map[string]any{"c": *cfg}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%T", "%p", "%e", "% x", "%#x", "%08d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("marshal %T: %v", v, err)
		}
		out.Write(text)
		for _, log := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(log).Info("configuration", "value", v)
		}
	}
	out.WriteString(wgconf.Show(cfg))
	findings, err := wgconf.Lint(cfg, wgconf.Policy{})
	fmt.Fprintln(&out, findings, err)
	text, err := cfg.Interface.PrivateKey.MarshalText()
	if err != nil || string(text) != "(hidden)" || cfg.Interface.PrivateKey.String() != "(hidden)" || cfg.Interface.PrivateKey.GoString() != "(hidden)" {
		t.Errorf("got %q, %v; want (hidden)", text, err)
	}
	shown := strings.ToLower(out.String())
	for _, k := range []wgtypes.Key{priv, psk} {
		decimal := strings.Trim(fmt.Sprintf("%d", k[:8]), "[]")
		for _, form := range []string{k.String(), base64.RawURLEncoding.EncodeToString(k[:]), hex.EncodeToString(k[:8]), fmt.Sprintf("% x", k[:8]), decimal, string(k[:8])} {
			if strings.Contains(shown, strings.ToLower(form)) {
				t.Errorf("a secret shows as %q", form)
			}
		}
	}
	if want := strings.Replace(string(wgconf.Render(cfg)), psk.String(), "(hidden)", 1); wgconf.Show(cfg) != want {
		t.Errorf("shown as %q, want %q", wgconf.Show(cfg), want)
	}
}
