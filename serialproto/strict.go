package serialproto

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf8"
)

// Bounds of any message, whatever its type.
const (
	maxDepth = 4  // nested containers
	maxArray = 16 // elements of one array
	maxPairs = 32 // pairs of one map
)

// CBOR major types (RFC 8949 3.1).
const (
	majorUint   = 0
	majorNegInt = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
)

// checkStrict walks data once, without allocating, and accepts exactly one data item in the core deterministic encoding
// (RFC 8949 4.2.1) that is a map with integer keys: shortest heads, definite lengths, keys ascending (which leaves no
// room for duplicates), valid UTF-8, no tags, no floats, no simple values but true and false, bounded containers.
func checkStrict(data []byte) error {
	if len(data) == 0 || data[0]>>5 != majorMap {
		return fmt.Errorf("%w: not a map", ErrMalformed)
	}
	rest, err := walk(data, 1)
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes after the message", ErrMalformed, len(rest))
	}
	return nil
}

// head reads the initial byte and argument of a data item.
func head(data []byte) (major byte, arg uint64, rest []byte, err error) {
	if len(data) == 0 {
		return 0, 0, nil, fmt.Errorf("%w: truncated", ErrMalformed)
	}
	major, info := data[0]>>5, data[0]&31
	data = data[1:]
	if info < 24 {
		return major, uint64(info), data, nil
	}
	if info > 27 {
		return 0, 0, nil, fmt.Errorf("%w: indefinite or reserved length", ErrMalformed)
	}
	n := 1 << (info - 24)
	if len(data) < n {
		return 0, 0, nil, fmt.Errorf("%w: truncated", ErrMalformed)
	}
	for _, b := range data[:n] {
		arg = arg<<8 | uint64(b)
	}
	least := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
	if arg < least {
		return 0, 0, nil, fmt.Errorf("%w: length or number not in its shortest form", ErrMalformed)
	}
	return major, arg, data[n:], nil
}

func walk(data []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrMalformed)
	}
	if len(data) > 0 && (data[0] == 0xf4 || data[0] == 0xf5) { // false, true
		return data[1:], nil
	}
	major, arg, rest, err := head(data)
	if err != nil {
		return nil, err
	}
	switch major {
	case majorUint, majorNegInt:
		if arg > math.MaxInt64 {
			return nil, fmt.Errorf("%w: number out of range", ErrMalformed)
		}
		return rest, nil
	case majorBytes, majorText:
		if arg > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: truncated string", ErrMalformed)
		}
		if major == majorText && !utf8.Valid(rest[:arg]) {
			return nil, fmt.Errorf("%w: invalid utf-8", ErrMalformed)
		}
		return rest[arg:], nil
	case majorArray:
		if arg > maxArray {
			return nil, fmt.Errorf("%w: array too long", ErrMalformed)
		}
		for range arg {
			if rest, err = walk(rest, depth+1); err != nil {
				return nil, err
			}
		}
		return rest, nil
	case majorMap:
		return walkMap(rest, arg, depth)
	}
	return nil, fmt.Errorf("%w: major type %d not allowed", ErrMalformed, major)
}

func walkMap(data []byte, pairs uint64, depth int) ([]byte, error) {
	if pairs > maxPairs {
		return nil, fmt.Errorf("%w: map too long", ErrMalformed)
	}
	var prev []byte
	for range pairs {
		major, arg, rest, err := head(data)
		if err != nil {
			return nil, err
		}
		if major != majorUint && major != majorNegInt || arg > math.MaxInt64 {
			return nil, fmt.Errorf("%w: map key is no integer of 63 bits", ErrMalformed)
		}
		key := data[:len(data)-len(rest)]
		if prev != nil && bytes.Compare(prev, key) >= 0 {
			return nil, fmt.Errorf("%w: map keys repeated or out of order", ErrMalformed)
		}
		prev = key
		if data, err = walk(rest, depth+1); err != nil {
			return nil, err
		}
	}
	return data, nil
}
