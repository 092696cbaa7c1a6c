package mqttcheck

import (
	"fmt"

	v5 "github.com/eclipse/paho.golang/packets"
	v3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// Reason codes of MQTT 5 (section 2.4) that the code decides by.
const (
	codeSuccess           = 0x00
	codeNoSubscribers     = 0x10
	codeNotAuthorized     = 0x87
	codeUnsupportedV5     = v5.ConnackUnsupportedProtocolVersion
	codeQoSNotSupported   = 0x9B
	codePacketTooLarge    = 0x95
	firstErrorCode        = 0x80
	v3BadProtocolVersion  = v3.ErrRefusedBadProtocolVersion
	v3SubscriptionRefused = 0x80
)

// connackWords311 says what a CONNACK return code of MQTT 3.1.1 means (section
// 3.2.2.3).
func connackWords311(code byte) string {
	switch code {
	case v3.ErrRefusedBadProtocolVersion:
		return "unacceptable protocol version"
	case v3.ErrRefusedIDRejected:
		return "client id rejected"
	case v3.ErrRefusedServerUnavailable:
		return "server unavailable"
	case v3.ErrRefusedBadUsernameOrPassword:
		return "bad user name or password"
	case v3.ErrRefusedNotAuthorised:
		return "not authorized"
	}
	return fmt.Sprintf("reserved return code %d", code)
}

// codeWords5 says what a reason code of MQTT 5 means (table 2-6).
func codeWords5(code byte) string {
	words := map[byte]string{
		0x00: "success", 0x10: "no matching subscribers",
		0x80: "unspecified error", 0x81: "malformed packet", 0x82: "protocol error",
		0x83: "implementation specific error", 0x84: "unsupported protocol version",
		0x85: "client id not valid", 0x86: "bad user name or password", 0x87: "not authorized",
		0x88: "server unavailable", 0x89: "server busy", 0x8A: "banned", 0x8B: "server shutting down",
		0x8C: "bad authentication method", 0x8D: "keep alive timeout", 0x8E: "session taken over",
		0x8F: "topic filter invalid", 0x90: "topic name invalid", 0x91: "packet identifier in use",
		0x92: "packet identifier not found", 0x93: "receive maximum exceeded", 0x94: "topic alias invalid",
		0x95: "packet too large", 0x96: "message rate too high", 0x97: "quota exceeded",
		0x98: "administrative action", 0x99: "payload format invalid", 0x9A: "retain not supported",
		0x9B: "QoS not supported", 0x9C: "use another server", 0x9D: "server moved",
		0x9E: "shared subscriptions not supported", 0x9F: "connection rate exceeded",
		0xA0: "maximum connect time", 0xA1: "subscription identifiers not supported",
		0xA2: "wildcard subscriptions not supported",
	}
	if w, ok := words[code]; ok {
		return w
	}
	return fmt.Sprintf("unknown reason code 0x%02x", code)
}

// connackHint says what to do about a refused CONNECT.
func connackHint(p Protocol, code byte) string {
	if p == Protocol311 {
		// The five codes of 3.1.1 have counterparts in MQTT 5.
		code = map[byte]byte{1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}[code]
	}
	switch code {
	case 0x84:
		return "Set mqtt.protocol to a version that the broker speaks."
	case 0x85:
		return "The broker does not allow this device id as client id. Check the id and the broker's client id rules."
	case 0x86:
		return "Check the user name and password of the configuration, or whether the broker should take the user from the certificate."
	case 0x87, 0x8A:
		return "The broker knows the certificate but does not let this device in. Check that the device is registered with the tenant."
	case 0x88, 0x89, 0x8B, 0x97, 0x9F:
		return "The broker is overloaded or restarting. Wait a moment and try again."
	case 0x9C, 0x9D:
		return "The broker sends clients to another server. Check mqtt.host."
	}
	return "Look at the broker's log."
}
