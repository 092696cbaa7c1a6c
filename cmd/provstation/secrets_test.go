package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"provstation/serialproto"
	"provstation/station/devstack"
	"provstation/station/ledger"
)

// certificates are the fingerprints the ledger lists for a device.
func (b *realBench) certificates(tenant, id string) map[string]bool {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), "sqlite:"+filepath.Join(b.dir, "ledger.db"), ledger.Config{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	rows, err := l.CertificatesOf(b.t.Context(), tenant, id)
	if err != nil {
		b.t.Fatal(err)
	}
	list := map[string]bool{}
	for _, r := range rows {
		list[hex.EncodeToString(r.Fingerprint)] = true
	}
	return list
}

// needles are a private key in every form it could leak in.
func needles(name string, raw []byte, more ...[]byte) map[string][]byte {
	out := map[string][]byte{}
	for i, b := range append([][]byte{raw}, more...) {
		form := name + " " + []string{"raw", "PKCS #8", "SEC 1"}[i]
		out[form] = b
		out[form+" hex"] = []byte(hex.EncodeToString(b))
		out[form+" HEX"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
		out[form+" base64"] = []byte(base64.StdEncoding.EncodeToString(b))
		out[form+" base64url"] = []byte(base64.RawURLEncoding.EncodeToString(b))
	}
	return out
}

// collectSecrets adds every private key that lies on the device now: a generation that is replaced is deleted.
func (b *realBench) collectSecrets() {
	t := b.t
	t.Helper()
	before := len(b.keys)
	keyLine := regexp.MustCompile(`(?m)^PrivateKey = (\S+)$`)
	err := filepath.WalkDir(b.files, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(data); block != nil && block.Type == "PRIVATE KEY" {
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return err
			}
			ec := key.(*ecdsa.PrivateKey)
			scalar, err := ec.Bytes()
			if err != nil {
				return err
			}
			sec1, err := x509.MarshalECPrivateKey(ec)
			if err != nil {
				return err
			}
			for form, n := range needles(path, scalar, block.Bytes, sec1) {
				b.keys[form] = n
			}
			for line := range strings.Lines(string(data)) { // PEM body, line by line
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-") && len(line) > 20 {
					b.keys[path+" PEM "+line[:4]] = []byte(line)
				}
			}
		}
		if m := keyLine.FindSubmatch(data); m != nil {
			raw, err := base64.StdEncoding.DecodeString(string(m[1]))
			if err != nil {
				return err
			}
			for form, n := range needles(path, raw) {
				b.tunnel[form] = n
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.keys) == before || len(b.tunnel) == 0 {
		t.Fatalf("found %d new forms of device keys and %d of tunnel keys: the search would prove nothing", len(b.keys)-before, len(b.tunnel))
	}
}

// checkSecrets: no private key is in anything that left the device. Under the documented contract the bridge made the
// tunnel's key, so that one crosses the line to the device, and nothing else.
func (b *realBench) checkSecrets(contract devstack.Contract) {
	t := b.t
	t.Helper()
	down, up := b.socat.Transcript()
	inside := unpacked(down, payloads(up))
	if len(down) < 1500 || len(up) < 500 || len(inside) < 1500 {
		t.Fatalf("transcript of %d and %d bytes, %d packed: it is not whole", len(down), len(up), len(inside))
	}
	wire := map[string][]byte{
		"transcript to the station": up, "transcript to the device": down,
		"payloads to the station": payloads(up), "payloads to the device": append(payloads(down), inside...),
	}
	kept := map[string][]byte{"NDJSON and stderr": b.out.Bytes(), "agent's log": []byte(b.agent.Output()), "process arguments": arguments(t)}
	for _, name := range []string{"ledger.db", "ledger.db-wal", "station.log", "station.yaml"} {
		data, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		kept[name] = data
	}
	search := func(where map[string][]byte, secrets map[string][]byte) {
		for place, data := range where {
			for form, secret := range secrets {
				if bytes.Contains(data, secret) {
					t.Errorf("%s holds a private key: %s", place, strings.TrimPrefix(form, b.files))
				}
			}
		}
	}
	search(wire, b.keys)
	search(kept, b.keys)
	search(kept, b.tunnel)
	if contract == devstack.Deployed {
		search(wire, b.tunnel)
		return
	}
	found := false
	for _, secret := range b.tunnel {
		found = found || bytes.Contains(wire["payloads to the device"], secret)
	}
	if !found {
		t.Errorf("documented contract: the tunnel's key did not cross the line, so this search finds nothing in frames")
	}
}

// payloads are the contents of all frames in order: COBS undone, header and checksum cut off.
func payloads(stream []byte) []byte {
	var out []byte
	for _, frame := range frames(stream) {
		out = append(out, frame[4:len(frame)-4]...)
	}
	return out
}

// frames are those of a stream, with their headers and checksums.
func frames(stream []byte) (out [][]byte) {
	for seg := range bytes.SplitSeq(stream, []byte{0}) {
		var frame []byte
		for i := 0; i < len(seg); {
			n := int(seg[i])
			end := min(i+n, len(seg))
			frame = append(frame, seg[i+1:end]...)
			if i += n; n < 0xff && i < len(seg) {
				frame = append(frame, 0)
			}
		}
		if len(frame) > 8 {
			out = append(out, frame)
		}
	}
	return out
}

// unpacked is what the packed requests to the device hold, and what came ahead of them.
func unpacked(stream, up []byte) (out []byte) {
	down, dictionaries := payloads(stream), [][]byte{nil}
	packed := map[byte][]byte{}
	for _, f := range frames(stream) {
		if serialproto.Kind(f[0]&15) == serialproto.KindAhead {
			packed[f[1]] = append(packed[f[1]], f[4:len(f)-4]...)
		}
	}
	cameAhead := [][]byte{nil}
	for _, p := range packed {
		if ahead, err := serialproto.UnpackAhead(p); err == nil {
			cameAhead, out = append(cameAhead, ahead), append(out, ahead...)
		}
	}
	for i := range up {
		if !bytes.HasPrefix(up[i:], []byte{0x30, 0x82}) || len(up) < i+4 {
			continue
		}
		end := i + 4 + (int(up[i+2])<<8 | int(up[i+3]))
		if end > len(up) {
			continue
		}
		if _, err := x509.ParseCertificateRequest(up[i:end]); err == nil {
			dictionaries = append(dictionaries, up[i:end])
		}
	}
	begin := []byte{0x00, byte(serialproto.OpPacked), 0x01, 0x59} // its operation, and a string of 256 bytes and more
	for i := range down {
		if i == 0 || !bytes.HasPrefix(down[i:], begin) || len(down) < i+6 {
			continue
		}
		at := i + 6 + (int(down[i+4])<<8 | int(down[i+5]))
		for end := at; end <= min(at+22, len(down)); end++ { // with or without the CSR, and what came ahead
			var args serialproto.PackedArgs
			if serialproto.Decode(down[i-1:end], &args) != nil {
				continue
			}
			for _, csr := range dictionaries {
				for _, ahead := range cameAhead {
					if _, request, err := args.Unpack(ahead, csr, serialproto.DefaultMax); err == nil {
						out = append(out, request...)
					}
				}
			}
		}
	}
	return out
}

// arguments are the command lines of every process.
func arguments(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil { // processes come and go
			out = append(append(out, data...), '\n')
		}
	}
	return out
}
