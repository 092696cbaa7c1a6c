package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var errMalformed = errors.New("malformed")

// commonNames reads the CN attributes (2.5.4.3) of an encoded Name, with the bytes as they stand: crypto/x509 would
// decode several string types to the same text, and what the broker compares is bytes. ok is false for a string type
// other than UTF8String and PrintableString.
func commonNames(rawName []byte) (cns [][]byte, ok bool, err error) {
	name := cryptobyte.String(rawName)
	var rdns cryptobyte.String
	if !name.ReadASN1(&rdns, cbasn1.SEQUENCE) || !name.Empty() {
		return nil, false, errMalformed
	}
	ok = true
	for !rdns.Empty() {
		var rdn cryptobyte.String
		if !rdns.ReadASN1(&rdn, cbasn1.SET) {
			return nil, false, errMalformed
		}
		for !rdn.Empty() {
			var atv, value cryptobyte.String
			var oid asn1.ObjectIdentifier
			var tag cbasn1.Tag
			if !rdn.ReadASN1(&atv, cbasn1.SEQUENCE) || !atv.ReadASN1ObjectIdentifier(&oid) ||
				!atv.ReadAnyASN1(&value, &tag) || !atv.Empty() {
				return nil, false, errMalformed
			}
			if !oid.Equal(asn1.ObjectIdentifier{2, 5, 4, 3}) {
				continue
			}
			cns = append(cns, value)
			ok = ok && (tag == cbasn1.UTF8String || tag == cbasn1.PrintableString)
		}
	}
	return cns, ok, nil
}

// checkCN wants exactly one CN, equal to id byte for byte.
func checkCN(rawName []byte, id string) *Error {
	cns, ok, err := commonNames(rawName)
	switch {
	case err != nil:
		return findingErr(CheckWrongCN, "subject", err)
	case len(cns) == 0:
		return finding(CheckWrongCN, fmt.Sprintf("no CN, want %q", id))
	case len(cns) > 1:
		return finding(CheckWrongCN, fmt.Sprintf("%d CNs, want %q alone", len(cns), id))
	case string(cns[0]) != id:
		return finding(CheckWrongCN, fmt.Sprintf("CN is %q, want %q", clean(string(cns[0])), id))
	case !ok:
		return finding(CheckWrongCN, "CN is neither a UTF8String nor a PrintableString")
	}
	return nil
}

// checkSAN wants a subjectAltName of exactly one dNSName equal to id byte for byte, or, where optional, none at all.
func checkSAN(exts []pkix.Extension, id string, optional bool) *Error {
	ext, n := findExtension(exts, oidSAN)
	if n == 0 {
		if optional {
			return nil
		}
		return finding(CheckWrongSAN, fmt.Sprintf("no subjectAltName, want DNS:%s", id))
	}
	if n > 1 {
		return finding(CheckWrongSAN, "several subjectAltName extensions")
	}
	val := cryptobyte.String(ext.Value)
	var names cryptobyte.String
	if !val.ReadASN1(&names, cbasn1.SEQUENCE) || !val.Empty() {
		return findingErr(CheckWrongSAN, "subjectAltName", errMalformed)
	}
	count := 0
	for !names.Empty() {
		var value cryptobyte.String
		var tag cbasn1.Tag
		if !names.ReadAnyASN1(&value, &tag) {
			return findingErr(CheckWrongSAN, "subjectAltName", errMalformed)
		}
		count++
		if kind := generalName(tag); kind != "DNS" || string(value) != id {
			return finding(CheckWrongSAN, fmt.Sprintf("%s:%s in the SAN, want DNS:%s alone", kind, clean(string(value)), id))
		}
	}
	if count != 1 {
		return finding(CheckWrongSAN, fmt.Sprintf("%d names in the SAN, want DNS:%s alone", count, id))
	}
	return nil
}

// generalName names a GeneralName's context tag (RFC 5280 4.2.1.6).
func generalName(tag cbasn1.Tag) string {
	kinds := [...]string{"otherName", "email", "DNS", "x400", "dirName", "ediParty", "URI", "IP", "RID"}
	if tag&0xc0 != 0x80 || int(tag&0x1f) >= len(kinds) {
		return "unknown"
	}
	return kinds[tag&0x1f]
}

var (
	oidSAN              = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// findExtension returns the last extension with this oid and how many there are.
func findExtension(exts []pkix.Extension, oid asn1.ObjectIdentifier) (ext pkix.Extension, n int) {
	for _, e := range exts {
		if e.Id.Equal(oid) {
			ext = e
			n++
		}
	}
	return ext, n
}
