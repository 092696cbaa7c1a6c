package mqttcheck

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	v5 "github.com/eclipse/paho.golang/packets"
	v3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// Control packet types, the same in both versions (MQTT 5 section 2.1.2).
const (
	typeConnack    = v5.CONNACK
	typePublish    = v5.PUBLISH
	typePuback     = v5.PUBACK
	typeSuback     = v5.SUBACK
	typeDisconnect = v5.DISCONNECT
)

// maxPacket bounds the body of a packet from the broker. An echoed message may
// have maxPayload bytes; on MQTT 5 the broker is told.
const maxPacket = maxPayload + maxTopic + 1024

// misbehavior is a broken protocol rule.
type misbehavior struct{ what string }

func (e *misbehavior) Error() string { return e.what }

func misbehaved(format string, args ...any) error {
	return &misbehavior{fmt.Sprintf(format, args...)}
}

// frame is a control packet whose body is not looked into yet.
type frame struct {
	kind, flags byte
	body        []byte
}

// readFrame reads one control packet. Both paho libraries take memory for the
// length a peer claims, up to 256 MB, before a byte of it has come; so packets
// are read here and only bounded bodies are given to them.
func readFrame(r *bufio.Reader) (frame, error) {
	first, err := r.ReadByte()
	if err != nil {
		return frame{}, err
	}
	size, err := readLength(r)
	if err != nil {
		return frame{}, err
	}
	f := frame{kind: first >> 4, flags: first & 0x0f}
	if size > maxPacket {
		return frame{}, misbehaved("packet of type %d claims %d bytes, more than %d", f.kind, size, maxPacket)
	}
	f.body = make([]byte, size)
	if _, err := io.ReadFull(r, f.body); err != nil {
		return frame{}, inPacket(err)
	}
	return f, nil
}

// readLength reads a variable byte integer of at most four bytes (section 1.5.5).
func readLength(r *bufio.Reader) (int, error) {
	size := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, inPacket(err)
		}
		size |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			return size, nil
		}
	}
	return 0, misbehaved("packet length has more than four bytes")
}

func inPacket(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ack is what CONNACK, PUBACK and DISCONNECT tell.
type ack struct {
	id        uint16 // of PUBACK
	code      byte
	present   bool // session present
	text      string
	maxQoS    byte
	maxPacket uint32 // 0: no limit
	old       bool   // a CONNACK in the form of MQTT 3.1.1
}

// parseConnack reads a CONNACK. A broker that does not speak MQTT 5 answers in
// the two bytes of 3.1.1, also to a CONNECT of MQTT 5.
func parseConnack(p Protocol, f frame) (ack, error) {
	if f.flags != 0 || len(f.body) < 2 || f.body[0] > 1 {
		return ack{}, misbehaved("malformed CONNACK")
	}
	if p == Protocol311 || len(f.body) == 2 {
		if len(f.body) != 2 {
			return ack{}, misbehaved("CONNACK of %d bytes, want 2", len(f.body))
		}
		return ack{code: f.body[1], present: f.body[0] == 1, maxQoS: 2, old: true}, nil
	}
	var c v5.Connack
	c.Properties = &v5.Properties{}
	if err := unpack5(&c, f.body); err != nil {
		return ack{}, err
	}
	a := ack{code: c.ReasonCode, present: c.SessionPresent, text: clean(c.Properties.ReasonString), maxQoS: 2}
	if q := c.Properties.MaximumQOS; q != nil {
		a.maxQoS = *q
	}
	if m := c.Properties.MaximumPacketSize; m != nil {
		a.maxPacket = *m
	}
	return a, nil
}

// parsePuback reads a PUBACK.
func parsePuback(p Protocol, f frame) (ack, error) {
	if f.flags != 0 || len(f.body) < 2 || (p == Protocol311 && len(f.body) != 2) {
		return ack{}, misbehaved("malformed PUBACK")
	}
	if p == Protocol311 {
		var a v3.PubackPacket
		if err := a.Unpack(bytes.NewReader(f.body)); err != nil {
			return ack{}, misbehaved("malformed PUBACK: %v", err)
		}
		return ack{id: a.MessageID}, nil
	}
	var a v5.Puback
	a.Properties = &v5.Properties{}
	if err := unpack5(&a, f.body); err != nil {
		return ack{}, err
	}
	return ack{id: a.PacketID, code: a.ReasonCode, text: clean(a.Properties.ReasonString)}, nil
}

// parseDisconnect reads the DISCONNECT of an MQTT 5 broker; without a body it
// means 0x00 (section 3.14.2.1).
func parseDisconnect(f frame) (ack, error) {
	if f.flags != 0 {
		return ack{}, misbehaved("malformed DISCONNECT")
	}
	if len(f.body) == 0 {
		return ack{}, nil
	}
	var d v5.Disconnect
	d.Properties = &v5.Properties{}
	if err := unpack5(&d, f.body); err != nil {
		return ack{}, err
	}
	return ack{code: d.ReasonCode, text: clean(d.Properties.ReasonString)}, nil
}

// unpack5 decodes an MQTT 5 body. A panic of the decoder becomes an error: it
// slices by lengths it reads, and where int has 32 bits a length can be negative.
func unpack5(p v5.Packet, body []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = misbehaved("malformed packet")
		}
	}()
	buf := bytes.NewBuffer(body)
	if err := p.Unpack(buf); err != nil {
		return misbehaved("malformed packet: %s", clean(err.Error()))
	}
	if buf.Len() != 0 {
		return misbehaved("%d bytes after the end of a packet", buf.Len())
	}
	return nil
}

