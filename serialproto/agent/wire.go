package agent

import "provstation/serialproto"

// encode makes a response. A result that does not fit the wire's bounds becomes StatusInternal: a station never sees
// half an answer.
func encode(status serialproto.Status, detail string, next uint32, result any) []byte {
	b, err := serialproto.EncodeResponse(status, detail, next, result)
	if err == nil {
		return b
	}
	if b, err = serialproto.EncodeResponse(serialproto.StatusInternal, "answer does not encode", 0, nil); err == nil {
		return b
	}
	return []byte{0xa1, 0x00, byte(serialproto.StatusInternal)} // {0: internal}
}
