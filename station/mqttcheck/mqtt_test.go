package mqttcheck

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"runtime"
	"strings"
	"testing"
	"time"

	v5 "github.com/eclipse/paho.golang/packets"
)

var (
	connackOK5  = []byte{0x20, 3, 0, 0, 0}
	connackOK3  = []byte{0x20, 2, 0, 0}
	pubackOK    = []byte{0x40, 2, 0, 1}
	disconnect5 = []byte{0xe0, 1, 0x87}
)

func connack5(code byte, reason string) []byte {
	var b bytes.Buffer
	c := &v5.Connack{ReasonCode: code, Properties: &v5.Properties{ReasonString: reason}}
	_, _ = c.WriteTo(&b)
	return b.Bytes()
}

func puback5(code byte, reason string) []byte {
	var b bytes.Buffer
	c := &v5.Puback{PacketID: 1, ReasonCode: code, Properties: &v5.Properties{ReasonString: reason}}
	_, _ = c.WriteTo(&b)
	return b.Bytes()
}

func TestConnackCodes(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	id := p.device(t, newKey(t))
	for code, says := range map[byte]string{
		1: "unacceptable protocol version", 2: "client id rejected", 3: "server unavailable",
		4: "bad user name or password", 5: "not authorized", 6: "reserved return code 6", 255: "reserved return code 255",
	} {
		cfg := p.config((&fakeMQTT{tls: conf, answers: [][]byte{{0x20, 2, 0, code}}}).start(t))
		cfg.Protocol = Protocol311
		e := want{StepConnack, ConnackRefused, 0, code, says}.check(t, cfg, id).err
		if e.Protocol != Protocol311 {
			t.Errorf("got protocol %q, want 3.1.1", e.Protocol)
		}
	}
	for code := 0x80; code <= 0x9f; code++ {
		cfg := p.config((&fakeMQTT{tls: conf, answers: [][]byte{connack5(byte(code), "\x1b]0;pwn\aplease\r\nno")}}).start(t))
		cfg.Protocol = Protocol5
		e := want{StepConnack, ConnackRefused, 0, byte(code), codeWords5(byte(code))}.check(t, cfg, id).err
		if e.BrokerText != "]0;pwnpleaseno" {
			t.Errorf("got broker text %q, want it without control characters", e.BrokerText)
		}
	}
}

func TestFallsBackTo311(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	for name, answers := range map[string][][]byte{
		"code 0x84":              {connack5(0x84, "")},
		"3.1.1 code 1":           {{0x20, 2, 0, 1}},
		"3.1.1 accepts":          {connackOK3},
		"closes without a word":  nil,
		"code 0x84, 3 byte body": {{0x20, 3, 0, 0x84, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := p.config((&fakeMQTT{tls: conf, answers: answers, old: [][]byte{connackOK3, pubackOK}}).start(t))
			cfg.NoEcho = true
			id := p.device(t, newKey(t))
			res, err := Check(t.Context(), cfg, id)
			if err != nil || res.Proof != ProofBrokerAcked || res.MQTTVersion != Protocol311 || res.Signatures != 2 {
				t.Fatalf("got %+v, %v, want broker-acked by 3.1.1 with 2 signatures", res, err)
			}
			if n := id.Signer.(*remoteKey).calls.Load(); n != 2 {
				t.Errorf("got %d device signatures, want 2", n)
			}
			if last := res.Steps[len(res.Steps)-1]; last.Attempt != 2 || last.Step != StepPublish || !last.OK {
				t.Errorf("got last step %+v, want publish on attempt 2", last)
			}
			cfg.Protocol = Protocol5
			if res, err := Check(t.Context(), cfg, id); err == nil || res.Signatures != 1 {
				t.Errorf("got %+v, %v, want one try when MQTT 5 is demanded", res, err)
			}
		})
	}
	t.Run("not for other refusals", func(t *testing.T) {
		cfg := p.config((&fakeMQTT{tls: conf, answers: [][]byte{connack5(0x87, "")}, old: [][]byte{connackOK3, pubackOK}}).start(t))
		res := want{StepConnack, ConnackRefused, 0, 0x87, "not authorized"}.check(t, cfg, p.device(t, newKey(t))).res
		if res.Signatures != 1 {
			t.Errorf("got %d signatures, want 1", res.Signatures)
		}
	})
}

