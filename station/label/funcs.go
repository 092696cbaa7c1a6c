package label

import (
	"fmt"
	"strings"
	"text/template"
	"unicode/utf8"
)

// baseFuncs are what templates of every language may call. T is how a field is written out, so that what comes from a field
// stays escaped.
func baseFuncs[T ~string]() template.FuncMap {
	return template.FuncMap{
		"upper": func(s T) T { return T(strings.ToUpper(string(s))) },
		"lower": func(s T) T { return T(strings.ToLower(string(s))) },
		"short": func(n int, s T) T { return T(cut(string(s), 0, n)) },
		"part":  func(from, to int, s T) T { return T(cut(string(s), from, to)) },
		"group": func(n int, s T) T { return T(group(n, string(s))) },
		"pad": func(n int, s T) T {
			return s + T(strings.Repeat(" ", max(0, min(n, MaxField)-utf8.RuneCountInString(string(s)))))
		},
		"join": func(parts ...T) T {
			all := make([]string, 0, len(parts))
			for _, p := range parts {
				if p := strings.TrimSpace(string(p)); p != "" {
					all = append(all, p)
				}
			}
			return T(strings.Join(all, " "))
		},
	}
}

func textFuncs() template.FuncMap {
	f := baseFuncs[string]()
	f["qr"] = func(s string) (string, error) { return qrBlock(s, QRHalfBlocks) }
	f["qrascii"] = func(s string) (string, error) { return qrBlock(s, QRASCII) }
	return f
}

func zplFuncs() template.FuncMap {
	f := baseFuncs[zplText]()
	f["qrscale"] = func(dots int, s zplText) (int, error) { return qrScale(dots, string(s)) }
	f["fontsize"] = func(dots, most int, s zplText) int { return fontSize(dots, most, string(s)) }
	f["barfits"] = func(dots int, s zplText) bool { return barFits(dots, string(s)) }
	f["code128"] = func(s zplText) zplText { return zplText(strings.ReplaceAll(string(s), ">", ">0")) }
	return f
}

// cut is the characters from one place up to another, as far as there are any.
func cut(s string, from, to int) string {
	r := []rune(s)
	to = max(0, min(to, len(r)))
	return string(r[max(0, min(from, to)):to])
}

func group(n int, s string) string {
	if n < 1 {
		return s
	}
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fontSize is the height of ZPL's scalable font 0 at which a text stays within a width: its characters are on average six
// tenths as wide as high, capitals included.
func fontSize(dots, most int, s string) int {
	const least = 12 // dots: 1.5 mm at 203 dpi
	n := max(1, utf8.RuneCountInString(s))
	return max(least, min(most, dots*10/(6*n)))
}

// barFits reports whether a text can be a Code 128 in subset B and stays within a width, at two dots to the module: eleven
// modules a character, with start and check character, and thirteen for the stop.
func barFits(dots int, s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && 2*(11*(len(s)+2)+13) <= dots
}

// qrScale is the magnification of ^BQ (1 to 10 on every printer) at which a code stays within a square of dots. Below two
// dots to the module no scanner reads it.
func qrScale(dots int, s string) (int, error) {
	n, err := qrModules(s)
	if err != nil {
		return 0, err
	}
	scale := min(10, dots/n)
	if scale < 2 {
		return 0, fmt.Errorf("qr code of %d modules does not fit into %d dots", n, dots)
	}
	return scale, nil
}
