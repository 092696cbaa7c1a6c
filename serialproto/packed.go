package serialproto

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrPacked says that what is packed does not unpack to what was packed.
var ErrPacked = errors.New("packed request does not unpack")

// Pack packs a request for OpPacked: raw DEFLATE (RFC 1951) after the dictionary, which csr, the DER of the newest key's CSR,
// makes better; nil: without it. It returns nil where the request is of a kind that is not packed, and where packing would
// not make it smaller.
func Pack(request, csr []byte) *PackedArgs {
	if op, err := PeekOp(request); err != nil || !packable(op) {
		return nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, flate.BestCompression, append(Dictionary(), csr...))
	if err != nil {
		return nil // the level is a constant
	}
	if _, err := w.Write(request); err != nil || w.Close() != nil {
		return nil // a buffer takes all
	}
	a := &PackedArgs{Op: OpPacked, Data: b.Bytes(), WithCSR: len(csr) > 0, Digest: packedDigest(request)}
	if data, err := EncodeRequest(a); err != nil || len(data) >= len(request) {
		return nil
	}
	return a
}

// Unpack gives the request that was packed, at most limit bytes of it, and its operation. Nothing more is unpacked than that.
// The error is ErrTooLarge, or wraps ErrPacked.
func (m PackedArgs) Unpack(csr []byte, limit int) (Op, []byte, error) {
	dict := Dictionary()
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
func Dictionary() []byte { return bytes.Clone(dictionary) }

// dictionary is built once, from its parts.
var dictionary = buildDictionary(
	// RSA, P-384, Ed25519, and extensions that few certificates have
	"300d06092a864886f70d01010b0500", "30820122300d06092a864886f70d01010105000382010f003082010a0282010100", "0203010001",
	"3076301006072a8648ce3d020106052b8104002203620004", "300a06082a8648ce3d040303", "302a300506032b6570032100", "300506032b6570",
	"301d0603551d250416301406082b0601050507030106082b06010505070302", "0603551d1f", "0603551d20", "06082b06010505070101",
	// a tunnel
	ascii("[Interface]\nMTU = 1420\nAddress = 10.0.0.2/16\nDNS = 10.0.0.1\n\n[Peer]\nPresharedKey = \nPublicKey = \n"+
		"Endpoint = 127.0.0.1:51820\nAllowedIPs = 0.0.0.0/0, ::/0\nAllowedIPs = 10.8.0.0/16\nPersistentKeepalive = 25\n"),
	// names
	"310b3009060355040613024445", ascii("Provider Root CA"),
	// a CA's certificate, without what is each one's own
	"308201833082012aa00302010202", "300f0603551d130101ff040530030101ff",
	"308201ae30820154a0030201020210300a06082a8648ce3d04030230233121301f06035504031318", ascii("Provider Intermediate CA"),
	"301e170d3236", ascii("00Z"), "170d3238", ascii("00Z"), "3027312530230603550403131c", ascii("Acme Devices GmbH Issuing CA"),
	"3059301306072a8648ce3d020106082a8648ce3d03010703420004", "a3663064300e0603551d0f0101ff0404030201063012"+
		"0603551d130101ff040830060101ff020101", "0603551d130101ff040830060101ff020100", "301d0603551d0e04160414", "301f0603551d23041830168014",
	"300a06082a8648ce3d040302034700304402200220", "300a06082a8648ce3d0403020349003046022100",
	"300a06082a8648ce3d04030203480030450220022100",
	// a device's
	"5902403082024030820"+"1e6a003020102021000", "5902503082024d308201f2a003020102021100", "300a06082a8648ce3d0403023027312530230603550403131c",
	ascii(" Issuing CA"), "301e170d32363131", ascii("00Z"), "170d3237", ascii("00Z"), "303f31193017060355040a1310", ascii("CDM IoT Platform"),
	"3110300e060355040b1307", ascii("Devices"), "3119301706035504031310",
	"3059301306072a8648ce3d020106082a8648ce3d03010703420004", "a381e33081e0300e0603551d0f0101ff040403020780"+
		"30130603551d25040c300a06082b06010505070302300c0603551d130101ff04023000301d0603551d0e04160414", "301f0603551d23041830168014",
	"301b0603551d11041430128210", "304e060c2b0601040182a464c6284001043e303c020101040a", ascii("iot-bridge"), "042b",
	"300a06082a8648ce3d0403020349003046022100", "022100", "300a06082a8648ce3d04030203480030450221000220",
)

func ascii(s string) string { return hex.EncodeToString([]byte(s)) }

func buildDictionary(parts ...string) []byte {
	all := strings.Join(parts, "")
	d, err := hex.DecodeString(all)
	if err != nil {
		panic("serialproto: dictionary: " + err.Error())
	}
	return d
}
