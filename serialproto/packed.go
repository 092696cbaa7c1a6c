package serialproto

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// ErrPacked says that what is packed does not unpack to what was packed.
var ErrPacked = errors.New("packed request does not unpack")

// Pack packs a request for OpPacked: raw DEFLATE (RFC 1951) after the dictionary, which what came ahead in this session and csr, the
// DER of the newest key's CSR, make better; nil: without it. It returns nil where the request is of a kind that is not packed, and
// where packing would not make it smaller.
func Pack(request, ahead, csr []byte) *PackedArgs {
	if op, err := PeekOp(request); err != nil || !packable(op) {
		return nil
	}
	w := packers.Get().(*flate.Writer) //nolint:forcetypeassert // nothing else is put there
	a := &PackedArgs{
		Op: OpPacked, Data: deflate(w, request, slices.Concat(ahead, csr)), WithCSR: len(csr) > 0, Digest: packedDigest(request),
	}
	if len(ahead) > 0 {
		a.Ahead = packedDigest(ahead)
	}
	if !holdsKey(request) {
		packers.Put(w)
	}
	if data, err := EncodeRequest(a); err != nil || len(data) >= len(request) {
		return nil
	}
	return a
}

// packers keeps what packs after the dictionary: each takes 800 kB, and longer to make than to use. One remembers what it packed
// last.
var packers = sync.Pool{New: func() any { //nolint:gochecknoglobals // the same for every device
	w, err := flate.NewWriterDict(io.Discard, flate.BestCompression, Dictionary())
	if err != nil {
		panic("serialproto: packer: " + err.Error()) // the level is a constant
	}
	return w
}}

// deflate packs data after the dictionary and before. What is before is packed first and cut off: a flush ends at a whole byte, and
// what follows refers back to it as it does to the dictionary.
func deflate(w *flate.Writer, data, before []byte) []byte {
	var b bytes.Buffer // takes all: nothing below fails
	w.Reset(&b)
	if len(before) > 0 {
		_, _ = w.Write(before)
		_ = w.Flush()
		b.Reset()
	}
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// holdsKey reports whether a request holds a tunnel's private or preshared key, which nothing that is kept may remember. One that
// does not decode may.
func holdsKey(request []byte) bool {
	var install InstallArgs
	if op, err := PeekOp(request); err == nil && op != OpInstall {
		return false
	}
	return DecodeRequest(request, &install) != nil || len(install.WGPrivate) > 0 ||
		bytes.Contains(bytes.ToLower(install.WGConf), []byte("presharedkey"))
}

// Unpack gives the request that was packed, at most limit bytes of it, and its operation. Nothing more is unpacked than that.
// ahead is what came ahead, unpacked, and of use only if it is what the request was packed after. The error is ErrTooLarge, or wraps
// ErrPacked.
func (m PackedArgs) Unpack(ahead, csr []byte, limit int) (Op, []byte, error) {
	dict := Dictionary()
	if len(m.Ahead) > 0 {
		if !bytes.Equal(packedDigest(ahead), m.Ahead) {
			return 0, nil, fmt.Errorf("%w: it was packed after what did not come", ErrPacked)
		}
		dict = append(dict, ahead...)
	}
	if m.WithCSR {
		dict = append(dict, csr...)
	}
	r := flate.NewReaderDict(bytes.NewReader(m.Data), dict)
	request, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%w: %w", ErrPacked, err)
	case len(request) > limit:
		return 0, nil, ErrTooLarge
	case !bytes.Equal(packedDigest(request), m.Digest):
		return 0, nil, fmt.Errorf("%w: its digest is another", ErrPacked)
	}
	op, err := PeekOp(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrPacked, err)
	}
	if !packable(op) {
		return 0, nil, fmt.Errorf("%w: %v is not packed", ErrPacked, op)
	}
	return op, request, nil
}

// packable reports whether requests of an operation are packed: those that carry certificates.
func packable(op Op) bool { return op == OpInstall || op == OpRenew }

func packedDigest(request []byte) []byte {
	d := sha256.Sum256(request)
	return d[:prefixSize]
}

// Dictionary is what every packed request may refer back to: what certificates and tunnels are made of (RFC 5280, RFC 5480, RFC
// 8410, wg-quick(8)), most common last. It is part of the protocol; testdata/vectors/dictionary.txt has it in hex.
func Dictionary() []byte { return []byte(dictionary) }

