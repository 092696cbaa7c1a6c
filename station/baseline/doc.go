// Package baseline plays the ways in which devices are provisioned over a serial line today, for the benchmark to measure
// side by side with SP1: on the same line, with the same certificates, tunnel file, key and broker test.
//
//	heredoc  a root shell on an echoing console: openssl, here-documents, sha256sum, mosquitto_pub
//	at       AT commands in the style of the nRF91 modems: AT%KEYGEN, AT%CMNG with PEM, AT#XMQTTCON
//	mcumgr   SMP over a console: base64 lines of 127 bytes, file management group, shell group
//
// Each is what a careful practitioner scripts: it waits for the answer that its protocol gives, never for time to pass; it
// checks what it can check; it sends nothing that a more clever use of the same protocol would spare, as far as that is how
// the protocol is used. The steps are the same for all: a key and a CSR on the device, the bridge's answer, the files, their
// SHA-256 read back and compared, the device's own MQTT test, a mark that the device is done. The package has both sides: the
// station on one end of the line, on the other a model of the device that parses what comes over the line and writes files.
//
// The models are as fast as they can be: a real modem writes its flash for tens of milliseconds, a real shell starts a
// process for each command. What is measured is the protocol on the line, not the device behind it.
//
// An answer is waited for 10 seconds. Nothing is sent again: none of the three resends by itself, and an error ends a run.
//
// Out of scope: anything but the benchmark. The station does not provision devices in these ways.
package baseline
