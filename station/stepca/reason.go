package stepca

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Reason is why a certificate is revoked: a CRLReason (RFC 5280 5.3.1). 7 is not used there.
type Reason int

// Reasons.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8 // takes a hold back, in delta CRLs; it revokes nothing
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasonWords = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn",
	AACompromise: "aACompromise",
}

// Reasons lists all, in the order of their codes.
func Reasons() []Reason {
	return []Reason{
		Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded, CessationOfOperation, CertificateHold,
		RemoveFromCRL, PrivilegeWithdrawn, AACompromise,
	}
}

// String is the word of RFC 5280.
func (r Reason) String() string {
	if w, ok := reasonWords[r]; ok {
		return w
	}
	return fmt.Sprintf("unknown(%d)", int(r))
}

// ParseReason reads a word of RFC 5280, without regard to case, spaces, hyphens and underscores, or a code.
func ParseReason(text string) (Reason, error) {
	fold := strings.NewReplacer(" ", "", "-", "", "_", "")
	want := fold.Replace(text)
	for _, r := range Reasons() {
		if strings.EqualFold(want, r.String()) || text == strconv.Itoa(int(r)) {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%w: revocation reason: want one of %s", ErrArgument, reasonList())
}

func reasonList() string {
	var words []string
	for _, r := range Reasons() {
		words = append(words, r.String())
	}
	return strings.Join(words, ", ")
}

// maxSerial is 20 octets (RFC 5280 4.1.2.2), bits.
const maxSerial = 160

// ParseSerial reads a certificate's serial number: decimal, or hexadecimal behind 0x. A leading zero is refused, since the
// CA itself would read the number as octal.
func ParseSerial(text string) (*big.Int, error) {
	digits, base := text, 10
	if rest, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		digits, base = rest, 16
	}
	n, ok := new(big.Int), len(text) <= 2+maxSerial && isDigits(digits, base) && (base == 16 || digits[0] != '0')
	if ok {
		n, ok = n.SetString(digits, base)
	}
	if !ok || n.Sign() <= 0 || n.BitLen() > maxSerial {
		return nil, fmt.Errorf("%w: serial number: want a decimal number, or 0x and a hexadecimal one", ErrArgument)
	}
	return n, nil
}

func isDigits(s string, base int) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (base != 16 || r < 'a' || r > 'f')
	})
}