// dictionary is what Dictionary gives.
const dictionary = "" +
	// RSA, P-384, Ed25519, and extensions that few certificates have
	"0\x0d\x06\x09*\x86H\x86\xf7\x0d\x01\x01\x0b\x05\x000\x82\x01\"0\x0d\x06\x09*\x86H\x86\xf7\x0d\x01\x01\x01\x05\x00\x03" +
	"\x82\x01\x0f\x000\x82\x01\n\x02\x82\x01\x01\x00\x02\x03\x01\x00\x010v0\x10\x06\x07*\x86H\xce=\x02\x01\x06\x05+\x81\x04" +
	"\x00\"\x03b\x00\x040\n\x06\x08*\x86H\xce=\x04\x03\x030*0\x05\x06\x03+ep\x03!\x000\x05\x06\x03+ep0\x1d\x06\x03U\x1d%" +
	"\x04\x160\x14\x06\x08+\x06\x01\x05\x05\x07\x03\x01\x06\x08+\x06\x01\x05\x05\x07\x03\x02\x06\x03U\x1d\x1f\x06\x03U\x1d " +
	"\x06\x08+\x06\x01\x05\x05\x07\x01\x01" +
	// a tunnel
	"[Interface]\nMTU = 1420\nAddress = 10.0.0.2/16\nDNS = 10.0.0.1\n\n[Peer]\nPresharedKey = \nPublicKey = \nEndpoint = 12" +
	"7.0.0.1:51820\nAllowedIPs = 0.0.0.0/0, ::/0\nAllowedIPs = 10.8.0.0/16\nPersistentKeepalive = 25\n" +
	// names
	"1\x0b0\x09\x06\x03U\x04\x06\x13\x02DEProvider Root CA" +
	// a CA's certificate, without what is each one's own
	"0\x82\x01\x830\x82\x01*\xa0\x03\x02\x01\x02\x020\x0f\x06\x03U\x1d\x13\x01\x01\xff\x04\x050\x03\x01\x01\xff0\x82\x01" +
	"\xae0\x82\x01T\xa0\x03\x02\x01\x02\x02\x100\n\x06\x08*\x86H\xce=\x04\x03\x020#1!0\x1f\x06\x03U\x04\x03\x13\x18Provider" +
	" Intermediate CA0\x1e\x17\x0d2600Z\x17\x0d2800Z0'1%0#\x06\x03U\x04\x03\x13\x1cAcme Devices GmbH Issuing CA0Y0\x13\x06" +
	"\x07*\x86H\xce=\x02\x01\x06\x08*\x86H\xce=\x03\x01\x07\x03B\x00\x04\xa3f0d0\x0e\x06\x03U\x1d\x0f\x01\x01\xff\x04\x04" +
	"\x03\x02\x01\x060\x12\x06\x03U\x1d\x13\x01\x01\xff\x04\x080\x06\x01\x01\xff\x02\x01\x01\x06\x03U\x1d\x13\x01\x01\xff" +
	"\x04\x080\x06\x01\x01\xff\x02\x01\x000\x1d\x06\x03U\x1d\x0e\x04\x16\x04\x140\x1f\x06\x03U\x1d#\x04\x180\x16\x80\x140\n" +
	"\x06\x08*\x86H\xce=\x04\x03\x02\x03G\x000D\x02 \x02 0\n\x06\x08*\x86H\xce=\x04\x03\x02\x03I\x000F\x02!\x000\n\x06\x08*" +
	"\x86H\xce=\x04\x03\x02\x03H\x000E\x02 \x02!\x00" +
	// a device's
	"Y\x02@0\x82\x02@0\x82\x01\xe6\xa0\x03\x02\x01\x02\x02\x10\x00Y\x02P0\x82\x02M0\x82\x01\xf2\xa0\x03\x02\x01\x02\x02\x11" +
	"\x000\n\x06\x08*\x86H\xce=\x04\x03\x020'1%0#\x06\x03U\x04\x03\x13\x1c Issuing CA0\x1e\x17\x0d261100Z\x17\x0d2700Z0?1" +
	"\x190\x17\x06\x03U\x04\n\x13\x10CDM IoT Platform1\x100\x0e\x06\x03U\x04\x0b\x13\x07Devices1\x190\x17\x06\x03U\x04\x03" +
	"\x13\x100Y0\x13\x06\x07*\x86H\xce=\x02\x01\x06\x08*\x86H\xce=\x03\x01\x07\x03B\x00\x04\xa3\x81\xe30\x81\xe00\x0e\x06" +
	"\x03U\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x800\x13\x06\x03U\x1d%\x04\x0c0\n\x06\x08+\x06\x01\x05\x05\x07\x03\x020" +
	"\x0c\x06\x03U\x1d\x13\x01\x01\xff\x04\x020\x000\x1d\x06\x03U\x1d\x0e\x04\x16\x04\x140\x1f\x06\x03U\x1d#\x04\x180\x16" +
	"\x80\x140\x1b\x06\x03U\x1d\x11\x04\x140\x12\x82\x100N\x06\x0c+\x06\x01\x04\x01\x82\xa4d\xc6(@\x01\x04>0<\x02\x01\x01" +
	"\x04\niot-bridge\x04+0\n\x06\x08*\x86H\xce=\x04\x03\x02\x03I\x000F\x02!\x00\x02!\x000\n\x06\x08*\x86H\xce=\x04\x03\x02" +
	"\x03H\x000E\x02!\x00\x02 "
