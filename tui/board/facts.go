package board

import (
	"regexp"
	"strings"
)

const hidden = "(hidden)"

var (
	// secretName finds the names of secrets in however they are written: PrivateKey, private_key, "Preshared Key".
	secretName = regexp.MustCompile(`(?i)(private|pre-?_?\s?shared)[\s_-]?key`)
	publicName = regexp.MustCompile(`(?i)^\s*public[\s_-]?key\s*=\s*[A-Za-z0-9+/]{43}=\s*$`)
	// bareKey is 32 bytes in base64, as WireGuard writes keys (RFC 4648 section 4), with or without its padding.
	bareKey = regexp.MustCompile(`[A-Za-z0-9+/]{42,}=?`)
)

// HideSecrets replaces what is or may be a secret in a wg0.conf by "(hidden)": the value of every line that names a
// private or preshared key, and every key that does not stand behind PublicKey. The text must be clean already
// ([CleanLines]), so that no invisible character splits a name.
func HideSecrets(conf string) string {
	rows := strings.Split(conf, "\n")
	for i, row := range rows {
		rows[i] = hideRow(row)
	}
	return strings.Join(rows, "\n")
}

func hideRow(row string) string {
	if at := secretName.FindStringIndex(row); at != nil {
		head := row[:at[1]]
		if bareKey.MatchString(row[:at[0]]) { // the secret stands before its name
			head = row[at[0]:at[1]]
		}
		return head + " = " + hidden
	}
	if publicName.MatchString(row) {
		return row
	}
	return bareKey.ReplaceAllString(row, hidden)
}

// hidePEM replaces PEM private keys in a log (RFC 7468 section 2) by "(hidden)"; one whose begin was cut off is hidden up
// to its end line.
func hidePEM(log string) string {
	if !strings.Contains(log, "PRIVATE KEY-----") {
		return log
	}
	var out []string
	inside := false
	for _, row := range strings.Split(log, "\n") {
		begin, end := strings.Contains(row, "-----BEGIN"), strings.Contains(row, "-----END")
		switch {
		case strings.Contains(row, "PRIVATE KEY-----") && begin && !end:
			inside = true
			out = append(out, hidden)
		case strings.Contains(row, "PRIVATE KEY-----") && end:
			if !inside && !begin {
				out = out[:0] // Its begin is missing: what stood before may be it.
			}
			if !inside {
				out = append(out, hidden)
			}
			inside = false
		case !inside:
			out = append(out, row)
		}
	}
	return strings.Join(out, "\n")
}

// LogText is the end of a log, clean, in whole lines, at most 8192 bytes. Keys are hidden before it is cut: a cut could take the line away by
// which one is known.
func LogText(v string) string {
	text := tail(hidePEM(CleanLines(tail(v, 4*maxLog), 4*maxLog)), maxLog+1)
	if len(text) > maxLog {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.ToValidUTF8(text, "")
}

// logAfter is a log with more at its end.
func logAfter(log, more string) string {
	if log == "" || more == "" {
		return LogText(log + more)
	}
	return LogText(log + "\n" + more)
}

// confText is a wg0.conf, clean and without secrets. A line that does not fit is left out whole.
func confText(v string) string {
	text := CleanLines(v, maxConf)
	if len(v) > maxConf {
		text = text[:max(0, strings.LastIndexByte(text, '\n'))]
	}
	return HideSecrets(text)
}
