package baseline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// What an interactive shell prints when it wants a line (POSIX.1-2017 XCU 2.5.3: PS1, and PS2 within a here-document).
const (
	promptFirst = "root@box:~# "
	promptMore  = "> "
)

// Files on the box: the layout of its own enrollment script, which is what the station installs as well.
const (
	fileKey   = "device-key.pem"
	fileCSR   = "device.csr"
	fileLeaf  = "device.pem"   // leaf and intermediates
	fileChain = "ca-chain.pem" // intermediates and root
	fileWG    = "wg0.conf"
	fileFlag  = ".enrolled"
)

// console is the hand at the keyboard: a line, and the next only when the shell has asked for it, since a UART without flow
// control loses what comes while the box is busy. The echo is compared with what was typed.
type console struct{ s *stream }

// heredocHost is the manual way, scripted as people do with pexpect or a terminal's macros: a root shell that was logged in,
// whose echo is on. Certificates that are in two files cross twice.
func heredocHost(ctx context.Context, s *stream, w Work) error {
	c := console{s}
	if err := c.wake(); err != nil {
		return err
	}
	csr, err := c.request(w.DeviceID)
	if err != nil {
		return err
	}
	files, err := enroll(ctx, w, csr)
	if err != nil {
		return err
	}
	if err := c.install(files); err != nil {
		return err
	}
	return c.finish(w.DeviceID)
}

func (c console) wake() error {
	if err := c.typed(""); err != nil {
		return fmt.Errorf("wake the prompt: %w", err)
	}
	if _, err := c.s.until(promptFirst); err != nil {
		return fmt.Errorf("wake the prompt: %w", err)
	}
	return nil
}

// request makes key and CSR as enroll.sh on the box does, common name and alternative name alike, and reads the CSR.
// openssl 3.0 says nothing when either succeeds.
func (c console) request(id string) ([]byte, error) {
	if _, err := c.run("openssl ecparam -name prime256v1 -genkey -noout -out " + fileKey + " && openssl req -new -key " + fileKey +
		" -subj /CN=" + id + " -addext subjectAltName=DNS:" + id + " -out " + fileCSR); err != nil {
		return nil, err
	}
	text, err := c.run("cat " + fileCSR)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, fmt.Errorf("%s is no certificate request in PEM: %w", fileCSR, ErrAnswer)
	}
	return block.Bytes, nil
}

// install writes the files and compares what sha256sum says of them.
func (c console) install(f Files) error {
	inter := f.Chain[:len(f.Chain)-1]
	wg := f.WGConf
	if !bytes.HasSuffix(wg, []byte("\n")) {
		wg = append(bytes.Clone(wg), '\n') // a here-document consists of lines
	}
	list := []struct {
		name    string
		content []byte
	}{
		{fileLeaf, certificates(append([][]byte{f.Leaf}, inter...)...)},
		{fileChain, certificates(f.Chain...)},
		{fileWG, wg},
	}
	sums, want := "sha256sum", ""
	for _, file := range list {
		if err := c.here(file.name, file.content); err != nil {
			return fmt.Errorf("write %s: %w", file.name, err)
		}
		sum := sha256.Sum256(file.content)
		sums += " " + file.name
		want += hex.EncodeToString(sum[:]) + "  " + file.name + "\n"
	}
	if _, err := c.run("chmod 600 " + fileWG); err != nil {
		return err
	}
	got, err := c.run(sums)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("sha256sum of %s: %w", strings.TrimPrefix(sums, "sha256sum "), ErrReadBack)
	}
	return nil
}

// finish proves the connection and leaves the mark on the disk.
func (c console) finish(id string) error {
	said, err := c.run("mosquitto_pub -d -h " + brokerHost + " -p " + brokerPort + " --tls-version tlsv1.2 --cafile " + fileChain +
		" --cert " + fileLeaf + " --key " + fileKey + " -i " + id + " -q 1 -t " + testTopic + " -m '" + testText + "'")
	if err != nil {
		return err
	}
	if !strings.Contains(said, "received PUBACK") {
		return fmt.Errorf("mosquitto_pub did not tell of a PUBACK: %w", ErrAnswer)
	}
	_, err = c.run("touch " + fileFlag + " && sync")
	return err
}

// typed sends a line as a keyboard does and reads its echo (termios ECHO, ICRNL, ONLCR: CR comes back as CR LF).
func (c console) typed(line string) error {
	if err := c.s.allow(patience); err != nil {
		return err
	}
	if err := c.s.send([]byte(line + "\r")); err != nil {
		return err
	}
	if line == "" {
		return nil // the echo of a key that wakes: whatever stood on the line comes with it
	}
	return c.s.expect(line + "\r\n")
}

// run has the shell carry out a command that must succeed, and returns what it printed.
func (c console) run(command string) (string, error) {
	name, _, _ := strings.Cut(command, " ")
	if err := c.typed(command + "; echo rc=$?"); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	out, err := c.s.until(promptFirst)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	text, status, found := cutLast(strings.ReplaceAll(string(out), "\r\n", "\n"), "rc=")
	switch {
	case !found || status == "\n":
		return "", fmt.Errorf("%s: no exit status: %w", name, ErrAnswer)
	case status != "0\n":
		return "", fmt.Errorf("%s: exit status %s: %w", name, clip([]byte(strings.TrimSpace(status))), ErrRefused)
	}
	return text, nil
}

// here writes a file with a here-document, line by line.
func (c console) here(name string, content []byte) error {
	if err := checkText(content); err != nil {
		return err
	}
	if err := c.typed("cat > " + name + " <<'EOF'"); err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		if err := c.s.expect(promptMore); err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			if err := c.blank(); err != nil {
				return err
			}
		} else if err := c.typed(line); err != nil {
			return err
		}
	}
	if err := c.s.expect(promptMore); err != nil {
		return err
	}
	if err := c.typed("EOF"); err != nil {
		return err
	}
	return c.s.expect(promptFirst)
}

// blank types a line with nothing on it.
func (c console) blank() error {
	if err := c.typed(""); err != nil {
		return err
	}
	return c.s.expect("\r\n")
}

// checkText refuses what cannot be typed: control characters, the document's end, lines beyond the terminal's.
func checkText(content []byte) error {
	for line := range bytes.Lines(content) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if string(line) == "EOF" || len(line) > maxTyped || bytes.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			return fmt.Errorf("a line of %d bytes cannot be typed into a here-document: %w", len(line), ErrPayload)
		}
	}
	return nil
}

// cutLast is strings.Cut around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
