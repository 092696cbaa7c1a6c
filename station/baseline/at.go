package baseline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Credential types of AT%CMNG (nRF91x1 AT Commands, "Credential storage management %CMNG", <type>).
const (
	typeRootCA     = 0 // ASCII text
	typeClientCert = 1 // ASCII text
	typePSKID      = 4 // ASCII text: the modem's only slot for text that is no certificate
)

// Security tags: the one of Nordic's examples for the broker, and the next for the tunnel file.
const (
	tagBroker = "16842753"
	tagTunnel = "16842754"
)

// maxInfo bounds the lines of one answer that are no final result.
const maxInfo = 16

// modem is the host's end of a line to an nRF91 modem behind Nordic's Serial LTE Modem application. Commands end with
// CR LF; there is no echo. Events come between answers. Sources: nRF91x1 AT Commands for %KEYGEN and %CMNG, the sdk-nrf
// repository for the rest (applications/serial_lte_modem/doc/MQTT_AT_commands.rst for #XMQTTCON, #XMQTTPUB, #XMQTTEVT).
type modem struct {
	s      *stream
	events []string // "#XMQTTEVT: ..." that nobody has waited for yet
}

// atHost installs credentials as Nordic's installers do (nrfcredstore, nrfcloud-utils): offline, key and CSR, certificates as
// PEM in one quoted string, compared by the SHA-256 that the list command shows; then it goes online for the broker test.
// The modem's slots call for the client's own chain and for the root, so each certificate crosses once. The tunnel file goes
// into a slot for text, since there is none for files; the mark is a command of the application's own (SLM_AT_CMD_CUSTOM). The
// deletion of what an earlier run left is spared, and so is the pause of a second that Nordic's scripts make after each write.
func atHost(ctx context.Context, s *stream, w Work) error {
	m := &modem{s: s}
	for _, command := range []string{"AT", "AT+CFUN=4"} { // offline: %CMNG writes are refused otherwise
		if _, err := m.do(command); err != nil {
			return err
		}
	}
	csr, err := m.keygen(w.DeviceID)
	if err != nil {
		return err
	}
	files, err := enroll(ctx, w, csr)
	if err != nil {
		return err
	}
	if err := m.install(files); err != nil {
		return err
	}
	return m.finish(w.DeviceID)
}

// keygen makes a key in the modem and takes the CSR from its answer.
func (m *modem) keygen(id string) ([]byte, error) {
	info, err := m.do("AT%KEYGEN=" + tagBroker + ",2,0,\"CN=" + id + "\"")
	if err != nil {
		return nil, err
	}
	for _, line := range info {
		if text, ok := strings.CutPrefix(line, "%KEYGEN: "); ok {
			return parseKeygen(text)
		}
	}
	return nil, fmt.Errorf("AT%%KEYGEN: no %%KEYGEN line among %d: %w", len(info), ErrAnswer)
}

// attestation is COSE_Sign1 (RFC 9052 4.2) as %KEYGEN signs a CSR. Its payload is a CBOR message whose fourth element is the
// SHA-256 of the CSR; the signature is for those who know the modem's identity key: nRF Cloud.
type attestation struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int][]byte
	Payload     []byte
	Signature   []byte
}

type keygenMessage struct {
	_      struct{} `cbor:",toarray"`
	Type   int
	UUID   []byte
	SecTag []byte
	Digest []byte
	Nonce  []byte
}

// parseKeygen reads "base64url(CSR).base64url(COSE_Sign1)" and compares the digest, as Nordic's parser does.
func parseKeygen(text string) ([]byte, error) {
	csr64, sign64, found := strings.Cut(strings.Trim(text, "\""), ".")
	if !found {
		return nil, fmt.Errorf("%%KEYGEN: no dot: %w", ErrAnswer)
	}
	csr, err := base64.RawURLEncoding.DecodeString(csr64)
	sign, err2 := base64.RawURLEncoding.DecodeString(sign64)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("%%KEYGEN: %w: %w", ErrAnswer, err)
	}
	var outer attestation
	if err := decoding.Unmarshal(bytes.TrimPrefix(sign, []byte{0xd2}), &outer); err != nil { // tag 18
		return nil, fmt.Errorf("%%KEYGEN: COSE_Sign1: %w: %w", ErrAnswer, err)
	}
	var inner keygenMessage
	if err := decoding.Unmarshal(bytes.TrimPrefix(outer.Payload, []byte{0xd9, 0xd9, 0xf7}), &inner); err != nil { // tag 55799
		return nil, fmt.Errorf("%%KEYGEN: payload: %w: %w", ErrAnswer, err)
	}
	if sum := sha256.Sum256(csr); !bytes.Equal(inner.Digest, sum[:]) {
		return nil, fmt.Errorf("%%KEYGEN: CSR and its attestation: %w", ErrReadBack)
	}
	return csr, nil
}

