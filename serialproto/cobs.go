package serialproto

import "errors"

// ErrCOBS reports bytes that are no COBS encoding: an embedded zero, or a group that runs past the end.
var ErrCOBS = errors.New("malformed cobs")

// cobsRun is the longest run of non-zero bytes that one code byte can announce.
const cobsRun = 254

// AppendCOBS appends the COBS encoding of src to dst. No delimiter is added. After a full run of 254 bytes at the very
// end of src the trailing 0x01 group is left out, so src of up to 254 bytes grows by exactly one byte.
func AppendCOBS(dst, src []byte) []byte {
	code := len(dst)
	dst = append(dst, 0)
	n := byte(1)
	for i, b := range src {
		if b == 0 {
			dst[code] = n
			code = len(dst)
			dst = append(dst, 0)
			n = 1
			continue
		}
		dst = append(dst, b)
		n++
		if n == cobsRun+1 && i < len(src)-1 {
			dst[code] = n
			code = len(dst)
			dst = append(dst, 0)
			n = 1
		}
	}
	dst[code] = n
	return dst
}

// AppendUnCOBS appends the bytes encoded by src (without its delimiters) to dst. Both spellings of a final full run,
// with and without the 0x01 group, are accepted. On error the returned slice is nil.
func AppendUnCOBS(dst, src []byte) ([]byte, error) {
	for len(src) > 0 {
		code := int(src[0])
		if code == 0 || code > len(src) {
			return nil, ErrCOBS
		}
		for _, b := range src[1:code] {
			if b == 0 {
				return nil, ErrCOBS
			}
		}
		dst = append(dst, src[1:code]...)
		src = src[code:]
		if code != cobsRun+1 && len(src) > 0 {
			dst = append(dst, 0)
		}
	}
	return dst, nil
}
