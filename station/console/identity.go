package console

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto"
	"provstation/station"
)

// facts are what a box says of itself.
type facts struct {
	serial, model, firmware string
	boot                    string // hex
	root                    bool
	openssl                 int // major version
	clock, heard            time.Time
}

// fields reads lines KEY=VALUE; the first of a key counts. Anything else is left out.
func fields(text string) map[string]string {
	m := map[string]string{}
	for l := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimRight(l, "\r\n"), "=")
		if _, have := m[k]; ok && !have && k != "" && len(k) <= 16 && len(m) < 64 {
			m[k] = v
		}
	}
	return m
}

// ascii is text as an agent would say it: printable ASCII, without the NUL that ends device tree strings, bounded.
func ascii(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, s))
	return s[:min(len(s), limit)]
}

// look loads what is needed and asks who the box is.
func (s *shell) look(ctx context.Context, l *line) (facts, error) {
	if !s.loaded["look"] {
		if err := s.prepare(ctx, l); err != nil {
			return facts{}, err
		}
	}
	a, err := s.do(ctx, l.cfg.Command, "look")
	if err != nil {
		return facts{}, err
	}
	heard := time.Now()
	return readFacts(fields(a.text), heard), nil
}

// prepare sets the names that the scripts use, and keeps the kernel from talking into the session where that may be done.
func (s *shell) prepare(ctx context.Context, l *line) error {
	f := l.cfg.Files
	quiet := `K=$(cat /proc/sys/kernel/printk 2>/dev/null);echo 1 2>/dev/null >/proc/sys/kernel/printk||K=`
	names := fmt.Sprintf("B=%s P=%s FK=%s FD=%s FC=%s FW=%s FF=%s FO=%s", quote(f.Dir), quote(f.Dir+"/"+ownDir),
		quote(f.Key), quote(f.Device), quote(f.CA), quote(f.WireGuard), quote(f.Flag), quote(strings.Join(f.OtherFlags, " ")))
	for _, d := range []string{quiet, names, "tidy"} {
		if _, err := s.send(ctx, l.cfg.Command, "d", d); err != nil {
			return lostIfUnheard(err)
		}
	}
	return s.load(ctx, l.cfg.Command, "look", lookScript)
}

// readFacts puts what the box said into its facts. The serial is found in the order in which an agent finds it, so that both
// name the same box the same way.
func readFacts(m map[string]string, heard time.Time) facts {
	f := facts{root: m["uid"] == "0", heard: heard}
	for _, k := range []string{"serial1", "serial2"} {
		if f.serial == "" {
			f.serial = ascii(m[k], serialproto.MaxSerial)
		}
	}
	if mid := m["machine"]; f.serial == "" && isHex(mid, 64) {
		f.serial = "mid-" + mid[:24]
	}
	for _, k := range []string{"model1", "model2"} {
		if f.model == "" {
			f.model = ascii(m[k], serialproto.MaxModel)
		}
	}
	if f.model == "" {
		f.model = "console"
	}
	f.firmware = ascii(m["os"], 60)
	if id := strings.ReplaceAll(m["boot"], "-", ""); isHex(id, 32) {
		f.boot = id
	}
	if n, err := strconv.ParseInt(m["now"], 10, 64); err == nil && n > 0 && n < 1<<40 {
		f.clock = time.Unix(n, 0).UTC()
	}
	if _, v, ok := strings.Cut(m["openssl"], " "); ok {
		major, _, _ := strings.Cut(v, ".")
		f.openssl, _ = strconv.Atoi(major)
	}
	return f
}

// wireGuard reports whether the box can make a WireGuard key: openssl has X25519 since 1.1.
func (f facts) wireGuard(have map[string]bool) bool { return have["wg"] || f.openssl > 1 }

// holding is what a box holds, as its files say it.
type holding struct {
	state                   station.DeviceState
	current, newest         uint32
	enroll                  station.EnrollID
	device                  string
	unflagged               bool // the newest generation is the current one, without its flag
	spki, leaf, csr         []byte
	signed                  int
	sumDevice, sumCA, sumWG string // SHA-256 of the files, of wg0.conf without its private key
}

// hexBytes decodes so many bytes; nil for anything else.
func hexBytes(s string, n int) []byte {
	if !isHex(s, 2*n) {
		return nil
	}
	b, _ := hex.DecodeString(s)
	return b
}
