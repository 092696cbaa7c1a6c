// Package console drives a Linux box that has no agent, through the login on its serial console. It is a
// [station.Connector] whose lines are [station.Line]s: a run takes such a box through the same phases, checks and outcomes
// as one that speaks SP1.
//
// # What happens on the line
//
// The station is silent until the console has said something, or has been quiet for as long as the profile says: a byte
// during a boot loader's countdown stops the boot. It logs in once and replaces the login shell by a POSIX sh that reads
// requests (shell.go): no prompt, no line editing, no history, no echo where stty can switch it off. From then on
//
//	request   SEQ CHECK KIND COMMAND      CHECK: first 8 hex digits of SHA-256 of KIND, a space and COMMAND
//	answer    TOKEN SEQ I BASE64 TOKEN    line I of the output
//	          TOKEN SEQ . COUNT STATUS DIGEST TOKEN
//	          TOKEN ! TOKEN               the request did not read
//
// The token is random for each session and is never sent in one piece, so nothing that a prompt, an echo or a kernel
// message shows can look like an answer. A request that a noisy line changed is not carried out, since its check does not
// fit; one that comes twice is carried out once and answered twice; an answer with a line missing is asked for again.
//
// # What is kept on the box
//
//	DIR/.provstation/genN/           key, request, WireGuard key, record of generation N; files/ once they are installed
//	DIR/.provstation/current -> genN the generation in use: one rename switches all files
//	DIR/device-key.pem -> .provstation/current/device-key.pem, and so on
//
// Private keys are made on the box and do not leave it. Whoever logs in as root can do what he likes there: that the
// station has sealed such a box means that the station is done with it, and no more (docs/console.md).
//
// Out of scope: what a run does with a box; boxes without a POSIX shell; boot loaders.
package console
