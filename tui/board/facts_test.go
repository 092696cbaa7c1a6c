package board

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

const (
	secret    = "cGFzcyB0aGlzIG9uIGFuZCB5b3UgYXJlIG91dCBub3c="
	publicKey = "hT2vZ8u0p1mGq3yX4sWk5nRb6cJd7eLf9aQo0iUtYw0="
)

func TestHideSecrets(t *testing.T) {
	for _, tt := range []struct{ name, conf, want string }{
		{"a private key", "[Interface]\nPrivateKey = " + secret + "\nAddress = 10.8.0.2/32", "[Interface]\nPrivateKey = (hidden)\nAddress = 10.8.0.2/32"},
		{"a preshared key", "PresharedKey=" + secret, "PresharedKey = (hidden)"},
		{"in any case", "privatekey = " + secret, "privatekey = (hidden)"},
		{"with a colon", "private_key: " + secret, "private_key = (hidden)"},
		{"in two words", "Pre-Shared Key " + secret, "Pre-Shared Key = (hidden)"},
		{"in a comment", "# old PrivateKey = " + secret, "# old PrivateKey = (hidden)"},
		{"before its name", secret + " # PrivateKey", "PrivateKey = (hidden)"},
		{"on a line of its own", "PrivateKey =\n" + secret, "PrivateKey = (hidden)\n(hidden)"},
		{"under another name", "Key = " + secret, "Key = (hidden)"},
		{"without its padding", "Key = " + strings.TrimSuffix(secret, "="), "Key = (hidden)"},
		{"beside a public key", "PublicKey = " + publicKey + " " + secret, "PublicKey = (hidden) (hidden)"},
		{"shown already hidden", "PresharedKey = (hidden)", "PresharedKey = (hidden)"},
		{"a public key stays", "PublicKey = " + publicKey, "PublicKey = " + publicKey},
		{"the rest stays", "Endpoint = vpn.example.com:51820\nAllowedIPs = 10.8.0.0/24, fd00::/64", "Endpoint = vpn.example.com:51820\nAllowedIPs = 10.8.0.0/24, fd00::/64"},
		{"nothing", "", ""},
	} {
		if got := HideSecrets(tt.conf); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// fact is what a board keeps of a fact.
func fact(name, value string) string {
	b := apply(started("r1"), station.PhaseChanged{Run: "r1", Slot: "A", Phase: station.PhaseVerify, Status: station.PhaseDone, Facts: map[string]string{name: value}})
	return b.Slot("A").Facts[Clean(name, maxWord)]
}

func TestFactsOfSeveralLines(t *testing.T) {
	const pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n-----END EC PRIVATE KEY-----"
	for _, tt := range []struct{ name, fact, value, want string }{
		{"the tunnel's settings keep their lines", station.FactTunnelConf, "[Interface]\r\nMTU = 1380\n", "[Interface]\nMTU = 1380"},
		{"their secrets are hidden", station.FactTunnelConf, "PrivateKey = " + secret, "PrivateKey = (hidden)"},
		{"a name split by what nobody sees", station.FactTunnelConf, "Private\u200bKey = " + secret, "PrivateKey = (hidden)"},
		{"a name split by an escape sequence", station.FactTunnelConf, "Private\x1b[1mKey = " + secret, "PrivateKey = (hidden)"},
		{"a fact's name with what nobody sees", station.FactTunnelConf + "\u200b", "PrivateKey = " + secret, "PrivateKey = (hidden)"},
		{"a log keeps its lines", station.FactDeviceLog, "a\x1b[31m\nb", "a\nb"},
		{"the line's too", station.FactWireLog, "-> ENROLL\n<- CSR 412 B", "-> ENROLL\n<- CSR 412 B"},
		{"a key that a device printed", station.FactBootLog, "before\n" + pem + "\nafter", "before\n(hidden)\nafter"},
		{"a key on one line", station.FactBootLog, strings.ReplaceAll(pem, "\n", " "), "(hidden)"},
		{"a key whose begin is gone", station.FactDeviceLog, "MHcCAQEEIA\n-----END PRIVATE KEY-----\nafter", "(hidden)\nafter"},
		{"a key whose end is still to come", station.FactDeviceLog, "before\n-----BEGIN PRIVATE KEY-----\nMHcCAQEEIA", "before\n(hidden)"},
		{"a certificate is no secret", station.FactDeviceLog, "-----BEGIN CERTIFICATE-----\nMIIB", "-----BEGIN CERTIFICATE-----\nMIIB"},
		{"the ends of a chain are one line", station.FactChainNotAfter, "2027-01-01T00:00:00Z <-\n2028-01-01T00:00:00Z", "2027-01-01T00:00:00Z <- 2028-01-01T00:00:00Z"},
	} {
		if d := cmp.Diff(tt.want, fact(tt.fact, tt.value)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestWireLogGrows: every phase tells of its own messages, and a run begins with none.
func TestWireLogGrows(t *testing.T) {
	say := func(run, text string) station.PhaseChanged {
		return station.PhaseChanged{Run: run, Slot: "A", Phase: station.PhaseVerify, Status: station.PhaseDone, Facts: map[string]string{station.FactWireLog: text}}
	}
	b := apply(started("r1"), say("r1", "-> HELLO\n<- WELCOME"), say("r1", "-> ENROLL"), say("r1", ""))
	if got, want := b.Slot("A").Facts[station.FactWireLog], "-> HELLO\n<- WELCOME\n-> ENROLL"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 3000 {
		b.Apply(station.Event{Body: say("r1", "-> SIGN")})
	}
	if got := b.Slot("A").Facts[station.FactWireLog]; len(got) > maxLog || !strings.HasPrefix(got, "-> SIGN\n") {
		t.Errorf("got %d bytes from %.20q on, want the last messages, at most %d bytes", len(got), got, maxLog)
	}
	b.Apply(station.Event{Body: started("r2")})
	if got := b.Slot("A").Facts[station.FactWireLog]; got != "" {
		t.Errorf("got %.20q of the run before", got)
	}
}

func TestFactsOfSeveralLinesAreBounded(t *testing.T) {
	var long strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&long, "line %d with some text\n", i)
	}
	for _, name := range []string{station.FactBootLog, station.FactDeviceLog, station.FactWireLog} {
		got := fact(name, long.String())
		if len(got) > maxLog || !strings.HasSuffix(got, "line 4999 with some text") || !strings.HasPrefix(got, "line ") {
			t.Errorf("%s: got %d bytes from %.20q on, want the end in whole lines, at most %d bytes", name, len(got), got, maxLog)
		}
	}
	got := fact(station.FactTunnelConf, long.String())
	if len(got) > maxConf || !strings.HasPrefix(got, "line 0 ") || !strings.HasSuffix(got, "text") {
		t.Errorf("got %d bytes of settings, want the beginning in whole lines, at most %d", len(got), maxConf)
	}
	// A secret at the bound: neither it nor a part of it is shown.
	for pad := maxConf - 100; pad <= maxConf+20; pad++ {
		got := fact(station.FactTunnelConf, strings.Repeat("#", pad)+"\nPrivateKey = "+secret+"\n"+secret)
		if strings.Contains(got, secret[:6]) {
			t.Fatalf("%d bytes in: got a part of a secret: %q", pad, got[len(got)-60:])
		}
	}
}

func FuzzHideSecrets(f *testing.F) {
	for _, s := range []string{"PrivateKey = ", "private key", "\n", "PublicKey = " + publicKey + "\n", "#", "PresharedKey=" + secret + " "} {
		f.Add(s, "")
		f.Add(s, "\n")
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		// A key on a line with a secret's name never survives, whatever stands around it.
		conf := before + "\nPrivateKey = " + secret + after
		if got := fact(station.FactTunnelConf, conf); strings.Contains(got, secret) {
			t.Fatalf("got the secret in %q", got)
		}
	})
}
