package mqttcheck

import (
	"errors"
	"io"
)

// failed explains an error of reading or writing MQTT.
func (s *session) failed(step Step, err error) *Error {
	a := s.a
	if a.tls13 && !a.proven && !s.heard {
		// Nothing came back since the certificate was sent, so the broker has not
		// been seen to accept it.
		step = StepCertificate
	}
	var rule *misbehavior
	if errors.As(err, &rule) {
		return a.failure(step, BrokerMisbehaved, err,
			"The broker does not keep to the MQTT protocol: "+clean(rule.what)+".",
			"Something else than an MQTT broker may listen on this port. Check mqtt.port.")
	}
	if alert, ok := remoteAlert(err); ok {
		return a.alertFailure(step, alert, err)
	}
	if cause := a.expired(err); cause != nil {
		return a.timeoutError(step, cause)
	}
	if !wasClosed(err) && !wasReset(err) {
		return a.failure(step, BrokerMisbehaved, err,
			"What the broker sent could not be read.", "Look at the broker, then try again.")
	}
	return s.closed(step, err)
}

// closed explains a connection that ended without a word.
func (s *session) closed(step Step, err error) *Error {
	a := s.a
	if step == StepPublish {
		return a.failure(step, BrokerClosed, err,
			"The broker closed the connection instead of acknowledging the test message.",
			"Its access rules may not let this device publish to "+clean(a.cfg.Topic)+". Look at the broker's log.")
	}
	sentence := "The broker closed the connection instead of answering the MQTT connect."
	hint := "Look at the broker's log: it may not allow this client id, or not speak this MQTT version."
	if step == StepCertificate {
		sentence = "The broker cut the connection after it got this device's certificate, and gave no reason."
		hint = "It probably refused the certificate, or else the MQTT connect. Look at the broker's log."
	}
	e := a.failure(step, BrokerClosed, err, sentence, hint)
	// A broker that does not speak MQTT 5 may close without an answer. A reset is
	// not taken for that: who has read CONNECT sends none, and another try costs
	// the device a signature.
	e.tryOlder = a.cfg.Protocol == ProtocolAuto && a.proto == Protocol5 && !s.heard && errors.Is(err, io.EOF)
	return e
}
