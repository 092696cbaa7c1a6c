package baseline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// maxCommand is what the model's command buffer takes, in bytes: a credential with its chain has to fit at once.
const maxCommand = 4096

// slots are the credentials that the model keeps, by "sec_tag,type", and the files that stand for its flash.
var slots = map[string]string{
	fmt.Sprintf("%s,%d", tagBroker, typeClientCert): fileLeaf,
	fmt.Sprintf("%s,%d", tagBroker, typeRootCA):     "root-ca.pem",
	fmt.Sprintf("%s,%d", tagTunnel, typePSKID):      fileWG,
}

// atBox is the model of the modem and the application before it.
type atBox struct {
	ctx     context.Context
	s       *stream
	disk    *disk
	w       Work
	online  bool
	session bool // with the broker
}

func atDevice(ctx context.Context, s *stream, d *disk, w Work) error {
	b := &atBox{ctx: ctx, s: s, disk: d, w: w}
	if err := s.allow(0); err != nil {
		return err
	}
	for {
		command, err := b.next()
		if err != nil {
			return err
		}
		answer, event := b.answer(command)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.send([]byte("\r\n" + answer + "\r\n")); err != nil {
			return err
		}
		if event != "" {
			if err := s.send([]byte("\r\n" + event + "\r\n")); err != nil {
				return err
			}
		}
	}
}

// next reads a command. Line ends within a quoted string belong to it, as in Nordic's AT host; one that does not fit the
// buffer is thrown away and answered like any that is wrong.
func (b *atBox) next() (string, error) {
	for {
		if command, found := takeCommand(&b.s.buf); found {
			return command, nil
		}
		if err := b.s.more(); err != nil {
			return "", err
		}
	}
}

// takeCommand takes a whole command off the front of buf, if there is one, without its CR LF. Of one that is too long there
// is nothing left.
func takeCommand(buf *[]byte) (command string, found bool) {
	quoted := false
	for i, c := range *buf {
		switch {
		case i >= maxCommand:
			*buf = nil
			return "", true
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted && i > 0 && (*buf)[i-1] == '\r':
			command = string((*buf)[:i-1])
			*buf = (*buf)[i+1:]
			return command, true
		}
	}
	return "", false
}

const atError = "ERROR"

// answer carries a command out.
func (b *atBox) answer(command string) (answer, event string) {
	verb, rest, _ := strings.Cut(command, "=")
	args, err := splitArguments(rest)
	if err != nil {
		return atError, ""
	}
	switch {
	case command == "AT":
		return "OK", ""
	case command == "AT+CFUN=4" || command == "AT+CFUN=1":
		b.online = command == "AT+CFUN=1"
		return "OK", ""
	case verb == "AT%KEYGEN" && len(args) == 4 && args[0] == tagBroker && args[1] == "2" && args[2] == "0" && args[3] == "CN="+b.w.DeviceID:
		return b.keygen(), ""
	case verb == "AT%CMNG" && len(args) == 4 && args[0] == "0":
		return b.store(args[1]+","+args[2], args[3]), ""
	case verb == "AT%CMNG" && len(args) == 3 && args[0] == "1":
		return b.list(args[1] + "," + args[2]), ""
	case verb == "AT#XMQTTCON" && len(args) == 7 && args[0] == "1":
		return b.connect(args)
	case verb == "AT#XMQTTPUB" && len(args) == 4 && b.session:
		return "OK", "#XMQTTEVT: 3,0"
	case command == "AT#XMQTTCON=0" && b.session:
		b.session = false
		return "OK", "#XMQTTEVT: 1,0"
	case command == "AT#XENROLLED=1":
		return b.keep(fileFlag, nil), ""
	}
	return atError, ""
}

// keygen answers a CSR and its attestation; both are of a real one's sizes, the signature is not real.
func (b *atBox) keygen() string {
	if b.online {
		return "+CME ERROR: 518" // not allowed in active state
	}
	csr, err := b.w.MakeKey(b.ctx)
	if err != nil {
		return atError
	}
	cose, err := attest(csr)
	if err != nil {
		return atError
	}
	enc := base64.RawURLEncoding
	return "%KEYGEN: \"" + enc.EncodeToString(csr) + "." + enc.EncodeToString(cose) + "\"\r\nOK"
}

// attest makes the 154 bytes that an nRF91 adds: a message of 76 bytes about the CSR and an ES256 signature.
func attest(csr []byte) ([]byte, error) {
	sum := sha256.Sum256(csr)
	inner, err := encoding.Marshal(keygenMessage{Type: 9, UUID: sum[:16], SecTag: []byte{0x18, 0x34}, Digest: sum[:], Nonce: sum[16:]})
	if err != nil {
		return nil, err
	}
	cose, err := encoding.Marshal(attestation{
		Protected:   []byte{0xa1, 0x01, 0x26},  // alg: ES256
		Unprotected: map[int][]byte{4: {0x21}}, // kid: the modem's identity key
		Payload:     append([]byte{0xd9, 0xd9, 0xf7}, inner...),
		Signature:   append(sum[:], sum[:]...),
	})
	return append([]byte{0xd2}, cose...), err
}

func (b *atBox) store(slot, content string) string {
	file, known := slots[slot]
	switch {
	case b.online:
		return "+CME ERROR: 518"
	case !known || content == "":
		return atError
	}
	return b.keep(file, []byte(content))
}

func (b *atBox) keep(file string, content []byte) string {
	if err := errors.Join(b.disk.write(file, content), b.disk.sync()); err != nil {
		return "+CME ERROR: 515" // memory full
	}
	return "OK"
}

func (b *atBox) list(slot string) string {
	file, known := slots[slot]
	if !known {
		return atError
	}
	sum, err := b.disk.sum(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "OK" // an empty list
	} else if err != nil {
		return atError
	}
	return "%CMNG: " + slot + ",\"" + strings.ToUpper(hex.EncodeToString(sum[:])) + "\"\r\nOK"
}

// connect reaches the one broker that there is.
func (b *atBox) connect(args []string) (answer, event string) {
	if !b.online || b.session {
		return atError, ""
	}
	if args[1] != b.w.DeviceID || args[4] != brokerHost || args[5] != brokerPort || args[6] != tagBroker || b.w.Prove(b.ctx) != nil {
		return "OK", "#XMQTTEVT: 0,-111" // ECONNREFUSED
	}
	b.session = true
	return "OK", "#XMQTTEVT: 0,0"
}

// splitArguments reads what follows '=': numbers and quoted strings, separated by commas.
func splitArguments(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var args []string
	for {
		var arg string
		if quoted, ok := strings.CutPrefix(s, "\""); ok {
			var closed bool
			if arg, s, closed = strings.Cut(quoted, "\""); !closed {
				return nil, errors.New("unterminated string")
			}
		} else {
			i := strings.IndexByte(s, ',')
			if i < 0 {
				i = len(s)
			}
			if arg, s = s[:i], s[i:]; arg == "" || bytes.ContainsFunc([]byte(arg), func(r rune) bool { return r < '0' || r > '9' }) {
				return nil, fmt.Errorf("%s is no number", clip([]byte(arg)))
			}
		}
		args = append(args, arg)
		if s == "" {
			return args, nil
		}
		if s[0] != ',' {
			return nil, errors.New("no comma after an argument")
		}
		s = s[1:]
	}
}
