package mqttcheck

import (
	"errors"
	"fmt"
	"net"
	"reflect"
)

// TLS alert numbers that the code decides by (RFC 8446 section 6, and for 41 the
// older RFC 6101).
const (
	alertHandshakeFailure       = 40
	alertNoCertificate          = 41
	alertBadCertificate         = 42
	alertUnsupportedCertificate = 43
	alertCertificateRevoked     = 44
	alertCertificateExpired     = 45
	alertCertificateUnknown     = 46
	alertUnknownCA              = 48
	alertAccessDenied           = 49
	alertDecryptError           = 51
	alertProtocolVersion        = 70
	alertInsufficientSecurity   = 71
	alertInternalError          = 80
	alertUnrecognizedName       = 112
	alertCertificateRequired    = 116
)

// remoteAlert returns the number of the alert that the peer sent, if err is one.
// crypto/tls wraps its unexported uint8 type tls.alert in a net.OpError whose Op
// is "remote error"; errors.As with the exported tls.AlertError finds nothing,
// since that is used for QUIC only.
func remoteAlert(err error) (uint8, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(v.Uint()), true
}

// refusesCertificate reports alerts that, after the client's certificate was
// sent, mean that the certificate or its signature is not accepted. A handshake
// failure is OpenSSL's TLS 1.2 word for a certificate it needs and did not like.
func refusesCertificate(alert uint8) bool {
	switch alert {
	case alertHandshakeFailure, alertNoCertificate, alertBadCertificate, alertUnsupportedCertificate,
		alertCertificateRevoked, alertCertificateExpired, alertCertificateUnknown, alertUnknownCA,
		alertAccessDenied, alertDecryptError, alertInsufficientSecurity, alertCertificateRequired:
		return true
	}
	return false
}

// alertWords says in plain words what an alert means.
func alertWords(alert uint8) string {
	words := map[uint8]string{
		0: "close notify", 10: "unexpected message", 20: "damaged record", 22: "record too long",
		alertHandshakeFailure:       "handshake failure",
		alertNoCertificate:          "no certificate",
		alertBadCertificate:         "bad certificate",
		alertUnsupportedCertificate: "unsupported certificate",
		alertCertificateRevoked:     "certificate revoked",
		alertCertificateExpired:     "certificate expired",
		alertCertificateUnknown:     "certificate not accepted, no detail given",
		47:                          "illegal parameter",
		alertUnknownCA:              "unknown certificate authority",
		alertAccessDenied:           "access denied",
		50:                          "message cannot be decoded",
		alertDecryptError:           "wrong signature or damaged message",
		alertProtocolVersion:        "TLS version not supported",
		alertInsufficientSecurity:   "insufficient security",
		alertInternalError:          "internal error of the broker",
		86:                          "inappropriate fallback",
		90:                          "canceled",
		100:                         "no renegotiation",
		109:                         "missing extension",
		110:                         "unsupported extension",
		alertUnrecognizedName:       "server name not known",
		113:                         "bad certificate status response",
		115:                         "unknown pre-shared key",
		alertCertificateRequired:    "certificate required",
		120:                         "no application protocol",
	}
	if w, ok := words[alert]; ok {
		return w
	}
	return fmt.Sprintf("TLS alert %d", alert)
}
