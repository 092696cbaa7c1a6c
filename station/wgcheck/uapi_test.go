package wgcheck_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
)

// answer is that of the protocol's own description, with keys of this test.
func answer(private wgtypes.Key, peer wgtypes.Key) string {
	return fmt.Sprintf(`private_key=%s
listen_port=12912
fwmark=1
public_key=%s
preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
protocol_version=1
endpoint=[abcd:23::33%%2]:51820
last_handshake_time_sec=1700000000
last_handshake_time_nsec=5
tx_bytes=38333
rx_bytes=2224
persistent_keepalive_interval=111
allowed_ip=192.168.4.4/32
allowed_ip=fd08::4/128
something_new=yes
public_key=%s
endpoint=182.122.22.19:3233
last_handshake_time_sec=0
last_handshake_time_nsec=0
errno=0

left over`, hex.EncodeToString(private[:]), hex.EncodeToString(peer[:]), strings.Repeat("12", 32))
}

func TestParseUAPI(t *testing.T) {
	private, peer := wgtypes.Key{0: 8, 31: 64}, key(5)
	i, err := wgcheck.ParseUAPI(strings.NewReader(answer(private, peer)))
	if err != nil {
		t.Fatal(err)
	}
	if i.PublicKey != private.PublicKey() || i.ListenPort != 12912 || len(i.Peers) != 2 {
		t.Errorf("got %+v, want the interface of the description", i)
	}
	p := i.Peers[0]
	if p.PublicKey != peer || !p.Handshake.Equal(time.Unix(1700000000, 5)) || p.Sent != 38333 || p.Received != 2224 ||
		len(p.AllowedIPs) != 2 || p.Endpoint != netip.MustParseAddrPort("[abcd:23::33%2]:51820") {
		t.Errorf("got %+v, want the first peer", p)
	}
	if p := i.Peers[1]; !p.Handshake.IsZero() || p.Endpoint != netip.MustParseAddrPort("182.122.22.19:3233") {
		t.Errorf("got %+v, want a peer that was never heard of", p)
	}
	if text := fmt.Sprintf("%+v %#v", i, i); strings.Contains(text, private.String()) || strings.Contains(text, "188515093e95") {
		t.Error("a secret is in what was read")
	}
}

func TestParseUAPIRefuses(t *testing.T) {
	private := strings.Repeat("ab", 32)
	peer := "public_key=" + strings.Repeat("cd", 32) + "\n"
	for name, text := range map[string]string{
		"nothing":            "",
		"an early end":       "private_key=" + private + "\n",
		"no pair":            "hello\nerrno=0\n\n",
		"an error":           "errno=1\n\n",
		"errno of letters":   "errno=x\n\n",
		"short key":          "private_key=" + private[1:] + "\nerrno=0\n\n",
		"key of letters":     "private_key=" + strings.Repeat("xy", 32) + "\nerrno=0\n\n",
		"port":               "listen_port=65536\nerrno=0\n\n",
		"negative":           peer + "last_handshake_time_sec=-1\nerrno=0\n\n",
		"too many ns":        peer + "last_handshake_time_nsec=1000000000\nerrno=0\n\n",
		"address":            peer + "allowed_ip=10.0.0.1\nerrno=0\n\n",
		"endpoint":           peer + "endpoint=localhost:1\nerrno=0\n\n",
		"bytes":              peer + "rx_bytes=1e9\nerrno=0\n\n",
		"a line without end": strings.Repeat("a", 1<<20),
	} {
		i, err := wgcheck.ParseUAPI(strings.NewReader(text))
		if err == nil || i.Peers != nil || i.ListenPort != 0 {
			t.Errorf("%s: got %+v, %v, want an error and nothing else", name, i, err)
		}
		if err != nil && (strings.Contains(err.Error(), private[:8]) || strings.Contains(err.Error(), "xyxy")) {
			t.Errorf("%s: the error quotes the answer: %v", name, err)
		}
	}
}

func FuzzParseUAPI(f *testing.F) {
	f.Add(answer(wgtypes.Key{0: 8, 31: 64}, key(5)))
	f.Add("errno=0\n\n")
	f.Add("public_key=\nlast_handshake_time_sec=9223372036854775807\nerrno=0\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := wgcheck.ParseUAPI(strings.NewReader(text))
		if err != nil && (i.Peers != nil || i.PublicKey != (wgtypes.Key{}) || i.ListenPort != 0) {
			t.Fatalf("got %+v beside an error", i)
		}
		if len(i.Peers) > strings.Count(text, "public_key=") {
			t.Fatalf("got %d peers", len(i.Peers))
		}
		for _, p := range i.Peers {
			for _, a := range p.AllowedIPs {
				if !a.IsValid() || a != a.Masked() {
					t.Fatalf("got prefix %v", a)
				}
			}
		}
	})
}
