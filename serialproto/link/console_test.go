package link_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

func TestConsoleText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"boot banner before ANNOUNCE", "U-Boot 2026.01\r\nHit any key to stop autoboot: 3\r\n", "U-Boot 2026.01\nHit any key to stop autoboot: 3\n"},
		{"getty prompt", "\r\nDebian GNU/Linux 12 box ttyS0\r\n\r\nbox login: ", "box login: "},
		{"ANSI escapes", "\x1b[2J\x1b[1;31mred\x1b[0m\x07", `\x1b[2J\x1b[1;31mred\x1b[0m\x07`},
		{"invalid UTF-8", "temperature 20 \xb0C, all is well\n", `temperature 20 \xb0C`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
				defer b.close(t)
				b.near.Inject([]byte(c.text))
				if _, err := b.host.Greet(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.near.Inject([]byte(c.text))
				if err := enrol(t.Context(), b.host); err != nil {
					t.Fatal(err)
				}
				got := b.host.Console()
				if !strings.Contains(got, c.want) || strings.ContainsAny(got, "\x1b\x07\r") {
					t.Errorf("console: got %q, want it to hold %q and no control characters", got, c.want)
				}
			})
		})
	}
}

func TestMegabyteOfTextIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		b := start(t, prototest.Config{}, link.HostConfig{OnConsole: func(l string) {
			lines++
			if len(l) > 6*512 {
				t.Errorf("line of %d bytes", len(l))
			}
		}}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		chunk := []byte(strings.Repeat("kernel panic - not syncing\n", 100))
		for range 400 {
			b.near.Inject(chunk)
		}
		b.near.Inject([]byte{0})
		if err := enrol(t.Context(), b.host); err != nil {
			t.Fatal(err)
		}
		st := b.host.Stats()
		if n := len(b.host.Console()); n > 64<<10 {
			t.Errorf("console keeps %d bytes, want at most 64 KiB", n)
		}
		if st.TextBytes < 1<<20 || st.TextDropped < 900_000 || lines > 3000 {
			t.Errorf("got %d bytes, %d dropped, %d lines, want 1 MB heard and most of it dropped", st.TextBytes, st.TextDropped, lines)
		}
	})
}

func TestLogFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan string, 4)
		b := start(t, prototest.Config{}, link.HostConfig{OnConsole: func(l string) { got <- l }}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		b.dev.Log("entropy \x1b[31mlow")
		if l := <-got; l != `entropy \x1b[31mlow` {
			t.Errorf("got %q, want the line escaped", l)
		}
	})
}

// The lines of LOG frames are kept apart, one each, clean and bounded.
func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		b.near.Inject([]byte("boot text\r\n\x00"))
		for i := range 200 {
			b.dev.Log(fmt.Sprintf("%d: two\r\nlines \x1b[2J%s", i, strings.Repeat("x", 1000)))
			synctest.Wait()
		}
		got := b.host.Log()
		if len(got) != 64 {
			t.Fatalf("kept %d lines, want 64", len(got))
		}
		for i, l := range got {
			if want := fmt.Sprintf(`%d: two lines \x1b[2Jxxx`, 136+i); !strings.HasPrefix(l, want) || len(l) > 6*serialproto.MaxPayload {
				t.Errorf("line %d: got %q, want it to begin with %q", i, l, want)
			}
		}
	})
}

func TestSilentUntilAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		h := link.NewHost(near, link.HostConfig{})
		defer h.Close()
		near.Inject([]byte("Hit any key to stop autoboot: 3\r\n"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := h.Greet(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("greet: got %v, want %v", err, context.DeadlineExceeded)
		}
		if err := far.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if n, err := far.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("device heard %d bytes, %v, want silence", n, err)
		}
		if h.FirstByte().IsZero() {
			t.Errorf("first byte: got none")
		}
	})
}
