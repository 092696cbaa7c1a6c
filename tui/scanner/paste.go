package scanner

import (
	"strings"
	"unicode/utf8"
)

// Pasted says what a bracketed paste is.
type Pasted uint8

// What a paste can be.
const (
	PastedNothing Pasted = iota // empty
	PastedScan                  // one line: a scan
	PastedText                  // text for the field that has the focus
	PastedTooLong               // refused: longer than MaxLength
	PastedLines                 // refused: several lines
)

// Paste tells what a bracketed paste is, and gives its text without the line end. Some scanners and all remote desktops
// deliver a label that way. typing: a text field has the focus; there a paste is a scan only when a line end follows.
func Paste(content string, typing bool) (Pasted, string) {
	text := strings.TrimSuffix(strings.TrimSuffix(content, "\n"), "\r")
	ended := len(text) < len(content)
	switch {
	case text == "":
		return PastedNothing, ""
	case len(content) > MaxLength+2 || len(text) > MaxLength:
		return PastedTooLong, ""
	case strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text):
		return PastedLines, ""
	case typing && !ended:
		return PastedText, text
	default:
		return PastedScan, text
	}
}
