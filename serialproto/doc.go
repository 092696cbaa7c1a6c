// Package serialproto is SP1, the protocol between a provisioning station (the host) and a device on a serial line.
// This comment is its specification: with it, sp1.cddl (RFC 8610) and the files under testdata/vectors a second
// implementation, in C on a microcontroller say, can be written without reading any Go. MUST, SHOULD and MAY are those
// of RFC 2119.
//
// The package itself is pure bytes: frames in, frames out, messages in, messages out. Requests and responses over a
// line are package link, ports are package port, the device's operations are package agent.
//
// # Line
//
// 8 data bits, no parity, 1 stop bit, no XON/XOFF (both are legal data). RTS/CTS is optional; the window is the flow
// control. The host MUST NOT send BREAK, and MUST be silent until it has heard ANNOUNCE, unless it was told to probe:
// any byte during a boot loader's countdown stops the boot for good. The device shares the line with boot loaders and
// kernels: whatever is no frame is console text.
//
// # Frame
//
//	wire  = 0x00  COBS( header[4] | payload[0..246] | crc[4] )  0x00          at most 257 bytes, 11 beside the payload
//
//	byte 0   bits 7-5  version, 1
//	         bit  4    direction: 0 host to device, 1 device to host
//	         bits 3-0  kind
//	byte 1   id        request id 1..255, chosen by the host; the device repeats it; 0: unsolicited
//	byte 2   idx       index of this fragment; in ACK: 0 progress, 1 receiver is idle
//	byte 3   last      index of the last fragment of this message
//	...      payload
//	4 bytes  crc       CRC-32C, little endian
//
// crc is CRC-32C (Castagnoli: polynomial 0x1EDC6F41, reflected 0x82F63B78, initial and final XOR 0xFFFFFFFF) over
//
//	session id [4, little endian] | header | payload
//
// The session id is a pseudo header: it is never sent. Two CRCs over the same bytes with different seeds of the same
// length always differ, so a frame of another session NEVER passes. Kinds HELLO, WELCOME, ANNOUNCE and LOG are sealed
// with session id 0. CRC-32C finds all errors of up to five bits in a frame of this size.
//
// COBS (Cheshire and Baker) removes all zeros, so that 0x00 is nothing but a delimiter. Before COBS a frame has at most
// 254 bytes, so COBS adds exactly one. Where a run of 254 non-zero bytes ends the data the sender leaves the trailing
// 0x01 group out; the receiver accepts both spellings. Two frames in a row have two delimiters between them; empty
// frames are ignored. A BREAK or framing error reads as 0x00, which is one more delimiter and harmless.
//
// The receiver collects bytes into a buffer of 300. Bytes beyond that up to the next 0x00 are no frame. What is no frame
// (COBS malformed, under 8 bytes, crc wrong) is console text. It MUST be bounded, and escaped before it reaches a
// terminal or a log (see EscapeConsole). A segment that is mostly unprintable is a damaged frame, not text: it is
// counted and otherwise dropped. A sound frame with another version is dropped, one of an unknown kind too. A frame with
// the receiver's own direction bit is an echo: it is counted, never acted upon.
//
// # Kinds
//
//	 1 HELLO     h->d  open a session                           session 0, id 0
//	 2 WELCOME   d->h  session is open; may be fragmented       session 0, id = low byte of the session id
//	 3 ANNOUNCE  d->h  I am here and idle                       session 0, id 0
//	 4 REQ       h->d  a fragment of a request
//	 5 RSP       d->h  a fragment of the response               acknowledges the whole request
//	 6 ACK       both  payload: bitmap of the fragments heard   lowest index in bit 0 of the first byte
//	 7 BUSY      d->h  request id was heard whole and is being worked on
//	             h->d  id 0: the session is still wanted (keep-alive)
//	 8 CANCEL    h->d  stop working on request id; a response MAY still come
//	 9 LOG       d->h  one line of UTF-8                        session 0, id 0
//	10 BYE       both  session over; payload empty, or {0: status, 15: detail}
//	11 AHEAD     h->d  a fragment of what later requests may refer back to; only to a device with feature 11
//	             d->h  something of it is missing; payload as in ACK   idx 0 on a gap, 1 where a request has come
//
// HELLO, ANNOUNCE, LOG, BUSY, CANCEL and BYE are single frames: idx 0, last 0. An ACK repeats id and last of the message
// it acknowledges.
//
// # Session
//
// An idle device says ANNOUNCE at once when it starts and when its line opens, then every 250 ms give or take a tenth.
// The host picks a random session id other than 0 and sends HELLO, again after 100 ms, then after 3/2 of the pause
// before, up to 1 s, each time plus the wire time of HELLO and of two full frames. All repetitions of one attempt carry
// the SAME session id (a new one each time would never match on a slow line); after four of them it SHOULD make a new
// attempt with a new id and half the mtu, and give up after three attempts.
//
// The device answers WELCOME: the highest version both speak, and the minimum of both sides' mtu, window and max_msg,
// and the features both have. The host MUST refuse a WELCOME that grants more than it asked for. From HELLO on the
// device expects frames sealed with the new session id. HELLO with
//
//	another session id     ends whatever runs (the handler is told to stop, and waited for) and opens a session
//	the same session id    is answered by the same WELCOME again and changes nothing
//	the id that ended last is ignored
//	no version in common   is answered by BYE {0: 2}, sealed with the id it proposed
//
// WELCOME fragments are not acknowledged: the host repeats HELLO until it holds all of them. Their id byte keeps the
// fragments of two attempts apart.
//
// The line is first in, first out, so an ANNOUNCE heard after WELCOME was said after it: the device has left the session.
// The host MUST drop the session at once and need not wait for a timeout. Another boot id means that the device started
// anew. A session in which the device hears no sound host frame for 10 s while no handler runs is over: it announces
// itself again. A host that wants to keep a session open without asking anything says BUSY with id 0 every 3 s.
//
// After a reset the host opens a new session, asks STATUS and continues at the first missing step. All operations are
// idempotent under the enrollment id, and the device MUST make durable what a response promises BEFORE it answers: the
// key before its CSR, the objects before ok.
//
// # Messages in fragments
//
// A message of n bytes travels in ceil(n/mtu) fragments, at least one and at most 256. Every frame names its index and
// the last index, so fragments are taken in any order. A fragment size is free per message; a receiver takes fragments
// of any size up to 246. An empty fragment is legal only as a whole empty message. idx > last, or another last than the
// message began with, is dropped. A request larger than the agreed max_msg is answered with status 5, and so is one whose
// response would be.
//
// One request is outstanding. Ids count 1, 2 ... 255, 1; 0 is skipped. The device takes id b after id a when
// (b - a) mod 255 is 1..127, and ignores others as late duplicates. A new id gives the older request up.
//
// # Reliability
//
//  1. The sender keeps at most win fragments (default 8, a small device 1..4) unacknowledged. The response acknowledges
//     the request, BUSY too; a request and a response of one frame each cost two frames.
//  2. The receiver of an unfinished message sends ACK: after win/2 new fragments (at least 1), unless the window already
//     reaches the end of the message; on a gap (an index beyond the next, or a filled hole with another open below it);
//     on a duplicate; and once, with idx 1, after 40 ms plus 16 byte times in which no byte was heard.
//  3. Loss is judged by send order: when a fragment is newly acknowledged, every unacknowledged one sent before it is
//     lost and is sent again now. Judging by age alone cost 1.8 to 2.6 times the traffic.
//  4. On an idle ACK everything unacknowledged is sent again whose modelled wire time has passed, with
//     wire = max(now, wire) + bytes * 10 / baud at each write.
//  5. An ACK without progress does not touch the poll timer.
//  6. The host's poll timer is: the end of the modelled wire time, plus the wire time of one full frame, plus 60 ms,
//     plus what adapters add (16 ms for FTDI). Without progress it polls and multiplies the 60 ms by 3/2, up to 1 s; after
//     5 polls without progress the exchange failed. A poll is the lowest unacknowledged fragment and the last one sent,
//     or, where the response has begun, the idle ACK of it. Only the host polls: a device never retransmits by itself.
//  7. While it works, the device says BUSY 40 ms after the request was heard, then every 100 to 500 ms, and in answer to
//     a repeated fragment (not oftener than every 40 ms). BUSY resets the poll timer to 500 ms beyond rule 6, never the
//     deadline of the operation.
//  8. The device keeps the last response of the session. A fragment of the same id makes it send again what is not
//     acknowledged and has left the wire; it NEVER executes a request twice.
//  9. After a failed exchange the host opens a new session with half the mtu (not under 48) and repeats the request, at
//     most three times; the same boot id MUST come back, or it is a reset.
//  10. No more than two frames are handed to the operating system beyond the modelled wire time.
//
// The smallest conformant device has win 1 and mtu 32 and needs 300 bytes to receive, 257 to send, and its message
// buffer. A device offers a max_msg of at least 1024; what is larger is brought in pieces by PUT. Message size is bounded
// by max_msg and by 256 times the mtu.
//
// # Messages
//
// CBOR in core deterministic encoding (RFC 8949 4.2.1): a map with integer keys, definite lengths, shortest heads, keys
// ascending. A receiver refuses anything else: repeated keys, indefinite lengths, tags, floats, null, bytes after the
// message, arrays over 16, maps over 32, nesting over 4 (the message is the first level, what stands in it the second),
// numbers and keys beyond 63 bits, and another type than sp1.cddl has. A request that is refused so, or has an argument out of
// the bounds below, is answered with status 4; where the argument is only too long, status 5 will do as well. Keys it does not
// know it ignores. Absent means zero, empty or false. Certificates and CSRs are DER. Sizes below are bytes, times microseconds
// since 1970 UTC, id8 is an enrollment id of 8 bytes not all zero. Text has no control characters.
//
//	ANNOUNCE  1 lowest version, 2 highest version, 8 model <=24, 9 hardware serial <=48, 11 boot id (8)
//	HELLO     1 lowest version, 2 highest version, 3 session id, 4 mtu >=32, 5 window >=1, 6 max_msg >=1024, 7 features
//	WELCOME   1 version, 3 session id, 4 mtu, 5 window, 6 max_msg, 7 features, 8 model, 9 hardware serial,
//	          10 firmware <=24, 11 boot id, 12 state, 13 [8-byte SHA-256 prefixes of chain certificates it holds],
//	          14 clock, 15 first 16 of SHA-256(newest SPKI), 16 first 16 of SHA-256(installed leaf),
//	          17 re-enroll policy
//
// Features: bit 0 SIGN_TLS13, 1 SIGN_TLS12, 2 the clock can be set, 3 WireGuard, 4 TOKEN and RENEW, 5 UNLOCK and ERASE,
// 6 RENEW_SET, 7 CHECK_MQTT, 8 CHECK_WG, 9 ENROLL can keep the tunnel, 10 PACKED, 11 AHEAD.
//
// A request has its operation under key 0. A response has its status under key 0; with status 0 the result's keys stand
// in the same map, otherwise 2 is the next offset (status 14) and 15 a text of at most 64 for the log.
//
//	 1 STATUS      ->  1 state, 2 SHA-256(SPKI), 3 SHA-256(CSR), 4 {object: [length, digest8, received]}, 5 generation,
//	                   6 id8, 7 SHA-256(leaf), 8 clock, 9 WireGuard public key (32), 10 device id, 11 active generation,
//	                   12 re-enroll policy, 13 key store, 14 algorithm, 15 signatures left, 16 SHA-256(active SPKI),
//	                   17 unlocks failed in a row, 18 seconds until the next may be tried, 19 purpose of the open unlock,
//	                   20 tokens left, 21 SHA-256(leaf of a renewal that waits for its commit), 22 renewal on the box:
//	                   {1 URL, 2 last success, 3 next attempt, 4 failures in a row, 5 code of the last error <=24}
//	 2 ENROLL      1 algorithm, 2 device id (1..128 ASCII), 4 id8, 5 want WireGuard, 6 keep the tunnel (not with 5; feature 9)
//	               ->  1 CSR, 2 key store, 3 WireGuard public key, 4 COSE_Sign1 (reserved), 5 existed already, 6 generation
//	               The same id8 gives the same key and CSR, never a second key: a device MUST remember at least the last 16
//	               id8 whose key was dropped (the Go agent remembers 256), and refuses them with status 6.
//	 3 INSTALL     1 leaf <=4096, 2 [<=8 of: certificate, or 8-byte prefix of one the device holds; Sub-CA first, root
//	               last], 3 wg0.conf <=4096 without PrivateKey, 4 id8, 5 commit, 6 WireGuard private key (32; only where
//	               the bridge made it; SECRET), 7 [<=4 unlock pins: SubjectPublicKeyInfo <=256]
//	               ->  1 {object: digest8 of what was read back from storage}
//	               Whole or nothing. The leaf's key MUST be the device's (else status 10); the device SHOULD follow the chain
//	               from the leaf to a root that signed itself, and hold the common name against its device id (else status 4).
//	 4 PUT         1 object, 2 offset, 3 total <=32768, 4 SHA-256 of the whole object, 5 data, 6 id8   ->  2 next offset
//	 5 COMMIT      4 id8, 6 {object: SHA-256}, 7 WireGuard private key   ->  as INSTALL
//	 6 SIGN_TLS13  1 transcript hash (32 or 48), 2 signature scheme   ->  1 signature
//	 7 LOCK        4 id8, 5 content of the enrolled flag <=64   ->  nothing. Activates the generation, seals the device
//	 8 REBOOT      ->  nothing; restarts after the response has left
//	 9 ABORT       4 id8 or none   ->  nothing. Drops a generation that is not active
//	11 CLOCK       1 time to set, absent to read   ->  1 time
//	12 SIGN_TLS12  1 ClientHello to ServerHelloDone <=16384, 2 how many certificates of its own the client Certificate
//	               message holds, 3 ClientKeyExchange <=512, 4 scheme   ->  1 signature
//	13 READ        1 object (1, 2 or 3)   ->  1 [certificates]
//
//	16 UNLOCK     1 purpose, 2 signatures (1..16, tls13-proof only), 3 lifetime in s (1..3600)   ->  1 challenge
//	              4 signature over the challenge   ->  2 seconds left
//	17 ERASE      4 id8 of the active generation   ->  nothing. Needs an unlock
//	18 TOKEN      1 audience <=256, 2 the station's time   ->  1 claims <=1024, 2 signature, 3 tokens left
//	19 RENEW      1 leaf, 4 id8 of the active generation, 5 commit   ->  as INSTALL
//	              4 id8, 6 SHA-256 of the staged leaf   ->  as INSTALL; commits what was staged
//	20 RENEW_SET  1 URL <=256, absent: none, 2 audience <=256, absent: the URL, 4 id8   ->  nothing
//	21 CHECK_MQTT 1 host <=253, 2 port, 3 server name <=253, 4 protocol (auto, 5 or 3.1.1), 5 topic <=1024,
//	              6 payload <=4096, 7 user <=128, 8 password <=128 (SECRET), 9 lowest, 10 highest TLS version, 11 seconds (1..120)
//	              ->  1 ok, 2 [<=16 steps: [name <=24, attempt, ok, microseconds, text <=160]], 3 proof <=24,
//	              4 address <=64, 5 TLS version, 6 cipher suite, 7 SHA-256(server certificate), 8 MQTT version <=8,
//	              9 PUBACK reason, 10 signatures made, 11 reason <=32, 12 sentence <=320, 13 hint <=320,
//	              14 TLS alert, 16 MQTT code, 17 the broker's words <=160, 18 the step that failed <=24
//	22 CHECK_WG   1 seconds (1..120), 2 address to wake the tunnel with <=64   ->  1 ok, 2 [steps], 3 own public key (32),
//	              4 peer's public key (32), 5 endpoint <=64, 6 last handshake, 7 bytes received, 8 bytes sent,
//	              11 reason <=32, 12 sentence <=320
//
//	23 PACKED     1 raw DEFLATE (RFC 1951) of an INSTALL or RENEW, 2 after the CSR, 3 first 8 of SHA-256 of that request,
//	              4 after what came ahead: first 8 of SHA-256 of that   ->
//	              as that request
//
//	reserved: 10 BAUD. A device answers an operation it does not have with status 3, and one that it has and its policy
//	forbids (SIGN_TLS12 without feature 1 among them) with 3 or 13.
//
//	objects   1 leaf, 2 chain (device.pem without the leaf), 3 anchors (ca-chain.pem), 4 wg0.conf as it crossed the wire,
//	          5 unlock pins. digest8 is the first 8 bytes of SHA-256 over the DER, concatenated in file order, or the text.
//	states    0 empty, 1 keyed, 2 installed, 3 sealed, 4 foreign (enrolled by the tenant's own script)
//	algorithm 1 P-256, 2 P-384, 3 Ed25519          key store 1 secure element, 2 TEE, 3 flash
//	re-enroll 1 never, 2 under unlock, 3 open
//	purpose   1 rekey, 2 erase, 3 tls13-proof, 4 re-enroll
//	status    0 ok, 1 internal, 2 bad version, 3 unknown operation, 4 bad argument, 5 too large, 6 wrong state, 7 locked,
//	          8 busy, 9 hash mismatch, 10 certificate does not match key, 11 no space, 12 crypto failure, 13 refused by
//	          policy, 14 bad offset, 15 random generator not ready. 8 and 15 may be asked again, others are final.
//
// A device id becomes a DNS name, a file name and an MQTT client id: it has 1 to 63 letters, digits, dots, underscores and
// hyphens, begins and ends with a letter or digit, has no two dots in a row and is no IPv4 address; another one is status 4.
// The flag of LOCK is printable ASCII. An algorithm that the key store does not have is status 12. A wg0.conf for a device
// without feature 3, or pins for one without feature 5, are status 13, so that nobody takes them for installed. A response
// that is larger than max_msg (READ, on a small device) is status 5 instead. INSTALL without commit answers with the digests
// of what is staged, object 2 not among them.
//
// # Keep the tunnel
//
// ENROLL with key 6 is for a new key that the bridge is not asked about: the tunnel's server knows the device by its
// WireGuard key, so that has to stay. The new generation takes over the WireGuard key of the active one, and what INSTALL or
// COMMIT brings without a wg0.conf keeps the one that the active generation has at that time, byte for byte, as pins are
// kept; digests in the answers include it. A wg0.conf that is brought is for the kept key. Whether a generation keeps the
// tunnel is durable with its key, and part of what is idempotent under its id8. Answer 3 is the kept key's public half, where
// the device made that key. Without a tunnel that this protocol installed, on a device that is sealed: status 6; together
// with key 5: status 4. A device without feature 9 MUST refuse key 6, as one without feature 3 key 5: status 13, and no key is
// made. One that was made before there was key 6 ignores it, as any key it does not know, and would lose its tunnel: a host MUST
// look at the feature first.
//
// # Packed
//
// Certificates and tunnels say much that is the same in all of them, and the device has said its key and its name already. A host
// MAY send an INSTALL or RENEW as PACKED to a device with feature 10: raw DEFLATE with a preset dictionary, which is the bytes of
// testdata/vectors/dictionary.txt, with key 4 what came ahead, and with key 2 after that the CSR of the newest key, DER. What it unpacks to is handled, and
// answered, as if it had come by itself. The device MUST unpack no more than max_msg bytes (status 5), and refuse with status
// 9, before anything is handled, what does not unpack, has another digest than key 3, is another operation, or needs a CSR, or something that came
// ahead, that is not there. A host that is refused with 9 sends the request as it is, or packed after less.
//
// # Ahead
//
// While a device makes its key and says its CSR, nothing crosses the line towards it, and of what it will be sent then the CA
// certificates are known already. A host MAY send bytes in AHEAD frames to a device with features 10 and 11, at any time of a session: raw
// DEFLATE after the dictionary alone, at most 2048 bytes that unpack to at most 8192, in fragments as those of a request are, at
// most 16 of them. The frame's id, 1 to 255, tells the fragments of one such message from those of the next, which MUST have another
// one. They change nothing but this: until the session ends or the next message is whole, the dictionary of a PACKED request goes on
// with what they unpack to, where key 4 is the first 8 bytes of SHA-256 of that, unpacked; where it is another, the answer is status 9.
//
// The device keeps the latest message that is whole, whether it unpacks or not: it MAY find that out when it is referred to. A fragment of
// another id drops one that is not whole. Fragments out of bounds are dropped. Nothing that comes ahead is trusted, stored, or of any
// other use, and nothing secret may be in it. The window does not count for it, and it comes while a request is being worked on: a device that
// cannot receive then MUST NOT offer feature 11. It takes two messages of 2048 bytes, one that is whole and one that comes, and the
// dictionary to unpack after: this one, up to 8192 bytes, and the CSR.
//
// There is no ACK of it. A device that misses something SHOULD say so, in an AHEAD frame with the id and last of the message and the
// bitmap of what it has: with idx 0 on a gap, as in rule 2, and with idx 1 where a fragment of a request comes and the message is not whole,
// once until another fragment of that has come. The host then sends again what rule 3 calls lost, and with idx 1 all that was sent before its
// last fragment of a request, before anything it has not sent yet; it SHOULD NOT send more than 16 fragments of a message again. What is missing
// all the same costs a PACKED that is refused with 9.
//
// A host MUST NOT send AHEAD before what is due of a request that it goes behind, and SHOULD NOT send it on a line that is half duplex, that
// has damaged or echoed anything in this session, or whose window does not hold the answer it goes beside: what acknowledges that would wait.
//
// # What the device signs
//
// Nothing but these, each built or parsed by the device, never a digest handed to it:
//
//	format                                     first bytes of what is signed   who builds it
//	CSR (RFC 2986 CertificationRequestInfo)    30                              device
//	TLS 1.3 client CertificateVerify           20 x 64, then the context       device, from the transcript hash
//	TLS 1.2 CertificateVerify                  01 (ClientHello)                host, checked by the device byte by byte
//	JWS renewal token (RFC 7515)               65 79 4a ("eyJ")                device, audience from the host
//
// No two can be confused: a signature over one format is a signature over bytes whose first byte belongs to that format
// alone (0x30, 0x20, 0x01, 0x65), and the hash functions are collision resistant. Within TLS 1.3 the context string
// "TLS 1.3, client CertificateVerify" and its 0x00 follow the 64 spaces, so it can be no server's signature and no other
// protocol's (RFC 8446 4.4.3). The scheme is fixed by the key: P-256 is 0x0403, P-384 0x0503, Ed25519 0x0807; another
// one in the request is status 4.
//
// TLS 1.3 is a signature over a hash the device cannot look into: it cannot see for whom. Therefore it signs only after
// INSTALL and before LOCK, a limited number of times per key generation, counted persistently; after LOCK only under an
// unlock for tls13-proof, as often as that says. TLS 1.2 is a transcript the device reads: it requires exactly
// ClientHello, ServerHello,
// Certificate, [CertificateStatus], ServerKeyExchange, CertificateRequest, ServerHelloDone, Certificate (its own leaf),
// ClientKeyExchange; version 0x0303, ECDHE, extended_master_secret in both hellos, empty renegotiation_info; a server
// certificate for serverAuth that chains to its own CA file with a name its policy allows; a valid ServerKeyExchange
// signature.
//
// # Token
//
// TOKEN signs what step-ca takes for a renewal where TLS ends before it (a bearer token). A sealed device does so freely:
// all a token can buy is another certificate for the device's own key under its own name. What is signed is
//
//	BASE64URL(header) | "." | BASE64URL(claims)                    both without padding (RFC 7515 5.1)
//	header   {"alg":ALG,"typ":"JWT","x5cInsecure":[CERT,...]}       exactly this, no white space
//	claims   {"aud":AUD,"exp":E,"iat":I,"iss":"step-ca-client/1.0","jti":J,"nbf":I,"sub":CN}
//
// ALG is fixed by the key: ES256 for P-256, ES384 for P-384, EdDSA for Ed25519. CERT is each certificate of device.pem in
// file order, its DER in base64 (RFC 4648 4). CN is the common name of the leaf, J 32 hex digits of 16 random bytes,
// I the time in seconds, E = I + 300. The signature is R | S of 32 or 48 bytes each (RFC 7518 3.4), or Ed25519's 64 bytes.
// The header never crosses the line: the host knows the certificates and MUST check the signature. AUD MUST be an https
// URL with a host, of printable ASCII without quote or backslash, without user, query or fragment, whose path is clean and
// ends in "/renew"; else status 13.
//
// The time is the device's own clock where that is not before the time the software was built, nor the highest time seen;
// else it is the host's (key 2), which then MUST be neither before those, nor more than 20 years beyond the build, nor
// outside the leaf's validity; else status 4. The host's time never raises the highest time seen. Tokens are counted per key
// generation before they are given out, persistently; a generous limit (16384) bounds how often a stranger may have the
// key used.
//
// # Renew
//
// RENEW brings a new leaf for the key that a sealed device holds. The device requires that its public key is its own, that
// subject and subjectAltName are byte for byte those of the present leaf, that it is no CA, that a chain of certificates of
// its own CA file reaches from it to the root in there, that it is not expired by the best time the device has, and that it
// does not end before the present one, or begins later (an old certificate cannot be put back). Nothing but the leaf is taken: the CA
// file, the tunnel and the pins stay, so a renewal can make a device trust nobody new. Another issuer needs a new generation.
//
// Without commit the new set lies beside the old one, survives a reset, and is dropped by ABORT without id8, by another
// RENEW, or by a new generation's LOCK. With commit, or by key 6, one switch makes it the one in use. The answer digests what
// storage holds.
//
// # Unlock
//
// A sealed device does these only under an unlock: ENROLL of a new key (rekey: same device id, a leaf whose subject and names
// are as now, and a chain out of the present CA file; re-enroll: any), where the policy is not open; ERASE; SIGN_TLS13; a change of the pins
// (re-enroll); and, under an unlock for any purpose, setting the clock and RENEW_SET. Under policy never the only purpose
// is tls13-proof.
//
// The host asks with a purpose. The device makes a nonce of 32 random bytes and answers with the challenge:
//
//	challenge  {1 nonce (32), 2 hardware serial, 3 device id, 4 boot id, 5 purpose, 6 signatures, 7 lifetime}
//	signed     "provstation SP1 device unlock" | 00 | challenge, as it crossed the line
//
// by a key whose SubjectPublicKeyInfo was pinned by INSTALL before LOCK: ECDSA P-256 with SHA-256 or P-384 with SHA-384, ASN.1
// DER, or Ed25519. Certificates play no part: what chains to the tenant's root, anyone who can call the bridge can have.
// The device refuses a pin that is its own key, or the key of a certificate of the chain it comes with. Pins belong to a
// generation: one that is built beside a pinned one inherits them, and brings others only under re-enroll. More than one pin
// makes room for a spare key that lies elsewhere.
//
// An unlock is for this device, this boot, this session, this purpose, once: a challenge is good for one answer, right or
// wrong; another challenge, the end of the session and a reset void it; its lifetime runs from the challenge by a clock that
// nobody sets. It is spent by what it is for: one new key, one erasure, or the number of signatures it names. A generation
// begun under it remembers that, so that INSTALL and LOCK go on after a reset.
//
// Each answer is counted as failed before it is looked at, persistently, and the count is cleared by a right one. After
// three failures in a row the device takes no new challenge for 2 s, then twice as long each time, up to an hour (status 8; STATUS
// 18 says how long). A reset starts the wait anew. It is never locked for good: a signature is not guessed, and a person
// with a cable could lock out the owner.
//
// A device without a pin under policy unlock cannot be unlocked: nothing but flashing it anew helps. That is the safe
// side. A host SHOULD say so before LOCK.
//
// # Erase
//
// ERASE drops keys, certificates, tunnel, pins and flag. It is one durable mark, then removal, which goes on after a reset;
// from the mark on the device is empty. What stays: numbers and enrollment ids used, the highest time seen. On flash,
// removed is not overwritten; a device that must be safe against its chips being read keeps its keys elsewhere.
// Asked again after it was done, it answers ok.
//
// # Checks that the device runs
//
// CHECK_MQTT and CHECK_WG run on the device's own network with its own key, after INSTALL, sealed or not. The device trusts
// its own CA file for the broker and, where its policy names servers, takes no other name. It is a whole handshake of its
// own: no signature leaves it by the line, so none is counted. Step names are those of a check that the host runs: resolve,
// tcp, tls, certificate, connack, publish. CANCEL ends a check.
//
// # Threats
//
// The line is a cable on a bench. CRC is no authentication: whoever holds the cable can play either side. Such a person
// can make an unsealed device enroll with a certificate of his own, and, while it is unsealed, have it sign a TLS 1.3
// handshake with whatever server he likes, step-ca's /rekey included: whoever holds one such signature can hold a
// certificate for a key of his own under the device's name. That is why signatures are few and counted, and why those of
// TLS 1.3 end with LOCK. A device that signs TLS 1.2 does so after LOCK, too: unless its policy names the servers it signs
// for, whoever holds the cable can relay a handshake with any server of the tenant, step-ca included. A device in the field
// either does not sign TLS 1.2 or is told the broker's name.
// He cannot read a private key: no operation returns one, takes a path, or runs a command. A private key crosses the line
// only towards the device, only where the bridge made it (INSTALL 6, COMMIT 7).
//
// What a person with the cable tries on a sealed device, and what stops it:
//
//	an unlock stolen from another device     serial, device id and boot id are signed
//	an unlock replayed, a nonce used again   one answer per challenge, fresh nonces
//	an unlock for another purpose            the purpose is signed, and kept beside the nonce
//	an unlock kept for later                 lifetime; it dies with the session and at a reset
//	a certificate that the bridge gave       pinned keys only, no chains
//	guessing                                 counted before it is looked at; back-off that a reset does not shorten
//	a token for another server or name       audience must be https and end in /renew; sub is its own CN
//	a token kept for later                   five minutes by the device's clock. A device without a clock can be told a later
//	                                         time: that token is good later on, for a certificate of the device's own key
//	a leaf of another key, name or issuer    compared with key, present leaf and CA file
//	an old leaf put back, an expired one     must not end earlier, or begin later; not expired
//	erasing, a new key, other pins           need an unlock
//	a broker of his choice (CHECK_MQTT)      must chain to the CA file, and be named by the policy if there is one
//
// Each side takes the other for hostile: sizes are checked before memory is taken, text is escaped, deadlines bound
// everything.
//
// # Out of scope
//
// Encryption and authentication of the line (key 7 bits are kept free for it), change of the baud rate (operation 10 is
// reserved), several requests at once, multi-drop lines, XON/XOFF, 7-bit lines.
package serialproto
