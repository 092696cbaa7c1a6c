package baseline

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// SMP over a console (Zephyr, "SMP Transport Specification", UART/serial and console; mcumgr's smp-console.md):
//
//	first frame    06 09  base64( length[2]  packet...  )  0a       length: of packet and CRC, big-endian
//	further ones   04 14  base64( ...packet  crc16[2]   )  0a       crc16: of the packet, polynomial 0x1021, initially 0
//
// A frame has at most 127 bytes, so 93 bytes of what is encoded. Other lines are somebody else's text.
const (
	maxFrame    = 127
	frameChunk  = (maxFrame - 3) / 4 * 3
	maxReceived = 384             // CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE, Zephyr's default: length, packet and CRC as they come in
	maxPacket   = maxReceived - 4 // so this is what a packet may have (mcumgr_serial_decode_frag)
	maxDownload = 340             // MCUMGR_GRP_FS_DL_CHUNK_SIZE for such a buffer
	headerSize  = 8
)

var (
	markFirst = [2]byte{0x06, 0x09}
	markMore  = [2]byte{0x04, 0x14}
)

// crc16 is CRC-16/XMODEM.
func crc16(p []byte) uint16 {
	var crc uint16
	for _, b := range p {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// frames puts a packet into lines.
func frames(packet []byte) []byte {
	raw := binary.BigEndian.AppendUint16(nil, uint16(len(packet)+2))
	raw = append(raw, packet...)
	raw = binary.BigEndian.AppendUint16(raw, crc16(packet))
	var out []byte
	for mark := markFirst; len(raw) > 0; mark = markMore {
		n := min(frameChunk, len(raw))
		out = append(out, mark[:]...)
		out = append(base64.StdEncoding.AppendEncode(out, raw[:n]), '\n')
		raw = raw[n:]
	}
	return out
}

// assembler puts lines together. Like Zephyr's it says nothing of what does not fit: the packet is lost.
type assembler struct {
	raw    []byte // length, packet, CRC
	within bool
}

// line takes one line without its end and returns a packet once it is whole, valid until the next call.
func (a *assembler) line(line []byte) (packet []byte, whole bool) {
	if len(line) < 2 {
		return nil, false
	}
	switch [2]byte(line[:2]) {
	case markFirst:
		a.raw, a.within = a.raw[:0], true
	case markMore:
		if !a.within {
			return nil, false
		}
	default:
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(string(line[2:]))
	if a.raw = append(a.raw, decoded...); err != nil || len(a.raw) < 2 || len(a.raw) > maxReceived {
		a.within = false
		return nil, false
	}
	want := 2 + int(binary.BigEndian.Uint16(a.raw))
	if len(a.raw) < want {
		return nil, false
	}
	a.within = false
	if len(a.raw) != want || want < 2+headerSize+2 {
		return nil, false
	}
	packet = a.raw[2 : want-2]
	return packet, crc16(packet) == binary.BigEndian.Uint16(a.raw[want-2:])
}

// Operations, groups and commands of SMP (Zephyr, "SMP Protocol Specification" and its groups 8 and 9).
const (
	opRead, opReadAnswer   = 0, 1
	opWrite, opWriteAnswer = 2, 3
	groupFS, groupShell    = 8, 9
	idFile, idHash         = 0, 2 // of groupFS
	idExec                 = 0    // of groupShell
	smpVersion             = 1
)

// header is the beginning of a packet: Res(3) Ver(2) OP(3), flags, length of what follows, group, sequence number, command.
type header struct {
	op    byte
	group uint16
	seq   byte
	id    byte
}

// encoding writes definite lengths and fields in their order, which is as short as SMP gets.
var encoding = func() cbor.EncMode {
	mode, err := cbor.EncOptions{}.EncMode()
	if err != nil {
		panic(err) // constant options
	}
	return mode
}()

// pack makes a packet with a CBOR body.
func pack(h header, body any) ([]byte, error) {
	data, err := encoding.Marshal(body)
	if err != nil {
		return nil, err
	}
	p := []byte{smpVersion<<3 | h.op, 0}
	p = binary.BigEndian.AppendUint16(p, uint16(len(data)))
	p = binary.BigEndian.AppendUint16(p, h.group)
	p = append(append(p, h.seq, h.id), data...)
	if len(p) > maxPacket {
		return nil, fmt.Errorf("packet of %d bytes, at most %d: %w", len(p), maxPacket, ErrTooLong)
	}
	return p, nil
}

// unpack reads a packet; its body is part of p.
func unpack(p []byte) (h header, body []byte, err error) {
	if len(p) < headerSize {
		return header{}, nil, fmt.Errorf("packet of %d bytes: %w", len(p), ErrAnswer)
	}
	if n := int(binary.BigEndian.Uint16(p[2:])); n != len(p)-headerSize || p[0]>>5 != 0 || p[0]>>3&3 > smpVersion {
		return header{}, nil, fmt.Errorf("packet of %d bytes with header % x: %w", len(p), p[:headerSize], ErrAnswer)
	}
	return header{op: p[0] & 7, group: binary.BigEndian.Uint16(p[4:]), seq: p[6], id: p[7]}, p[headerSize:], nil
}

// Bodies of the file management group (8) and the shell group (9).
type (
	fileRequest struct { // download
		Off  uint64 `cbor:"off"`
		Name string `cbor:"name"`
	}
	fileChunk struct { // upload, and the answer to a download
		Off  uint64  `cbor:"off"`
		Data []byte  `cbor:"data"`
		Name string  `cbor:"name,omitempty"`
		Len  *uint64 `cbor:"len,omitempty"` // where Off is 0
	}
	fileOffset struct {
		Off uint64 `cbor:"off"`
	}
	hashRequest struct {
		Name string `cbor:"name"`
		Type string `cbor:"type"`
	}
	hashAnswer struct {
		Type   string `cbor:"type"`
		Len    uint64 `cbor:"len"`
		Output []byte `cbor:"output"`
	}
	execRequest struct {
		Argv []string `cbor:"argv"`
	}
	execAnswer struct {
		Output string `cbor:"o"`
		Ret    int    `cbor:"ret"`
	}
	failure struct {
		Err *groupError `cbor:"err,omitempty"`
		RC  int         `cbor:"rc,omitempty"` // mcumgr_err_t
	}
	groupError struct {
		Group int `cbor:"group"`
		RC    int `cbor:"rc"`
	}
)
