//go:build linux

package vm

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// Cable joins two serial lines whose QEMU ends are listening sockets (-chardev socket,server=on,wait=off). What one end does
// not take within a tenth of a second is lost, as on a wire with nobody at its end: QEMU on either side is never held up, which
// two ends in one process would not survive.
func Cable(t testing.TB, a, b string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), qmpTime)
	defer cancel()
	var ends [2]net.Conn
	for i, path := range []string{a, b} {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err != nil {
			t.Fatalf("vm: cable: %v", err)
		}
		ends[i] = c
	}
	var wg sync.WaitGroup
	wg.Go(func() { carry(ends[0], ends[1]) })
	wg.Go(func() { carry(ends[1], ends[0]) })
	t.Cleanup(func() {
		_ = ends[0].Close()
		_ = ends[1].Close()
		wg.Wait()
	})
}

// carry carries bytes one way until an end is gone.
func carry(to, from net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if err := to.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil && !os.IsTimeout(err) {
			return
		}
	}
}
