package scan

import "strings"

// check holds an element's data against its format: length, characters, check digit, date.
func (r rule) check(ai, data string) error {
	rest := data
	for i, p := range r.parts {
		n := min(len(rest), p.max)
		if n < p.min {
			return gs1Error("(%s): %d characters, want %d more", ai, len(data), p.min-n)
		}
		piece := rest[:n]
		rest = rest[n:]
		if n == 0 {
			continue
		}
		if !within(p.set, piece) {
			return gs1Error("(%s): a character that does not belong there in part %d", ai, i+1)
		}
		if p.check == 's' && !checkDigit(piece) {
			return &Error{Reason: ReasonCheckDigit, Detail: "(" + ai + ")"}
		}
		if p.check == 'd' && !date(piece) {
			return gs1Error("(%s): not a date", ai)
		}
	}
	if rest != "" {
		return gs1Error("(%s): more than %d characters", ai, r.length())
	}
	return nil
}

// within reports whether s is of a GS1 character set (GS1 General Specifications 7.11).
func within(set byte, s string) bool {
	for i := range len(s) {
		c := s[i]
		upper, lower := c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z'
		ok := isDigit(c)
		switch set {
		case 'X':
			ok = ok || upper || lower || strings.IndexByte(`!"%&'()*+,-./:;<=>?_`, c) >= 0
		case 'Y':
			ok = ok || upper || c == '#' || c == '-' || c == '/'
		case 'Z':
			ok = ok || upper || lower || c == '-' || c == '_' || c == '='
		}
		if !ok {
			return false
		}
	}
	return true
}

// checkDigit verifies the last digit: weights 3 and 1 from the right, sum a multiple of ten (GS1 General Specifications 7.9.1).
func checkDigit(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[i] - '0')
		if (len(digits)-1-i)%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}

// date verifies YYMMDD; day 00 is the month as a whole (GS1 General Specifications 3.4).
func date(s string) bool {
	month, day := (s[2]-'0')*10+s[3]-'0', (s[4]-'0')*10+s[5]-'0'
	return month >= 1 && month <= 12 && day <= 31
}
