package label

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxField is how many characters of a field reach a label.
const MaxField = 256

// Data is what a label says about a device. Any field may be empty; characters that cannot be printed are left out.
type Data struct {
	ID             string
	Name           string
	HardwareSerial string
	Fingerprint    string // SHA-256 of the leaf's DER, lower-case hex
	Model          string
	Tenant         string
	Batch          string
	Station        string
	// Certificate dates, in UTC, and the date of printing, in its own zone; templates see 2006-01-02, or nothing for the
	// zero time.
	NotBefore, NotAfter, PrintedAt time.Time
	QRText                         string // what the QR code holds; empty: ID
}

// fields is Data as templates see it. T says how a field is written out.
type fields[T ~string] struct {
	ID, Name, HardwareSerial, Fingerprint, Model, Tenant, Batch, Station T
	NotBefore, NotAfter, PrintedAt                                       T
	QRText                                                               T
}

func fieldsOf[T ~string](d Data) fields[T] {
	date := func(t time.Time) T {
		if t.IsZero() {
			return ""
		}
		return T(t.Format(time.DateOnly))
	}
	f := fields[T]{
		ID: T(clean(d.ID)), Name: T(clean(d.Name)), HardwareSerial: T(clean(d.HardwareSerial)),
		Fingerprint: T(clean(d.Fingerprint)), Model: T(clean(d.Model)), Tenant: T(clean(d.Tenant)),
		Batch: T(clean(d.Batch)), Station: T(clean(d.Station)),
		NotBefore: date(d.NotBefore.UTC()), NotAfter: date(d.NotAfter.UTC()), PrintedAt: date(d.PrintedAt),
		QRText: T(clean(d.QRText)),
	}
	if f.QRText == "" {
		f.QRText = f.ID
	}
	return f
}

// clean leaves out what cannot be printed and cuts what is too long.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == MaxField {
			break
		}
		if !printableRune(r) {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

func printableRune(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// samples are devices for trying a template out: every field is filled, with plain text first, and then with characters
// that a printer could take for its own.
func samples() []Data {
	day := time.Date(2026, time.January, 2, 0, 0, 0, 0, time.UTC)
	list := make([]Data, 0, 2)
	for _, odd := range []string{"", "_^~\\é"} {
		list = append(list, Data{
			ID: "device-0001" + odd, Name: "Gateway" + odd, HardwareSerial: "HW0001" + odd,
			Fingerprint: strings.Repeat("0123456789abcdef", 4), Model: "M1" + odd, Tenant: "tenant" + odd, Batch: "batch" + odd,
			Station: "station" + odd, NotBefore: day, NotAfter: day.AddDate(1, 0, 0), PrintedAt: day,
		})
	}
	return list
}
