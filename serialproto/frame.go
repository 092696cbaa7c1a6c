package serialproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Sizes of a frame, in bytes.
const (
	headerSize  = 4
	crcSize     = 4
	MaxPayload  = DefaultMTU                        // payload of one frame
	MaxBody     = headerSize + MaxPayload + crcSize // frame before COBS: 254
	MaxWire     = 1 + MaxBody + 1 + 1               // frame on the wire, both delimiters included: 257
	FrameCost   = 1 + 1 + headerSize + crcSize + 1  // bytes a frame costs beside its payload: 11
	MaxFragment = 256                               // fragments of one message
	LeastMTU    = 32                                // smallest mtu a peer may offer: the bitmap of an ACK fits
	bufferSize  = 300                               // decoder buffer; more than this between two delimiters is no frame
	textShare   = 85                                // percent of printable bytes above which a non-frame is console text
)

// Dir is the direction bit of a frame. It tells an echo of our own frames from the peer's.
type Dir uint8

// Directions.
const (
	HostToDevice Dir = 0
	DeviceToHost Dir = 1
)

// Kind says what a frame is for.
type Kind uint8

// Kinds. Unknown kinds are dropped by the receiver.
const (
	KindHello    Kind = 1  // host: open a session. Payload Hello. Session 0
	KindWelcome  Kind = 2  // device: session is open. Payload Welcome; ID is the low byte of the session. Session 0
	KindAnnounce Kind = 3  // device: I am here and idle. Payload Announce. Session 0
	KindReq      Kind = 4  // host: a fragment of a request
	KindRsp      Kind = 5  // device: a fragment of the response to request ID; acknowledges the whole request
	KindAck      Kind = 6  // bitmap of the fragments of message ID heard so far; Idx 1: the receiver has been idle
	KindBusy     Kind = 7  // device: still working on request ID. Host: ID 0, the session is still wanted
	KindCancel   Kind = 8  // host: stop working on request ID
	KindLog      Kind = 9  // device: one line of UTF-8 text. Session 0
	KindBye      Kind = 10 // session over; payload empty or a ResponseHead that says why
	KindAhead    Kind = 11 // host: a fragment of what later PACKED requests may refer back to
)

// sessionless reports whether frames of this kind are sealed with session id 0.
func (k Kind) sessionless() bool {
	return k == KindHello || k == KindWelcome || k == KindAnnounce || k == KindLog
}

// Frame is one link frame. Payload is owned by whoever made the Frame; a Decoder's frames own their payload.
type Frame struct {
	Dir     Dir
	Kind    Kind
	ID      uint8 // request id 1..255; 0: unsolicited
	Idx     uint8 // fragment index; ACK: 0 progress, 1 idle
	Last    uint8 // index of the message's last fragment
	Payload []byte
}

// Frame errors.
var (
	ErrFrameSize    = errors.New("frame payload too large")
	ErrFrameField   = errors.New("frame field out of range")
	ErrFrameShort   = errors.New("frame too short")
	ErrFrameCRC     = errors.New("frame checksum mismatch")
	ErrFrameVersion = errors.New("frame of another version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is CRC-32C over the session id as a little-endian pseudo header and body. The session id itself is never
// sent: a frame of another session has the same length and another seed, so it can never pass.
func checksum(session uint32, body []byte) uint32 {
	var seed [4]byte
	binary.LittleEndian.PutUint32(seed[:], session)
	return crc32.Update(crc32.Update(0, castagnoli, seed[:]), castagnoli, body)
}

// AppendFrame appends f as it goes over the wire, delimiters on both sides included. Kinds HELLO, WELCOME, ANNOUNCE and
// LOG are sealed with session 0 whatever session says.
func AppendFrame(dst []byte, session uint32, f Frame) ([]byte, error) {
	if len(f.Payload) > MaxPayload {
		return nil, fmt.Errorf("encode %v frame of %d bytes: %w", f.Kind, len(f.Payload), ErrFrameSize)
	}
	if f.Kind > 15 || f.Dir > 1 {
		return nil, fmt.Errorf("encode %v frame: %w", f.Kind, ErrFrameField)
	}
	if f.Kind.sessionless() {
		session = 0
	}
	var buf [MaxBody]byte
	body := append(buf[:0], Version<<5|byte(f.Dir)<<4|byte(f.Kind), f.ID, f.Idx, f.Last)
	body = append(body, f.Payload...)
	body = binary.LittleEndian.AppendUint32(body, checksum(session, body))
	dst = append(dst, 0)
	dst = AppendCOBS(dst, body)
	return append(dst, 0), nil
}

// ParseFrame reads one frame from the bytes between two delimiters. The payload is a copy.
func ParseFrame(session uint32, enc []byte) (Frame, error) {
	var buf [bufferSize]byte
	if len(enc) > bufferSize {
		return Frame{}, ErrFrameSize
	}
	body, err := AppendUnCOBS(buf[:0], enc)
	if err != nil {
		return Frame{}, err
	}
	if len(body) < headerSize+crcSize {
		return Frame{}, ErrFrameShort
	}
	if len(body) > MaxBody {
		return Frame{}, ErrFrameSize
	}
	n := len(body) - crcSize
	kind := Kind(body[0] & 15)
	if kind.sessionless() {
		session = 0
	}
	if checksum(session, body[:n]) != binary.LittleEndian.Uint32(body[n:]) {
		return Frame{}, ErrFrameCRC
	}
	// After the checksum: only a sound frame may be judged by its version.
	if body[0]>>5 != Version {
		return Frame{}, ErrFrameVersion
	}
	return Frame{
		Dir: Dir(body[0] >> 4 & 1), Kind: kind, ID: body[1], Idx: body[2], Last: body[3],
		Payload: append([]byte{}, body[headerSize:n]...),
	}, nil
}

// PeekHeader reads the header of the frame between two delimiters without checking its seal: for tools and tests that
// watch a line whose session they do not know. Its answer proves nothing.
func PeekHeader(enc []byte) (Frame, bool) {
	if len(enc) > bufferSize {
		return Frame{}, false
	}
	body, err := AppendUnCOBS(nil, enc)
	if err != nil || len(body) < headerSize+crcSize || body[0]>>5 != Version {
		return Frame{}, false
	}
	return Frame{
		Dir: Dir(body[0] >> 4 & 1), Kind: Kind(body[0] & 15), ID: body[1], Idx: body[2], Last: body[3],
		Payload: body[headerSize : len(body)-crcSize],
	}, true
}
