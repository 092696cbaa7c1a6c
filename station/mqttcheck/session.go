package mqttcheck

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	// maxStray bounds the packets a broker may send before the awaited one.
	maxStray = 64

	firstPublish  = 1
	echoSubscribe = 2
	echoPublish   = 3
)

// session is the MQTT part of an attempt.
type session struct {
	a    *attempt
	conn *tls.Conn
	r    *bufio.Reader

	heard bool // the broker has sent data
}

func newSession(a *attempt, conn *tls.Conn) *session {
	return &session{a: a, conn: conn, r: bufio.NewReaderSize(conn, 4096)}
}

// connect does the step connack, and certificate on TLS 1.3.
func (s *session) connect() *Error {
	a := s.a
	keepAlive := uint16(min(a.cfg.Timeout/time.Second+60, math.MaxUint16))
	packet, err := connectPacket(a.proto, a.dev.clientID, keepAlive, a.cfg.Username, a.cfg.Password)
	if err != nil {
		return a.failure(StepConnack, BadConfig, err, "The MQTT connect could not be built.", "Check the mqtt configuration.")
	}
	a.steps.begin(StepConnack)
	a.speaking = true
	if _, err := s.conn.Write(packet); err != nil {
		return s.failed(StepConnack, err)
	}
	first, err := s.r.Peek(1)
	if err != nil {
		return s.failed(StepConnack, err)
	}
	s.heard = true
	if kind := first[0] >> 4; kind != typeConnack && kind != typeDisconnect {
		// Said before the rest is awaited: what is no MQTT has no length either.
		return s.failed(StepConnack, misbehaved("packet of type %d instead of CONNACK", kind))
	}
	f, err := readFrame(s.r)
	if err != nil {
		return s.failed(StepConnack, err)
	}
	return s.connack(f)
}

func (s *session) connack(f frame) *Error {
	a := s.a
	// On TLS 1.3 a server may send data before it has the client's certificate (RFC
	// 8446 4.4.4), but an answer to CONNECT needs the keys of the whole handshake.
	a.accepted()
	if f.kind == typeDisconnect {
		return s.disconnected(StepConnack, f)
	}
	c, err := parseConnack(a.proto, f)
	if err != nil {
		return s.failed(StepConnack, err)
	}
	if c.old && a.proto == Protocol5 {
		return s.speaksOlder(c.code)
	}
	if c.code != codeSuccess {
		e := s.refused(a.proto, c)
		e.tryOlder = a.proto == Protocol5 && a.cfg.Protocol == ProtocolAuto && c.code == codeUnsupportedV5
		return e
	}
	if c.present {
		// [MQTT-3.2.2-2] and 3.1.1 [MQTT-3.2.2-1].
		return s.failed(StepConnack, misbehaved("a kept session although a clean one was asked for"))
	}
	a.steps.end(StepConnack, true)
	return s.limits(c)
}

// speaksOlder explains a 3.1.1 answer to an MQTT 5 CONNECT.
func (s *session) speaksOlder(code byte) *Error {
	var e *Error
	if code == codeSuccess {
		e = s.a.failure(StepConnack, BrokerMisbehaved, nil,
			"The broker answered MQTT 5 in the form of MQTT 3.1.1.", "Set mqtt.protocol to 3.1.1.")
	} else {
		e = s.refused(Protocol311, ack{code: code})
	}
	e.tryOlder = s.a.cfg.Protocol == ProtocolAuto && code <= v3BadProtocolVersion
	return e
}

func (s *session) refused(p Protocol, c ack) *Error {
	words := connackWords311(c.code)
	if p == Protocol5 {
		words = codeWords5(c.code)
		if c.code < firstErrorCode {
			return s.failed(StepConnack, misbehaved("CONNACK with code 0x%02x", c.code))
		}
	}
	e := s.a.failure(StepConnack, ConnackRefused, nil,
		"The broker accepted the certificate but refused the MQTT connection: "+words+".", connackHint(p, c.code))
	e.Code, e.BrokerText, e.Protocol = c.code, c.text, p
	return e
}

// limits checks what CONNACK says the broker can take.
func (s *session) limits(c ack) *Error {
	a := s.a
	deny := func(code byte, sentence string) *Error {
		a.steps.begin(StepPublish)
		e := a.failure(StepPublish, PublishDenied, nil, sentence, "Check the broker's limits, and mqtt.payload.")
		e.Code = code
		return e
	}
	if c.maxQoS == 0 {
		return deny(codeQoSNotSupported, "The broker does not acknowledge messages: it only takes QoS 0, so nothing can be proven.")
	}
	// Fixed header, topic, packet id, properties: at most 12 bytes.
	if size := len(a.cfg.Topic) + len(a.cfg.Payload) + 12; c.maxPacket != 0 && uint64(size) > uint64(c.maxPacket) {
		return deny(codePacketTooLarge, fmt.Sprintf("The test message is larger than the %d bytes the broker takes.", c.maxPacket))
	}
	return nil
}

// publish does the step publish.
func (s *session) publish() *Error {
	a := s.a
	a.steps.begin(StepPublish)
	packet, err := publishPacket(a.proto, firstPublish, a.cfg.Topic, a.cfg.Payload)
	if err != nil {
		return a.failure(StepPublish, BadConfig, err, "The test message could not be built.", "Check the mqtt configuration.")
	}
	if _, err := s.conn.Write(packet); err != nil {
		return s.failed(StepPublish, err)
	}
	f, failed := s.await(typePuback)
	if failed != nil {
		return failed
	}
	p, err := parsePuback(a.proto, f)
	if err != nil {
		return s.failed(StepPublish, err)
	}
	if p.id != firstPublish {
		return s.failed(StepPublish, misbehaved("PUBACK for packet %d, want %d", p.id, firstPublish))
	}
	proof, failed := s.judge(p)
	if failed != nil {
		return failed
	}
	if a.proto == Protocol311 && s.echo() {
		proof = ProofBrokerDelivered
	}
	a.res.Proof, a.res.PubackCode = proof, p.code
	a.steps.end(StepPublish, true)
	return nil
}

