// Package mqttcheck proves that a real MQTT broker accepts a device, with the
// device's own key, while that key stays on the device.
//
// Check opens a fresh TCP connection and a full TLS handshake to the broker,
// presents the device's certificate chain, lets a [crypto.Signer] (the device
// at the far end of a serial line) make the one CertificateVerify signature,
// connects by MQTT with the device id as client id, publishes one message at
// QoS 1 and waits for its acknowledgement.
//
// # What is proven
//
//   - [ProofBrokerDelivered]: on MQTT 5 the PUBACK carried a success reason,
//     0x00 (success) or 0x10 (no matching subscribers). Both say that the
//     broker authorized and accepted the message; 0x10 only adds that nobody
//     listens yet, which on a bench is usual. On MQTT 3.1.1 the message was
//     seen to come back through a subscription of the same session.
//   - [ProofBrokerAcked]: CONNACK and PUBACK, no more. On MQTT 3.1.1 a broker
//     must acknowledge a message that its ACL throws away, or close the
//     connection ([MQTT-3.3.5-2]); mosquitto acknowledges.
//
// A connection on which the broker asked for no client certificate proves
// nothing about the device and is an error, also if the publish succeeds.
//
// # Trust
//
// The broker's certificate is judged with the given CA certificates alone and
// in the way OpenSSL clients on the device will judge it: only a self-signed
// root anchors a chain; other certificates of the file merely help to build
// one. Go alone would accept any of them as anchor and pass a file with which
// mosquitto_pub fails. Names must be in the subject alternative name; a common
// name is never looked at, which is stricter than OpenSSL.
//
// # When the client certificate is accepted
//
// In TLS 1.2 a refused certificate fails the handshake. In TLS 1.3 the
// client's handshake ends before the broker has looked at the certificate (RFC
// 8446 4.4.2.4, 6.2): the refusal comes with the first read, so only the first
// MQTT packet proves acceptance. The step "certificate" ends accordingly, and
// on TLS 1.3 overlaps the step "connack".
//
// # Side effects at the broker
//
// The client id is the device's, so a device that is connected at the same time
// is disconnected by the broker. The session is clean and leaves nothing behind.
// On MQTT 3.1.1 a second copy of the message is published where the broker lets
// the device subscribe to its own topic (see [Config.NoEcho]).
//
// # Hostile brokers
//
// Packets are bounded before memory is taken for them, everything the broker
// says is stripped of control characters and cut before it gets into an error,
// and every wait ends with the context. The package never reconnects by itself,
// except that [ProtocolAuto] makes a second connection for MQTT 3.1.1 when the
// broker does not speak MQTT 5; Result.Signatures tells.
//
// Out of scope: checking the device's certificate before it is used (package
// pki), retries, and translating the sentences.
package mqttcheck
