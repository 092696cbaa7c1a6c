package prototest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

func TestDialIsOneClosure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := prototest.Dial(t.Context(), func(_ context.Context, _ serialproto.Op, _ []byte) []byte {
			data, _ := serialproto.EncodeResponse(serialproto.StatusOK, "", 0, serialproto.ClockResult{Now: 42})
			return data
		})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		var got serialproto.ClockResult
		if err := h.Call(t.Context(), serialproto.ClockArgs{Op: serialproto.OpClock}, &got); err != nil || got.Now != 42 {
			t.Errorf("got %+v, %v, want 42", got, err)
		}
	})
}
