package serialproto

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestResponseSharesOneMap(t *testing.T) {
	want := StatusResult{State: StateKeyed, SPKI: bytes.Repeat([]byte{7}, 32), Generation: 2, Signatures: 4, Objects: map[Obj]Object{
		ObjLeaf: {Length: 600, Digest: bytes.Repeat([]byte{1}, 8), Received: 600},
	}}
	data, err := EncodeResponse(StatusOK, "", 0, want)
	if err != nil {
		t.Fatal(err)
	}
	var got StatusResult
	head, err := DecodeResponse(data, &got)
	if err != nil || head.Err(OpStatus) != nil {
		t.Fatalf("got %+v, %v, want an ok head", head, err)
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Object{})); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
}

func TestErrorResponse(t *testing.T) {
	data, err := EncodeResponse(StatusBadOffset, "try\x1b again "+strings.Repeat("x", 100), 512, PutResult{NextOffset: 9})
	if err != nil {
		t.Fatal(err)
	}
	got := PutResult{NextOffset: 77}
	head, err := DecodeResponse(data, &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.NextOffset != 77 {
		t.Errorf("result of a failed operation: got %+v, want it untouched", got)
	}
	var se *StatusError
	if err := head.Err(OpPut); !errors.As(err, &se) || se.NextOffset != 512 || len(se.Detail) != MaxDetail || strings.Contains(se.Error(), "\x1b") {
		t.Errorf("got %+v, want a StatusError with offset 512 and 64 clean bytes", se)
	}
	if !errors.Is(se, &StatusError{Status: StatusBadOffset}) || errors.Is(se, &StatusError{Op: OpLock, Status: StatusBadOffset}) {
		t.Errorf("Is must match by status and, where given, by operation")
	}
}

func TestDecodeIsStrict(t *testing.T) {
	for name, hex := range map[string]string{
		"empty":                 "",
		"not a map":             "80",
		"truncated map":         "a2 01 01",
		"trailing byte":         "a1 01 01 00",
		"indefinite map":        "bf 01 01 ff",
		"indefinite string":     "a1 01 5f 41 00 ff",
		"number not shortest":   "a1 01 18 01",
		"length not shortest":   "a1 01 58 01 00",
		"keys out of order":     "a2 02 01 01 01",
		"duplicate key":         "a2 01 01 01 02",
		"duplicate unknown key": "a3 01 01 18 63 01 18 63 02",
		"duplicate nested key":  "a1 18 63 a2 01 01 01 02",
		"text key":              "a1 61 31 01",
		"float":                 "a1 01 fb 3f f0 00 00 00 00 00 00",
		"null":                  "a1 01 f6",
		"tag":                   "a1 01 c1 01",
		"bignum":                "a1 01 1b ff ff ff ff ff ff ff ff",
		"five levels deep":      "a1 01 81 81 81 81 01",
		"array of 17":           "a1 18 63 91 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01",
		"huge array head":       "a1 18 63 9b 00 ff ff ff ff ff ff ff",
		"huge string head":      "a1 18 63 5b 7f ff ff ff ff ff ff ff",
		"invalid utf-8":         "a1 18 63 61 ff",
		"string for number":     "a1 01 41 00",
		"clock overflow":        "a1 01 20",
	} {
		got := ClockResult{Now: 42}
		if err := Decode(unhex(t, hex), &got); err == nil {
			t.Errorf("%s: got %+v, want an error", name, got)
		} else if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got untyped error %v", name, err)
		}
		if got.Now != 42 {
			t.Errorf("%s: destination changed to %+v on error", name, got)
		}
	}
}

func TestUnknownKeysIgnored(t *testing.T) {
	var got ClockResult
	if err := Decode(unhex(t, "a3 01 18 2a 18 63 a1 01 82 f5 40 20 61 78"), &got); err != nil || got.Now != 42 {
		t.Errorf("got %+v, %v, want 42", got, err)
	}
}

func TestPeekOp(t *testing.T) {
	data, err := EncodeRequest(SimpleArgs{Op: OpStatus})
	if err != nil {
		t.Fatal(err)
	}
	if op, err := PeekOp(data); op != OpStatus || err != nil {
		t.Errorf("got %v, %v, want STATUS", op, err)
	}
	if op, err := PeekOp([]byte{0xa1, 0x00, 0x18, 0xc8}); op != 200 || err != nil {
		t.Errorf("unknown op: got %v, %v, want 200", op, err)
	}
	for _, bad := range []string{"a0", "a1 01 01", "a1 00 41 00", "a1 00 19 01 00", "a1 00 20", ""} {
		if op, err := PeekOp(unhex(t, bad)); err == nil || op != 0 {
			t.Errorf("%s: got %v, %v, want an error", bad, op, err)
		}
	}
}

func TestEncodeRefusesStrangers(t *testing.T) {
	for _, v := range []any{nil, 7, struct{}{}, ClockResult{Now: 1}} {
		if data, err := EncodeRequest(v); !errors.Is(err, ErrNoMessage) || data != nil {
			t.Errorf("%T: got %x, %v, want %v", v, data, err, ErrNoMessage)
		}
	}
	if err := Decode([]byte{0xa0}, (*ClockResult)(nil)); !errors.Is(err, ErrNoMessage) {
		t.Errorf("nil destination: got %v, want %v", err, ErrNoMessage)
	}
	if _, err := EncodeRequest(EnrollArgs{Op: OpLock, Alg: AlgP256, DeviceID: "a", EnrollID: []byte("12345678")}); !errors.Is(err, ErrInvalid) {
		t.Errorf("wrong op: got %v, want %v", err, ErrInvalid)
	}
}
