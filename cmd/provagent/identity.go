package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"

	"provstation/serialproto"
)

// identity reads what the host says of its hardware, under a root that tests replace.
type identity struct{ root string }

// Places where Linux shows a board's identity. product_serial is readable by root only.
var (
	serialFiles = [...]string{"sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_serial"}
	modelFiles  = [...]string{"sys/firmware/devicetree/base/model", "sys/class/dmi/id/product_name"}
)

const machineIDFile = "etc/machine-id"

// serial gives the hardware serial and the file it is from; derived says that it is made from the machine id, which
// belongs to the installation and not to the board.
func (i identity) serial() (serial, from string, derived bool) {
	for _, f := range serialFiles {
		if s := i.line(f, serialproto.MaxSerial); s != "" {
			return s, "/" + f, false
		}
	}
	id := i.line(machineIDFile, 64)
	if id == "" {
		return "", "nothing", true
	}
	// A machine id is not for others to see; machine-id(5) wants a keyed hash of it.
	h := hmac.New(sha256.New, []byte(id))
	h.Write([]byte("provagent hardware serial"))
	return "mid-" + hex.EncodeToString(h.Sum(nil)[:12]), "/" + machineIDFile, true
}

func (i identity) model() string {
	for _, f := range modelFiles {
		if s := i.line(f, serialproto.MaxModel); s != "" {
			return s
		}
	}
	return "provagent"
}

// line reads a short file: printable ASCII, without the NUL that ends device tree strings.
func (i identity) line(path string, limit int) string {
	f, err := os.Open(filepath.Join(i.root, path))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return ""
	}
	s := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, string(b))
	s = strings.TrimSpace(s)
	return s[:min(len(s), limit)]
}