// message is a PUBLISH of MQTT 3.1.1 from the broker.
type message struct {
	topic   string
	payload []byte
}

func parsePublish311(f frame) (message, error) {
	p := v3.PublishPacket{FixedHeader: v3.FixedHeader{
		MessageType: typePublish, Qos: (f.flags >> 1) & 3, RemainingLength: len(f.body),
	}}
	if err := p.Unpack(bytes.NewReader(f.body)); err != nil && !errors.Is(err, io.EOF) {
		return message{}, misbehaved("malformed PUBLISH: %v", err)
	}
	return message{topic: p.TopicName, payload: p.Payload}, nil
}

// connectPacket returns the bytes of CONNECT: clean session, no will.
func connectPacket(p Protocol, id string, keepAlive uint16, user string, password Secret) ([]byte, error) {
	var b bytes.Buffer
	if p == Protocol311 {
		c := v3.NewControlPacket(v3.Connect).(*v3.ConnectPacket)
		c.ProtocolName, c.ProtocolVersion = "MQTT", 4
		c.CleanSession, c.Keepalive, c.ClientIdentifier = true, keepAlive, id
		c.UsernameFlag, c.Username = user != "", user
		// A password needs a user name in 3.1.1 [MQTT-3.1.2-22].
		c.PasswordFlag, c.Password = user != "" && password != "", []byte(password)
		err := c.Write(&b)
		return b.Bytes(), err
	}
	size, inFlight := uint32(maxPacket), uint16(8)
	c := &v5.Connect{
		ProtocolName: "MQTT", ProtocolVersion: 5, CleanStart: true, KeepAlive: keepAlive, ClientID: id,
		UsernameFlag: user != "", Username: user, PasswordFlag: password != "", Password: []byte(password),
		Properties: &v5.Properties{MaximumPacketSize: &size, ReceiveMaximum: &inFlight},
	}
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// publishPacket returns the bytes of PUBLISH at QoS 1, not retained.
func publishPacket(p Protocol, id uint16, topic string, payload []byte) ([]byte, error) {
	var b bytes.Buffer
	if p == Protocol311 {
		m := v3.NewControlPacket(v3.Publish).(*v3.PublishPacket)
		m.Qos, m.MessageID, m.TopicName, m.Payload = 1, id, topic, payload
		err := m.Write(&b)
		return b.Bytes(), err
	}
	m := &v5.Publish{QoS: 1, PacketID: id, Topic: topic, Payload: payload, Properties: &v5.Properties{}}
	_, err := m.WriteTo(&b)
	return b.Bytes(), err
}

// subscribePacket311 returns the bytes of SUBSCRIBE at QoS 0: the echo needs no
// acknowledgement.
func subscribePacket311(id uint16, topic string) ([]byte, error) {
	s := v3.NewControlPacket(v3.Subscribe).(*v3.SubscribePacket)
	s.MessageID, s.Topics, s.Qoss = id, []string{topic}, []byte{0}
	var b bytes.Buffer
	err := s.Write(&b)
	return b.Bytes(), err
}

// disconnectPacket is DISCONNECT with normal disconnection in both versions.
func disconnectPacket() []byte { return []byte{typeDisconnect << 4, 0} }
