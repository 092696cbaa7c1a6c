package serialproto

import (
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// message is what every type of the message table is.
type message interface{ Validate() error }

// request is a message that asks for an operation.
type request interface {
	message
	request() Op
}

// codec holds the two modes. Options are constants of this package, so building them cannot fail.
var codec = newCodec()

type modes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newCodec() modes {
	eo := cbor.CoreDetEncOptions()
	eo.NilContainers = cbor.NilContainerAsEmpty
	enc, err := eo.EncMode()
	if err != nil {
		panic("serialproto: encoder options: " + err.Error())
	}
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  maxArray,
		MaxMapPairs:       maxPairs,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic("serialproto: decoder options: " + err.Error())
	}
	return modes{enc, dec}
}

// Encode validates v, one of the message types or a pointer to one, and returns its deterministic CBOR.
func Encode(v any) ([]byte, error) {
	m, ok := v.(message)
	if !ok {
		return nil, fmt.Errorf("encode %T: %w", v, ErrNoMessage)
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return nil, fmt.Errorf("encode nil %T: %w", v, ErrNoMessage)
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	data, err := codec.enc.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	if len(data) > MaxMessage {
		return nil, fmt.Errorf("encode %T of %d bytes: %w", v, len(data), ErrTooLarge)
	}
	return data, nil
}

// Decode reads one message into v, a pointer to one of the message types, and validates it. Keys the type does not
// know are ignored; everything else about the encoding is strict. On error *v is unchanged.
func Decode(data []byte, v any) error {
	if len(data) > MaxMessage {
		return fmt.Errorf("decode message of %d bytes: %w", len(data), ErrTooLarge)
	}
	p := reflect.ValueOf(v)
	if _, ok := v.(message); !ok || p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("decode into %T: %w", v, ErrNoMessage)
	}
	if err := checkStrict(data); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	if err := checkBytes(data, p.Type().Elem()); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	fresh := reflect.New(p.Type().Elem())
	if err := codec.dec.Unmarshal(data, fresh.Interface()); err != nil {
		return fmt.Errorf("decode message: %w: %w", ErrMalformed, err)
	}
	if err := fresh.Interface().(message).Validate(); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	p.Elem().Set(fresh.Elem())
	return nil
}

// EncodeRequest is Encode for a request: one of the ...Args types (or a pointer to one) with its Op set.
func EncodeRequest(args any) ([]byte, error) {
	if _, ok := args.(request); !ok {
		return nil, fmt.Errorf("encode request %T: %w", args, ErrNoMessage)
	}
	return Encode(args)
}

// DecodeRequest reads a request into args, a pointer to the Args type of its operation (see PeekOp).
func DecodeRequest(data []byte, args any) error {
	if _, ok := args.(request); !ok {
		return fmt.Errorf("decode request into %T: %w", args, ErrNoMessage)
	}
	return Decode(data, args)
}

// RequestOp returns the operation of a request value, 0 when args is none.
func RequestOp(args any) Op {
	if r, ok := args.(request); ok {
		return r.request()
	}
	return 0
}

// PeekOp checks that data is one well-formed message and returns the operation it asks for, known or not.
func PeekOp(data []byte) (Op, error) {
	v, err := peek(data)
	if err != nil {
		return 0, fmt.Errorf("decode request: %w", err)
	}
	return Op(v), nil
}

// peek returns the small integer under key 0, which sorts first in every request and response.
func peek(data []byte) (uint8, error) {
	if len(data) > MaxMessage {
		return 0, ErrTooLarge
	}
	if err := checkStrict(data); err != nil {
		return 0, err
	}
	_, pairs, rest, err := head(data)
	if err != nil {
		return 0, err
	}
	if pairs == 0 || rest[0] != 0 {
		return 0, fmt.Errorf("%w: no key 0", ErrMalformed)
	}
	major, v, _, err := head(rest[1:])
	if err != nil || major != majorUint || v > 255 {
		return 0, fmt.Errorf("%w: key 0 is no small number", ErrMalformed)
	}
	return uint8(v), nil
}

// EncodeResponse returns a response. With StatusOK it is one map: status 0 under key 0, then the keys of result (nil for
// none); detail and nextOffset are not carried, since their keys belong to the result. With any other status it is a
// ResponseHead and result is ignored; detail is cut to what the wire allows.
func EncodeResponse(status Status, detail string, nextOffset uint32, result any) ([]byte, error) {
	if status != StatusOK {
		return Encode(ResponseHead{Status: status, NextOffset: nextOffset, Detail: cleanDetail(detail)})
	}
	if result == nil {
		return []byte{0xa1, 0x00, 0x00}, nil
	}
	data, err := Encode(result)
	if err != nil {
		return nil, err
	}
	major, pairs, rest, err := head(data)
	if err != nil || major != majorMap || pairs+1 > maxPairs || len(rest) > 0 && rest[0] == 0 {
		return nil, fmt.Errorf("encode response %T: %w", result, ErrNoMessage)
	}
	out := make([]byte, 0, len(data)+4)
	if pairs++; pairs < 24 {
		out = append(out, majorMap<<5|byte(pairs))
	} else {
		out = append(out, majorMap<<5|24, byte(pairs))
	}
	out = append(out, 0x00, 0x00) // key 0, status ok
	if out = append(out, rest...); len(out) > MaxMessage {
		return nil, fmt.Errorf("encode response %T of %d bytes: %w", result, len(out), ErrTooLarge)
	}
	return out, nil
}

// DecodeResponse reads a response. With StatusOK result (a pointer to the operation's result type, nil for none) is
// filled and the head holds nothing else; with any other status result is unchanged and the head says why. A status
// that is not ok is no error here: see ResponseHead.Err.
func DecodeResponse(data []byte, result any) (ResponseHead, error) {
	v, err := peek(data)
	if err != nil {
		return ResponseHead{}, fmt.Errorf("decode response: %w", err)
	}
	if Status(v) == StatusOK {
		if result == nil {
			return ResponseHead{}, nil
		}
		return ResponseHead{}, Decode(data, result)
	}
	var h ResponseHead
	if err := Decode(data, &h); err != nil {
		return ResponseHead{}, err
	}
	return h, nil
}