// judge turns a PUBACK into a proof or a refusal. The codes below 0x80 that
// PUBACK has are 0x00 and 0x10 (section 3.4.2.1); both mean accepted.
func (s *session) judge(p ack) (Proof, *Error) {
	switch {
	case s.a.proto == Protocol311:
		return ProofBrokerAcked, nil
	case p.code == codeSuccess, p.code == codeNoSubscribers:
		return ProofBrokerDelivered, nil
	case p.code < firstErrorCode:
		return ProofNone, s.failed(StepPublish, misbehaved("PUBACK with code 0x%02x", p.code))
	}
	return ProofNone, s.denied(p)
}

func (s *session) denied(p ack) *Error {
	hint := "Look at the broker's log."
	if p.code == codeNotAuthorized {
		hint = "The broker's access rules do not let this device publish to " + clean(s.a.cfg.Topic) + ". Check the rules and mqtt.topic."
	}
	e := s.a.failure(StepPublish, PublishDenied, nil,
		"The broker did not accept the test message: "+codeWords5(p.code)+".", hint)
	e.Code, e.BrokerText = p.code, p.text
	return e
}

// await reads up to the packet that the publish waits for and passes over what a
// broker may send unasked: messages, which need no answer in a session that is
// about to end.
func (s *session) await(kind byte) (frame, *Error) {
	for range maxStray {
		f, err := readFrame(s.r)
		switch {
		case err != nil:
			return frame{}, s.failed(StepPublish, err)
		case f.kind == kind:
			return f, nil
		case f.kind == typeDisconnect:
			return frame{}, s.disconnected(StepPublish, f)
		case f.kind != typePublish:
			return frame{}, s.failed(StepPublish, misbehaved("unexpected packet of type %d", f.kind))
		}
	}
	return frame{}, s.failed(StepPublish, misbehaved("more than %d messages instead of the acknowledgement", maxStray))
}

// echo tries to see a message come back, on MQTT 3.1.1. It is called when
// everything else is proven, so that a broker that drops clients for a forbidden
// subscription does not spoil the result; whatever goes wrong means false.
//
// The message is made unique: on a topic that all devices share, another slot's
// test message would otherwise look like ours.
func (s *session) echo() bool {
	a := s.a
	if a.cfg.NoEcho || !json.Valid(a.cfg.Payload) || len(a.cfg.Payload)+nonceSize > maxPayload {
		return false
	}
	deadline := time.Now().Add(a.cfg.EchoWait)
	if d, ok := a.ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if s.conn.SetDeadline(deadline) != nil || a.ctx.Err() != nil {
		return false
	}
	packet, err := subscribePacket311(echoSubscribe, a.cfg.Topic)
	if err != nil || !s.send(packet) || !s.granted() {
		return false
	}
	own := append(bytes.Clone(a.cfg.Payload), whiteNonce()...)
	packet, err = publishPacket(a.proto, echoPublish, a.cfg.Topic, own)
	return err == nil && s.send(packet) && s.returned(own)
}

func (s *session) send(packet []byte) bool {
	_, err := s.conn.Write(packet)
	return err == nil
}

// granted waits for SUBACK and reports whether the subscription stands.
func (s *session) granted() bool {
	f, failed := s.await(typeSuback)
	return failed == nil && len(f.body) == 3 && f.body[0] == 0 && f.body[1] == echoSubscribe &&
		f.body[2] < v3SubscriptionRefused
}

// returned waits for the message itself.
func (s *session) returned(own []byte) bool {
	for range maxStray {
		f, err := readFrame(s.r)
		if err != nil {
			return false
		}
		if f.kind != typePublish {
			continue
		}
		m, err := parsePublish311(f)
		if err != nil {
			return false
		}
		if m.topic == s.a.cfg.Topic && bytes.Equal(m.payload, own) {
			return true
		}
	}
	return false
}

// nonceSize is the length of whiteNonce: one character per bit.
const nonceSize = 64

// whiteNonce is 64 random bits written as spaces and tabs.
func whiteNonce() []byte {
	var bits [nonceSize / 8]byte
	_, _ = rand.Read(bits[:]) // never fails (crypto/rand)
	out := make([]byte, 0, nonceSize)
	for _, b := range bits {
		for i := range 8 {
			out = append(out, " \t"[b>>i&1])
		}
	}
	return out
}

// bye ends the session in order. The proof is complete: errors do not matter.
func (s *session) bye() {
	_ = s.conn.SetDeadline(time.Now().Add(time.Second))
	if s.send(disconnectPacket()) {
		_ = s.conn.CloseWrite()
	}
}

// disconnected explains a DISCONNECT of the broker. MQTT 3.1.1 has none from that
// side; mochi-mqtt sends one all the same before it drops a client.
func (s *session) disconnected(step Step, f frame) *Error {
	if s.a.proto == Protocol311 {
		return s.closed(step, io.EOF)
	}
	d, err := parseDisconnect(f)
	if err != nil {
		return s.failed(step, err)
	}
	if step == StepPublish && d.code == codeNotAuthorized {
		return s.denied(d)
	}
	e := s.a.failure(step, BrokerClosed, nil, "The broker ended the connection: "+codeWords5(d.code)+".",
		connackHint(Protocol5, d.code))
	if d.code == codeSuccess {
		e.Sentence = "The broker ended the connection and gave no reason."
	}
	e.Code, e.BrokerText = d.code, d.text
	return e
}