// What a broken or hostile broker may answer, and that none of it is a proof.
func TestHostileAnswers(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	id := p.device(t, newKey(t))
	stray := bytes.Repeat([]byte{0x30, 4, 0, 1, 't', 'x'}, maxStray+1)
	for _, tc := range []struct {
		name    string
		proto   Protocol
		answers [][]byte
		want    want
	}{
		{"giant packet", Protocol5, [][]byte{{0x20, 0xff, 0xff, 0xff, 0x7f}}, want{StepConnack, BrokerMisbehaved, 0, 0, "claims 268435455 bytes"}},
		{"endless length", Protocol5, [][]byte{{0x20, 0xff, 0xff, 0xff, 0xff, 0x7f}}, want{StepConnack, BrokerMisbehaved, 0, 0, "four bytes"}},
		{"half a packet", Protocol5, [][]byte{{0x20, 9, 0}}, want{StepConnack, BrokerClosed, 0, 0, "instead of answering"}},
		{"HTTP", Protocol5, [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, want{StepConnack, BrokerMisbehaved, 0, 0, "type 4"}},
		{"success below 0x80", Protocol5, [][]byte{connack5(0x01, "")}, want{StepConnack, BrokerMisbehaved, 0, 0, "0x01"}},
		{"bad properties", Protocol5, [][]byte{{0x20, 5, 0, 0, 2, 0xee, 0}}, want{StepConnack, BrokerMisbehaved, 0, 0, "malformed"}},
		{"property beyond the packet", Protocol5, [][]byte{{0x20, 6, 0, 0, 3, 0x1f, 0xff, 0xff}}, want{StepConnack, BrokerMisbehaved, 0, 0, "malformed"}},
		{"bytes too many", Protocol5, [][]byte{{0x20, 4, 0, 0, 0, 0}}, want{StepConnack, BrokerMisbehaved, 0, 0, "after the end"}},
		{"reserved flags", Protocol5, [][]byte{{0x21, 3, 0, 0, 0}}, want{StepConnack, BrokerMisbehaved, 0, 0, "malformed CONNACK"}},
		{"session kept", Protocol5, [][]byte{{0x20, 3, 1, 0, 0}}, want{StepConnack, BrokerMisbehaved, 0, 0, "kept session"}},
		{"3.1.1 answer", Protocol5, [][]byte{connackOK3}, want{StepConnack, BrokerMisbehaved, 0, 0, "form of MQTT 3.1.1"}},
		{"long 3.1.1 answer", Protocol311, [][]byte{connackOK5}, want{StepConnack, BrokerMisbehaved, 0, 0, "CONNACK of 3 bytes"}},
		{"auth", Protocol5, [][]byte{{0xf0, 0}}, want{StepConnack, BrokerMisbehaved, 0, 0, "type 15"}},
		{"disconnect", Protocol5, [][]byte{disconnect5}, want{StepConnack, BrokerClosed, 0, 0x87, "not authorized"}},
		{"only QoS 0", Protocol5, [][]byte{{0x20, 5, 0, 0, 2, 0x24, 0}}, want{StepPublish, PublishDenied, 0, 0x9b, "QoS 0"}},
		{"tiny maximum", Protocol5, [][]byte{{0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 20}}, want{StepPublish, PublishDenied, 0, 0x95, "20 bytes"}},
		{"other id", Protocol5, [][]byte{connackOK5, {0x40, 2, 0, 9}}, want{StepPublish, BrokerMisbehaved, 0, 0, "PUBACK for packet 9"}},
		{"other id, 3.1.1", Protocol311, [][]byte{connackOK3, {0x40, 2, 0, 9}}, want{StepPublish, BrokerMisbehaved, 0, 0, "PUBACK for packet 9"}},
		{"short PUBACK", Protocol311, [][]byte{connackOK3, {0x40, 1, 0}}, want{StepPublish, BrokerMisbehaved, 0, 0, "malformed PUBACK"}},
		{"odd success", Protocol5, [][]byte{connackOK5, puback5(0x01, "")}, want{StepPublish, BrokerMisbehaved, 0, 0, "0x01"}},
		{"denied", Protocol5, [][]byte{connackOK5, puback5(0x87, "ACL\x1b[2J")}, want{StepPublish, PublishDenied, 0, 0x87, "not authorized"}},
		{"quota", Protocol5, [][]byte{connackOK5, puback5(0x97, "")}, want{StepPublish, PublishDenied, 0, 0x97, "quota exceeded"}},
		{"disconnect at publish", Protocol5, [][]byte{connackOK5, disconnect5}, want{StepPublish, PublishDenied, 0, 0x87, "not authorized"}},
		{"taken over", Protocol5, [][]byte{connackOK5, {0xe0, 1, 0x8e}}, want{StepPublish, BrokerClosed, 0, 0x8e, "taken over"}},
		{"bare disconnect", Protocol5, [][]byte{connackOK5, {0xe0, 0}}, want{StepPublish, BrokerClosed, 0, 0, "no reason"}},
		{"closed at publish", Protocol5, [][]byte{connackOK5, {}}, want{StepPublish, BrokerClosed, 0, 0, "instead of acknowledging"}},
		{"closed at publish, 3.1.1", Protocol311, [][]byte{connackOK3, {}}, want{StepPublish, BrokerClosed, 0, 0, "instead of acknowledging"}},
		{"flood", Protocol5, [][]byte{connackOK5, stray}, want{StepPublish, BrokerMisbehaved, 0, 0, "more than 64 messages"}},
		{"second CONNACK", Protocol5, [][]byte{connackOK5, connackOK5}, want{StepPublish, BrokerMisbehaved, 0, 0, "type 2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := p.config((&fakeMQTT{tls: conf, answers: tc.answers}).start(t))
			cfg.Protocol, cfg.NoEcho = tc.proto, true
			tc.want.check(t, cfg, id)
		})
	}
}

func TestSilentBroker(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	for _, tc := range []struct {
		version uint16
		answers [][]byte
		step    Step
	}{
		{bothTLS[0], [][]byte{{}}, StepConnack},
		{bothTLS[1], [][]byte{{}}, StepCertificate},
		{bothTLS[1], [][]byte{connackOK5, {}}, StepPublish},
	} {
		cfg := p.config((&fakeMQTT{tls: conf, answers: tc.answers, hold: true}).start(t))
		cfg.TLSMin, cfg.TLSMax, cfg.Timeout = tc.version, tc.version, 300*time.Millisecond
		want{tc.step, Timeout, 0, 0, "in time"}.check(t, cfg, p.device(t, newKey(t)))
	}
}

// Messages before the acknowledgement are passed over; one that looks like the
// echo but lacks its white space is none.
func TestForeignEcho(t *testing.T) {
	p := newTenant(t)
	foreign := []byte{0x30, 0, 0, byte(len(DefaultTopic))}
	foreign = append(append(foreign, DefaultTopic...), DefaultPayload...)
	foreign[1] = byte(len(foreign) - 2)
	answers := [][]byte{connackOK3, append(bytes.Clone(foreign), pubackOK...), {0x90, 3, 0, 2, 0}, bytes.Repeat(foreign, 3)}
	cfg := p.config((&fakeMQTT{tls: p.serverTLS(t), answers: answers}).start(t))
	cfg.Protocol = Protocol311
	res, err := Check(t.Context(), cfg, p.device(t, newKey(t)))
	passed(t, res, err, ProofBrokerAcked, Protocol311)
}

func TestReadFrameTakesNoMemoryOnTrust(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := readFrame(bufio.NewReaderSize(bytes.NewReader([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}), 16)); err == nil {
			t.Fatal("got no error for a packet of 256 MB")
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("got %d bytes allocated, want less than 1 MiB", got)
	}
}

func FuzzPackets(f *testing.F) {
	for _, seed := range [][]byte{connackOK5, connackOK3, pubackOK, disconnect5, connack5(0x87, "no"), puback5(0x10, "x"), {0x30, 4, 0, 1, 't', 'x'}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := readFrame(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		if len(frame.body) > maxPacket {
			t.Fatalf("got a body of %d bytes, want at most %d", len(frame.body), maxPacket)
		}
		for _, p := range []Protocol{Protocol5, Protocol311} {
			c, _ := parseConnack(p, frame)
			a, _ := parsePuback(p, frame)
			d, _ := parseDisconnect(frame)
			for _, text := range []string{c.text, a.text, d.text} {
				if strings.ContainsFunc(text, unprintable) || len([]rune(text)) > maxText+3 {
					t.Fatalf("got text %s, want it clean and short", hex.EncodeToString([]byte(text)))
				}
			}
		}
		_, _ = parsePublish311(frame)
	})
}
