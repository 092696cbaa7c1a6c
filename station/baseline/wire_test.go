package baseline

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCRC16(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0x31c3 { // the check value of CRC-16/XMODEM
		t.Errorf("got %#04x, want 0x31c3", got)
	}
}

// The echo request and answer that the documentation of a Python client prints, in version 1 of the header.
func TestPacketVectors(t *testing.T) {
	type echo struct {
		Text string `cbor:"d"`
	}
	packet, err := pack(header{op: opWrite}, echo{"Hello world!"})
	want := append([]byte{0x0a, 0, 0, 0x10, 0, 0, 0, 0, 0xa1, 0x61, 0x64, 0x6c}, "Hello world!"...)
	if err != nil || !bytes.Equal(packet, want) {
		t.Errorf("got % x, %v, want % x", packet, err, want)
	}
	answer, err := hex.DecodeString("0b00000700008c00a1617263486921")
	if err != nil {
		t.Fatal(err)
	}
	h, body, err := unpack(answer)
	if wantH := (header{op: opWriteAnswer, seq: 140}); err != nil || h != wantH {
		t.Errorf("got %+v, %v, want %+v", h, err, wantH)
	}
	var got struct {
		Text string `cbor:"r"`
	}
	if err := readAnswer(body, &got); err != nil || got.Text != "Hi!" {
		t.Errorf("got %q, %v, want Hi!", got.Text, err)
	}
}

func TestFrames(t *testing.T) {
	// By hand: length 2+2, the two bytes "hi", CRC-16 of them.
	if got, want := string(frames([]byte("hi"))), "\x06\x09AARoaX8M\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, n := range []int{8, 89, 90, 182, 183, maxPacket} {
		packet := bytes.Repeat([]byte{0xa5}, n)
		lines := bytes.SplitAfter(frames(packet), []byte("\n"))
		lines = lines[:len(lines)-1]
		if want := (n + 4 + frameChunk - 1) / frameChunk; len(lines) != want {
			t.Errorf("%d bytes: got %d frames, want %d", n, len(lines), want)
		}
		var a assembler
		for i, line := range lines {
			if len(line) > 127 {
				t.Errorf("%d bytes: frame of %d", n, len(line))
			}
			if _, whole := a.line([]byte("[1.0] console text")); whole {
				t.Error("text between frames is a packet")
			}
			got, whole := a.line(bytes.TrimSuffix(line, []byte("\n")))
			if last := i == len(lines)-1; whole != last || last && !bytes.Equal(got, packet) {
				t.Errorf("%d bytes, frame %d: got a packet: %v, want %v", n, i, whole, last)
			}
		}
	}
}

func TestFramesThatAreLost(t *testing.T) {
	packet, err := pack(header{op: opRead, group: groupFS}, fileRequest{0, strings.Repeat("x", 100)})
	if err != nil {
		t.Fatal(err)
	}
	sound := bytes.Split(bytes.TrimSuffix(frames(packet), []byte("\n")), []byte("\n"))
	for name, lines := range map[string][][]byte{
		"no first frame":       sound[1:],
		"a frame is missing":   {sound[0]},
		"a flipped character":  {bytes.Replace(sound[0], []byte("eHh4"), []byte("eHh5"), 1), sound[1]},
		"no base64":            {append(slices.Clone(sound[0]), '!'), sound[1]},
		"more than it says":    {sound[0], sound[0][:2], sound[1], sound[1]},
		"more than the buffer": append([][]byte{[]byte("\x06\x09//8A")}, slices.Repeat([][]byte{append(slices.Clone(markMore[:]), bytes.Repeat([]byte("AAAA"), 31)...)}, 9)...),
	} {
		var a assembler
		for _, line := range lines {
			if _, whole := a.line(line); whole {
				t.Errorf("%s: read as a packet", name)
			}
		}
		if len(a.raw) > maxReceived+frameChunk {
			t.Errorf("%s: %d bytes kept", name, len(a.raw))
		}
	}
}

func TestAnswersThatRefuse(t *testing.T) {
	for _, c := range []struct {
		body any
		want error
	}{
		{refused(errNotSupported), ErrRefused},
		{refusedFS(fsNotFound), ErrRefused},
		{[]int{1}, ErrAnswer},
		{map[string]string{"off": "far"}, ErrAnswer},
	} {
		data, err := encoding.Marshal(c.body)
		if err != nil {
			t.Fatal(err)
		}
		var got fileOffset
		if err := readAnswer(data, &got); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v, want %v", c.body, err, c.want)
		}
	}
}

