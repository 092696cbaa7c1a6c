package console

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const kernelLine = "[    3.123456] usb 1-1: new high-speed USB device number 2\r\n"

// TestScreenWork: what is looked through for boot text does not grow with what is kept.
func TestScreenWork(t *testing.T) {
	var c screen
	for range 2000 {
		c.add([]byte(kernelLine))
		if len(c.tail) > overlap || cap(c.tail) > 4*(overlap+len(kernelLine)) {
			t.Fatalf("%d of %d bytes are looked at again with %d kept, want %d at most", len(c.tail), cap(c.tail), len(c.text), overlap)
		}
	}
	if len(c.text) < screenSize || len(c.text) > 2*screenSize {
		t.Errorf("%d bytes are kept", len(c.text))
	}
}

// TestScreenBoot: boot text is heard however it is cut, with escapes in it, and once.
func TestScreenBoot(t *testing.T) {
	long := strings.Repeat(kernelLine, 40)
	for _, text := range []string{
		"U-Boot 2023.04 (May 01 2023)\r\n", long + "reboot: Restarting system\r\n" + long, "Hit any \x1b[1mkey to\x1b[0m stop autoboot:  2\r\n",
		long + "Booting `" + strings.Repeat("x", 38) + "' (default)...\n",
	} {
		for _, size := range []int{1, 2, 7, 16, 64, 4096} {
			var c screen
			heard := 0
			for p := []byte(text); len(p) > 0; p = p[min(size, len(p)):] {
				c.add(p[:min(size, len(p))])
				if c.reset {
					heard++
				}
				c.reset = false
			}
			if want := 1; heard != want || !c.boot {
				t.Errorf("%.30q, %d bytes at a time: heard %d times, want %d", strings.TrimPrefix(text, long), size, heard, want)
			}
		}
	}
	var c screen
	for _, p := range bytes.SplitAfter([]byte(long+"box login: root\nthe Linux version\n"), []byte("\n")) {
		c.add(p)
	}
	if c.boot || c.reset {
		t.Error("boot text was heard in what is none")
	}
}

// TestScreenBooting: what follows boot text closely counts as it does for when the box may be woken; much later text does not.
func TestScreenBooting(t *testing.T) {
	var c screen
	c.add([]byte("Starting kernel ...\r\n"))
	c.at = time.Time{}
	c.add([]byte(kernelLine))
	if c.at.IsZero() {
		t.Error("a line after boot text does not count")
	}
	for range 2 * screenSize / len(kernelLine) {
		c.add([]byte(kernelLine))
	}
	c.at = time.Time{}
	c.add([]byte(kernelLine))
	if !c.at.IsZero() || !c.boot {
		t.Error("what comes long after boot text counts")
	}
}

func BenchmarkScreenAdd(b *testing.B) {
	var c screen
	for range 400 {
		c.add([]byte(kernelLine))
	}
	b.SetBytes(16)
	for b.Loop() {
		c.add([]byte(kernelLine)[:16])
	}
}
