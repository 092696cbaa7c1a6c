package tenant

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

const maxSecret = 4 << 10

// Secret says where a password or a key is: in a file or in an environment variable. It is read at each use, so a new one
// counts at once.
type Secret struct {
	File string
	Env  string
}

// errSecret is in the chain of a failure to read the station's own credentials.
var errSecret = errors.New("the station's own credential")

func (s Secret) set() bool { return s.File != "" || s.Env != "" }

// read gives the one line that the secret is. Errors name its place and never what is in it.
func (s Secret) read(getenv func(string) string) (string, error) {
	var text string
	from := s.File
	if s.File != "" {
		f, err := os.Open(s.File)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errSecret, err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", fmt.Errorf("%w: %w", errSecret, err)
		}
		text = string(data)
	} else {
		text, from = getenv(s.Env), "$"+s.Env
	}
	text = strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return "", fmt.Errorf("%w: %s is empty", errSecret, from)
	case len(text) > maxSecret:
		return "", fmt.Errorf("%w: %s is longer than any secret", errSecret, from)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", fmt.Errorf("%w: %s holds more than one line, or a control character", errSecret, from)
	}
	return text, nil
}

// fitForHeader reports whether a text can stand in a header as it is.
func fitForHeader(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