// An nRF91's attestation of a CSR is 154 bytes, whose digest a changed CSR does not fit.
func TestKeygenAnswer(t *testing.T) {
	csr := []byte("a certificate request")
	cose, err := attest(csr)
	if err != nil || len(cose) != 154 {
		t.Fatalf("got %d bytes, %v, want 154", len(cose), err)
	}
	const sample = "d28443a10126a1044121584cd9d9f7850950" // where what differs from modem to modem begins
	if got := hex.EncodeToString(cose[:len(sample)/2]); got != sample {
		t.Errorf("got %s, want %s", got, sample)
	}
	text := (&atBox{w: Work{MakeKey: newRig().work().MakeKey}, ctx: t.Context()}).keygen()
	line, _, _ := strings.Cut(strings.TrimPrefix(text, "%KEYGEN: "), "\r\n")
	if got, err := parseKeygen(line); err != nil || len(got) < 200 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"another CSR":    {"\"AAAA" + line[5:], ErrReadBack},
		"no attestation": {"\"AAAA\"", ErrAnswer},
		"no COSE":        {"\"AAAA.AAAA\"", ErrAnswer},
		"padding":        {"\"AA==.AAAA\"", ErrAnswer},
	} {
		if _, err := parseKeygen(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestModem(t *testing.T) {
	r := newRig()
	b := &atBox{ctx: t.Context(), disk: newDisk(t.TempDir()), w: r.work()}
	for _, c := range []struct{ command, answer, event string }{
		{"AT", "OK", ""},
		{"AT+CFUN=1", "OK", ""},
		{`AT%CMNG=0,16842753,0,"x"`, "+CME ERROR: 518", ""},
		{"AT+CFUN=4", "OK", ""},
		{`AT%CMNG=1,16842753,0`, "OK", ""},
		{"AT%CMNG=0,16842753,0,\"line\nline, and more\"", "OK", ""},
		{`AT%CMNG=1,16842753,0`, "%CMNG: 16842753,0,\"809B0EE5F6C2375D18DF17DCBBA3C622423EB6EF149EF47E2708947DB39F0210\"\r\nOK", ""},
		{`AT%CMNG=0,16842753,9,"x"`, "ERROR", ""},
		{`AT%CMNG=0,16842753,0,"x`, "ERROR", ""},
		{`AT#XMQTTCON=1,"box-000042","","","broker.example.com",8883,16842753`, "ERROR", ""},
		{"AT+CFUN=1", "OK", ""},
		{`AT#XMQTTPUB="t","x",1,0`, "ERROR", ""},
		{`AT#XMQTTCON=1,"another","","","broker.example.com",8883,16842753`, "OK", "#XMQTTEVT: 0,-111"},
		{`AT#XMQTTCON=1,"box-000042","","","broker.example.com",8883,16842753`, "OK", "#XMQTTEVT: 0,0"},
		{`AT#XMQTTPUB="t","x",1,0`, "OK", "#XMQTTEVT: 3,0"},
		{"AT#XMQTTCON=0", "OK", "#XMQTTEVT: 1,0"},
		{"AT+CGMR", "ERROR", ""},
		{"", "ERROR", ""},
	} {
		if answer, event := b.answer(c.command); answer != c.answer || event != c.event {
			t.Errorf("%q: got %q, %q, want %q, %q", c.command, answer, event, c.answer, c.event)
		}
	}
	if r.proofs != 1 {
		t.Errorf("got %d broker tests, want 1", r.proofs)
	}
}

func TestCommandsAcrossLines(t *testing.T) {
	buf := []byte("AT\r\nAT%CMNG=0,1,1,\"a\r\nb\"\r\nAT")
	for _, want := range []string{"AT", "AT%CMNG=0,1,1,\"a\r\nb\""} {
		if got, found := takeCommand(&buf); got != want || !found {
			t.Errorf("got %q, %v, want %q", got, found, want)
		}
	}
	if got, found := takeCommand(&buf); found || string(buf) != "AT" {
		t.Errorf("got %q, %v with %q left", got, found, buf)
	}
	buf = bytes.Repeat([]byte("A"), maxCommand+1)
	if got, found := takeCommand(&buf); !found || got != "" || len(buf) != 0 {
		t.Errorf("too long: got %q, %v with %d bytes left", got, found, len(buf))
	}
}

func TestParseLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // word lists, joined by what joins them
	}{
		{"", nil},
		{"cat device.csr", []string{"cat|device.csr"}},
		{"cat > f <<'EOF'", []string{"cat"}},
		{"a -m '{\"test\": 1; && }' && b;echo rc=$?", []string{"a|-m|{\"test\": 1; && }", "&&b", ";echo|rc=$?"}},
		{"sync;", []string{"sync"}},
	} {
		list, err := parseLine(c.line)
		var got []string
		for _, command := range list {
			got = append(got, command.after+strings.Join(command.words, "|"))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v, want %q", c.line, got, err, c.want)
		}
	}
	for _, line := range []string{"'", "&& a", "a &&", "a ;; b", "cat >", "cat > > f", "cat > && a"} {
		if got, err := parseLine(line); err == nil {
			t.Errorf("%q: got %v, want an error", line, got)
		}
	}
}

