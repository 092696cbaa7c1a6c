package serialproto

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
)

// Bounds of what comes ahead.
const (
	MaxAheadFrames = 16   // fragments of one AHEAD message
	MaxAheadPacked = 2048 // bytes of it on the line
	MaxAhead       = 8192 // bytes it unpacks to
)

// ErrAhead says that what came ahead does not unpack within its bounds.
var ErrAhead = errors.New("what came ahead does not unpack")

// PackAhead packs what an AHEAD message brings, most likely certificates of the request that comes after it: raw DEFLATE (RFC 1951)
// after the dictionary. It returns nil for nothing, and for more than one such message may bring. Nothing secret may be in it.
func PackAhead(content []byte) []byte {
	if len(content) == 0 || len(content) > MaxAhead {
		return nil
	}
	w := packers.Get().(*flate.Writer) //nolint:forcetypeassert // nothing else is put there
	defer packers.Put(w)
	data := deflate(w, content, nil)
	if len(data) > MaxAheadPacked {
		return nil
	}
	return data
}

// UnpackAhead gives what PackAhead packed. The error wraps ErrAhead.
func UnpackAhead(data []byte) ([]byte, error) {
	if len(data) == 0 || len(data) > MaxAheadPacked {
		return nil, fmt.Errorf("%w: %d bytes", ErrAhead, len(data))
	}
	content, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(data), Dictionary()), MaxAhead+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrAhead, err)
	case len(content) > MaxAhead:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrAhead, MaxAhead)
	}
	return content, nil
}
