package pki

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxDERDepth bounds recursion. A CSR nests about nine deep.
const maxDERDepth = 24

// isDER reports whether b is exactly one value in DER (X.690 10, 11): definite minimal lengths (cryptobyte's reader
// refuses others), minimal integers, canonical booleans, no unused bits set, sets sorted, nothing after the end. What is
// inside an OCTET STRING is opaque here.
func isDER(b []byte) bool {
	s := cryptobyte.String(b)
	return derValue(&s, 0) && s.Empty()
}

func derValue(s *cryptobyte.String, depth int) bool {
	if depth > maxDERDepth {
		return false
	}
	var body cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&body, &tag) {
		return false
	}
	if tag&0x20 != 0 {
		return derChildren(body, tag, depth)
	}
	switch tag {
	case cbasn1.SEQUENCE &^ 0x20, cbasn1.SET &^ 0x20:
		return false
	case cbasn1.BOOLEAN:
		return len(body) == 1 && (body[0] == 0 || body[0] == 0xff)
	case cbasn1.INTEGER, cbasn1.ENUM:
		return minimalInt(body)
	case cbasn1.BIT_STRING:
		if len(body) == 0 || body[0] > 7 || len(body) == 1 && body[0] != 0 {
			return false
		}
		return len(body) == 1 || body[len(body)-1]&(1<<body[0]-1) == 0
	case cbasn1.NULL:
		return len(body) == 0
	}
	return true
}

func derChildren(body cryptobyte.String, tag cbasn1.Tag, depth int) bool {
	universal := tag&0xc0 == 0
	if universal && tag != cbasn1.SEQUENCE && tag != cbasn1.SET {
		return false // strings are primitive in DER
	}
	var last []byte
	for !body.Empty() {
		before := body
		if !derValue(&body, depth+1) {
			return false
		}
		el := before[:len(before)-len(body)]
		if tag == cbasn1.SET && last != nil && bytes.Compare(last, el) > 0 {
			return false // X.690 11.6
		}
		last = el
	}
	return true
}

func minimalInt(b []byte) bool {
	if len(b) < 2 {
		return len(b) == 1
	}
	padded := b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80
	return !padded
}