// decoding bounds what a device's CBOR may hold.
var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 8, MaxArrayElements: 16, MaxMapPairs: 16, TagsMd: cbor.TagsForbidden,
	}.DecMode()
	if err != nil {
		panic(err) // constant options
	}
	return mode
}()

// credential is one entry of the modem's storage.
type credential struct {
	tag     string
	kind    int
	content []byte
}

func (m *modem) install(f Files) error {
	own, root := f.Chain[:len(f.Chain)-1], f.Chain[len(f.Chain)-1]
	list := []credential{
		{tagBroker, typeClientCert, certificates(append([][]byte{f.Leaf}, own...)...)},
		{tagBroker, typeRootCA, certificates(root)},
		{tagTunnel, typePSKID, f.WGConf},
	}
	for _, c := range list {
		if bytes.ContainsAny(c.content, "\"\x00") || len(c.content) == 0 { // an AT string has no escapes
			return fmt.Errorf("%d bytes for type %d cannot be quoted: %w", len(c.content), c.kind, ErrPayload)
		}
		if _, err := m.do(fmt.Sprintf("AT%%CMNG=0,%s,%d,\"%s\"", c.tag, c.kind, c.content)); err != nil {
			return err
		}
	}
	for _, c := range list {
		slot := fmt.Sprintf("%s,%d", c.tag, c.kind)
		info, err := m.do("AT%CMNG=1," + slot)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(c.content)
		if want := "%CMNG: " + slot + ",\"" + strings.ToUpper(hex.EncodeToString(sum[:])) + "\""; len(info) != 1 || info[0] != want {
			return fmt.Errorf("AT%%CMNG=1,%s: %w", slot, ErrReadBack)
		}
	}
	return nil
}

// finish goes online, publishes with QoS 1 and leaves the mark. A message in an AT string has no double quotes.
func (m *modem) finish(id string) error {
	steps := []struct{ command, event string }{
		{"AT+CFUN=1", ""},
		{"AT#XMQTTCON=1,\"" + id + "\",\"\",\"\",\"" + brokerHost + "\"," + brokerPort + "," + tagBroker, "#XMQTTEVT: 0,0"},
		{"AT#XMQTTPUB=\"" + testTopic + "\",\"" + strings.ReplaceAll(testText, "\"", "'") + "\",1,0", "#XMQTTEVT: 3,0"},
		{"AT#XMQTTCON=0", "#XMQTTEVT: 1,0"},
		{"AT#XENROLLED=1", ""},
	}
	for _, step := range steps {
		if _, err := m.do(step.command); err != nil {
			return err
		}
		if step.event == "" {
			continue
		}
		if got, err := m.event(); err != nil {
			return fmt.Errorf("%s: wait for its event: %w", name(step.command), err)
		} else if got != step.event {
			return fmt.Errorf("%s: %s, want %q: %w", name(step.command), clip([]byte(got)), step.event, ErrRefused)
		}
	}
	return nil
}

// name is a command without its arguments.
func name(command string) string {
	if i := strings.IndexByte(command, '='); i >= 0 {
		return command[:i]
	}
	return command
}

// do sends a command and returns the lines before its final result code (3GPP TS 27.007 4.2, ITU-T V.250 5.7.1).
func (m *modem) do(command string) (info []string, err error) {
	if len(command) > maxCommand {
		return nil, fmt.Errorf("%s: %d bytes, the modem takes %d: %w", name(command), len(command), maxCommand, ErrTooLong)
	}
	if err := m.s.allow(patience); err != nil {
		return nil, err
	}
	if err := m.s.send([]byte(command + "\r\n")); err != nil {
		return nil, fmt.Errorf("%s: %w", name(command), err)
	}
	for len(info) <= maxInfo {
		line, err := m.s.line(maxLine)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name(command), err)
		}
		switch text := string(line); {
		case text == "OK":
			return info, nil
		case text == "ERROR" || strings.HasPrefix(text, "+CME ERROR: "):
			return nil, fmt.Errorf("%s: %s: %w", name(command), clip(line), ErrRefused)
		case strings.HasPrefix(text, "#XMQTTEVT: "):
			if m.events = append(m.events, text); len(m.events) > maxInfo {
				return nil, fmt.Errorf("%s: more than %d events: %w", name(command), maxInfo, ErrTooLong)
			}
		case text != "":
			info = append(info, text)
		}
	}
	return nil, fmt.Errorf("%s: more than %d lines: %w", name(command), maxInfo, ErrTooLong)
}

// event waits for the next one.
func (m *modem) event() (string, error) {
	if err := m.s.allow(patience); err != nil {
		return "", err
	}
	for range maxInfo {
		if len(m.events) > 0 {
			e := m.events[0]
			m.events = m.events[1:]
			return e, nil
		}
		line, err := m.s.line(maxLine)
		if err != nil {
			return "", err
		}
		if len(line) > 0 {
			m.events = append(m.events, string(line))
		}
	}
	return "", fmt.Errorf("more than %d empty lines: %w", maxInfo, ErrTooLong)
}