// What the model prints, byte for byte, echo and prompts included.
func TestShell(t *testing.T) {
	sh := &shell{ctx: t.Context(), s: newStream(script{}), disk: newDisk(t.TempDir()), w: newRig().work()}
	for _, c := range []struct{ typed, want string }{
		{"", ""},
		{"reboot", "sh: reboot: not found\r\n"},
		{"reboot; echo rc=$?", "sh: reboot: not found\r\nrc=127\r\n"},
		{"cat nothing && sync; echo rc=$?", "cat: nothing: no such file or directory\r\nrc=1\r\n"},
		{"cat ../../etc/passwd", "cat: file name \"../../etc/passwd\": invalid argument\r\n"},
		{"openssl req -new -subj /CN=another -out device.csr; echo rc=$?", "openssl: this box has no use for these arguments\r\nrc=1\r\n"},
		{"mosquitto_pub -h another; echo rc=$?", "mosquitto_pub: error: Connection refused\r\nrc=1\r\n"},
		{"'", "sh: syntax error: unterminated quoted string\r\n"},
	} {
		if got, want := typeInto(t, sh, c.typed+"\r"), c.typed+"\r\n"+c.want+promptFirst; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := typeInto(t, sh, strings.Repeat("a", maxTyped+2)); got != strings.Repeat("a", maxTyped)+"\a\a" {
		t.Errorf("a line that is too long: got %d bytes, want %d and two bells", len(got), maxTyped)
	}
}

// typeInto returns what the shell prints while keys are typed.
func typeInto(t *testing.T, sh *shell, keys string) string {
	t.Helper()
	var said bytes.Buffer
	sh.s.t = recorder{script{}, &said}
	for _, b := range []byte(keys) {
		if err := sh.key(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := sh.flush(); err != nil {
		t.Fatal(err)
	}
	return said.String()
}

type recorder struct {
	script
	said *bytes.Buffer
}

func (r recorder) Write(p []byte) (int, error) { return r.said.Write(p) }

func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x06\x09AARoaX8M\n"))
	f.Add(bytes.Join([][]byte{frames(bytes.Repeat([]byte{1}, 200)), []byte("text")}, nil))
	f.Fuzz(func(t *testing.T, said []byte) {
		var a assembler
		for line := range bytes.Lines(said) {
			packet, whole := a.line(bytes.TrimSuffix(line, []byte("\n")))
			if !whole {
				continue
			}
			if len(packet) > maxPacket {
				t.Errorf("packet of %d bytes", len(packet))
			}
			var again assembler
			for line := range bytes.Lines(frames(packet)) {
				got, whole := again.line(bytes.TrimSuffix(line, []byte("\n")))
				if whole && !bytes.Equal(got, packet) {
					t.Error("a packet in new frames differs")
				}
			}
			_, _, _ = unpack(packet)
		}
	})
}

func FuzzKeygen(f *testing.F) {
	f.Add("\"AAAA.0oRDoQEm\"")
	f.Fuzz(func(t *testing.T, text string) {
		if csr, err := parseKeygen(text); err != nil && csr != nil {
			t.Errorf("got %d bytes beside %v", len(csr), err)
		}
	})
}

func FuzzArguments(f *testing.F) {
	f.Add("0,16842753,0,\"a\nb\"")
	f.Fuzz(func(t *testing.T, s string) {
		args, err := splitArguments(s)
		if err != nil {
			return
		}
		n := 0
		for _, a := range args {
			n += len(a) + 1
		}
		if n > len(s)+1 {
			t.Errorf("%d bytes out of %d", n, len(s))
		}
	})
}
