package link

import (
	"context"
	"fmt"
	"time"
)

// heldBack is how many bytes of a request wait for what it is held for: among them its last frame's checksum, so that nothing
// that happens on the line makes a message of what was sent.
const heldBack = 6

// Hold has the requests of the Calls that begin from now on wait for ready before they can take effect: all of a request is sent
// but its end, meanwhile. Where ready fails the request is given up, and the Call returns an error that wraps ready's. It is
// called by the Call, again where a session that was lost has the request sent anew; nil: nothing is waited for.
func (h *Host) Hold(ready func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = ready
}

// send hands a frame to the transport, the one that ends a request that is held when it may be. busy is held, mu is not.
func (h *Host) send(ctx context.Context, frame []byte) error {
	h.mu.Lock()
	ready := h.x.ready
	if !h.x.last {
		ready = nil
	}
	h.mu.Unlock()
	if ready == nil {
		return h.write(ctx, frame)
	}
	cut := len(frame) - heldBack
	if err := h.write(ctx, frame[:cut]); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return fmt.Errorf("not sent to its end: %w", err)
	}
	if ctx.Err() != nil { // given up meanwhile
		return context.Cause(ctx)
	}
	if gone, err := h.goOn(); gone {
		return err
	}
	return h.write(ctx, frame[cut:])
}

// goOn notes that the end of the request goes out now, which repairs and polls count from. gone says that nobody is there to hear it:
// why, unless the exchange finds out by itself.
func (h *Host) goOn() (gone bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fatal != nil || !h.welcomed {
		return true, h.fatal
	}
	now := time.Now()
	h.x.ready = nil // sent again, it waits for nothing
	h.x.tx.late(now.Add(h.x.wire.time(heldBack)))
	h.x.arm(now)
	return false, nil
}
